"""What a kernel takes from outside: clock, disk, link, recorder, and the market's engine.

Each has a simulated default, so that a test can put a faulty one in its place.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from environment.actors.envelope import Envelope
from environment.actors.latency import Constant, LatencyModel
from environment.actors.outbox import Asked
from environment.errors import OperatingError

AnyEnvelope = Envelope[Any]  # The kernel never looks into a message, so its class is open here.


class Clock(Protocol):
    """Virtual time, UTC. The kernel sets it before each handler; actors read it."""

    now_ns: int


class VirtualClock:
    """A clock that stands still until the kernel moves it."""

    __slots__ = ("now_ns",)

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns


class WallClock(Protocol):
    """Wall time, for pacing and for measured durations; no actor ever sees it."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never go back."""

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Return after so long, or as soon as the event is set."""


class SystemWallClock:
    """The machine's own."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds since some moment."""
        return time.monotonic_ns()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Return after so long, or as soon as the event is set."""
        event.wait(seconds)


class DiskFile(Protocol):
    """A file open for appending."""

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; it survives a killed process."""

    def sync(self) -> None:
        """Return when all that was written survives a power loss."""

    def close(self) -> None:
        """Give the file back."""


class Disk(Protocol):
    """Where journals and snapshots lie, by name."""

    def create(self, name: str) -> DiskFile:
        """Return a new, empty file."""

    def read(self, name: str) -> bytes:
        """Return all of a file."""


class MemoryFile:
    """A file in memory; `torn_at` cuts what is kept, as a power loss in a write does."""

    def __init__(self, torn_at: int | None = None) -> None:
        self.data = bytearray()
        self.synced = 0
        self._torn_at = torn_at

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`, or as much as lies before the tear."""
        self.data += data
        if self._torn_at is not None and len(self.data) > self._torn_at:
            del self.data[self._torn_at :]
            raise OperatingError(f"The simulated disk failed after {self._torn_at} bytes.")

    def sync(self) -> None:
        """Remember how much would survive."""
        self.synced = len(self.data)

    def close(self) -> None:
        """Keep the content; a reader asks the disk for it."""


class MemoryDisk:
    """A disk in memory, on which writing can be made to fail."""

    def __init__(self, torn_at: int | None = None) -> None:
        self.files: dict[str, MemoryFile] = {}
        self._torn_at = torn_at

    def create(self, name: str) -> MemoryFile:
        """Return a new, empty file."""
        self.files[name] = MemoryFile(self._torn_at)
        return self.files[name]

    def read(self, name: str) -> bytes:
        """Return all of a file."""
        if name not in self.files:
            raise OperatingError(f"The simulated disk holds no file {name!r}.")
        return bytes(self.files[name].data)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How messages travel from one sender to one recipient or topic.

    `latency` None leaves the delay to the engine at the other end. Loss and doubling are
    probabilities per message; `may_overtake` lets a later message arrive before an earlier one.
    """

    latency: LatencyModel | None = Constant(nanoseconds=1)
    loss: float = 0.0
    doubling: float = 0.0
    may_overtake: bool = False

    @property
    def is_faulty(self) -> bool:
        """Return whether a message may not arrive exactly once, in turn."""
        return bool(self.loss or self.doubling or self.may_overtake)


class Link(Protocol):
    """The network, as a function of the pair and never a table of all pairs."""

    def connection(self, sender: str, recipient: str) -> Connection:
        """Return how `sender` reaches `recipient` (an address or a topic)."""

    def subscription(self, topic: str, subscriber: str) -> LatencyModel | None:
        """Return a subscriber's own latency of a topic, or None where the topic's holds."""


class UniformLink:
    """A network on which every pair has one latency model and nothing is lost."""

    def __init__(self, latency: LatencyModel = Constant(nanoseconds=1)) -> None:  # noqa: B008  frozen
        self._connection = Connection(latency=latency)

    def connection(self, sender: str, recipient: str) -> Connection:  # noqa: ARG002  protocol
        """Return the one connection of all pairs."""
        return self._connection

    def subscription(self, topic: str, subscriber: str) -> LatencyModel | None:  # noqa: ARG002
        """Return None: the topic's latency holds for all."""
        return None


class Engine(Protocol):
    """A compiled market core beside the actors. The kernel knows no more of it than this."""

    addresses: frozenset[str]  # Messages sent to these are handed over, never queued.

    def post(self, arrival_ns: int, envelope: AnyEnvelope) -> None:
        """Take a message that arrives at `arrival_ns` (without link latency: its departure)."""

    def next_ns(self) -> int | None:
        """Return the time of the next event, or None when idle."""

    def heard(self, topic: str) -> None:
        """Take note that an actor has subscribed to a topic: until then nobody hears it."""

    def advance(self, until_ns: int) -> None:
        """Run own events with time <= until_ns, but none after the first delivery made."""

    def snapshot(self) -> bytes:
        """Return the whole state."""

    def restore(self, data: bytes) -> None:
        """Take a state back."""


class NoEngine:
    """The market of a run without one."""

    addresses: frozenset[str] = frozenset()

    def post(self, arrival_ns: int, envelope: AnyEnvelope) -> None:
        """Refuse: nothing is addressed to an engine that is not there."""
        raise AssertionError(f"{envelope.recipient} at {arrival_ns}: there is no engine")

    def next_ns(self) -> int | None:
        """Return None: always idle."""
        return None

    def heard(self, topic: str) -> None:
        """Publish nothing."""

    def advance(self, until_ns: int) -> None:
        """Do nothing."""

    def snapshot(self) -> bytes:
        """Return nothing."""
        return b""

    def restore(self, data: bytes) -> None:
        """Take nothing."""
        assert not data, "this snapshot has an engine's state, and this run has no engine"


class Recorder(Protocol):
    """What keeps the run: the journal, or nothing."""

    def sent(self, envelope: AnyEnvelope) -> None:
        """Keep one envelope. Called for each message, so it must only buffer."""

    def input(self, envelope: AnyEnvelope) -> None:
        """Keep what came from outside: an admitted message or an effect's outcome."""

    def step(
        self,
        number: int,
        now_ns: int,
        envelope: AnyEnvelope,
        outbox: list[AnyEnvelope],
        others: Sequence[Asked] = (),
        actor: str = "",
    ) -> None:
        """Keep one handled message of a durable actor with all it sent, and what else it asked."""

    def dead_letter(
        self, now_ns: int, incarnation: int, envelope: AnyEnvelope, error: str, actor: str = ""
    ) -> None:
        """Keep that an actor failed on this envelope."""

    def drain(self) -> None:
        """Write what is buffered if that is much; called often, between messages."""

    def flush(self) -> int:
        """Write all that is buffered; return how much was written in all."""

    def synced(self) -> int:
        """Return how much of what was written survives a power loss."""


class NoRecorder:
    """Keeps nothing."""

    def sent(self, envelope: AnyEnvelope) -> None:
        """Drop it."""

    def input(self, envelope: AnyEnvelope) -> None:
        """Drop it."""

    def step(
        self,
        number: int,
        now_ns: int,
        envelope: AnyEnvelope,
        outbox: list[AnyEnvelope],
        others: Sequence[Asked] = (),
        actor: str = "",
    ) -> None:
        """Drop it."""

    def dead_letter(
        self, now_ns: int, incarnation: int, envelope: AnyEnvelope, error: str, actor: str = ""
    ) -> None:
        """Drop it."""

    def drain(self) -> None:
        """Nothing is buffered."""

    def flush(self) -> int:
        """Nothing was written."""
        return 0

    def synced(self) -> int:
        """Nothing can be lost."""
        return 0
