"""On stale data nothing opens, and what closes goes out with a limit: last price and the collar."""

from typing import Any

import pytest

from environment.messages import ApprovedOrder, OrderRefused
from tests.unit.desk.factories import (
    AGENT,
    accepted,
    ask,
    context,
    filled,
    limits,
    make_risk,
    quote,
    sender_of,
)

SECOND = 1_000_000_000


def sent(side: Any, quantity: int, age_ns: int, held: int) -> Any:
    """Return what becomes of a market order that comes so long after the last quote."""
    risk, ctx = make_risk(limits(data_age=3 * SECOND, price_collar=0.02)), context("desk/risk")
    opens = "buy" if held > 0 else "sell"
    first = ask(1, side=opens, quantity=abs(held))
    order_id = f"{AGENT}/1"
    fill = filled(order_id, abs(held), side=opens)
    for message in (quote(), first, accepted(order_id), fill, quote()):
        ctx.handle(risk, message, sender=sender_of(message))
    ctx.set_time(age_ns)
    order = ask(2, side=side, quantity=quantity, price=None, order_type="market")
    ctx.handle(risk, order, sender=sender_of(order))
    return ctx.sent[-1].message


@pytest.mark.parametrize(("side", "held", "price"), [("sell", 10, 9_800), ("buy", -10, 10_200)])
def test_stale_reduction_goes_out_at_the_last_price_and_the_collar(
    side: str, held: int, price: int
) -> None:
    passed = sent(side, 10, 4 * SECOND, held)
    assert isinstance(passed, ApprovedOrder)
    assert (passed.order.order_type, passed.order.price) == ("limit", price)


def test_fresh_reduction_stays_a_market_order() -> None:
    passed = sent("sell", 10, 2 * SECOND, 10)
    assert isinstance(passed, ApprovedOrder)
    assert (passed.order.order_type, passed.order.price) == ("market", None)


def test_nothing_opens_on_stale_data() -> None:
    refused = sent("buy", 10, 4 * SECOND, 10)
    assert isinstance(refused, OrderRefused)
    assert refused.reason.startswith("data_age")
