"""What every venue offers, real or simulated: the one interface between the floor and a market.

A command returns as soon as it has left: what became of it is an event, and until one comes, or the
venue is asked and answers, its outcome is unknown. No adapter sends a command twice by itself.
"""

import datetime
from collections.abc import Callable
from typing import Final, Literal, Protocol, runtime_checkable

import msgspec

from environment.control_messages import AuthorityRefused
from environment.instruments import Instrument
from environment.message_roots import Message, MoneyMessage
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    MarketData,
    OrderType,
    TimeInForce,
)
from environment.option_messages import ChainUpdate, SeriesListed
from environment.venue_messages import (
    AccountReport,
    NotSent,
    OrderReport,
    ReportsGone,
    VenueReport,
    VenueSession,
)

Feed = Literal["quotes", "every_quote", "trades", "depth", "status", "chain"]
# The custodian's word for an order, between sending it and the venue's answer.
OrderState = Literal["unknown", "working", "filled", "cancelled", "refused"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue can do; a desk asks before it counts on it.

    `resends_reports`: reports are numbered without holes, and kept to be asked for. Without it a
    desk that missed something compares accounts. `packages`: an order may have up to six legs that
    trade together at a net price or not at all; the legs of a trade are told together.
    """

    order_types: tuple[OrderType, ...]
    times_in_force: tuple[TimeInForce, ...]
    feeds: tuple[Feed, ...]
    replaces: bool = True
    resends_reports: bool = True
    options: bool = False
    packages: bool = False
    is_durable: bool = True
    is_simulated: bool = False


class VenueClock(Message, frozen=True, kw_only=True):
    """Fact: it is `market_ns` at the venue when the machine's steady clock shows `steady_ns`.

    From there on market time runs `pace` times as fast, until another such message comes.
    """

    market_ns: int
    steady_ns: int
    pace: float
    date: datetime.date

    def now_ns(self, steady_ns: int) -> int:
        """Return the market's time."""
        return self.market_ns + int((steady_ns - self.steady_ns) * self.pace)


class Published(Message, frozen=True, kw_only=True):
    """Market data of one topic, as `market/AAPL/quotes`."""

    topic: str
    message: MarketData | ChainUpdate | SeriesListed


class VenueClosed(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the connection is over; why stands in `reason`, which begins `revoked` after a halt."""

    reason: str


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When a venue trades: its calendar, zone, and the day in hand."""

    calendar: str
    zone: str
    date: datetime.date
    open_ns: int
    close_ns: int


VenueEvent = (
    VenueReport | ReportsGone | OrderReport | AccountReport | NotSent | AuthorityRefused
    | Published | VenueClock | VenueClosed
)  # fmt: skip


class Venue(Protocol):
    """One account at one market. All answers come through `next_event`, in order."""

    @property
    def capabilities(self) -> Capabilities:
        """Return what this venue can do; known once a session stands."""

    @property
    def restriction(self) -> str:
        """Return why this session may only look and cancel, as after a halt; "": it may trade."""

    async def open(self, run: str, epoch: int) -> VenueSession:
        """Begin a session; any earlier one of this account is dead when this returns.

        Raises
        ------
        OperatingError
            If the venue cannot be reached, or lets nobody in.
        """

    async def close(self) -> None:
        """End the session; working orders stay."""

    def submit(self, approved: ApprovedOrder) -> None:
        """Send an order under its client order id; a doubled id is taken once."""

    def replace(self, approved: ApprovedReplace) -> None:
        """Send other terms of a working order."""

    def cancel(self, client_order_id: str) -> None:
        """Ask for what is left of an order to be taken out."""

    def ask_order(self, client_order_id: str) -> None:
        """Ask how an order stands; an OrderReport comes."""

    def ask_account(self) -> None:
        """Ask for working orders, positions and cash; an AccountReport comes."""

    def ask_reports(self, after: int) -> None:
        """Ask for every report numbered above `after`; those come again, or ReportsGone first."""

    def listen(self, topic: str) -> None:
        """Ask for market data of a topic, which comes as Published."""

    async def next_event(self) -> VenueEvent:
        """Return what the venue said next; VenueClosed is the last of a session."""

    def instruments(self) -> tuple[Instrument, ...]:
        """Return what can be traded, once a session stands."""

    def chain(self, underlying: str) -> tuple[Instrument, ...]:
        """Return the listed options of an underlying; none where options are not a capability."""

    def hours(self) -> Hours:
        """Return the trading day in hand."""


@runtime_checkable
class PromptVenue(Protocol):
    """A venue that can hand its events over as they are read, instead of through `next_event`."""

    def hand_over(
        self, on_event: Callable[[VenueEvent], None] | None,
        after_read: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Hand over what waits and all that comes; after each read say that it was all.

        `on_event` must not raise. None ends it: events wait for `next_event` again.
        """


# Of a simulated venue whose world lists no options.
SIMULATED: Final = Capabilities(
    order_types=(
        "limit", "market", "midpoint", "stop", "stop_limit", "trailing_stop", "on_open", "on_close",
    ),
    times_in_force=("day", "ioc", "fok", "gtc", "gtd"),
    feeds=("quotes", "every_quote", "trades", "depth", "status"),
    is_simulated=True,
)  # fmt: skip
SIMULATED_OPTIONS: Final = msgspec.structs.replace(
    SIMULATED, options=True, packages=True, feeds=(*SIMULATED.feeds, "chain")
)
