"""What the pump and the simulator need to know of a role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from supervisor.balancer.messages import Message, Send
from supervisor.core.errors import ProtocolError


class Role(Protocol):
    """A client, worker or server: one of the parts that a rank plays."""

    @property
    def done(self) -> bool:
        """Whether the role has sent and received everything it ever will."""

    def handle(self, message: Message, source: int, now: float) -> list[Send]:
        """Take one message and return what to send because of it."""


class ActiveRole(Role, Protocol):
    """A role that also acts by itself, not only when a message arrives."""

    def poll(self, now: float) -> list[Send]:
        """Do a short piece of work and return what to send because of it."""

    @property
    def eager(self) -> bool:
        """Whether there is more to do at once, without a message or a descriptor."""

    def filenos(self) -> Sequence[int]:
        """Return descriptors that become readable when there is something to poll."""


Method = TypeVar("Method", bound=Callable[..., list[Send]])


class Handlers(dict[type[Message], Callable[..., list[Send]]]):
    """A role's methods by the type of message that they take.

    ``functools.singledispatchmethod`` would do the same at twenty times the cost of a call.
    """

    def __call__(self, kind: type[Message]) -> Callable[[Method], Method]:
        """Return a decorator for the method that takes messages of this type."""

        def register(method: Method) -> Method:
            self[kind] = method
            return method

        return register

    def find(self, kind: type[Any], who: str, source: int) -> Callable[..., list[Send]]:
        """Return the method for a type of message.

        Raises:
            ProtocolError: If there is none.
        """
        try:
            return self[kind]
        except KeyError as error:
            raise ProtocolError(
                f"{who} got {kind.__name__} from rank {source}, which is not for it"
            ) from error
