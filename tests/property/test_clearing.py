"""Whatever books and terms: nothing is lost in a night, and settled cash explains itself."""

from datetime import date
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import given, settings, strategies as st

from environment.instruments import make_equity
from environment.market import clearing_events
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingState, ClearingTerms
from environment.market.clearing_steps import BorrowTerms, InterestTerms
from environment.market.corporate_actions import CorporateAction, Dividend, Split
from environment.market.layout import FIRST_ACCOUNT, WORLD
from tests.unit.market.ledger_fixture import PlainLedger, make_ledger

CALENDAR = TradingCalendar("XNYS")
INSTRUMENTS = (make_equity("A"), make_equity("B", lot=100))
DAYS = CALENDAR.days(date(2017, 8, 30), date(2017, 9, 12))  # Over the change to T+2.

lots = st.integers(-50, 50)
accounts = st.tuples(st.integers(-5_000, 5_000), st.lists(lots, min_size=2, max_size=2))
ratios = st.integers(1, 20)
splits = st.builds(
    Split, symbol=st.sampled_from("AB"), ex_date=st.sampled_from(DAYS), numerator=ratios,
    denominator=ratios,
)  # fmt: skip
dividends = st.builds(
    Dividend, symbol=st.sampled_from("AB"), ex_date=st.sampled_from(DAYS),
    micros_per_share=st.integers(1, 5_000_000),
)  # fmt: skip
borrow = st.builds(BorrowTerms, available_lots=st.integers(0, 120), base_ppm=st.just(7))
interest = st.builds(
    InterestTerms, credit_ppm=st.integers(0, 90_000), debit_ppm=st.integers(0, 90_000)
)
integers = st.integers(-(2**63), 2**63 - 1)
OF_TYPE: dict[object, st.SearchStrategy[Any]] = {
    int: integers,
    str: st.text(),
    date: st.dates(),
    dict[str, int]: st.dictionaries(st.text(), integers),
    list[int]: st.lists(integers),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type."""
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    return OF_TYPE[hint]


def unsettled(state: ClearingState, ledger: PlainLedger, account: int) -> int:
    waiting = sum(
        micros
        for sales in state.pending
        for row, micros in zip(sales.accounts, sales.micros, strict=True)
        if row == account
    )
    return waiting + int(ledger.proceeds[account])


def sell(ledger: PlainLedger, micros: int) -> None:
    """The first account sells to the second: cash by trade date, proceeds not yet settled."""
    seller, buyer = FIRST_ACCOUNT, FIRST_ACCOUNT + 1
    ledger.cash[[seller, buyer]] += [micros, -micros]
    ledger.proceeds[seller] += micros
    ledger.settled[buyer] -= micros


@settings(max_examples=60, deadline=None)
@given(
    st.lists(accounts, min_size=2, max_size=5),
    st.lists(st.one_of(splits, dividends), max_size=4),
    st.fixed_dictionaries({}, optional={"A": borrow, "B": borrow}),
    interest,
    st.lists(st.tuples(st.integers(1, 30_000), st.integers(0, 10**9)), min_size=4, max_size=4),
)
def test_nothing_is_lost_over_several_nights(
    books: list[tuple[int, list[int]]], actions: list[CorporateAction],
    pools: dict[str, BorrowTerms], rates: InterestTerms, nights: list[tuple[int, int]],
) -> None:  # fmt: skip
    ledger, clearing = make_ledger(*books), Clearing(INSTRUMENTS, CALENDAR)
    terms = ClearingTerms(actions=tuple(actions), borrow=pools, interest=rates)
    for day, (mark, sold) in zip(DAYS, nights, strict=False):
        sell(ledger, sold)
        clearing.run(ledger, day, {"A": mark, "B": mark + 1}, terms)
        assert ledger.cash.sum() == 0
        assert not ledger.position.sum(axis=0).any()
        for account in ledger.accounts:
            waiting = unsettled(clearing.state, ledger, account)
            assert ledger.cash[account] == ledger.settled[account] + waiting


@settings(deadline=None)
@given(st.integers(1, 1_000), ratios, ratios, st.integers(1, 1_000_000))
def test_split_keeps_what_a_holding_is_worth(
    held: int, numerator: int, denominator: int, mark: int
) -> None:
    ledger = make_ledger((0, [held, 0]))
    before = held * INSTRUMENTS[0].notional_micros(mark, 1)
    split = Split(symbol="A", ex_date=DAYS[1], numerator=numerator, denominator=denominator)
    Clearing(INSTRUMENTS, CALENDAR).run(
        ledger, DAYS[0], {"A": mark, "B": 1}, ClearingTerms(actions=(split,))
    )
    whole = int(ledger.position[FIRST_ACCOUNT, 0])
    value = INSTRUMENTS[0].notional_micros(mark, 1)
    # Whole new shares at the exact new price, plus the cash: off by the cash's own rounding.
    after = whole * value * denominator + int(ledger.cash[FIRST_ACCOUNT]) * numerator
    assert abs(after - before * numerator) * 2 <= numerator
    assert ledger.position[WORLD, 0] == -whole


@given(st.data())
def test_every_event_survives_the_journal(data: st.DataObject) -> None:
    kind: Any = data.draw(st.sampled_from(clearing_events.PROTOCOL))
    hints = get_type_hints(kind)  # Class variables, such as the lane, are no part of a message.
    fields = {name: of_type(hints[name]) for name in kind.__struct_fields__}
    event = data.draw(st.builds(kind, **fields))
    decoder = msgspec.msgpack.Decoder(clearing_events.Event)
    assert decoder.decode(msgspec.msgpack.encode(event)) == event
