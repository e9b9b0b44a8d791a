"""The clearing house's buyer-in: buys the shares that a borrower did not return when recalled."""

from typing import ClassVar, assert_never

import msgspec

from agents.crowd.liquidator import slice_of
from agents.instrument_view import InstrumentView, status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.market.account_books import Books
from environment.market.clearing_events import BuyInOrdered, ClearingEvent, Event
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderRefused,
    PhaseChanged,
    Resumed,
    SubmitOrder,
    TimerFired,
)

CLEARING_TOPIC = "clearing"


class BuyInSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Its policy: every `every_ns` a market order for a `share` of what is still to be bought."""

    symbols: tuple[str, ...]
    every_ns: int = 10_000_000_000
    share: float = 0.2


class BuyInState(msgspec.Struct):
    """All that changes: by account and symbol, the position at which a buy-in is done."""

    views: dict[str, InstrumentView]
    numbers: OrderNumbers
    targets: dict[tuple[int, str], int] = {}
    is_beating: bool = False
    refused: int = 0


ToBuyIn = (
    Resumed | Event | PhaseChanged | BandsChanged | AuctionIndication | TimerFired | OrderRefused
)


class BuyIn(Actor[ToBuyIn]):
    """Buys for a short account what its lender wants back, at the market, next morning."""

    KIND: ClassVar[str] = "buy_in"

    def __init__(
        self, exchange: ActorRef[SubmitOrder], books: Books, settings: BuyInSettings
    ) -> None:
        self._exchange, self._books, self._settings = exchange, books, settings
        self.state: BuyInState = BuyInState(
            views={symbol: InstrumentView() for symbol in settings.symbols},
            numbers=OrderNumbers(),
        )

    def receive(self, ctx: ActorContext, message: ToBuyIn) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                ctx.subscribe(CLEARING_TOPIC)
            case BuyInOrdered():
                self._take_order(ctx, message)
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

    def _take_order(self, ctx: ActorContext, told: BuyInOrdered) -> None:
        state = self.state
        if self._books.name(told.account) is None:
            return  # A gated account: its own desk answers for it.
        short = self._books.lots(told.account, told.symbol)
        state.targets[told.account, told.symbol] = min(short + told.lots, 0)
        ctx.subscribe(status_topic(told.symbol))
        # The order comes at night: until it hears of the open, the stock is closed.
        state.views[told.symbol].phase = "closed"

    def _wake(self, ctx: ActorContext) -> None:
        """Begin to beat when there is something to buy and a market to buy it in."""
        state = self.state
        is_open = any(state.views[symbol].is_continuous for _, symbol in state.targets)
        if is_open and not state.is_beating:
            state.is_beating = True
            ctx.after(self._settings.every_ns, "beat")

    def _beat(self, ctx: ActorContext) -> None:
        """Buy a slice of each short that is still too large."""
        state, settings = self.state, self._settings
        state.is_beating = False
        for (account, symbol), target in list(state.targets.items()):
            missing = target - self._books.lots(account, symbol)
            if missing <= 0:
                del state.targets[account, symbol]
            elif state.views[symbol].is_continuous:
                self._buy(ctx, account, symbol, slice_of(missing, settings.share))
        self._wake(ctx)

    def _buy(self, ctx: ActorContext, account: int, symbol: str, quantity: int) -> None:
        name = self._books.name(account)
        assert name is not None, "a buy-in of a gated account was taken"
        order = SubmitOrder(
            order_id=self.state.numbers.next_id(ctx.address, ctx.now_ns()), account=name,
            instrument=symbol, side="buy", quantity=quantity, order_type="market",
            time_in_force="ioc", parent=f"{ctx.address}/{name}",
        )  # fmt: skip
        ctx.send(self._exchange, order)
