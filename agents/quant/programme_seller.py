"""A large seller of the world who follows the volume and never looks at the price."""

from typing import ClassVar, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    SubmitOrder,
    TimerFired,
)


class ProgrammeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it sells, from when, and as which share of the volume just traded."""

    account: str
    instrument: str
    quantity: int
    at_ns: int
    participation: float
    every_ns: int
    quotes_every_ns: int = 1_000_000_000


class ProgrammeState(msgspec.Struct):
    """All that changes in a programme."""

    view: InstrumentView
    numbers: OrderNumbers
    left: int  # Lots not sold yet, those in the market included.
    children: dict[str, TrackedOrder] = {}
    volume_seen: int | None = None  # Lots of the day at the last beat; None before the first.
    owed: float = 0.0  # Lots of its share that no child has been sent for.


ToProgramme = (
    Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class ProgrammeSeller(Actor[ToProgramme]):
    """Sells in market orders, each a fixed share of the volume since the one before.

    Its own trades are part of that volume. Its children name one parent order. A restart begins
    with what the kernel's hook says it still holds, and does not begin before `at_ns`.
    """

    KIND: ClassVar[str] = "programme_seller"

    def __init__(self, exchange: ActorRef[SubmitOrder], settings: ProgrammeSettings) -> None:
        self._exchange = exchange
        self._settings = settings
        self.state: ProgrammeState = ProgrammeState(
            view=InstrumentView(), numbers=OrderNumbers(), left=settings.quantity
        )

    def receive(self, ctx: ActorContext, message: ToProgramme) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate() | PhaseChanged():
                self.state.view.hear(message, ctx.now_ns())
            case TimerFired():
                self._beat(ctx)
            case BandsChanged() | AuctionIndication():
                pass
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(message)
            case Resumed(positions=positions):
                self._begin(ctx, positions)
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext, positions: dict[str, int]) -> None:
        settings = self._settings
        held = positions.get(settings.instrument, settings.quantity)
        self.state.left = min(settings.quantity, max(held, 0))
        ctx.subscribe(quotes_topic(settings.instrument), settings.quotes_every_ns)
        ctx.subscribe(status_topic(settings.instrument))
        ctx.after(max(settings.at_ns - ctx.now_ns(), 0), "beat")

    def _beat(self, ctx: ActorContext) -> None:
        """Sell the share of the volume since the last beat; the first one only takes its mark."""
        state, settings = self.state, self._settings
        working = sum(child.at_most() for child in state.children.values())
        if state.left <= 0:
            return
        ctx.after(settings.every_ns, "beat")
        seen, state.volume_seen = state.volume_seen, state.view.volume
        if seen is None:
            return
        # The day's volume starts again at 0 on the next day.
        traded = state.view.volume - seen if state.view.volume >= seen else state.view.volume
        if not state.view.is_continuous:
            return
        state.owed += settings.participation * traded
        slice_lots = min(int(state.owed), state.left - working)
        if slice_lots <= 0:
            return
        state.owed -= slice_lots
        self._sell(ctx, slice_lots)

    def _sell(self, ctx: ActorContext, quantity: int) -> None:
        settings = self._settings
        order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
        self.state.children[order_id] = TrackedOrder(
            order_id, settings.instrument, "sell", Terms(quantity, None)
        )
        child = SubmitOrder(
            order_id=order_id, account=settings.account, instrument=settings.instrument,
            side="sell", quantity=quantity, order_type="market", parent=f"{ctx.address}/parent",
        )  # fmt: skip
        ctx.send(self._exchange, child)

    def _on_event(self, event: OrderEvent) -> None:
        child = self.state.children.get(event.order_id)
        if child is None:
            return
        self.state.left -= child.follow(event)
        if child.is_over:
            del self.state.children[event.order_id]
