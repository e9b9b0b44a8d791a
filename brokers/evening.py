"""What the clearing firm tells of a night, as a venue's own reports.

Each notice moves positions by name; the statement that follows them says what is held and owned
now, so that whatever no notice spoke of (a split, a dividend, interest) is reported too, and the
desk begins its day with what the venue has.
"""

from typing import Literal

from brokers.venue_book import VenueBook
from environment.clearing_messages import (
    AdjustmentNotice,
    AssignmentNotice,
    BrokerFill,
    EveningStatement,
    ExerciseNotice,
    ExpiryNotice,
    MarginCallMetNotice,
    MarginCallNotice,
)
from environment.instruments import parse_occ
from environment.venue_messages import AccountEvent, PositionMoved

ClearingNotice = (
    ExerciseNotice | AssignmentNotice | ExpiryNotice | AdjustmentNotice | MarginCallNotice
    | MarginCallMetNotice | EveningStatement
)  # fmt: skip


def reports_of(notice: ClearingNotice, book: VenueBook) -> tuple[AccountEvent, ...]:
    """Return what a notice means for the account, in the order in which it is to be told."""
    match notice:
        case ExerciseNotice(contracts=contracts):
            return (_delivered(notice, book, -contracts, "exercise"),)
        case AssignmentNotice(contracts=contracts):
            return (_delivered(notice, book, contracts, "assignment"),)
        case ExpiryNotice(instrument=symbol, contracts=contracts):
            return (PositionMoved(
                instrument=symbol, change=-contracts, reason="expiry", session=notice.session,
                before=book.positions.get(symbol, 0),
            ),)  # fmt: skip
        case AdjustmentNotice(instrument=symbol, adjusted=adjusted, contracts=contracts):
            return (PositionMoved(
                instrument=symbol, change=-book.positions.get(symbol, 0), into=adjusted,
                into_change=contracts, reason="adjustment", session=notice.session,
                before=book.positions.get(symbol, 0),
            ),)  # fmt: skip
        case MarginCallNotice() | MarginCallMetNotice():
            return (notice,)
        case EveningStatement():
            return _rest(notice, book)


def closed_by_broker(fill: BrokerFill, book: VenueBook) -> PositionMoved:
    """Return a fill that the broker brought about as what it is: not an order of anybody here."""
    return PositionMoved(
        instrument=fill.instrument, change=fill.quantity if fill.side == "buy" else -fill.quantity,
        reason="closed", session=fill.session, cash_micros=fill.cash_micros,
        before=book.positions.get(fill.instrument, 0), order_id=fill.order_id, by=fill.by,
        why=fill.reason, price=fill.price, fee_micros=fill.fee_micros,
        shortfall_micros=fill.shortfall_micros,
    )  # fmt: skip


def _delivered(
    notice: ExerciseNotice | AssignmentNotice, book: VenueBook, change: int,
    reason: Literal["exercise", "assignment"],
) -> PositionMoved:  # fmt: skip
    symbol = notice.instrument
    return PositionMoved(
        instrument=symbol, change=change, session=notice.session, cash_micros=notice.cash_micros,
        before=book.positions.get(symbol, 0), reason=reason, into_change=notice.shares,
        into=parse_occ(symbol).root if notice.shares else "",
    )  # fmt: skip


def _rest(statement: EveningStatement, book: VenueBook) -> tuple[AccountEvent, ...]:
    """Return what no notice told, and at last the account's money and the closing marks."""
    symbols = sorted(book.positions.keys() | statement.positions.keys())
    moved = [
        PositionMoved(
            instrument=symbol, reason="corporate_action", session=statement.session,
            before=book.positions.get(symbol, 0),
            change=statement.positions.get(symbol, 0) - book.positions.get(symbol, 0),
        )
        for symbol in symbols
        if statement.positions.get(symbol, 0) != book.positions.get(symbol, 0)
    ]  # fmt: skip
    return (*moved, PositionMoved(
        instrument="", change=0, reason="statement", session=statement.session,
        cash_after_micros=statement.cash_micros, marks=statement.marks, listed=statement.listed,
    ))  # fmt: skip
