"""A run as bytes: taken between two messages, put back into a floor built the same way.

Actors come from their factories again; what changes, and only that, is in here. A snapshot is a
pure function of the run: how far real calls have got is not in it, so effects under way are begun
again, or end as lost.
"""

from typing import Any, Literal

import msgspec

from environment.actors.cell import Cell
from environment.actors.departures import Departures
from environment.actors.durable import Memory, recall, remember
from environment.actors.effects import RecordedEffects, Started
from environment.actors.floor import Floor
from environment.actors.inbox import Key
from environment.actors.ports import AnyEnvelope
from environment.actors.protocol import Protocol
from environment.actors.queue import (
    ADMIT,
    EFFECT,
    EXPIRE,
    REPLY,
    RESTART,
    START,
    TIMER,
    TOPIC,
    WAKE_UP,
    Entry,
    EventQueue,
)
from environment.actors.requests import OpenRequest
from environment.actors.routes import Position
from environment.actors.timers import Timer
from environment.actors.topics import Held, Solo, Topic
from environment.errors import ConfigError, CorruptRecord

FORMAT = "outcry-snapshot/1"
EffectsAfter = Literal["again", "lost"]

_MAIL = -1
_NUMBERED = (TIMER, EXPIRE, EFFECT, WAKE_UP)


class _Mail(msgspec.Struct, frozen=True, array_like=True):
    envelope: msgspec.Raw
    lane: int
    key: Key | None


class _Effect(msgspec.Struct, frozen=True, array_like=True):
    effect_id: int
    effect: msgspec.Raw
    due_ns: int
    cause: int
    chain: int


class _History(msgspec.Struct, frozen=True, array_like=True):
    number: int
    memory: Memory | None
    steps: list[tuple[int, msgspec.Raw]]


class _Held(msgspec.Struct, frozen=True, array_like=True):
    topic: str
    instrument: str
    last_ns: int
    is_waiting: bool
    waiting: msgspec.Raw


class ActorSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One actor: state, stream counters, and everything it is waiting for."""

    address: str
    incarnation: int
    memory: Memory
    history: _History | None
    timers: list[Timer]
    requests: list[OpenRequest]
    effects: list[_Effect]
    subscriptions: dict[str, int]
    held: list[_Held]
    inbox: list[_Mail]
    routes: dict[str, Position]
    topic_routes: dict[str, Position]
    is_up: bool
    is_woken: bool
    busy_until_ns: int
    restart_ns: int
    counts: tuple[int, int, int, int, int, int]


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    at_ns: int
    order: str  # Hexadecimal: with seeded ties it is wider than MessagePack's integers.
    kind: int
    names: list[str]
    number: int = 0
    content: msgspec.Raw = msgspec.Raw(b"\xc0")


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    format: str = FORMAT
    seed: int
    now_ns: int
    sequence: int
    inputs: int
    failures: int
    restarts: dict[str, tuple[int, ...]]
    actors: list[ActorSnapshot]
    topics: dict[str, tuple[list[str], list[str]]]
    queue: list[_Entry]
    engine: bytes


def _raw(item: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(item))


def snapshot_actor(cell: Cell) -> ActorSnapshot:
    """Return all of one actor that changes."""
    inbox, history = cell.inbox, cell.history
    return ActorSnapshot(
        address=cell.address,
        incarnation=cell.incarnation,
        memory=remember(cell.actor, cell.context),
        history=None if history is None else _History(
            history.number, history.base, [(at, _raw(step)) for at, step in history.steps]
        ),
        timers=list(cell.timers.pending.values()),
        requests=list(cell.requests.open.values()),
        effects=[
            _Effect(e.effect_id, _raw(e.effect), e.due_ns, e.cause, e.chain)
            for e, _ in cell.effects.underway.values()
        ],
        subscriptions=cell.subscriptions,
        held=[
            _Held(*key, held.last_ns, held.waiting is not None, _raw(held.waiting))
            for key, held in cell.held.items()
        ],
        inbox=[_Mail(_raw(envelope), lane, key) for envelope, lane, key in inbox.waiting()],
        routes={name: route.position() for name, route in cell.routes.items()},
        topic_routes={name: route.position() for name, route in cell.topic_routes.items()},
        is_up=cell.is_up,
        is_woken=cell.is_woken,
        busy_until_ns=cell.busy_until_ns,
        restart_ns=cell.restart_ns,
        counts=(
            cell.handled, cell.failures, cell.busy_ns, cell.requests.late_replies,
            inbox.conflated, inbox.deepest,
        ),
    )  # fmt: skip


def _entry(entry: Entry) -> _Entry:
    at_ns, order, cell, item = entry
    place = (at_ns, f"{order:x}")
    if cell is not None:
        return _Entry(*place, _MAIL, [cell.address], 0, _raw(item))
    kind, *rest = item
    if kind in _NUMBERED:
        return _Entry(*place, kind, [rest[0].address], rest[1])
    if kind == TOPIC:
        topic = rest[0]
        alone = [cell.address for cell in topic.together] if isinstance(topic, Solo) else []
        return _Entry(*place, kind, [topic.name, *alone], int(topic.is_release), _raw(rest[1]))
    if kind == RESTART:
        return _Entry(*place, kind, list(rest[0]))
    if kind == ADMIT:
        return _Entry(*place, kind, [rest[0], rest[1]], 0, _raw(rest[2]))
    content = _raw(rest[1]) if kind == REPLY else msgspec.Raw(b"\xc0")
    return _Entry(*place, kind, [rest[0].address], 0, content)


def snapshot_run(
    seed: int, floor: Floor, departures: Departures, queue: EventQueue, inputs: int, engine: bytes
) -> bytes:
    """Return a whole run as bytes; equal runs give equal bytes."""
    run = RunSnapshot(
        seed=seed,
        now_ns=floor.moment.clock.now_ns,
        sequence=queue.sequence,
        inputs=inputs,
        failures=floor.failures,
        restarts=floor.tree.counted(),
        actors=[snapshot_actor(cell) for cell in floor.cells.values()],
        topics={
            name: ([cell.address for cell in topic.together], list(topic.apart))
            for name, topic in departures.topics.items()
        },
        queue=[_entry(entry) for entry in sorted(queue.entries(), key=lambda e: e[:2])],
        engine=engine,
    )
    return msgspec.msgpack.encode(run)


class Restorer:
    """Puts a run's bytes back into a floor on which the same actors have been spawned."""

    def __init__(
        self, data: bytes, floor: Floor, departures: Departures, protocol: Protocol
    ) -> None:
        try:
            self.run = msgspec.msgpack.decode(data, type=RunSnapshot)
        except msgspec.MsgspecError as error:
            raise CorruptRecord(f"Expected a snapshot of format {FORMAT!r}: {error}.") from error
        self._floor = floor
        self._departures = departures
        self._protocol = protocol
        found = [actor.address for actor in self.run.actors]
        if found != list(floor.cells):
            raise ConfigError(
                f"Expected the actors {list(floor.cells)} in this order, found {found} in the "
                "snapshot; build the run that was recorded."
            )

    def restore(self, queue: EventQueue, effects: EffectsAfter) -> None:
        """Restore actors, topics and queue."""
        floor = self._floor
        floor.moment.clock.now_ns = self.run.now_ns
        floor.failures = self.run.failures
        floor.tree.take_counted(self.run.restarts)
        for actor in self.run.actors:
            self._restore_actor(floor.cells[actor.address], actor, effects)
        for name, (together, apart) in self.run.topics.items():
            for address in (*together, *apart):
                self._departures.subscribe(floor.cells[address], name, None)
        queue.take_entries([self._entry(row) for row in self.run.queue], self.run.sequence)

    def _envelope(self, raw: msgspec.Raw) -> AnyEnvelope:
        return self._protocol.envelopes.decode(raw)

    def _restore_actor(self, cell: Cell, actor: ActorSnapshot, effects: EffectsAfter) -> None:
        recall(cell.actor, cell.context, actor.memory)
        cell.incarnation = actor.incarnation
        cell.timers.pending = {timer.timer_id: timer for timer in actor.timers}
        cell.requests.open = {request.request_id: request for request in actor.requests}
        cell.subscriptions = dict(actor.subscriptions)
        cell.held = {
            (held.topic, held.instrument): Held(
                held.last_ns, self._envelope(held.waiting) if held.is_waiting else None
            )
            for held in actor.held
        }
        cell.is_up, cell.is_woken = actor.is_up, actor.is_woken
        cell.busy_until_ns, cell.restart_ns = actor.busy_until_ns, actor.restart_ns
        for mail in actor.inbox:
            cell.inbox.put(self._envelope(mail.envelope), mail.lane, mail.key)
        (cell.handled, cell.failures, cell.busy_ns, cell.requests.late_replies,
         cell.inbox.conflated, cell.inbox.deepest) = actor.counts  # fmt: skip
        departures = self._departures
        for name, position in actor.routes.items():
            departures.connect(cell, name, cell.routes).take_position(position)
        for name, position in actor.topic_routes.items():
            departures.connect(cell, name, cell.topic_routes).take_position(position)
        if cell.history is not None and actor.history is not None:
            steps = [(at, self._envelope(step)) for at, step in actor.history.steps]
            cell.history.take(actor.history.number, actor.history.memory, steps)
        for row in actor.effects:
            effect: Any = self._protocol.messages.decode(row.effect)
            started = Started(row.effect_id, effect, row.due_ns, row.cause, row.chain)
            if effects == "again":
                departures.perform(cell, started)
            else:
                lost = RecordedEffects({}).start(cell.address, row.effect_id, effect)
                cell.effects.add(started, lost)
        cell.settle()

    def _topic(self, row: _Entry) -> Topic:
        topic = self._departures.topic(row.names[0])
        if len(row.names) == 1:
            return topic
        cell = self._floor.cells[row.names[1]]
        interval_ns = cell.subscriptions.get(topic.name, 0)
        return Solo(topic.name, cell, interval_ns, is_release=bool(row.number))

    def _entry(self, row: _Entry) -> Entry:
        cells, order = self._floor.cells, int(row.order, 16)
        item: tuple[Any, ...]
        if row.kind == _MAIL:
            return row.at_ns, order, cells[row.names[0]], self._envelope(row.content)
        if row.kind in _NUMBERED:
            item = (row.kind, cells[row.names[0]], row.number)
        elif row.kind == TOPIC:
            item = (TOPIC, self._topic(row), self._envelope(row.content))
        elif row.kind == RESTART:
            item = (RESTART, tuple(row.names))
        elif row.kind == ADMIT:
            item = (ADMIT, *row.names, self._protocol.messages.decode(row.content))
        elif row.kind == REPLY:
            item = (REPLY, cells[row.names[0]], self._envelope(row.content))
        else:
            assert row.kind == START, f"entry kind {row.kind}"
            item = (START, cells[row.names[0]])
        return row.at_ns, order, None, item
