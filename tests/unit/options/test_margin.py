"""What accounts must hold: known figures, three kinds of account, orders that may be sent."""

from datetime import date

import numpy as np
import pytest

from environment.instruments import make_equity, make_option, to_micros
from environment.options import margin_groups
from environment.options.margin import (
    MarginFigures,
    MarginKind,
    is_allowed,
    maintenance_of,
    make_view,
    margin_after,
    margin_of,
)
from environment.options.margin_book import class_book, make_margin_table
from environment.options.margin_groups import cheapest_requirement
from environment.options.margin_holdings import holdings_margin
from environment.options.margin_portfolio import implied_sigmas, make_risk_array, moves_of
from environment.options.margin_rules import MAINTENANCE, naked_requirement

JUNE, JULY = date(2014, 6, 20), date(2014, 7, 18)
TODAY = date(2014, 6, 6)
STOCK = make_equity("A")
CALLS = {k: make_option("A", JUNE, "call", str(k)) for k in (95, 100, 105, 110)}
PUTS = {k: make_option("A", JUNE, "put", str(k)) for k in (90, 95, 100, 105)}
LATER = make_option("A", JULY, "call", "100")
TABLE = make_margin_table([STOCK, *CALLS.values(), *PUTS.values(), LATER])
PRICES = {"A": "100", **{c.symbol: "2" for c in (*CALLS.values(), *PUTS.values(), LATER)}}
MARKS = {
    symbol: TABLE.instruments[TABLE.number[symbol]].price_from(p) for symbol, p in PRICES.items()
}


def figures(
    held: dict[str, int], kind: MarginKind = "reg_t", *, cash: int = 0, shock: float = 0.0
) -> MarginFigures:
    view = make_view(TABLE, kind, MARKS)
    sigmas = implied_sigmas(TABLE, view.marks, view.spots, TODAY.toordinal())
    risk = make_risk_array(TABLE, view.spots, sigmas, TODAY.toordinal(), volatility_shock=shock)
    view = make_view(TABLE, kind, MARKS, risk=risk)
    return margin_of(view, to_micros(cash), TABLE.vector(held), exact=True)


def dollars(micros: int) -> float:
    return micros / 1e6


@pytest.mark.parametrize(
    ("held", "initial", "maintenance"),
    [
        ({"A": 100}, 5_000, 2_500),
        ({"A": -100}, 5_000, 3_000),
        # A written option: its premium stands against it in equity, so 20 % less what it is out.
        ({CALLS[100].symbol: -1}, 2_000, 2_000),
        ({CALLS[105].symbol: -1}, 1_500, 1_500),
        ({PUTS[90].symbol: -1}, 1_000, 1_000),
        # Bought options lend nothing.
        ({CALLS[100].symbol: 1}, 200, 200),
        ({CALLS[105].symbol: 1, CALLS[100].symbol: -1}, 500, 500),
        ({CALLS[100].symbol: 1, CALLS[105].symbol: -1}, 0, 0),
        ({LATER.symbol: 1, CALLS[100].symbol: -1}, 0, 0),
        ({CALLS[100].symbol: -1, PUTS[100].symbol: -1}, 1_800 + 200, 1_800 + 200),
        ({CALLS[95].symbol: 1, CALLS[100].symbol: -2, CALLS[105].symbol: 1}, 0, 0),
        ({PUTS[90].symbol: 1, PUTS[95].symbol: -1, CALLS[105].symbol: -1, CALLS[110].symbol: 1},
         500, 500),
        # Stock under a written call: 200 of premium stand against the account.
        ({"A": 100, CALLS[100].symbol: -1}, 5_000 - 200, 2_500 - 200),
        ({"A": 100, CALLS[95].symbol: -1}, 4_750 + 500 - 200, 2_375 + 500 - 200),
        ({"A": 100, PUTS[100].symbol: 1, CALLS[100].symbol: -1}, 5_000, 1_000),
        ({"A": -100, PUTS[100].symbol: -1, CALLS[100].symbol: 1}, 5_000, 1_000),
        ({"A": 100, PUTS[95].symbol: 1, CALLS[105].symbol: -1}, 5_000, 950 + 500),
        ({"A": 100, PUTS[95].symbol: 1}, 5_000 + 200, 1_450 + 200),
    ],
)  # fmt: skip
def test_regulation_t_asks(held: dict[str, int], initial: float, maintenance: float) -> None:
    found = figures(held)
    assert (dollars(found.initial_micros), dollars(found.maintenance_micros)) == (
        initial, maintenance,
    )  # fmt: skip


def test_long_leg_that_expires_earlier_covers_nothing() -> None:
    found = figures({CALLS[100].symbol: 1, LATER.symbol: -1})
    assert dollars(found.initial_micros) == 2_000 + 200


def test_broad_index_asks_less() -> None:
    asked = [naked_requirement(1, to_micros(100), 100, 0, to_micros(100), p) for p in (20, 15)]
    assert [dollars(micros) for micros in asked] == [2_000, 1_500]


@pytest.mark.parametrize(
    ("held", "required", "uncovered"),
    [
        ({"A": 100}, 10_000, 0),
        ({CALLS[100].symbol: 1}, 200, 0),
        ({PUTS[95].symbol: -1}, 9_500 - 200, 0),  # Cash for the strike; the premium is cash too.
        ({"A": 100, CALLS[105].symbol: -1}, 10_000 - 200, 0),
        ({CALLS[105].symbol: -1}, 10_000 - 200, 100),
        ({"A": -7}, 700, 7),
    ],
)
def test_cash_account_pays_in_full(held: dict[str, int], required: int, uncovered: int) -> None:
    found = figures(held, "cash")
    assert (dollars(found.initial_micros), found.uncovered) == (required, uncovered)


