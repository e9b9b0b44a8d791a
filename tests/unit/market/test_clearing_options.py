"""Exercise, assignment, expiry and adjustment of options, over a plain book."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from environment.errors import Defect
from environment.instruments import Instrument, to_micros
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_events import (
    ClearingEvent,
    ContractsAssigned,
    ContractsExercised,
    PinningMeasured,
    SeriesAdjusted,
    SeriesExpired,
)
from environment.market.clearing_options import OptionsClearing
from environment.market.corporate_actions import Dividend, Split
from environment.market.exercise_rules import DueDividend, ExerciseTerms
from environment.market.layout import CUSTODY
from tests.unit.market.contract_fixture import (
    FRIDAY,
    LATER,
    MONDAY,
    STOCK,
    PlainBook,
    book_of,
    option,
)
from tests.unit.market.ledger_fixture import PlainLedger, make_ledger

CALENDAR = TradingCalendar("XNYS")
ONE, TWO, THREE = 8, 9, 10


class Night:
    """One stock at a close, three accounts, and a night's terms."""

    def __init__(self, *series: Instrument, background: tuple[int, ...] = ()) -> None:
        self.book: PlainBook = book_of(*series)
        self.ledger: PlainLedger = make_ledger(
            (100_000, [1_000]), (100_000, [1_000]), (100_000, [0])
        )
        self.options = OptionsClearing(
            self.book, (STOCK,), lambda accounts: np.isin(accounts, background), seed=7
        )

    def clear(
        self, mark: str = "105", *, day: date = FRIDAY, opening: str | None = None,
        actions: tuple[Split | Dividend, ...] = (), **terms: Any,
    ) -> list[ClearingEvent]:  # fmt: skip
        exercise = msgspec.structs.replace(
            ExerciseTerms(session=day, following=CALENDAR.following(day)), **terms
        )
        openings = {} if opening is None else {"A": STOCK.price_from(opening)}
        by = Clearing((STOCK,), CALENDAR, options=self.options)
        told = ClearingTerms(exercise=exercise, openings=openings, actions=actions)
        return by.run(self.ledger, day, {"A": STOCK.price_from(mark)}, told)

    def moved(self, account: int) -> tuple[int, float]:
        """Return shares and dollars that an account got since the start."""
        lots = int(self.ledger.position[account, 0]) - (1_000 if account != THREE else 0)
        return lots, int(self.ledger.cash[account]) / 1e6 - 100_000


def only(events: list[ClearingEvent], kind: type[ClearingEvent]) -> list[ClearingEvent]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("right", "mark", "shares", "cash"),
    [
        ("call", "105", 100, -10_000), ("call", "100.01", 100, -10_000), ("call", "100", 0, 0),
        ("put", "95", -100, 10_000), ("put", "99.99", -100, 10_000), ("put", "100", 0, 0),
    ],
)  # fmt: skip
def test_expiry_exercises_what_is_a_cent_in_the_money(
    right: str, mark: str, shares: int, cash: int
) -> None:
    night = Night(option("call" if right == "call" else "put"))
    night.book.move(TWO, ONE, 1, 1)
    night.clear(mark)
    assert night.moved(ONE) == (shares, cash)
    assert night.moved(TWO) == (-shares, -cash)
    assert not any(night.book.held.values())


def test_saturday_series_end_on_friday() -> None:
    night = Night(option(expiry=date(2014, 6, 7)), option(expiry=MONDAY))
    night.book.move(TWO, ONE, 1, 1)
    [event] = only(night.clear(), SeriesExpired)
    assert isinstance(event, SeriesExpired)
    assert event.instrument == option(expiry=date(2014, 6, 7)).symbol


def test_contrary_instruction_lets_contracts_lapse() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 5)
    events = night.clear(instructions={(ONE, 1): 2})
    assert night.moved(ONE) == (200, -20_000)
    [event] = only(events, SeriesExpired)
    assert isinstance(event, SeriesExpired)
    assert (event.exercised, event.lapsed) == (2, 3)


def test_instruction_exercises_what_is_out_of_the_money() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 5)
    night.clear("99", instructions={(ONE, 1): 9})
    assert night.moved(ONE) == (500, -50_000)


def test_instruction_exercises_early_and_only_american_options() -> None:
    night = Night(
        option(expiry=LATER), msgspec.structs.replace(option(expiry=LATER), style="european")
    )
    for number in (1, 2):
        night.book.move(TWO, ONE, number, 4)
    night.clear(instructions={(ONE, 1): 3, (ONE, 2): 3})
    assert (night.book.count(ONE, 1), night.book.count(ONE, 2)) == (1, 4)
    assert night.moved(ONE) == (300, -30_000)


