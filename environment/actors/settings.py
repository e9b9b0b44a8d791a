"""What a kernel is told, and what it is plugged into."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from environment.actors.effects import EffectRunner, ThreadedEffects
from environment.actors.inbox import InboxLimits
from environment.actors.latency import LatencySetting
from environment.actors.ports import (
    Clock,
    Disk,
    Engine,
    Link,
    MemoryDisk,
    NoEngine,
    NoRecorder,
    Recorder,
    SystemWallClock,
    UniformLink,
    VirtualClock,
    WallClock,
)
from environment.actors.protocol import Protocol
from environment.actors.queue import Ties
from environment.actors.supervision import Supervisor
from environment.messages import Resumed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What decides a run, besides its actors: equal settings and inputs give equal runs."""

    seed: int = 0
    start_ns: int = 0
    ties: Ties = "sequence"
    thinking_ns: dict[str, int] = {}  # Busy time per handled message, by actor kind.
    effect_latency: dict[str, LatencySetting] = {}  # Due time of effects, by actor kind.
    supervision: Supervisor = Supervisor()
    inbox: InboxLimits = InboxLimits()


def resumed_with_nothing(address: str) -> Resumed:  # noqa: ARG001  a hook's signature
    """Return what an actor has in the market where nobody keeps orders: nothing."""
    return Resumed()


def nobody_told(address: str) -> None:
    """Tell nobody that an actor went down."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The world outside a kernel; each default is the simulated one.

    `resumed` returns the first message of each incarnation of an address; `went_down` is told of
    each actor that failed, or was taken down with one that did.
    """

    clock: Clock = field(default_factory=VirtualClock)
    disk: Disk = field(default_factory=MemoryDisk)
    link: Link = field(default_factory=UniformLink)
    engine: Engine = field(default_factory=NoEngine)
    recorder: Recorder = field(default_factory=NoRecorder)
    effects: EffectRunner = field(default_factory=ThreadedEffects)
    wall: WallClock = field(default_factory=SystemWallClock)
    protocol: Protocol = field(default_factory=Protocol)  # What snapshots decode with.
    resumed: Callable[[str], Resumed] = resumed_with_nothing
    went_down: Callable[[str], None] = nobody_told