def test_portfolio_margin_of_stock_is_its_worst_move() -> None:
    assert dollars(figures({"A": 100}, "portfolio").initial_micros) == 1_500
    assert dollars(figures({"A": -100}, "portfolio").initial_micros) == 1_500


def test_portfolio_margin_has_a_floor_for_each_contract() -> None:
    hedged = {"A": 100, PUTS[100].symbol: 1, CALLS[100].symbol: -1}
    assert dollars(figures(hedged, "portfolio").initial_micros) == 2 * 37.50


def test_volatility_shock_asks_more_of_a_written_straddle() -> None:
    straddle = {CALLS[100].symbol: -10, PUTS[100].symbol: -10}
    plain, shocked = (figures(straddle, "portfolio", shock=s).initial_micros for s in (0.0, 0.15))
    assert plain < shocked


def test_moves_are_ten_from_end_to_end() -> None:
    assert moves_of(20) == pytest.approx(
        [-0.15, -0.12, -0.09, -0.06, -0.03, 0.03, 0.06, 0.09, 0.12, 0.15]
    )
    assert (moves_of(15).min(), moves_of(15).max(), len(moves_of(15))) == (-0.08, 0.06, 10)


def test_gains_of_the_underlying_are_its_moves() -> None:
    view = make_view(TABLE, "portfolio", MARKS)
    sigmas = np.full(len(TABLE.instruments), 0.3)
    risk = make_risk_array(TABLE, view.spots, sigmas, TODAY.toordinal())
    assert risk.gains[0].tolist() == [round(to_micros(100) * move) for move in moves_of(20)]


@pytest.mark.parametrize("exact", [None, True, False])
@pytest.mark.parametrize("kind", ["reg_t", "portfolio", "cash"])
def test_maintenance_alone_is_that_of_all_figures(kind: MarginKind, exact: bool | None) -> None:
    lots = TABLE.vector({"A": 100, CALLS[95].symbol: -2, CALLS[110].symbol: 1, PUTS[90].symbol: -1})
    view = make_view(TABLE, "reg_t", MARKS)
    sigmas = np.full(len(TABLE.instruments), 0.3)
    risk = make_risk_array(TABLE, view.spots, sigmas, TODAY.toordinal())
    view = make_view(TABLE, kind, MARKS, risk=risk)
    told = margin_of(view, to_micros(1_000), lots, exact=exact)
    alone = maintenance_of(view, to_micros(1_000), lots, exact=exact)
    assert alone == (told.equity_micros, told.maintenance_micros, told.is_exact)


def test_account_that_only_lacks_for_new_positions_needs_no_exact_maintenance() -> None:
    view = make_view(TABLE, "reg_t", MARKS)
    lots, cash = TABLE.vector({"A": 100}), to_micros(-6_000)  # 4,000 left of 10,000: half is 5,000.
    assert margin_of(view, cash, lots).is_exact
    assert not maintenance_of(view, cash, lots).is_exact


def test_same_holdings_at_the_same_marks_are_grouped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    book = class_book(
        TABLE, 0, TABLE.vector({CALLS[95].symbol: -77}), TABLE.vector(MARKS), to_micros(100)
    )
    first = cheapest_requirement(book, MAINTENANCE)
    monkeypatch.setattr(margin_groups, "cheapest_grouping", lambda *_: pytest.fail("again"))
    assert cheapest_requirement(book, MAINTENANCE) == first


def test_order_is_margined_as_the_position_it_makes() -> None:
    view = make_view(TABLE, "reg_t", MARKS)
    held, cash = {CALLS[105].symbol: -1}, to_micros(1_700)
    whole = margin_after(view, cash, held, {CALLS[110].symbol: 1}, cost_micros=to_micros(200))
    assert (dollars(whole.equity_micros), dollars(whole.initial_micros)) == (1_500, 500)


def test_order_within_the_bound_needs_no_grouping() -> None:
    view = make_view(TABLE, "reg_t", MARKS)
    assert not margin_after(view, to_micros(50_000), {}, {CALLS[100].symbol: -1}).is_exact
    assert margin_after(view, to_micros(500), {}, {CALLS[100].symbol: -1}).is_exact


def test_account_short_of_margin_may_only_do_what_asks_for_less() -> None:
    view = make_view(TABLE, "reg_t", MARKS)
    held, cash = {CALLS[100].symbol: -3}, to_micros(1_000)
    before = margin_after(view, cash, held, {})
    cover = margin_after(view, cash, held, {CALLS[100].symbol: 1}, cost_micros=to_micros(200))
    write = margin_after(view, cash, held, {CALLS[100].symbol: -1}, cost_micros=-to_micros(200))
    assert before.excess_micros < 0
    assert (is_allowed(before, cover), is_allowed(before, write)) == (True, False)


def test_cash_account_may_not_write_what_nothing_covers() -> None:
    view = make_view(TABLE, "cash", MARKS)
    before = margin_after(view, to_micros(100_000), {}, {})
    after = margin_after(view, to_micros(100_000), {}, {CALLS[110].symbol: -1})
    assert not is_allowed(before, after)


def test_holdings_by_symbol_have_the_same_figures() -> None:
    instruments = {instrument.symbol: instrument for instrument in TABLE.instruments}
    held = {CALLS[100].symbol: -1, CALLS[105].symbol: 1, "A": 0}
    found = holdings_margin(instruments, MARKS, held, to_micros(900), "reg_t", TODAY)
    assert (dollars(found.equity_micros), dollars(found.initial_micros)) == (900, 500)
    assert holdings_margin(instruments, MARKS, {}, 5, "portfolio", TODAY).initial_micros == 0
