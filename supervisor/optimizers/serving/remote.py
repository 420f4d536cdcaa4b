"""An optimizer in a process of its own, so that its thinking never stalls the campaign."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence

from supervisor.core.errors import InputError, OptimizerError
from supervisor.optimizers import Recipe
from supervisor.optimizers.serving.messages import (
    Answer,
    Crashed,
    Ready,
    Refused,
    Request,
    answers,
    encode,
)

# The child finds modules where the campaign does, and user code sees no arguments.
BOOT = """import sys
sys.path[:] = sys.argv[1:]
sys.argv = ["supervisor"]
from supervisor.optimizers.serving.child import main
main()
"""
LENGTH = struct.Struct("<Q")
CHUNK = 1 << 18
LEAVE_S = 1.0


class Remote:
    """A child process with an optimizer in it.

    Args:
        recipe: How to make it.
        environment: Of the child; without what a launcher sets for its ranks.

    Raises:
        InputError: If a setting is wrong.
        OptimizerError: If it cannot be made.
    """

    def __init__(self, recipe: Recipe, environment: Mapping[str, str]) -> None:
        self.ready: Ready | None = None
        self._kind = recipe.kind
        self._answers: list[Answer] = []
        self._received = bytearray()
        self._unsent = bytearray()
        # A session of its own: Ctrl-C is for the campaign, which goes on for a while.
        self._process = subprocess.Popen(
            [sys.executable, "-c", BOOT, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._to, self._from):
            os.set_blocking(descriptor, False)
        self._post(pickle.dumps(recipe, protocol=5))

    def begin(self) -> None:
        """Wait until the optimizer is at its first point."""
        while self.ready is None:
            self._pause()
            self._answers = self.take()

    def send(self, request: Request) -> None:
        """Send one message; what the pipe does not take is sent later."""
        self._post(encode(request))

    def take(self) -> list[Answer]:
        """Return the answers that came since the last call."""
        self._flush()
        self._receive()
        taken, self._answers = self._answers, []
        for answer in taken:
            match answer:
                case Ready():
                    self.ready = answer
                case Refused(where, problem):
                    raise InputError(where, problem)
                case Crashed(text):
                    raise OptimizerError(text)
        return [answer for answer in taken if not isinstance(answer, Ready)]

    def wait(self) -> list[Answer]:
        """Return the answers that came since the last call, at least one."""
        while not (taken := self.take()):
            self._pause()
        return taken

    def filenos(self) -> Sequence[int]:
        """Return the descriptor that becomes readable when there is an answer."""
        return (self._from,)

    def close(self) -> None:
        """End the child."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # it may have gone already
                stream.close()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:  # it is thinking
            self._process.kill()
            self._process.wait()

    def _pause(self) -> None:
        """Sleep until there is something to read or to write."""
        select.select([self._from], [self._to] if self._unsent else [], [])

    def _post(self, data: bytes) -> None:
        self._unsent += LENGTH.pack(len(data)) + data
        self._flush()

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = os.write(self._to, memoryview(self._unsent)[:CHUNK].tobytes())
            except BlockingIOError:
                return
            except BrokenPipeError:  # it has gone; what it said last tells why
                self._unsent.clear()
                return
            del self._unsent[:sent]

    def _receive(self) -> None:
        """Take in what has arrived; the end of the stream is the end of the optimizer."""
        while True:
            try:
                data = os.read(self._from, CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._lost()
                return
            self._received += data
            while len(self._received) >= LENGTH.size:
                (length,) = LENGTH.unpack_from(self._received)
                end = LENGTH.size + length
                if len(self._received) < end:
                    break
                self._answers.append(answers.decode(self._received[LENGTH.size : end]))
                del self._received[:end]

    def _lost(self) -> None:
        """Say how the process ended, unless it has said so itself."""
        if any(isinstance(one, Crashed | Refused) for one in self._answers):
            return
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._answers.append(Crashed(f"the process of optimizer {self._kind} {how}"))
