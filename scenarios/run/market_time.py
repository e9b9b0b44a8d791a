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
        self.steady_ns: Callable[[], int] = steady
        self.clock = clock

    @property
    def clock(self) -> VenueClock:
        """What the venue last published."""
        return self._clock

    @clock.setter
    def clock(self, clock: VenueClock) -> None:
        self._clock = clock
        # At the usual pace the machine's own function, which is asked several times a message.
        self.steady_ns = self._steady if clock.pace == 1.0 else self._paced_ns

    def wall_ns(self) -> int:
        """Return the market's time."""
        return self._clock.now_ns(self._steady())

    def _paced_ns(self) -> int:
        """Return nanoseconds of the market that never step."""
        return int(self._steady() * self._clock.pace)

    def wall_step_ns(self) -> int:
        """Return by how much the machine's wall clock was set since this was asked last."""
        offset_ns = self._wall() - self._steady()
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        return step_ns
