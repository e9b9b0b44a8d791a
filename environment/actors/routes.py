"""From one sender to one recipient: the latency, drawn in order, and no overtaking."""

from typing import TYPE_CHECKING

import msgspec

from environment.actors.latency import Constant
from environment.actors.ports import Connection
from environment.draws import Stream, stream_key

if TYPE_CHECKING:
    from environment.actors.cell import Cell

# How many latencies are drawn at once, by how many were drawn before: a call into compiled code
# costs as much as forty draws, but most connections carry a handful of messages.
_BLOCKS = ((8, 1), (64, 16))
_LARGEST_BLOCK = 256


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a connection has got: draws, last arrival, last tie-break and its moment."""

    draws: int
    misfortunes: int
    last_ns: int
    tie: str  # Hexadecimal: wider than MessagePack's integers.
    tie_ns: int


class Route:
    """A connection in use. Its draws come from the stream named `sender>recipient`."""

    __slots__ = (
        "_connection", "_counter", "_key", "_misfortune", "_tie", "_tie_ns", "ahead", "cell",
        "constant_ns", "is_handed_over", "is_simple", "last_ns",
    )  # fmt: skip

    def __init__(self, seed: int, sender: str, recipient: str, connection: Connection) -> None:
        name = f"{sender}>{recipient}"
        self.cell: Cell | None = None  # None: an engine's address, or a topic.
        self.is_simple = False  # To an actor, each message once and in turn, no seeded ties.
        self.is_handed_over = False  # To an engine, which draws the latency itself.
        self.ahead: list[int] = []  # Latencies drawn and not yet used, the next one last.
        self.last_ns = 0
        self._connection = connection
        self._key = stream_key(seed, name)
        self._misfortune = Stream(stream_key(seed, f"{name}/faults"))
        self._counter = 0  # Draws made, those ahead included.
        self._tie = self._tie_ns = 0
        # A constant latency cannot overtake, so its arrivals need no state at all.
        constant = connection.latency if isinstance(connection.latency, Constant) else None
        self.constant_ns = constant.nanoseconds if constant else 0

    def draw(self) -> list[int]:
        """Draw more latencies, return them, and keep them in `ahead`."""
        assert self._connection.latency is not None, "an engine draws this latency itself"
        count = next((n for below, n in _BLOCKS if self._counter < below), _LARGEST_BLOCK)
        self.ahead = self._connection.latency.block(self._key, self._counter, count)
        self.ahead.reverse()
        self._counter += count
        return self.ahead

    def arrival(self, departure_ns: int) -> int:
        """Return when a message arrives; without a latency, its departure."""
        if self._connection.latency is None:
            return departure_ns
        if self.constant_ns:
            return departure_ns + self.constant_ns
        at = departure_ns + (self.ahead or self.draw()).pop()
        if not self._connection.may_overtake:
            at = max(at, self.last_ns)
        self.last_ns = at
        return at

    def copies(self) -> int:
        """Return how many of one message arrive: 1, or by misfortune 0 or 2."""
        if self._misfortune.uniform() < self._connection.loss:
            return 0
        return 2 if self._misfortune.uniform() < self._connection.doubling else 1

    def tie(self, at_ns: int, tie: int) -> int:
        """Return the tie-break of a message arriving at `at_ns`.

        Messages of one connection that arrive at one moment share it, so that shuffling does not
        make them overtake each other.
        """
        if at_ns != self._tie_ns or self._connection.may_overtake:
            self._tie_ns, self._tie = at_ns, tie
        return self._tie

    def position(self) -> Position:
        """Return all that changes."""
        used = self._counter - len(self.ahead)
        tie = f"{self._tie:x}"
        return Position(used, self._misfortune.counter, self.last_ns, tie, self._tie_ns)

    def take_position(self, position: Position) -> None:
        """Go to a recorded position."""
        self._counter, self._misfortune.counter = position.draws, position.misfortunes
        self.last_ns, self._tie_ns = position.last_ns, position.tie_ns
        self._tie = int(position.tie, 16)
        self.ahead = []
