"""The search space: parameters, when they have a value, and which combinations are forbidden."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from supervisor.core.definition import Where, parse_expression, parse_parameter
from supervisor.core.errors import InputError, UnknownName
from supervisor.core.expression import Expression, ExpressionError
from supervisor.core.objective import Values
from supervisor.core.parameter import Parameter, Range

_REHEARSALS = 1_000


class Space:
    """Parameters in the order of their declaration, and clauses that forbid combinations.

    Args:
        parameters: Names to parameters.
        forbid: A point in which one of these holds is not in the space.
        places: Locations for messages: of ``name``, ``name.when`` and ``forbid.0``.

    Raises:
        CycleError: If the ``when`` of a parameter depends on itself.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        forbid: Sequence[Expression] = (),
        places: Mapping[str, str] | None = None,
    ) -> None:
        self.parameters = dict(parameters)
        self.forbid = tuple(forbid)
        self.dims = [name for name, parameter in self.parameters.items() if parameter.varies]
        self._places = dict(places or {})
        needs = {name: _needs(one) for name, one in self.parameters.items()}
        self._order = list(TopologicalSorter(needs).static_order())
        self._conditional = any(one.when for one in self.parameters.values())

    @classmethod
    def parse(cls, space: object, where: Where, forbid: object = ()) -> Space:
        """Read the ``space`` and ``forbid`` of a workflow.

        Args:
            space: Names to definitions, as plain data.
            where: Locates keys, e.g. ``where("space", "hidden", "int")``; the clauses of
                ``forbid`` have their index as the last key.
            forbid: A list of conditions.

        Raises:
            InputError: At the location of the first thing that is wrong.
        """
        if not isinstance(space, Mapping):
            raise InputError(where("space"), "is not a mapping of names to parameters")
        parameters: dict[str, Parameter] = {}
        for name, definition in space.items():
            _check_name(name, where)
            parameters[name] = parse_parameter(definition, partial(where, "space", name))
        clauses = _clauses(forbid, where)
        parsed = _ordered(parameters, clauses, _places(parameters, clauses, where))
        parsed._rehearse()
        return parsed

    @property
    def names(self) -> list[str]:
        """Give the names of all parameters."""
        return list(self.parameters)

    @property
    def constrained(self) -> bool:
        """Whether some combinations are not points: there is a ``when`` or a ``forbid``."""
        return self._conditional or bool(self.forbid)

    def place(self, name: str) -> str:
        """Return where a parameter was declared."""
        return self._places.get(name, f"space.{name}")

    def decode(self, unit: Sequence[float]) -> Values | None:
        """Return the point at ``unit``, one coordinate for each of ``dims``.

        Inactive parameters are absent. None if the point is forbidden.
        """
        coordinates = dict(zip(self.dims, unit, strict=True))
        values = self.active(
            {
                name: parameter.from_unit(coordinates.get(name, 0.5))
                for name, parameter in self.parameters.items()
            }
        )
        return None if self.forbidden(values) else values

    def encode(self, values: Mapping[str, Any]) -> list[float]:
        """Return where a point is, one coordinate for each of ``dims``; 0.5 where it has no value.

        Raises:
            ValueError: If a discrete parameter does not have the value.
        """
        return [
            self.parameters[name].to_unit(values[name]) if name in values else 0.5
            for name in self.dims
        ]

    def active(self, values: Mapping[str, Any]) -> Values:
        """Return ``values`` in order of declaration, without those of inactive parameters.

        A ``when`` that refers to a parameter without a value does not hold.
        """
        if not self._conditional:
            return {name: values[name] for name in self.parameters if name in values}
        found: Values = {}
        for name in self._order:  # after everything that its when refers to
            if name in values and self._holds(self.parameters[name].when, found, f"{name}.when"):
                found[name] = values[name]
        return {name: found[name] for name in self.parameters if name in found}

    def forbidden(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a clause holds; one that refers to an absent parameter does not apply."""
        return any(
            clause.names <= values.keys() and self._holds(clause, values, f"forbid.{index}")
            for index, clause in enumerate(self.forbid)
        )

    def complete(self, values: Mapping[str, Any]) -> Values:
        """Return ``values`` with the constants that are missing, without inactive parameters.

        What is not a parameter stays, at the end, for ``problem`` to report.
        """
        full = dict(values)
        for name, parameter in self.parameters.items():
            if name not in full and not parameter.varies:
                full[name] = parameter.from_unit(0.5)
        foreign = {name: value for name, value in values.items() if name not in self.parameters}
        return self.active(full) | foreign

    def problem(self, values: Mapping[str, Any]) -> str:
        """Return why ``values`` are not a point of the space, or an empty text if they are."""
        for name, value in values.items():
            if name not in self.parameters:
                return f"{name!r} is not a parameter"
            if not self.parameters[name].contains(value):
                return f"{name}: {value!r} is not in {_brief(self.parameters[name])}"
        if len(active := self.active(values)) < len(values):
            return f"{', '.join(sorted(values.keys() - active))} should have no value: inactive"
        for name, parameter in self.parameters.items():
            if name not in values and self._holds(parameter.when, active, f"{name}.when"):
                return f"{name} has no value"
        return "the point is forbidden" if self.forbidden(values) else ""

    def describe(self) -> dict[str, Any]:
        """Return what a program in another language must know; can be encoded as JSON."""
        parameters = {name: one.describe() for name, one in self.parameters.items()}
        return {"parameters": parameters, "forbid": [clause.text for clause in self.forbid]}

    def _holds(self, clause: Expression | None, values: Mapping[str, Any], key: str) -> bool:
        if clause is None:
            return True
        if not clause.names <= values.keys():
            return False
        try:
            return bool(clause.evaluate(values))
        except ExpressionError as error:
            raise InputError(self._places.get(key, key), str(error)) from error

    def _rehearse(self) -> None:
        """Evaluate every clause with extreme values, so that one that cannot work fails now."""
        clauses = {f"{name}.when": one.when for name, one in self.parameters.items() if one.when}
        clauses |= {f"forbid.{index}": clause for index, clause in enumerate(self.forbid)}
        for key, clause in clauses.items():
            for values in itertools.islice(self._cases(clause), _REHEARSALS):
                self._holds(clause, self.active(values), key)

    def _cases(self, clause: Expression) -> Iterator[Values]:
        """Yield combinations of the bounds of all that bears on whether ``clause`` holds."""
        needed = set(clause.names)
        for name in reversed(self._order):
            if name in needed:
                needed |= _needs(self.parameters[name])
        names = [name for name in self.parameters if name in needed]
        axes = [_extremes(self.parameters[name]) for name in names]
        for combination in itertools.product(*axes):
            yield dict(zip(names, combination, strict=True))


def _needs(parameter: Parameter) -> frozenset[str]:
    return parameter.when.names if parameter.when else frozenset()


def _extremes(parameter: Parameter) -> Sequence[Any]:
    if isinstance(parameter, Range):
        return [parameter.from_unit(0), parameter.from_unit(1)]
    return parameter.grid()


def _brief(parameter: Parameter) -> str:
    facts = parameter.describe()
    kind = facts.pop("type")
    return f"{kind} {', '.join(f'{key} {value}' for key, value in facts.items())}"


# --- reading -------------------------------------------------------------------------------


def _check_name(name: object, where: Where) -> None:
    if not isinstance(name, str) or not name:
        raise InputError(where("space", name), f"the name {name!r} is not text; put it in quotes")


def _clauses(forbid: object, where: Where) -> list[Expression]:
    if not isinstance(forbid, list | tuple):
        raise InputError(where("forbid"), f"{forbid!r} is not a list of conditions")
    return [parse_expression(text, where("forbid", i)) for i, text in enumerate(forbid)]


def _places(
    parameters: Mapping[str, Parameter], clauses: Sequence[Expression], where: Where
) -> dict[str, str]:
    """Return the locations of parameters and clauses; every name in a clause is a parameter."""
    places = {name: where("space", name) for name in parameters}
    whens = {
        f"{name}.when": (parameter.when, where("space", name, "when"))
        for name, parameter in parameters.items()
        if parameter.when
    }
    forbids = {
        f"forbid.{index}": (clause, where("forbid", index)) for index, clause in enumerate(clauses)
    }
    for key, (clause, place) in {**whens, **forbids}.items():
        places[key] = place
        for name in sorted(clause.names - parameters.keys()):
            raise UnknownName(place, name, parameters, "parameter")
    return places


def _ordered(
    parameters: Mapping[str, Parameter], clauses: Sequence[Expression], places: Mapping[str, str]
) -> Space:
    """Return the space, or say which ``when`` depends on itself."""
    try:
        return Space(parameters, clauses, places)
    except CycleError as error:
        path: list[str] = error.args[1]
        cycle = " -> ".join(path)
        problem = f"the conditions depend on each other: {cycle}"
        raise InputError(places[f"{path[0]}.when"], problem) from error
