"""Profit by what made it: the parts add up, and each cause shows where it alone is at work."""

from datetime import date

import pytest
from hypothesis import given, settings, strategies as st

from agents.desk.greek_profit import GreekBook, GreekProfit
from agents.desk.profit import Ledger
from environment.instruments import make_equity, make_option
from environment.options.black_scholes import price

AAPL = make_equity("AAPL")
CALL = make_option("AAPL", date(2014, 7, 19), "call", "645")
START_NS = 1_402_063_387_000_000_000
DAY_NS = 86_400 * 10**9
LOTS = 10
# To the evening of the expiry day, as the book counts.
YEARS = ((date(2014, 7, 19).toordinal() - 719_163) * 86_400 + 64_800 - START_NS / 1e9) / 31_536_000


def worth(spot: float, sigma: float, days: float = 0.0) -> int:
    """Return what a contract is worth, micros."""
    return round(float(price(spot, 645.0, YEARS - days / 365.0, sigma, 0.0, 0.0, True)) * 100 * 1e6)


def moved(spot: float = 645.0, sigma: float = 0.25, days: float = 0.0) -> tuple[GreekProfit, int]:
    """Return what ten calls make of one move, and how much that is."""
    book = GreekBook()
    first = worth(645.0, 0.25)
    for mark, at, now_ns in (
        (first, 645.0, START_NS),
        (worth(spot, sigma, days), spot, START_NS + round(days * DAY_NS)),
    ):
        book.mark(
            CALL, lots=LOTS, profit_micros=LOTS * (mark - first), mark_micros=mark,
            spot_micros=round(at * 1e6), now_ns=now_ns,
        )  # fmt: skip
    return book.profits["AAPL"], LOTS * (worth(spot, sigma, days) - first)


def test_stock_moves_by_delta_and_costs_what_was_paid_beyond_the_mark() -> None:
    book, ledger = GreekBook(), Ledger()
    ledger.fill("trend", AAPL, 100, 64_510, 500_000)  # A tenth above the mid, and a fee.
    for mid in (64_500, 64_600):
        mark = mid * AAPL.tick_value_micros
        lots, profit = ledger.traded("AAPL", mark)
        book.mark(
            AAPL, lots=lots, profit_micros=profit, mark_micros=mark, spot_micros=mark,
            now_ns=START_NS,
        )  # fmt: skip
    assert book.profits["AAPL"] == GreekProfit(delta=100_000_000, trading=-10_500_000)


@pytest.mark.parametrize(
    ("move", "cause"),
    [({"spot": 646.0}, "delta"), ({"sigma": 0.26}, "vega"), ({"days": 1.0}, "theta")],
)
def test_each_cause_shows_where_it_alone_is_at_work(move: dict[str, float], cause: str) -> None:
    told, made = moved(**move)
    assert told.total == made
    parts = {name: getattr(told, name) for name in ("delta", "gamma", "vega", "theta", "rest")}
    largest = max(parts, key=lambda name: abs(parts[name]))
    assert largest == cause
    assert abs(told.rest) < 0.02 * abs(made)


def test_curvature_shows_in_a_large_move_either_way() -> None:
    for spot in (625.0, 665.0):
        told, made = moved(spot=spot)
        assert told.total == made
        assert told.gamma > 0
        assert abs(told.rest) < abs(told.gamma)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(-5, 5), st.floats(600.0, 690.0), st.floats(0.1, 0.6),
            st.integers(0, 5 * DAY_NS), st.integers(-200, 200),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_parts_add_up_to_the_profit_whatever_happens(
    steps: list[tuple[int, float, float, int, int]],
) -> None:
    book, ledger, now_ns = GreekBook(), Ledger(), START_NS
    profit = 0
    for lots, spot, sigma, passed_ns, off in steps:
        now_ns += passed_ns
        ticks = max(round(worth(spot, sigma) / CALL.tick_value_micros), 1)
        if lots:
            ledger.fill("vol", CALL, lots, max(ticks + off, 1), 650_000)
        mark = ticks * CALL.tick_value_micros
        held, profit = ledger.traded(CALL.symbol, mark)
        book.mark(
            CALL, lots=held, profit_micros=profit, mark_micros=mark,
            spot_micros=round(spot * 1e6), now_ns=now_ns,
        )  # fmt: skip
    found = book.profits.get("AAPL", GreekProfit())
    assert found.total == profit


def test_mark_below_intrinsic_value_is_the_rest_and_no_greeks() -> None:
    book = GreekBook()
    for mark in (100, 200):  # A call deep in the money for next to nothing: no volatility says so.
        book.mark(
            CALL, lots=1, profit_micros=mark - 100, mark_micros=mark,
            spot_micros=800_000_000, now_ns=START_NS,
        )  # fmt: skip
    assert book.profits["AAPL"] == GreekProfit(rest=100)


def test_night_that_splits_or_ends_a_position_moves_no_greek() -> None:
    book = GreekBook()

    def mark(ticks: int, lots: int, profit: int) -> None:
        worth = ticks * AAPL.tick_value_micros
        book.mark(
            AAPL, lots=lots, profit_micros=profit, mark_micros=worth, spot_micros=worth,
            now_ns=START_NS,
        )  # fmt: skip

    mark(64_500, 100, 0)
    book.rest("AAPL", 700, 0)  # Seven for one: nothing was made, whatever the price says.
    mark(9_214, 700, 0)
    assert book.profits["AAPL"] == GreekProfit()
    book.rest("AAPL", 0, 5_000)  # Gone for good.
    assert book.profits["AAPL"] == GreekProfit(trading=5_000)
