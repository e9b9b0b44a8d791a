"""What leaves an actor after its handler returned: each verb carried out, in order."""

from collections.abc import Callable
from typing import Final

from environment.actors.cell import Cell
from environment.actors.conflation import hearers
from environment.actors.context import Moment
from environment.actors.effects import AnyEffect, Started
from environment.actors.envelope import Envelope
from environment.actors.latency import Constant, LatencyModel
from environment.actors.outbox import (
    AFTER,
    CANCEL,
    MAIL,
    PUBLISH,
    REPLY,
    REQUEST,
    SEND,
    START,
    Asked,
)
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import (
    EFFECT,
    EXPIRE,
    EXPIRY,
    FIRST_LANE,
    REPLY as REPLY_ENTRY,
    TIMER,
    TOPIC,
    EventQueue,
)
from environment.actors.requests import OpenRequest
from environment.actors.routes import Route
from environment.actors.settings import Ports
from environment.actors.timers import Timer
from environment.actors.topics import Solo, Topic
from environment.draws import stream_key
from environment.errors import Defect
from environment.messages import TimerFired

Record = Callable[[AnyEnvelope], None]

_DATA: Final = FIRST_LANE + 1
_EFFECT_LATENCY: Final = Constant(nanoseconds=1_000_000_000)


class Departures:
    """Releases outboxes into the queue, the engine, the timers and the effects."""

    def __init__(self, seed: int, queue: EventQueue, moment: Moment, ports: Ports) -> None:
        self.cells: dict[str, Cell] = {}
        self.topics: dict[str, Topic] = {}
        self.effect_latencies: dict[str, LatencyModel] = {}
        self._seed = seed
        self._queue = queue
        self._outbox = moment.outbox
        self._moment = moment
        self._link = ports.link
        self._engine = ports.engine
        self._effects = ports.effects
        self._control, self._data = queue.bases[FIRST_LANE], queue.bases[_DATA]

    def topic(self, name: str) -> Topic:
        """Return a topic, made when it is first named."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name)
        return topic

    def release(self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, record: Record) -> None:
        """Carry out all that the handler asked for, and empty the outbox.

        The first branch is most of what a run does; it is written out for speed.
        """
        queue, routes, has_posted = self._queue, cell.routes, False
        address, cause, chain = cell.address, in_hand.id, in_hand.chain
        for asked in self._outbox:
            verb, target, message, more = asked
            route = routes.get(target) if verb == SEND else None
            if route is None or not route.is_simple:
                if route is None or not route.is_handed_over:
                    self._carry_out(cell, in_hand, departure_ns, record, asked)
                    continue
                queue.sequence = number = queue.sequence + 1
                envelope = Envelope(
                    number, address, target, departure_ns, departure_ns, cause, chain, message, more
                )
                record(envelope)
                self._engine.post(departure_ns, envelope)
                has_posted = True
                continue
            at = departure_ns + (route.constant_ns or (route.ahead or route.draw()).pop())
            if not route.constant_ns:
                at = route.last_ns = max(route.last_ns, at)
            queue.sequence = number = queue.sequence + 1
            envelope = Envelope(
                number, address, target, departure_ns, at, cause, chain, message, more
            )
            record(envelope)
            order = number + (self._data if message.LANE == "data" else self._control)
            slot = at >> queue.width
            bucket = queue.buckets.get(slot) if slot > queue.slot else None
            if bucket is not None:
                bucket.append((at, order, route.cell, envelope))
            else:
                queue.add((at, order, route.cell, envelope))
        self._outbox.clear()
        if has_posted:
            self.look_at_engine()

    def _carry_out(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, record: Record, asked: Asked
    ) -> None:
        verb, target, payload, more = asked
        if verb in MAIL:
            self._mail(cell, in_hand, departure_ns, record, asked)
        elif verb == AFTER:
            due_ns = self._moment.clock.now_ns + payload
            cell.timers.set(Timer(more, target, due_ns, in_hand.id, in_hand.chain))
            self._queue.push(due_ns, _DATA, None, (TIMER, cell, more))
        elif verb == CANCEL:
            self._cancel(cell, payload)
        elif verb == START:
            self._start(cell, in_hand, departure_ns, payload, more)
        else:
            self.subscribe(cell, target, payload)

    def _mail(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, record: Record, asked: Asked
    ) -> None:
        verb, target, message, more = asked
        evidence, request_id, answers = more, 0, 0
        if verb == REPLY:
            evidence, answers = more
        elif verb == REQUEST:
            evidence, request_id, deadline_ns = more
        routes = cell.topic_routes if verb == PUBLISH else cell.routes
        route = routes.get(target) or self.connect(cell, target, routes)
        at = route.arrival(departure_ns)
        envelope = Envelope(
            self._queue.number(), cell.address, target, departure_ns, at, in_hand.id,
            in_hand.chain, message, evidence, request_id, answers,
        )  # fmt: skip
        record(envelope)
        if request_id:
            cell.requests.ask(OpenRequest(request_id, deadline_ns, envelope.id, envelope.chain))
            self._queue.push(deadline_ns, EXPIRY, None, (EXPIRE, cell, request_id))
        if verb == PUBLISH:
            self.queue_topic(self.topic(target), envelope, route)
        elif route.cell is None:
            self._engine.post(at, envelope)
            self.look_at_engine()
        else:
            self._queue_mail(route, route.cell, envelope)

    def _queue_mail(self, route: Route, to: Cell, envelope: AnyEnvelope) -> None:
        queue, at = self._queue, envelope.delivered_ns
        base = self._control if envelope.message.LANE == "control" else self._data
        item = (REPLY_ENTRY, to, envelope) if envelope.answers else envelope
        entry_cell = None if envelope.answers else to
        number = envelope.id
        for copy in range(route.copies()):
            if copy:
                at, number = route.arrival(envelope.sent_ns), queue.number()
            order = base + number + route.tie(at, queue.tie(number))
            queue.add((at, order, entry_cell, item))

    def queue_topic(self, topic: Topic, envelope: AnyEnvelope, route: Route | None = None) -> None:
        """Queue a publication: one entry for those who share its latency, one for each other."""
        queue, at = self._queue, envelope.delivered_ns
        tie = queue.tie(envelope.id)
        order = self._data + envelope.id + (route.tie(at, tie) if route else tie)
        queue.add((at, order, None, (TOPIC, topic, envelope)))
        for address, (cell, own) in topic.apart.items():
            key = stream_key(self._seed, f"{topic.name}>{address}")
            arrival_ns = envelope.sent_ns + own.block(key, envelope.id, 1)[0]
            if address in topic.paced:
                alone = Solo(topic.name, cell, topic.paced[address], is_release=False)
                queue.push(arrival_ns, _DATA, None, (TOPIC, alone, envelope))
            else:
                queue.push(arrival_ns, _DATA, cell, envelope)

    def hearers(self, topic: Topic, envelope: AnyEnvelope) -> tuple[list[Cell], AnyEnvelope]:
        """Return who is given a publication now, and as what: some have an interval."""
        return hearers(self._queue, self._moment.clock.now_ns, topic, envelope)

    def connect(self, cell: Cell, target: str, routes: dict[str, Route]) -> Route:
        """Open a connection; `routes` is the cell's to actors, or its to topics."""
        connection = self._link.connection(cell.address, target)
        route = Route(self._seed, cell.address, target, connection)
        if routes is cell.routes:
            route.cell = self.cells.get(target)
            if route.cell is None and target not in self._engine.addresses:
                raise Defect(
                    f"{cell.address} sends to {target}, where nothing stands; the builder that "
                    "made the reference must start that actor."
                )
        route.is_simple = (
            route.cell is not None
            and not connection.is_faulty
            and connection.latency is not None
            and not self._queue.is_seeded
        )
        route.is_handed_over = route.cell is None and connection.latency is None
        routes[target] = route
        return route

    def look_at_engine(self) -> None:
        """Handle nothing before the engine's next event."""
        next_ns = self._engine.next_ns()
        if next_ns is not None and next_ns <= self._queue.limit_ns:
            self._queue.limit_ns = next_ns - 1

    def _cancel(self, cell: Cell, timer_id: int) -> None:
        if cell.timers.take(timer_id) is None and cell.inbox:
            cell.inbox.drop(
                lambda waiting: (
                    isinstance(waiting.message, TimerFired) and waiting.message.timer_id == timer_id
                )
            )

    def _start(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, effect: AnyEffect, effect_id: int
    ) -> None:
        latency = self.effect_latencies.get(cell.kind, _EFFECT_LATENCY)
        key = stream_key(self._seed, f"{cell.address}/effects")
        due_ns = departure_ns + latency.block(key, effect_id, 1)[0]
        self.perform(cell, Started(effect_id, effect, due_ns, in_hand.id, in_hand.chain))
        self._queue.push(due_ns, _DATA, None, (EFFECT, cell, effect_id))

    def perform(self, cell: Cell, started: Started) -> None:
        """Begin the real work of an effect that is, or was, started."""
        performance = self._effects.start(cell.address, started.effect_id, started.effect)
        cell.effects.add(started, performance)

    def subscribe(self, cell: Cell, topic: str, interval_ns: int | None) -> None:
        """Let an actor hear a topic; a later call changes the interval (None: keep it)."""
        if interval_ns is not None:
            cell.subscriptions[topic] = interval_ns
        own = self._link.subscription(topic, cell.address)
        self.topic(topic).add(cell, own, cell.subscriptions.get(topic, 0))
        self._engine.heard(topic)
