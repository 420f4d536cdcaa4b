"""Contenders behind the one face that our optimizers have: ask and tell.

A contender is named by a kind of optimizer, or by ``module:factory``, with settings behind it if
they are not the defaults, e.g. ``bayes,surrogate=gp``; or it is one of ``PEERS``.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tasks

from supervisor.core.objective import Values
from supervisor.core.parameter import Choice, Discrete, Float, Int, Parameter
from supervisor.core.space import Space
from supervisor.optimizers import Recipe
from supervisor.optimizers.protocol import Optimizer, Told


class Unfit(Exception):
    """A contender that cannot take part, and why."""


def make(name: str, space: Space, *, evaluations: int, seed: int, workers: int) -> Optimizer:
    """Return a contender at its first point.

    Args:
        name: Of the contender.
        space: Where to search; for peers without conditions and clauses.
        evaluations: How many there will be.
        seed: Of its random numbers.
        workers: Evaluations at once.

    Raises:
        Unfit: If it has no way to run with several workers.
        ImportError: If its package is not installed.
        InputError: If there is no such optimizer or setting of ours.
    """
    if name in PEERS:
        return PEERS[name](space, seed, workers)
    kind, *pairs = name.split(",")
    settings = dict(_setting(pair) for pair in pairs)
    settings |= {"evaluations": evaluations, "seed": seed}
    return Recipe(kind, settings, space, tasks.locate, Path.cwd()).build()


def _setting(pair: str) -> tuple[str, Any]:
    name, _, text = pair.partition("=")
    try:
        return name, json.loads(text)
    except json.JSONDecodeError:
        return name, text


class Tpe:
    """Optuna's tree-structured Parzen estimator, in memory.

    Args:
        space: Where to search; ordered values are searched by their index.
        seed: Of its random numbers.
        workers: With several, points that are not told yet count as bad ones.
        multivariate: Whether parameters are drawn together.
    """

    def __init__(self, space: Space, seed: int, workers: int, *, multivariate: bool) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seed, multivariate=multivariate, constant_liar=workers > 1
            )
        self._parameters = space.parameters
        self._study = optuna.create_study(sampler=sampler)
        self._trials: dict[int, optuna.Trial] = {}
        self._asked = 0

    def ask(self, n: int) -> Sequence[Values]:
        return [self._ask() for _ in range(n)]

    def _ask(self) -> Values:
        trial = self._trials[self._asked] = self._study.ask()
        self._asked += 1
        return {name: _suggest(trial, name, one) for name, one in self._parameters.items()}

    def tell(self, results: list[Told]) -> None:
        for result in results:
            self._study.tell(self._trials.pop(result.id), result.loss)


def _suggest(trial: Any, name: str, parameter: Parameter) -> Any:
    match parameter:
        case Float():
            return trial.suggest_float(name, parameter.lower, parameter.upper, log=parameter.log)
        case Int():
            return trial.suggest_int(name, parameter.lower, parameter.upper, log=parameter.log)
        case Choice():
            return trial.suggest_categorical(name, parameter.values)
        case Discrete():
            return parameter.values[trial.suggest_int(name, 0, len(parameter.values) - 1)]
    raise Unfit(f"no way to suggest {name}, {parameter.kind}")


class Skopt:
    """Scikit-optimize with its default acquisition, one evaluation at a time.

    Args:
        space: Where to search; ordered values are searched by their index.
        seed: Of its random numbers.
        workers: Only one: it does not know what is being evaluated.
        surrogate: Its name for the model.

    Raises:
        Unfit: If there are several workers.
    """

    def __init__(self, space: Space, seed: int, workers: int, *, surrogate: str) -> None:
        import skopt

        if workers > 1:
            raise Unfit("scikit-optimize gives the same point until it is told its loss")
        self._parameters = space.parameters
        dimensions = [_dimension(one) for one in self._parameters.values()]
        self._optimizer = skopt.Optimizer(dimensions, surrogate, random_state=seed)

    def ask(self, n: int) -> Sequence[Values]:
        return [self._values(self._optimizer.ask())] if n else []

    def _values(self, point: Sequence[Any]) -> Values:
        return {
            name: _value(parameter, coordinate)
            for (name, parameter), coordinate in zip(self._parameters.items(), point, strict=True)
        }

    def tell(self, results: list[Told]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of points met twice, and fits that did not converge
            for result in results:
                self._optimizer.tell(_point(self._parameters, result.values), result.loss)


def _dimension(parameter: Parameter) -> Any:
    from skopt.space import Categorical, Integer, Real

    match parameter:
        case Float():
            prior = "log-uniform" if parameter.log else "uniform"
            return Real(parameter.lower, parameter.upper, prior=prior)
        case Int():
            prior = "log-uniform" if parameter.log else "uniform"
            return Integer(parameter.lower, parameter.upper, prior=prior)
        case Choice():
            return Categorical(list(parameter.values))
        case Discrete():
            return Integer(0, len(parameter.values) - 1)
    raise Unfit(f"no dimension of scikit-optimize is like {parameter.kind}")


def _value(parameter: Parameter, coordinate: Any) -> Any:
    """Return the parameter's value at a coordinate of scikit-optimize."""
    if isinstance(parameter, Discrete) and not isinstance(parameter, Choice):
        return parameter.values[int(coordinate)]
    plain = getattr(coordinate, "item", None)
    return plain() if plain else coordinate


def _point(parameters: Mapping[str, Parameter], values: Values) -> list[Any]:
    return [
        one.values.index(values[name])
        if isinstance(one, Discrete) and not isinstance(one, Choice)
        else values[name]
        for name, one in parameters.items()
    ]


PEERS: dict[str, Callable[[Space, int, int], Optimizer]] = {
    "tpe": lambda *setting: Tpe(*setting, multivariate=False),
    "tpe-multivariate": lambda *setting: Tpe(*setting, multivariate=True),
    "skopt-gp": lambda *setting: Skopt(*setting, surrogate="GP"),
    "skopt-et": lambda *setting: Skopt(*setting, surrogate="ET"),
}
"""Contenders that are not ours."""
