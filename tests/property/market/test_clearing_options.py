"""Any night of any small book: nothing is lost, and exercised is assigned."""

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

from environment.market.assignment import assign
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_contracts import Holdings
from environment.market.clearing_events import (
    ContractsAssigned,
    ContractsExercised,
    SeriesAdjusted,
    SeriesExpired,
)
from environment.market.clearing_options import OptionsClearing
from environment.market.corporate_actions import CorporateAction, Dividend, Split
from environment.market.exercise_rules import DueDividend, ExerciseTerms
from environment.market.layout import CUSTODY, FIRST_ACCOUNT
from tests.unit.market.contract_fixture import FRIDAY, LATER, MONDAY, STOCK, book_of, option
from tests.unit.market.ledger_fixture import make_ledger

CALENDAR = TradingCalendar("XNYS")
SERIES = (
    option(), option("put"), option(expiry=LATER), option("put", expiry=LATER),
    option("put", "95", settlement="cash_pm"), option("call", "98", settlement="cash_am"),
)  # fmt: skip
PEOPLE = 5
NUMBERS = st.integers(FIRST_ACCOUNT, FIRST_ACCOUNT + PEOPLE - 1)
MOVES = st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(1, 6), st.integers(1, 4)), max_size=12)
ACTIONS = st.sampled_from(
    [
        (), (Split(symbol="A", ex_date=MONDAY, numerator=7, denominator=1),),
        (Split(symbol="A", ex_date=MONDAY, numerator=3, denominator=2),),
        (Dividend(symbol="A", ex_date=MONDAY, micros_per_share=470_000),),
        (Dividend(symbol="A", ex_date=MONDAY, micros_per_share=2_000_000, is_special=True),),
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    MOVES, st.integers(90, 110), st.integers(90, 110), ACTIONS,
    st.dictionaries(st.tuples(NUMBERS, st.integers(1, 6)), st.integers(0, 5), max_size=4),
    st.integers(0, 2**31),
)  # fmt: skip
def test_night_conserves_and_assigns_what_is_exercised(
    moves: list[tuple[int, int, int, int]], close: int, opening: int,
    actions: tuple[CorporateAction, ...], instructions: dict[tuple[int, int], int], seed: int,
) -> None:  # fmt: skip
    book = book_of(*SERIES)
    for giver, taker, number, contracts in moves:
        book.move(giver, taker, number, contracts)
    ledger = make_ledger(*((50_000, [200]) for _ in range(PEOPLE)))
    cash = int(ledger.cash.sum())
    terms = ExerciseTerms(
        session=FRIDAY, following=MONDAY, instructions=instructions, twins={3: 4, 4: 3},
        marks={3: 500, 4: 20}, discount=lambda days: 1.0 - 0.001 * days, forget_ppm=300_000,
        dividends={0: (DueDividend(ex_date=MONDAY, micros_per_share=470_000),)},
    )  # fmt: skip
    options = OptionsClearing(book, (STOCK,), lambda accounts: accounts % 2 == 0, seed=seed)
    events = Clearing((STOCK,), CALENDAR, options=options).run(
        ledger, FRIDAY, {"A": 100 * close},
        ClearingTerms(actions=actions, exercise=terms, openings={"A": 100 * opening}),
    )  # fmt: skip
    exercised, assigned = Counter[str](), Counter[str]()
    for event in events:
        if isinstance(event, ContractsExercised):
            exercised[event.instrument] += sum(event.contracts)
        elif isinstance(event, ContractsAssigned):
            assigned[event.instrument] += sum(event.contracts)
    assert exercised == assigned
    assert int(ledger.cash.sum()) == cash
    assert not ledger.position.sum(axis=0).any()
    assert all(int(held.contracts.sum()) == 0 for held in book.holdings().values())
    assert not [key for key, count in book.held.items() if key[0] == CUSTODY and count]
    ended = {e.instrument for e in events if isinstance(e, SeriesExpired)}
    assert ended == {series.symbol for series in SERIES if series.expiry == FRIDAY}
    left = {series.number for series in book.listed()}
    assert left == {3, 4}
    assert {number for (_, number), count in book.held.items() if count} <= left
    splits = any(isinstance(action, Split) for action in actions)
    adjusts = splits or any(isinstance(a, Dividend) and a.is_special for a in actions)
    assert len([e for e in events if isinstance(e, SeriesAdjusted)]) == (2 if adjusts else 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.data())
def test_nobody_is_assigned_more_than_he_wrote(written: list[int], data: Any) -> None:
    exercised = data.draw(st.integers(0, sum(written)))
    writers = Holdings(np.arange(len(written)), np.array(written, np.int64))
    found = assign(writers, exercised, data.draw(st.integers(-(2**62), 2**62)))
    assert int(found.contracts.sum()) == exercised
    assert all(
        0 < count <= written[account]
        for account, count in zip(found.accounts.tolist(), found.contracts.tolist(), strict=True)
    )


def test_every_written_contract_is_as_likely() -> None:
    writers = Holdings(np.arange(3), np.array([1, 2, 5], np.int64))
    drawn = np.zeros(3)
    for key in range(2_000):
        found = assign(writers, 2, key)
        drawn[found.accounts] += found.contracts
    expected = 2_000 * 2 * np.array([1, 2, 5]) / 8
    assert np.all(np.abs(drawn - expected) < 4 * np.sqrt(expected))


def test_assignment_of_a_night_is_its_own_stream() -> None:
    writers = Holdings(np.arange(50), np.full(50, 3, np.int64))
    first, again, other = (assign(writers, 20, key) for key in (1, 1, 2))
    assert first.accounts.tolist() == again.accounts.tolist()
    assert first.accounts.tolist() != other.accounts.tolist()
