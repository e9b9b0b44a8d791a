"""Each statistic on a series whose answer is known, and the marks against their bands."""

import math

import numpy as np
import pytest

from environment.draws import Stream, stream_key
from environment.record import realism
from environment.record.day import DayTape
from environment.record.market_day import MINUTE_NS, Floats, MarketDay, of_lobster, of_tape
from environment.record.realism import STATISTICS, Band, Mark, autocorrelation, marks, passes
from tests.unit.record.tiny_market import make_facts, simulate_day

SESSION_NS = 390 * MINUTE_NS
SECOND = 1_000_000_000


def normals(count: int, name: str = "n") -> Floats:
    draws = Stream(stream_key(7, name))
    return np.array([draws.normal() for _ in range(count)])


def path(returns: Floats, **fields: object) -> MarketDay:
    mids = 100.0 * np.exp(np.r_[0.0, np.cumsum(returns)])
    return MarketDay("made", 0, SESSION_NS, minute_mid=mids, **fields)  # type: ignore[arg-type]  # any field


def quoted(times: list[float], spreads: list[float], **fields: object) -> MarketDay:
    half = np.array(spreads) / 2
    return MarketDay(
        "made", 0, SESSION_NS, quote_ns=(np.array(times) * SECOND).astype(np.int64),
        bid=100.0 - half, ask=100.0 + half, **fields,  # type: ignore[arg-type]  # any field
    )  # fmt: skip


def test_spread_is_weighted_by_time() -> None:
    figures = realism.spread(quoted([0, 23_399], [0.02, 0.50]))
    assert figures["median_bps"] == pytest.approx(2.0)
    assert figures["p90_over_median"] == pytest.approx(1.0)


def test_depth_compares_levels_with_the_touch() -> None:
    day = MarketDay("made", 0, 1, level_lots=np.r_[10.0, np.full(4, 20.0), np.full(5, 5.0)])
    figures = realism.depth(day)
    assert figures == {"levels_2_to_5_over_1": 2.0, "levels_6_to_10_over_1": 0.5}


def test_volatility_of_known_returns() -> None:
    figures = realism.volatility(path(np.tile([1e-4, -1e-4], 195)))
    assert figures["minute_bps"] == pytest.approx(1.0)
    assert figures["day_bps"] == pytest.approx(0.0, abs=1e-9)


def test_kurtosis_is_near_zero_for_a_normal_and_high_with_a_jump() -> None:
    calm, jump = normals(390) * 1e-4, normals(390) * 1e-4
    jump[200] = 30e-4
    assert abs(realism.kurtosis(path(calm))["excess_1min"]) < 0.6
    assert realism.kurtosis(path(jump))["excess_1min"] > 50


def test_autocorrelation_of_a_known_series() -> None:
    assert autocorrelation(np.tile([1.0, -1.0], 50), 2) == pytest.approx([-0.99, 0.98])
    assert np.isnan(autocorrelation(np.ones(5), 2)).all()
    assert np.isnan(autocorrelation(np.array([1.0, 2.0]), 3)[1:]).all()


def test_volatility_that_comes_in_spells_is_remembered() -> None:
    spells = np.repeat(np.tile([0.3, 2.0], 4), 49)[:390]
    steady = realism.absolute_autocorrelation(path(normals(390) * 1e-4))["mean_lags_1_10"]
    wild = realism.absolute_autocorrelation(path(normals(390) * spells * 1e-4))["mean_lags_1_10"]
    assert abs(steady) < 0.05
    assert wild > 0.2


def test_volume_that_is_high_at_both_ends() -> None:
    lots = np.r_[np.full(30, 4.0), np.full(330, 1.0), np.full(30, 3.0)]
    figures = realism.volume_u_shape(path(normals(390), minute_lots=lots))
    assert figures == pytest.approx({"open_over_midday": 4.0, "close_over_midday": 3.0})


