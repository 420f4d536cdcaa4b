"""Settings of CANDLE's grid and random sweeps: names to lists, in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.converters.conversion import Conversion, discrete
from supervisor.converters.json_text import JsonText
from supervisor.core.errors import InputError


def read(path: Path, text: str) -> Conversion:
    """Return the full product of the lists; or, where there are ``samples``, random points.

    With ``samples``, a list has the lower and the upper bound: whole numbers give integers.

    Raises:
        InputError: At the line of the first thing that is wrong.

    Source:
        CANDLE Supervisor, workflows/grid and workflows/random.
    """
    document = JsonText(path, text)
    data = document.data
    parameters = data.get("parameters") if isinstance(data, Mapping) else None
    if not isinstance(parameters, Mapping):
        problem = "there is no 'parameters': {NAME: [VALUES]} in it"
        raise InputError(f"{path}:{document.line('parameters')}", problem)
    conversion = Conversion(path, "settings of a sweep")
    for key in data:
        if key not in ("parameters", "samples"):
            conversion.warn(document.line(key), f"{key!r} is left out")
    sampled = "samples" in data
    for name, values in parameters.items():
        line = document.line("parameters", name)
        if not isinstance(values, list) or not values:
            raise InputError(conversion.place(line), f"{name}: {values!r} is not a list of values")
        if sampled:
            _add_bounds(conversion, name, values, line)
        else:
            conversion.add(name, discrete(values), line)
    conversion.optimizer = {"kind": "grid"}
    if sampled:
        number = _samples(document)
        conversion.optimizer = {"kind": "random", "evaluations": number, "seed": 1}
    return conversion


def _add_bounds(conversion: Conversion, name: str, values: list[Any], line: int) -> None:
    if len(values) != 2:
        problem = f"{name}: {len(values)} values; a random sweep has [lower, upper]"
        raise InputError(conversion.place(line), problem)
    lower, upper = values
    if lower == upper:  # how these files write a constant
        conversion.add(name, lower, line)
        return
    whole = isinstance(lower, int) and isinstance(upper, int)
    conversion.add(name, {"int" if whole else "float": [lower, upper]}, line)


def _samples(document: JsonText) -> int:
    samples = document.data["samples"]
    number = samples.get("num") if isinstance(samples, Mapping) else None
    if isinstance(number, list) and len(number) == 1:
        [number] = number
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        place = f"{document.path}:{document.line('samples', 'num')} samples.num"
        raise InputError(place, f"{number!r} is wrong here: give the number of samples, [120]")
    return number
