"""Messages between two members of a gang."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from mpi4py import MPI

from supervisor.balancer.membership import UNCLEAN, Found, Member

Begin = Callable[[], MPI.Request]
"""Begins to send or to receive."""

LEAVING = re.compile(r"[BR]send|bsend|[Ii](?!n|s_).+|.+_init|Create_(group|intercomm)")
"""Names of what leaves requests, messages or the choice of members to its user."""


class Exchange(Member):
    """A member that sends and receives; its waiting ends when another member fails."""

    def transfer(
        self, *begins: Begin, receives: bool = False, status: MPI.Status | None = None
    ) -> None:
        """Wait for messages to leave or to arrive.

        Args:
            begins: Begin to send or to receive.
            receives: Whether the last one receives, which is cancelled if it does not end.
            status: Becomes that of the last one.

        Raises:
            MemberFailed: If another member fails meanwhile.
        """
        with self._messages() as requests:
            requests += (begin() for begin in begins)
            try:
                self._finish(requests, status)
            except BaseException:
                if receives and requests[-1]:
                    requests[-1].Cancel()
                raise

    def receive(
        self, source: int, tag: int, status: MPI.Status | None, *begins: Begin
    ) -> bytearray:
        """Return a message of any length, while others leave.

        Raises:
            MemberFailed: If another member fails meanwhile.
        """
        status = MPI.Status() if status is None else status
        with self._messages() as requests:
            requests += (begin() for begin in begins)
            message = self._until(lambda: self._plain.Improbe(source, tag, status))
            data = bytearray(status.Get_count(MPI.BYTE))
            requests.append(message.Irecv([data, MPI.BYTE]))
            self._finish(requests, None)
        return data

    @contextmanager
    def _messages(self) -> Iterator[list[MPI.Request]]:
        """Keep requests that are not waited for to their end, and so their buffers."""
        requests: list[MPI.Request] = []
        with self.inside():
            self._state = UNCLEAN
            try:
                yield requests
            except BaseException:
                self._abandoned.extend(requests)
                raise

    def _finish(self, requests: list[MPI.Request], status: MPI.Status | None) -> None:
        *others, last = requests
        for request in others:
            self._until(request.Test)
        self._until(lambda: last.Test(status))

    def probed(self, probe: Callable[[], Found | None]) -> Found:
        """Probe until there is something; return what the probe returned.

        Raises:
            MemberFailed: If another member fails meanwhile.
        """
        with self.inside():
            return self._until(probe)

    def using(self) -> MPI.Intracomm:
        """Return the communicator as MPI has it, for what leaves requests to its user."""
        with self.inside():
            self._state = UNCLEAN
            if self._agreement.look():
                self._heed()
        return self._plain

    # As mpi4py has them

    def Send(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send; return when the buffer may be used again."""
        self.transfer(lambda: self._plain.Isend(buf, dest, tag))

    def Ssend(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send; return when the receiver has begun to receive."""
        self.transfer(lambda: self._plain.Issend(buf, dest, tag))

    def Recv(
        self,
        buf: Any,
        source: int = MPI.ANY_SOURCE,
        tag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> None:
        """Receive."""
        self.transfer(lambda: self._plain.Irecv(buf, source, tag), receives=True, status=status)

    def Sendrecv(
        self,
        sendbuf: Any,
        dest: int,
        sendtag: int = 0,
        recvbuf: Any = None,
        source: int = MPI.ANY_SOURCE,
        recvtag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> None:
        """Send and receive at the same time."""
        self.transfer(
            lambda: self._plain.Isend(sendbuf, dest, sendtag),
            lambda: self._plain.Irecv(recvbuf, source, recvtag),
            receives=True,
            status=status,
        )

    def Sendrecv_replace(
        self,
        buf: Any,
        dest: int,
        sendtag: int = 0,
        source: int = MPI.ANY_SOURCE,
        recvtag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> None:
        """Send and receive at the same time, in the same buffer."""
        self.transfer(
            lambda: self._plain.Isendrecv_replace(buf, dest, sendtag, source, recvtag),
            status=status,
        )

    def Probe(
        self,
        source: int = MPI.ANY_SOURCE,
        tag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> Literal[True]:
        """Wait for a message."""
        self.probed(lambda: self._plain.Iprobe(source, tag, status))
        return True

    def Mprobe(
        self,
        source: int = MPI.ANY_SOURCE,
        tag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> MPI.Message:
        """Wait for a message, and return it before it is received."""
        return self.probed(lambda: self._plain.Improbe(source, tag, status))

    probe = Probe
    mprobe = Mprobe

    def send(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object."""
        data = pickled(obj)
        self.transfer(lambda: self._plain.Isend([data, MPI.BYTE], dest, tag))

    def ssend(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object; return when the receiver has begun to receive."""
        data = pickled(obj)
        self.transfer(lambda: self._plain.Issend([data, MPI.BYTE], dest, tag))

    def recv(
        self,
        buf: Any = None,
        source: int = MPI.ANY_SOURCE,
        tag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> Any:
        """Return an object that another member sends; no buffer is needed."""
        data = self.receive(source, tag, status)
        return MPI.pickle.loads(data) if data else None  # from nobody

    def sendrecv(
        self,
        sendobj: Any,
        dest: int,
        sendtag: int = 0,
        recvbuf: Any = None,
        source: int = MPI.ANY_SOURCE,
        recvtag: int = MPI.ANY_TAG,
        status: MPI.Status | None = None,
    ) -> Any:
        """Send an object and return another one; no buffer is needed."""
        sent = [pickled(sendobj), MPI.BYTE]
        data = self.receive(
            source, recvtag, status, lambda: self._plain.Isend(sent, dest, sendtag)
        )
        return MPI.pickle.loads(data) if data else None


def pickled(value: Any) -> bytes:
    """Return an object as mpi4py sends it."""
    data: bytes = MPI.pickle.dumps(value)
    return data


def _native(name: str) -> Callable[..., Any]:
    """Return a method as MPI has it."""

    def method(self: Exchange, *arguments: Any, **named: Any) -> Any:
        return getattr(self.using(), name)(*arguments, **named)

    return method


for _name in filter(LEAVING.fullmatch, dir(MPI.Intracomm)):
    setattr(Exchange, _name, _native(_name))
