"""What the broker's office is told, and what it remembers of each account it works on."""

from datetime import date

import msgspec

from agents.orders import OrderNumbers
from environment.messages import Phase


class OfficeDay(msgspec.Struct, frozen=True, kw_only=True):
    """One session, and when expiring positions are first looked at; 0 for never."""

    session: date
    open_ns: int
    close_ns: int
    expiry_check_ns: int = 0


class OfficeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the office closes: an order an account and beat, a slice of what is still to go.

    It beats `every_ns` where there is something to close; a call that is covered it looks at
    `watch_every_ns`, and all holders on expiry day `holders_every_ns`. A slice is a `share` of what
    is to go, yet no less than `smallest_lots` and no more than `slice_lots`. A called account is
    brought above its requirement by `buffer` of it. `stocks` are those whose phases it listens to.
    `band` is how far out of the money, as a share of the spot, an expiring option still counts as
    one that could be assigned. Without `liquidates` it only buys in.
    """

    days: tuple[OfficeDay, ...]
    stocks: tuple[str, ...] = ()
    liquidates: bool = True
    every_ns: int = 10_000_000_000
    watch_every_ns: int = 300_000_000_000
    holders_every_ns: int = 900_000_000_000
    share: float = 0.2
    smallest_lots: int = 10
    slice_lots: int = 5_000
    buffer: float = 0.05
    band: float = 0.005


class AccountWork(msgspec.Struct):
    """What is to be done in one account, and whether a look at it or an answer is under way.

    `is_short` says that an exact look found it short of margin for what expires. `to_buy` are lots
    by symbol that a lender wants back; `targets` the positions at which that is done, known from
    the first look on.
    """

    is_called: bool = False
    is_expiring: bool = False
    is_short: bool = False
    to_buy: dict[str, int] = {}
    targets: dict[str, int] = {}
    is_waiting: bool = False
    is_asked: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to do."""
        return not (self.is_called or self.is_expiring or self.to_buy)


class OfficeState(msgspec.Struct):
    """All that changes in the office."""

    numbers: OrderNumbers
    works: dict[int, AccountWork] = {}  # By account.
    phases: dict[str, Phase] = {}  # Of stocks; options halt with theirs.
    is_listening: bool = False
    sent: int = 0
    refused: int = 0
