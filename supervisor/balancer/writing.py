"""How operations write data: each refuses before it changes anything, or not at all.

A kind is taken on by the first write, whether or not the datum's Create has arrived.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from supervisor.balancer.datum import Datum, Number, Refusal
from supervisor.core.operations import (
    Create,
    Fail,
    Fold,
    Hold,
    Insert,
    Key,
    Member,
    Nest,
    Notice,
    Reference,
    Store,
    Update,
    describe,
)

_FOLDS: dict[Fold, Callable[[Number, Number], Number]] = {
    "min": min,
    "max": max,
    "incr": operator.add,
    "scale": operator.mul,
}
_NEUTRAL: dict[Fold, Number] = {"min": math.inf, "max": -math.inf, "incr": 0, "scale": 1}


def create(datum: Datum, operation: Create) -> list[Notice]:
    """Give a datum its kind, name and counts; from now on it can be closed and freed."""
    label = describe(datum.id, datum.name or operation.name)
    if datum.created:
        raise Refusal(f"{label} was created already")
    if datum.kind not in (None, operation.kind):
        raise Refusal(f"{label} is to be a {operation.kind} but was used as a {datum.kind}")
    if operation.readers < 0 or operation.writers < 0:
        raise Refusal(f"{label}: the number of references is negative")
    if datum.readers + operation.readers < 0 or datum.writers + operation.writers < 0:
        raise Refusal(f"{label}: more references were given up than it is created with")
    if operation.initial is not None:
        _begin(datum, operation, label)
    datum.created = True
    datum.name = operation.name
    datum.readers += operation.readers
    datum.writers += operation.writers
    return datum.become(operation.kind)


def store(datum: Datum, operation: Store) -> list[Notice]:
    """Write a value."""
    datum.fit("Store", "value")
    if datum.value is not None:
        raise Refusal(f"{datum.label()} was written already")
    _still_open(datum, "Store")
    datum.give_up(writers=operation.writers)
    notices = datum.become("value")
    datum.value = operation.value
    return notices


def fail(datum: Datum, operation: Fail) -> list[Notice]:
    """Let a value never be written."""
    datum.fit("Fail", "value")
    if datum.value is not None:
        raise Refusal(f"{datum.label()} was written already")
    _still_open(datum, "Fail")
    notices = datum.become("value")
    label = datum.label()
    reason = operation.reason
    datum.failure = (
        f"{label} failed: {reason}" if operation.own else f"{reason}\nneeded by {label}"
    )
    return notices


def hold(datum: Datum, operation: Hold) -> list[Notice]:
    """Note that a task may write, or no longer."""
    datum.fit("Hold", "container", "counter")
    datum.holders = datum.holders or set()
    if operation.task not in datum.holders:
        _still_open(datum, "Hold")
    datum.holders ^= {operation.task}
    return []


def insert(datum: Datum, operation: Insert) -> list[Notice]:
    """Write a member of a container or bag."""
    key = operation.key
    if key is None:
        return _append(datum, operation)
    datum.fit("Insert with a key", "container")
    if datum.members is not None and key in datum.members:
        raise Refusal(f"{datum.label(key)} was written already")
    _still_open(datum, "Insert")
    datum.give_up(writers=operation.writers)
    return _put(datum, key, operation.value)


def nest(datum: Datum, operation: Nest) -> tuple[int, list[Notice]]:
    """Return the id of the datum in a member, and whom to tell of it if it is new."""
    key, kind = operation.key, operation.kind
    datum.fit("Nest", "container")
    member = (datum.members or {}).get(key)
    if member is None:
        _still_open(datum, "Nest")
        if operation.new == datum.id:
            raise Refusal(f"{datum.label()} cannot be nested in itself")
        datum.nested = datum.nested or {}
        datum.nested[key] = kind
        return operation.new, _put(datum, key, Reference(operation.new))
    if not isinstance(member, Reference):
        raise Refusal(f"{datum.label(key)} is a value, not a {kind}")
    known = (datum.nested or {}).get(key, kind)
    if known != kind:
        raise Refusal(f"{datum.label(key)} is a {known}, not a {kind}")
    return member.id, []


def update(datum: Datum, operation: Update) -> list[Notice]:
    """Fold a number into a counter."""
    datum.fit("Update", "counter")
    _still_open(datum, "Update")
    before = _NEUTRAL[operation.fold] if datum.number is None else datum.number
    operand = _checked(operation.operand, datum.label())
    number = _checked(_FOLDS[operation.fold](operand, before), datum.label())
    datum.give_up(writers=operation.writers)
    notices = datum.become("counter")
    datum.number = number
    return notices


def _begin(datum: Datum, operation: Create, label: str) -> None:
    """Set what a counter starts from, which nobody may have used before."""
    if operation.kind != "counter" or operation.initial is None:
        raise Refusal(f"{label} is a {operation.kind}; only a counter has an initial value")
    if datum.number is not None:
        raise Refusal(f"{label} was updated before it was created with an initial value")
    datum.number = _checked(operation.initial, label)


def _append(datum: Datum, operation: Insert) -> list[Notice]:
    datum.fit("Insert without a key", "bag")
    _still_open(datum, "Insert")
    datum.give_up(writers=operation.writers)
    notices = datum.become("bag")
    datum.bag().append(operation.value)
    return notices


def _put(datum: Datum, key: Key, member: Member) -> list[Notice]:
    datum.become("container")
    datum.container()[key] = member
    return datum.tell(key, member)


def _still_open(datum: Datum, what: str) -> None:
    if datum.closed:
        raise Refusal(f"{datum.label()} is closed; {what} comes too late")


def _checked(number: Number, label: str) -> Number:
    """Return a number that can be kept, compared and sent."""
    if math.isnan(number):
        raise Refusal(f"{label}: a counter cannot hold what is not a number")
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise Refusal(f"{label}: {number} does not fit into 64 bits")
    return number
