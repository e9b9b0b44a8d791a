from typing import Any

import msgspec
import pytest

from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderAccepted,
    OrderFilled,
    OrderRefused,
    OrderRequest,
    ReplaceOrder,
    ReplaceRequest,
    SubmitOrder,
)
from environment.venue_messages import (
    AccountReport,
    OrderReport,
    QueryAccount,
    QueryOrder,
    RenewSession,
    ResendReports,
    VenueReport,
    VenueSession,
)

NAME = "quant/maker/1"
REQUEST = OrderRequest(
    order_id="quant/maker/1", instrument="AAPL", side="sell", quantity=5, order_type="stop_limit",
    price=9_900, stop_price=9_950, time_in_force="gtc", post_only="no", hidden=True,
)  # fmt: skip
REPLACE = ReplaceRequest(order_id="quant/maker/1", quantity=3, price=9_800)


def approved(verdict_id: int = 1, account: str = "swarm") -> ApprovedOrder:
    return ApprovedOrder(order=REQUEST, owner="quant/maker", account=account, verdict_id=verdict_id)


def handle(*messages: Any) -> tuple[SimulatedVenue, RecordingContext]:
    venue = SimulatedVenue(ActorRef("exchange"), ActorRef("desk/custodian"), "swarm")
    ctx = RecordingContext("venue")
    for message in messages:
        ctx.handle(venue, message)
    return venue, ctx


def test_approved_order_is_entered_with_all_its_terms() -> None:
    _, ctx = handle(approved())
    (sent,) = ctx.sent
    assert sent.to == "exchange"
    assert sent.message == SubmitOrder(
        order_id="quant/maker/1", account="swarm", instrument="AAPL", side="sell", quantity=5,
        order_type="stop_limit", price=9_900, stop_price=9_950, time_in_force="gtc", hidden=True,
    )  # fmt: skip


def test_approved_replace_and_cancel_go_to_the_exchange() -> None:
    cancel = CancelOrder(order_id="quant/maker/1")
    replace = ApprovedReplace(order=REPLACE, owner="quant/maker", verdict_id=2)
    _, ctx = handle(approved(), replace, cancel)
    assert [sent.to for sent in ctx.sent] == ["exchange"] * 3
    expected = ReplaceOrder(order_id="quant/maker/1", quantity=3, price=9_800)
    assert ctx.messages()[1:] == [expected, cancel]


@pytest.mark.parametrize(
    "again",
    [approved(2), ApprovedReplace(order=REPLACE, owner="quant/maker", verdict_id=1)],
)
def test_order_and_verdict_are_used_once(again: ApprovedOrder | ApprovedReplace) -> None:
    replace = ApprovedReplace(order=REPLACE, owner="quant/maker", verdict_id=1)
    venue, ctx = handle(approved(1), replace, again)
    assert (len(ctx.sent), venue.state.repeated) == (2, 1)


def test_orders_that_overtake_each_other_are_both_entered() -> None:
    later = msgspec.structs.replace(approved(7), client_order_id="x")
    _, ctx = handle(later, approved(6))
    assert [message.order_id for message in ctx.messages() if isinstance(message, SubmitOrder)] == [
        "x", "quant/maker/1",
    ]  # fmt: skip


def test_what_was_sent_in_an_earlier_session_is_dead() -> None:
    venue, ctx = handle(RenewSession(above=0), approved(1), QueryOrder(client_order_id=NAME))
    session, report = ctx.messages()
    assert session == VenueSession(session=1)
    assert report == OrderReport(client_order_id=NAME, order=None, sequence=0)
    assert (venue.state.dead, venue.state.submitted) == (1, 0)


def test_order_of_another_account_is_refused() -> None:
    _, ctx = handle(approved(account="world"))
    (sent,) = ctx.sent
    assert sent.to == "desk/custodian"
    assert isinstance(sent.message.event, OrderRefused)
    assert sent.message.event.reason.startswith("account: 'world'")


def test_events_go_back_numbered() -> None:
    event = OrderAccepted(order_id=NAME, instrument="AAPL", exchange_ns=1)
    _, ctx = handle(approved(), event, event)
    reports = ctx.messages()[1:]
    assert reports == [VenueReport(sequence=n, event=event) for n in (1, 2)]
    assert {sent.to for sent in ctx.sent[1:]} == {"desk/custodian"}


def test_reports_are_sent_again_when_asked_for() -> None:
    event = OrderAccepted(order_id=NAME, instrument="AAPL", exchange_ns=1)
    _, ctx = handle(approved(), event, event, event, ResendReports(after=1))
    reports = [message for message in ctx.messages() if isinstance(message, VenueReport)]
    assert [report.sequence for report in reports] == [1, 2, 3, 2, 3]


def test_account_says_what_works_and_is_held() -> None:
    fill = OrderFilled(
        order_id=NAME, instrument="AAPL", side="sell", price=9_900, quantity=2, leaves=3,
        liquidity="maker", fee_micros=0, exchange_ns=1, trade_id=1,
    )  # fmt: skip
    _, ctx = handle(approved(), fill, QueryAccount())
    report = ctx.messages()[-1]
    assert isinstance(report, AccountReport)
    assert (report.sequence, report.positions) == (1, {"AAPL": -2})
    (order,) = report.orders
    assert (order.client_order_id, order.leaves, order.average_ticks) == (NAME, 3, 9_900)


def test_gate_that_says_no_is_a_refusal_by_its_reason() -> None:
    venue = SimulatedVenue(
        ActorRef("exchange"), ActorRef("desk/custodian"), "swarm", lambda order, now_ns: "no seal"
    )
    ctx = RecordingContext("venue")
    ctx.handle(venue, approved())
    (sent,) = ctx.sent
    assert sent.message.event == OrderRefused(order_id=NAME, reason="no seal")


def test_request_that_nobody_approved_is_no_message_of_the_venue() -> None:
    assert OrderRequest not in SimulatedVenue.ACCEPTS
    assert SubmitOrder not in SimulatedVenue.ACCEPTS
    with pytest.raises(AssertionError):
        handle(REQUEST)
