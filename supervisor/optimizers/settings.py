"""Settings of an optimizer: what its factory's signature says, checked against the workflow."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

from supervisor.core.definition import Where
from supervisor.core.errors import InputError, UnknownName

CAMPAIGN_SETTINGS = frozenset({"evaluations", "seed"})
"""Settings that a campaign itself acts on; a factory need not take them."""

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


def check_settings(
    factory: Callable[..., Any], settings: Mapping[str, Any], kind: str, where: Where
) -> dict[str, Any]:
    """Return ``settings`` converted to what ``factory`` takes besides the space.

    Args:
        factory: Its annotations are the types; without one, anything goes.
        settings: As in the workflow.
        kind: Name of the optimizer, for messages.
        where: Locates the keys of ``settings``.

    Raises:
        InputError: If a setting is unknown, missing, or of the wrong type.
    """
    parameters = _parameters(factory, kind, where)
    known = {name: one for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD}
    hints = _hints(factory)
    converted: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known and len(known) == len(parameters):
            if name in CAMPAIGN_SETTINGS:
                continue
            raise UnknownName(where(name), name, known, f"setting of optimizer {kind!r}:")
        converted[name] = _convert(value, hints.get(name, Any), where(name))
    for name, one in known.items():
        if one.default is one.empty and name not in converted:
            raise InputError(where(), f"optimizer {kind!r} needs the setting {name!r}")
    return converted


def names_of(factory: Callable[..., Any]) -> set[str]:
    """Return the names of what a factory takes; none if it cannot be told."""
    try:
        return set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return set()


def _parameters(
    factory: Callable[..., Any], kind: str, where: Where
) -> dict[str, inspect.Parameter]:
    """Return the parameters after the first one, which is the space."""
    if not callable(factory):
        what = type(factory).__name__
        raise InputError(where("kind"), f"{kind!r} is not a function or a class, but a {what}")
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError) as error:
        raise InputError(where("kind"), f"{kind!r} has no signature to read") from error
    taken = [*signature.parameters.values()]
    if not taken or taken[0].kind in (taken[0].KEYWORD_ONLY, taken[0].VAR_KEYWORD):
        raise InputError(where("kind"), f"{kind!r} does not take the space as its first argument")
    return {one.name: one for one in taken[1:] if one.kind is not one.VAR_POSITIONAL}


def _hints(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations; none if they refer to names that exist for type checkers only."""
    target = factory.__init__ if inspect.isclass(factory) else factory
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def _convert(value: Any, hint: Any, place: str) -> Any:
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise InputError(place, f"{value!r}: {error}") from error
    except TypeError:  # an annotation that msgspec has no rule for
        return value
