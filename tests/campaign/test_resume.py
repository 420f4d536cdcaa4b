"""Every optimizer goes on from a journal with the suggestions that it would have given."""

import random
from pathlib import Path

import pytest

from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.core.space import Space
from supervisor.experiment.events import Asked, Failed, Finished, Reported
from supervisor.optimizers import KINDS, Recipe
from supervisor.optimizers.serving.channel import Local

SPACE = {
    "x": {"float": [-1.0, 1.0], "steps": 4},
    "units": {"int": [1, 64], "log": True, "steps": 3},
    "kernel": {"choice": ["linear", "rbf", "poly"]},
    "gamma": {"float": [1e-4, 1.0], "log": True, "steps": 3, "when": "kernel != 'linear'"},
    "epochs": {"int": [1, 27], "steps": 2},
}
LEVELS = {"resource": "epochs", "min_resource": 1, "max_resource": 27}
SETTINGS = {
    "asha": {**LEVELS, "mode": "promote", "sampler": "bayes"},
    "hyperband": LEVELS,
    "pbt": {"resource": "epochs", "interval": 9, "population": 4},
    "hyperspace": {"dimensions": ["x", "units"]},
    "genetic": {"population": 8},
    "nsga2": {"population": 8},
}
ELSEWHERE = {"upf", "command", "eqpy"}  # files and programs of the user's, with tests of their own
EVALUATIONS = 30
FACTS = {"rank": 1, "host": "h", "start_s": 0.0, "end_s": 1.0}


def where(*path):
    return ".".join(map(str, path))


def begin(kind):
    settings = {"evaluations": EVALUATIONS, "seed": 5, **SETTINGS.get(kind, {})}
    space = Space.parse(SPACE, where)
    recipe = Recipe(kind, settings, space, where, Path(), objectives=(("y", False),))
    return Suggestions(Local(recipe.build()), Settings(metric="y", evaluations=EVALUATIONS), space)


def ask(suggestions, n):
    suggestions.request(n)
    batch = suggestions.take()
    return None if batch is None or not batch.points else batch


def search(kind, workers=4):
    """Return the events of a campaign whose evaluations end in any order, and some fail."""
    rng = random.Random(kind)
    suggestions, events, flying = begin(kind), [], []
    while True:
        if len(flying) < workers and (batch := ask(suggestions, workers - len(flying))):
            events.append(Asked(n=batch.n, points=batch.points, after=batch.after, time_s=0.0))
            flying += batch.points
        if not flying:
            return events
        point = flying.pop(rng.randrange(len(flying)))
        loss = abs(point.values["x"]) + point.values["units"] / point.values["epochs"]
        for step in (0, 2, 8):
            report = Reported(
                point=point.id, attempt=1, step=step, metrics={"y": loss}, time_s=0.0
            )
            events.append(report)
            suggestions.report(point.id, step, {"y": loss})
        common = {"point": point.id, "attempt": 1, **FACTS}
        if rng.random() < 0.1:
            event = Failed(kind="raised", message="no", final=True, **common)
        else:
            event = Finished(loss=loss, losses=(), metrics={"y": loss}, **common)
        events.append(event)
        suggestions.tell(event)


@pytest.mark.parametrize("kind", sorted(set(KINDS.entries) - ELSEWHERE))
def test_the_next_suggestions_are_the_same_bit_by_bit(kind):
    events = search(kind)
    asks = [index for index, event in enumerate(events) if isinstance(event, Asked)]
    assert len(asks) > 3 or kind == "nsga2"
    for index in {asks[0], asks[1], asks[len(asks) // 2], asks[-1]}:
        again = begin(kind)
        again.replay(events[:index], "journal")
        batch = ask(again, events[index].n)
        assert batch.points == events[index].points


@pytest.mark.parametrize("kind", sorted(set(KINDS.entries) - ELSEWHERE))
def test_a_campaign_killed_between_ask_and_tell_goes_on(kind):
    events = search(kind)
    asks = [index for index, event in enumerate(events) if isinstance(event, Asked)]
    cut = asks[len(asks) // 2] + 1
    later = [event for event in events[cut:] if isinstance(event, Finished | Failed)]
    found = []
    for _ in range(2):
        again = begin(kind)
        again.replay(events[:cut], "journal")
        again.tell(later[0])
        batch = ask(again, 2)
        found.append(batch and batch.points)
    assert found[0] == found[1]
