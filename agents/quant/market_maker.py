"""A small market maker: one order on each side of the mid, shifted against its inventory."""

from decimal import Decimal
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
    ReplaceRequest,
    Resumed,
    Side,
    TimerFired,
)

Prices = tuple[int | None, int | None]


class MarketMakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it quotes, how wide, and when it stays away.

    `half_spread` is in the instruments' currency, a whole number of ticks of each. An inventory of
    `skew_orders` quotes shifts both prices by one half-spread. It quotes a side only while the
    position that a fill would make is worth at most `notional_micros`, its mandate.
    """

    instruments: tuple[Instrument, ...]
    quantity: int
    half_spread: Decimal
    notional_micros: int
    skew_orders: int = 4
    requote_ns: int = 1_000_000_000  # Prices move at most once in so long.
    refill_ns: int = 2_000_000_000  # After a fill: whoever took it may know more.
    stale_ns: int = 10_000_000_000  # A touch older than this is not quoted on.
    pause_ns: int = 1_000_000_000  # After a refusal.
    quotes_every_ns: int = 100_000_000


class QuoteSide(msgspec.Struct):
    """One side of its quote: the order, and the best price that others showed there."""

    order: TrackedOrder | None = None
    asked_price: int | None = None  # The last price it asked for, before any slide.
    others_price: int | None = None


class Quoted(msgspec.Struct):
    """One instrument."""

    view: InstrumentView
    bid: QuoteSide
    ask: QuoteSide
    position: int = 0
    not_before_ns: int = 0
    is_away: bool = True  # It wants no order in the market now.


class MarketMakerState(msgspec.Struct):
    """All that changes in a market maker."""

    quoted: dict[str, Quoted]
    numbers: OrderNumbers
    refused: int = 0


ToMaker = (
    Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class MarketMaker(Actor[ToMaker]):
    """Quotes two-sided in continuous trading, and requotes when a rounded price changes."""

    KIND: ClassVar[str] = "market_maker"

    def __init__(
        self, risk: ActorRef[OrderRequest | ReplaceRequest | CancelRequest],
        settings: MarketMakerSettings,
    ) -> None:  # fmt: skip
        self._risk = risk
        self._settings = settings
        self._instruments = {i.symbol: i for i in settings.instruments}
        self._half_ticks = {
            i.symbol: i.price_from(settings.half_spread) for i in settings.instruments
        }
        quoted = {
            symbol: Quoted(view=InstrumentView(), bid=QuoteSide(), ask=QuoteSide())
            for symbol in self._instruments
        }
        self.state: MarketMakerState = MarketMakerState(quoted=quoted, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToMaker) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol):
                self._on_quote(ctx, symbol, message)
            case PhaseChanged(instrument=symbol):
                quoted = self.state.quoted[symbol]
                quoted.view.hear(message, ctx.now_ns())
                if not quoted.view.is_continuous:
                    self._stay_away(ctx, quoted)
            case BandsChanged() | AuctionIndication():
                pass
            case TimerFired(name=symbol):
                self._look_at_age(ctx, symbol)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case Resumed():
                self._begin(ctx, message)
            case never:
                assert_never(never)

    # --- the market ----------------------------------------------------------------------------

    def _begin(self, ctx: ActorContext, resumed: Resumed) -> None:
        """Listen, and take over what is open; an order without a side of its own is cancelled."""
        for symbol, quoted in self.state.quoted.items():
            quoted.position = resumed.positions.get(symbol, 0)
            ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
            ctx.after(self._settings.stale_ns, symbol)
        for left in resumed.open_orders:
            quoted = self.state.quoted[left.instrument]
            side = quoted.bid if left.side == "buy" else quoted.ask
            if side.order is not None:
                ctx.send(self._risk, CancelRequest(order_id=left.order_id))
                continue
            side.asked_price = left.price
            side.order = TrackedOrder(
                left.order_id, left.instrument, left.side, Terms(left.leaves, left.price),
                is_accepted=True, is_adopted=True,
            )  # fmt: skip

    def _on_quote(self, ctx: ActorContext, symbol: str, quote: QuoteUpdate) -> None:
        quoted, now_ns = self.state.quoted[symbol], ctx.now_ns()
        quoted.view.hear(quote, now_ns)
        _see_others(quoted.bid, quote.bid_price, quote.bid_quantity)
        _see_others(quoted.ask, quote.ask_price, quote.ask_quantity)
        if not quoted.view.is_continuous or quoted.view.twice_mid is None:
            self._stay_away(ctx, quoted)
        elif quoted.is_away or now_ns >= quoted.not_before_ns:
            quoted.is_away = False
            self._requote(ctx, symbol, quoted)

    def _look_at_age(self, ctx: ActorContext, symbol: str) -> None:
        quoted, stale_ns = self.state.quoted[symbol], self._settings.stale_ns
        age_ns = ctx.now_ns() - quoted.view.heard_ns
        if age_ns >= stale_ns:
            self._stay_away(ctx, quoted)
        ctx.after(stale_ns - age_ns if 0 <= age_ns < stale_ns else stale_ns, symbol)

    def _stay_away(self, ctx: ActorContext, quoted: Quoted) -> None:
        quoted.is_away = True
        for side in (quoted.bid, quoted.ask):
            self._cancel(ctx, side)

    # --- quoting -------------------------------------------------------------------------------

    def _requote(self, ctx: ActorContext, symbol: str, quoted: Quoted) -> None:
        """Bring both sides to their wanted prices."""
        bid_price, ask_price = self._prices(symbol, quoted)
        moved = self._place(ctx, symbol, quoted.bid, "buy", bid_price)
        moved |= self._place(ctx, symbol, quoted.ask, "sell", ask_price)
        if moved:
            quoted.not_before_ns = ctx.now_ns() + self._settings.requote_ns

    def _prices(self, symbol: str, quoted: Quoted) -> Prices:
        """Return the rounded prices it wants to stand at; None where it wants no order."""
        bid, ask = quoted.bid.others_price, quoted.ask.others_price
        if bid is None or ask is None:
            return None, None
        settings, instrument = self._settings, self._instruments[symbol]
        half_ticks = self._half_ticks[symbol]
        # In half ticks, so that the mid stays whole.
        skew = 2 * half_ticks * quoted.position // (settings.skew_orders * settings.quantity)
        centre = bid + ask - skew
        bid_price = instrument.round_price((centre - 2 * half_ticks) // 2, up=False)
        ask_price = instrument.round_price(-((-centre - 2 * half_ticks) // 2), up=True)
        most, quantity = settings.notional_micros, settings.quantity
        may_buy = instrument.notional_micros(bid_price, quoted.position + quantity) <= most
        may_sell = instrument.notional_micros(ask_price, quantity - quoted.position) <= most
        return (
            bid_price if may_buy and bid_price > 0 else None,
            ask_price if may_sell and ask_price <= instrument.price_ticks_max else None,
        )

    def _place(
        self, ctx: ActorContext, symbol: str, side: QuoteSide, direction: Side, price: int | None
    ) -> bool:
        """Send, move or cancel one side's order; return whether anything was asked."""
        order = side.order
        if price is None:
            return self._cancel(ctx, side)
        if order is None:
            order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
            quantity = self._settings.quantity
            side.order = TrackedOrder(order_id, symbol, direction, Terms(quantity, price))
            side.asked_price = price
            request = OrderRequest(
                order_id=order_id, instrument=symbol, side=direction, quantity=quantity,
                price=price, post_only="slide",
            )  # fmt: skip
            ctx.send(self._risk, request)
            return True
        if price == side.asked_price:
            return False
        if order.is_adopted:
            return self._cancel(ctx, side)
        if not order.is_replaceable:
            return False  # Its answer is on the way; the next quote looks again.
        terms = Terms(order.terms.quantity, price)
        order.asked.append(terms)
        side.asked_price = price
        ctx.send(
            self._risk,
            ReplaceRequest(order_id=order.order_id, quantity=terms.quantity, price=price),
        )
        return True

    def _cancel(self, ctx: ActorContext, side: QuoteSide) -> bool:
        order = side.order
        if order is None or order.is_cancelling:
            return False
        order.asked.append(None)
        ctx.send(self._risk, CancelRequest(order_id=order.order_id))
        return True

    # --- its orders ----------------------------------------------------------------------------

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        found = self._find(event.order_id)
        if found is None:
            if isinstance(event, OrderAccepted) and event.instrument in self.state.quoted:
                # Sent by an incarnation that did not live to hear of it.
                ctx.send(self._risk, CancelRequest(order_id=event.order_id))
            return
        quoted, side, order = found
        filled = order.follow(event)
        quoted.position += filled if order.side == "buy" else -filled
        if isinstance(event, OrderRefused):
            self.state.refused += 1
            side.asked_price = order.terms.price
            quoted.not_before_ns = ctx.now_ns() + self._settings.pause_ns
        if order.is_over:
            side.order = side.asked_price = None
            if filled and not isinstance(event, OrderRefused):
                quoted.not_before_ns = ctx.now_ns() + self._settings.refill_ns

    def _find(self, order_id: str) -> tuple[Quoted, QuoteSide, TrackedOrder] | None:
        for quoted in self.state.quoted.values():
            for side in (quoted.bid, quoted.ask):
                if side.order is not None and side.order.order_id == order_id:
                    return quoted, side, side.order
        return None


def _see_others(side: QuoteSide, price: int | None, quantity: int) -> None:
    """Keep the best price of others, who cannot be seen while it stands at the touch alone.

    A mid that included its own quotes would follow its own skew, away from the market.
    """
    order = side.order
    is_alone = (
        order is not None
        and price is not None
        and price == order.terms.price
        and quantity <= order.at_most()
    )
    if not is_alone or side.others_price is None:
        side.others_price = price
