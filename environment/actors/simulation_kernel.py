"""The simulation kernel: one virtual clock, one queue, the same run from the same seed."""

from collections.abc import Callable
from itertools import islice
from typing import Final

from environment.actors.cell import Cell
from environment.actors.collection import unhurried_collection
from environment.actors.context import Moment
from environment.actors.departures import Departures
from environment.actors.envelope import CONTROL, DATA, Envelope
from environment.actors.floor import Floor, lane_of
from environment.actors.kernel import Kernel
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import (
    ADMIT,
    EFFECT,
    FIRST_LANE,
    INPUT,
    NEVER,
    REPLY,
    TOPIC,
    WAKE_UP,
    Entry,
    EventQueue,
)
from environment.actors.settings import Ports, Settings
from environment.actors.snapshot import EffectsAfter, Restorer, snapshot_run
from environment.actors.statistics import KernelStatistics, Samples, actor_statistics
from environment.errors import ConfigError, Defect
from environment.messages import Message

_BURST: Final = 250  # Messages between two looks at the recorder and at a request to stop.
_ALL_SAMPLED: Final = 1_000  # So many first entries are all measured, so that short runs show.


class SimulationKernel(Kernel):
    """Runs actors and an engine in virtual time.

    Build it, `spawn` the actors, then `run_until` any moment, as often as wanted: where the loop
    returns never changes what it does.
    """

    queue: EventQueue
    departures: Departures

    def __init__(self, settings: Settings | None = None, ports: Ports | None = None) -> None:
        settings, ports = settings or Settings(), ports or Ports()
        queue, moment = EventQueue(settings.seed, settings.ties), Moment(ports.clock)
        self._clock = ports.clock
        self._clock.now_ns = settings.start_ns
        departures = Departures(settings.seed, queue, moment, ports)
        departures.effect_latencies.update(settings.effect_latency)
        super().__init__(settings, ports, queue, Floor(settings, ports, queue, moment, departures))
        self._engine = ports.engine
        self._samples = Samples()
        self._inputs = self._rounds = 0
        self._special |= {
            TOPIC: self._on_topic,
            REPLY: self._on_reply,
            EFFECT: self._on_effect,
            WAKE_UP: self.floor.wake,
            ADMIT: lambda by, to, message: self._admit(self._cells[to], by, message),
        }

    # --- looking -----------------------------------------------------------------------------

    def statistics(self) -> KernelStatistics:
        """Return counts, waiting mail, busy times, and sampled durations."""
        actors = actor_statistics(self._cells.values())
        return KernelStatistics(
            now_ns=self._clock.now_ns,
            handled=sum(actor.handled for actor in actors),
            sequence=self.queue.sequence,
            queued=len(self.queue),
            failures=self.floor.failures,
            inboxes_pressed=self.floor.pressure.inboxes,
            actors=actors,
            slowest=self._samples.slowest(),
            latency=self._samples.latency(),
        )

    # --- what an engine says ------------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the virtual time."""
        return self._clock.now_ns

    def deliver(
        self, at_ns: int, sender: str, recipient: str, message: Message, lane: int | None = None,
        *, cause: int = 0, chain: int = 0, answers: int = 0, sent_ns: int | None = None,
    ) -> int:  # fmt: skip
        """Send from an engine to an actor, arriving at `at_ns`; return the envelope's id.

        Without `sent_ns` the envelope says that it was sent when it arrived: an engine is ahead of
        the kernel's clock by an amount that depends on where the loop returned.
        """
        cell = self._cells.get(recipient)
        if cell is None or at_ns < self._clock.now_ns:
            raise Defect(
                f"{sender} delivers a {type(message).__name__} to {recipient} at {at_ns} ns; "
                f"expected an actor's address, and a time not before {self._clock.now_ns} ns."
            )
        queue = self.queue
        queue.sequence = number = queue.sequence + 1
        envelope = Envelope(
            number, sender, recipient, at_ns if sent_ns is None else sent_ns, at_ns,
            cause, chain or number, message, (), 0, answers,
        )  # fmt: skip
        self.ports.recorder.sent(envelope)
        if lane is None:
            lane = CONTROL if message.LANE == "control" else DATA
        order = queue.bases[FIRST_LANE + lane] + number
        if queue.is_seeded:
            order += queue.tie(number)
        if answers:
            queue.add((at_ns, order, None, (REPLY, cell, envelope)))
        else:
            queue.add((at_ns, order, cell, envelope))
        return number

    def deliver_topic(
        self, at_ns: int, sender: str, topic: str, message: Message, sent_ns: int | None = None
    ) -> int:
        """Publish from an engine: one entry, one envelope, not journalled; return its id."""
        number, now_ns = self.queue.number(), self._clock.now_ns
        if at_ns < now_ns:
            raise Defect(f"{sender} publishes on {topic} at {at_ns} ns, before {now_ns} ns.")
        left_ns = at_ns if sent_ns is None else sent_ns
        envelope = Envelope(number, sender, topic, left_ns, at_ns, 0, number, message)
        self.departures.queue_topic(self.departures.topic(topic), envelope)
        return number

    def has_subscribers(self, topic: str) -> bool:
        """Return whether anybody would hear a publication now."""
        known = self.departures.topics.get(topic)
        return known is not None and bool(known.together or known.apart)

    # --- running ----------------------------------------------------------------------------

    def run_until(self, until_ns: int) -> None:
        """Handle all that happens up to and including `until_ns`, then stand at that time."""
        self._run_guarded(until_ns)
        if not self.stop_reason and self._clock.now_ns < until_ns:
            self._clock.now_ns = until_ns

    def run(self) -> None:
        """Run until nothing is left to happen, or until told to stop."""
        self._run_guarded(NEVER - 1)

    def stop(self, reason: str) -> None:
        """Have the loop return between two messages; may be called from a signal handler."""
        self.stop_reason = reason
        self.queue.limit_ns = -1

    def admit_at(self, at_ns: int, sender: str, recipient: str, message: Message) -> None:
        """Let something from outside in at a moment after now; it is journalled as input."""
        if recipient not in self._cells or at_ns <= self._clock.now_ns:
            raise ConfigError(
                f"{sender} admits a {type(message).__name__} to {recipient} at {at_ns} ns; "
                f"expected an actor's address, and a time after {self._clock.now_ns} ns."
            )
        # Numbered apart from the run's sequence: a replay admits all input beforehand.
        self._inputs += 1
        order = self.queue.bases[INPUT] + self._inputs
        self.queue.add((at_ns, order, None, (ADMIT, sender, recipient, message)))

    def next_ns(self) -> int | None:
        """Return when the next thing happens, or None when nothing will."""
        first, engine_ns = self.queue.peek(), self._engine.next_ns()
        times = [engine_ns] if engine_ns is not None else []
        return min([first[0], *times] if first is not None else times, default=None)

    def close(self) -> None:
        """Give back what effects hold; the run is over."""
        self.ports.effects.close()

    # --- keeping -----------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole run, between two messages."""
        engine = self._engine.snapshot()
        return snapshot_run(
            self.settings.seed, self.floor, self.departures, self.queue, self._inputs, engine
        )

    def restore(self, data: bytes, effects: EffectsAfter = "again") -> None:
        """Take a run back into a kernel built as the one that was recorded.

        Effects that were under way are performed again, or end as EffectFailed("lost").
        """
        restorer = Restorer(data, self.floor, self.departures, self.ports.protocol)
        if restorer.run.seed != self.settings.seed:
            raise ConfigError(
                f"Expected a snapshot of seed {self.settings.seed}, found {restorer.run.seed}."
            )
        restorer.restore(self.queue, effects)
        self._inputs = restorer.run.inputs
        self._engine.restore(restorer.run.engine)

    def _run_guarded(self, until_ns: int) -> None:
        self.check_promises()
        try:
            with unhurried_collection():
                self._run(until_ns)
        except Defect as defect:
            self.stop_reason = str(defect)  # What broke the run must not be run past.
            raise

    def _run(self, until_ns: int) -> None:
        queue, engine, drain = self.queue, self._engine, self.ports.recorder.drain
        while not self.stop_reason:
            engine_ns = engine.next_ns()
            queue.limit_ns = until_ns if engine_ns is None else min(until_ns, engine_ns - 1)
            first = queue.peek()
            if first is not None and first[0] <= queue.limit_ns:
                self._rounds += 1
                # The first are all measured; then one in sixteen rounds, however short they are.
                if self._rounds <= _ALL_SAMPLED:
                    self._sample(first)
                else:
                    if self._rounds & 15 == 0:
                        self._sample(first)
                    self._burst(_BURST)
                drain()
            elif engine_ns is not None and engine_ns <= until_ns:
                engine.advance(until_ns if first is None else min(first[0], until_ns))
            else:
                break

    def _sample(self, first: Entry) -> None:
        """Handle one entry, and if it is a message to one actor, measure that."""
        at_ns, _, cell, item = first
        started = self.ports.wall.monotonic_ns()
        self._burst(1)
        if cell is not None:
            elapsed_ns = self.ports.wall.monotonic_ns() - started
            self._samples.add(cell.kind, item.message, elapsed_ns, at_ns - item.sent_ns)

    def _burst(self, count: int) -> None:
        """Handle up to `count` entries of the bucket in hand; the first branch is the hot path."""
        queue, clock, moment = self.queue, self._clock, self.floor.moment
        outbox, release, record = moment.outbox, self.departures.release, self.ports.recorder.sent
        for at_ns, order, cell, item in islice(queue.iterator, count):
            if at_ns > queue.limit_ns:
                queue.put_back()
                return
            clock.now_ns = at_ns
            if cell is None:
                self._special[item[0]](*item[1:])
            elif cell.is_plain:
                moment.envelope = item
                try:
                    cell.receive(cell.context, item.message)
                # The supervisor: whatever a handler raises is its actor's end, not the run's.
                except Exception as error:  # noqa: BLE001
                    self.floor.fail(cell, item, error)
                    continue
                cell.handled += 1
                if outbox:
                    release(cell, item, at_ns, record)
            elif cell.is_paced and cell.busy_until_ns <= at_ns:
                # The same for an actor whose messages cost time; it is free.
                moment.envelope = item
                try:
                    cell.receive(cell.context, item.message)
                # The supervisor, as above.
                except Exception as error:  # noqa: BLE001
                    self.floor.fail(cell, item, error)
                    continue
                cell.handled += 1
                departure_ns = at_ns
                if type(item.message) not in cell.costless:
                    cell.busy_ns += cell.cost_ns
                    cell.busy_until_ns = departure_ns = at_ns + cell.cost_ns
                if outbox:
                    release(cell, item, departure_ns, record)
            else:
                self.floor.arrive(cell, item, queue.priority(order) - FIRST_LANE)

    # --- what is in the queue besides mail ------------------------------------------------------

    def _on_reply(self, cell: Cell, envelope: AnyEnvelope) -> None:
        self.floor.arrive(cell, envelope, lane_of(envelope.message))

    def _on_effect(self, cell: Cell, effect_id: int) -> None:
        if effect_id not in cell.effects.underway:
            return  # Voided by a restart.
        started, performance = cell.effects.underway[effect_id]
        outcome = performance.outcome(effect_id, lambda: bool(self.stop_reason))
        if outcome is None:
            # Interrupted while waiting: the entry stays first, so that the run can be continued.
            self.queue.put_back()
            return
        del cell.effects.underway[effect_id]
        self._admit(cell, "effect", outcome, started.cause, started.chain)


def fork(kernel: SimulationKernel, build: Callable[[], SimulationKernel]) -> SimulationKernel:
    """Return a second run that goes on from where `kernel` stands; `build` makes it from nothing.

    The two share nothing, and with the same inputs go on alike.
    """
    twin = build()
    twin.restore(kernel.snapshot())
    return twin
