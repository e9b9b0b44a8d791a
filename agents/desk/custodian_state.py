"""What the custodian is told, what it keeps, and how it names orders for the venue."""

import msgspec

from agents.desk.order_table import OrderTable
from environment.venue_messages import VenueReport


class CustodianSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long the custodian waits, and which differences it books itself.

    A command without an answer after `answer_within_ns` is unknown; the venue's "not found" counts
    `not_found_after_ns` after the command, and after the session was renewed. `small_break_lots`
    is the largest difference of a position that is booked without asking. Comparing with the venue
    every `reconcile_every_ns`; 0: only when there is cause.
    """

    needs_session: bool = False  # Nothing leaves before the venue's session stands.
    answer_within_ns: int = 2_000_000_000
    not_found_after_ns: int = 5_000_000_000
    sweep_ns: int = 1_000_000_000
    reconcile_every_ns: int = 0
    small_break_lots: int = 10


class CustodianState(msgspec.Struct):
    """All that changes in the custodian."""

    table: OrderTable
    is_connected: bool
    run: str = ""
    epoch: int = 0
    session: int = 0
    session_ns: int = 0
    sequence: int = 0  # The last of the venue's reports that was taken in.
    ahead: dict[int, VenueReport] = {}  # Reports that came before those that they follow.
    is_clock_behind: bool = False  # No order leaves until the record's last time is passed.
    is_patchy: bool = False  # Reports are gone: what they said must be asked for.
    wants_account: bool = False
    person: str = ""  # Who asked for large breaks to be booked.
    sweep_timer: int = 0
    breaks: dict[str, int] = {}  # Open ones: subject and difference.
    told: tuple[int, int] = (0, 0)  # Unknown outcomes and breaks, as risk has heard them.
    doubled: int = 0
    resent: int = 0
    undelivered: int = 0  # Events for owners that do not exist.


class CustodianStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts for summaries, status and metrics."""

    open_orders: int
    unknown: int
    breaks: int
    doubled: int
    resent: int
    undelivered: int


def client_order_id(run: str, epoch: int, order_id: str) -> str:
    """Return the venue's name of an order: a pure function of run, epoch, owner and number.

    In a simulation, which has one start and no run's name, it is the owner's id itself.
    """
    return f"{run}.{epoch}.{order_id}" if run else order_id
