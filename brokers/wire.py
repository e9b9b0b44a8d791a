"""What goes over the simulated venue's socket, besides the messages of `venue_messages`."""

from typing import Any, Final, Literal

import msgspec

from brokers.venue import Capabilities, Hours, Published, VenueClock
from environment.control_messages import AuthorityRefused
from environment.instruments import Instrument
from environment.message_roots import Message
from environment.messages import ApprovedOrder, ApprovedReplace, CancelOrder
from environment.venue_messages import (
    AccountReport,
    NotSent,
    OrderReport,
    QueryAccount,
    QueryOrder,
    ReportsGone,
    ResendReports,
    VenueReport,
)

WIRE_VERSION: Final = 1
# `swarm` trades; `control` is the watchdog, which never does, and which nobody can lock out.
Role = Literal["swarm", "control"]


class Hello(Message, frozen=True, kw_only=True):
    """First message of a client."""

    version: int
    role: Role
    run: str = ""
    epoch: int = 0


class Welcome(Message, frozen=True, kw_only=True):
    """The session stands."""

    session: int
    sequence: int
    capabilities: Capabilities
    instruments: tuple[Instrument, ...]
    hours: Hours
    clock: VenueClock
    reference_ticks: dict[str, int]
    cash_micros: int
    revoked: str = ""
    notice: str = ""  # What the venue's own restart did, for a person to read.


class Denied(Message, frozen=True, kw_only=True):
    """The venue does not let this client in, or does not do this; the connection ends."""

    reason: str


class Listen(Message, frozen=True, kw_only=True):
    """Send market data of a topic from now on."""

    topic: str


class Revoke(Message, frozen=True, kw_only=True):
    """Control: cut the swarm off, cancel its orders, and take none from it until restored."""

    reason: str


class Restore(Message, frozen=True, kw_only=True):
    """Control: a named person lets the swarm in again."""

    person: str
    reason: str


class StopVenue(Message, frozen=True, kw_only=True):
    """Control: cancel the swarm's orders, and end the process."""

    reason: str


class Done(Message, frozen=True, kw_only=True):
    """A control request was carried out; how many orders worked when it was."""

    text: str
    working: int = 0


ToServer = (
    Hello | ApprovedOrder | ApprovedReplace | CancelOrder | QueryOrder | QueryAccount
    | ResendReports | Listen | Revoke | Restore | StopVenue
)  # fmt: skip
ToClient = (
    Welcome | Denied | Done | VenueReport | OrderReport | AccountReport | ReportsGone
    | NotSent | AuthorityRefused | Published | VenueClock
)  # fmt: skip


def server_decoder() -> "msgspec.msgpack.Decoder[Any]":
    """Return what the venue reads with."""
    return msgspec.msgpack.Decoder(ToServer)


def client_decoder() -> "msgspec.msgpack.Decoder[Any]":
    """Return what its clients read with."""
    return msgspec.msgpack.Decoder(ToClient)
