"""What the office closes first, how much of it, and who could not carry assignment."""

from datetime import date

import pytest

from agents.clearing.closing_policy import (
    Closing,
    expiring_to_close,
    next_closing,
    shortfall_if_assigned,
    view_of,
)
from environment.clearing_messages import AccountStanding
from environment.instruments import make_equity, make_option, to_micros
from environment.options.margin import margin_of

TODAY, LATER = date(2014, 6, 20), date(2014, 7, 18)
STOCK = make_equity("A")
CALL, FAR = make_option("A", TODAY, "call", "100"), make_option("A", TODAY, "call", "110")
PUT = make_option("A", LATER, "put", "95")
MARKS = {"A": 10_100, CALL.symbol: 200, FAR.symbol: 5, PUT.symbol: 150}


def standing(cash: int, **held: int) -> AccountStanding:
    """An account holding stock, call, far and put, as named."""
    names = {"stock": STOCK, "call": CALL, "far": FAR, "put": PUT}
    positions = {names[name].symbol: lots for name, lots in held.items()}
    told = AccountStanding(
        account=9, kind="reg_t", cash_micros=to_micros(cash), positions=positions, marks=MARKS,
        instruments=(STOCK, CALL, FAR, PUT), equity_micros=0, required_micros=0,
    )  # fmt: skip
    view = view_of(told, TODAY)
    figures = margin_of(view, told.cash_micros, view.table.vector(positions))
    return AccountStanding(
        account=9, kind="reg_t", cash_micros=told.cash_micros, positions=positions, marks=MARKS,
        instruments=told.instruments, equity_micros=figures.equity_micros,
        required_micros=figures.maintenance_micros,
    )  # fmt: skip


def test_account_above_its_requirement_is_left_alone() -> None:
    assert next_closing(standing(10_000, stock=100), TODAY, 500) is None


def test_stock_is_sold_no_further_than_needed() -> None:
    # 10,100 of stock against 8,000 owed: 2,100 of equity, 2,525 required; 25 % of a share a share.
    assert next_closing(standing(-8_000, stock=100), TODAY, 500) == Closing("A", -17)


def test_no_order_is_larger_than_a_slice() -> None:
    assert next_closing(standing(-8_000, stock=100), TODAY, 5) == Closing("A", -5)


def test_what_frees_most_goes_first() -> None:
    found = next_closing(standing(3_000, call=-3, put=-1), TODAY, 500)
    assert found is not None
    assert (found.instrument, found.lots > 0) == (CALL.symbol, True)


def test_bought_leg_of_a_spread_is_never_sold_alone() -> None:
    found = next_closing(standing(0, call=-3, far=3), TODAY, 500)
    assert found is not None
    assert found.instrument == CALL.symbol


def test_closing_everything_ends_every_call() -> None:
    told = standing(-9_500, stock=100, call=-2)
    cash, held = told.cash_micros, dict(told.positions)
    for _ in range(20):
        now = changed(told, cash, held)
        closing = next_closing(now, TODAY, 40)
        if closing is None:
            break
        value = MARKS[closing.instrument] * (10_000 if closing.instrument == "A" else 1_000_000)
        cash -= closing.lots * value
        held[closing.instrument] += closing.lots
    view = view_of(told, TODAY)
    assert margin_of(view, cash, view.table.vector(held)).cushion_micros >= 0 or not any(
        held.values()
    )


def changed(told: AccountStanding, cash: int, held: dict[str, int]) -> AccountStanding:
    return AccountStanding(
        account=told.account, kind=told.kind, cash_micros=cash,
        positions={symbol: lots for symbol, lots in held.items() if lots}, marks=told.marks,
        instruments=told.instruments, equity_micros=0, required_micros=0,
    )  # fmt: skip


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
    assert (shortfall_if_assigned(standing(cash, **held), TODAY, 0.005) > 0) == lacks


def test_written_options_are_closed_before_bought_ones() -> None:
    found = expiring_to_close(standing(0, call=-2, put=3, stock=5), TODAY, 0.005)
    assert found == (Closing(CALL.symbol, 2),)
    assert [c.lots for c in expiring_to_close(standing(0, call=-2, far=4), TODAY, 0.1)] == [2, -4]
