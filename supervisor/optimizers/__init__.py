"""Optimizers, one file each: ``build`` makes the one that a workflow names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from supervisor.core.blame import blame
from supervisor.core.definition import Where
from supervisor.core.errors import OptimizerError, SupervisorError
from supervisor.core.registry import Registry
from supervisor.core.space import Space
from supervisor.optimizers.adapt import adapt
from supervisor.optimizers.protocol import Optimizer
from supervisor.optimizers.settings import check_settings

KINDS = Registry(
    "optimizer",
    {
        "grid": "supervisor.optimizers.grid:grid",
        "random": "supervisor.optimizers.random:random",
        "upf": "supervisor.optimizers.upf:upf",
    },
)


def build(kind: str, settings: Mapping[str, Any], space: Space, where: Where) -> Optimizer:
    """Return the optimizer of a workflow.

    Args:
        kind: A name in ``KINDS``, or ``module:factory`` of the user's own. The factory takes the
            space, and the settings by name.
        settings: What stands beside ``kind``.
        space: Where to search.
        where: Locates keys, e.g. ``where("optimizer", "seed")``.

    Raises:
        InputError: If there is no such optimizer, or a setting is wrong.
        OptimizerError: If the user's factory raises, or does not return an optimizer.
    """
    factory = KINDS.load(kind, where("optimizer", "kind"))

    def here(*path: object) -> str:
        return where("optimizer", *path)

    checked = check_settings(factory, settings, kind, here)
    try:
        search = factory(space, **checked)
    except SupervisorError:
        raise
    except (Exception, SystemExit) as error:
        file = getattr(sys.modules.get(factory.__module__), "__file__", None)
        raise OptimizerError(f"optimizer {kind}: {blame(error, file)}") from error
    return adapt(search)
