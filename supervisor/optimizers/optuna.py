"""Samplers of Optuna, asked and told in memory."""

from __future__ import annotations

import inspect
import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna as library
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState, create_trial

from supervisor.core.errors import InputError, OptimizerError, UnknownName
from supervisor.core.objective import Values
from supervisor.core.parameter import Discrete, Float, Int, Ordered, Parameter
from supervisor.core.space import Space
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.flight import Flight
from supervisor.optimizers.protocol import Told
from supervisor.optimizers.settings import AtLeastOne
from supervisor.optimizers.window import Window

_FEWEST = 8  # points in flight, with however few workers
_REDRAWS = 100  # forbidden suggestions in a row, after which a random point is taken


class Optuna:
    """Suggest points by one of Optuna's samplers.

    Failed trials, and those whose loss is NaN, are told as failed. Parameters that are inactive
    in a point are not suggested for it.

    Args:
        space: Forbidden suggestions count as failed trials, and another one is drawn.
        evaluations: Number of points.
        sampler: Name of a class in ``optuna.samplers``.
        settings: What this class takes, but the seed.
        objectives: Number of losses of a point.
        seed: The same seed and the same results give the same points.

    Raises:
        InputError: If there is no such sampler, or it does not take the settings.

    Source:
        Akiba et al., Optuna, KDD 2019; the default sampler, Bergstra et al., NIPS 2011.
    """

    def __init__(
        self,
        space: Space,
        *,
        evaluations: AtLeastOne,
        sampler: str = "TPESampler",
        settings: dict[str, Any] | None = None,
        objectives: AtLeastOne = 1,
        seed: int = 0,
    ) -> None:
        library.logging.set_verbosity(library.logging.WARNING)
        self._space = space
        self._evaluations = evaluations
        self._objectives = objectives
        self._axes = {name: _Axis(space.parameters[name]) for name in space.dims}
        self._study = library.create_study(
            sampler=_sampler(sampler, settings or {}, seed), directions=["minimize"] * objectives
        )
        self._elsewhere = random(space, evaluations=sys.maxsize, seed=seed)
        self._flight: Flight[Trial] = Flight()
        self._window = Window(_FEWEST)

    def learn(self, results: list[Told]) -> None:
        """Add results as trials; points outside of the space are passed over."""
        for result in results:
            values = self._space.complete(result.values)
            losses = self._losses(result)
            if losses and not self._space.problem(values):
                axes = {name: self._axes[name] for name in values if name in self._axes}
                self._study.add_trial(
                    create_trial(
                        params={name: axis.internal(values[name]) for name, axis in axes.items()},
                        distributions={name: axis.distribution for name, axis in axes.items()},
                        values=losses,
                    )
                )

    def ask(self, n: int) -> list[Values]:
        """Return up to ``n`` points."""
        points = []
        for _ in range(min(self._window.open(n), self._evaluations - self._flight.asked)):
            trial, values = self._suggest()
            self._flight.start(trial)
            points.append(values)
        self._window.asked(len(points))
        return points

    def tell(self, results: list[Told]) -> None:
        """Tell the sampler, each result at once."""
        landed = self._flight.land(results)
        self._window.told(len(landed))
        for trial, result in landed:
            if losses := self._losses(result):
                self._study.tell(trial, losses)
            else:
                self._study.tell(trial, state=TrialState.FAIL)

    def _losses(self, result: Told) -> Sequence[float]:
        """Return the losses; none if there are none to learn from."""
        if result.loss is None:
            return ()
        losses = result.losses or (result.loss,)
        if len(losses) != self._objectives:
            raise OptimizerError(
                f"optimizer optuna: a point has {len(losses)} losses, not {self._objectives}; "
                f"set optimizer.objectives to {len(losses)}"
            )
        return () if any(math.isnan(loss) for loss in losses) else losses

    def _suggest(self) -> tuple[Trial, Values]:
        for _ in range(_REDRAWS):
            trial, values = self._draw()
            if not self._space.forbidden(values):
                return trial, values
            self._study.tell(trial, state=TrialState.FAIL)
        chosen = next(self._elsewhere)
        self._study.enqueue_trial(
            {
                name: axis.internal(chosen[name])
                for name, axis in self._axes.items()
                if name in chosen
            }
        )
        return self._draw()

    def _draw(self) -> tuple[Trial, Values]:
        trial = self._study.ask()
        return trial, self._space.active(_Suggestions(self._space, self._axes, trial))


class _Suggestions(Mapping[str, Any]):
    """The values of a trial; each is suggested when it is looked up, so inactive ones are not."""

    def __init__(self, space: Space, axes: Mapping[str, _Axis], trial: Trial) -> None:
        self._space = space
        self._axes = axes
        self._trial = trial

    def __getitem__(self, name: str) -> Any:
        if name in self._axes:
            return self._axes[name].suggest(name, self._trial)
        return self._space.parameters[name].from_unit(0.5)

    def __contains__(self, name: object) -> bool:
        return name in self._space.parameters

    def __iter__(self) -> Iterator[str]:
        return iter(self._space.parameters)

    def __len__(self) -> int:
        return len(self._space.parameters)


class _Axis:
    """A parameter as Optuna sees it; discrete ones by the index of their value."""

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter
        self.distribution = _distribution(parameter)

    def suggest(self, name: str, trial: Trial) -> Any:
        """Return the value that a trial has, or gets."""
        match self.distribution:
            case FloatDistribution(low=low, high=high, log=log):
                return trial.suggest_float(name, low, high, log=log)
            case IntDistribution(low=low, high=high, log=log):
                return self._value(trial.suggest_int(name, low, high, log=log))
            case CategoricalDistribution(choices=choices):
                return self._value(trial.suggest_categorical(name, choices))
        raise AssertionError(self.distribution)

    def internal(self, value: Any) -> Any:
        """Return what Optuna calls a value."""
        if isinstance(self._parameter, Discrete):
            return int(self._parameter.to_unit(value) * len(self._parameter.values))
        return value

    def _value(self, internal: Any) -> Any:
        if isinstance(self._parameter, Discrete):
            return self._parameter.from_unit((internal + 0.5) / len(self._parameter.values))
        return internal


def _distribution(parameter: Parameter) -> BaseDistribution:
    match parameter:
        case Float():
            return FloatDistribution(parameter.lower, parameter.upper, log=parameter.log)
        case Int():
            return IntDistribution(parameter.lower, parameter.upper, log=parameter.log)
        case Ordered():
            return IntDistribution(0, len(parameter.values) - 1)
        case Discrete():
            return CategoricalDistribution(range(len(parameter.values)))
    raise AssertionError(parameter)


def _sampler(name: str, settings: Mapping[str, Any], seed: int) -> library.samplers.BaseSampler:
    known = [
        one for one in library.samplers.__all__ if one.endswith("Sampler") and one != "BaseSampler"
    ]
    if name not in known:
        raise UnknownName("sampler", name, known, "sampler")
    if "seed" in settings:
        raise InputError("settings", "the seed stands in optimizer.seed")
    factory = getattr(library.samplers, name)
    seeded = {"seed": seed} if "seed" in inspect.signature(factory).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
        try:
            sampler: library.samplers.BaseSampler = factory(**settings, **seeded)
        except ImportError as error:
            raise InputError("sampler", f"{name} cannot be used: {error}") from error
        except (TypeError, ValueError) as error:
            problem = f"{name} does not take these settings: {error}"
            raise InputError("settings", problem) from error
    return sampler
