from agents.quant.programme_seller import ProgrammeSeller, ProgrammeSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import Resumed, SubmitOrder, TimerFired
from tests.unit.desk.factories import cancelled, context, filled, phase, quote

ADDRESS = "world/programme"
BEAT = TimerFired(timer_id=1, name="beat")


def make(
    quantity: int = 1_000, held: int | None = None
) -> tuple[ProgrammeSeller, RecordingContext]:
    settings = ProgrammeSettings(
        account=ADDRESS, instrument="AAPL", quantity=quantity, at_ns=500, participation=0.25,
        every_ns=60,
    )  # fmt: skip
    seller, ctx = ProgrammeSeller(ActorRef("exchange"), settings), context(ADDRESS, now_ns=100)
    ctx.handle(seller, Resumed(positions={} if held is None else {"AAPL": held}))
    return seller, ctx


def beat(seller: ProgrammeSeller, ctx: RecordingContext, *volumes: int) -> None:
    for volume in volumes:
        ctx.handle(seller, quote(volume=volume))
        ctx.handle(seller, BEAT)


def children(ctx: RecordingContext) -> list[SubmitOrder]:
    return [m for m in ctx.messages() if isinstance(m, SubmitOrder)]


def sold(ctx: RecordingContext) -> list[int]:
    return [child.quantity for child in children(ctx)]


def test_it_begins_at_its_hour_and_keeps_its_beat() -> None:
    seller, ctx = make()
    beat(seller, ctx, 0)
    assert [timer.due_ns for timer in ctx.timers_set] == [500, 160]
    assert set(ctx.subscriptions) == {"market/AAPL/quotes", "market/AAPL/status"}


def test_it_sells_a_share_of_the_volume_since_the_last_beat() -> None:
    seller, ctx = make()
    beat(seller, ctx, 5_000, 5_100, 5_100, 5_140)
    assert sold(ctx) == [25, 10]


def test_fractions_of_a_lot_are_owed() -> None:
    seller, ctx = make()
    beat(seller, ctx, 0, 3, 6)
    assert sold(ctx) == [1]


def test_children_are_market_orders_of_one_parent() -> None:
    seller, ctx = make()
    beat(seller, ctx, 0, 100, 200)
    first, second = children(ctx)
    assert (first.order_type, first.side, first.account) == ("market", "sell", ADDRESS)
    assert first.parent == second.parent == f"{ADDRESS}/parent"
    assert first.order_id != second.order_id


def test_it_never_sells_more_than_it_has_and_then_stops() -> None:
    seller, ctx = make(quantity=30)
    beat(seller, ctx, 0, 100, 200, 300)
    assert sold(ctx) == [25, 5]
    for child in children(ctx):
        ctx.handle(seller, filled(child.order_id, child.quantity, side="sell"))
    timers = len(ctx.timers_set)
    beat(seller, ctx, 400)
    assert len(ctx.timers_set) == timers


def test_what_the_market_did_not_take_is_sold_later() -> None:
    seller, ctx = make(quantity=25)
    beat(seller, ctx, 0, 100)
    (child,) = children(ctx)
    ctx.handle(seller, filled(child.order_id, 10, 15, side="sell"))
    ctx.handle(seller, cancelled(child.order_id, 15, "no_liquidity"))
    beat(seller, ctx, 200)
    assert sold(ctx) == [25, 15]


def test_halt_is_waited_out_and_its_volume_not_followed() -> None:
    seller, ctx = make()
    beat(seller, ctx, 0)
    ctx.handle(seller, phase("halted"))
    beat(seller, ctx, 400)
    ctx.handle(seller, phase("continuous"))
    beat(seller, ctx, 440)
    assert sold(ctx) == [10]


def test_new_day_counts_volume_from_nothing() -> None:
    seller, ctx = make()
    beat(seller, ctx, 5_000, 40)
    assert sold(ctx) == [10]


def test_restart_goes_on_with_what_is_left() -> None:
    seller, _ = make(held=7)
    assert seller.state.left == 7
