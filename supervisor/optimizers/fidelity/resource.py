"""The parameter that says how long a point trains, and the levels it takes."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.core.errors import InputError, UnknownName
from supervisor.core.objective import Values
from supervisor.core.parameter import Constant, Int, Parameter, Range
from supervisor.core.space import Space
from supervisor.optimizers.narrowing import narrowed

_SETTINGS = ("min_resource", "max_resource")


@dataclass(frozen=True)
class Resource:
    """How much a point may use, e.g. epochs, counted from the start of its training.

    Attributes:
        name: The parameter that is set, or None if points run until they are stopped.
        least: Of the first level.
        most: A full training.
        whole: Whether levels are whole numbers.
        space: Of configurations: that of the workflow, with the parameter at ``most``.
    """

    name: str | None
    least: float
    most: float
    whole: bool
    space: Space

    def level(self, amount: float) -> float:
        """Return ``amount`` as the parameter can have it."""
        return max(1, round(amount)) if self.whole else amount

    def give(self, values: Values, amount: float) -> Values:
        """Return a configuration that trains until it has used ``amount`` in all."""
        return values if self.name is None else values | {self.name: amount}


def changing(
    space: Space,
    name: str,
    least: float | None,
    most: float | None,
    settings: tuple[str, str] = _SETTINGS,
) -> Resource:
    """Return the resource of a search that trains the same configuration to several levels.

    Args:
        space: Of the workflow.
        name: An int or a float.
        least: None for the parameter's lower bound.
        most: None for its upper bound.
        settings: Where the two were given.

    Raises:
        InputError: If the parameter cannot have these levels, or others depend on it.
    """
    parameter = _parameter(space, name)
    if not isinstance(parameter, Range):
        problem = (
            f"{parameter.kind}; a search that goes on with trained points gives it several "
            f"values, so write its least and most: {name}: {{int: [1, 81]}}"
        )
        raise InputError(space.place(name), f"the resource is a {problem}")
    _check_independent(space, name, parameter)
    return _within(space, name, parameter, (least, most), settings)


def steady(space: Space, name: str | None, least: float | None, most: float | None) -> Resource:
    """Return the resource of a search that stops points early; all of them have the most of it.

    Args:
        space: Of the workflow.
        name: An int, a float or a constant; None to count the steps that tasks report.
        least: None for the parameter's lower bound, or 1.
        most: None for the parameter's upper bound, or the constant.

    Raises:
        InputError: If the parameter cannot have these levels.
    """
    if name is None:
        if most is None:
            raise InputError(
                "optimizer.max_resource",
                "is missing; give the number of steps that a full training reports, or the "
                "parameter that holds it: resource: epochs",
            )
        return Resource(None, 1 if least is None else least, most, True, space)
    parameter = _parameter(space, name)
    if isinstance(parameter, Range):
        return _within(space, name, parameter, (least, most), _SETTINGS)
    amount = parameter.value if isinstance(parameter, Constant) else None
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        raise InputError(
            space.place(name), "the resource is an int, a float or a constant above 0"
        )
    if most not in (None, amount):
        raise InputError("optimizer.max_resource", f"{most:g} is not {name}, which is {amount}")
    return Resource(name, 1 if least is None else least, amount, isinstance(amount, int), space)


def _parameter(space: Space, name: str) -> Parameter:
    if name not in space.parameters:
        raise UnknownName("optimizer.resource", name, space.parameters, "parameter")
    return space.parameters[name]


def _within(
    space: Space,
    name: str,
    parameter: Range,
    bounds: tuple[float | None, float | None],
    settings: tuple[str, str],
) -> Resource:
    least = parameter.lower if bounds[0] is None else bounds[0]
    most = parameter.upper if bounds[1] is None else bounds[1]
    for setting, amount in zip(settings, (least, most), strict=True):
        if not parameter.lower <= amount <= parameter.upper:
            limits = f"[{parameter.lower:g}, {parameter.upper:g}]"
            problem = f"{name} would be {amount:g}, but its range is {limits}"
            raise InputError(f"optimizer.{setting}", problem)
    if least <= 0:
        raise InputError(space.place(name), f"the resource begins at {least:g}; begin above 0")
    whole = isinstance(parameter, Int)
    full = Constant(round(most) if whole else most, when=parameter.when)
    return Resource(name, least, full.value, whole, narrowed(space, {name: full}))


def _check_independent(space: Space, name: str, parameter: Parameter) -> None:
    """Refuse conditions that would hold at some levels of the resource only."""
    if parameter.when:
        raise InputError(
            space.place(f"{name}.when"), f"{name} is the resource, which always has a value"
        )
    clauses = {f"{other}.when": one.when for other, one in space.parameters.items() if one.when}
    clauses |= {f"forbid.{index}": clause for index, clause in enumerate(space.forbid)}
    for key, clause in clauses.items():
        if name in clause.names:
            raise InputError(
                space.place(key),
                f"depends on {name}, the resource, which changes while a point trains",
            )
