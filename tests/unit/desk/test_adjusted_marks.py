"""An adjustment moves nobody's profit: not the desk's, and not a breaker's."""

from datetime import date

import pytest

from agents.desk.adjusted_marks import AdjustedMarks
from agents.desk.day_ledger import DayLedger, ScopeBook
from environment.instruments import Instrument, make_option
from environment.venue_messages import PositionMoved

NIGHT = date(2014, 6, 6)
OLD = make_option("AAPL", date(2014, 7, 3), "call", "700")
SEVENTH = make_option("AAPL", date(2014, 7, 3), "call", "100")
LARGER = make_option("AAPL", date(2014, 7, 3), "call", "466.67", multiplier=150)


def adjusted(new: Instrument, lots: int, into: int) -> PositionMoved:
    return PositionMoved(
        instrument=OLD.symbol, change=-lots, into=new.symbol, into_change=into, session=NIGHT,
        reason="adjustment",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("new", "into", "mark"), [(SEVENTH, 70, 120), (LARGER, 10, 560), (SEVENTH, -70, 120)]
)
def test_value_stays_over_a_split_of_seven_and_of_three_for_two(
    new: Instrument, into: int, mark: int
) -> None:
    carried, marks, known = AdjustedMarks(), {OLD.symbol: 840}, {OLD.symbol: OLD}
    event = adjusted(new, 10 if into > 0 else -10, into)
    carried.hear(event, marks, known)
    assert new.symbol not in marks, "its terms come with the statement"
    book = ScopeBook(lots={OLD.symbol: -event.change}, base_micros=0)
    ledger = DayLedger(scopes={"desk:": book})
    before = book.value(marks, known)
    ledger.move(event)
    known[new.symbol] = new
    carried.hear(PositionMoved(
        instrument="", change=0, reason="statement", session=NIGHT, listed=(new,),
    ), marks, known)  # fmt: skip
    assert marks[new.symbol] == mark
    assert book.value(marks, known) == before
    assert carried.worth_micros == {}


def test_quote_under_the_new_name_is_not_overwritten() -> None:
    carried, marks = AdjustedMarks(), {OLD.symbol: 840, SEVENTH.symbol: 125}
    carried.hear(adjusted(SEVENTH, 1, 7), marks, {OLD.symbol: OLD, SEVENTH.symbol: SEVENTH})
    assert marks[SEVENTH.symbol] == 125
