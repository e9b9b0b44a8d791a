"""What waits in a live kernel: who has mail, what was published, and timers on the steady clock.

It takes what the floor pushes, as the simulation's queue does; order among actors is the order in
which they got their mail, those with control mail first.
"""

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final

from environment.actors.queue import WAKE_UP

if TYPE_CHECKING:
    from environment.actors.cell import Cell
    from environment.actors.live_clock import LiveClock

_EPOCH_SHIFT: Final = 40  # So many bits of envelope numbers for one process.

Special = tuple[Any, ...]  # (kind, …) as in the simulation's queue: topics, timers, beginnings.


class LiveQueue:
    """Ready work of one process, and what is due later."""

    __slots__ = ("_clock", "later", "ready", "sequence", "urgent")

    def __init__(self, clock: "LiveClock", epoch: int = 0) -> None:
        self._clock = clock
        self.sequence = epoch << _EPOCH_SHIFT  # Numbers of two processes never meet.
        self.ready: deque[Cell | Special] = deque()
        self.urgent: deque[Cell | Special] = deque()  # Control mail and what the kernel must do.
        self.later: list[tuple[int, int, Special]] = []  # (steady time, number, what).

    def __len__(self) -> int:
        return len(self.ready) + len(self.urgent) + len(self.later)

    def number(self) -> int:
        """Return the next number of this process's sequence."""
        self.sequence += 1
        return self.sequence

    def push(self, at_ns: int, priority: int, cell: "Cell | None", item: Special) -> None:  # noqa: ARG002  the floor's signature
        """Take what the floor wants to happen at a moment; timers count on the steady clock."""
        if item[0] == WAKE_UP:
            self.ready.append(item[1])
            return
        delay_ns = at_ns - self._clock.now_ns
        if delay_ns <= 0:
            self.urgent.append(item)
        else:
            self.sequence += 1
            heappush(self.later, (self._clock.steady_ns() + delay_ns, self.sequence, item))

    def take_due(self, steady_ns: int) -> bool:
        """Move what is due to the ready work; return whether there was any."""
        later, has_any = self.later, False
        while later and later[0][0] <= steady_ns:
            self.urgent.append(heappop(later)[2])
            has_any = True
        return has_any

    def next_steady_ns(self) -> int | None:
        """Return when the next timer is due by the steady clock, or None."""
        return self.later[0][0] if self.later else None
