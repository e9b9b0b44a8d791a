"""What a live kernel measures of itself: slow handlers, stalls of the event loop, clock steps."""

from typing import TYPE_CHECKING, Final

import msgspec

from environment.actors.cell import Cell
from environment.actors.live_inbox import LiveInbox
from environment.actors.live_settings import LiveSettings
from environment.actors.statistics import ActorStatistics, actor_statistics

if TYPE_CHECKING:
    from environment.actors.live_kernel import LiveKernel

_KEPT: Final = 20


class SlowHandler(msgspec.Struct, frozen=True, kw_only=True):
    """Visits to one kind of actor that took too long; each handles one message or a few."""

    kind: str
    times: int
    longest_ns: int


class LiveStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A live kernel at one moment; durations are by the steady clock."""

    now_ns: int
    epoch: int
    handled: int
    sequence: int
    queued: int
    turns: int
    admitted: int
    at_the_door: int
    failures: int
    dropped: int
    undeliverable: int
    inboxes_pressed: int
    stalls: int
    longest_stall_ns: int
    clock_steps: int
    clock_behind_ns: int
    actors: tuple[ActorStatistics, ...]
    slow: tuple[SlowHandler, ...]


class Measures:
    """Counts that the kernel keeps while it runs."""

    __slots__ = (
        "_limits", "_slow", "clock_steps", "longest_stall_ns", "stalls", "turns",
    )  # fmt: skip

    def __init__(self, limits: LiveSettings) -> None:
        self._limits = limits
        self._slow: dict[str, tuple[int, int]] = {}  # By kind: times, longest.
        self.turns = self.clock_steps = 0
        self.stalls = self.longest_stall_ns = 0

    def slow(self, visited: object, elapsed_ns: int) -> None:
        """Count a visit that took longer than it may."""
        kind = visited.kind if isinstance(visited, Cell) else "kernel"
        times, longest_ns = self._slow.get(kind, (0, 0))
        self._slow[kind] = (times + 1, max(longest_ns, elapsed_ns))

    def beat(self, late_ns: int) -> None:
        """Take note of how late the event loop called back."""
        if late_ns > self._limits.stall_ns:
            self.stalls += 1
            self.longest_stall_ns = max(self.longest_stall_ns, late_ns)

    def statistics(self, kernel: "LiveKernel") -> LiveStatistics:
        """Return all counts of a kernel."""
        cells = kernel.floor.cells.values()
        actors = actor_statistics(cells)
        slow = sorted(self._slow.items(), key=lambda row: -row[1][1])[:_KEPT]
        return LiveStatistics(
            now_ns=kernel.clock.now_ns,
            epoch=kernel.epoch,
            handled=sum(actor.handled for actor in actors),
            sequence=kernel.queue.sequence,
            queued=len(kernel.queue),
            turns=self.turns,
            admitted=kernel.admission.admitted,
            at_the_door=len(kernel.admission),
            failures=kernel.floor.failures,
            dropped=sum(c.inbox.dropped for c in cells if isinstance(c.inbox, LiveInbox)),
            undeliverable=kernel.floor.undeliverable,
            inboxes_pressed=kernel.floor.pressure.inboxes,
            stalls=self.stalls,
            longest_stall_ns=self.longest_stall_ns,
            clock_steps=self.clock_steps,
            clock_behind_ns=kernel.clock.behind_ns(),
            actors=actors,
            slow=tuple(
                SlowHandler(kind=kind, times=times, longest_ns=longest)
                for kind, (times, longest) in slow
            ),
        )
