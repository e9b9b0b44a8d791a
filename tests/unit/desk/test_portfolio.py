from typing import Any

import pytest

from agents.desk.portfolio import Portfolio, PortfolioSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    CancelRequest,
    OpenOrder,
    OrderRequest,
    Resumed,
    Signal,
    TimerFired,
)
from tests.unit.desk.factories import (
    AAPL,
    accepted,
    cancelled,
    context,
    filled,
    phase,
    quote,
    refused,
)

SECOND_NS = 1_000_000_000


def signal(direction: Any = "up", instrument: str = "AAPL") -> Signal:
    return Signal(
        instrument=instrument, direction=direction, probability=0.6, horizon_ns=1,
        expected_return=0.0,
    )  # fmt: skip


def make(*messages: Any) -> tuple[Portfolio, RecordingContext]:
    """Return a portfolio of 50 lots that has handled some messages."""
    settings = PortfolioSettings(instruments=(AAPL,), quantity=50)
    portfolio, ctx = Portfolio(ActorRef("desk/risk"), settings), context("desk/portfolio")
    for message in messages:
        ctx.handle(portfolio, message)
    return portfolio, ctx


def orders(ctx: RecordingContext) -> list[OrderRequest]:
    return [m for m in ctx.messages() if isinstance(m, OrderRequest)]


def last_id(ctx: RecordingContext) -> str:
    return orders(ctx)[-1].order_id


def do(portfolio: Portfolio, ctx: RecordingContext, *messages: Any) -> None:
    for message in messages:
        ctx.handle(portfolio, message)


@pytest.mark.parametrize(("direction", "side", "price"), [("up", "buy", 101), ("down", "sell", 99)])
def test_signal_takes_the_touch_with_a_limit(direction: str, side: str, price: int) -> None:
    _, ctx = make(quote(99, 101), signal(direction))
    (order,) = orders(ctx)
    assert (order.side, order.price, order.quantity) == (side, price, 50)
    assert order.order_id.startswith("desk/portfolio/")


def test_same_signal_again_orders_nothing() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, filled(last_id(ctx), 50), signal(), quote())
    assert len(orders(ctx)) == 1


def test_opposite_signal_turns_the_position_round() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, filled(last_id(ctx), 50), signal("down"))
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 100)


def test_flat_closes_what_is_held() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, filled(last_id(ctx), 50), signal("flat"))
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)


def test_one_order_works_at_a_time_and_a_new_view_cancels_it() -> None:
    portfolio, ctx = make(quote(), signal(), signal("down"), quote())
    assert len(orders(ctx)) == 1
    assert ctx.messages()[-1] == CancelRequest(order_id=last_id(ctx))
    first = last_id(ctx)
    do(portfolio, ctx, accepted(first), filled(first, 20, 30), cancelled(first, 30))
    ctx.set_time(2 * SECOND_NS)
    do(portfolio, ctx, quote())
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 70)


def test_stale_order_is_cancelled_once_and_its_rest_ordered_at_the_new_touch() -> None:
    portfolio, ctx = make(quote(), signal())
    (timer,) = ctx.timers_set
    assert timer.due_ns == 10 * SECOND_NS
    fired = TimerFired(timer_id=timer.timer_id, name=timer.name)
    do(portfolio, ctx, accepted(last_id(ctx)), fired, fired)
    assert [type(m) for m in ctx.messages()] == [OrderRequest, CancelRequest]
    do(portfolio, ctx, cancelled(last_id(ctx), 50))
    ctx.set_time(20 * SECOND_NS)
    do(portfolio, ctx, quote(10_004, 10_006))
    assert orders(ctx)[-1].price == 10_006


def test_order_that_the_market_cancels_is_not_repeated_at_once() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, cancelled(last_id(ctx), 50, "self_trade"), quote())
    assert len(orders(ctx)) == 1
    ctx.set_time(SECOND_NS)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 2


def test_timer_of_a_filled_order_is_cancelled() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, filled(last_id(ctx), 50))
    assert ctx.cancelled == [1]


def test_refused_target_waits_for_the_next_signal() -> None:
    portfolio, ctx = make(quote(), signal())
    do(portfolio, ctx, refused(last_id(ctx), "position: too much"))
    ctx.set_time(60 * SECOND_NS)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 1
    do(portfolio, ctx, signal())
    assert len(orders(ctx)) == 2


def test_refused_cancel_changes_nothing() -> None:
    portfolio, ctx = make(quote(), signal())
    first = last_id(ctx)
    do(portfolio, ctx, accepted(first), signal("flat"), refused(first), filled(first, 50))
    ctx.set_time(SECOND_NS)
    do(portfolio, ctx, refused(first), quote())
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)


def test_signal_waits_for_continuous_trading_and_for_a_touch() -> None:
    portfolio, ctx = make(phase("pre_open"), quote(), signal())
    assert not orders(ctx)
    do(portfolio, ctx, quote(None, None), phase("continuous"))
    assert not orders(ctx)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 1


def test_signal_on_an_unknown_instrument_is_counted() -> None:
    portfolio, ctx = make(signal(instrument="NONE"))
    assert (portfolio.state.ignored, ctx.sent) == (1, [])


def test_restart_cancels_what_is_open_and_knows_what_is_held() -> None:
    left = OpenOrder(
        order_id="desk/portfolio/7", instrument="AAPL", side="buy", price=10_000, leaves=30
    )
    portfolio, ctx = make(Resumed(open_orders=(left,), positions={"AAPL": 20}))
    assert ctx.messages() == [CancelRequest(order_id=left.order_id)]
    counted_before = filled(left.order_id, 20, leaves=30)
    do(portfolio, ctx, counted_before, filled(left.order_id, 5, leaves=25))
    assert portfolio.state.lines["AAPL"].position == 25
    assert set(ctx.subscriptions) == {"market/AAPL/quotes", "market/AAPL/status"}
