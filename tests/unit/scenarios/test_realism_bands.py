"""The bands that ship are those that the committed script computes from real days."""

import math

import pytest

from environment.record.realism import STATISTICS, marks, passes, statistics
from scenarios.realism_bands import LOBSTER, band, lobster_day, realism_toml
from scenarios.realism_reference import REALISM, load_realism
from tests.shared_data import shared


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


def test_the_shipped_file_is_what_the_script_writes() -> None:
    shared("data/orderbook/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip")
    folder = shared("data/equity_intraday/us_equity_minute_quote.csv.gz").parent.parent
    assert realism_toml(folder) == REALISM.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOBSTER)
def test_a_real_day_passes_its_own_marks(name: str) -> None:
    day = lobster_day(shared(f"data/{LOBSTER[name]}"), name)
    given = marks(statistics(day), load_realism().bands)
    # A file with one level says nothing about depth.
    known = [one for one in given if one != "depth" or len(day.level_lots) >= 10]
    assert all(passes(given[one]) for one in known)
