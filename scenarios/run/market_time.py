"""The market's time in the swarm: the venue's published clock, carried by the steady one."""

import time
from collections.abc import Callable

from brokers.venue import VenueClock


class MarketTime:
    """A `TimeSource` of a live kernel whose UTC is the market's.

    Both of its clocks run at the venue's pace, so that timers are market time as well. A step of
    the machine's wall clock does not move the market; `wall_step_ns` says whether there was one.
    """

    def __init__(
        self, clock: VenueClock, steady: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self._steady, self._wall = steady, wall
        self._offset_ns = wall() - steady()
        self.clock = clock

    def wall_ns(self) -> int:
        """Return the market's time."""
        return self.clock.now_ns(self._steady())

    def steady_ns(self) -> int:
        """Return nanoseconds of the market that never step."""
        return int(self._steady() * self.clock.pace)

    def wall_step_ns(self) -> int:
        """Return by how much the machine's wall clock was set since this was asked last."""
        offset_ns = self._wall() - self._steady()
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        return step_ns
