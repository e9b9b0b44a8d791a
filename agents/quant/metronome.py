"""A metronome: the simplest agent that trades, so that a newcomer sees the road of an order."""

from typing import ClassVar, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Side,
    TimerFired,
)


class MetronomeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it asks for, and how often; with several instruments it takes them in turn."""

    instruments: tuple[str, ...]
    quantity: int
    every_ns: int
    quotes_every_ns: int = 100_000_000


class MetronomeState(msgspec.Struct):
    """All that changes in a metronome."""

    views: dict[str, InstrumentView]
    numbers: OrderNumbers
    asked: int = 0
    filled_lots: int = 0


ToMetronome = (
    Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class Metronome(Actor[ToMetronome]):
    """Asks on a beat to take the touch, buying and selling in turn; nothing of it ever rests."""

    KIND: ClassVar[str] = "metronome"

    def __init__(self, risk: ActorRef[OrderRequest], settings: MetronomeSettings) -> None:
        self._risk = risk
        self._settings = settings
        views = {symbol: InstrumentView() for symbol in settings.instruments}
        self.state: MetronomeState = MetronomeState(views=views, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToMetronome) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol) | PhaseChanged(instrument=symbol):
                self.state.views[symbol].hear(message, ctx.now_ns())
            case TimerFired():
                ctx.after(self._settings.every_ns, "beat")
                self._beat(ctx)
            case OrderFilled(quantity=quantity):
                self.state.filled_lots += quantity
            case (
                BandsChanged() | AuctionIndication() | OrderAccepted() | OrderRefused()
                | OrderCancelled() | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                pass  # Whatever became of the last beat, the next one comes.
            case Resumed():
                for symbol in self._settings.instruments:
                    ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
                    ctx.subscribe(status_topic(symbol))
                ctx.after(self._settings.every_ns, "beat")
            case never:
                assert_never(never)

    def _beat(self, ctx: ActorContext) -> None:
        state, symbols = self.state, self._settings.instruments
        # Each instrument is bought, then sold, before the next one's turn.
        symbol = symbols[state.asked // 2 % len(symbols)]
        side: Side = "sell" if state.asked % 2 else "buy"
        view = state.views[symbol]
        price = view.ask_price if side == "buy" else view.bid_price
        if price is None or not view.is_continuous:
            return
        state.asked += 1
        request = OrderRequest(
            order_id=state.numbers.next_id(ctx.address, ctx.now_ns()), instrument=symbol,
            side=side, quantity=self._settings.quantity, price=price, time_in_force="ioc",
        )  # fmt: skip
        ctx.send(self._risk, request)
