from typing import Any

import msgspec
import pytest

from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings, CustodianState, client_order_id
from environment.actors import ActorRef, Directory
from environment.actors.testing import RecordingContext
from environment.control_messages import LowerDesk, OutcomeUnknown
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    ClockStepped,
    Message,
    OrderRefused,
    ReplaceRequest,
    Resumed,
    TimerFired,
)
from environment.venue_messages import (
    AccountReport,
    BreakFound,
    OrderAtVenue,
    OrderReport,
    OwnerDown,
    PositionBooked,
    QueryAccount,
    QueryOrder,
    ReconcileNow,
    RenewSession,
    ReportsGone,
    ResendReports,
    VenueLost,
    VenueReport,
    VenueSession,
)
from tests.unit.desk.factories import AGENT, OTHER, accepted, ask, cancelled, filled

SECOND = 1_000_000_000
ID = f"{AGENT}/1"


class Desk:
    """A custodian, driven by hand; `now` and `to` look at what it said."""

    def __init__(self, **given: Any) -> None:
        settings = CustodianSettings(**given)
        self.custodian = Custodian(
            ActorRef("venue"), ActorRef("desk/risk"), Directory(lambda a: a == AGENT), settings
        )
        self.ctx = RecordingContext("desk/custodian")
        self.reports = 0

    def hear(self, *messages: Any) -> "Desk":
        """Handle messages; what was said before them is forgotten."""
        self.ctx.sent.clear()
        self.ctx.published.clear()
        for message in messages:
            self.ctx.handle(self.custodian, message)
        return self

    def report(self, *events: Any) -> "Desk":
        """Hear the venue report events, numbered."""
        first = self.reports + 1
        self.reports += len(events)
        return self.hear(
            *(VenueReport(sequence=first + n, event=event) for n, event in enumerate(events))
        )

    def wait(self, seconds: float) -> "Desk":
        """Let time pass, and the pending sweep come."""
        now_ns = self.ctx.now_ns() + int(seconds * SECOND)
        self.ctx.set_time(now_ns)
        timer = self.custodian.state.sweep_timer
        return self.hear(TimerFired(timer_id=timer, name="sweep"))

    def to(self, address: str) -> list[Message]:
        return [sent.message for sent in self.ctx.sent if sent.to == address]

    @property
    def state(self) -> CustodianState:
        return self.custodian.state


def approved(number: int = 1, owner: str = AGENT, **given: Any) -> ApprovedOrder:
    return ApprovedOrder(
        order=ask(number, owner, **given), owner=owner, account="swarm", verdict_id=number
    )


def replace(quantity: int = 12) -> ApprovedReplace:
    order = ReplaceRequest(order_id=ID, quantity=quantity, price=10_001)
    return ApprovedReplace(order=order, owner=AGENT, verdict_id=9)


def at_venue(**given: Any) -> OrderAtVenue:
    values: dict[str, Any] = {
        "client_order_id": ID, "instrument": "AAPL", "side": "buy", "quantity": 10, "filled": 0,
        "price": 10_000, "state": "working",
    }  # fmt: skip
    return OrderAtVenue(**(values | given))


def answer(order: OrderAtVenue | None = None, sequence: int = 0) -> OrderReport:
    return OrderReport(client_order_id=ID, order=order, sequence=sequence)


def account(sequence: int = 0, *orders: OrderAtVenue, **positions: int) -> AccountReport:
    return AccountReport(sequence=sequence, orders=orders, positions=positions)


# --- the road there and back -------------------------------------------------------------------


def test_order_is_in_the_table_when_it_leaves() -> None:
    desk = Desk().hear(approved())
    assert desk.to("venue") == [approved()]
    assert desk.state.table.orders.keys() == {ID}


def test_events_go_to_risk_and_to_the_owner() -> None:
    desk = Desk().hear(approved()).report(accepted(ID))
    assert [sent.to for sent in desk.ctx.sent] == ["desk/risk", AGENT]
    # It learns how many were taken: risk may have made the order smaller.
    assert desk.to(AGENT) == [msgspec.structs.replace(accepted(ID), quantity=10)]


