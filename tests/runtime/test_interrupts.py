"""Signals that end workflows in Python."""

import signal
from types import SimpleNamespace

import pytest

from supervisor.core.errors import Interrupted
from supervisor.runtime.script import Interrupts


def test_a_signal_raises_what_ends_the_run():
    with Interrupts([signal.SIGUSR1]), pytest.raises(Interrupted, match="SIGUSR1"):
        signal.raise_signal(signal.SIGUSR1)


def test_a_signal_in_a_callback_of_weakref_raises_after_it():
    inside = SimpleNamespace(f_globals={"__name__": "weakref"})
    with Interrupts([signal.SIGUSR1]) as interrupts:
        with pytest.raises(Interrupted, match="SIGUSR1"):
            interrupts._note(signal.SIGUSR1, inside)
        assert interrupts.came is not None
