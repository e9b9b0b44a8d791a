"""How long an order took, from the tick that caused it to the venue's socket."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import accumulate
from typing import Final

import msgspec

from environment.actors.ports import AnyEnvelope

BOUNDS_S: Final = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 1e-1, 1.0)
_TICKS_KEPT: Final = 4_096
_KEPT: Final = 20_000


class StageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds; of `count` orders, those whose tick is known are `measured`."""

    count: int
    measured: int
    total_s: float
    at_most: tuple[int, ...]  # Orders that took no longer than each of BOUNDS_S.
    p50_s: float
    p99_s: float


class StageClock:
    """Notes when ticks come in and when orders leave, and joins them by their chain.

    `sequence` returns the kernel's last number: a tick that comes in now gets a higher one, and the
    chain of what follows from it is that number.
    """

    def __init__(
        self, sequence: Callable[[], int], steady_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._sequence, self._steady_ns = sequence, steady_ns
        self._numbers: deque[int] = deque(maxlen=_TICKS_KEPT)
        self._times: deque[int] = deque(maxlen=_TICKS_KEPT)
        self._durations: deque[float] = deque(maxlen=_KEPT)
        self._within = [0] * (len(BOUNDS_S) + 1)  # By the first bound that was kept.
        self._count = self._measured = 0
        self._total_s = 0.0

    def published(self) -> None:
        """Take note of a tick that comes in."""
        number = self._sequence()
        if self._numbers and self._numbers[-1] == number:
            return  # Of one read: the first counts, which can only make a duration longer.
        self._numbers.append(number)
        self._times.append(self._steady_ns())

    def sent(self, envelope: AnyEnvelope) -> None:
        """Take note of an order that has just left."""
        left_ns, numbers, place = self._steady_ns(), self._numbers, -1
        self._count += 1
        if not numbers or envelope.chain <= numbers[-1]:  # Not of the last tick, as most are.
            place = bisect_left(numbers, envelope.chain) - 1
            if place < 0:
                return
        seconds = (left_ns - self._times[place]) / 1e9
        self._measured += 1
        self._total_s += seconds
        self._durations.append(seconds)
        self._within[bisect_left(BOUNDS_S, seconds)] += 1

    def figures(self) -> StageFigures:
        """Return counts, and quantiles of the last orders."""
        ordered = sorted(self._durations)
        return StageFigures(
            count=self._count, measured=self._measured, total_s=self._total_s,
            at_most=tuple(accumulate(self._within[:-1])),
            p50_s=ordered[len(ordered) // 2] if ordered else 0.0,
            p99_s=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else 0.0,
        )  # fmt: skip


class NoClock:
    """Measures nothing."""

    def published(self) -> None:
        """Ignore it."""

    def sent(self, envelope: AnyEnvelope) -> None:
        """Ignore it."""
