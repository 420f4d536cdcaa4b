"""The process of an optimizer: messages in, answers out, until the campaign closes the pipe."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from supervisor.core.errors import InputError, SupervisorError
from supervisor.optimizers import Recipe
from supervisor.optimizers.serving.messages import Answer, Crashed, Refused, encode, requests
from supervisor.optimizers.serving.remote import LENGTH
from supervisor.optimizers.serving.session import Session

# Schedulers and terminals signal the whole job; the campaign decides when this process ends.
LEFT_TO_THE_CAMPAIGN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Make the optimizer that the first message describes, and serve it."""
    for number in LEFT_TO_THE_CAMPAIGN:
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # also in the midst of an ask
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    # What the optimizer prints is for people, and nobody types into it.
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    code = 0
    try:
        _serve(_frames(source), sink)
    except BrokenPipeError:
        pass  # the campaign has gone
    except BaseException:
        traceback.print_exc()
        code = 1
    # Threads of libraries, or of a search that waits for results, have nothing to finish.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve(frames: Iterator[bytes], sink: BinaryIO) -> None:
    try:
        recipe: Recipe = pickle.loads(next(frames))
        session = Session(recipe.build())
        _answer(sink, session.ready)
        for frame in frames:
            answer = session.handle(requests.decode(frame))
            if answer is not None:
                _answer(sink, answer)
    except InputError as error:
        _answer(sink, Refused(error.where, error.problem))
    except SupervisorError as error:
        _answer(sink, Crashed(str(error)))


def _answer(sink: BinaryIO, answer: Answer) -> None:
    try:
        data = encode(answer)
    except (TypeError, OverflowError) as error:
        data = encode(Crashed(f"the optimizer gave a point that cannot be sent: {error}"))
    sink.write(LENGTH.pack(len(data)) + data)
    sink.flush()


def _frames(source: BinaryIO) -> Iterator[bytes]:
    """Yield messages until the other end is closed."""
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        yield source.read(length)
