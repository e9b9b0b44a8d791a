"""Where mail waits while an actor is busy or down: two lanes, bounded, counted."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from environment.actors.envelope import CONTROL, DATA, Envelope, newest
from environment.errors import InboxOverflow

Key = tuple[str, str]  # Topic and instrument.


class InboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When an inbox asks the edge to stop reading, and when it is a defect."""

    high_water: int = 1_000
    hard_cap: int = 100_000


class Pressure:
    """How many inboxes stand above their high-water mark; while any does, feeds stop reading."""

    __slots__ = ("inboxes",)

    def __init__(self) -> None:
        self.inboxes = 0

    def is_on(self) -> bool:
        """Return whether the edge must stop reading (control is always admitted)."""
        return self.inboxes > 0


class Waiting:
    """A place in the data lane whose envelope changes when a newer value takes it."""

    __slots__ = ("envelope", "key")

    def __init__(self, envelope: Envelope[Any], key: Key) -> None:
        self.envelope = envelope
        self.key = key


class Inbox:
    """Control before data, each in order of arrival."""

    __slots__ = (
        "_address", "_by_key", "_limits", "_pressure", "conflated", "control", "data", "deepest",
        "is_pressed",
    )  # fmt: skip

    def __init__(self, address: str, limits: InboxLimits, pressure: Pressure) -> None:
        self.control: deque[Envelope[Any]] = deque()
        self.data: deque[Envelope[Any] | Waiting] = deque()
        self.conflated = 0
        self.deepest = 0
        self.is_pressed = False
        self._address = address
        self._limits = limits
        self._pressure = pressure
        self._by_key: dict[Key, Waiting] = {}

    def __len__(self) -> int:
        return len(self.control) + len(self.data)

    def put(self, envelope: Envelope[Any], lane: int, key: Key | None = None) -> None:
        """Add one envelope; with a key, it takes the place of the one waiting under that key."""
        if lane == CONTROL:
            self.control.append(envelope)
        elif key is None:
            self.data.append(envelope)
        elif (waiting := self._by_key.get(key)) is not None:
            waiting.envelope = newest(waiting.envelope, envelope)
            self.conflated += 1
            return
        else:
            waiting = Waiting(envelope, key)
            self._by_key[key] = waiting
            self.data.append(waiting)
        self.grown(envelope)

    def holds(self, key: Key) -> bool:
        """Return whether a value waits whose place a newer one would take."""
        return key in self._by_key

    def grown(self, envelope: Envelope[Any]) -> None:
        """Take note that an envelope was added: press the edge, and refuse to grow for ever."""
        depth = len(self.control) + len(self.data)
        self.deepest = max(self.deepest, depth)
        if depth >= self._limits.hard_cap:
            self._overflow(depth, envelope)
        if depth > self._limits.high_water and not self.is_pressed:
            self.is_pressed = True
            self._pressure.inboxes += 1

    def _overflow(self, depth: int, envelope: Envelope[Any]) -> None:
        raise InboxOverflow(
            f"The inbox of {self._address} holds {depth} messages, its hard cap; the last is "
            f"a {type(envelope.message).__name__} from {envelope.sender} at "
            f"{envelope.delivered_ns} ns. Slow the sender, or subscribe with an interval."
        )

    def take(self) -> tuple[Envelope[Any], int]:
        """Return the next envelope and its lane (0 control, 1 data); the inbox is not empty."""
        if self.control:
            envelope, lane = self.control.popleft(), CONTROL
        else:
            first, lane = self.data.popleft(), DATA
            envelope = self.taken(first) if isinstance(first, Waiting) else first
        if self.is_pressed:
            self._shrunk()
        return envelope, lane

    def taken(self, waiting: Waiting) -> Envelope[Any]:
        """Return the newest envelope of a place that was taken out of the data lane."""
        del self._by_key[waiting.key]
        return waiting.envelope

    def _shrunk(self) -> None:
        # Half the mark, so that the edge does not start and stop with each message.
        if self.is_pressed and len(self) * 2 <= self._limits.high_water:
            self.is_pressed = False
            self._pressure.inboxes -= 1

    def drop(self, is_dropped: Callable[[Envelope[Any]], bool]) -> list[Envelope[Any]]:
        """Take out, and return, what fits; used when an incarnation ends."""
        dropped = [envelope for envelope, _, _ in self.waiting() if is_dropped(envelope)]
        if dropped:
            ids = {envelope.id for envelope in dropped}
            kept = [item for item in self.waiting() if item[0].id not in ids]
            self.control.clear()
            self.data.clear()
            self._by_key.clear()
            for envelope, lane, key in kept:
                self.put(envelope, lane, key)
            self._shrunk()
        return dropped

    def waiting(self) -> Iterator[tuple[Envelope[Any], int, Key | None]]:
        """Yield (envelope, lane, key) in order of service."""
        for envelope in self.control:
            yield envelope, CONTROL, None
        for place in self.data:
            if isinstance(place, Waiting):
                yield place.envelope, DATA, place.key
            else:
                yield place, DATA, None
