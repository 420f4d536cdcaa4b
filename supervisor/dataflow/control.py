"""Control flow that depends on values that are not there yet: choices and loops."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from supervisor.core.calls import Wrapper, encode_function
from supervisor.core.pending import Pending
from supervisor.core.scope import Settings, current

Function = Callable[..., Any]


def when(
    condition: Any, then: Function, otherwise: Function | None = None, *given: Any
) -> Pending:
    """Call one of two functions, when it is known which; return the future of its value.

    Args:
        condition: A value or its future; what counts is whether it is true.
        then: Called if it is, on a worker; usually an app.
        otherwise: Called if it is not; without it the value is None.
        given: The arguments, which may be futures.
    """
    arguments = (condition, _encoded(then), otherwise and _encoded(otherwise), given)
    return current().call(_CHOOSE, (arguments, {}), Settings(), f"when of {_name(then)}")


def repeat(
    step: Function, state: Any, until: Callable[[Any], Any], *, most: int | None = None
) -> Pending:
    """Call a function of its own last value again and again; return the future of the last one.

    Args:
        step: Returns the next state from the last one, or a future of it; usually an app.
        state: The first state, which may be a future.
        until: Whether a state is the last one; called on a worker.
        most: The most steps; None for any number.
    """
    arguments = (_encoded(step), _encoded(until), most, state)
    return current().call(_REPEAT, (arguments, {}), Settings(), f"repeat of {_name(step)}")


def _choose(condition: Any, then: bytes, otherwise: bytes | None, given: tuple[Any, ...]) -> Any:
    chosen = then if condition else otherwise
    return None if chosen is None else pickle.loads(chosen)(*given)


def _again(step: bytes, until: bytes, most: int | None, state: Any) -> Any:
    if most == 0 or _plain(until)(state):
        return state
    left = None if most is None else most - 1
    following = pickle.loads(step)(state)
    return current().call(_REPEAT, ((step, until, left, following), {}), Settings(), "repeat")


def _plain(encoded: bytes) -> Function:
    """Return a function to be called here, also if it is an app."""
    found: Function = pickle.loads(encoded)
    return found.function if isinstance(found, Wrapper) else found


def _encoded(function: Function) -> bytes:
    encoded: bytes | None = getattr(function, "encoded", None)
    return encode_function(function) if encoded is None else encoded


def _name(function: Function) -> str:
    return getattr(function, "__name__", "function")


_CHOOSE = encode_function(_choose)
_REPEAT = encode_function(_again)
