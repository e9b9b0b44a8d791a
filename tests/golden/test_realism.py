"""A shipped day beside real days: at least nine of the eleven realism statistics pass."""

import pytest

from benchmarks.realism import FEWEST_OF_ELEVEN, Day, simulate

SCENARIO = "opening_bell"


def _check(day: Day) -> None:
    assert len(day.passed) >= FEWEST_OF_ELEVEN, f"passed only {', '.join(day.passed)}"
    assert day.path_correlation > 0.98
    assert abs(day.opening_gap_bps) < 5.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_crowd_alone_trades_like_a_real_market(seed: int) -> None:
    _check(simulate(SCENARIO, seed, has_swarm=False))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_day_as_shipped_trades_like_a_real_market(seed: int) -> None:
    _check(simulate(SCENARIO, seed))
