"""What ``supervisor status`` and ``why`` print of pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from supervisor.core.duration import clock
from supervisor.core.errors import UnknownName
from supervisor.experiment.folder import Experiment
from supervisor.experiment.step_events import StepFailed, StepFinished, StepSkipped
from supervisor.experiment.steps import Ended, StepsState, StepState, named, status_of
from supervisor.experiment.times import timestamp
from supervisor.monitor.text import count, pairs

LONGEST_VALUE = 2_000
KNOWN_SHOWN = 20


def status_lines(state: StepsState) -> Iterator[str]:
    """Yield how a pipeline stands: counts, then a line a step."""
    counts = state.counts()
    yield (
        f"{counts['finished']} finished, {counts['failed']} failed, {counts['skipped']} skipped; "
        f"{clock(state.busy_s)} of work in {count(len(state.sessions), 'session')}"
    )
    width = max(map(len, state.steps), default=0)
    for name, step in state.steps.items():
        yield f"  {name:<{width}}  {_standing(step)}"


def _standing(step: StepState) -> str:
    """Return how one step stands, in a few words."""
    parts = [f"{number} {word}" for word, number in step.counts().items() if number]
    if step.expanded is not None:
        missing = step.expanded.count - len(step.ended)
        parts += [f"{missing} open"] if missing else []
        return f"{', '.join(parts) or 'no instances'}, of {step.expanded.count}"
    return next((status_of(event) for event in step.ended.values()), "open")


def why_lines(state: StepsState, name: str, experiment: Experiment) -> Iterator[str]:
    """Yield all that is known of an instance: ``train[3]``, or of all of ``train``.

    Raises:
        UnknownName: If there is no such step or instance, or if it has not ended.
    """
    ended = [event for step in state.steps.values() for event in step.ended.values()]
    chosen = [event for event in ended if named(event) == name]
    if not chosen and name in state.steps:
        step = state.steps[name]
        yield f"{experiment.label} {name}: {_standing(step)}"
        chosen = [step.ended[index] for index in sorted(step.ended)]
        for event in chosen:
            yield f"  {named(event)} {status_of(event)}: {pairs(event.each)}"
        return
    if not chosen:
        known = list(dict.fromkeys([*state.steps, *map(named, ended)]))
        raise UnknownName(experiment.label, name, known[:KNOWN_SHOWN], what="step")
    for event in chosen:
        yield from _told(event, experiment)


def _told(event: Ended, experiment: Experiment) -> Iterator[str]:
    yield f"{experiment.label} {named(event)}: {status_of(event)}"
    if event.each:
        yield f"  foreach: {pairs(event.each)}"
    match event:
        case StepFinished():
            shown = f"in {experiment.path / event.file}" if event.file else _short(event.value)
            yield f"  value: {shown}"
        case StepFailed():
            yield f"  {event.place}: failed ({event.kind}): {event.message}"
        case StepSkipped():
            yield f"  {event.reason}"
            return
    if event.rank >= 0 and event.start_s is not None and event.end_s is not None:
        seconds = event.end_s - event.start_s
        began = timestamp(event.start_s)
        yield f"  on rank {event.rank} ({event.host}), began {began}, took {seconds:.3f} s"
    if isinstance(event, StepFailed):
        yield from (f"    | {line}" for line in event.details.splitlines())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
