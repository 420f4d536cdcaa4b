"""The end of a run, on one server: when is everything done, and who stops in which order.

Every server tells the master when it is idle; the master takes a census (``termination``), and if
it finds the work done, all servers stop their workers, then themselves, then the client. If it
finds that tasks wait for data and nothing moves, these are given up, which is reported.
"""

from __future__ import annotations

from supervisor.balancer.dispatch import Dispatch
from supervisor.balancer.flow import Flow
from supervisor.balancer.gathering import Gathering
from supervisor.balancer.handlers import Handlers
from supervisor.balancer.layout import Layout
from supervisor.balancer.messages import (
    Drain,
    Ended,
    Message,
    Send,
    Stop,
    Stopped,
    Trouble,
)
from supervisor.balancer.protocol import COUNTED
from supervisor.balancer.release import deadlock_report
from supervisor.balancer.talk import (
    Abandon,
    Census,
    Diagnose,
    Diagnosis,
    Halt,
    Halted,
    Quiet,
    Tally,
)
from supervisor.balancer.termination import CensusTaker, Channels
from supervisor.core.errors import ProtocolError


class Ending:
    """One server's part in ending the run; on the master, also the decision.

    Args:
        rank: World rank of the server.
        layout: The roles of all ranks.
        dispatch: The server's queues and workers.
        flow: The server's data and waiting tasks.
        gathering: The server's part in gangs.
    """

    on = Handlers[list[Send]]("server")

    def __init__(
        self, rank: int, layout: Layout, dispatch: Dispatch, flow: Flow, gathering: Gathering
    ) -> None:
        self.drained = False
        self.done = False
        self._rank = rank
        self._layout = layout
        self._dispatch = dispatch
        self._flow = flow
        self._gathering = gathering
        self._channels = Channels()
        self._census = CensusTaker(layout.servers) if rank == layout.master else None
        self._quiet = False  # whether the master knows that this server is idle
        self._diagnoses: list[Diagnosis] = []
        self._stopped: set[int] = set()
        self._halted: set[int] = set()

    def received(self, message: Message, source: int) -> None:
        """Note a message, before it is handled."""
        if type(message) in COUNTED:
            self._channels.received[source] += 1
            self._quiet = False

    def sent(self, sends: list[Send]) -> list[Send]:
        """Note what is sent; return the news for the master, if this server is idle now."""
        for to, message in sends:
            if type(message) in COUNTED:
                self._channels.sent[to] += 1
                self._quiet = False
        if not self._idle():
            self._quiet = False
            return []
        if self._quiet:
            return []
        self._quiet = True
        return [(self._layout.master, Quiet())]

    def look_again(self) -> None:
        """Let the master know once more when this server is idle."""
        self._quiet = False

    def _idle(self) -> bool:
        """Return whether nothing can happen here unless another server sends something."""
        return self.drained and self._dispatch.idle() and self._gathering.idle()

    @on(Drain)
    def _take_drain(self, message: Drain, source: int, now: float) -> list[Send]:
        self.drained = True
        return []

    @on(Quiet)
    def _take_quiet(self, message: Quiet, source: int, now: float) -> list[Send]:
        return self._start_census() if self._master().wanted(source) else []

    @on(Census)
    def _take_census(self, message: Census, source: int, now: float) -> list[Send]:
        sent, received = dict(self._channels.sent), dict(self._channels.received)
        return [(source, Tally(message.round, self._idle(), len(self._flow), sent, received))]

    @on(Tally)
    def _take_tally(self, message: Tally, source: int, now: float) -> list[Send]:
        master = self._master()
        if not master.add(source, message):
            return self._start_census() if master.again() else []
        verdict = Diagnose() if master.waiting else Halt()
        return [(server, verdict) for server in self._layout.servers]

    @on(Diagnose)
    def _take_diagnose(self, message: Diagnose, source: int, now: float) -> list[Send]:
        return [(source, Diagnosis(self._flow.stuck(), len(self._flow), self._flow.open()))]

    @on(Diagnosis)
    def _take_diagnosis(self, message: Diagnosis, source: int, now: float) -> list[Send]:
        self._diagnoses.append(message)
        if len(self._diagnoses) < len(self._layout.servers):
            return []
        stuck = [one for diagnosis in self._diagnoses for one in diagnosis.stuck]
        data = [one for diagnosis in self._diagnoses for one in diagnosis.data]
        tasks = sum(diagnosis.tasks for diagnosis in self._diagnoses)
        self._diagnoses.clear()
        servers = self._layout.servers
        report = deadlock_report(stuck, data, tasks=tasks, servers=servers)
        abandon: list[Send] = [(server, Abandon()) for server in servers]
        return [(self._layout.client, Trouble(report)), *abandon]

    @on(Stopped)
    def _take_stopped(self, message: Stopped, source: int, now: float) -> list[Send]:
        self._stopped.add(source)
        return self._halt() if len(self._stopped) == len(self._dispatch.workers) else []

    @on(Halt)
    def _take_halt(self, message: Halt, source: int, now: float) -> list[Send]:
        if not self._dispatch.workers:
            return self._halt()
        return [(worker, Stop()) for worker in self._dispatch.workers]

    @on(Halted)
    def _take_halted(self, message: Halted, source: int, now: float) -> list[Send]:
        self._halted.add(source)
        if len(self._halted) < len(self._layout.servers):
            return []
        self.done = True
        return [(self._layout.client, Ended())]

    def _halt(self) -> list[Send]:
        """Stop this server, whose workers have; the master stops last."""
        self.done = self._rank != self._layout.master
        return [(self._layout.master, Halted())]

    def _master(self) -> CensusTaker:
        if self._census is None:
            raise ProtocolError(f"server {self._rank} is not the master")
        return self._census

    def _start_census(self) -> list[Send]:
        census = Census(self._master().round)
        return [(server, census) for server in self._layout.servers]
