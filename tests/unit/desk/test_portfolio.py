from typing import Any

import pytest

from agents.desk.portfolio import Portfolio, PortfolioSettings, Sizing
from agents.desk.proposal import Proposal, Voice
from agents.desk.sizing import SizingSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    CancelRequest,
    OpenOrder,
    OrderRequest,
    Resumed,
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
)

SECOND_NS = 1_000_000_000


def voice(source: str, direction: Any = "up", weight: float = 1.0) -> Voice:
    return Voice(
        source=source, signal=1, direction=direction, probability=0.9, expected_return=0.01,
        horizon_ns=1, belief=1.0, weight=weight, hit_rate=0.5, brier_score=0.25,
        information_coefficient=0.0, outcomes=0,
    )  # fmt: skip


def proposal(direction: Any = "up", instrument: str = "AAPL", **given: Any) -> Proposal:
    """Return a proposal so strong that the cap of 50 lots decides."""
    values: dict[str, Any] = {
        "instrument": instrument, "direction": direction, "probability": 0.9,
        "expected_return": 0.01, "edge_error": 0.1, "holding_ns": 600 * SECOND_NS,
        "conviction": 1.0, "dispersion": 0.0, "heard": 1, "known": 1,
        "voices": () if direction == "flat" else (voice("quant/trend", direction),),
    }  # fmt: skip
    return Proposal(**(values | given))


def make(*messages: Any, **sizing: Any) -> tuple[Portfolio, RecordingContext]:
    """Return a portfolio of 50 lots at the most that has handled some messages."""
    settings = PortfolioSettings(
        instruments=(AAPL,), cash_micros=1_000_000 * DOLLAR,
        sizing=SizingSettings(**({"lots_cap": 50} | sizing)),
    )  # fmt: skip
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


@pytest.mark.parametrize(
    ("direction", "side", "price"), [("up", "buy", 10_001), ("down", "sell", 9_999)]
)
def test_proposal_takes_the_touch_with_a_limit(direction: str, side: str, price: int) -> None:
    _, ctx = make(quote(), proposal(direction))
    (order,) = orders(ctx)
    assert (order.side, order.price, order.quantity) == (side, price, 50)
    assert order.order_id.startswith("desk/portfolio/")


def test_same_proposal_again_orders_nothing() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, filled(last_id(ctx), 50), proposal(), quote())
    assert len(orders(ctx)) == 1


def test_opposite_view_closes_before_it_opens() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, filled(last_id(ctx), 50), proposal("down"))
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)
    do(portfolio, ctx, filled(last_id(ctx), 50, side="sell"))
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)


def test_flat_closes_what_is_held() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, filled(last_id(ctx), 50), proposal("flat"))
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)


def test_one_order_works_at_a_time_and_a_new_view_cancels_it() -> None:
    portfolio, ctx = make(quote(), proposal(), proposal("down"), quote())
    assert len(orders(ctx)) == 1
    assert ctx.messages()[-1] == CancelRequest(order_id=last_id(ctx))
    first = last_id(ctx)
    do(portfolio, ctx, accepted(first), filled(first, 20, 30), cancelled(first, 30))
    ctx.set_time(2 * SECOND_NS)
    do(portfolio, ctx, quote())
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 20)


def test_stale_order_is_cancelled_once_and_its_rest_ordered_at_the_new_touch() -> None:
    portfolio, ctx = make(quote(), proposal())
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
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, cancelled(last_id(ctx), 50, "self_trade"), quote())
    assert len(orders(ctx)) == 1
    ctx.set_time(SECOND_NS)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 2


def test_timer_of_a_filled_order_is_cancelled() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, filled(last_id(ctx), 50))
    assert ctx.cancelled == [1]


def test_refused_target_waits_for_the_next_proposal() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, refused(last_id(ctx), "position: too much"))
    ctx.set_time(60 * SECOND_NS)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 1
    do(portfolio, ctx, proposal())
    assert len(orders(ctx)) == 2


def test_refused_cancel_changes_nothing() -> None:
    portfolio, ctx = make(quote(), proposal())
    first = last_id(ctx)
    do(portfolio, ctx, accepted(first), proposal("flat"), refused(first), filled(first, 50))
    ctx.set_time(SECOND_NS)
    do(portfolio, ctx, refused(first), quote())
    assert (orders(ctx)[-1].side, orders(ctx)[-1].quantity) == ("sell", 50)


def test_proposal_waits_for_continuous_trading_and_for_a_touch() -> None:
    portfolio, ctx = make(phase("pre_open"), quote(), proposal())
    assert not orders(ctx)
    do(portfolio, ctx, quote(None, None), phase("continuous"))
    assert not orders(ctx)
    do(portfolio, ctx, quote())
    assert len(orders(ctx)) == 1


def test_proposal_on_an_unknown_instrument_is_counted() -> None:
    portfolio, ctx = make(proposal(instrument="NONE"))
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
    assert set(ctx.subscriptions) == {
        "desk/moves", "desk/proposals", "market/AAPL/quotes", "market/AAPL/status",
    }  # fmt: skip


def test_each_fill_is_booked_to_the_source_that_weighed_most() -> None:
    voices = (voice("quant/a", weight=0.3), voice("quant/b", weight=0.7))
    portfolio, ctx = make(quote(9_999, 10_001), proposal(voices=voices))
    do(portfolio, ctx, filled(last_id(ctx), 50, price=10_001, fee_micros=100), proposal("flat"))
    do(portfolio, ctx, filled(last_id(ctx), 50, side="sell", price=10_101))
    profits = portfolio.statistics().profits
    assert list(profits) == ["quant/b"]
    assert profits["quant/b"].realised_micros == 50 * DOLLAR - 100


def test_size_is_published_with_what_decided_it() -> None:
    _, ctx = make(quote(), proposal(conviction=0.001))
    (sizing,) = [s.message for s in ctx.published if isinstance(s.message, Sizing)]
    assert 0 < sizing.lots < 50
    assert sizing.bound == "volatility_target"


def test_proposal_before_the_market_is_sized_by_the_first_quote() -> None:
    portfolio, ctx = make(proposal())
    assert portfolio.state.lines["AAPL"].target is None
    do(portfolio, ctx, quote())
    assert [order.quantity for order in orders(ctx)] == [50]


def test_position_is_kept_while_its_edge_only_no_longer_pays_for_more() -> None:
    portfolio, ctx = make(quote(), proposal())
    do(portfolio, ctx, filled(last_id(ctx), 50), proposal(expected_return=1e-9))
    assert portfolio.state.lines["AAPL"].target == 50


def test_no_more_is_taken_at_once_than_is_displayed() -> None:
    _, ctx = make(quote(ask_quantity=20), proposal())
    assert [order.quantity for order in orders(ctx)] == [20]
