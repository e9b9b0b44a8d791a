"""The bands that ship: complete, with their sources, and as wide as their rule says."""

import math

import pytest

from environment.record.realism import STATISTICS
from scenarios.realism_bands import band
from scenarios.realism_reference import load_realism


def test_every_statistic_has_a_band_and_every_band_its_sources() -> None:
    bands = load_realism().bands
    assert set(bands) == set(STATISTICS)
    for figures in bands.values():
        for one in figures.values():
            assert one.low <= min(one.sources.values()) <= max(one.sources.values()) <= one.high
            assert one.width.startswith("sources, and")


def test_the_real_day_is_a_whole_session() -> None:
    reference = load_realism().reference
    assert len(reference.minute_returns_bps) == 390
    assert sum(reference.half_hour_volume) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("place", "sources", "others", "expected"),
    [
        # Two days a factor 4 apart: that factor on each side, since it is more than 2.
        ("depth.levels_2_to_5_over_1", [2.0, 8.0], [], (0.5, 32.0)),
        ("depth.levels_2_to_5_over_1", [2.0], [], (1.0, 4.0)),
        # One deviation of the logarithm between the other days: 1.
        ("spread.median_bps", [4.0], [1.0, math.exp(math.sqrt(2))], (4 / math.e, 4 * math.e)),
        # One deviation of 2, cut at zero: that is the claim.
        ("kurtosis.excess_1min", [1.0, 4.0], [0.0, 2 * math.sqrt(2)], (0.0, 6.0)),
    ],
)
def test_a_band_is_its_sources_and_a_margin(
    place: str, sources: list[float], others: list[float], expected: tuple[float, float]
) -> None:
    statistic, figure = place.split(".")
    days = {str(i): value for i, value in enumerate(sources)}
    low, high, _ = band(statistic, figure, days, others)
    assert (low, high) == pytest.approx(expected)
