"""Random pipelines give what a plain evaluation in topological order gives."""

import json
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.experiment.journal import read_journal
from supervisor.experiment.step_events import StepFinished
from tests.dataflow.pipelines import newest, run, values, write

MODULE = """
def flat(x):
    return sum(map(flat, x)) if isinstance(x, list) else x

def total(number, xs, item=0):
    return (number + item + flat(xs)) % 97
"""
SKIPPED = object()


@st.composite
def pipelines(draw):
    """Return steps, each with the earlier ones that it needs, and an order to write them in."""
    steps = []
    for number in range(draw(st.integers(1, 9))):
        earlier = st.sampled_from([step["name"] for step in steps]) if steps else st.nothing()
        lists = [step["name"] for step in steps if step["each"] is not None]
        sources = [st.none(), st.none(), st.integers(0, 4)]
        sources += [st.sampled_from(lists)] if lists else []
        steps.append(
            {
                "name": f"s{number}",
                "number": draw(st.integers(0, 50)),
                "refs": draw(st.lists(earlier, max_size=3, unique=True)) if steps else [],
                "after": draw(st.lists(earlier, max_size=2, unique=True)) if steps else [],
                "each": draw(st.one_of(sources)),
                "when": draw(st.none() | st.none() | earlier) if steps else None,
            }
        )
    return steps, draw(st.permutations(steps))


def is_list(name, steps):
    return next(step["each"] is not None for step in steps if step["name"] == name)


def text_of(steps, order):
    """Return the steps as YAML."""
    written = {}
    for step in order:
        arguments = {"number": step["number"], "xs": [f"${{{name}}}" for name in step["refs"]]}
        section = {"python": "random_work:total", "with": arguments, "task": {"run": "inline"}}
        section["after"] = step["after"]
        if step["each"] is not None:
            each = step["each"]
            source = {"from": 1, "to": each} if isinstance(each, int) else f"${{{each}}}"
            section["foreach"] = {"item": source}
            arguments["item"] = "${item}"
        if step["when"]:
            name = step["when"]
            size = f"({name} | length)" if is_list(name, steps) else name
            section["when"] = f"${{{size} % 2 == 0}}"
        written[step["name"]] = section
    return json.dumps({"steps": written})[1:-1]


def evaluated(steps):
    """Return the values of all steps, computed one after the other."""
    scope = {}
    exec(MODULE, scope)
    found = {}
    for step in steps:
        name, each = step["name"], step["each"]
        needed = [*step["refs"], *([step["when"]] if step["when"] else [])]
        needed += [each] if isinstance(each, str) else []
        if any(found[one] is SKIPPED for one in needed):
            found[name] = SKIPPED
            continue
        xs = [found[one] for one in step["refs"]]
        items = range(1, each + 1) if isinstance(each, int) else found.get(each)
        if step["when"]:
            value = found[step["when"]]
            odd = (len(value) if isinstance(value, list) else value) % 2
            if odd and (each is None or len(items)):
                found[name] = SKIPPED
                continue
        if each is None:
            found[name] = scope["total"](step["number"], xs)
        else:
            found[name] = [scope["total"](step["number"], xs, item) for item in items]
    return found


@settings(max_examples=60, deadline=None)
@given(pipelines())
def test_a_random_pipeline_gives_what_a_plain_evaluation_gives(pipeline):
    steps, order = pipeline
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, "", MODULE, name="random_work")
        (folder / "workflow.yaml").write_text("{name: flow, " + text_of(steps, order) + "}")
        before = list(sys.path)
        assert run(folder, "--quiet") == 0
        sys.path[:] = before
        sys.modules.pop("random_work", None)
        seen = values(folder)
    wanted = {}
    for step, value in evaluated(steps).items():
        if isinstance(value, list):
            wanted |= {f"{step}[{index}]": one for index, one in enumerate(value)}
        elif value is not SKIPPED:
            wanted[step] = value
    assert seen == wanted


@pytest.mark.parametrize("number", [5000])
def test_thousands_of_steps_run_and_the_first_begins_soon(number, tmp_path):
    lines = ["steps:"]
    for i in range(number):
        x = f"'${{s{i - 10} + 1}}'" if i >= 10 else "0"
        lines += [f"  s{i}:", "    python: many:same", f"    with: {{x: {x}}}"]
        lines += ["    task: {run: inline}"]
    write(tmp_path, "\n".join(lines) + "\n", "def same(x): return x\n", name="many")
    began_s = time.time()
    assert run(tmp_path, "--quiet") == 0
    events = read_journal(newest(tmp_path) / "journal.jsonl")
    finished = [event for event in events if isinstance(event, StepFinished)]
    assert len(finished) == number
    assert max(event.value for event in finished) == (number - 1) // 10
    assert min(event.start_s for event in finished) - began_s < 10, "it takes 1 s if undisturbed"
