"""Optimizers, a folder for each family: a ``Recipe`` makes the one that a workflow names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from supervisor.core.blame import blame
from supervisor.core.definition import Where
from supervisor.core.errors import InputError, OptimizerError, SupervisorError
from supervisor.core.registry import Registry
from supervisor.core.space import Space
from supervisor.optimizers.initial import Initial
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.programs.calling import as_factory
from supervisor.optimizers.protocol import Optimizer
from supervisor.optimizers.settings import check_settings, names_of
from supervisor.optimizers.tabular import Table

COMMAND = "command"

KINDS = Registry(
    "optimizer",
    {
        "asha": "supervisor.optimizers.fidelity.asha:asha",
        "bayes": "supervisor.optimizers.bayes.search:bayes",
        "cmaes": "supervisor.optimizers.evolution.cmaes:cmaes",
        COMMAND: "supervisor.optimizers.programs.command:Command",
        "eqpy": "supervisor.optimizers.programs.queues:eqpy",
        "genetic": "supervisor.optimizers.evolution.genetic:genetic",
        "grid": "supervisor.optimizers.designs.grid:grid",
        "hyperband": "supervisor.optimizers.fidelity.hyperband:hyperband",
        "hyperspace": "supervisor.optimizers.hyperspace.search:hyperspace",
        "lhs": "supervisor.optimizers.designs.spread:lhs",
        "nsga2": "supervisor.optimizers.evolution.nsga2:nsga2",
        "optuna": "supervisor.optimizers.optuna:Optuna",
        "pbt": "supervisor.optimizers.fidelity.pbt:pbt",
        "random": "supervisor.optimizers.designs.random:random",
        "sobol": "supervisor.optimizers.designs.spread:sobol",
        "upf": "supervisor.optimizers.designs.upf:upf",
    },
)

AT_ONCE = frozenset({"grid", "random", "upf"})
"""Those that need no time to think, and no process of their own."""

SINGLE = frozenset({"asha", "bayes", "cmaes", "genetic", "hyperband", "hyperspace", "pbt"})
"""Those that look at one objective only."""


class Recipe(msgspec.Struct, frozen=True):
    """How to make the optimizer of a workflow.

    Attributes:
        kind: A name in ``KINDS``, or ``module:factory`` of the user's own. The factory takes the
            space, and the settings by name.
        settings: What stands beside ``kind``.
        space: Where to search.
        where: Locates keys, e.g. ``where("optimizer", "seed")``.
        folder: The workflow's; modules of the user's are looked for here first.
        initial: Points to begin with, and results that are known, or None.
        objectives: The metrics that are optimised, and whether more of them is better. A factory
            that takes ``metric`` and ``maximize`` is told the first one, unless they are set.
    """

    kind: str
    settings: Mapping[str, Any]
    space: Space
    where: Where
    folder: Path
    initial: Table | None = None
    objectives: tuple[tuple[str, bool], ...] = ()

    def check(self) -> dict[str, Any]:
        """Return the settings, converted to what the factory takes.

        Raises:
            InputError: If there is no such optimizer, or a setting is wrong.
        """
        factory, settings = self._factory(), dict(self.settings)
        if self.objectives and {"metric", "maximize"} <= names_of(factory) - settings.keys():
            settings["metric"], settings["maximize"] = self.objectives[0]
        return check_settings(factory, settings, self.kind, self._here)

    def build(self) -> Optimizer:
        """Return the optimizer, at its first point.

        Raises:
            InputError: If there is no such optimizer, or a setting is wrong; a factory may give
                the setting's name as the place.
            OptimizerError: If the user's factory raises, or does not return an optimizer.
        """
        factory, settings = self._factory(), self.check()
        try:
            search = factory(self.space, **settings)
        except InputError as error:
            setting = error.where.removeprefix("optimizer.")
            if setting not in names_of(factory):
                raise
            raise InputError(self._here(setting), error.problem) from error
        except SupervisorError:
            raise
        except (Exception, SystemExit) as error:
            file = getattr(sys.modules.get(factory.__module__), "__file__", None)
            raise OptimizerError(f"optimizer {self.kind}: {blame(error, file)}") from error
        optimizer = adapt(search)
        if self.initial is None:
            return optimizer
        return Initial(optimizer, self.initial.points, self.initial.known)

    def _factory(self) -> Callable[..., Any]:
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        factory: Callable[..., Any] = as_factory(KINDS.load(self.kind, self._here("kind")))
        return factory

    def _here(self, *path: object) -> str:
        return self.where("optimizer", *path)
