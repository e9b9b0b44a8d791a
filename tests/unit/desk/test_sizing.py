import math
from typing import Any

import pytest

from agents.desk.sizing import Opportunity, SizingSettings, size_of, step_of
from agents.desk.volatility_estimate import VolatilityEstimate, years_ahead

DOLLAR, HOUR_NS = 1_000_000, 3_600_000_000_000


def opportunity(**given: Any) -> Opportunity:
    values: dict[str, Any] = {
        "probability": 0.6, "edge_error": 0.0, "expected_return": 0.0, "conviction": 1.0,
        "holding_ns": HOUR_NS, "volatility": 0.3, "equity_micros": 1_000_000 * DOLLAR,
        "lot_value_micros": 100 * DOLLAR, "half_spread": 0.0, "displayed_lots": 10**9,
    }  # fmt: skip
    return Opportunity(**(values | given))


FREE = SizingSettings(volatility_target=1e9, kelly_fraction=0.5)


def test_kelly_share_is_mean_over_variance() -> None:
    found, deviation = size_of(opportunity(), FREE), 0.3 * math.sqrt(1 / (252 * 6.5))
    mean = 0.2 * deviation * math.sqrt(2 / math.pi)
    assert found.kelly_share == pytest.approx(0.5 * mean / deviation**2)
    assert (found.bound, found.lots) == ("kelly", int(10_000 * found.kelly_share))


def test_claimed_return_counts_where_it_is_smaller() -> None:
    modest = size_of(opportunity(expected_return=-1e-5), FREE)
    assert modest.kelly_share < size_of(opportunity(), FREE).kelly_share / 10


@pytest.mark.parametrize(("given", "bound"), [
    ({"probability": 0.5}, "no_edge"), ({"probability": 0.4}, "no_edge"),
    ({"edge_error": 0.5, "probability": 0.51}, "no_edge"), ({"volatility": 0.0}, "no_edge"),
    ({"equity_micros": -1}, "no_edge"), ({"half_spread": 0.01}, "cost"),
])  # fmt: skip
def test_nothing_is_held_without_an_edge_that_pays(given: Any, bound: str) -> None:
    found = size_of(opportunity(**given), SizingSettings())
    assert (found.lots, found.bound) == (0, bound)


def test_volatility_target_bounds_what_a_position_adds() -> None:
    found = size_of(opportunity(), SizingSettings(volatility_target=0.03))
    assert (found.bound, found.lots) == ("volatility_target", 1_000)


@pytest.mark.parametrize("cap", [{"lots_cap": 7}, {"notional_cap_micros": 799 * DOLLAR}])
def test_caps_bound_the_position(cap: Any) -> None:
    found = size_of(opportunity(), SizingSettings(**cap))
    assert (found.bound, found.lots) == ("position_cap", 7)


def test_conviction_scales_the_size() -> None:
    full, half = size_of(opportunity(), FREE), size_of(opportunity(conviction=0.5), FREE)
    assert half.lots == pytest.approx(full.lots / 2, abs=1)


def test_step_takes_a_share_of_what_is_displayed_and_at_least_one() -> None:
    settings = SizingSettings(depth_share=0.5)
    assert [step_of(100, shown, settings) for shown in (60, 1, 1_000)] == [30, 1, 100]
    assert step_of(0, 60, settings) == 0


def test_volatility_of_a_steady_alternation_is_found() -> None:
    estimate, mid = VolatilityEstimate(prior=5.0), 2_000_000
    for minute in range(1_000):
        estimate.hear(mid, minute * 60_000_000_000)
        mid = round(mid * math.exp(1e-3 if minute % 2 else -1e-3))
    expected = 1e-3 * math.sqrt(252 * 390)
    # The prior still weighs ten of about forty-three samples.
    found = math.sqrt(estimate.annual() ** 2 * (10 + estimate.samples) - 10 * 25.0)
    assert found / math.sqrt(estimate.samples) == pytest.approx(expected, rel=1e-3)


def test_night_is_no_minute() -> None:
    estimate = VolatilityEstimate()
    estimate.hear(20_000, 0)
    estimate.hear(30_000, 17 * HOUR_NS)
    assert estimate.samples == 0.0


def test_years_ahead_count_trading_within_a_day_and_the_calendar_beyond() -> None:
    assert years_ahead(HOUR_NS) == pytest.approx(1 / (252 * 6.5))
    assert years_ahead(365 * 24 * HOUR_NS) == pytest.approx(1.0)
