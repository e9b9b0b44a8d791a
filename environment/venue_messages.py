"""What a venue and the desk's custodian say to each other, besides orders and their events.

A venue numbers what it reports, from 1 and without holes, so that the custodian knows what it has
missed, asks for it again, and takes nothing twice. Orders go by client order ids here, which the
custodian gives out; everybody else on the floor names an order as its owner does.
"""

from datetime import date
from typing import Final, Literal

import msgspec

from environment.clearing_messages import ClosingReason, MarginCallMetNotice, MarginCallNotice
from environment.instruments import Instrument
from environment.message_roots import Message, MoneyMessage
from environment.messages import (
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    Side,
)

MOVES_TOPIC: Final = "desk/moves"  # Where the custodian publishes every PositionMoved.
BREAKS_TOPIC: Final = "desk/breaks"  # Where every difference to the venue is published.

ReportedEvent = (
    OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)
MoveReason = Literal[
    "exercise", "assignment", "expiry", "adjustment", "corporate_action", "statement", "closed"
]
VenueOrderState = Literal["working", "filled", "cancelled", "refused"]
BreakKind = Literal["position", "foreign_order", "unowned_order", "missed_end", "foreign_fill"]


class PositionMoved(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a night or the broker changed the account without an order of its own.

    `change` lots of `instrument`, and of what they became or delivered `into_change` lots of
    `into`; `cash_micros` were received (below 0: paid). The last of a night is the statement: the
    account's whole cash, and closing marks in ticks by stock. `closed` is a fill of the broker's
    order `order_id`: who sent it (`by`), why, at which price in ticks, with which fee within the
    cash, and what the account lacked then.
    """

    instrument: str
    change: int
    reason: MoveReason
    session: date
    into: str = ""
    into_change: int = 0
    cash_micros: int = 0
    before: int | None = None  # Lots of `instrument` that the account held.
    cash_after_micros: int | None = None
    marks: dict[str, int] = msgspec.field(default_factory=dict)
    listed: tuple[Instrument, ...] = ()  # Terms of the options that are held now.
    order_id: str = ""
    by: str = ""
    why: ClosingReason | None = None
    price: int = 0
    fee_micros: int = 0
    shortfall_micros: int = 0


class LegsFilled(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a structure traded, every print of every leg, so that nobody ever holds a part of it.

    The fills carry the order's id and each leg's own instrument.
    """

    order_id: str
    fills: tuple[OrderFilled, ...]


Reportable = ReportedEvent | LegsFilled
AccountEvent = PositionMoved | MarginCallNotice | MarginCallMetNotice


class VenueReport(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the venue's event number `sequence` of this account."""

    sequence: int
    event: Reportable | AccountEvent


class VenueSession(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a session with the venue stands; what was under way in earlier ones is dead.

    `run` and `epoch` name this start of the desk's process, and stand in its client order ids;
    both are empty in a simulation, where there is one start. `sequence` is the venue's last report.
    """

    run: str = ""
    epoch: int = 0
    session: int = 0
    sequence: int = 0


class VenueLost(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the session with the venue is over; orders without an answer are unknown."""

    reason: str


class NotSent(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a command never left for the venue, so that its outcome is definitive."""

    client_order_id: str
    reason: str


class RenewSession(MoneyMessage, frozen=True, kw_only=True):
    """Request: end the session, so that nothing sent in it can arrive any more, and begin another.

    Answered by a VenueSession of a number above `above`; the same request twice makes one.
    """

    above: int


class QueryOrder(MoneyMessage, frozen=True, kw_only=True):
    """Request: how does the order of this client order id stand? Answered by an OrderReport."""

    client_order_id: str


class QueryAccount(MoneyMessage, frozen=True, kw_only=True):
    """Request: what works and what is held? Answered by an AccountReport."""


class ResendReports(MoneyMessage, frozen=True, kw_only=True):
    """Request: every report numbered above `after` once more."""

    after: int


class ReportsGone(MoneyMessage, frozen=True, kw_only=True):
    """Fact: reports up to `through` are kept no more; what they said must be asked for."""

    through: int


class OrderAtVenue(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the venue has it; `average_ticks` is what its fills cost on the mean.

    One with `legs` counts in units of the structure, and says of each leg what has traded instead.
    """

    client_order_id: str
    instrument: str
    side: Side
    quantity: int
    filled: int
    price: int | None
    state: VenueOrderState
    reason: str = ""
    average_ticks: int = 0
    legs: tuple[Leg, ...] = ()
    leg_lots: dict[str, int] = {}
    leg_average_ticks: dict[str, int] = {}

    @property
    def leaves(self) -> int:
        """Return the lots that may still trade."""
        return self.quantity - self.filled if self.state == "working" else 0


class OrderReport(MoneyMessage, frozen=True, kw_only=True):
    """Reply: how an order stands once all reports up to `sequence` are taken in."""

    client_order_id: str
    order: OrderAtVenue | None  # None: not found, which is no proof by itself.
    sequence: int


class AccountReport(MoneyMessage, frozen=True, kw_only=True):
    """Reply: what works and is held once all reports up to `sequence` are taken in."""

    sequence: int
    orders: tuple[OrderAtVenue, ...]
    positions: dict[str, int]
    cash_micros: int | None = None


class OwnerDown(MoneyMessage, frozen=True, kw_only=True):
    """Fact from the kernel: the actor at `address` failed, and is down until it is restarted."""

    address: str


class ReconcileNow(MoneyMessage, frozen=True, kw_only=True):
    """Request: compare with the venue now; a named person also has large breaks booked."""

    reason: str
    person: str = ""


class PositionBooked(MoneyMessage, frozen=True, kw_only=True):
    """Fact: the account's position changed by `change` lots without a fill that explains it."""

    instrument: str
    change: int
    reason: str


class BreakFound(Message, frozen=True, kw_only=True):
    """Fact: the desk's record and the venue's differ. A booked one is settled by that."""

    kind: BreakKind
    subject: str  # Instrument or client order id.
    ours: int
    venues: int
    is_booked: bool
    text: str


PROTOCOL: Final = (
    VenueReport, VenueSession, VenueLost, NotSent, RenewSession, QueryOrder, QueryAccount,
    ResendReports, ReportsGone, OrderReport, AccountReport, OwnerDown, ReconcileNow,
    PositionBooked, BreakFound, PositionMoved, LegsFilled,
)  # fmt: skip
