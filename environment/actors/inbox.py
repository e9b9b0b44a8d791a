"""Where mail waits while an actor is busy or down: two lanes, bounded, counted."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from environment.actors.envelope import CONTROL, Envelope
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
    """One place in the data lane; its envelope changes when a newer value takes the place."""

    __slots__ = ("envelope", "key")

    def __init__(self, envelope: Envelope[Any], key: Key | None) -> None:
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
        self.data: deque[Waiting] = deque()
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
            self.data.append(Waiting(envelope, None))
        elif (waiting := self._by_key.get(key)) is not None:
            waiting.envelope = envelope
            self.conflated += 1
            return
        else:
            waiting = Waiting(envelope, key)
            self._by_key[key] = waiting
            self.data.append(waiting)
        self._grown(envelope)

    def _grown(self, envelope: Envelope[Any]) -> None:
        depth = len(self.control) + len(self.data)
        self.deepest = max(self.deepest, depth)
        if depth >= self._limits.hard_cap:
            raise InboxOverflow(
                f"The inbox of {self._address} holds {depth} messages, its hard cap; the last is "
                f"a {type(envelope.message).__name__} from {envelope.sender} at "
                f"{envelope.delivered_ns} ns. Slow the sender, or subscribe with an interval."
            )
        if depth > self._limits.high_water and not self.is_pressed:
            self.is_pressed = True
            self._pressure.inboxes += 1

    def take(self) -> tuple[Envelope[Any], int]:
        """Return the next envelope and its lane (0 control, 1 data); the inbox is not empty."""
        if self.control:
            envelope, lane = self.control.popleft(), CONTROL
        else:
            waiting = self.data.popleft()
            if waiting.key is not None:
                del self._by_key[waiting.key]
            envelope, lane = waiting.envelope, 1
        if self.is_pressed:
            self._shrunk()
        return envelope, lane

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
        for waiting in self.data:
            yield waiting.envelope, 1, waiting.key
