"""How a durable actor comes back: its last snapshot, then its recorded steps once more."""

from typing import Any, Final

import msgspec

from environment.actors.actor import Actor
from environment.actors.context import ActorContext, Moment
from environment.actors.envelope import Envelope

_STEPS_PER_SNAPSHOT: Final = 256  # Run again in some 10 ms; taken, it delays one order.


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """The state of an actor, and the counters of its context."""

    state: bytes
    draws: int
    timers: int
    requests: int
    effects: int


def remember(actor: Actor[Any], context: ActorContext) -> Memory:
    """Return all of an actor that changes."""
    state = b"" if actor.state is None else msgspec.msgpack.encode(actor.state)
    return Memory(state, context.rng.counter, context.timers, context.requests, context.effects)


def recall(actor: Actor[Any], context: ActorContext, memory: Memory) -> None:
    """Put a remembered state into a newly made actor."""
    if actor.state is not None:
        actor.state = msgspec.msgpack.decode(memory.state, type=type(actor.state))
    context.rng.counter = memory.draws
    context.timers, context.requests = memory.timers, memory.requests
    context.effects = memory.effects


class History:
    """What a durable actor was, and the messages it has handled since."""

    __slots__ = ("base", "number", "steps")

    def __init__(self) -> None:
        self.number = 0
        self.base: Memory | None = None
        self.steps: list[tuple[int, Envelope[Any]]] = []

    def begin(self, actor: Actor[Any], context: ActorContext) -> None:
        """Take a snapshot of an actor before its next message."""
        self.base = remember(actor, context)
        self.steps.clear()

    def step(self, now_ns: int, envelope: Envelope[Any]) -> int:
        """Keep one handled message, and return the step's number."""
        self.number += 1
        self.steps.append((now_ns, envelope))
        return self.number

    def is_long(self) -> bool:
        """Return whether a new snapshot is cheaper than running so many steps again."""
        return len(self.steps) >= _STEPS_PER_SNAPSHOT

    def take(self, number: int, base: Memory | None, steps: list[tuple[int, Any]]) -> None:
        """Put a recorded history back."""
        self.number, self.base, self.steps = number, base, steps

    def rebuild(self, actor: Actor[Any], context: ActorContext, moment: Moment) -> None:
        """Bring a newly made actor to where it was before the message that failed.

        The steps' outboxes went out when they happened, so here they are dropped.
        """
        assert self.base is not None, f"{context.address}: no snapshot before its first message"
        recall(actor, context, self.base)
        now_ns, envelope_in_hand = moment.clock.now_ns, moment.envelope
        for step_ns, envelope in self.steps:
            moment.clock.now_ns, moment.envelope = step_ns, envelope
            actor.receive(context, envelope.message)
            moment.outbox.clear()
        moment.clock.now_ns, moment.envelope = now_ns, envelope_in_hand
