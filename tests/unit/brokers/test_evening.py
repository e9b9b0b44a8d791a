"""A night as a venue tells it: notices as numbered reports, a statement as the last word."""

from datetime import date
from typing import Any

import pytest

from brokers.evening import reports_of
from brokers.simulated import SimulatedVenue
from brokers.venue_book import VenueBook
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.authority import keys_of_seed
from environment.clearing_messages import (
    AdjustmentNotice,
    AssignmentNotice,
    EveningStatement,
    ExerciseNotice,
    ExpiryNotice,
    MarginCallNotice,
)
from environment.control_messages import AuthorityRefused
from environment.instruments import make_option
from environment.messages import Resumed
from environment.venue_messages import PositionMoved, VenueReport

DAY = date(2014, 7, 3)
CALL = make_option("AAPL", DAY, "call", "95").symbol
LATER = make_option("AAPL", date(2014, 8, 16), "put", "90").symbol
ADJUSTED = make_option("AAPL", date(2014, 8, 16), "put", "45").symbol


def book(**positions: int) -> VenueBook:
    return VenueBook(positions=dict(positions) | {CALL: 4, LATER: -5})


@pytest.mark.parametrize(
    ("notice", "after"),
    [
        (ExerciseNotice(account="swarm", instrument=CALL, session=DAY, contracts=4,
                        reason="expiry", shares=400, cash_micros=-38_000),
         {"AAPL": 400, LATER: -5}),
        (AssignmentNotice(account="swarm", instrument=LATER, session=DAY, contracts=2, shares=200,
                          cash_micros=-18_000), {"AAPL": 200, CALL: 4, LATER: -3}),
        (AssignmentNotice(account="swarm", instrument=LATER, session=DAY, contracts=2, shares=0,
                          cash_micros=-500), {CALL: 4, LATER: -3}),
        (ExpiryNotice(account="swarm", instrument=CALL, session=DAY, contracts=4), {LATER: -5}),
        (AdjustmentNotice(account="swarm", instrument=LATER, adjusted=ADJUSTED, session=DAY,
                          contracts=-35), {CALL: 4, ADJUSTED: -35}),
    ],
)  # fmt: skip
def test_notice_moves_what_is_held(notice: Any, after: dict[str, int]) -> None:
    held = book()
    (event,) = reports_of(notice, held)
    assert isinstance(event, PositionMoved)
    assert event.before in {4, -5}
    held.report(event)
    assert {symbol: lots for symbol, lots in held.positions.items() if lots} == after


def test_statement_tells_what_no_notice_did_and_the_cash() -> None:
    held = book(AAPL=10)
    statement = EveningStatement(
        account="swarm", session=DAY, positions={"AAPL": 70, CALL: 4, LATER: -5}, cash_micros=7,
        marks={"AAPL": 9_300},
    )  # fmt: skip
    split, last = reports_of(statement, held)
    assert isinstance(split, PositionMoved)
    assert isinstance(last, PositionMoved)
    assert (split.instrument, split.change, split.reason) == ("AAPL", 60, "corporate_action")
    assert (last.reason, last.cash_after_micros, last.marks) == ("statement", 7, {"AAPL": 9_300})


class Bench:
    """The venue, and what it told the custodian."""

    def __init__(self) -> None:
        self.ctx = RecordingContext("venue")
        self.venue = SimulatedVenue(
            ActorRef("exchange"), ActorRef("desk/custodian"), "swarm", keys_of_seed(1).gate(),
            ActorRef("desk/risk"),
        )  # fmt: skip

    def hear(self, message: Any, sender: str = "clearing") -> list[Any]:
        self.ctx.sent.clear()
        self.ctx.handle(self.venue, message, sender=sender)
        return self.ctx.messages()


EXPIRY = ExpiryNotice(account="swarm", instrument=CALL, session=DAY, contracts=4)


def test_venue_listens_to_its_account_and_reports_with_a_number() -> None:
    bench = Bench()
    bench.hear(Resumed(), "kernel")
    assert bench.ctx.subscriptions == {"clearing/swarm": 0}
    (report,) = bench.hear(EXPIRY)
    assert isinstance(report, VenueReport)
    assert (report.sequence, report.event.change) == (1, -4)  # type: ignore[union-attr]
    assert bench.venue.state.book.positions == {CALL: -4}
    assert bench.venue.state.book.reports_after(0) == [report]


def test_margin_call_is_reported_as_it_is() -> None:
    call = MarginCallNotice(
        account="swarm", session=DAY, equity_micros=1, required_micros=3, call_micros=2, due_ns=9
    )
    (report,) = Bench().hear(call)
    assert report.event == call


def test_notice_that_somebody_made_up_moves_nothing() -> None:
    bench = Bench()
    (warning,) = bench.hear(EXPIRY, "quant/maker")
    assert isinstance(warning, AuthorityRefused)
    assert (bench.venue.state.book.positions, bench.venue.state.unfounded) == ({}, 1)