def test_event_of_an_owner_that_is_not_there_goes_to_risk_alone() -> None:
    desk = Desk().hear(approved(1, OTHER)).report(accepted(f"{OTHER}/1"))
    assert [sent.to for sent in desk.ctx.sent] == ["desk/risk"]
    assert desk.custodian.statistics().undelivered == 1


def test_session_names_orders_for_the_venue_and_owners_keep_their_names() -> None:
    desk = Desk(needs_session=True).hear(VenueSession(run="floor", epoch=3, session=7), approved())
    name = client_order_id("floor", 3, ID)
    (sent,) = [m for m in desk.to("venue") if isinstance(m, ApprovedOrder)]
    assert (sent.client_order_id, sent.session, sent.order) == (name, 7, ask(1))
    desk.report(filled(name, 10))
    assert desk.to(AGENT) == [filled(ID, 10)]
    assert desk.state.table.owners == {AGENT: {"AAPL": 10}}


def test_nothing_leaves_before_the_session_stands() -> None:
    desk = Desk(needs_session=True).hear(approved(), replace())
    assert desk.to("venue") == []
    assert [type(message) for message in desk.to(AGENT)] == [OrderRefused, OrderRefused]
    assert desk.state.table.orders == {}


def test_same_order_twice_leaves_once() -> None:
    desk = Desk().hear(approved(), approved())
    assert desk.to("venue") == [approved()]


def test_cancel_of_an_order_that_is_not_held_is_passed_on() -> None:
    cancel = CancelOrder(order_id="ghost/1")
    assert Desk().hear(cancel).to("venue") == [cancel]


def test_ended_order_leaves_the_table_and_positions_stay() -> None:
    desk = Desk().hear(approved()).report(accepted(ID), filled(ID, 4, 6), cancelled(ID, 6))
    assert desk.state.table.orders == {}
    assert desk.state.table.positions == {"AAPL": 4}
    assert desk.custodian.resumed(AGENT) == Resumed(positions={"AAPL": 4})


# --- the link ----------------------------------------------------------------------------------


def test_doubled_and_reordered_reports_are_heard_once_and_in_turn() -> None:
    desk = Desk().hear(approved())
    one, two, three = (
        VenueReport(sequence=n, event=event)
        for n, event in ((1, accepted(ID)), (2, filled(ID, 4, 6)), (3, filled(ID, 6, 0)))
    )
    desk.hear(one, three, three, one, two, two)
    assert desk.to(AGENT)[1:] == [filled(ID, 4, 6), filled(ID, 6, 0)]
    assert len(desk.to(AGENT)) == 3
    assert desk.state.table.positions == {"AAPL": 10}


def test_lost_report_is_asked_for() -> None:
    desk = Desk().hear(approved(), VenueReport(sequence=2, event=filled(ID, 10))).wait(1)
    assert ResendReports(after=0) in desk.to("venue")


def test_answered_orders_are_not_asked_about() -> None:
    desk = Desk().hear(approved()).report(accepted(ID)).wait(60)
    assert desk.to("venue") == []
    assert desk.state.sweep_timer == 0


# --- unknown outcomes --------------------------------------------------------------------------


def test_order_without_an_answer_is_unknown_and_never_sent_again() -> None:
    desk = Desk().hear(approved()).wait(1)
    assert desk.to("venue") == []
    desk.wait(1)
    assert desk.to("venue") == [QueryOrder(client_order_id=ID)]
    assert desk.to("desk/risk") == [OutcomeUnknown(unknown=1)]
    for _ in range(20):
        assert not any(isinstance(message, ApprovedOrder) for message in desk.wait(5).to("venue"))


def test_not_found_counts_only_in_a_new_session_and_after_its_time() -> None:
    desk = Desk().hear(approved()).wait(3).hear(answer(None))
    assert desk.to("venue") == [RenewSession(above=0)]
    desk.hear(VenueSession(session=1)).hear(answer(None))
    assert desk.state.table.unknown() == 1
    desk.wait(6).hear(answer(None))
    (refusal, told) = desk.to("desk/risk")
    assert isinstance(refusal, OrderRefused)
    assert refusal.reason.startswith("not_found")
    assert told == OutcomeUnknown(unknown=0)
    assert desk.state.table.orders == {}


def test_found_order_is_unknown_no_more() -> None:
    desk = Desk().hear(approved()).wait(3).hear(answer(at_venue()))
    assert desk.to("desk/risk") == [OutcomeUnknown(unknown=0)]
    assert desk.state.table.orders.keys() == {ID}


