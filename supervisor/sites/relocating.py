"""What in an environment names its own place, made to hold wherever it is unpacked."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Collection

_DYNAMIC, _LOAD = 2, 1  # kinds of program headers
_STRING_TABLE, _RPATH, _RUNPATH = 5, 15, 29  # kinds of dynamic entries

_BESIDE = b'"${0%/*}/'  # the folder of the script, found without a program on PATH


def moved_script(text: bytes, prefixes: Collection[str]) -> bytes:
    """Return a script whose first line names a Python of an environment so that it names its own.

    To a shell the new first lines start the Python beside the script; to Python they are a string.

    Args:
        text: The script, or any other file; that is returned as it is.
        prefixes: Where the environment is; all its names.
    """
    places = b"|".join(re.escape(os.fsencode(prefix)) for prefix in prefixes)
    python = rb"(?:" + places + rb")/bin/(python[\w.]*)"
    for head, tail in (
        (rb"#![ ]?" + python, rb"[ ]*([^\n]*)\n"),
        # What installers write where the path is too long for a first line, or has spaces.
        (rb"#!/bin/sh\n'''exec' [\"']?" + python, rb"[\"']? *([^\n]*?) *\"\$0\" \"\$@\"\n' '''\n"),
    ):
        if found := re.match(head + tail, text):
            name, options = found.groups()
            command = b" ".join(filter(None, (_BESIDE + name + b'"', options, b'"$0" "$@"')))
            return b"#!/bin/sh\n'''exec' " + command + b"\n' '''\n" + text[found.end() :]
    return text


def moved_program(data: bytes, libraries: Collection[str], beside: str) -> bytes:
    """Return a program that looks for its libraries relative to itself.

    Args:
        data: The program; one that is not in the format ELF for 64 bits, or has no list of
            places of libraries, is returned as it is.
        libraries: The places that the list is to name no longer.
        beside: Where they are instead, relative to the program's folder.

    Source:
        System V Application Binary Interface, chapters 4 and 5; ``$ORIGIN``: ld.so(8).
    """
    place = _run_path(data)
    if place is None:
        return data
    end = data.index(b"\0", place)
    entries = data[place:end].decode().split(":")
    new = ":".join(f"$ORIGIN/{beside}" if one in libraries else one for one in entries).encode()
    if len(new) > end - place:
        return data  # there is no room; the old place is still right where it can be reached
    return data[:place] + new.ljust(end - place, b"\0") + data[end:]


def _run_path(data: bytes) -> int | None:
    """Return where in a program the list of places of its libraries begins."""
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    [first] = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQ", data, first + at * size) for at in range(count)]
    for kind, _, offset, _, _, length in headers:
        if kind == _DYNAMIC:
            entries = dict(struct.iter_unpack("<qQ", data[offset : offset + length]))
            within = entries.get(_RUNPATH, entries.get(_RPATH))
            if within is None:
                return None
            table = entries[_STRING_TABLE]
            for one, _, start, address, _, extent in headers:
                if one == _LOAD and address <= table < address + extent:
                    return int(start + table - address + within)
    return None