def test_cash_settlement_pays_what_the_close_says() -> None:
    night = Night(option(settlement="cash_pm"))
    night.book.move(TWO, ONE, 1, 3)
    night.clear("105.50", opening="90")
    assert (night.moved(ONE), night.moved(TWO)) == ((0, 1_650), (0, -1_650))
    assert night.ledger.settled[ONE] == night.ledger.cash[ONE]


def test_morning_settlement_pays_what_the_opening_print_says() -> None:
    night = Night(option("put", settlement="cash_am"))
    night.book.move(TWO, ONE, 1, 3)
    night.clear("105", opening="90")
    assert night.moved(ONE) == (0, 3_000)


def test_delivered_shares_are_paid_when_they_settle() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 1)
    night.clear()
    assert night.ledger.settled[TWO] == to_micros(100_000)  # Until Wednesday.
    assert night.ledger.settled[ONE] == to_micros(90_000)


def test_premiums_may_be_spent_next_morning() -> None:
    night = Night(option(expiry=LATER))
    night.ledger.option_proceeds[ONE] = to_micros(50)
    night.clear()
    assert night.ledger.settled[ONE] == to_micros(100_050)
    assert not night.ledger.option_proceeds.any()


def test_assignment_draws_contracts_without_replacement() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 6)
    night.book.move(THREE, ONE, 1, 4)
    events = night.clear(instructions={(ONE, 1): 7})
    exercised, assigned = only(events, ContractsExercised), only(events, ContractsAssigned)
    assert isinstance(exercised[0], ContractsExercised)
    assert isinstance(assigned[0], ContractsAssigned)
    assert sum(exercised[0].contracts) == sum(assigned[0].contracts) == 7
    assert sum(night.moved(account)[0] for account in (TWO, THREE)) == -700


def test_exercise_without_a_writer_is_a_defect() -> None:
    night = Night(option())
    night.book.held[ONE, 1] = 1
    with pytest.raises(Defect, match="only 0 written"):
        night.clear()


def test_house_that_keeps_a_share_is_a_defect() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 1)
    night.ledger.position[CUSTODY, 0] = 5
    with pytest.raises(Defect, match="exercised is not assigned"):
        night.clear()


# --- the background ---------------------------------------------------------------------------

EX_MONDAY = {0: (DueDividend(ex_date=MONDAY, micros_per_share=to_micros("0.47")),)}


def early(
    series: tuple[Instrument, ...], marks: Mapping[int, int], *, spot: str = "105",
    background: tuple[int, ...] = (ONE,), **terms: Any,
) -> int:  # fmt: skip
    """Return how many of four contracts of the first series are exercised."""
    night = Night(*series, background=background)
    night.book.move(TWO, ONE, 1, 4)
    twins = {1: 2, 2: 1} if len(series) == 2 else {}
    night.clear(spot, marks=marks, twins=twins, **terms)
    return 4 - night.book.count(ONE, 1)


CALL_AND_PUT = option(expiry=LATER), option("put", expiry=LATER)


@pytest.mark.parametrize(("put_cents", "exercised"), [(46, 4), (47, 0), (120, 0)])
def test_call_is_exercised_for_a_dividend_above_its_time_value(
    put_cents: int, exercised: int
) -> None:
    assert early(CALL_AND_PUT, {1: 500, 2: put_cents}, dividends=EX_MONDAY) == exercised


def test_interest_on_the_strike_is_time_value() -> None:
    terms: dict[str, Any] = {
        "discount": lambda days: 1.0 - 0.0001 * days
    }  # 42 days cost 0.42 of 100.
    assert early(CALL_AND_PUT, {1: 500, 2: 10}, dividends=EX_MONDAY, **terms) == 0
    assert early(CALL_AND_PUT, {1: 500, 2: 4}, dividends=EX_MONDAY, **terms) == 4


@pytest.mark.parametrize(("call_cents", "exercised"), [(500, 4), (501, 0)])
def test_call_without_a_quoted_put_goes_by_its_own_mark(call_cents: int, exercised: int) -> None:
    assert early(CALL_AND_PUT[:1], {1: call_cents}, dividends=EX_MONDAY) == exercised


def test_dividend_of_another_day_exercises_nothing() -> None:
    later = {0: (DueDividend(ex_date=date(2014, 6, 10), micros_per_share=to_micros(1)),)}
    assert early(CALL_AND_PUT, {1: 500, 2: 1}, dividends=later) == 0


def test_unquoted_series_is_left_alone() -> None:
    assert early(CALL_AND_PUT, {}, dividends=EX_MONDAY) == 0


