"""What leaves an actor after its handler returned: each verb carried out, in order."""

from typing import Final

from environment.actors.cell import Cell
from environment.actors.context import Moment
from environment.actors.effects import AnyEffect, Started
from environment.actors.envelope import Envelope
from environment.actors.latency import Constant
from environment.actors.leaving import DATA_PRIORITY, Leaving, Record
from environment.actors.outbox import (
    AFTER,
    CANCEL,
    MAIL,
    PUBLISH,
    REQUEST,
    SEND,
    START,
    Asked,
)
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import (
    EFFECT,
    FIRST_LANE,
    REPLY as REPLY_ENTRY,
    TOPIC,
    EventQueue,
)
from environment.actors.routes import Route
from environment.actors.settings import Ports
from environment.actors.topics import Solo, Topic
from environment.draws import stream_key
from environment.errors import Defect

_EFFECT_LATENCY: Final = Constant(nanoseconds=1_000_000_000)


class Departures(Leaving):
    """Releases outboxes into the queue, the engine, the timers and the effects."""

    _queue: EventQueue

    def __init__(self, seed: int, queue: EventQueue, moment: Moment, ports: Ports) -> None:
        super().__init__(queue, moment, ports)
        self._seed = seed
        self._link = ports.link
        self._engine = ports.engine
        self._control, self._data = queue.bases[FIRST_LANE], queue.bases[DATA_PRIORITY]

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
        elif verb in (AFTER, CANCEL):
            self._time(cell, in_hand, asked)
        elif verb == START:
            self._start(cell, in_hand, departure_ns, payload, more)
        else:
            self.subscribe(cell, target, payload)

    def _mail(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, record: Record, asked: Asked
    ) -> None:
        verb, target = asked[:2]
        routes = cell.topic_routes if verb == PUBLISH else cell.routes
        route = routes.get(target) or self.connect(cell, target, routes)
        at = route.arrival(departure_ns)
        envelope = self._envelope(cell, in_hand, departure_ns, at, asked)
        record(envelope)
        if verb == REQUEST:
            self._expect_reply(cell, envelope, asked)
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
                queue.push(arrival_ns, DATA_PRIORITY, None, (TOPIC, alone, envelope))
            else:
                queue.push(arrival_ns, DATA_PRIORITY, cell, envelope)

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

    def _start(
        self, cell: Cell, in_hand: AnyEnvelope, departure_ns: int, effect: AnyEffect, effect_id: int
    ) -> None:
        latency = self.effect_latencies.get(cell.kind, _EFFECT_LATENCY)
        key = stream_key(self._seed, f"{cell.address}/effects")
        due_ns = departure_ns + latency.block(key, effect_id, 1)[0]
        self.perform(cell, Started(effect_id, effect, due_ns, in_hand.id, in_hand.chain))
        self._queue.push(due_ns, DATA_PRIORITY, None, (EFFECT, cell, effect_id))

    def subscribe(self, cell: Cell, topic: str, interval_ns: int | None) -> None:
        """Let an actor hear a topic; a later call changes the interval (None: keep it)."""
        if interval_ns is not None:
            cell.subscriptions[topic] = interval_ns
        own = self._link.subscription(topic, cell.address)
        self.topic(topic).add(cell, own, cell.subscriptions.get(topic, 0))
        self._engine.heard(topic)
