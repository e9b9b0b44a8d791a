"""For tests of single actors: a context that keeps what the actor asked for; no kernel."""

from typing import Any, Generic, TypeVar

import msgspec

from environment.actors.actor import Actor
from environment.actors.context import ActorContext, Moment
from environment.actors.envelope import Envelope
from environment.actors.outbox import (
    AFTER,
    CANCEL,
    PUBLISH,
    REPLY,
    REQUEST,
    SEND,
    START,
    SUBSCRIBE,
)
from environment.actors.ports import VirtualClock
from environment.actors.reference import ActorRef
from environment.draws import Stream, stream_key
from environment.messages import Effect, Message

M = TypeVar("M")


class Sent(msgspec.Struct, Generic[M], frozen=True):
    """A message that was sent, requested, published or replied."""

    to: str
    message: M
    evidence: tuple[int, ...] = ()
    request_id: int = 0


class TimerSet(msgspec.Struct, frozen=True):
    """A timer that was set."""

    timer_id: int
    name: str
    due_ns: int


class RecordingContext(ActorContext):
    """Drives one actor by hand: `handle` a message, then look at what it asked for."""

    __slots__ = (
        "_clock", "_numbered", "cancelled", "published", "replies", "requested", "sent", "started",
        "subscriptions", "timers_set",
    )  # fmt: skip

    def __init__(self, address: str = "tested", seed: int = 0, now_ns: int = 0) -> None:
        self._clock = VirtualClock(now_ns)
        super().__init__(address, Moment(self._clock), Stream(stream_key(seed, address)))
        self._numbered = 0
        self.sent: list[Sent[Any]] = []
        self.published: list[Sent[Any]] = []
        self.replies: list[Sent[Any]] = []
        self.requested: list[Sent[Any]] = []
        self.timers_set: list[TimerSet] = []
        self.cancelled: list[int] = []
        self.started: list[tuple[int, Effect[Any]]] = []
        self.subscriptions: dict[str, int] = {}

    def reference(self, address: str) -> ActorRef[M]:
        """Return a reference, as the builder would."""
        return ActorRef(address)

    def set_time(self, now_ns: int) -> None:
        """Let it be `now_ns`."""
        self._clock.now_ns = now_ns

    def handle(
        self, actor: Actor[M], message: M, *, sender: str = "sender", request_id: int = 0,
        answers: int = 0,
    ) -> None:  # fmt: skip
        """Let the actor handle a message as a kernel would: if it raises, nothing was asked.

        A `request_id` makes the message a request of the sender that can be replied to.
        """
        self._numbered += 1
        number, now_ns = self._numbered, self._clock.now_ns
        self._moment.envelope = Envelope(
            number, sender, self.address, now_ns, now_ns, 0, number, message, (), request_id,
            answers,
        )  # fmt: skip
        try:
            actor.receive(self, message)
            self._keep()
        finally:
            self._moment.outbox.clear()

    def _keep(self) -> None:
        for verb, target, payload, more in self._moment.outbox:
            if verb == SEND:
                self.sent.append(Sent(target, payload, more))
            elif verb == PUBLISH:
                self.published.append(Sent(target, payload, more))
            elif verb == REPLY:
                self.replies.append(Sent(target, payload, more[0], more[1]))
            elif verb == REQUEST:
                self.requested.append(Sent(target, payload, more[0], more[1]))
            elif verb == AFTER:
                self.timers_set.append(TimerSet(more, target, self._clock.now_ns + payload))
            elif verb == CANCEL:
                self.cancelled.append(payload)
            elif verb == START:
                self.started.append((more, payload))
            else:
                assert verb == SUBSCRIBE, f"unknown verb {verb}"
                self.subscriptions[target] = payload

    def messages(self) -> list[Message]:
        """Return all that was sent, in order, without addresses."""
        return [sent.message for sent in self.sent]
