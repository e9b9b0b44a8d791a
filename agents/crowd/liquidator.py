"""The clearing house's liquidator: sells out, or buys back, what a margin call left unmet."""

from typing import ClassVar, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.market.account_books import Books, Holding
from environment.market.clearing_events import ClearingEvent, Event, MarginCalled, MarginCallMet
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderRefused,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    SubmitOrder,
    TimerFired,
)

CLEARING_TOPIC = "clearing"


SMALLEST = 10  # Lots: what is less is done at once.


def slice_of(lots: int, share: float) -> int:
    """Return how many of `lots` go in one order."""
    return min(lots, max(round(lots * share), SMALLEST))


class LiquidatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Its policy: every `every_ns` a market order for a `share` of what is still to go."""

    symbols: tuple[str, ...]
    every_ns: int = 10_000_000_000
    share: float = 0.2
    quotes_every_ns: int = 1_000_000_000


class LiquidatorState(msgspec.Struct):
    """All that changes in a liquidator: when each account's call is due, and its views."""

    views: dict[str, InstrumentView]
    numbers: OrderNumbers
    due_ns: dict[int, int] = {}
    is_listening: bool = False
    is_beating: bool = False
    refused: int = 0


ToLiquidator = (
    Resumed | Event | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderRefused
)  # fmt: skip


class Liquidator(Actor[ToLiquidator]):
    """Brings accounts back to what they must keep, once a call's deadline has passed.

    It knows what accounts hold, and hears prices as late as others do. The position that ties up
    the most margin goes first. Where an account's equity has come back by itself, it does nothing.
    """

    KIND: ClassVar[str] = "liquidator"

    def __init__(
        self, exchange: ActorRef[SubmitOrder], books: Books, settings: LiquidatorSettings
    ) -> None:
        self._exchange, self._books, self._settings = exchange, books, settings
        self.state: LiquidatorState = LiquidatorState(
            views={symbol: InstrumentView() for symbol in settings.symbols},
            numbers=OrderNumbers(),
        )

    def receive(self, ctx: ActorContext, message: ToLiquidator) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                ctx.subscribe(CLEARING_TOPIC)
            case MarginCalled():
                self._take_call(ctx, message)
            case MarginCallMet(account=account):
                self.state.due_ns.pop(account, None)
            case QuoteUpdate(instrument=symbol):
                self.state.views[symbol].hear(message, ctx.now_ns())
            case PhaseChanged(instrument=symbol):
                self.state.views[symbol].hear(message, ctx.now_ns())
                self._wake(ctx)
            case TimerFired():
                self._beat(ctx)
            case OrderRefused():
                self.state.refused += 1
            case BandsChanged() | AuctionIndication() | ClearingEvent():
                pass
            case never:
                assert_never(never)

    def _take_call(self, ctx: ActorContext, call: MarginCalled) -> None:
        state = self.state
        if self._books.name(call.account) is None:
            return  # A gated account: its own desk answers for it.
        if not state.is_listening:
            state.is_listening = True
            for symbol in self._settings.symbols:
                ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
                ctx.subscribe(status_topic(symbol))
                # The call comes at night: until it hears of the open, the stock is closed.
                state.views[symbol].phase = "closed"
        state.due_ns[call.account] = call.due_ns

    def _wake(self, ctx: ActorContext) -> None:
        """Begin to beat when there is something to do and a market to do it in."""
        is_open = any(view.is_continuous for view in self.state.views.values())
        if is_open and self.state.due_ns and not self.state.is_beating:
            self.state.is_beating = True
            ctx.after(self._settings.every_ns, "beat")

    def _beat(self, ctx: ActorContext) -> None:
        """Work on every account whose call is overdue."""
        self.state.is_beating = False
        for account, due_ns in self.state.due_ns.items():
            if ctx.now_ns() >= due_ns:
                self._work_on(ctx, account)
        self._wake(ctx)

    def _work_on(self, ctx: ActorContext, account: int) -> None:
        books, prices = self._books, dict[str, int]()
        for symbol, view in self.state.views.items():
            if view.twice_mid is not None:
                prices[symbol] = view.twice_mid // 2
            elif books.lots(account, symbol):
                return  # Not everything has a price yet.
        short_of = books.shortfall_micros(account, prices)
        tradable = [
            held for held in books.holdings(account, prices)
            if self.state.views[held.symbol].is_continuous
        ]  # fmt: skip
        if short_of > 0 and tradable:
            worst = max(tradable, key=lambda h: (abs(h.lots) * h.margin_micros, h.symbol))
            self._reduce(ctx, account, worst, short_of)

    def _reduce(self, ctx: ActorContext, account: int, held: Holding, short_of: int) -> None:
        name = self._books.name(account)
        assert name is not None, "a call of a gated account was taken"
        # At the mid a trade changes no equity: each lot frees the margin that it ties up.
        wanted = min(-(-short_of // max(held.margin_micros, 1)), abs(held.lots))
        order = SubmitOrder(
            order_id=self.state.numbers.next_id(ctx.address, ctx.now_ns()), account=name,
            instrument=held.symbol, side="sell" if held.lots > 0 else "buy",
            quantity=slice_of(wanted, self._settings.share), order_type="market",
            time_in_force="ioc", parent=f"{ctx.address}/{name}",
        )  # fmt: skip
        ctx.send(self._exchange, order)
