from decimal import Decimal
from typing import Any

import pytest

from agents.quant.market_maker import MarketMaker, MarketMakerSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    CancelRequest,
    OpenOrder,
    OrderRequest,
    ReplaceRequest,
    Resumed,
    Side,
    TimerFired,
)
from tests.unit.desk.factories import (
    AAPL,
    DOLLAR,
    accepted,
    cancelled,
    context,
    filled,
    phase,
    quote,
    refused,
    replaced,
)

SECOND_NS = 1_000_000_000


def make(*messages: Any, **given: Any) -> tuple[MarketMaker, RecordingContext]:
    """Return a maker of 5 lots at 2 ticks that has handled some messages."""
    values: dict[str, Any] = {
        "instruments": (AAPL,), "quantity": 5, "half_spread": Decimal("0.02"),
        "notional_micros": 10_000 * DOLLAR,
    }  # fmt: skip
    maker = MarketMaker(ActorRef("desk/risk"), MarketMakerSettings(**(values | given)))
    ctx = context("quant/maker")
    do(maker, ctx, *messages)
    return maker, ctx


def do(maker: MarketMaker, ctx: RecordingContext, *messages: Any) -> None:
    for message in messages:
        ctx.handle(maker, message)


def new(ctx: RecordingContext) -> list[Any]:
    """Return what was sent since the last look."""
    messages = ctx.messages()
    ctx.sent.clear()
    return messages


def quoting() -> tuple[MarketMaker, RecordingContext, str, str]:
    """Return a maker with both orders working around 100.00, a second later."""
    maker, ctx = make(quote(9_999, 10_001))
    bid, ask = new(ctx)
    do(maker, ctx, accepted(bid.order_id, 9_998), accepted(ask.order_id, 10_002))
    ctx.set_time(SECOND_NS)
    return maker, ctx, bid.order_id, ask.order_id


def test_it_quotes_both_sides_of_the_mid() -> None:
    _, ctx = make(quote(9_999, 10_001))
    assert [(m.side, m.price, m.quantity, m.post_only) for m in new(ctx)] == [
        ("buy", 9_998, 5, "slide"),
        ("sell", 10_002, 5, "slide"),
    ]


def test_half_tick_mid_rounds_away_from_it() -> None:
    _, ctx = make(quote(9_999, 10_000))
    assert [m.price for m in new(ctx)] == [9_997, 10_002]


def test_unchanged_price_asks_for_nothing() -> None:
    maker, ctx, *_ = quoting()
    do(maker, ctx, quote(9_998, 10_002, bid_quantity=500))
    assert new(ctx) == []


def test_moved_mid_replaces_both_at_once_and_then_rests() -> None:
    maker, ctx, bid, ask = quoting()
    do(maker, ctx, quote(10_003, 10_005))
    assert new(ctx) == [
        ReplaceRequest(order_id=bid, quantity=5, price=10_002),
        ReplaceRequest(order_id=ask, quantity=5, price=10_006),
    ]
    do(maker, ctx, replaced(bid, 10_002, 5), replaced(ask, 10_006, 5), quote(10_009, 10_011))
    assert new(ctx) == []
    ctx.set_time(2 * SECOND_NS)
    do(maker, ctx, quote(10_009, 10_011))
    assert [m.price for m in new(ctx)] == [10_008, 10_012]


def test_order_whose_answer_is_on_the_way_is_not_asked_about_again() -> None:
    maker, ctx, *_ = quoting()
    do(maker, ctx, quote(10_003, 10_005))
    new(ctx)
    ctx.set_time(5 * SECOND_NS)
    do(maker, ctx, quote(10_009, 10_011))
    assert new(ctx) == []


def test_inventory_shifts_both_prices() -> None:
    maker, ctx, bid, _ = quoting()
    maker.state.quoted["AAPL"].position = 15
    do(maker, ctx, filled(bid, 5))
    assert new(ctx) == []  # Whoever took it may know more: not at once.
    ctx.set_time(6 * SECOND_NS)
    do(maker, ctx, quote(9_999, 10_001))
    assert [(type(m), m.price) for m in new(ctx)] == [
        (OrderRequest, 9_996),
        (ReplaceRequest, 10_000),
    ]
    assert maker.state.quoted["AAPL"].position == 20