def test_answer_is_no_news_before_the_reports_that_it_rests_on() -> None:
    desk = Desk().hear(approved()).wait(3).hear(answer(None, sequence=4))
    assert desk.to("venue") == [ResendReports(after=0)]


def test_lost_cancel_is_sent_again() -> None:
    desk = Desk().hear(approved()).report(accepted(ID)).hear(CancelOrder(order_id=ID)).wait(3)
    assert desk.to("venue") == [CancelOrder(order_id=ID), QueryOrder(client_order_id=ID)]


def test_lost_replace_is_refused_once_it_cannot_arrive_any_more() -> None:
    desk = Desk().hear(approved()).report(accepted(ID)).hear(replace()).wait(3)
    desk.hear(answer(at_venue(), 1), VenueSession(session=1, sequence=1)).wait(6)
    desk.hear(answer(at_venue(), 1))
    refusals = [message for message in desk.to(AGENT) if isinstance(message, OrderRefused)]
    assert len(refusals) == 1
    held = desk.state.table.orders[ID]
    assert (held.tracked.asked, held.leaves) == ([], 10)


def test_lost_session_makes_unanswered_orders_unknown_and_lowers_the_desk() -> None:
    desk = Desk().hear(approved(), approved(2)).report(accepted(ID)).hear(VenueLost(reason="cut"))
    lowered, told = desk.to("desk/risk")
    assert isinstance(lowered, LowerDesk)
    assert (lowered.to, told) == ("reducing", OutcomeUnknown(unknown=1))


def test_revoked_session_halts_the_desk() -> None:
    (lowered,) = Desk().hear(VenueLost(reason="revoked: halt")).to("desk/risk")
    assert isinstance(lowered, LowerDesk)
    assert lowered.to == "halted"


def test_new_session_asks_for_all_that_is_open() -> None:
    desk = Desk().hear(approved(), VenueLost(reason="cut"), CancelOrder(order_id=ID))
    desk.hear(VenueSession(session=2, sequence=3))
    assert desk.to("venue") == [
        ResendReports(after=0), QueryAccount(), QueryAccount(), CancelOrder(order_id=ID),
        QueryOrder(client_order_id=ID),
    ]  # fmt: skip


def test_reports_that_are_gone_are_replaced_by_what_the_venue_says() -> None:
    desk = Desk().hear(approved(), ReportsGone(through=40))
    desk.hear(account(40, AAPL=10)).hear(
        answer(at_venue(filled=10, state="filled", average_ticks=9_999), 40)
    )
    events = desk.to(AGENT)
    assert [type(event).__name__ for event in events] == ["OrderAccepted", "OrderFilled"]
    assert desk.state.table.positions == {"AAPL": 10}
    assert desk.state.table.orders == {}


def test_end_that_was_reported_when_nobody_heard_is_asked_for() -> None:
    desk = Desk().hear(approved()).report(accepted(ID)).hear(ReportsGone(through=40))
    desk.hear(account(40, AAPL=10))
    assert QueryOrder(client_order_id=ID) in desk.to("venue")
    desk.hear(answer(at_venue(filled=10, state="filled", average_ticks=9_999), 40))
    desk.hear(account(40, AAPL=10))
    assert desk.state.breaks == {}
    assert desk.state.table.positions == {"AAPL": 10}


# --- differences -------------------------------------------------------------------------------


def test_equal_accounts_say_nothing() -> None:
    desk = Desk().hear(approved()).report(accepted(ID), filled(ID, 3, 7))
    desk.hear(account(2, at_venue(filled=3), AAPL=3))
    assert desk.ctx.sent == []
    assert desk.state.breaks == {}


def test_small_break_is_booked_with_a_record() -> None:
    desk = Desk().hear(account(0, AAPL=4))
    (booked,) = desk.to("desk/risk")
    assert isinstance(booked, PositionBooked)
    assert (booked.instrument, booked.change) == ("AAPL", 4)
    (published,) = desk.ctx.published
    assert isinstance(published.message, BreakFound)
    assert published.message.is_booked
    assert desk.hear(account(0, AAPL=4)).ctx.sent == []


