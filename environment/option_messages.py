"""Messages of the listed options market: mass quotes, packages, and what the exchange says of them.

Series trade by the ordinary order messages too: their `instrument` is the OCC symbol. Prices are
integers in the series' ticks (one cent), quantities contracts. A package's net price is in cents
per unit of the package, what its buyer pays; it may be negative.
"""

from datetime import date
from typing import Literal

import msgspec

from environment.instruments import ExerciseStyle, Right, Settlement
from environment.messages import Leg, MarketView, Message, MoneyMessage, Sequenced, Side

Measure = Literal["contracts", "delta", "vega"]


class SeriesQuote(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of one series, and what one contract adds to its dealer's risk.

    A quantity of 0 withdraws that side. `delta_ppm` is delta per share in millionths (0.5 is
    500,000; negative for puts), `vega_micros` money per contract and volatility point; the venue's
    protection counts by them, and 0 leaves a series out of that measure.
    """

    instrument: str
    bid_price: int = 0
    bid_quantity: int = 0
    ask_price: int = 0
    ask_quantity: int = 0
    delta_ppm: int = 0
    vega_micros: int = 0


# --- requests -----------------------------------------------------------------------------------


class MassQuote(MoneyMessage, frozen=True, kw_only=True):
    """Request of a dealer: set both sides of many series at once; the others stay as they are."""

    account: str
    quotes: tuple[SeriesQuote, ...]


class Purge(MoneyMessage, frozen=True, kw_only=True):
    """Request of a dealer: withdraw all quotes (of one series or of one underlying, if named)."""

    account: str
    instrument: str | None = None


class ReArm(MoneyMessage, frozen=True, kw_only=True):
    """Request of a dealer whom protection stopped: take quotes again."""

    account: str


class SetProtection(MoneyMessage, frozen=True, kw_only=True):
    """Request of a dealer: pull my quotes after so much within `window_ns`; 0 is no limit."""

    account: str
    window_ns: int
    contracts: int = 0
    delta_shares: int = 0  # Net, of either sign.
    vega_micros: int = 0  # Net, per volatility point.


class SubmitPackage(MoneyMessage, frozen=True, kw_only=True):
    """Request: trade two to six legs together at a net price, or nothing of them.

    A unit's buyer buys and sells its legs as these say, its seller the other way round; ratios are
    in lowest terms. A stock leg's is a multiple of the contracts' multiplier: to 100 shares the net
    price counts the stock's price once.
    Answered by PackageAccepted or OrderRefused, later by PackageFilled and PackageCancelled; an
    ordinary CancelOrder of the same id withdraws what is left, an ordinary ReplaceOrder gives it
    other terms in one event, answered by PackageReplaced.
    """

    order_id: str
    account: str
    side: Side
    legs: tuple[Leg, ...]
    quantity: int
    price: int
    time_in_force: Literal["day", "ioc", "gtc"] = "day"


class DealerReport(Message, frozen=True, kw_only=True):
    """Fact of a crowd's dealer, for the venue's survey: what its options come to.

    Delta and gamma in shares (the latter per 1 of price), vega in money per volatility point; its
    hedges in the stock are not among them.
    """

    account: str
    delta: float
    gamma: float
    vega: float


# --- what a crowd's trader of options sees when it wakes ----------------------------------------


class SeriesTouch(msgspec.Struct, frozen=True, array_like=True):
    """The touch of one series; a side without orders has quantity 0, and any price."""

    place: int  # In the table of series that the crowd shares.
    bid_price: int
    bid_quantity: int
    ask_price: int
    ask_quantity: int


class OwnSeries(msgspec.Struct, frozen=True, array_like=True):
    """What a dealer has in one series: contracts held, and what is left of each side quoted."""

    held: int
    bid_left: int
    ask_left: int


class ChainView(MarketView, frozen=True, kw_only=True):
    """What a crowd's trader of options sees: the stock, and the series as of the same moment.

    `series` are those that changed since this trader last woke; on a day's first wake-up all that
    anybody ever showed.
    """

    series: tuple[SeriesTouch, ...] = ()


class DealerView(ChainView, frozen=True, kw_only=True):
    """What a dealer sees besides: whether the venue takes its quotes, and what became of them.

    `fills` counts trades of its quotes so far, `room` how many more quotes may be under way. `own`
    has every series, in the table's order, at a day's first wake-up and at the two after a trade;
    else it is empty.
    """

    is_armed: bool
    fills: int
    room: int
    own: tuple[OwnSeries, ...] = ()


# --- facts told to whom they concern -------------------------------------------------------------


class QuoteFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a side of a dealer's quote traded."""

    account: str
    instrument: str
    side: Side
    price: int
    quantity: int
    leaves: int
    liquidity: Literal["maker", "taker"]
    fee_micros: int
    exchange_ns: int
    trade_id: int


class QuoteWithdrawn(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the venue took a side of a quote out of the book, by itself."""

    account: str
    instrument: str
    side: Side
    quantity: int
    reason: str
    exchange_ns: int


class QuotesRefused(MoneyMessage, frozen=True, kw_only=True):
    """Fact: so many quotes of a mass quote changed nothing. `instrument`: the first of them."""

    account: str
    instrument: str | None
    count: int
    reason: str
    exchange_ns: int


class QuotesPulled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: all of a dealer's quotes are out of the books: purged, protected, or halted.

    After protection (`measure` says which limit) no quote is taken until the dealer re-arms.
    """

    account: str
    instrument: str | None
    reason: str
    exchange_ns: int
    measure: Measure | None = None


class ReArmed(MoneyMessage, frozen=True, kw_only=True):
    """Fact: quotes of this dealer are taken again."""

    account: str
    exchange_ns: int


class PackageAccepted(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the package reached the exchange and was taken."""

    order_id: str
    exchange_ns: int


class LegFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: one print of one leg of a package; the package's own fill follows."""

    order_id: str
    instrument: str
    side: Side
    price: int
    quantity: int
    fee_micros: int
    exchange_ns: int
    trade_id: int
    liquidity: Literal["maker", "taker"] = "taker"  # A maker had waited longer than its match.


class PackageFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: so many units of the package traded at this net price, every leg of them."""

    order_id: str
    side: Side
    price: int
    quantity: int
    leaves: int
    against: Literal["legs", "package"]
    exchange_ns: int
    package_id: int


class PackageReplaced(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the package has the terms that a replace asked for; `quantity` is its total."""

    order_id: str
    price: int
    quantity: int
    leaves: int
    exchange_ns: int


class PackageCancelled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: what was left of the package is out of the market."""

    order_id: str
    quantity: int
    reason: str
    exchange_ns: int


# --- public -------------------------------------------------------------------------------------


class SeriesListed(Message, frozen=True, kw_only=True):
    """Fact, published before the first chain in which a series stands: it trades."""

    instrument: str
    underlying: str
    expiry: date
    strike_micros: int
    right: Right
    style: ExerciseStyle
    settlement: Settlement
    multiplier: int


class ChainRow(msgspec.Struct, frozen=True, array_like=True):
    """One series in a chain snapshot; a side without orders has quantity 0."""

    instrument: str
    bid_price: int
    bid_quantity: int
    ask_price: int
    ask_quantity: int
    last_price: int  # 0: nothing traded.
    volume: int  # Contracts traded today.
    open_interest: int  # Contracts held long, trades of today included.


class ChainUpdate(Sequenced, frozen=True, kw_only=True):
    """Every series of an underlying, and the stock's touch, as of sending.

    Published on `market/UNDERLYING/chain` while the stock trades. The sequence counts snapshots, so
    that a missing one shows.
    """

    underlying: str
    bid_price: int | None  # Of the stock.
    ask_price: int | None
    rows: tuple[ChainRow, ...]
    exchange_ns: int
    first_sequence: int
    last_sequence: int


PROTOCOL: tuple[type[Message], ...] = (
    MassQuote, Purge, ReArm, SetProtection, SubmitPackage, QuoteFilled, QuoteWithdrawn,
    QuotesRefused, QuotesPulled, ReArmed, PackageAccepted, LegFilled, PackageFilled,
    PackageCancelled, PackageReplaced, SeriesListed, ChainUpdate, ChainView, DealerView,
    DealerReport,
)  # fmt: skip
