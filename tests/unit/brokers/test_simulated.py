from typing import Any

import pytest

from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderAccepted,
    OrderRefused,
    OrderRequest,
    ReplaceOrder,
    ReplaceRequest,
    SubmitOrder,
)

REQUEST = OrderRequest(
    order_id="quant/maker/1", instrument="AAPL", side="sell", quantity=5, order_type="stop_limit",
    price=9_900, stop_price=9_950, time_in_force="gtc", post_only="no", hidden=True,
)  # fmt: skip
REPLACE = ReplaceRequest(order_id="quant/maker/1", quantity=3, price=9_800)


def approved(verdict_id: int = 1, account: str = "swarm") -> ApprovedOrder:
    return ApprovedOrder(order=REQUEST, owner="quant/maker", account=account, verdict_id=verdict_id)


def handle(*messages: Any) -> tuple[SimulatedVenue, RecordingContext]:
    venue = SimulatedVenue(ActorRef("exchange"), ActorRef("desk/risk"), "swarm")
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
    "again", [approved(1), ApprovedReplace(order=REPLACE, owner="quant/maker", verdict_id=1)]
)
def test_verdict_is_used_once(again: ApprovedOrder | ApprovedReplace) -> None:
    venue, ctx = handle(approved(1), again)
    assert (len(ctx.sent), venue.state.repeated) == (1, 1)


def test_order_of_another_account_is_refused() -> None:
    _, ctx = handle(approved(account="world"))
    (sent,) = ctx.sent
    assert sent.to == "desk/risk"
    assert isinstance(sent.message, OrderRefused)
    assert sent.message.reason.startswith("account: 'world'")


def test_events_go_back_to_the_desk() -> None:
    event = OrderAccepted(order_id="quant/maker/1", instrument="AAPL", exchange_ns=1)
    _, ctx = handle(event)
    assert [(sent.to, sent.message) for sent in ctx.sent] == [("desk/risk", event)]


def test_request_that_nobody_approved_is_no_message_of_the_venue() -> None:
    assert OrderRequest not in SimulatedVenue.ACCEPTS
    assert SubmitOrder not in SimulatedVenue.ACCEPTS
    with pytest.raises(AssertionError):
        handle(REQUEST)
