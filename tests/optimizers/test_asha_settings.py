"""Settings of asynchronous successive halving."""

import pytest

from supervisor.core.errors import InputError, UnknownName
from supervisor.optimizers.fidelity.asha import asha
from supervisor.optimizers.protocol import Told
from tests.optimizers.halving_searches import parse, promoting


@pytest.mark.parametrize(
    ("space", "settings", "error", "message"),
    [
        ({"epochs": {"int": [1, 27]}}, {"resource": "epoch"}, UnknownName, "'epochs'"),
        ({"epochs": {"int": [1, 27]}}, {"mode": "promote"}, InputError, "optimizer.resource"),
        ({}, {}, InputError, "optimizer.max_resource: is missing"),
        ({"epochs": 27}, {"mode": "promote", "resource": "epochs"}, InputError, "a constant"),
        ({"epochs": "many"}, {"resource": "epochs"}, InputError, "above 0"),
        ({"epochs": True}, {"resource": "epochs"}, InputError, "above 0"),
        ({"epochs": 27}, {"resource": "epochs", "max_resource": 9}, InputError, "which is 27"),
        ({"epochs": {"int": [0, 27]}}, {"resource": "epochs"}, InputError, "begin above 0"),
        (
            {"epochs": {"int": [1, 27]}},
            {"resource": "epochs", "max_resource": 81},
            InputError,
            r"optimizer.max_resource: epochs would be 81, but its range is \[1, 27\]",
        ),
        (
            {"epochs": {"int": [1, 27]}},
            {"resource": "epochs", "min_resource": 10},
            InputError,
            "27 is less than 3 times the least resource, 10",
        ),
    ],
)
def test_settings_that_do_not_fit_are_explained(space, settings, error, message):
    with pytest.raises(error, match=message):
        asha(parse({"x": {"float": [0, 1]}} | space), evaluations=9, **settings)


@pytest.mark.parametrize(
    ("space", "forbid", "message"),
    [
        ({"y": {"int": [1, 5], "when": "epochs > 3"}}, (), "y.when: depends on epochs"),
        ({}, ["epochs > 9 and x > 0.5"], "forbid.0: depends on epochs"),
        ({"epochs": {"int": [1, 27], "when": "x > 0"}}, (), "epochs.when: epochs is the resource"),
    ],
)
def test_conditions_on_a_resource_that_changes_are_refused(space, forbid, message):
    full = {"x": {"float": [0, 1]}, "epochs": {"int": [1, 27]}} | space
    with pytest.raises(InputError, match=message):
        promoting(parse(full, forbid))


def test_a_float_resource_has_levels_between_its_bounds():
    space = parse({"x": {"float": [0, 1]}, "fraction": {"float": [0.1, 0.9]}})
    search = asha(space, evaluations=9, resource="fraction", mode="promote")
    points = search.ask(3)
    assert [one["fraction"] for one in points] == pytest.approx([0.1] * 3)
    search.tell([Told(id=i, values=p, loss=i) for i, p in enumerate(points)])
    (promoted,) = search.ask(1)
    assert promoted.values["fraction"] == pytest.approx(0.3)
