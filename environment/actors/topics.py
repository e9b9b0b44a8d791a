"""Who hears what is published."""

from typing import TYPE_CHECKING

from environment.actors.latency import LatencyModel

if TYPE_CHECKING:
    from environment.actors.cell import Cell


class Topic:
    """The subscribers of one topic, in order of subscription."""

    __slots__ = ("apart", "name", "together")

    def __init__(self, name: str) -> None:
        self.name = name
        self.together: list[Cell] = []  # Share the topic's latency: one queue entry for all.
        self.apart: dict[str, tuple[Cell, LatencyModel]] = {}  # Have a latency of their own.

    def add(self, cell: "Cell", own: LatencyModel | None) -> None:
        """Add a subscriber once."""
        if own is not None:
            self.apart[cell.address] = (cell, own)
        elif cell not in self.together:
            self.together.append(cell)
