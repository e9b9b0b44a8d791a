"""What a handler may ask for. Everything is appended and leaves after the handler returned."""

from typing import Any, Generic, TypeVar

import msgspec

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
    Outbox,
)
from environment.actors.ports import Clock
from environment.actors.reference import ActorRef
from environment.draws import Stream
from environment.messages import Effect, Message, Request

M = TypeVar("M")
R = TypeVar("R")
S = TypeVar("S", bound=Message)


class Moment:
    """What all contexts of a kernel share: the clock, the envelope in hand, the open outbox."""

    __slots__ = ("clock", "envelope", "outbox")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.envelope: Envelope[Any] | None = None
        self.outbox: Outbox = []


class ReplyTo(msgspec.Struct, Generic[R], frozen=True):
    """The right to answer one request later; state may hold it, and a snapshot too."""

    address: str
    request_id: int


class ActorContext:
    """One actor's hands. Made by the kernel; `rng` is the actor's own stream."""

    __slots__ = ("_ask", "_moment", "address", "effects", "requests", "rng", "timers")

    def __init__(self, address: str, moment: Moment, rng: Stream) -> None:
        self.address = address
        self.rng = rng
        self.timers = self.requests = self.effects = 0  # Last ids given; each actor has its own.
        self._moment = moment
        self._ask = moment.outbox.append

    def now_ns(self) -> int:
        """Return the time, nanoseconds since 1970 UTC; constant within a handler."""
        return self._moment.clock.now_ns

    def send(self, to: ActorRef[S], message: S, evidence: tuple[int, ...] = ()) -> None:
        """Send one message; `evidence` names envelopes it rests on besides the one in hand."""
        self._ask((SEND, to.address, message, evidence))

    def publish(self, topic: str, message: Message, evidence: tuple[int, ...] = ()) -> None:
        """Send one message to whoever has subscribed to `topic` when it arrives."""
        self._ask((PUBLISH, topic, message, evidence))

    def subscribe(self, topic: str, interval_ns: int = 0) -> None:
        """Receive what is published on `topic`.

        With an interval above 0 a value waiting in the inbox gives way to the newest of its
        instrument; with 0 every one is delivered.
        """
        if interval_ns < 0:
            raise ValueError(f"Expected an interval of at least 0 ns, found {interval_ns}.")
        self._ask((SUBSCRIBE, topic, interval_ns, None))

    def request(
        self, to: ActorRef[S], message: S, deadline_ns: int, evidence: tuple[int, ...] = ()
    ) -> int:
        """Ask, and return the request's id; one reply or RequestExpired(id) will be delivered."""
        if not isinstance(message, Request):
            raise TypeError(f"Expected a Request, found {type(message).__name__}; use send.")
        if deadline_ns <= self._moment.clock.now_ns:
            raise ValueError(f"Expected a deadline after now, found {deadline_ns}.")
        self.requests += 1
        more = (evidence, self.requests, deadline_ns)
        self._ask((REQUEST, to.address, message, more))
        return self.requests

    def reply_to(self, request: Request[R]) -> ReplyTo[R]:
        """Return the right to answer the request in hand later."""
        envelope = self._moment.envelope
        if envelope is None or envelope.message is not request or not envelope.request_id:
            raise ValueError(
                f"Expected the request being handled, found another {type(request).__name__}; "
                "take reply_to(request) in its own handler and keep that."
            )
        return ReplyTo(envelope.sender, envelope.request_id)

    def reply(
        self, request: Request[R] | ReplyTo[R], message: R, evidence: tuple[int, ...] = ()
    ) -> None:
        """Answer the request in hand, or one whose ReplyTo was kept."""
        to = request if isinstance(request, ReplyTo) else self.reply_to(request)
        self._ask((REPLY, to.address, message, (evidence, to.request_id)))

    def sender(self) -> str:
        """Return the address that sent the message in hand; "" outside a handler.

        It is written by the kernel, so unlike anything a message says of itself it can be believed.
        """
        return self._moment.envelope.sender if self._moment.envelope else ""

    def envelope(self) -> Envelope[Any] | None:
        """Return the envelope in hand; None outside a handler."""
        return self._moment.envelope

    def answered(self) -> int:
        """Return the id of the request that the message in hand answers, or 0."""
        return self._moment.envelope.answers if self._moment.envelope else 0

    def envelope_id(self) -> int:
        """Return the id of the envelope in hand, to be named as evidence later."""
        return self._moment.envelope.id if self._moment.envelope else 0

    def after(self, delay_ns: int, name: str = "") -> int:
        """Return the id of a timer that fires as TimerFired, `delay_ns` (1 at least) from now."""
        if delay_ns < 0:
            raise ValueError(f"Expected a delay of at least 0 ns, found {delay_ns} for {name!r}.")
        self.timers += 1
        self._ask((AFTER, name, delay_ns or 1, self.timers))
        return self.timers

    def cancel_timer(self, timer_id: int) -> None:
        """Let a timer not fire, even if it is due and waits in the inbox."""
        self._ask((CANCEL, "", timer_id, None))

    def start(self, effect: Effect[Any]) -> int:
        """Have an effect performed, and return its id; one EffectDone or EffectFailed follows."""
        self.effects += 1
        self._ask((START, "", effect, self.effects))
        return self.effects
