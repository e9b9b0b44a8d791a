"""What the exchange's façade needs of others, and all that it remembers besides the arena."""

from datetime import date
from typing import Protocol

import msgspec

from environment.clearing_messages import ClosingReason
from environment.instruments import Instrument
from environment.market.market import Market
from environment.messages import Message
from environment.option_messages import DealerReport


class Kernel(Protocol):
    """What the exchange needs of a kernel."""

    def now_ns(self) -> int:
        """Return the time of the event in hand."""

    def deliver(
        self, at_ns: int, sender: str, recipient: str, message: Message, lane: int | None = None,
        *, cause: int = 0, chain: int = 0, answers: int = 0, sent_ns: int | None = None,
    ) -> int:  # fmt: skip
        """Send one message to an actor."""

    def deliver_topic(
        self, at_ns: int, sender: str, topic: str, message: Message, sent_ns: int | None = None
    ) -> int:
        """Publish one message."""


class Arrivals(Protocol):
    """How long a message of a participant travels to the exchange, by the core's own draws."""

    def __call__(self, market: Market, trader: int, departure_ns: int) -> int:
        """Return when it arrives."""


class Reports(Protocol):
    """Where a dealer of the crowd who is an actor writes what its holdings come to."""

    def __call__(self, market: Market, trader: int, report: DealerReport) -> None:
        """Keep a report, for the survey of the market."""


class Closing(msgspec.Struct, frozen=True):
    """Why the broker entered an order for an account."""

    by: str
    reason: ClosingReason
    session: date
    shortfall_micros: int


class LiveOrder(msgspec.Struct, gc=False):
    """What the façade remembers of an order that is not over: its name, and what caused it."""

    order_id: str
    identity: int
    account: int
    cause: int
    chain: int
    is_package: bool = False
    closing: Closing | None = None


class ExchangeState(msgspec.Struct):
    """All that changes in the façade besides the arena."""

    orders: dict[int, LiveOrder] = {}  # By the tag that the core carries.
    tags: dict[str, int] = {}
    parents: dict[str, int] = {}
    next_tag: int = 1
    renamed: dict[int, Instrument] = {}  # Series by number, listed or adjusted since the start.
    taken: int = 0  # Requests that actors have sent, whatever became of them.
