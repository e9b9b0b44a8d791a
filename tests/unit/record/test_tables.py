"""The tables against sums that can be done by hand, and against each other."""

import numpy as np
import polars as pl
import pytest

from environment.market import layout as at
from environment.record.day import DayTape
from environment.record.populations import (
    population_minutes,
    population_table,
    surveillance_table,
)
from environment.record.tables import (
    accounts_table,
    decisions_table,
    order_lives,
    quotes_table,
    trades_table,
)
from tests.unit.record.tiny_market import AGENT, SECOND, TinyMarket, make_facts, simulate_day


@pytest.fixture(scope="module")
def day() -> DayTape:
    return DayTape(simulate_day(1, events=1_500).array(), make_facts())


def by_hand() -> DayTape:
    """Two quotes around 100.05, one bought at 100.10 by the agent, then the mid rises by 0.10."""
    market = TinyMarket()
    market.submit(8, 0, 10_000, 50)
    first = market.submit(9, 1, 10_010, 50)
    market.now += SECOND
    market.submit(AGENT, 0, 0, 20, market=True)
    market.now += SECOND
    market.cancel(first)
    market.submit(9, 1, 10_030, 10)
    market.now += SECOND // 20
    market.submit(9, 1, 10_040, 10)
    market.cancel(market.next_id)
    return DayTape(market.array(), make_facts())


def test_a_trade_has_two_parties_and_the_mid_before(day: DayTape) -> None:
    row = trades_table(by_hand()).row(0, named=True)
    assert (row["buyer"], row["seller"]) == ("quant/trend", "noise.1")
    assert (row["aggressor"], row["price"], row["mid_before"]) == ("buy", 100.10, 100.05)
    assert row["notional"] == pytest.approx(2_002.0)
    trades = trades_table(day)
    assert trades.height == (day.rows[:, at.T_KIND] == at.K_FILL).sum()
    assert trades["buyer"].null_count() == 0


def test_an_auction_print_has_no_aggressor(day: DayTape) -> None:
    auctions = trades_table(day).filter(pl.col("aggressor") == "auction")
    assert auctions.height > 0
    assert (auctions["price"] == auctions["mid_before"]).all()


def test_quotes_are_in_order_and_never_crossed(day: DayTape) -> None:
    quotes = quotes_table(day)
    assert quotes["time"].is_sorted()
    both = quotes.drop_nulls()
    assert (both["bid_price"] < both["ask_price"]).all()


def test_profit_is_spread_and_inventory_less_fees() -> None:
    accounts = accounts_table(by_hand())
    agent = accounts.filter(pl.col("account") == "quant/trend").row(0, named=True)
    # Bought 20 at 100.10 with the mid at 100.05; the last trade is the closing price.
    assert agent["pnl_spread"] == pytest.approx(20 * -0.05)
    assert agent["pnl_inventory"] == pytest.approx(20 * 0.05)
    assert agent["fees"] == pytest.approx(20 * 0.003)
    assert agent["pnl"] == pytest.approx(agent["position_value"] + agent["cash_change"])


def test_accounts_balance(day: DayTape) -> None:
    accounts = accounts_table(day)
    assert accounts["position"].sum() == 0
    assert accounts["pnl_spread"].sum() == pytest.approx(0.0, abs=1e-6)
    assert accounts["cash_change"].sum() == pytest.approx(-accounts["fees"].sum())
    assert accounts["pnl"].to_numpy() == pytest.approx(
        accounts["position_value"].to_numpy() + accounts["cash_change"].to_numpy()
    )


def test_the_ledgers_fees_stand_in_for_missing_ones(day: DayTape) -> None:
    paid = np.arange(len(make_facts().accounts), dtype=np.int64) * 1_000_000
    accounts = accounts_table(day, paid)
    assert accounts["fees"].to_list() == [float(code) for code in range(8, len(paid))]


def test_every_order_has_one_end(day: DayTape) -> None:
    lives = order_lives(day)
    entered = (day.rows[:, at.T_KIND] == at.K_ENTER).sum()
    assert lives.height == entered
    states = dict(lives.group_by("state").len().iter_rows())
    assert set(states) == {"filled", "cancelled", "partly_filled"}
    full = lives.filter(pl.col("state") == "filled")
    assert (full["ended"] == full["first_fill"]).any()
    assert full["reason"].null_count() == full.height


def test_a_refused_order_is_an_order_that_ended() -> None:
    market = TinyMarket()
    market.put(at.K_REFUSE, order_id=77, account=9, side=0, quantity=5, liquidity=at.R_INCREMENT)
    row = order_lives(DayTape(market.array(), make_facts())).row(0, named=True)
    assert (row["state"], row["reason"]) == ("refused", "bad_price_increment")
    assert row["ended"] is not None


def test_populations_add_up_their_accounts(day: DayTape) -> None:
    accounts = accounts_table(day)
    populations = population_table(accounts)
    assert populations["pnl"].sum() == pytest.approx(accounts["pnl"].sum())
    assert set(populations["population"].cast(pl.String)) == {
        "noise", "value", "maker", "quant/trend",
    }  # fmt: skip


def test_minutes_end_where_the_accounts_do(day: DayTape) -> None:
    last = population_minutes(day).group_by("population").last().sort("population")
    accounts = population_table(accounts_table(day)).with_columns(pl.col("population").cast(str))
    accounts = accounts.sort("population")
    assert last["inventory"].to_list() == accounts["position"].to_list()


def test_surveillance_finds_the_fast_cancel() -> None:
    market = TinyMarket()
    quick = market.submit(8, 0, 10_000, 5)
    market.now += SECOND // 20
    market.cancel(quick)
    slow = market.submit(9, 0, 10_000, 5)
    market.now += SECOND
    market.cancel(slow)
    market.put(at.K_CANCEL, order_id=slow, account=9, liquidity=at.R_SELF_TRADE)
    table = surveillance_table(accounts_table(DayTape(market.array(), make_facts())))
    first, second = table.iter_rows(named=True)
    assert (first["account"], first["fast_cancels"], first["fast_cancel_share"]) == (
        "noise.0", 1, 1.0,
    )  # fmt: skip
    assert (second["fast_cancels"], second["wash_attempts"]) == (0, 1)
    assert first["order_to_trade"] is None


def test_decisions_have_their_columns_even_when_nobody_was_asked() -> None:
    assert "verdict_id" in decisions_table().columns
    row: dict[str, object] = {"kind": "verdict", "answer": "refuse", "control": "order_quantity"}
    assert decisions_table([row])["answer"].to_list() == ["refuse"]


def test_a_tape_without_rows_gives_empty_tables() -> None:
    empty = DayTape(np.empty((0, 16), np.int64), make_facts())
    assert trades_table(empty).height == quotes_table(empty).height == 0
    assert accounts_table(empty)["pnl"].sum() == 0
    assert population_minutes(empty).height == 0
