"""What a killed venue knows when it comes back, cut at every byte."""

from pathlib import Path
from typing import Any

import pytest

from brokers.venue_book import BookedOrder, VenueBook
from brokers.venue_log import (
    LOG,
    Asked,
    Began,
    Kept,
    Marked,
    Reported,
    Revoked,
    Taken,
    VenueLog,
    read_log,
)
from environment.errors import CorruptRecord
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    ReplaceRequest,
)
from environment.venue_messages import ReportsGone, VenueReport

NAME = "floor.1.quant/maker/1"


def fill(quantity: int, leaves: int) -> OrderFilled:
    return OrderFilled(
        order_id=NAME, instrument="AAPL", side="buy", price=100, quantity=quantity, leaves=leaves,
        liquidity="maker", fee_micros=0, exchange_ns=1, trade_id=quantity,
    )  # fmt: skip


def accepted() -> OrderAccepted:
    return OrderAccepted(order_id=NAME, instrument="AAPL", exchange_ns=1, price=100)


def cancelled(left: int) -> OrderCancelled:
    return OrderCancelled(
        order_id=NAME, instrument="AAPL", quantity=left, reason="requested", exchange_ns=1
    )


def booked() -> BookedOrder:
    return BookedOrder(NAME, "AAPL", "buy", 10, 100)


def test_report_that_was_asked_for_again_counts_once(tmp_path: Path) -> None:
    log = VenueLog(tmp_path / LOG, Kept(world="small", book=VenueBook()))
    log.write(Taken(booked()))
    for sequence in (1, 2, 1, 2):
        log.write(Reported(VenueReport(sequence=sequence, event=fill(3, 10 - 3 * sequence)), 0, 1))
    kept = read_log(tmp_path / LOG)
    assert kept is not None
    assert (kept.book.sequence, kept.book.positions) == (2, {"AAPL": 6})
    assert len(kept.book.reports) == 2


def write(folder: Path) -> Path:
    """Write a log in which everything happens once."""
    log = VenueLog(folder / LOG, Kept(world="small", book=VenueBook()))
    log.write(Began(1))
    log.write(Taken(booked()))
    log.write(Taken(booked()))  # It was sent twice.
    events: list[Any] = [accepted(), fill(4, 6)]
    for number, event in enumerate(events, 1):
        log.write(Reported(VenueReport(sequence=number, event=event), 1_000 - number, number))
    log.write(Asked(ReplaceRequest(order_id=NAME, quantity=8, price=99)))
    replaced = OrderReplaced(order_id=NAME, instrument="AAPL", price=99, leaves=4, exchange_ns=1)
    log.write(Reported(VenueReport(sequence=3, event=replaced), 998, 3))
    log.write(Marked(500, {"AAPL": 101}))
    log.write(Revoked("halt"))
    log.close()
    return folder / LOG


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    kept = read_log(write(tmp_path))
    assert kept is not None
    assert (kept.session, kept.revoked, kept.cash_micros) == (1, "halt", 998)
    assert (kept.market_ns, kept.prices) == (500, {"AAPL": 101})
    order = kept.book.working[NAME]
    assert (order.filled, order.quantity, order.price) == (4, 8, 99)
    assert (kept.book.positions, kept.book.sequence) == ({"AAPL": 4}, 3)


def test_log_cut_at_any_byte_is_what_was_whole_by_then(tmp_path: Path) -> None:
    file = write(tmp_path)
    data = file.read_bytes()
    sequences = []
    for size in range(len(data)):
        file.write_bytes(data[:size])
        kept = read_log(file)
        sequences.append(-1 if kept is None else kept.book.sequence)
    assert sequences == sorted(sequences)
    assert set(sequences) == {-1, 0, 1, 2, 3}


def test_new_log_replaces_the_old_one_whole(tmp_path: Path) -> None:
    kept = read_log(write(tmp_path))
    assert kept is not None
    VenueLog(tmp_path / LOG, kept).close()
    assert read_log(tmp_path / LOG) == kept
    assert (tmp_path / LOG).stat().st_mode & 0o777 == 0o600


def test_something_else_is_no_log(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_bytes(b"\xc1" + file.read_bytes())
    with pytest.raises(CorruptRecord, match="byte 0"):
        read_log(file)


def test_no_file_is_a_new_venue(tmp_path: Path) -> None:
    assert read_log(tmp_path / LOG) is None


# --- the book ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_fill_first", [True, False])
def test_cancel_and_the_fill_before_it_may_come_in_any_order(is_fill_first: bool) -> None:
    book = VenueBook()
    book.take(booked())
    events: list[Any] = [accepted(), fill(4, 6), cancelled(6)]
    for event in events if is_fill_first else [events[0], events[2], events[1]]:
        book.report(event)
    order = book.ended[NAME]
    assert (order.state, order.filled, order.shown().average_ticks) == ("cancelled", 4, 100)
    assert book.working == {}


def test_refusal_ends_an_order_that_was_never_taken_and_no_other() -> None:
    book = VenueBook()
    book.take(booked())
    book.report(accepted())
    book.report(OrderRefused(order_id=NAME, reason="cancel_too_late"))
    assert NAME in book.working
    other = BookedOrder("other", "AAPL", "buy", 10, 100)
    book.take(other)
    book.report(OrderRefused(order_id="other", reason="phase_closed"))
    assert book.ended["other"].state == "refused"


def test_reports_that_are_kept_no_more_are_said_to_be_gone() -> None:
    book = VenueBook()
    for _ in range(2_500):
        book.report(OrderRefused(order_id="ghost", reason="unknown_order"))
    gone, *kept = book.reports_after(10)
    assert isinstance(gone, ReportsGone)
    assert isinstance(kept[0], VenueReport)
    assert kept[0].sequence == gone.through + 1
    assert [report.sequence for report in kept if isinstance(report, VenueReport)][-1] == 2_500
    assert book.reports_after(2_500) == []
