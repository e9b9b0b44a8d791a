"""What a night changes, shared out and followed by everybody who keeps count."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, strategies as st

from agents.desk.allocation import allocated, moves_of, shared_moves
from agents.desk.day_ledger import DayLedger, ScopeBook
from agents.desk.profit import Ledger
from environment.venue_messages import PositionMoved
from tests.unit.desk.factories import AAPL, DOLLAR
from tests.unit.desk.option_factories import C105, CALLS, P95

CALL = CALLS[0]


def moved(symbol: str, change: int, reason: Any = "expiry", **told: Any) -> PositionMoved:
    return PositionMoved(
        instrument=symbol, change=change, reason=reason, session=date(2014, 7, 3), **told
    )


@given(
    total=st.integers(-1_000, 1_000),
    weights=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50), min_size=1),
    sign=st.sampled_from([1, -1]),
)
def test_shares_sum_to_the_total_and_are_within_one_of_their_part(
    total: int, weights: dict[str, int], sign: int
) -> None:
    signed = {name: sign * weight for name, weight in weights.items()}
    shares, whole = allocated(total, signed), sum(signed.values())
    assert sum(shares.values()) == total
    assert all(abs(share - total * signed[name] / whole) < 1 for name, share in shares.items())


def test_two_on_opposite_sides_are_each_closed() -> None:
    assert allocated(-2, {"a": 5, "b": -3}) == {"a": -5, "b": 3}
    assert allocated(5, {"a": 2, "b": -2}) == {}


def test_moves_are_what_went_and_what_came() -> None:
    event = moved(C105, -2, "exercise", into="AAPL", into_change=200)
    assert moves_of(event) == ((C105, -2), ("AAPL", 200))
    assert shared_moves(event, {"a": {C105: 2}, "b": {"AAPL": 9}}) == {"a": {C105: -2, "AAPL": 200}}


def test_exercise_gives_the_premium_up_and_shares_cost_the_strike() -> None:
    ledger = Ledger()
    ledger.fill("vol", CALL, 2, 60, 0)
    event = moved(C105, -2, "exercise", into="AAPL", into_change=200,
                  cash_micros=-200 * 105 * DOLLAR)  # fmt: skip
    ledger.move(event)
    realised, unrealised = ledger.strategy_micros("vol", {"AAPL": 107 * DOLLAR})
    assert (realised, unrealised) == (-120 * DOLLAR, 200 * 2 * DOLLAR)
    assert ledger.position(C105) == 0


def test_lapsed_written_option_keeps_its_premium() -> None:
    ledger = Ledger()
    ledger.fill("vol", CALL, -3, 60, 0)
    ledger.move(moved(C105, 3))
    assert ledger.strategy_micros("vol", {}) == (180 * DOLLAR, 0)


@pytest.mark.parametrize(
    "event",
    [
        moved(C105, -3, "adjustment", into=P95, into_change=21),
        moved("AAPL", 60, "corporate_action"),
    ],
)
def test_adjustment_and_split_keep_what_was_paid(event: PositionMoved) -> None:
    ledger = Ledger()
    ledger.fill("vol", CALL, 3, 60, 0)
    ledger.fill("vol", AAPL, 10, 10_000, 0)
    ledger.move(event)
    held = ledger.holdings["vol"]
    assert sum(one.cost_micros for one in held.values()) == (180 + 1_000) * DOLLAR
    assert sum(one.realised_micros for one in held.values()) == 0
    assert ledger.position(event.into or "AAPL") == (21 if event.into else 70)


def test_night_moves_every_scope_by_its_share() -> None:
    ledger = DayLedger(scopes={
        "desk:": ScopeBook(lots={C105: 6}), "agent:a": ScopeBook(lots={C105: 4}),
        "agent:b": ScopeBook(lots={C105: 2}),
    })  # fmt: skip
    ledger.move(moved(C105, -6, "exercise", into="AAPL", into_change=600, cash_micros=-600))
    assert {name: book.lots for name, book in ledger.scopes.items()} == {
        "desk:": {C105: 0, "AAPL": 600}, "agent:a": {C105: 0, "AAPL": 400},
        "agent:b": {C105: 0, "AAPL": 200},
    }  # fmt: skip
    assert [book.cash_micros for book in ledger.scopes.values()] == [-600, -400, -200]
