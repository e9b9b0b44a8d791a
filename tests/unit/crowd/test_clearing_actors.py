"""The liquidator and the buyer-in: whom they act on, when, and for how much."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from agents.crowd.buy_in import BuyIn, BuyInSettings
from agents.crowd.liquidator import Liquidator, LiquidatorSettings
from environment.actors import Actor, ActorRef
from environment.actors.testing import RecordingContext
from environment.market.account_books import Holding
from environment.market.clearing_events import BuyInOrdered, MarginCalled, MarginCallMet
from environment.messages import Message, Resumed, SubmitOrder, TimerFired
from tests.unit.desk.factories import context, phase, quote

NIGHT = date(2014, 6, 6)
BEAT = TimerFired(timer_id=1, name="beat")
CALL = MarginCalled(
    session=NIGHT, account=9, equity_micros=1, required_micros=2, call_micros=1, due_ns=5_000
)
ORDERED = BuyInOrdered(
    session=NIGHT, symbol="AAPL", account=9, lots=40, on=date(2014, 6, 9)
)  # fmt: skip


class StubBooks:
    """Accounts as a test says: account 9 is noise/1, any other is gated."""

    def __init__(self, lots: int, short_of: int = 0) -> None:
        self.held, self.short_of = lots, short_of

    def name(self, account: int) -> str | None:
        return "noise/1" if account == 9 else None

    def lots(self, account: int, symbol: str) -> int:
        assert (account, symbol) == (9, "AAPL")
        return self.held

    def holdings(self, account: int, prices: Mapping[str, int]) -> list[Holding]:
        assert set(prices) == {"AAPL"}
        return [Holding("AAPL", self.held, 100)] if account == 9 and self.held else []

    def shortfall_micros(self, account: int, prices: Mapping[str, int]) -> int:
        assert (account, prices["AAPL"]) == (9, 10_000)
        return self.short_of


def liquidator(books: StubBooks) -> tuple[Liquidator, RecordingContext]:
    actor = Liquidator(ActorRef("exchange"), books, LiquidatorSettings(symbols=("AAPL",)))
    ctx = context("clearing/liquidator", now_ns=100)
    ctx.handle(actor, Resumed())
    return actor, ctx


def tell(actor: Actor[Any], ctx: RecordingContext, *messages: Message) -> None:
    for message in messages:
        ctx.handle(actor, message)


def orders(ctx: RecordingContext) -> list[tuple[str, str, int]]:
    return [(m.account, m.side, m.quantity) for m in ctx.messages() if isinstance(m, SubmitOrder)]


def test_liquidator_sells_a_fifth_of_what_frees_the_shortfall() -> None:
    actor, ctx = liquidator(StubBooks(lots=500, short_of=10_001))
    tell(actor, ctx, CALL, phase("continuous"), quote(9_999, 10_001))
    ctx.set_time(5_000)
    tell(actor, ctx, BEAT)
    assert orders(ctx) == [("noise/1", "sell", 20)]  # 101 lots would free it.


def test_liquidator_buys_back_a_short() -> None:
    actor, ctx = liquidator(StubBooks(lots=-10, short_of=10_000))
    tell(actor, ctx, CALL, phase("continuous"), quote(9_999, 10_001))
    ctx.set_time(5_000)
    tell(actor, ctx, BEAT)
    assert orders(ctx) == [("noise/1", "buy", 10)]  # So few go at once.


def test_liquidator_waits_for_the_deadline_and_the_market() -> None:
    actor, ctx = liquidator(StubBooks(lots=500, short_of=10_001))
    tell(actor, ctx, CALL, quote(9_999, 10_001), BEAT, phase("continuous"), BEAT)
    assert orders(ctx) == []
    ctx.set_time(5_000)
    tell(actor, ctx, phase("halted"), BEAT)
    assert orders(ctx) == []
    assert ctx.timers_set  # Begun when the market opened.


def test_liquidator_leaves_an_account_alone_that_has_come_back() -> None:
    books = StubBooks(lots=500)
    actor, ctx = liquidator(books)
    ctx.set_time(6_000)
    tell(actor, ctx, CALL, phase("continuous"), quote(9_999, 10_001), BEAT)
    books.short_of = 10_001
    tell(actor, ctx, MarginCallMet(session=NIGHT, account=9), BEAT)
    assert orders(ctx) == []


def test_liquidator_takes_no_call_of_a_gated_account() -> None:
    actor, ctx = liquidator(StubBooks(lots=500, short_of=10_001))
    tell(actor, ctx, MarginCalled(
        session=NIGHT, account=8, equity_micros=1, required_micros=2, call_micros=1, due_ns=0
    ))  # fmt: skip
    assert actor.state.due_ns == {}
    assert set(ctx.subscriptions) == {"clearing"}


def test_buyer_in_buys_until_the_lots_are_back() -> None:
    books = StubBooks(lots=-100)
    actor = BuyIn(ActorRef("exchange"), books, BuyInSettings(symbols=("AAPL",)))
    ctx = context("clearing/buy_in", now_ns=100)
    tell(actor, ctx, Resumed(), ORDERED, BEAT)
    assert orders(ctx) == []  # At night.
    tell(actor, ctx, phase("continuous"), BEAT)
    books.held = -62
    tell(actor, ctx, BEAT)
    books.held = -60
    tell(actor, ctx, BEAT)
    assert orders(ctx) == [("noise/1", "buy", 10), ("noise/1", "buy", 2)]
    assert actor.state.targets == {}
