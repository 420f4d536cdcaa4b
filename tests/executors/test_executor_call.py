"""Signatures, returned values, failures in words, and the context."""

from __future__ import annotations

import enum
import fractions
import math
import signal
import subprocess
import sys

import numpy as np
import pytest

from supervisor.core.objective import Evaluation, Objective
from supervisor.executors.call import adapt
from supervisor.executors.context import Context
from supervisor.executors.failures import TaskError, from_status
from supervisor.executors.metrics import encode, require, to_metrics

OBJECTIVE = Objective(run="inline", source_dir=".", experiment_dir=".", metric="loss")
EVALUATION = Evaluation(3, "RUN000003", {"x": 1}, seed=9, attempt=2)


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "function",
    [
        lambda params, task: (params, task),
        lambda params, anything: (params, anything),
        lambda params, task=None: (params, task),
        lambda params, *, task: (params, task),
        lambda params, task, verbose=True: (params, task),
        lambda params, verbose=True, *, task=None: (params, task),
    ],
)
def test_a_function_that_asks_for_the_task_gets_it(function):
    context = Context(EVALUATION, OBJECTIVE)
    assert adapt(function, "m:f")(EVALUATION, context) == ({"x": 1}, context)


@pytest.mark.parametrize(
    "function",
    [
        lambda params: params,
        lambda params, verbose=True: params,
        lambda params, **others: {**params, **others},
        dict,
    ],
)
def test_a_function_that_does_not_ask_gets_a_copy_of_the_parameters(function):
    found = adapt(function, "m:f")(EVALUATION, Context(EVALUATION, OBJECTIVE))
    assert found == {"x": 1}
    found["x"] = 2
    assert EVALUATION.values == {"x": 1}


@pytest.mark.parametrize("function", [lambda: 0, lambda a, b, c: 0, lambda *, params: 0])
def test_other_signatures_are_refused(function):
    with pytest.raises(TaskError, match=r"expected \(params\) or \(params, task\)"):
        adapt(function, "m:f")


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (1, 1.0),
        (0.5, 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(2.0), 2.0),
        (np.array([2.0]), 2.0),
        (fractions.Fraction(1, 2), 0.5),
        (-math.inf, -math.inf),
        (10**400, math.inf),
        ({"loss": np.float64(2)}, 2.0),
        ({"loss": np.ones(1)}, 2.0 - 1),
    ],
)
def test_numbers_of_all_kinds_are_metrics(returned, expected):
    found = require(to_metrics(returned, "loss"), "loss")
    assert found == {"loss": expected}
    assert type(found["loss"]) is float


def test_other_metrics_keep_their_types():
    given = {
        "a": np.arange(3),
        "b": (1, "x", None),
        "c": True,
        "d": Colour.RED,
        "e": np.str_("text"),
        np.str_("f"): np.bool_(False),
    }
    expected = {"a": [0, 1, 2], "b": [1, "x", None], "c": True, "d": 1, "e": "text", "f": False}
    assert to_metrics(given, None) == expected
    encode(to_metrics(given, None))


def test_without_a_metric_anything_sensible_goes():
    assert to_metrics(None, None) == {}
    assert to_metrics(2, None) == {"result": 2}


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("text", "returned str 'text'; expected a number, or a mapping of metrics that holds"),
        (None, "returned None; expected a number"),
        (True, "returned bool True; expected a number"),
        (object(), "returned object <object"),
        ([1, 2], "returned list [1, 2]; expected"),
        (1j, "returned complex 1j"),
        ({"loss": 1, 2: 3}, "metric names are texts; got int 2"),
        ({"loss": 1, "fit": {}}, "metric 'fit' is dict {}; expected a number, text"),
        ({"accuracy": 1, "time": 2}, "the result has no metric 'loss'; it holds accuracy, time"),
        ({"loss": "low"}, "metric 'loss' is str 'low'; expected a real number"),
        ({"loss": True}, "metric 'loss' is bool True; expected a real number"),
        ({"loss": 1, "big": 2**70}, "the result cannot be stored"),
        ({"loss": 1, "text": "\ud800"}, "the result cannot be stored"),
    ],
)
def test_a_silly_result_is_explained(returned, message):
    with pytest.raises(TaskError) as caught:
        encode(require(to_metrics(returned, "loss"), "loss"))
    assert str(caught.value).startswith(message)
    assert caught.value.failure.kind == "invalid"


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (0, "exited", "exited with code 0 before it returned a result"),
        (3 << 8, "exited", "exited with code 3"),
        (int(signal.SIGSEGV), "signal", "killed by signal 11 (SIGSEGV)"),
        (40, "signal", "killed by signal 40"),
    ],
)
def test_wait_statuses_in_words(status, kind, message):
    failure = from_status(status)
    assert (failure.kind, failure.message) == (kind, message)


def test_devices_are_those_of_the_first_variable(monkeypatch):
    context = Context(EVALUATION, OBJECTIVE)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert context.devices == ()
    monkeypatch.setenv("ZE_AFFINITY_MASK", "0.0,0.1")
    assert context.devices == ("0.0", "0.1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert context.devices == ("2",)


def test_time_left_is_never_negative():
    assert Context(EVALUATION, OBJECTIVE).time_left_s == math.inf
    assert Context(EVALUATION, OBJECTIVE, end_s=1.0).time_left_s == 0.0


def test_the_child_imports_little():
    code = (
        "import sys, supervisor.executors.child\n"
        "heavy = {'numpy', 'psutil', 'multiprocessing', 'subprocess', 'mpi4py', 'click', 'rich'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
