"""Addresses, and references: an address typed by what may be sent there."""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from environment.errors import ConfigError

M = TypeVar("M", contravariant=True)

_ADDRESS = re.compile(r"[A-Za-z0-9_.@:+-]+(/[A-Za-z0-9_.@:+-]+)*")


def checked_address(address: str) -> str:
    """Return `address` if it is path-like; `>` and blanks would make stream names ambiguous."""
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(
            f"Expected an address like 'desk/risk', found {address!r}; "
            "use letters, digits and _.@:+- between slashes."
        )
    return address


class ActorRef(Generic[M]):
    """Where messages of type M may be sent. Made by the builder, through its kernel, only."""

    __slots__ = ("address",)

    def __init__(self, address: str) -> None:
        self.address = address

    def __repr__(self) -> str:
        return f"ActorRef({self.address!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActorRef) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)


class Directory(Generic[M]):
    """References to addresses that arrive as data, as an order's owner does.

    The builder gives one to an actor that answers whoever a message names; it finds only addresses
    that exist, and types all of them alike.
    """

    __slots__ = ("_exists",)

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self._exists = exists

    def __getitem__(self, address: str) -> ActorRef[M]:
        if not self._exists(address):
            raise KeyError(f"No actor has the address {address!r}.")
        return ActorRef(address)

    def __contains__(self, address: str) -> bool:
        return self._exists(address)
