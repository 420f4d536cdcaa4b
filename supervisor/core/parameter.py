"""Parameters of a search space: each maps the unit interval to its values and back."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from supervisor.core.expression import Expression

WIDEST_INT = 2**40
"""Integers of one parameter, at most; beyond, a float in [0, 1] no longer tells them apart."""


@dataclass(frozen=True, slots=True)
class Parameter(ABC):
    """One parameter.

    Attributes:
        when: The parameter has a value only where this holds, or None.
    """

    kind: ClassVar[str]

    when: Expression | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def varies(self) -> bool:
        """Whether there is more than one value."""

    @abstractmethod
    def from_unit(self, u: float) -> Any:
        """Return the value at ``u`` of the unit interval; outside of it, the nearest one.

        Raises:
            ValueError: If ``u`` is not a number.
        """

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """Return where ``value`` is: ``from_unit`` gives it back, floats but for rounding.

        Raises:
            ValueError: If a discrete parameter does not have this value.
        """

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Tell whether ``value`` is legal; its type counts."""

    @abstractmethod
    def grid(self, steps: int | None = None) -> Sequence[Any]:
        """Return the values of a grid, in order; the parameter's own ``steps`` come first.

        Raises:
            ValueError: If a float has no ``steps``.
        """

    def describe(self) -> dict[str, Any]:
        """Return what a program in another language must know; can be encoded as JSON."""
        described = {"type": self.kind, **self._facts()}
        return described | ({"when": self.when.text} if self.when else {})

    @abstractmethod
    def _facts(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Range(Parameter):
    """A number between two bounds, both included.

    Attributes:
        log: Spread evenly over the logarithm.
        steps: Values of a grid.
    """

    lower: float
    upper: float
    log: bool = False
    steps: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ValueError(f"the bounds {self.lower} and {self.upper} must be finite")
        if self.lower > self.upper:
            raise ValueError(f"the lower bound {self.lower} is above the upper one, {self.upper}")
        if self.log and self.lower <= 0:
            raise ValueError(f"log needs a lower bound above 0, not {self.lower}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps is {self.steps}; give 1 or more")

    @property
    def varies(self) -> bool:
        return self.lower < self.upper

    def _facts(self) -> dict[str, Any]:
        return {"lower": self.lower, "upper": self.upper, "log": self.log}


@dataclass(frozen=True, slots=True)
class Float(Range):
    """A real number; a grid over it needs ``steps``."""

    kind: ClassVar[str] = "float"

    def from_unit(self, u: float) -> float:
        u = _clamp(u)
        if u == 1 or not self.varies:
            return self.upper
        if self.log:
            start, end = math.log(self.lower), math.log(self.upper)
            value = math.exp(start + u * (end - start))
        else:  # by halves, because the width of the widest ranges is infinite
            value = 2 * (self.lower / 2 + u * (self.upper / 2 - self.lower / 2))
        return min(max(value, self.lower), self.upper)

    def to_unit(self, value: Any) -> float:
        if not self.varies:
            return 0.5
        start, end = (math.log(self.lower), math.log(self.upper)) if self.log else (0.0, 0.0)
        if start < end:  # not so in a range of a few rounding errors
            return _clamp((math.log(max(value, self.lower)) - start) / (end - start))
        return _clamp((value / 2 - self.lower / 2) / (self.upper / 2 - self.lower / 2))

    def contains(self, value: Any) -> bool:
        return _is_number(value) and self.lower <= value <= self.upper

    def grid(self, steps: int | None = None) -> Sequence[float]:
        count = self.steps or steps
        if count is None:
            raise ValueError("a grid over a float needs steps, the number of its values")
        return _unique([self._tidy(u) for u in _spread(count)])

    def _tidy(self, u: float) -> float:
        """Return 0.01 instead of 0.010000000000000002."""
        return min(max(float(f"{self.from_unit(u):.15g}"), self.lower), self.upper)


@dataclass(frozen=True, slots=True)
class Int(Range):
    """A whole number; with ``log``, every number still has a share around itself.

    Without ``steps``, a grid has all numbers.
    """

    kind: ClassVar[str] = "int"

    lower: int
    upper: int

    def __post_init__(self) -> None:
        super(Int, self).__post_init__()  # slots make a new class, which super() does not know
        if self.upper - (0 if self.log else self.lower) >= WIDEST_INT:
            raise ValueError(f"more than {WIDEST_INT} integers; use a float, and round it")

    def from_unit(self, u: float) -> int:
        u = _clamp(u)
        if self.log:
            start, end = self._log_ends()
            value = round(math.exp(start + u * (end - start)))
        else:
            value = self.lower + int(u * (self.upper - self.lower + 1))
        return min(max(value, self.lower), self.upper)

    def to_unit(self, value: Any) -> float:
        if self.log:
            start, end = self._log_ends()
            return _clamp((math.log(max(value, self.lower)) - start) / (end - start))
        return _clamp((value - self.lower + 0.5) / (self.upper - self.lower + 1))

    def contains(self, value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.lower <= value <= self.upper

    def grid(self, steps: int | None = None) -> Sequence[int]:
        count = self.steps or steps
        if count is None or count > self.upper - self.lower:
            return range(self.lower, self.upper + 1)
        if self.log:
            start, end = math.log(self.lower), math.log(self.upper)
            return _unique([round(math.exp(start + u * (end - start))) for u in _spread(count)])
        width = self.upper - self.lower
        return _unique([self.lower + round(u * width) for u in _spread(count)])

    def _log_ends(self) -> tuple[float, float]:
        """Return the logarithms where the share of the lowest starts, and of the highest ends."""
        return math.log(self.lower - 0.5), math.log(self.upper + 0.5)


@dataclass(frozen=True, slots=True)
class Discrete(Parameter):
    """One of several values, each with an equal share of the unit interval."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("there is no value to choose from")
        for index, value in enumerate(self.values):
            if any(_same(value, earlier) for earlier in self.values[:index]):
                raise ValueError(f"{value!r} is there twice")

    @property
    def varies(self) -> bool:
        return len(self.values) > 1

    def from_unit(self, u: float) -> Any:
        index = int(_clamp(u) * len(self.values))
        return copy.deepcopy(self.values[min(index, len(self.values) - 1)])

    def to_unit(self, value: Any) -> float:
        for index, known in enumerate(self.values):
            if _same(value, known):
                return (index + 0.5) / len(self.values)
        raise ValueError(f"{value!r} is not one of {list(self.values)}")

    def contains(self, value: Any) -> bool:
        return any(_same(value, known) for known in self.values)

    def grid(self, steps: int | None = None) -> Sequence[Any]:
        return copy.deepcopy(list(self.values))

    def _facts(self) -> dict[str, Any]:
        return {"values": list(self.values)}


@dataclass(frozen=True, slots=True)
class Choice(Discrete):
    """One of several values without an order."""

    kind: ClassVar[str] = "choice"


@dataclass(frozen=True, slots=True)
class Ordered(Discrete):
    """One of several values in an order that means something."""

    kind: ClassVar[str] = "ordered"


@dataclass(frozen=True, slots=True)
class Bool(Discrete):
    """True or false, or only one of them."""

    kind: ClassVar[str] = "bool"

    def __post_init__(self) -> None:
        super(Bool, self).__post_init__()  # as in Int
        for value in self.values:
            if not isinstance(value, bool):
                raise ValueError(f"{value!r} is neither true nor false")


@dataclass(frozen=True, slots=True)
class Constant(Parameter):
    """A value that is the same in every point."""

    kind: ClassVar[str] = "constant"

    value: Any

    @property
    def varies(self) -> bool:
        return False

    def from_unit(self, u: float) -> Any:
        return copy.deepcopy(self.value)

    def to_unit(self, value: Any) -> float:
        return 0.5

    def contains(self, value: Any) -> bool:
        return _same(value, self.value)

    def grid(self, steps: int | None = None) -> Sequence[Any]:
        return [copy.deepcopy(self.value)]

    def _facts(self) -> dict[str, Any]:
        return {"value": self.value}


def _clamp(u: float) -> float:
    if math.isnan(u):
        raise ValueError("a coordinate is not a number")
    return min(max(float(u), 0.0), 1.0)


def _spread(count: int) -> list[float]:
    """Return evenly spaced coordinates with both ends; a single one is in the middle."""
    return [0.5] if count == 1 else [index / (count - 1) for index in range(count)]


def _unique(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are one: 1 is 1.0 but not True, and NaN is NaN."""
    if repr(one) == repr(other):
        return True
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
