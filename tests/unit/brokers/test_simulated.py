from typing import Any

import msgspec
import pytest

from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.authority import VerdictKey, keys_of_seed, order_hash
from environment.control_messages import AuthorityRefused
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
from environment.signed import SignedVerdict
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


KEYS = keys_of_seed(1)


def verdict(order: OrderRequest | ReplaceRequest, verdict_id: int) -> SignedVerdict:
    return VerdictKey(KEYS.verdict).seal(SignedVerdict(
        order_hash=order_hash(order), verdict_id=verdict_id, limits_version=1, issued_ns=0,
        expires_ns=100, needs_decision=False,
    ))  # fmt: skip


def approved(verdict_id: int = 1, account: str = "swarm") -> ApprovedOrder:
    return ApprovedOrder(
        order=REQUEST, owner="quant/maker", account=account, verdict_id=verdict_id,
        verdict=verdict(REQUEST, verdict_id),
    )  # fmt: skip


def replacing(verdict_id: int) -> ApprovedReplace:
    return ApprovedReplace(
        order=REPLACE, owner="quant/maker", verdict_id=verdict_id,
        verdict=verdict(REPLACE, verdict_id),
    )  # fmt: skip


def handle(*messages: Any, sender: str = "") -> tuple[SimulatedVenue, RecordingContext]:
    venue = SimulatedVenue(
        ActorRef("exchange"), ActorRef("desk/custodian"), "swarm", KEYS.gate(),
        ActorRef("desk/risk"),
    )  # fmt: skip
    ctx = RecordingContext("venue")
    for message in messages:
        is_report = isinstance(message, OrderAccepted | OrderRefused | OrderFilled)
        usual = "exchange" if is_report else "desk/custodian"
        ctx.handle(venue, message, sender=sender or usual)
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
    replace = replacing(2)
    _, ctx = handle(approved(), replace, cancel)
    assert [sent.to for sent in ctx.sent] == ["exchange"] * 3
    expected = ReplaceOrder(order_id="quant/maker/1", quantity=3, price=9_800)
    assert ctx.messages()[1:] == [expected, cancel]


@pytest.mark.parametrize(
    "again",
    [approved(2), replacing(1)],
)
def test_order_and_verdict_are_used_once(again: ApprovedOrder | ApprovedReplace) -> None:
    replace = replacing(1)
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


def test_order_changed_on_its_way_is_refused_and_given_back() -> None:
    other = msgspec.structs.replace(REQUEST, quantity=6)
    _, ctx = handle(msgspec.structs.replace(approved(), order=other))
    warning, report = ctx.messages()
    assert isinstance(warning, AuthorityRefused)
    reason = "verdict: made for another order"
    refusal = OrderRefused(order_id=NAME, reason=reason)
    assert report == VenueReport(sequence=1, event=refusal)


def test_order_made_by_hand_is_refused_and_its_sender_told_of() -> None:
    forged = msgspec.structs.replace(approved(), verdict=None)
    venue, ctx = handle(forged, replacing(2), sender="quant/rogue")
    warning = AuthorityRefused(sender="quant/rogue", order_id=NAME, reason="sender: not the desk")
    assert [(sent.to, sent.message) for sent in ctx.sent] == [("desk/risk", warning)] * 2
    assert (venue.state.submitted, venue.state.refused) == (0, 2)


def test_report_that_does_not_come_from_the_exchange_is_not_believed() -> None:
    event = OrderAccepted(order_id=NAME, instrument="AAPL", exchange_ns=1)
    venue, ctx = handle(event, sender="quant/rogue")
    assert [type(message) for message in ctx.messages()] == [AuthorityRefused]
    assert venue.state.unfounded == 1


def test_request_that_nobody_approved_is_no_message_of_the_venue() -> None:
    assert OrderRequest not in SimulatedVenue.ACCEPTS
    assert SubmitOrder not in SimulatedVenue.ACCEPTS
    with pytest.raises(AssertionError):
        handle(REQUEST)
