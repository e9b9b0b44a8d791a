from typing import Any

import pytest

from environment.actors import Envelope
from environment.telemetry.stages import StageClock


def envelope(chain: int) -> Any:
    return Envelope(1, "a", "b", 0, 0, 0, chain, None)


class Times:
    """A clock and a sequence that a test moves."""

    def __init__(self) -> None:
        self.ns = self.sequence = 0
        self.stages = StageClock(lambda: self.sequence, lambda: self.ns)

    def tick(self, at_ns: int, sequence: int) -> None:
        """Let a tick come in, which will get a number above `sequence`."""
        self.ns, self.sequence = at_ns, sequence
        self.stages.published()


@pytest.mark.parametrize(("chain", "seconds"), [(11, 2e-3), (15, 2e-3), (21, 1e-3)])
def test_order_is_joined_with_the_tick_of_its_chain(chain: int, seconds: float) -> None:
    times = Times()
    times.tick(0, 10)
    times.tick(1_000_000, 20)
    times.ns = 2_000_000
    times.stages.sent(envelope(chain))
    figures = times.stages.figures()
    assert (figures.count, figures.measured) == (1, 1)
    assert figures.p50_s == pytest.approx(seconds)


def test_ticks_of_one_read_count_from_the_first() -> None:
    times = Times()
    times.tick(0, 10)
    times.tick(500_000, 10)
    times.ns = 1_000_000
    times.stages.sent(envelope(12))
    assert times.stages.figures().p50_s == pytest.approx(1e-3)


def test_order_of_no_known_tick_is_counted_and_not_measured() -> None:
    times = Times()
    times.tick(0, 10)
    times.stages.sent(envelope(5))
    figures = times.stages.figures()
    assert (figures.count, figures.measured, figures.p99_s) == (1, 0, 0.0)
