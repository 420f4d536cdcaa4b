"""The graph of a pipeline, drawn: as text, a level at a time, and for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from supervisor.dataflow.pipeline import Pipeline


def lines(pipeline: Pipeline) -> Iterator[str]:
    """Yield the steps by levels: each level waits only for those above it."""
    width = min(24, max(map(len, pipeline.steps)))
    for number, names in enumerate(pipeline.graph.levels, start=1):
        yield f"level {number}"
        for name in names:
            step = pipeline.steps[name]
            parts = [str(step.action), *_conditions(pipeline, name)]
            yield f"  {name:<{width}}  {'; '.join(parts)}"


def dot(pipeline: Pipeline) -> Iterator[str]:
    """Yield a graph in the language of Graphviz; edges that only order are dashed."""
    yield f"digraph {_quoted(pipeline.name)} {{"
    yield "  rankdir=LR;"
    yield "  node [shape=box, style=rounded];"
    for name, step in pipeline.steps.items():
        label = "\n".join([name, str(step.action), *_repeats(pipeline, name)])
        yield f"  {_quoted(name)} [label={_quoted(label)}];"
    for name in pipeline.steps:
        for other in pipeline.graph.values[name]:
            yield f"  {_quoted(other)} -> {_quoted(name)};"
        for other in pipeline.graph.order[name]:
            yield f"  {_quoted(other)} -> {_quoted(name)} [style=dashed];"
    yield "}"


def _conditions(pipeline: Pipeline, name: str) -> Iterator[str]:
    step, graph = pipeline.steps[name], pipeline.graph
    yield from _repeats(pipeline, name)
    if step.when is not True:
        yield f"when {str(step.when).lower() if step.when is False else step.when}"
    if graph.values[name]:
        yield f"needs {', '.join(graph.values[name])}"
    if graph.order[name]:
        yield f"after {', '.join(graph.order[name])}"


def _repeats(pipeline: Pipeline, name: str) -> Iterator[str]:
    """Yield how often a step runs, if it is repeated."""
    step = pipeline.steps[name]
    if not step.foreach:
        return
    number = pipeline.count(name)
    sources = ", ".join(f"{variable} of {_told(one)}" for variable, one in step.foreach.items())
    times = "times that the run will know" if number is None else f"{number} times"
    yield f"{times}: {sources}"


def _told(source: Any) -> str:
    """Return where the values of a variable come from, for people."""
    if isinstance(source, dict):
        text = f"{source.get('from', 0)} to {source['to']}"
        return f"{text} by {source['step']}" if "step" in source else text
    text = source if isinstance(source, str) else repr(source)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
