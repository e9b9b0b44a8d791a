"""What the daemon's processes and its commands say to each other on the control socket.

The watchdog alone serves it: commands and the swarm are its clients, so that a swarm that hangs
hinders nobody.
"""

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from environment.control_messages import DeskState, HeldDown, Scope
from environment.instruments import Instrument
from environment.message_roots import Message
from environment.venue_messages import AccountReport

BEAT_S: Final = 0.5


def control_socket(folder: Path) -> Path:
    """Return where the watchdog listens, in a state folder."""
    return folder / "control.sock"


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the desk holds it."""

    order_id: str
    client_order_id: str
    owner: str
    instrument: str
    side: str
    leaves: int
    price: int | None
    is_unknown: bool


class StoppedScope(msgspec.Struct, frozen=True, kw_only=True):
    """An agent, strategy or underlying that is not ACTIVE, and why."""

    scope: Scope
    name: str
    state: DeskState
    reason: str


class SwarmStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The swarm at one moment, as it sees itself."""

    name: str
    run: str
    epoch: int
    process: int
    market_ns: int
    zone: str
    desk: DeskState
    reason: str  # Why the desk is not ACTIVE.
    is_ready: bool  # A session with the venue stands, and accounts were compared.
    venue: str  # "connected", or why not.
    unknown: int
    breaks: int
    orders: tuple[OrderLine, ...]
    positions: dict[str, int]
    handled: int
    failures: int
    stalls: int
    durable: str
    stopped: tuple[StoppedScope, ...] = ()  # Beside the desk itself.
    held: tuple[HeldDown, ...] = ()  # What breakers stop again as soon as it is resumed.


class SwarmHello(Message, frozen=True, kw_only=True):
    """First message of the swarm."""

    epoch: int
    process: int


class Beat(Message, frozen=True, kw_only=True):
    """The swarm lives."""

    status: SwarmStatus


class Goodbye(Message, frozen=True, kw_only=True):
    """The swarm stops as it was asked to: its silence from now on is no failure."""


class AskStatus(Message, frozen=True, kw_only=True):
    """Command: say how things stand."""


class Halt(Message, frozen=True, kw_only=True):
    """Command: cancel everything at the venue, and let the swarm trade no more."""

    reason: str


class Resume(Message, frozen=True, kw_only=True):
    """Command of a person: one step up, of the desk or of one agent, strategy or underlying."""

    person: str
    password: str
    reason: str
    scope: Scope = "desk"
    name: str = ""


class Reconcile(Message, frozen=True, kw_only=True):
    """Command: compare with the venue now; a person with a password has large breaks booked."""

    person: str = ""
    password: str = ""
    reason: str = ""


class Stop(Message, frozen=True, kw_only=True):
    """Command: end swarm, venue and watchdog."""

    reason: str


class Lift(Message, frozen=True, kw_only=True):
    """To the swarm: a person, whom the watchdog has checked, moves a scope up one step."""

    person: str
    reason: str
    scope: Scope = "desk"
    name: str = ""


class Compare(Message, frozen=True, kw_only=True):
    """To the swarm: compare with the venue."""

    person: str
    reason: str


class StopSwarm(Message, frozen=True, kw_only=True):
    """To the swarm: stop."""

    reason: str


class Answer(Message, frozen=True, kw_only=True):
    """To a command: done or refused, in one line."""

    is_done: bool
    text: str


# What the watchdog knows of the swarm: none came (or it said goodbye), it beats, it says nothing
# while its connection stands, or its connection ended without a goodbye.
Life = Literal["none", "alive", "silent", "dead"]


class Standing(Message, frozen=True, kw_only=True):
    """To a command: how things stand. `swarm` is what one that is alive or silent said last."""

    halted: str
    beat_age_s: float  # Below 0 without a swarm.
    swarm: SwarmStatus | None
    account: AccountReport | None
    venue: Literal["connected", "lost"]
    reference_ticks: dict[str, int] = msgspec.field(default_factory=dict)
    instruments: tuple[Instrument, ...] = ()  # Of which orders work: their prices are in ticks.
    life: Life = "none"
    last_epoch: int = 0  # Of the swarm that was there last.
    last_process: int = 0


def held_lines(swarm: SwarmStatus, scope: Scope, name: str) -> list[str]:
    """Return what a person should know before resuming a scope: what stops it again at once."""
    return [one.text for one in swarm.held if (one.scope, one.name) == (scope, name)]


ToWatchdog = (
    SwarmHello | Beat | Goodbye | AskStatus | Halt | Resume | Reconcile | Stop
)  # fmt: skip
FromWatchdog = Lift | Compare | StopSwarm | Answer | Standing


def watchdog_decoder() -> "msgspec.msgpack.Decoder[Any]":
    """Return what the watchdog reads with."""
    return msgspec.msgpack.Decoder(ToWatchdog)


def peer_decoder() -> "msgspec.msgpack.Decoder[Any]":
    """Return what its clients read with."""
    return msgspec.msgpack.Decoder(FromWatchdog)
