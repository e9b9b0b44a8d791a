"""Transaction costs: exact parts, hand-made cases, and benchmarks against slow sums."""

import numpy as np
import polars as pl
import pytest

from environment.market import layout as at
from environment.record.day import DayTape
from environment.record.tables import accounts_table
from environment.record.tca import (
    SCOPES,
    fill_costs,
    interval_benchmark,
    parent_costs,
    resting_costs,
    scope_of,
    tca_table,
)
from tests.unit.record.tiny_market import AGENT, SECOND, TinyMarket, make_facts, simulate_day


@pytest.fixture(scope="module")
def day() -> DayTape:
    return DayTape(simulate_day(2, events=1_500).array(), make_facts())


def two_children() -> DayTape:
    """A parent buys 10 at 100.10 and 10 at 100.30, the mid rising from 100.05 to 100.20."""
    market = TinyMarket()
    market.submit(8, 0, 10_000, 50)
    market.submit(9, 1, 10_010, 10)
    market.submit(9, 1, 10_030, 90)
    market.now += 10 * SECOND
    market.submit(AGENT, 0, 0, 10, market=True, parent=7)
    market.now += 10 * SECOND
    market.submit(8, 0, 10_010, 5)
    market.now += 10 * SECOND
    market.submit(AGENT, 0, 0, 10, market=True, parent=7)
    market.now += 400 * SECOND
    market.submit(8, 0, 9_000, 1)
    return DayTape(market.array(), make_facts())


def test_shortfall_is_the_sum_of_its_parts(day: DayTape) -> None:
    parents = parent_costs(day)
    parts = sum(parents[f"{part}_cost"] for part in ("delay", "impact", "spread", "fees"))
    assert parents.height >= 2
    assert parents["shortfall_cost"].to_numpy() == pytest.approx(np.asarray(parts))


def test_a_parents_costs_by_hand() -> None:
    row = parent_costs(two_children()).row(0, named=True)
    assert (row["children"], row["filled"], row["average_price"]) == (2, 20, pytest.approx(100.20))
    assert row["arrival_price"] == pytest.approx(100.05)
    # Mids before the fills: 100.05 and 100.20; prices 100.10 and 100.30.
    assert row["impact_cost"] == pytest.approx(10 * 0.15)
    assert row["spread_cost"] == pytest.approx(10 * 0.05 + 10 * 0.10)
    assert row["fees_cost"] == pytest.approx(20 * 0.003)
    assert row["participation"] == pytest.approx(1.0)
    assert row["vwap_slippage"] == pytest.approx(0.0, abs=1e-9)


def test_a_decision_before_the_arrival_costs_delay() -> None:
    day = two_children()
    start = int(day.rows[0, 1])
    decided = pl.DataFrame({"parent": [7], "decided_ns": [start], "quantity": [50]})
    row = parent_costs(day, decided).row(0, named=True)
    assert (row["quantity"], row["delay_cost"]) == (50, pytest.approx(0.0, abs=1e-9))
    assert row["opportunity_cost"] == pytest.approx(30 * (100.30 - 100.05))


def test_an_agents_order_without_a_parent_is_its_own() -> None:
    market = TinyMarket()
    market.submit(8, 0, 10_000, 50)
    market.submit(9, 1, 10_010, 10)
    market.now += SECOND
    market.submit(AGENT, 0, 0, 4, market=True)
    market.submit(AGENT, 1, 0, 4, market=True)
    market.submit(10, 1, 0, 4, market=True)
    parents = parent_costs(DayTape(market.array(), make_facts()))
    assert parents["account"].to_list() == ["quant/trend", "quant/trend"]


def test_markouts_and_spreads_are_the_aggressors() -> None:
    row = fill_costs(two_children()).row(0, named=True)
    unit = 1e4 / 100.10
    assert row["effective_spread"] == pytest.approx(2 * 0.05 * unit)
    assert row["markout_1s"] == pytest.approx((100.15 - 100.10) * unit)
    assert row["realised_spread_1s"] == pytest.approx(-2 * row["markout_1s"])
    assert row["markout_5min"] == pytest.approx((100.20 - 100.10) * unit)


def test_a_horizon_beyond_the_close_has_no_markout() -> None:
    fills = fill_costs(DayTape(simulate_day(1, events=800).array(), make_facts()))
    assert fills["markout_5min"].null_count() > fills["markout_1s"].null_count() >= 0


def test_a_resting_order_waits_and_is_picked_off() -> None:
    resting = resting_costs(two_children())
    first_ask = resting.filter(pl.col("price") == 100.10).row(0, named=True)
    assert first_ask["time_to_fill_seconds"] == pytest.approx(10.0)
    # The mid rose from 100.05 before the fill to 100.20 ten seconds later: bad for a seller.
    assert first_ask["adverse_selection"] == pytest.approx(0.15 / 100.05 * 1e4)
    assert resting.filter(pl.col("price") == 90.0)["adverse_selection"].null_count() == 1


def test_interval_benchmark_equals_the_slow_sum(day: DayTape) -> None:
    trades = day.trades
    start, finish = trades.time[[0, 40, 90]], trades.time[[200, 41, 90]]
    vwap, lots = interval_benchmark(day, np.zeros(3, np.int64), start, finish)
    for i in range(3):
        inside = (trades.time >= start[i]) & (trades.time <= finish[i])
        assert lots[i] == trades.lots[inside].sum()
        slow = np.average(trades.price_ticks[inside], weights=trades.lots[inside])
        assert vwap[i] == pytest.approx(slow)


def test_one_file_holds_all_scopes(day: DayTape) -> None:
    table = tca_table(day, accounts_table(day))
    assert table["scope"].unique(maintain_order=True).to_list() == list(SCOPES)
    assert scope_of(table, "fill").height == fill_costs(day).height
    assert "queue_ahead" not in scope_of(table, "fill").columns
    earned = scope_of(table, "population")["earned_effective_spread"].drop_nulls()
    assert (earned > 0).all()


def test_a_package_that_waited_longer_is_the_maker_of_its_leg() -> None:
    """The book's order keeps its columns in the row; the flag says that it is the one that came."""
    usual = two_children()
    rows = usual.rows.copy()
    rows[usual.trades.row, at.T_LIQUIDITY] += at.OLDER_PACKAGE
    turned = DayTape(rows, make_facts())
    assert set(fill_costs(usual)["side"]) == {"buy"}
    assert set(fill_costs(turned)["side"]) == {"sell"}
    assert fill_costs(turned)["maker"].equals(fill_costs(usual)["account"])
    assert turned.trades.buyer_fee_micros.tolist() == usual.trades.buyer_fee_micros.tolist()
    made = [
        accounts_table(one).filter(pl.col("account") == make_facts().accounts[AGENT].name)
        for one in (usual, turned)
    ]
    assert [table["maker_quantity"].item() for table in made] == [0, 20]
