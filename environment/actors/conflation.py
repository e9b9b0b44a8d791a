"""A subscriber's own interval: between two values of one topic and instrument so long passes.

A topic is published at its feed's pace. Who subscribed with an interval gets the first value at
once; what comes before the interval is over waits, the newest in the place of the one before, and
is delivered when it is. Control mail never waits.
"""

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from environment.actors.envelope import newest
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import FIRST_LANE, TOPIC
from environment.actors.topics import Held, Solo, Topic

if TYPE_CHECKING:
    from environment.actors.cell import Cell

_DATA: Final = FIRST_LANE + 1


class Later(Protocol):
    """Where a release is put until it is due: the kernel's queue."""

    def push(
        self, at_ns: int, priority: int, cell: "Cell | None", item: tuple[object, ...]
    ) -> None:
        """Take what is to happen at a moment."""


def hearers(
    queue: Later, now_ns: int, topic: Topic, envelope: AnyEnvelope
) -> "tuple[list[Cell], AnyEnvelope]":
    """Return who is given a publication now, and as what; the others get it when it is time."""
    if topic.is_release:
        return _released(topic, envelope, now_ns)
    if not topic.paced or envelope.message.LANE == "control":
        return topic.together.copy(), envelope
    return [
        cell for cell in topic.together
        if cell.address not in topic.paced or _is_due(queue, now_ns, topic, cell, envelope)
    ], envelope  # fmt: skip


def _is_due(queue: Later, now_ns: int, topic: Topic, cell: "Cell", envelope: AnyEnvelope) -> bool:
    """Return whether a subscriber's interval is over; otherwise hold the value for it."""
    key = key_of(topic, envelope)
    held = cell.held.get(key)
    if held is None:
        cell.held[key] = Held(now_ns)
        return True
    if cell.inbox.holds(key):
        return True  # It takes the place of one that was not looked at yet.
    if held.waiting is not None:
        held.waiting = newest(held.waiting, envelope)
        cell.inbox.conflated += 1
        return False
    due_ns = held.last_ns + topic.paced[cell.address]
    if now_ns >= due_ns:
        held.last_ns = now_ns
        return True
    held.waiting = envelope
    release = Solo(topic.name, cell, topic.paced[cell.address], is_release=True)
    queue.push(due_ns, _DATA, None, (TOPIC, release, envelope))
    return False


def _released(topic: Topic, first: AnyEnvelope, now_ns: int) -> "tuple[list[Cell], AnyEnvelope]":
    """Return the one who waited, and the newest value since `first` was held for him."""
    (cell,) = topic.together
    held = cell.held.get(key_of(topic, first))
    if held is None or held.waiting is None:
        return [], first
    waited, held.waiting, held.last_ns = held.waiting, None, now_ns
    return [cell], msgspec.structs.replace(waited, delivered_ns=now_ns)


def key_of(topic: Topic, envelope: AnyEnvelope) -> tuple[str, str]:
    """Return what values replace each other under."""
    return topic.name, getattr(envelope.message, "instrument", "")
