"""The night between two days, step by step."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from environment.errors import Defect
from environment.instruments import make_equity, to_micros
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_books import Ledger
from environment.market.clearing_events import (
    BorrowCharged,
    BorrowRecalled,
    BuyInOrdered,
    ClearingEvent,
    CycleDone,
    DividendPaid,
    InterestBooked,
    MarginCalled,
    MarginCallMet,
    MarksTaken,
    SalesSettled,
    SplitApplied,
)
from environment.market.clearing_steps import BorrowTerms, InterestTerms
from environment.market.corporate_actions import Dividend, Split
from environment.market.layout import INTEREST, ISSUER, LENDER
from environment.market.margin import Ints
from tests.unit.market.ledger_fixture import PlainLedger, make_ledger

CALENDAR = TradingCalendar("XNYS")
FRIDAY, MONDAY = date(2014, 6, 6), date(2014, 6, 9)
ONE, TWO = 8, 9  # The first accounts after the contra accounts.


def clearing(symbols: str = "A") -> Clearing:
    return Clearing(tuple(make_equity(symbol) for symbol in symbols), CALENDAR)


def night(
    ledger: PlainLedger, terms: ClearingTerms | None = None, *, day: date = FRIDAY,
    mark: int = 10_000, by: Clearing | None = None,
) -> list[ClearingEvent]:  # fmt: skip
    return (by or clearing()).run(ledger, day, {"A": mark}, terms or ClearingTerms())


def only(events: Sequence[ClearingEvent], kind: type[ClearingEvent]) -> list[ClearingEvent]:
    return [event for event in events if isinstance(event, kind)]


def split(numerator: int, denominator: int) -> ClearingTerms:
    return ClearingTerms(
        actions=(Split(symbol="A", ex_date=MONDAY, numerator=numerator, denominator=denominator),)
    )


def test_quiet_night_takes_marks_and_is_done() -> None:
    events = night(make_ledger((1_000, [5])))
    assert [type(event) for event in events] == [MarksTaken, CycleDone]


def test_split_multiplies_positions_and_divides_the_mark() -> None:
    ledger = make_ledger((1_000, [10]), (1_000, [-4]))
    [event] = only(night(ledger, split(7, 1), mark=64_557), SplitApplied)
    assert ledger.position[[ONE, TWO], 0].tolist() == [70, -28]
    assert isinstance(event, SplitApplied)
    assert (event.mark_ticks, event.cash_in_lieu_micros) == (9_222, 0)


def test_fraction_of_a_lot_is_paid_in_cash_and_by_shorts() -> None:
    ledger = make_ledger((1_000, [25]), (1_000, [-3]))
    night(ledger, split(1, 2))
    assert ledger.position[[ONE, TWO], 0].tolist() == [12, -1]
    # Half a new share, and a new share is worth two old ones at 100.00.
    assert ledger.cash[[ONE, TWO]].tolist() == [to_micros(1_100), to_micros(900)]


def test_dividend_goes_to_holders_at_the_close_before_the_ex_date() -> None:
    ledger = make_ledger((1_000, [100]), (1_000, [-40]))
    terms = ClearingTerms(actions=(Dividend(symbol="A", ex_date=MONDAY, micros_per_share=470_000),))
    [event] = only(night(ledger, terms), DividendPaid)
    assert isinstance(event, DividendPaid)
    assert (event.paid_micros, event.charged_micros) == (to_micros(47), to_micros("18.80"))
    assert ledger.cash[[ONE, TWO, ISSUER]].tolist() == [
        to_micros(1_047), to_micros("981.20"), -to_micros("28.20"),
    ]  # fmt: skip


def test_action_of_another_day_or_stock_does_nothing() -> None:
    ledger = make_ledger((1_000, [100]))
    actions = (
        Dividend(symbol="A", ex_date=FRIDAY, micros_per_share=1),
        Dividend(symbol="A", ex_date=date(2014, 6, 10), micros_per_share=1),
        Dividend(symbol="Z", ex_date=MONDAY, micros_per_share=1),
    )
    assert not only(night(ledger, ClearingTerms(actions=actions)), DividendPaid)


def test_dividend_of_the_split_day_is_per_old_share() -> None:
    ledger = make_ledger((1_000, [100]))
    both = (*split(7, 1).actions, Dividend(symbol="A", ex_date=MONDAY, micros_per_share=1_000_000))
    night(ledger, ClearingTerms(actions=both))
    assert ledger.cash[ONE] == to_micros(1_100)


@pytest.mark.parametrize(
    ("short", "ppm"), [(0, 3_000), (500, 3_000), (800, 3_000), (900, 151_500), (1_000, 300_000)]
)
def test_borrow_fee_rises_with_utilisation(short: int, ppm: int) -> None:
    assert BorrowTerms(available_lots=1_000).rate_ppm(short) == ppm


def test_borrow_is_paid_over_the_weekend() -> None:
    ledger = make_ledger((1_000_000, [-360]))
    terms = ClearingTerms(borrow={"A": BorrowTerms(available_lots=10_000, base_ppm=10_000)})
    [event] = only(night(ledger, terms), BorrowCharged)
    assert isinstance(event, BorrowCharged)
    # 36,000.00 at 1 % for three days of 360.
    assert (event.days, event.charged_micros) == (3, to_micros(3))
    assert ledger.cash[LENDER] == to_micros(3)


def test_interest_leaves_out_the_collateral_of_shorts() -> None:
    ledger = make_ledger((36_000, [0]), (-36_000, [1_000]), (36_000, [-360]))
    terms = ClearingTerms(interest=InterestTerms(credit_ppm=10_000, debit_ppm=20_000))
    [event] = only(night(ledger, terms), InterestBooked)
    assert isinstance(event, InterestBooked)
    assert (event.credited_micros, event.debited_micros) == (to_micros(3), to_micros(6))
    assert ledger.cash[INTEREST] == to_micros(3)


def test_sale_of_friday_settles_for_wednesday_morning() -> None:
    ledger, by = make_ledger((1_000, [0])), clearing()
    ledger.proceeds[ONE] = to_micros(50)
    days = CALENDAR.days(FRIDAY, date(2014, 6, 11))
    settled = [only(night(ledger, day=day, by=by), SalesSettled) != [] for day in days]
    assert settled == [False, False, True, False]
    assert ledger.settled[ONE] == to_micros(1_050)
    assert ledger.proceeds[ONE] == 0


def test_margin_is_called_by_the_next_open_and_met_later() -> None:
    ledger, by = make_ledger((-800, [10])), clearing()
    [call] = only(night(ledger, by=by), MarginCalled)
    assert isinstance(call, MarginCalled)
    assert (call.equity_micros, call.call_micros) == (to_micros(200), to_micros(50))
    assert call.due_ns == CALENDAR.session(MONDAY).open_ns
    assert only(night(ledger, day=MONDAY, mark=12_000, by=by), MarginCallMet)
    assert by.state.called == []


def test_recall_goes_to_shorts_in_proportion_and_ends_in_a_buy_in() -> None:
    ledger, by = make_ledger((90_000, [-60]), (90_000, [-30])), clearing()
    terms = ClearingTerms(borrow={"A": BorrowTerms(available_lots=60)})
    recalled = only(night(ledger, terms, by=by), BorrowRecalled)
    assert [(e.account, e.lots, e.due) for e in recalled if isinstance(e, BorrowRecalled)] == [
        (ONE, 20, MONDAY), (TWO, 10, MONDAY),
    ]  # fmt: skip
    ledger.position[ONE, 0] += 20  # One covers in time, the other does not.
    ledger.position[0, 0] -= 20
    [bought] = only(night(ledger, terms, day=MONDAY, by=by), BuyInOrdered)
    assert isinstance(bought, BuyInOrdered)
    assert (bought.account, bought.lots, bought.on) == (TWO, 10, date(2014, 6, 10))


def test_recall_ends_when_the_pool_grows() -> None:
    ledger, by = make_ledger((90_000, [-60])), clearing()
    night(ledger, ClearingTerms(borrow={"A": BorrowTerms(available_lots=50)}), by=by)
    roomy = ClearingTerms(borrow={"A": BorrowTerms(available_lots=100)})
    assert not only(night(ledger, roomy, day=MONDAY, by=by), BuyInOrdered)
    assert by.state.recalls == []


def test_step_that_loses_money_stops_the_night() -> None:
    def leak(ledger: Ledger, marks: Mapping[str, int], day: date) -> tuple[Ints, Ints]:
        ledger.cash[ONE] -= 1
        return ledger.cash, ledger.cash

    by = Clearing((make_equity("A"),), CALENDAR, margin=leak)
    with pytest.raises(Defect, match="'margin calls' did not conserve"):
        night(make_ledger((1_000, [0])), by=by)


def test_split_of_books_that_do_not_add_up_stops_the_night() -> None:
    ledger = make_ledger((1_000, [10]))
    ledger.position[ONE, 0] += 1
    with pytest.raises(Defect, match="corporate actions"):
        night(ledger, split(2, 1))


@pytest.mark.parametrize(
    "wrong", [{"available_lots": -1}, {"base_ppm": 9, "full_ppm": 8}, {"kink_ppm": 1_000_000}]
)
def test_impossible_borrow_terms_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"borrow|kink"):
        BorrowTerms(**({"available_lots": 5} | wrong))
