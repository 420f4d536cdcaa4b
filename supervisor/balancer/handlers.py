"""Methods by the type of what they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from supervisor.core.errors import ProtocolError

Returned = TypeVar("Returned")


class Handlers(Generic[Returned]):
    """A table of methods by the type of their first argument.

    ``functools.singledispatchmethod`` would do the same at twenty times the cost of a call.

    Args:
        who: Whose methods they are, for the error.
    """

    __slots__ = ("_methods", "_who")

    def __init__(self, who: str) -> None:
        self._who = who
        self._methods: dict[type[Any], Callable[..., Returned]] = {}

    def __call__(
        self, kind: type[Any]
    ) -> Callable[[Callable[..., Returned]], Callable[..., Returned]]:
        """Return a decorator for the method that takes objects of this type."""

        def register(method: Callable[..., Returned]) -> Callable[..., Returned]:
            self._methods[kind] = method
            return method

        return register

    def __contains__(self, kind: type[Any]) -> bool:
        return kind in self._methods

    def find(self, kind: type[Any], source: int) -> Callable[..., Returned]:
        """Return the method for a type.

        Args:
            kind: Type of what came.
            source: World rank of who sent it, for the error.

        Raises:
            ProtocolError: If there is none.
        """
        try:
            return self._methods[kind]
        except KeyError as error:
            raise ProtocolError(
                f"the {self._who} got {kind.__name__} from rank {source}, which is not for it"
            ) from error
