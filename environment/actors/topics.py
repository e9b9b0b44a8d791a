"""Who hears what is published."""

from typing import TYPE_CHECKING, Any

import msgspec

from environment.actors.envelope import Envelope
from environment.actors.latency import LatencyModel

if TYPE_CHECKING:
    from environment.actors.cell import Cell


class Held(msgspec.Struct):
    """When a subscriber last got a value of one topic and instrument, and the one that waits."""

    last_ns: int
    waiting: Envelope[Any] | None = None


class Topic:
    """The subscribers of one topic, in order of subscription."""

    __slots__ = ("apart", "name", "paced", "together")

    is_release = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.together: list[Cell] = []  # Share the topic's latency: one queue entry for all.
        self.apart: dict[str, tuple[Cell, LatencyModel]] = {}  # Have a latency of their own.
        self.paced: dict[str, int] = {}  # Interval in ns of those who have one, by address.

    def add(self, cell: "Cell", own: LatencyModel | None, interval_ns: int) -> None:
        """Add a subscriber once, or change its interval."""
        if own is not None:
            self.apart[cell.address] = (cell, own)
        elif cell not in self.together:
            self.together.append(cell)
        if interval_ns:
            self.paced[cell.address] = interval_ns
        else:
            self.paced.pop(cell.address, None)


class Solo(Topic):
    """One subscriber of a topic alone: its own latency, or what was held for it (`is_release`)."""

    __slots__ = ("is_release",)

    def __init__(self, name: str, cell: "Cell", interval_ns: int, *, is_release: bool) -> None:
        super().__init__(name)
        self.together.append(cell)
        self.paced[cell.address] = interval_ns
        self.is_release = is_release
