"""Parameter spaces of CANDLE's genetic and population-based searches: a list in JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from supervisor.converters.conversion import Conversion, constant
from supervisor.converters.json_text import JsonText
from supervisor.core.errors import InputError, UnknownName, nearest

_TRUTH = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}


def read(path: Path, text: str) -> Conversion:
    """Return the space, and a genetic search with the settings that CANDLE has without others.

    Numbers may be texts. Equal bounds, which CANDLE refuses, give a constant.

    Raises:
        InputError: At the line of the first thing that is wrong.

    Source:
        CANDLE Supervisor, workflows/GA and workflows/pbt.
    """
    document = JsonText(path, text)
    if not isinstance(document.data, list):
        problem = "is not a list of parameters, [{...}, ...]"
        raise InputError(f"{path}:{document.line()}", problem)
    conversion = Conversion(path, "CANDLE parameter space")
    sigma: dict[str, float] = {}
    for index in range(len(document.data)):
        entry = _Entry(document, index, conversion)
        entry.add()
        if (width := entry.sigma()) is not None:
            sigma[entry.name] = width
    conversion.optimizer = {
        "kind": "genetic",
        "population": 16,
        "generations": 5,
        "seed": 1,
        **({"sigma": sigma} if sigma else {}),
    }
    conversion.notes["optimizer.generations"] = "NUM_ITERATIONS; it counts the first population"
    return conversion


class _Entry:
    """One object of the list."""

    def __init__(self, document: JsonText, index: int, conversion: Conversion) -> None:
        self._document = document
        self._index = index
        self._conversion = conversion
        self.line = document.line(index)
        data = document.data[index]
        if not isinstance(data, Mapping):
            raise InputError(conversion.place(self.line), f"{data!r} is not a parameter, {{...}}")
        self._data = data
        self.name: Any = self._required("name")

    def add(self) -> None:
        """Add the parameter to the conversion."""
        kind = self._required("type")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise UnknownName(self._place("type"), str(kind), _KINDS, "type of parameter")
        add, known = _KINDS[kind]
        add(self)
        for key in self._data:
            if key not in {"name", "type", "comment", *known}:
                text = f"{self.name}: {key!r} means nothing for type {kind!r} and is left out"
                hint = nearest(key, known).partition(" Known")[0] if known else ""
                self._conversion.warn(self._document.line(self._index, key), f"{text}.{hint}")
        if comment := self._data.get("comment"):
            self._conversion.notes[self.name] = str(comment)

    def sigma(self) -> float | None:
        """Return the width of a mutation, if there is one."""
        if "sigma" not in self._data or "sigma" not in _KINDS[self._data["type"]][1]:
            return None
        if self.name in self._conversion.space and self._is_constant():
            return None
        width = self._number("sigma")
        if not (math.isfinite(width) and width > 0):
            raise InputError(self._place("sigma"), f"{width} is wrong here: give a number above 0")
        return width

    def _is_constant(self) -> bool:
        return not isinstance(self._conversion.space[self.name], dict)

    def add_constant(self) -> None:
        self._conversion.add(self.name, constant(self._required("value")), self.line)

    def add_int(self) -> None:
        self._add_range("int")

    def add_float(self) -> None:
        self._add_range("float")

    def _add_range(self, kind: str) -> None:
        bounds = (self._number("lower"), self._number("upper"))
        log = "use_log_scale" in self._data and self._truth(self._data["use_log_scale"])
        self._conversion.add_range(kind, self.name, bounds, self.line, log=log)

    def add_logical(self) -> None:
        self._conversion.add(self.name, {"bool": [True, False]}, self.line)

    def add_categorical(self) -> None:
        self._add_values("choice")

    def add_ordered(self) -> None:
        self._add_values("ordered")

    def _add_values(self, kind: str) -> None:
        values = self._required("values")
        if not isinstance(values, list) or not values:
            raise InputError(self._place("values"), f"{values!r} is not a list of values")
        if "element_type" in self._data:
            values = [self._element(index, value) for index, value in enumerate(values)]
        definition = constant(values[0]) if len(values) == 1 else {kind: values}
        self._conversion.add(self.name, definition, self.line)

    def _element(self, index: int, value: Any) -> Any:
        """Return a value as the type that the entry says its values have."""
        element_type = self._data["element_type"]
        if not isinstance(element_type, str) or element_type not in _ELEMENTS:
            place = self._place("element_type")
            raise UnknownName(place, str(element_type), _ELEMENTS, "element type")
        place = self._conversion.place(self._document.line(self._index, "values", index))
        try:
            return _ELEMENTS[element_type](value)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            problem = f"{self.name}: {value!r} is not of the element type {element_type!r}"
            raise InputError(place, problem) from error

    def _required(self, key: str) -> Any:
        if key not in self._data:
            keys = ", ".join(self._data) or "none"
            problem = f"the parameter has no {key!r}; its keys are: {keys}"
            raise InputError(self._conversion.place(self.line), problem)
        return self._data[key]

    def _number(self, key: str) -> int | float:
        value = self._required(key)
        try:
            return _number(value)
        except (ValueError, TypeError) as error:
            raise InputError(self._place(key), f"{value!r} is not a number") from error

    def _truth(self, value: Any) -> bool:
        try:
            return _truth(value)
        except KeyError as error:
            place = self._place("use_log_scale")
            raise InputError(place, f"{value!r} is neither true nor false") from error

    def _place(self, key: str) -> str:
        line = self._document.line(self._index, key)
        return f"{self._conversion.place(line)} {self._data.get('name', '')}.{key}"


def _number(value: Any) -> int | float:
    """Return a number, which may be written as a text."""
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        return float(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"{number} is not whole")
    return int(number)


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else _TRUTH[str(value).lower()]


_ELEMENTS: dict[str, Callable[[Any], Any]] = {
    "int": _whole,
    "float": lambda value: float(_number(value)),
    "string": str,
    "logical": _truth,
}

_BOUNDS = ("lower", "upper", "sigma", "use_log_scale")

_KINDS: dict[str, tuple[Callable[[_Entry], None], tuple[str, ...]]] = {
    "constant": (_Entry.add_constant, ("value",)),
    "int": (_Entry.add_int, _BOUNDS),
    "float": (_Entry.add_float, _BOUNDS),
    "logical": (_Entry.add_logical, ()),
    "categorical": (_Entry.add_categorical, ("values", "element_type")),
    "ordered": (_Entry.add_ordered, ("values", "element_type", "sigma")),
}