def test_signs_in_runs_are_remembered_and_fills_of_one_order_count_once() -> None:
    sign = np.repeat(np.tile([1, -1], 50), 40)
    time = np.arange(len(sign), dtype=np.int64) * SECOND
    day = quoted([0], [0.02], trade_ns=time, trade_sign=sign, trade_lots=np.ones_like(sign))
    assert realism.trade_sign_memory(day)["mean_lags_1_10"] > 0.6
    doubled = quoted(
        [0], [0.02], trade_ns=np.repeat(time, 2), trade_sign=np.repeat(sign, 2),
        trade_lots=np.ones(2 * len(sign), np.int64),
    )  # fmt: skip
    assert len(doubled.market_orders.time) == len(sign)
    assert (doubled.market_orders.lots == 2).all()


def test_impact_finds_the_square_root_it_was_given() -> None:
    windows = SESSION_NS // (10 * SECOND)
    lots = np.round(np.exp(normals(windows) + 6)).astype(np.int64)
    sign = np.where(normals(windows, "s") > 0, 1, -1)
    time = np.arange(windows, dtype=np.int64) * 10 * SECOND + SECOND
    mids = 100 * np.exp(np.cumsum(sign * 1e-6 * np.sqrt(lots)))
    day = MarketDay(
        "made", 0, SESSION_NS, quote_ns=np.r_[0, time + 1], bid=np.r_[100.0, mids] - 0.01,
        ask=np.r_[100.0, mids] + 0.01, trade_ns=time, trade_sign=sign, trade_lots=lots,
    )  # fmt: skip
    assert realism.impact(day)["exponent"] == pytest.approx(0.5, abs=0.05)


def test_resilience_finds_the_time_it_was_given() -> None:
    times = np.arange(60) * 300.0 + 10.0
    quotes = np.stack((times, times + 5.0), axis=1).ravel()
    spreads = np.tile([0.10, 0.02], 60)
    trades = (times * SECOND).astype(np.int64)
    day = quoted(
        [0.0, *quotes], [0.02, *spreads], trade_ns=trades,
        trade_sign=np.ones(60, np.int64), trade_lots=np.ones(60, np.int64),
    )  # fmt: skip
    assert realism.resilience(day)["half_life_seconds"] == pytest.approx(5.0, rel=0.1)


def test_a_mark_needs_its_value_inside_and_every_figure_of_its_statistic() -> None:
    bands = {"spread": {"median_bps": Band(low=1, high=2), "p90_over_median": Band(low=1, high=3)}}
    given = marks({"spread": {"median_bps": 1.5, "p90_over_median": math.nan}}, bands)
    assert set(given) == set(STATISTICS)
    assert [mark.passes for mark in given["spread"]] == [True, False]
    assert not passes(given["spread"])
    assert not passes(given["impact"])
    assert passes((Mark(statistic="s", figure="f", value=1, low=1, high=1),))


def test_a_day_without_data_has_no_figures_and_no_error() -> None:
    found = realism.statistics(MarketDay("empty", 0, SESSION_NS))
    assert len(found) == 11
    assert all(math.isnan(value) for each in found.values() for value in each.values())


def test_a_tape_gives_all_eleven() -> None:
    day = DayTape(simulate_day(3, events=4_000).array(), make_facts())
    found = realism.statistics(of_tape(day))
    assert all(math.isfinite(value) for each in found.values() for value in each.values())


def test_lobster_arrays_become_a_day() -> None:
    messages = np.array(
        [
            [34_200.0, 1, 11, 100, 1_000_000, 1],
            [34_200.5, 1, 12, 50, 1_000_200, -1],
            [34_201.0, 4, 12, 20, 1_000_200, -1],
            [34_201.0, 5, 0, 5, 1_000_100, 1],
            [34_202.0, 3, 11, 100, 1_000_000, 1],
        ]
    )
    book = np.array([[1_000_200, 50, 1_000_000, 100]] * 4 + [[1_000_200, 30, -9_999_999_999, 0]])
    day = of_lobster(messages, book, "five")
    assert (day.orders_rested, day.cancels) == (2, 1)
    assert day.market_orders.sign.tolist() == [1, -1]
    assert np.isnan(day.bid[-1])
    assert len(day.quote_ns) == 4
