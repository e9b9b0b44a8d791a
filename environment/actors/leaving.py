"""What both kernels do alike with what a handler asked for: timers, deadlines, topics.

How mail travels differs, so each kernel's departures write that out, and fast.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from environment.actors.cell import Cell
from environment.actors.conflation import hearers
from environment.actors.context import Moment
from environment.actors.effects import Performance, Started
from environment.actors.envelope import Envelope
from environment.actors.latency import LatencyModel
from environment.actors.outbox import AFTER, REPLY, REQUEST, Asked
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import EXPIRE, EXPIRY, FIRST_LANE, TIMER
from environment.actors.requests import OpenRequest
from environment.actors.settings import Ports
from environment.actors.timers import Timer
from environment.actors.topics import Topic
from environment.messages import TimerFired

Record = Callable[[AnyEnvelope], None]

DATA_PRIORITY: Final = FIRST_LANE + 1


class Queue(Protocol):
    """What is needed of a kernel's queue."""

    sequence: int

    def number(self) -> int:
        """Return the next number of the sequence."""

    def push(self, at_ns: int, priority: int, cell: Cell | None, item: tuple[Any, ...]) -> None:
        """Have something happen at a moment."""


class Leaving:
    """Actors and topics by name, and what an outbox asks of them."""

    def __init__(self, queue: Queue, moment: Moment, ports: Ports) -> None:
        self.cells: dict[str, Cell] = {}
        self.topics: dict[str, Topic] = {}
        self.effect_latencies: dict[str, LatencyModel] = {}  # Real work takes its own time.
        self._queue = queue
        self._moment = moment
        self._outbox = moment.outbox
        self._effects = ports.effects

    def release(self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, record: Record) -> None:
        """Carry out all that the handler asked for, and empty the outbox."""
        raise NotImplementedError(f"{type(self).__name__} releases nothing")

    def subscribe(self, cell: Cell, topic: str, interval_ns: int | None) -> None:
        """Let an actor hear a topic; a later call changes the interval (None: keep it)."""
        raise NotImplementedError(f"{type(self).__name__} has no topics")

    def topic(self, name: str) -> Topic:
        """Return a topic, made when it is first named."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name)
        return topic

    def hearers(self, topic: Topic, envelope: AnyEnvelope) -> tuple[list[Cell], AnyEnvelope]:
        """Return who is given a publication now, and as what: some have an interval."""
        return hearers(self._queue, self._moment.clock.now_ns, topic, envelope)

    def perform(self, cell: Cell, started: Started) -> Performance:
        """Begin the real work of an effect that is, or was, started."""
        performance = self._effects.start(cell.address, started.effect_id, started.effect)
        cell.effects.add(started, performance)
        return performance

    def _time(self, cell: Cell, in_hand: AnyEnvelope, asked: Asked) -> None:
        """Set a timer, counted from now, or cancel one: also where it has fired and waits."""
        verb, name, number, timer_id = asked
        if verb == AFTER:
            due_ns = self._moment.clock.now_ns + number
            cell.timers.set(Timer(timer_id, name, due_ns, in_hand.id, in_hand.chain))
            self._queue.push(due_ns, DATA_PRIORITY, None, (TIMER, cell, timer_id))
        elif cell.timers.take(number) is None and cell.inbox:
            cell.inbox.drop(
                lambda waiting: (
                    isinstance(waiting.message, TimerFired) and waiting.message.timer_id == number
                )
            )

    def _envelope(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, at_ns: int, asked: Asked
    ) -> AnyEnvelope:
        """Return the envelope of something that is sent, replied, requested or published."""
        verb, target, message, more = asked
        evidence, request_id, answers = more, 0, 0
        if verb == REPLY:
            evidence, answers = more
        elif verb == REQUEST:
            evidence, request_id, _ = more
        return Envelope(
            self._queue.number(), cell.address, target, departure_ns, at_ns, in_hand.id,
            in_hand.chain, message, evidence, request_id, answers,
        )  # fmt: skip

    def _expect_reply(self, cell: Cell, envelope: AnyEnvelope, asked: Asked) -> None:
        """Open a request until it is answered or its deadline comes."""
        _, _, deadline_ns = asked[3]
        request_id = envelope.request_id
        cell.requests.ask(OpenRequest(request_id, deadline_ns, envelope.id, envelope.chain))
        self._queue.push(deadline_ns, EXPIRY, None, (EXPIRE, cell, request_id))
