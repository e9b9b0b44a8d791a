"""The message types that cross packages. An actor's private ones stand beside it.

Prices are integers in the instrument's ticks, quantities integers in its lots, money in millionths
of the account's currency (`_micros`), times in nanoseconds since 1970 UTC (`_ns`). A field's
default is its oldest meaning: evolution adds, and never renames.
"""

from typing import ClassVar, Generic, Literal, TypeVar

import msgspec

Side = Literal["buy", "sell"]
OrderType = Literal[
    "limit", "market", "midpoint", "stop", "stop_limit", "trailing_stop", "on_open", "on_close"
]
TimeInForce = Literal["day", "ioc", "fok", "gtc", "gtd"]
PostOnly = Literal["no", "refuse", "slide"]
SelfTrade = Literal["cancel_newest", "cancel_oldest", "cancel_both", "decrement", "allow"]
Phase = Literal[
    "pre_open", "opening_auction", "continuous", "closing_auction", "post_close", "closed",
    "halted", "reopening_auction",
]  # fmt: skip

R = TypeVar("R", covariant=True)


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Root of every message. Who sent it, and when, is on the envelope."""

    LANE: ClassVar[Literal["control", "data"]] = "data"  # Inboxes serve control first.
    MONEY: ClassVar[bool] = False  # Whether a dead letter of this class stops the opening of risk.


class MoneyMessage(Message, frozen=True, kw_only=True, tag=True):
    """A message about an order, fill, verdict, decision or cancel.

    Orders share the control lane with their cancels, so that no cancel overtakes its order.
    """

    LANE: ClassVar[Literal["control", "data"]] = "control"
    MONEY: ClassVar[bool] = True


class Request(Message, Generic[R], frozen=True, kw_only=True, tag=True):
    """A message that is answered by exactly one R, or by RequestExpired at its deadline."""


class Effect(Message, Generic[R], frozen=True, kw_only=True, tag=True):
    """Something slow or outside, said as data; its result returns as EffectDone."""


# --- what the kernel itself says -------------------------------------------------------------


class TimerFired(Message, frozen=True, kw_only=True):
    """A timer set by `after` is due. `name` is the one given there."""

    timer_id: int
    name: str
    late: bool = False


class RequestExpired(Message, frozen=True, kw_only=True):
    """A request of this actor had no reply by its deadline."""

    request_id: int


class EffectDone(Message, frozen=True, kw_only=True):
    """An effect of this actor has its result."""

    effect_id: int
    result: msgspec.Raw


class EffectFailed(Message, frozen=True, kw_only=True):
    """An effect of this actor failed, was voided, or was lost in a crash."""

    effect_id: int
    reason: str


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One working order as the custodian knows it."""

    order_id: str
    instrument: str
    side: Side
    price: int | None
    leaves: int


class Resumed(Message, frozen=True, kw_only=True):
    """First message of a new incarnation: what this actor still has in the market."""

    LANE: ClassVar[Literal["control", "data"]] = "control"

    open_orders: tuple[OpenOrder, ...] = ()
    positions: dict[str, int] = {}


# --- to the exchange (world participants and the simulated venue) ------------------------------


class SubmitOrder(MoneyMessage, frozen=True, kw_only=True):
    """Request: enter one order for an account of the sender."""

    order_id: str
    account: str
    instrument: str
    side: Side
    quantity: int
    order_type: OrderType = "limit"
    price: int | None = None
    stop_price: int | None = None  # Trigger of a stop; offset in ticks of a trailing stop.
    time_in_force: TimeInForce = "day"
    expire_ns: int | None = None
    display_quantity: int | None = None  # Below `quantity`: an iceberg.
    hidden: bool = False
    post_only: PostOnly = "no"
    self_trade: SelfTrade = "cancel_newest"
    refuse_outside_bands: bool = False
    parent: str | None = None


class CancelOrder(MoneyMessage, frozen=True, kw_only=True):
    """Request: take what is left of an order out of the book."""

    order_id: str


class CancelAll(MoneyMessage, frozen=True, kw_only=True):
    """Request: cancel every working order of an account (in one instrument, if named)."""

    account: str
    instrument: str | None = None


class ReplaceOrder(MoneyMessage, frozen=True, kw_only=True):
    """Request: change price and total quantity of a working order; its id stays."""

    order_id: str
    quantity: int
    price: int | None = None


class SubscribeMarket(Message, frozen=True, kw_only=True):
    """Request: market data of one instrument on topic `market/SYMBOL/FEED`.

    `interval_ns` 0 delivers every change; above 0 the book as of sending, when it changed.
    """

    instrument: str
    feed: Literal["quotes", "trades", "depth", "status"] = "quotes"
    interval_ns: int = 100_000_000


class Sleep(Message, frozen=True, kw_only=True):
    """Request of a crowd's trader: wake me at `until_ns` with the market as I see it then."""

    until_ns: int


