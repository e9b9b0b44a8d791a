"""The message types that cross packages. An actor's private ones stand beside it.

Prices are integers in the instrument's ticks, quantities integers in its lots, money in millionths
of the account's currency (`_micros`), times in nanoseconds since 1970 UTC (`_ns`). A field's
default is its oldest meaning: evolution adds, and never renames.
"""

from typing import ClassVar, Literal

import msgspec

from environment.message_roots import (
    ClockStepped as ClockStepped,
    Effect as Effect,
    EffectDone as EffectDone,
    EffectFailed as EffectFailed,
    Message as Message,
    MoneyMessage as MoneyMessage,
    Request as Request,
    RequestExpired as RequestExpired,
    Sequenced as Sequenced,
    SideFailed as SideFailed,
    TimerFired as TimerFired,
)
from environment.signed import Side as Side, SignedDecision, SignedVerdict

OrderType = Literal[
    "limit", "market", "midpoint", "stop", "stop_limit", "trailing_stop", "on_open", "on_close"
]
TimeInForce = Literal["day", "ioc", "fok", "gtc", "gtd"]
ExecutionStyle = Literal["direct", "market", "passive", "twap", "vwap"]
PostOnly = Literal["no", "refuse", "slide"]
SelfTrade = Literal["cancel_newest", "cancel_oldest", "cancel_both", "decrement", "allow"]
Phase = Literal[
    "pre_open", "opening_auction", "continuous", "closing_auction", "post_close", "closed",
    "halted", "reopening_auction",
]  # fmt: skip


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a structure or package: `ratio` lots of its instrument a unit, as it is bought."""

    instrument: str
    side: Side
    ratio: int = 1


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One working order as the custodian knows it; of one with legs, price and leaves are net."""

    order_id: str
    instrument: str
    side: Side
    price: int | None
    leaves: int
    legs: tuple[Leg, ...] = ()


class Resumed(Message, frozen=True, kw_only=True):
    """First message of a new incarnation: what this actor still has in the market."""

    LANE: ClassVar[Literal["control", "data"]] = "control"
    open_orders: tuple[OpenOrder, ...] = ()
    positions: dict[str, int] = msgspec.field(default_factory=dict)


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

    `is_open` is False before anything was published, `is_trading` while orders wait for an auction:
    before the open, in a pause, in a halt. `observed` is a noisy look at the fundamental, in
    ticks, for the traders who take one; `inventory` is what the account holds beyond what it was
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
    is_trading: bool = True


class PricesRescaled(Message, frozen=True, kw_only=True):
    """Fact for a crowd's trader: after a split or dividend a price of its stock is `factor` of it.

    What the trader remembers in ticks follows, so that it does not take the step for news.
    """

    instrument: str
    factor: float


# --- from the exchange to an order's owner -----------------------------------------------------


class OrderAccepted(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the order reached the exchange and was taken."""

    order_id: str
    instrument: str
    exchange_ns: int
    price: int | None = None  # What it rests at, where a band or a slide moved it.
    quantity: int | None = None  # What was taken: risk may have made it smaller.


class OrderRefused(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the order, replace or cancel was refused and changed nothing."""

    order_id: str
    reason: str
    exchange_ns: int = 0


class OrderFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a part of the order traded; of one with legs, a part of one leg (`leaves` too)."""

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


class QuoteUpdate(Sequenced, frozen=True, kw_only=True):
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
    package_id: int | None = None  # A leg of this package's trade.


class DepthUpdate(Sequenced, frozen=True, kw_only=True):
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
    expected_return: float  # Over the horizon, as a fraction; of a structure: of its worst loss.
    reasons: tuple[str, ...] = ()
    expected_volatility: float | None = None  # Per year, over the horizon.
    implied_volatility: float | None = None  # Per year, of a structure's options; it lies beyond.
    evidence: tuple[int, ...] = ()  # Envelopes it rests on.
    abstains: bool = False  # Nothing is claimed, and `reasons` say why; the other fields say 0.
    dispersion: float = 0.0  # Disagreement of the samples or models behind it, 0 to 1.
    structure: str = ""  # Name of the option structure that `legs` make; "": the instrument itself.
    legs: tuple[Leg, ...] = ()


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
    legs: tuple[Leg, ...] = ()  # Of one unit; `instrument` is then the underlying, `price` the net.
    style: ExecutionStyle = "direct"
    within_ns: int = 0  # How long a sliced execution may take.
    strategy: str = ""  # Whose idea it is: P&L and breakers are kept by it.
    evidence: tuple[int, ...] = ()
    dispersion: float = 0.0  # Of the views behind it, 0 to 1.
    reasons: tuple[str, ...] = ()  # In the proposer's words, which nobody has verified.
    parent: str = ""  # The approved order that this one carries out a part of.
    least_quantity: int = 0  # Above 0: so few are better than a refusal, if limits ask for it.
    expire_ns: int | None = None  # When a `gtd` order ends.


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
    client_order_id: str = ""  # The custodian's name of it for the venue; "": the order's own id.
    session: int = 0  # Of the venue, in which it was sent: in a later one it is dead.
    verdict: SignedVerdict | None = None
    decision: SignedDecision | None = None


class ApprovedReplace(MoneyMessage, frozen=True, kw_only=True):
    """A replacement that risk let pass."""

    order: ReplaceRequest
    owner: str
    verdict_id: int
    client_order_id: str = ""
    session: int = 0
    verdict: SignedVerdict | None = None
    decision: SignedDecision | None = None


PROTOCOL: tuple[type[Message], ...] = tuple(
    item
    for item in list(globals().values())
    if isinstance(item, type) and issubclass(item, Message)
    and item not in {Message, MoneyMessage, Request, Effect, Sequenced}
)  # fmt: skip
