"""Where members meet by TCP: a numeric address of rank 0 that all of them reach."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil

from supervisor.core.errors import InputError
from supervisor.trainers.members import Members

LOOPBACK = "127.0.0.1"
PROBE_S = 3.0
BACKLOG = 1024  # all members come at once

Offer = tuple[str, int]
"""A numeric address and a port."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the members meet.

    Attributes:
        address: Numeric, of rank 0.
        port: That rank 0 listens on.
        interface: By which this member reaches it, e.g. ``eth0``; empty if that is not known.
        listener: Rank 0's socket; None elsewhere.
    """

    address: str
    port: int
    interface: str
    listener: socket.socket | None


def find_place(comm: Any, members: Members, addresses: Sequence[str] = ()) -> Place:
    """Return where the members meet; all of them call this.

    Rank 0 listens at each of its addresses, every member tries all of them, and the first one that
    all of them reach is chosen. No name is looked up.

    Args:
        comm: Their communicator, or None for one member alone.
        members: Who they are.
        addresses: Of rank 0, if not those that its host has.

    Raises:
        InputError: If there is no such address.
    """
    with ExitStack() as stack:
        listeners = {}
        if members.rank == 0:
            listeners = _listen(addresses or _own_addresses(members), stack)
        offers = list(listeners) if comm is None else comm.bcast(list(listeners))
        reached = {offer: own for offer in offers if (own := _own_end(offer))}
        everyone = [reached] if comm is None else comm.allgather(reached)
        for offer in offers:
            if all(offer in one for one in everyone):
                listener = listeners.get(offer)
                kept = listener.dup() if listener is not None else None
                address, port = offer
                return Place(address, port, _interface(reached[offer]), kept)
    tried = ", ".join(address for address, _ in offers) or "none"
    raise InputError(
        f"training on {', '.join(dict.fromkeys(members.hosts))}",
        f"not all members reach rank 0 on {members.hosts[0]} by one of its addresses "
        f"({tried}); let the hosts connect to each other by TCP",
    )


def _own_addresses(members: Members) -> list[str]:
    """Return this host's numeric addresses; only the loopback if all members are on it."""
    if len(set(members.hosts)) == 1:
        return [LOOPBACK]
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    return [
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if name in up
        and one.family == socket.AF_INET
        and not ipaddress.ip_address(one.address).is_loopback
    ]


def _listen(addresses: Sequence[str], stack: ExitStack) -> dict[Offer, socket.socket]:
    """Return a listening socket for each address that can be listened at."""
    listeners = {}
    for address in addresses:
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            listener.bind((address, 0))
            listener.listen(BACKLOG)
        except OSError:
            continue  # the others cannot reach it either
        listeners[listener.getsockname()] = listener
    return listeners


def _own_end(offer: Offer) -> str:
    """Return the address by which this member reaches another one; empty if it does not."""
    try:
        with socket.create_connection(offer, timeout=PROBE_S) as connection:
            return str(connection.getsockname()[0])
    except OSError:
        return ""


def _interface(address: str) -> str:
    """Return the name of the interface that has an address, or has it in its network."""
    within = ""
    for name, addresses in psutil.net_if_addrs().items():
        for one in addresses:
            if one.family != socket.AF_INET:
                continue
            if one.address == address:
                return str(name)
            network = ipaddress.ip_network(f"{one.address}/{one.netmask or 32}", strict=False)
            if ipaddress.ip_address(address) in network:
                within = str(name)
    return within
