"""Where the optimizer of a workflow thinks."""

from __future__ import annotations

import os

from supervisor.core.errors import InputError
from supervisor.dataflow.workflow import Workflow
from supervisor.executors.environment import child_environment
from supervisor.optimizers import AT_ONCE
from supervisor.optimizers.serving.channel import Channel, Local
from supervisor.optimizers.serving.remote import Remote


def open_channel(workflow: Workflow) -> Channel:
    """Return a channel to the optimizer of a search or an ensemble; the caller closes it.

    It runs beside the campaign in a process of its own, with one core, unless it needs no time.
    """
    if workflow.kind in AT_ONCE:
        return Local(workflow.optimizer())
    return Remote(workflow.recipe, child_environment(os.environ, cores=1))


def check_stops(workflow: Workflow, channel: Channel) -> None:
    """Check that trials can be stopped, if the optimizer wants to; it has begun.

    Raises:
        InputError: If they run in the worker itself, which hears of nothing while they do.
    """
    judges = channel.ready is not None and channel.ready.judges
    if judges and workflow.run in ("inline", "group"):
        other = "'process'" if workflow.run == "inline" else "'mode: promote', if it has that"
        problem = f"{workflow.run!r} trials cannot be stopped early, as {workflow.kind} does"
        problem += f"; use {other}"
        raise InputError(workflow.document.where("task", "run"), problem)
