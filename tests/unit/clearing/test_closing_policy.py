"""What the office closes first, how much of it, and who could not carry assignment."""

from datetime import date

import pytest
from hypothesis import given, settings, strategies as st

from agents.clearing.closing_policy import (
    Closing,
    expiring_to_close,
    next_closing,
    shortfall_if_assigned,
    slice_of,
    view_of,
)
from environment.clearing_messages import AccountStanding
from environment.instruments import make_equity, make_option, to_micros
from environment.options.margin import maintenance_of, margin_of

TODAY, LATER = date(2014, 6, 20), date(2014, 7, 18)
STOCK = make_equity("A")
CALL, FAR = make_option("A", TODAY, "call", "100"), make_option("A", TODAY, "call", "110")
PUT = make_option("A", LATER, "put", "95")
TERMS = {one.symbol: one for one in (STOCK, CALL, FAR, PUT)}
MARKS = {"A": 10_100, CALL.symbol: 200, FAR.symbol: 5, PUT.symbol: 150}


def standing(cash: int, **held: int) -> AccountStanding:
    """An account holding stock, call, far and put, as named."""
    names = {"stock": STOCK, "call": CALL, "far": FAR, "put": PUT}
    positions = {names[name].symbol: lots for name, lots in held.items()}
    told = AccountStanding(
        account=9, kind="reg_t", cash_micros=to_micros(cash), positions=positions, marks=MARKS,
        equity_micros=0, required_micros=0,
    )  # fmt: skip
    view = view_of(told, TERMS, TODAY)
    figures = margin_of(view, told.cash_micros, view.table.vector(positions))
    return AccountStanding(
        account=9, kind="reg_t", cash_micros=told.cash_micros, positions=positions, marks=MARKS,
        equity_micros=figures.equity_micros,
        required_micros=figures.maintenance_micros,
    )  # fmt: skip


def test_account_above_its_requirement_is_left_alone() -> None:
    assert next_closing(standing(10_000, stock=100), TERMS, TODAY) is None


def test_stock_is_sold_no_further_than_needed() -> None:
    # 10,100 of stock against 8,000 owed: 2,100 of equity, 2,525 required; 25 % of a share a share.
    assert next_closing(standing(-8_000, stock=100), TERMS, TODAY) == Closing("A", -17)


def test_buffer_closes_a_little_more() -> None:
    # 5 % of the 2,525 required are 126: at 25.25 a share, five shares more.
    told = standing(-8_000, stock=100)
    assert next_closing(told, TERMS, TODAY, buffer=0.05) == Closing("A", -22)


@pytest.mark.parametrize(
    ("lots", "slice_lots"), [(1_000, 200), (-1_000, -200), (30, 10), (-7, -7), (9_000, 500)]
)
def test_slice_is_a_share_within_its_limits(lots: int, slice_lots: int) -> None:
    assert slice_of(lots, share=0.2, smallest=10, largest=500) == slice_lots


def test_what_frees_most_goes_first() -> None:
    found = next_closing(standing(3_000, call=-3, put=-1), TERMS, TODAY)
    assert found is not None
    assert (found.instrument, found.lots > 0) == (CALL.symbol, True)


def test_bought_leg_of_a_spread_is_never_sold_alone() -> None:
    found = next_closing(standing(0, call=-3, far=3), TERMS, TODAY)
    assert found is not None
    assert found.instrument == CALL.symbol


def test_closing_everything_ends_every_call() -> None:
    told = standing(-9_500, stock=100, call=-2)
    cash, held = told.cash_micros, dict(told.positions)
    for _ in range(20):
        now = changed(told, cash, held)
        closing = next_closing(now, TERMS, TODAY)
        if closing is None:
            break
        value = MARKS[closing.instrument] * (10_000 if closing.instrument == "A" else 1_000_000)
        cash -= closing.lots * value
        held[closing.instrument] += closing.lots
    view = view_of(told, TERMS, TODAY)
    assert margin_of(view, cash, view.table.vector(held)).cushion_micros >= 0 or not any(
        held.values()
    )


def changed(told: AccountStanding, cash: int, held: dict[str, int]) -> AccountStanding:
    return AccountStanding(
        account=told.account, kind=told.kind, cash_micros=cash,
        positions={symbol: lots for symbol, lots in held.items() if lots}, marks=told.marks,
        equity_micros=0, required_micros=0,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-12_000, 12_000), st.integers(-200, 200), st.integers(-4, 4), st.integers(-4, 4),
    st.integers(-4, 4),
)  # fmt: skip
def test_closing_is_the_fewest_lots_that_suffice_or_all(
    cash: int, stock: int, call: int, far: int, put: int
) -> None:
    held = {"stock": stock, "call": call, "far": far, "put": put}
    told = standing(cash, **{name: lots for name, lots in held.items() if lots})
    closing = next_closing(told, TERMS, TODAY)
    if closing is None:
        assert told.equity_micros >= told.required_micros or not told.positions
        return
    owned = told.positions[closing.instrument]
    assert 0 < abs(closing.lots) <= abs(owned)
    if abs(closing.lots) > 1 and cushion(told, closing) >= 0:
        one_less = closing.lots - (1 if closing.lots > 0 else -1)
        assert cushion(told, Closing(closing.instrument, one_less)) < 0


def cushion(told: AccountStanding, closing: Closing) -> int:
    """Return the exact cushion once a closing has traded at the mark."""
    view = view_of(told, TERMS, TODAY)
    value = MARKS[closing.instrument] * (10_000 if closing.instrument == "A" else 1_000_000)
    positions = dict(told.positions)
    positions[closing.instrument] += closing.lots
    cash = told.cash_micros - closing.lots * value
    return maintenance_of(view, cash, view.table.vector(positions), exact=True).cushion_micros


@pytest.mark.parametrize(
    ("cash", "held", "lacks"),
    [
        (2_000, {"call": 1}, True),  # A hundred shares need 2,525, and 2,100 would be left.
        (20_000, {"call": 1}, False),
        (3_000, {"far": 1}, False),  # Out of the money: it lapses.
        (20_000, {"put": -5}, False),  # Does not expire today.
        (2_000, {"call": -1}, True),
    ],
)
def test_accounts_that_could_not_carry_assignment_are_found(
    cash: int, held: dict[str, int], lacks: bool
) -> None:
    assert (shortfall_if_assigned(standing(cash, **held), TERMS, TODAY, 0.005) > 0) == lacks


def test_written_options_are_closed_before_bought_ones() -> None:
    found = expiring_to_close(standing(0, call=-2, put=3, stock=5), TERMS, TODAY, 0.005)
    assert found == (Closing(CALL.symbol, 2),)
    assert [c.lots for c in expiring_to_close(standing(0, call=-2, far=4), TERMS, TODAY, 0.1)] == [
        2,
        -4,
    ]
