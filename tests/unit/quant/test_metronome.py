from agents.quant.metronome import Metronome, MetronomeSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import OrderRequest, Resumed, TimerFired
from tests.unit.desk.factories import context, filled, phase, quote, refused

BEAT = TimerFired(timer_id=1, name="beat")


def make(*symbols: str) -> tuple[Metronome, RecordingContext]:
    settings = MetronomeSettings(instruments=symbols or ("AAPL",), quantity=40, every_ns=45)
    metronome, ctx = Metronome(ActorRef("desk/risk"), settings), context("practice/metronome")
    ctx.handle(metronome, Resumed())
    for symbol in symbols or ("AAPL",):
        ctx.handle(metronome, quote(99, 101, instrument=symbol))
    return metronome, ctx


def asked(ctx: RecordingContext) -> list[OrderRequest]:
    return [m for m in ctx.messages() if isinstance(m, OrderRequest)]


def test_it_buys_and_sells_in_turn_at_the_touch() -> None:
    metronome, ctx = make()
    for _ in range(3):
        ctx.handle(metronome, BEAT)
    terms = [(m.side, m.price, m.quantity, m.time_in_force) for m in asked(ctx)]
    assert terms == [
        ("buy", 101, 40, "ioc"), ("sell", 99, 40, "ioc"), ("buy", 101, 40, "ioc"),
    ]  # fmt: skip
    assert len({m.order_id for m in asked(ctx)}) == 3


def test_it_takes_instruments_in_turn() -> None:
    metronome, ctx = make("AAPL", "MSFT")
    for _ in range(4):
        ctx.handle(metronome, BEAT)
    assert [m.instrument for m in asked(ctx)] == ["AAPL", "AAPL", "MSFT", "MSFT"]


def test_it_keeps_the_beat_and_says_nothing_outside_trading() -> None:
    metronome, ctx = make()
    ctx.handle(metronome, phase("halted"))
    ctx.handle(metronome, BEAT)
    assert (ctx.sent, [timer.due_ns for timer in ctx.timers_set]) == ([], [45, 45])


def test_outcomes_change_nothing_but_its_count() -> None:
    metronome, ctx = make()
    ctx.handle(metronome, filled("practice/metronome/1", 40))
    ctx.handle(metronome, refused("practice/metronome/2"))
    assert (metronome.state.filled_lots, ctx.sent) == (40, [])
