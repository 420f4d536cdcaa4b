"""Programs written for EQ-Py."""

import ast
import json
import math
import random
import sys

import pytest

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.programs.queues import eqpy
from supervisor.optimizers.protocol import Told
from tests.contracts.optimizer import SPACE, OptimizerContract
from tests.optimizers.searching import ONED, ONED_MINIMUM, oned, search


def run(eqpy):
    """Draw points around the best one, as programs for EQ-Py do it."""
    eqpy.OUT_put("Params")
    rounds, size, seed = ast.literal_eval(eqpy.IN_get())
    rng = random.Random(seed)
    best, best_x = math.inf, 10.0
    for number in range(rounds):
        width = 10 / 2**number
        batch = [min(max(best_x + rng.uniform(-width, width), 0), 20) for _ in range(size)]
        eqpy.OUT_put(";".join(json.dumps({"x": x}) for x in batch))
        losses = [float(text) for text in eqpy.IN_get().split(";")]
        for loss, x in zip(losses, batch, strict=True):
            if loss < best:
                best, best_x = loss, x
    eqpy.OUT_put("DONE")
    eqpy.OUT_put(json.dumps({"best": best}))


def walk(eqpy):
    """Read the space from the arguments."""
    eqpy.OUT_put("Params")
    start = json.loads(eqpy.IN_get())
    rng = random.Random(start["seed"])
    for _ in range(start["evaluations"] // 4):
        points = [
            {
                "x": rng.uniform(0, 1),
                "units": rng.randint(1, 64),
                "activation": rng.choice(["tanh", [1, 2]]),
                "epochs": start["space"]["parameters"]["epochs"]["value"],
            }
            for _ in range(4)
        ]
        eqpy.OUT_put("; ".join(map(json.dumps, points)))
        answers = eqpy.IN_get().split(";")
        assert len(answers) == 4
    eqpy.OUT_put("DONE")


HERE = __name__


class TestProgram(OptimizerContract):
    @pytest.fixture
    def make(self):
        return lambda seed: adapt(eqpy(SPACE, program=f"{HERE}:walk", evaluations=40, seed=seed))


def test_a_program_searches_with_arguments_of_its_own():
    optimizer = adapt(eqpy(ONED, program=f"{HERE}:run", arguments="(6, 10, 3)"))
    found = search(optimizer, oned)
    assert len(found.points) == 60
    assert found.best < ONED_MINIMUM + 0.05


@pytest.fixture
def program(monkeypatch):
    """Return a function that starts a search by a function of its own."""

    def start(function):
        monkeypatch.setattr(sys.modules[HERE], "current", function, raising=False)
        return adapt(eqpy(ONED, program=f"{HERE}:current"))

    return start


def test_answers_have_one_text_for_each_point(program):
    answers = []

    def talk(eqpy):
        eqpy.OUT_put("")
        eqpy.IN_get()
        eqpy.OUT_put('{"x": 1, "note": "a;b"} ;{"x": 2};{"x": 3};{"x": 4};')
        answers.append(eqpy.IN_get())

    optimizer = program(talk)
    points = optimizer.ask(9)
    assert points == [{"x": 1, "note": "a;b"}, {"x": 2}, {"x": 3}, {"x": 4}]
    losses = [0.1 + 0.2, None, math.nan, 1.0]
    optimizer.tell(
        [
            Told(
                id=index, values=points[index], loss=loss, losses=(1.0, -2.5) if loss == 1 else ()
            )
            for index, loss in enumerate(losses)
        ]
    )
    assert answers == ["0.30000000000000004;nan;nan;1.0,-2.5"]


def test_texts_are_answered_in_their_order(program):
    answers = []

    def talk(eqpy):
        eqpy.OUT_put("Params")
        eqpy.OUT_put('{"x": 1}')
        eqpy.OUT_put('{"x": 2}')
        eqpy.IN_get()
        answers.extend([eqpy.IN_get(), eqpy.IN_get()])

    search(program(talk), lambda values: values["x"] * 10.0)
    assert answers == ["10.0", "20.0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=1", r"an EQ-Py program put 'x=1': Expecting value"),
        ("[1]", r"put '\[1\]': \[1\] is not a JSON object"),
        ('{"x": 1},{"x": 2}', r"""',\{"x": 2\}' follows a point; there should be a semicolon"""),
        ("DONE", r"put 'DONE'"),
    ],
)
def test_texts_that_are_not_of_points_are_shown(program, text, message):
    def talk(eqpy):
        eqpy.OUT_put("Params")
        eqpy.IN_get()
        eqpy.OUT_put(text)
        eqpy.IN_get()

    with pytest.raises(OptimizerError, match=message):
        program(talk)


def test_waiting_for_no_answer_is_an_error(program):
    with pytest.raises(OptimizerError, match="waits for an answer, but has put nothing"):
        program(lambda eqpy: eqpy.IN_get())


def test_what_a_program_raises_names_its_line(program):
    def talk(eqpy):
        eqpy.OUT_put("Params")
        int(eqpy.IN_get())

    with pytest.raises(OptimizerError, match=r"current: ValueError: .*test_queues.py:\d+\)"):
        program(talk)


def test_a_program_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"^program: .* has no 'rum'. Did you mean 'run'"):
        eqpy(ONED, program=f"{HERE}:rum")
    with pytest.raises(InputError, match="is not a function"):
        eqpy(ONED, program=f"{HERE}:HERE")
