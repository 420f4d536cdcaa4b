"""Spaces that are parts of others."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.core.parameter import Parameter
from supervisor.core.space import Space


def narrowed(space: Space, changes: Mapping[str, Parameter]) -> Space:
    """Return ``space`` with other definitions of some parameters, in the same order."""
    parameters = {name: changes.get(name, one) for name, one in space.parameters.items()}
    keys = [
        *parameters,
        *(f"{name}.when" for name, one in parameters.items() if one.when),
        *(f"forbid.{index}" for index in range(len(space.forbid))),
    ]
    return Space(parameters, space.forbid, {key: space.place(key) for key in keys})