def test_side_that_would_leave_the_mandate_is_not_quoted() -> None:
    maker, ctx = make(notional_micros=700 * DOLLAR)
    maker.state.quoted["AAPL"].position = 5
    do(maker, ctx, quote(9_999, 10_001))
    assert [m.side for m in new(ctx)] == ["sell"]


@pytest.mark.parametrize("name", ["halted", "closing_auction"])
def test_it_cancels_when_trading_is_not_continuous(name: str) -> None:
    maker, ctx, bid, ask = quoting()
    do(maker, ctx, phase(name), quote(10_003, 10_005))
    assert new(ctx) == [CancelRequest(order_id=bid), CancelRequest(order_id=ask)]
    do(maker, ctx, cancelled(bid, 5), cancelled(ask, 5), phase("continuous"))
    do(maker, ctx, quote(10_003, 10_005))
    assert [m.price for m in new(ctx)] == [10_002, 10_006]


def test_it_cancels_when_the_feed_is_stale_and_looks_again() -> None:
    maker, ctx, bid, ask = quoting()
    ctx.set_time(5 * SECOND_NS)
    do(maker, ctx, TimerFired(timer_id=1, name="AAPL"))
    assert (new(ctx), ctx.timers_set[-1].due_ns) == ([], 10 * SECOND_NS)
    ctx.set_time(10 * SECOND_NS)
    do(maker, ctx, TimerFired(timer_id=2, name="AAPL"))
    assert new(ctx) == [CancelRequest(order_id=bid), CancelRequest(order_id=ask)]
    assert ctx.timers_set[-1].due_ns == 20 * SECOND_NS


def test_it_does_not_follow_its_own_quote() -> None:
    maker, ctx, *_ = quoting()
    for second in range(2, 6):
        ctx.set_time(second * SECOND_NS)
        do(maker, ctx, quote(9_998, 10_001, bid_quantity=5))
    assert new(ctx) == []


def test_refusal_is_not_answered_at_once() -> None:
    maker, ctx = make(quote())
    bid, ask = new(ctx)
    do(maker, ctx, refused(bid.order_id), refused(ask.order_id), quote())
    assert (new(ctx), maker.state.refused) == ([], 2)
    ctx.set_time(SECOND_NS)
    do(maker, ctx, quote())
    assert [m.side for m in new(ctx)] == ["buy", "sell"]


def test_refused_replace_is_tried_again_later() -> None:
    maker, ctx, bid, ask = quoting()
    do(maker, ctx, quote(10_003, 10_005), refused(bid), replaced(ask, 10_006, 5))
    new(ctx)
    ctx.set_time(3 * SECOND_NS)
    do(maker, ctx, quote(10_003, 10_005))
    assert new(ctx) == [ReplaceRequest(order_id=bid, quantity=5, price=10_002)]


def test_restart_takes_over_what_is_open() -> None:
    sides: list[tuple[int, Side, int]] = [(1, "buy", 9_998), (2, "sell", 10_007), (3, "buy", 9_990)]
    old = [
        OpenOrder(order_id=f"quant/maker/{n}", instrument="AAPL", side=side, price=p, leaves=5)
        for n, side, p in sides
    ]
    maker, ctx = make(Resumed(open_orders=tuple(old), positions={"AAPL": 5}))
    assert new(ctx) == [CancelRequest(order_id="quant/maker/3")]
    do(maker, ctx, quote(10_000, 10_001))
    assert new(ctx) == [CancelRequest(order_id="quant/maker/2")]
    assert maker.state.quoted["AAPL"].position == 5


def test_order_of_an_earlier_incarnation_that_turns_up_is_cancelled() -> None:
    _, ctx = make(accepted("quant/maker/1"))
    assert new(ctx) == [CancelRequest(order_id="quant/maker/1")]


def test_half_spread_off_the_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.015 is no multiple"):
        make(half_spread=Decimal("0.015"))