@pytest.mark.parametrize(("mark", "exercised"), [(3_000, 4), (3_010, 0)])
def test_deep_put_is_exercised_for_interest_above_its_time_value(mark: int, exercised: int) -> None:
    put = (option("put", "130", expiry=LATER), option("call", "130", expiry=LATER))
    terms: dict[str, Any] = {
        "discount": lambda days: 1.0 - 0.0001 * days
    }  # 3 days cost 0.039 of 130.
    assert early(put, {1: mark, 2: 0}, spot="100", **terms) == exercised


def test_holders_outside_the_background_are_left_to_themselves() -> None:
    assert early(CALL_AND_PUT, {1: 500, 2: 1}, dividends=EX_MONDAY, background=()) == 0


def test_a_share_of_the_background_forgets() -> None:
    accounts = tuple(range(8, 208))
    book = book_of(*CALL_AND_PUT)
    for account in accounts:
        book.give(account, 1, 1)
    ledger = make_ledger(*((100_000, [0]) for _ in accounts))
    options = OptionsClearing(book, (STOCK,), lambda a: np.isin(a, accounts), seed=1)
    terms = ExerciseTerms(
        session=FRIDAY,
        following=MONDAY,
        marks={1: 500, 2: 1},
        twins={1: 2},
        dividends=EX_MONDAY,
        forget_ppm=250_000,
        forget_key=3,
    )
    Clearing((STOCK,), CALENDAR, options=options).run(
        ledger, FRIDAY, {"A": 10_500}, ClearingTerms(exercise=terms)
    )
    left = sum(book.count(account, 1) for account in accounts)
    assert 30 <= left <= 70


# --- adjustments ------------------------------------------------------------------------------


def split(numerator: int, denominator: int) -> Split:
    return Split(symbol="A", ex_date=MONDAY, numerator=numerator, denominator=denominator)


def test_split_multiplies_contracts_and_divides_strikes() -> None:
    night = Night(option(strike="645", expiry=LATER))
    night.book.move(TWO, ONE, 1, 2)
    [event] = only(night.clear("645.57", actions=(split(7, 1),)), SeriesAdjusted)
    assert isinstance(event, SeriesAdjusted)
    assert (night.book.count(ONE, 1), night.book.count(TWO, 1)) == (14, -14)
    assert event.adjusted == option(strike="92.14", expiry=LATER).symbol
    assert night.book.factors == [1 / 7]


def test_uneven_split_delivers_more_shares_at_a_lower_strike() -> None:
    night = Night(option(strike="100", expiry=LATER))
    night.book.move(TWO, ONE, 1, 2)
    night.clear(actions=(split(3, 2),))
    [series] = night.book.listed()
    assert (series.instrument.multiplier, series.instrument.strike_micros) == (150, 66_667_000)
    assert night.book.count(ONE, 1) == 2


def test_special_dividend_lowers_strikes_and_an_ordinary_one_does_not() -> None:
    for is_special, strike in ((True, "98"), (False, "100")):
        night = Night(option(expiry=LATER))
        paid = Dividend(symbol="A", ex_date=MONDAY, micros_per_share=to_micros(2),
                        is_special=is_special)  # fmt: skip
        night.clear(actions=(paid,))
        assert night.book.listed()[0].instrument.strike_micros == to_micros(strike)


def test_exercise_comes_before_a_split_of_the_same_night() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 1)
    night.clear(actions=(split(2, 1),))
    assert night.ledger.position[[ONE, TWO], 0].tolist() == [2 * 1_100, 2 * 900]


@pytest.mark.parametrize(
    ("close", "strike", "distance"), [("101", 100, 200_000), ("104", 105, 200_000)]
)
def test_pinning_is_measured_against_the_strikes_that_end(
    close: str, strike: int, distance: int
) -> None:
    night = Night(option(strike="100"), option(strike="105"), option("put", "105"))
    night.book.move(TWO, ONE, 2, 3)
    night.book.move(TWO, ONE, 3, 4)
    [event] = only(night.clear(close), PinningMeasured)
    assert isinstance(event, PinningMeasured)
    assert (event.strike_micros, event.distance_ppm) == (to_micros(strike), distance)
    assert event.contracts == (7 if strike == 105 else 0)


def test_columns_of_events_run_side_by_side() -> None:
    night = Night(option())
    night.book.move(TWO, ONE, 1, 1)
    [event] = only(night.clear(), ContractsExercised)
    assert isinstance(event, ContractsExercised)
    assert (event.accounts, event.contracts, event.reason) == ([ONE], [1], "expiry")
    assert (event.lots_per_contract, event.micros_per_contract) == (100, -to_micros(10_000))