class MarketView(Message, frozen=True, kw_only=True):
    """What a crowd's trader sees when it wakes: the touch, one feed delay old, and its observation.

    `is_open` is False before anything was published. `observed` is a noisy look at the fundamental,
    in ticks, for the traders who take one; `inventory` is what the account holds beyond what it was
    given; `opens_ns` and `closes_ns` are when the trader's population acts on this day.
    """

    is_open: bool
    bid_price: int
    bid_quantity: int
    ask_price: int
    ask_quantity: int
    last_price: int
    volume: int
    observed: int
    now_ns: int
    opens_ns: int = 0
    closes_ns: int = 0
    inventory: int = 0


# --- from the exchange to an order's owner -----------------------------------------------------


class OrderAccepted(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the order reached the exchange and was taken."""

    order_id: str
    instrument: str
    exchange_ns: int
    price: int | None = None  # What it rests at, where a band or a slide moved it.


class OrderRefused(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the order, replace or cancel was refused and changed nothing."""

    order_id: str
    reason: str
    exchange_ns: int = 0


class OrderFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a part of the order traded."""

    order_id: str
    instrument: str
    side: Side
    price: int
    quantity: int
    leaves: int
    liquidity: Literal["maker", "taker", "auction"]
    fee_micros: int
    exchange_ns: int
    trade_id: int
    half_tick: bool = False  # Midpoint print: half a tick above `price`.


class OrderCancelled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: what was left of the order is out of the market."""

    order_id: str
    instrument: str
    quantity: int
    reason: str
    exchange_ns: int


class OrderReplaced(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the order now stands at this price and leaves."""

    order_id: str
    instrument: str
    price: int | None
    leaves: int
    exchange_ns: int


class OrderTriggered(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a stop was set off and is now a market or limit order."""

    order_id: str
    instrument: str
    exchange_ns: int


# --- market data -----------------------------------------------------------------------------


class QuoteUpdate(Message, frozen=True, kw_only=True):
    """The touch of one instrument as of sending. A side without orders has price None."""

    instrument: str
    bid_price: int | None
    bid_quantity: int
    ask_price: int | None
    ask_quantity: int
    last_price: int | None
    volume: int  # Lots traded today.
    exchange_ns: int
    first_sequence: int
    last_sequence: int


class TradePrint(Message, frozen=True, kw_only=True):
    """One public trade."""

    instrument: str
    price: int
    quantity: int
    aggressor: Side | None  # None: an auction print.
    exchange_ns: int
    sequence: int
    half_tick: bool = False


class DepthUpdate(Message, frozen=True, kw_only=True):
    """The best levels of both sides, best first, as (price, quantity)."""

    instrument: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    exchange_ns: int
    first_sequence: int
    last_sequence: int


class AuctionIndication(Message, frozen=True, kw_only=True):
    """Indicative result of the running auction, each second. Price None: nothing would match."""

    instrument: str
    price: int | None
    quantity: int
    imbalance: int  # Buy surplus positive.
    exchange_ns: int
    sequence: int


class PhaseChanged(Message, frozen=True, kw_only=True):
    """Fact: the instrument entered a trading phase."""

    instrument: str
    phase: Phase
    reason: str
    exchange_ns: int
    sequence: int


class BandsChanged(Message, frozen=True, kw_only=True):
    """Fact: new limit-up and limit-down prices."""

    instrument: str
    lower: int
    upper: int
    reference: int
    exchange_ns: int
    sequence: int


MarketData = (
    QuoteUpdate | TradePrint | DepthUpdate | AuctionIndication | PhaseChanged | BandsChanged
)
OrderEvent = (
    OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)


# --- the desk: the only order road of an agent that is not part of the world --------------------


class Signal(Message, frozen=True, kw_only=True):
    """A view on one instrument; the desk decides whether and how it becomes an order."""

    instrument: str
    direction: Literal["up", "down", "flat"]
    probability: float  # Of the stated direction, 0 to 1.
    horizon_ns: int
    expected_return: float  # Over the horizon, as a fraction.
    reasons: tuple[str, ...] = ()


class OrderRequest(MoneyMessage, frozen=True, kw_only=True):
    """Request: may this order be sent? Answered by order events, or OrderRefused."""

    order_id: str
    instrument: str
    side: Side
    quantity: int
    order_type: OrderType = "limit"
    price: int | None = None
    stop_price: int | None = None
    time_in_force: TimeInForce = "day"
    post_only: PostOnly = "no"
    hidden: bool = False


class CancelRequest(MoneyMessage, frozen=True, kw_only=True):
    """Request: cancel one own order. Needs no verdict."""

    order_id: str


class ReplaceRequest(MoneyMessage, frozen=True, kw_only=True):
    """Request: change price and total quantity of one own order; risk rules on the result."""

    order_id: str
    quantity: int
    price: int | None = None


class ApprovedOrder(MoneyMessage, frozen=True, kw_only=True):
    """The only order that a venue accepts: one that risk let pass."""

    order: OrderRequest
    owner: str  # Address of the proposer, to whom the order's events go.
    account: str
    verdict_id: int


class ApprovedReplace(MoneyMessage, frozen=True, kw_only=True):
    """A replacement that risk let pass."""

    order: ReplaceRequest
    owner: str
    verdict_id: int


PROTOCOL: tuple[type[Message], ...] = tuple(
    item
    for item in list(globals().values())
    if isinstance(item, type)
    and issubclass(item, Message)
    and item not in {Message, MoneyMessage, Request, Effect}
)
