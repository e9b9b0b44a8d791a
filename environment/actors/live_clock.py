"""Time of a live run: UTC that never goes back, steered by the wall clock, carried by a steady one.

Between two looks at the wall clock time is the steady clock plus an offset. Where the wall clock is
found behind what was already said, time stands still until it is passed: no two events of one run
are ever told in the wrong order, and a stamp is never later than it could be.
"""

import time
from typing import Final, Protocol

_STEP_NS: Final = 1_000_000_000  # A step over this is an event; below, the offset just follows.


class TimeSource(Protocol):
    """The machine's clocks, or a test's."""

    def wall_ns(self) -> int:
        """Return UTC as the machine believes it; may step."""

    def steady_ns(self) -> int:
        """Return nanoseconds since some moment; never steps or goes back."""


class SystemTime:
    """The machine's own clocks."""

    def __init__(self) -> None:
        # The functions themselves: a method around each would double what a look costs.
        self.wall_ns = time.time_ns
        self.steady_ns = time.monotonic_ns


class LiveClock:
    """`now_ns` is what actors read; the kernel moves it between two handlers."""

    __slots__ = ("_offset_ns", "_source", "_wall_ns", "now_ns", "steady_ns", "step_ns")

    def __init__(self, source: TimeSource | None = None) -> None:
        self._source: TimeSource = source or SystemTime()
        self.steady_ns = self._source.steady_ns
        self._wall_ns = self._source.wall_ns
        self._offset_ns = self._wall_ns() - self.steady_ns()
        self.step_ns = _STEP_NS
        self.now_ns = self.steady_ns() + self._offset_ns

    def begin_after(self, last_ns: int) -> None:
        """Never say a time before `last_ns`, the last that an earlier process wrote down."""
        self.now_ns = max(self.now_ns, last_ns)

    def move(self, steady_ns: int) -> None:
        """Let it be the time that the steady clock shows."""
        now_ns = steady_ns + self._offset_ns
        self.now_ns = max(self.now_ns, now_ns)

    def behind_ns(self) -> int:
        """Return how far the wall clock is behind the last time said; 0 where it is not."""
        return max(0, self.now_ns - (self.steady_ns() + self._offset_ns))

    def look(self) -> int:
        """Follow the wall clock, and return by how much it has stepped, or 0 for no step."""
        self.steady_ns = self._source.steady_ns  # Another one where the market's pace has changed.
        offset_ns = self._wall_ns() - self.steady_ns()
        moved_ns = offset_ns - self._offset_ns
        self._offset_ns = offset_ns
        return moved_ns if abs(moved_ns) > self.step_ns else 0
