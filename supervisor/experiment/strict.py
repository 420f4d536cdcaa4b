"""Records as strict JSON that loses no value.

JSON has no NaN, no infinities, and readers that lose integers past 64 bits. Such values are
written as ``{"float": "nan"}``, ``{"float": "-inf"}`` and ``{"int": "0x1f..."}``; a user's own
mapping that looks like one of these is written inside ``{"literal": ...}``.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from supervisor.core.plain import plain

marked = re.compile(rb'\{"(?:float|int|literal)":').search
_zeros = bytes.maketrans(b"123456789", b"000000000")


def encode_json(record: Any) -> bytes:
    """Return structs, mappings, lists and scalars as strict JSON that ``unescape`` understands."""
    try:
        data = _encoder.encode(record)
    except ValueError:
        # Surrogates, or more digits than Python turns into text.
        return _encode_with_marks(record)
    return _encode_with_marks(record) if _may_need_marks(data) else data


def _may_need_marks(data: bytes) -> bool:
    """Return whether JSON may have lost a value, or hold a mapping that looks like a mark.

    Nearly no record does, and to see that in the bytes is several times faster than to walk
    through the record. Values that are not finite become ``null``; integers past 64 bits have
    19 digits at least.
    """
    digits = data.translate(_zeros)
    return b"null" in data or b"0" * 19 in digits or marked(data) is not None


def _encode_with_marks(record: Any) -> bytes:
    """Return a record as JSON by walking through it."""
    escaped = escape(msgspec.to_builtins(record, str_keys=True, enc_hook=plain))
    try:
        return msgspec.json.encode(escaped)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(escaped))


def escape(value: Any) -> Any:
    """Return a value of built-in types in the form that strict JSON can hold."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is int:
        return value if -(2**63) <= value < 2**63 else {"int": hex(value)}
    if kind is dict:
        items = {key: escape(item) for key, item in value.items()}
        return {"literal": items} if _looks_marked(value) else items
    if kind is list or kind is tuple:
        return [escape(item) for item in value]
    return value


def unescape(value: Any) -> Any:
    """Return the value that ``escape`` was given; tuples have become lists."""
    if isinstance(value, list):
        return [unescape(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _looks_marked(value):
        ((mark, inner),) = value.items()
        if mark == "float":
            return float(inner)
        if mark == "int":
            return int(inner, 16)
        value = inner
    return {key: unescape(item) for key, item in value.items()}


def _looks_marked(mapping: dict[str, Any]) -> bool:
    """Return whether a mapping would be read as a mark."""
    if len(mapping) != 1:
        return False
    ((key, value),) = mapping.items()
    return key == "literal" or (key in ("float", "int") and isinstance(value, str))


_encoder = msgspec.json.Encoder(enc_hook=plain)


def _without_surrogates(value: Any) -> Any:
    """Return a value of built-in types whose texts can be encoded as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(value[key]) for key in value}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
