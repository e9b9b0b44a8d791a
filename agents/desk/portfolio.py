"""Signals into orders of a fixed quantity, until a coordinator and a portfolio decide the size."""

from typing import ClassVar, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import Actor, ActorContext, ActorRef
from environment.instruments import Instrument
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Side,
    Signal,
    TimerFired,
)


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many lots a view is worth, and how long an order may wait for them."""

    instruments: tuple[Instrument, ...]
    quantity: int
    patience_ns: int = 10_000_000_000  # A limit order older than this is cancelled.
    pause_ns: int = 1_000_000_000  # After an order that ended short of its quantity.
    quotes_every_ns: int = 100_000_000


class Line(msgspec.Struct):
    """What is wanted, held and on its way in one instrument."""

    view: InstrumentView
    target: int | None = None  # None: no view, or one that was refused.
    position: int = 0
    order: TrackedOrder | None = None
    timer: int = 0
    rests_until_ns: int = 0


class PortfolioState(msgspec.Struct):
    """All that changes in the portfolio."""

    lines: dict[str, Line]
    numbers: OrderNumbers
    ignored: int = 0  # Signals on what the desk does not trade.


ToPortfolio = (
    Resumed | Signal | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class Portfolio(Actor[ToPortfolio]):
    """Holds +quantity while the last signal says up, -quantity on down, nothing on flat.

    It takes at the touch with a limit, has one working order an instrument, and gives a target up
    that the desk refuses: the next signal is the next attempt.
    """

    KIND: ClassVar[str] = "portfolio"

    def __init__(
        self, risk: ActorRef[OrderRequest | CancelRequest], settings: PortfolioSettings
    ) -> None:
        self._risk = risk
        self._settings = settings
        lines = {i.symbol: Line(view=InstrumentView()) for i in settings.instruments}
        self.state: PortfolioState = PortfolioState(lines=lines, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToPortfolio) -> None:
        """Handle one message."""
        match message:
            case Signal():
                self._on_signal(ctx, message)
            case QuoteUpdate(instrument=symbol) | PhaseChanged(instrument=symbol):
                line = self.state.lines[symbol]
                line.view.hear(message, ctx.now_ns())
                self._act(ctx, symbol, line)
            case BandsChanged() | AuctionIndication():
                pass
            case TimerFired(timer_id=timer_id, name=symbol):
                line = self.state.lines[symbol]
                if line.order is not None and line.timer == timer_id:
                    self._cancel(ctx, line.order)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case Resumed():
                self._begin(ctx, message)
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext, resumed: Resumed) -> None:
        """Listen; what an earlier incarnation still has in the market is cancelled."""
        for symbol, line in self.state.lines.items():
            line.position = resumed.positions.get(symbol, 0)
            ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
        for still_open in resumed.open_orders:
            line = self.state.lines[still_open.instrument]
            line.order = TrackedOrder(
                still_open.order_id, still_open.instrument, still_open.side,
                Terms(still_open.leaves, still_open.price), is_accepted=True, is_adopted=True,
            )  # fmt: skip
            self._cancel(ctx, line.order)

    def _on_signal(self, ctx: ActorContext, signal: Signal) -> None:
        line = self.state.lines.get(signal.instrument)
        if line is None:
            self.state.ignored += 1
            return
        quantity = self._settings.quantity
        target = {"up": quantity, "down": -quantity, "flat": 0}[signal.direction]
        if line.order is not None and target != line.target:
            self._cancel(ctx, line.order)
        line.target = target
        self._act(ctx, signal.instrument, line)

    def _act(self, ctx: ActorContext, symbol: str, line: Line) -> None:
        """Order what is missing, if the market is open and nothing is on its way."""
        if line.target is None or line.order is not None or not line.view.is_continuous:
            return
        missing = line.target - line.position
        side: Side = "buy" if missing > 0 else "sell"
        price = line.view.ask_price if missing > 0 else line.view.bid_price
        if not missing or price is None or ctx.now_ns() < line.rests_until_ns:
            return
        order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
        line.order = TrackedOrder(order_id, symbol, side, Terms(abs(missing), price))
        line.timer = ctx.after(self._settings.patience_ns, symbol)
        request = OrderRequest(
            order_id=order_id, instrument=symbol, side=side, quantity=abs(missing), price=price
        )
        ctx.send(self._risk, request)

    def _cancel(self, ctx: ActorContext, order: TrackedOrder) -> None:
        if not order.is_cancelling:
            order.asked.append(None)
            ctx.send(self._risk, CancelRequest(order_id=order.order_id))

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        found = self._find(event.order_id)
        if found is None:
            return  # Of an order that is over: a cancel that came too late was refused.
        symbol, line, order = found
        filled = order.follow(event)
        line.position += filled if order.side == "buy" else -filled
        if not order.is_over:
            return
        line.order = None
        ctx.cancel_timer(line.timer)
        if isinstance(event, OrderRefused):
            line.target = None
        if order.filled < order.terms.quantity:
            # A touch that was gone, or our own order on the other side, is not asked for at once.
            line.rests_until_ns = ctx.now_ns() + self._settings.pause_ns
        self._act(ctx, symbol, line)

    def _find(self, order_id: str) -> tuple[str, Line, TrackedOrder] | None:
        for symbol, line in self.state.lines.items():
            if line.order is not None and line.order.order_id == order_id:
                return symbol, line, line.order
        return None
