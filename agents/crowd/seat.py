"""A crowd trader as an actor: what it hears, and how it speaks to the exchange.

The core wakes such a trader with a `MarketView` and draws the delays of what it sends, in the order
of sending; so each actor sends in the order in which its compiled twin does, and `Sleep` last. Its
address names its stream of draws, which is the compiled twin's own.
"""

from typing import Final, Literal, NamedTuple, get_args

import msgspec

from agents.crowd.population import Population
from agents.crowd.rows import U_BEFORE
from agents.crowd.shapes import mixture_size
from environment.actors import ActorContext, ActorRef
from environment.draws import Stream
from environment.messages import (
    CancelAll,
    MarketView,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    OrderType,
    PricesRescaled,
    Side,
    Sleep,
    SubmitOrder,
)

# Traders act on what they see alone: what becomes of an order is heard, and changes nothing.
Heard = (
    MarketView
    | OrderAccepted
    | OrderFilled
    | OrderCancelled
    | OrderRefused
    | OrderReplaced
    | OrderTriggered
    | PricesRescaled
)
# A compiled trader thinks when it wakes, and so do these: what they merely hear costs no time.
ONLY_HEARD: Final = frozenset(get_args(Heard)) - {MarketView}
AuctionLimit = Literal["limit", "on_close"]
Said = SubmitOrder | CancelAll | Sleep

SIDES: Final[tuple[Side, Side]] = ("buy", "sell")


class TraderState(msgspec.Struct):
    """What every trader keeps: how many orders it has sent, which numbers them."""

    orders: int = 0


class Steps(NamedTuple):
    """Legal prices of an instrument in ticks: multiples of `low`, from `threshold` on of `high`."""

    low: int = 1
    high: int = 1
    threshold: int = 0

    def legal(self, side: Side, price: int) -> int:
        """Return the nearest legal price that is no worse for the sender; `increments` compiled."""
        first = self.threshold // self.low
        if price < self.threshold:
            place = price // self.low
        else:
            place = first + (price - self.threshold) // self.high
        if side == "sell" and self._price(place, first) < price:
            place += 1
        return self._price(max(place, 1), first)

    def _price(self, place: int, first: int) -> int:
        return place * self.low if place < first else self.threshold + (place - first) * self.high


class Seat:
    """One trader's account, instrument and population, and its verbs."""

    __slots__ = (
        "_cancel", "_exchange", "_high", "_low", "_steps", "account", "instrument", "population",
    )  # fmt: skip

    def __init__(
        self, population: Population, account: str, instrument: str, exchange: ActorRef[Said],
        steps: Steps = Steps(),  # noqa: B008  immutable
    ) -> None:  # fmt: skip
        self._steps = steps
        self.population, self.account, self.instrument = population, account, instrument
        self._exchange = exchange
        self._low, self._high = population.size
        self._cancel = CancelAll(account=account, instrument=instrument)

    def is_before_open(self, view: MarketView) -> bool:
        """Return whether continuous trading is still to begin on this trader's day."""
        return view.now_ns < view.opens_ns + self.population.integers.get(U_BEFORE, 0)

    def size(self, draws: Stream) -> int:
        """Return an order size: fixed, uniform in a range, or (range 0) the reference's mixture."""
        if self._low == 0:
            draws.counter += 2
            return mixture_size(draws.key, draws.counter - 2)
        return self._low if self._low == self._high else draws.integer(self._low, self._high + 1)

    def limit(
        self, ctx: ActorContext, state: TraderState, side: Side, price: int, quantity: int,
        time_in_force: Literal["day", "ioc"] = "day",
    ) -> None:  # fmt: skip
        """Send a limit order at the nearest legal price that is no worse for the trader."""
        self._send(ctx, state, side, self._steps.legal(side, price), quantity, order_type="limit",
                   time_in_force=time_in_force)  # fmt: skip

    def market(self, ctx: ActorContext, state: TraderState, side: Side, quantity: int) -> None:
        """Send a market order."""
        self._send(ctx, state, side, None, quantity, order_type="market", time_in_force="ioc")

    def to_auction(
        self, ctx: ActorContext, state: TraderState, side: Side, quantity: int,
        order_type: Literal["on_open", "on_close"],
    ) -> None:  # fmt: skip
        """Send a market order for the opening or the closing auction."""
        self._send(ctx, state, side, None, quantity, order_type=order_type)

    def auction_limit(
        self, ctx: ActorContext, state: TraderState, side: Side, price: int, quantity: int,
        order_type: AuctionLimit,
    ) -> None:  # fmt: skip
        """Send a limit that waits for an auction: on the close, or in a paused stock's book."""
        price = self._steps.legal(side, price)
        self._send(ctx, state, side, price, quantity, order_type=order_type)

    def _send(
        self, ctx: ActorContext, state: TraderState, side: Side, price: int | None, quantity: int,
        *, order_type: OrderType, time_in_force: Literal["day", "ioc"] = "day",
    ) -> None:  # fmt: skip
        state.orders += 1
        order = SubmitOrder(
            order_id=f"{self.account}/{state.orders}", account=self.account,
            instrument=self.instrument, side=side, quantity=quantity, price=price,
            order_type=order_type, time_in_force=time_in_force,
        )  # fmt: skip
        ctx.send(self._exchange, order)

    def cancel_all(self, ctx: ActorContext) -> None:
        """Ask for all own orders in this instrument to be cancelled."""
        ctx.send(self._exchange, self._cancel)

    def sleep(self, ctx: ActorContext, view: MarketView, gap_ns: int) -> None:
        """Ask to be woken after a while, unless the day is over by then."""
        until_ns = view.now_ns + gap_ns
        if until_ns < view.closes_ns:
            ctx.send(self._exchange, Sleep(until_ns=until_ns))


def poisson_gap(draws: Stream, mean_ns: float) -> int:
    """Return how long a Poisson process of this mean waits, at least 1 ns."""
    return max(round(mean_ns * draws.exponential()), 1)


def is_two_sided(view: MarketView) -> bool:
    """Return whether the trader sees orders on both sides."""
    return view.is_open and view.bid_quantity > 0 and view.ask_quantity > 0
