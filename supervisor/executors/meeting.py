"""Commands that several workers run at once, whose processes find each other."""

from __future__ import annotations

import socket

import msgspec

from supervisor.core.executor import Form, Seat
from supervisor.core.ids import Ids
from supervisor.core.objective import Objective
from supervisor.core.task import Task
from supervisor.executors.process import ProcessExecutor


class MeetingExecutor(ProcessExecutor):
    """Runs a gang's command in a child of each member; all are told where they can meet.

    Args:
        objective: What is evaluated.
        seat: The worker's.
        cores: That numerical libraries in the child may use.
        ids: Maker of the ids of data.
        form: Gives the communicators of gangs.
    """

    def __init__(self, objective: Objective, seat: Seat, cores: int, ids: Ids, form: Form) -> None:
        super().__init__(objective, seat, cores, ids)
        self._form = form

    def start(self, task: Task) -> None:
        """Agree with the other members where to meet, then hand the task to the child."""
        if (gang := task.gang) is not None:
            comm = self._form(gang.team, gang.number)
            address = None
            try:
                address = comm.bcast(free_address(gang.hosts) if comm.rank == 0 else "")
            finally:
                comm.part(address is None)
            task = msgspec.structs.replace(
                task, gang=msgspec.structs.replace(gang, rendezvous=address)
            )
        super().start(task)


def free_address(hosts: tuple[str, ...]) -> str:
    """Return this host, as others of the gang see it, with a port that nobody uses now."""
    host = hosts[0] if len(set(hosts)) > 1 else "127.0.0.1"
    with socket.socket() as probe:
        probe.bind(("", 0))
        return f"{host}:{probe.getsockname()[1]}"
