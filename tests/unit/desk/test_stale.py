"""On stale data nothing opens, and what closes goes out with a limit: last price and the collar."""

from datetime import date
from typing import Any

import pytest

from agents.desk.controls import Mandate
from environment.messages import ApprovedOrder, Leg, OrderRefused
from tests.unit.desk.factories import (
    AAPL,
    AGENT,
    DOLLAR,
    accepted,
    ask,
    context,
    filled,
    limits,
    make_risk,
    quote,
    sender_of,
)
from tests.unit.desk.option_factories import CONDOR, SERIES, chain, structure_fills

SECOND = 1_000_000_000


def sent(side: Any, quantity: int, age_ns: int, held: int, **given: Any) -> Any:
    """Return what becomes of an order, at the market, that comes so long after the last quote."""
    rules = limits(data_age=3 * SECOND, price_collar=given.pop("collar", 0.02))
    risk, ctx = make_risk(rules), context("desk/risk")
    opens = "buy" if held > 0 else "sell"
    first = ask(1, side=opens, quantity=abs(held))
    order_id = f"{AGENT}/1"
    fill = filled(order_id, abs(held), side=opens)
    for message in (quote(), first, accepted(order_id), fill, quote()):
        ctx.handle(risk, message, sender=sender_of(message))
    ctx.set_time(age_ns)
    order = ask(2, **{
        "side": side, "quantity": quantity, "price": None, "order_type": "market", **given
    })  # fmt: skip
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


@pytest.mark.parametrize(("side", "held", "given", "becomes"), [
    # Of a stop: the collar from where it triggers, if that is beyond the last price.
    ("sell", 10, {"order_type": "stop", "stop_price": 9_700}, ("stop_limit", 9_700, 9_506)),
    ("buy", -10, {"order_type": "stop", "stop_price": 10_300}, ("stop_limit", 10_300, 10_506)),
    ("sell", 10, {"order_type": "stop", "stop_price": 10_100}, ("stop_limit", 10_100, 9_800)),
    # A trailing one has nothing to follow: it stands where its offset puts it now.
    ("sell", 10, {"order_type": "trailing_stop", "stop_price": 300}, ("stop_limit", 9_700, 9_506)),
    ("buy", -10, {"order_type": "trailing_stop", "stop_price": 300},
     ("stop_limit", 10_300, 10_506)),
    # Of two limits the tighter one.
    ("sell", 10, {"order_type": "stop_limit", "stop_price": 9_850, "price": 9_830},
     ("stop_limit", 9_850, 9_830)),
    ("sell", 10, {"order_type": "limit", "price": 9_900}, ("limit", None, 9_900)),
    ("sell", 10, {"order_type": "on_close"}, ("on_close", None, 9_800)),
    ("buy", -10, {"order_type": "midpoint"}, ("midpoint", None, 10_200)),
])  # fmt: skip
def test_every_kind_of_reduction_on_stale_data_has_a_limit(
    side: str, held: int, given: dict[str, Any], becomes: tuple[str, int | None, int]
) -> None:
    passed = sent(side, 10, 4 * SECOND, held, **given)
    assert isinstance(passed, ApprovedOrder), passed
    order = passed.order
    assert (order.order_type, order.stop_price, order.price) == becomes


def test_stop_on_fresh_data_stays_a_stop() -> None:
    passed = sent("sell", 10, 2 * SECOND, 10, order_type="stop", stop_price=9_700)
    assert (passed.order.order_type, passed.order.price) == ("stop", None)


def structure_sent(net: int, age_ns: int) -> Any:
    """Return what becomes of closing a condor at a net price so long after the last chain."""
    scopes = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=10_000_000 * DOLLAR)
    risk = make_risk(
        limits(data_age=3 * SECOND), instruments=(AAPL, *SERIES), today=date(2014, 6, 13),
        mandates={AGENT: scopes}, reference_ticks={"AAPL": 10_000},
    )  # fmt: skip
    ctx, order_id = context("desk/risk"), f"{AGENT}/1"
    opened = ask(1, quantity=2, price=-80, legs=CONDOR)
    closing = tuple(
        Leg(instrument=leg.instrument, side="sell" if leg.side == "buy" else "buy")
        for leg in CONDOR
    )
    told: tuple[Any, ...] = (
        quote(), chain(), opened, accepted(order_id), *structure_fills(order_id, CONDOR, 2),
        quote(), chain(),
    )  # fmt: skip
    for message in told:
        ctx.handle(risk, message, sender=sender_of(message))
    ctx.set_time(age_ns)
    close = ask(2, quantity=2, price=net, legs=closing)
    ctx.handle(risk, close, sender=sender_of(close))
    return ctx.sent[-1].message


def test_structure_that_closes_on_stale_data_pays_no_more_than_marks_and_collar() -> None:
    # Marks of 23, 68, 63 and 18: the legs come to 90 net, 172 in all; the collar is 5 % of that.
    passed = structure_sent(130, 4 * SECOND)
    assert isinstance(passed, ApprovedOrder), passed
    assert passed.order.price == 98
    assert structure_sent(95, 4 * SECOND).order.price == 95
    assert structure_sent(130, 2 * SECOND).order.price == 130