def test_large_break_lowers_the_desk_once_and_a_person_books_it() -> None:
    desk = Desk().hear(account(0, AAPL=-500))
    lowered, told = desk.to("desk/risk")
    assert isinstance(lowered, LowerDesk)
    assert told == OutcomeUnknown(unknown=0, breaks=1)
    assert desk.hear(account(0, AAPL=-500)).to("desk/risk") == []
    desk.hear(ReconcileNow(reason="seen", person="ana"), account(0, AAPL=-500))
    booked, told = desk.to("desk/risk")
    assert isinstance(booked, PositionBooked)
    assert "ana" in booked.reason
    assert told == OutcomeUnknown(unknown=0, breaks=0)


def test_order_placed_by_someone_else_stays_and_lowers_the_desk() -> None:
    desk = Desk().hear(account(0, at_venue(client_order_id="by-hand")))
    assert desk.to("venue") == []
    assert [type(message) for message in desk.to("desk/risk")] == [LowerDesk, OutcomeUnknown]


def test_order_of_ours_that_nobody_owns_is_cancelled() -> None:
    desk = Desk().hear(VenueSession(run="floor", epoch=2, session=1))
    name = client_order_id("floor", 1, ID)
    desk.hear(account(0, at_venue(client_order_id=name)))
    assert desk.to("venue") == [CancelOrder(order_id=name)]


def test_fill_of_an_order_that_is_not_held_is_a_position() -> None:
    desk = Desk().report(filled("by-hand", 7))
    event, lowered = desk.to("desk/risk")
    assert event == filled("by-hand", 7)
    assert isinstance(lowered, LowerDesk)
    assert desk.state.table.positions == {"AAPL": 7}


def test_account_of_another_moment_is_asked_for_again() -> None:
    desk = Desk().hear(ReconcileNow(reason="look")).hear(account(3, AAPL=500))
    assert desk.to("venue") == [ResendReports(after=0)]
    assert QueryAccount() in desk.wait(1).to("venue")
    assert desk.state.breaks == {}


# --- owners ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "quantity", "stays"), [("sell", 10, True), ("sell", 11, False), ("buy", 1, False)]
)
def test_owner_that_is_down_keeps_only_what_reduces(side: Any, quantity: int, stays: bool) -> None:
    desk = Desk().hear(approved()).report(accepted(ID), filled(ID, 10))
    left = f"{AGENT}/2"
    desk.hear(approved(2, side=side, quantity=quantity)).report(accepted(left))
    desk.hear(OwnerDown(address=AGENT))
    assert desk.to("venue") == ([] if stays else [CancelOrder(order_id=left)])
    assert [order.order_id for order in desk.custodian.resumed(AGENT).open_orders] == [left]


def test_reducing_orders_must_not_cross_zero_together() -> None:
    desk = Desk().hear(approved()).report(accepted(ID), filled(ID, 10))
    desk.hear(approved(2, side="sell", quantity=6), approved(3, side="sell", quantity=6))
    desk.hear(OwnerDown(address=AGENT))
    assert len(desk.to("venue")) > 0


def test_others_orders_are_left_alone() -> None:
    desk = Desk().hear(approved(1, OTHER)).report(accepted(f"{OTHER}/1"))
    assert desk.hear(OwnerDown(address=AGENT)).to("venue") == []


def test_state_survives_a_snapshot() -> None:
    desk = Desk().hear(approved(), replace(), CancelOrder(order_id=ID), account(0, AAPL=500))
    desk.hear(VenueReport(sequence=5, event=filled(ID, 2, 8)))
    data = msgspec.msgpack.encode(desk.state)
    assert msgspec.msgpack.decode(data, type=CustodianState) == desk.state


def test_no_order_leaves_while_the_clock_is_behind_the_record() -> None:
    desk = Desk()
    desk.hear(ClockStepped(by_ns=0, behind_ns=5), approved(1), CancelOrder(order_id=ID))
    assert desk.to("venue") == [CancelOrder(order_id=ID)]
    (refused,) = [one for one in desk.to(AGENT) if isinstance(one, OrderRefused)]
    assert refused.reason.startswith("clock_behind")
    desk.hear(ClockStepped(by_ns=0), approved(2))
    assert [type(one) for one in desk.to("venue")] == [ApprovedOrder]
