"""The live kernel: the same actors in real time, one queue of ready work, one task that drains it.

No message costs a task, a future or a lock. Gateways and effects are the only other tasks; threads
enter by the admission queue. `turn` is an ordinary function, so that a test can drive a kernel
through virtual time without an event loop.
"""

from collections import deque
from typing import Any, Final

from environment.actors.admission import Admission
from environment.actors.cell import Cell
from environment.actors.context import Moment
from environment.actors.effects import Outcome
from environment.actors.envelope import Envelope
from environment.actors.inbox import Waiting
from environment.actors.kernel import Kernel
from environment.actors.live_clock import LiveClock
from environment.actors.live_departures import LiveDepartures
from environment.actors.live_floor import KERNEL, LiveFloor, Written
from environment.actors.live_inbox import LiveInbox
from environment.actors.live_queue import LiveQueue, Special
from environment.actors.live_settings import Alarmed, LiveSettings
from environment.actors.live_statistics import LiveStatistics, Measures
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import TOPIC
from environment.actors.settings import Ports, Settings
from environment.errors import ConfigError
from environment.messages import ClockStepped, Message

CLOCK_TOPIC: Final = "kernel/clock"  # Where ClockStepped is published.

_MAIL, _TOPIC, _EFFECT = range(3)  # Kinds of entrants.
_STREAK: Final = 64  # Urgent visits before an ordinary one has its turn.


class LiveKernel(Kernel):
    """Runs actors in real time. Build it, `spawn`, then drain it: `environment.actors.live_run`."""

    queue: LiveQueue
    departures: LiveDepartures
    floor: LiveFloor

    def __init__(
        self, settings: Settings | None = None, ports: Ports | None = None,
        live: LiveSettings | None = None, clock: LiveClock | None = None, epoch: int = 0,
    ) -> None:  # fmt: skip
        """Make a kernel; `ports.clock` is not used: `clock` stands for it and steers timers too."""
        settings, ports = settings or Settings(), ports or Ports()
        self.live = live or LiveSettings()
        self.epoch = epoch
        self.clock = clock or LiveClock()
        queue, moment = LiveQueue(self.clock, epoch), Moment(self.clock)
        departures = LiveDepartures(queue, moment, ports, self._on_effect_done, self._lost)
        floor = LiveFloor(settings, ports, queue, departures, moment)
        super().__init__(settings, ports, queue, floor)
        self.admission = Admission(floor.pressure)
        self.measures = Measures(self.live)
        self._moment = moment
        self.held: deque[tuple[int, Written]] = deque()  # Written steps that wait for a sync.
        self._is_behind = False  # As it was last published.
        self._last: object = None  # What was visited last; its time ends when the next one begins.
        self._last_ns = self.clock.steady_ns()

    def on_alarm(self, alarmed: Alarmed) -> None:
        """Have something told what is unexplained; without it, such a thing ends the process."""
        self.floor.alarmed = alarmed

    # --- the edge, open to every thread ------------------------------------------------------

    def admit(
        self, sender: str, recipient: str, message: Message, cause: AnyEnvelope | None = None,
        answers: int = 0,
    ) -> None:  # fmt: skip
        """Let something from outside in; it is stamped in the next turn, and recorded as input."""
        if recipient not in self._cells:
            raise ConfigError(
                f"{sender} admits a {type(message).__name__} to {recipient}, where no actor is."
            )
        self.admission.put((_MAIL, message, sender, recipient, cause, answers))

    def admit_topic(self, sender: str, topic: str, message: Message) -> None:
        """Let a publication in; it is not recorded."""
        self.admission.put((_TOPIC, message, sender, topic))

    def is_pressed(self) -> bool:
        """Return whether an inbox is above its high-water mark: read no more data for now."""
        return self.floor.pressure.is_on()

    def now_ns(self) -> int:
        """Return the time, UTC."""
        return self.clock.now_ns

    def stop(self, reason: str) -> None:
        """Have the drain end after what is ready; may be called from a signal handler."""
        self.stop_reason = reason
        self.rouse()

    def rouse(self) -> None:
        """Have the drain look again, from any thread: something has become durable, say."""
        if self.admission.wake is not None:
            self.admission.wake()

    def handle_now(self) -> None:
        """Handle what was let in before the event loop goes on; on the loop's thread only."""
        if self.admission.handle is not None:
            self.admission.handle()

    # --- looking -----------------------------------------------------------------------------

    def statistics(self) -> LiveStatistics:
        """Return counts, waiting mail, and what was measured."""
        return self.measures.statistics(self)

    # --- the drain -----------------------------------------------------------------------------

    def turn(self) -> bool:
        """Handle a bounded number of messages; return whether more is ready.

        What it does is the same whoever calls it: the event loop's task, or a test.
        """
        queue, live, floor = self.queue, self.live, self.floor
        urgent, ready = queue.urgent, queue.ready
        left, streak, steps = live.messages_per_turn, 0, 0
        self._begin_turn()
        while left > 0:
            if urgent and (streak < _STREAK or not ready):
                item, is_urgent, streak = urgent.popleft(), True, streak + 1
            elif ready:
                item, is_urgent, streak = ready.popleft(), False, 0
            else:
                break
            if not isinstance(item, Cell):
                self._look_at_time(item)
                left -= self._do(item)
            elif item.inbox.control or item.inbox.data or not item.is_up:
                self._look_at_time(item)
                left -= self._visit(item, is_urgent=is_urgent)
            else:  # It was looked at among the urgent, and nothing has come since.
                self._after_visit(item, is_urgent=is_urgent)
            steps += bool(floor.pending)
            if floor.pending and (steps >= live.steps_per_write or not (urgent or ready)):
                self._commit()
                steps = 0
        self._end_turn()
        return bool(urgent or ready or self.admission.is_waiting())

    def _begin_turn(self) -> None:
        """Let in what is due, synced or waiting at the door."""
        clock = self.clock
        steady_ns = self._last_ns = clock.steady_ns()
        self._last = None
        clock.move(steady_ns)
        self.queue.take_due(steady_ns)
        if self.held:
            self.let_go_synced()
        if self.admission.is_waiting():
            for entrant in self.admission.take():
                self._enter(*entrant)

    def _look_at_time(self, item: object) -> None:
        """Let it be now, and count what was visited before if that took long."""
        steady_ns = self.clock.steady_ns()
        if steady_ns - self._last_ns > self.live.slow_handler_ns:
            self.measures.slow(self._last, steady_ns - self._last_ns)
        self._last, self._last_ns = item, steady_ns
        self.clock.move(steady_ns)

    def _end_turn(self) -> None:
        self._look_at_time(None)
        if self.floor.pending:
            self._commit()
        self.floor.shorten()
        self.ports.recorder.drain()
        self.measures.turns += 1

    def _visit(self, cell: Cell, *, is_urgent: bool) -> int:
        """Let an actor handle some of its mail; return how many messages. The hot path."""
        inbox, moment, count = cell.inbox, self._moment, 0
        control, data = inbox.control, inbox.data
        if not cell.is_up:
            return 0
        depth = len(control) + len(data)
        inbox.deepest = max(inbox.deepest, depth)
        receive, context, outbox = cell.receive, cell.context, moment.outbox
        release, record = self.departures.release, self.ports.recorder.sent
        now_ns, is_durable = self.clock.now_ns, cell.history is not None
        while count < self.live.messages_per_visit:
            if control:
                envelope = control.popleft()
            elif data and not is_urgent:
                first = data.popleft()
                envelope = inbox.taken(first) if type(first) is Waiting else first  # type: ignore[assignment]
            else:
                break
            count += 1
            moment.envelope = envelope
            try:
                receive(context, envelope.message)
            # The supervisor: whatever a handler raises is its actor's end, not the process's.
            except Exception as error:  # noqa: BLE001
                self.floor.fail(cell, envelope, error)
                return count
            cell.handled += 1
            if is_durable:
                self.floor.step(cell, envelope)
            elif outbox:
                release(cell, envelope, now_ns, record)
        self._after_visit(cell, is_urgent=is_urgent)
        return count

    def _after_visit(self, cell: Cell, *, is_urgent: bool) -> None:
        """See that what is left is looked at again."""
        inbox = cell.inbox
        if inbox.is_pressed and isinstance(inbox, LiveInbox):
            inbox.ease()
        if is_urgent:
            # It stands among the ready too, and is found empty there if nothing else comes.
            if inbox.control:
                self.queue.urgent.append(cell)
        elif inbox.control or inbox.data:
            self.queue.ready.append(cell)
        else:
            cell.is_woken, cell.is_plain = False, cell.history is None

    def _do(self, item: Special) -> int:
        """Do what is no actor's mail; return how many messages were handled by that."""
        if item[0] == TOPIC:
            return self._on_topic(item[1], item[2])
        self._special[item[0]](*item[1:])
        return 1

    # --- what was written may leave ----------------------------------------------------------

    def _commit(self) -> None:
        """Write the pending steps, then let go what they sent: now, or once it is synced."""
        pending = self.floor.pending
        position = self.ports.recorder.flush()
        if self.live.durability == "sync":
            self.held.extend((position, written) for written in pending)
            pending.clear()
            self.let_go_synced()
            return
        for written in pending:
            self.floor.let_go(written)
        pending.clear()

    def let_go_synced(self) -> None:
        """Deliver what waits for a sync that has come."""
        synced, held = self.ports.recorder.synced(), self.held
        while held and held[0][0] <= synced:
            self.floor.let_go(held.popleft()[1])

    def is_quiet(self) -> bool:
        """Return whether nothing is ready, waits at the door, or waits for a sync."""
        queue = self.queue
        return not (queue.urgent or queue.ready or self.held or self.admission.is_waiting())

    def may_rest(self) -> bool:
        """Return whether a turn would find nothing to do now."""
        queue, held = self.queue, self.held
        if queue.urgent or queue.ready or self.admission.is_waiting():
            return False
        return not held or held[0][0] > self.ports.recorder.synced()

    # --- what comes in -----------------------------------------------------------------------

    def _enter(self, kind: int, message: Message, *more: Any) -> None:  # noqa: ANN401  by kind
        if kind == _MAIL:
            sender, recipient, cause, answers = more
            cause_id, chain = (0, 0) if cause is None else (cause.id, cause.chain)
            self._admit(self._cells[recipient], sender, message, cause_id, chain, answers)
        elif kind == _TOPIC:
            sender, topic = more
            self._publish(sender, topic, message)
        else:
            cell, incarnation, effect_id = more
            self._take_outcome(cell, incarnation, effect_id, message)

    def _publish(self, sender: str, topic: str, message: Message) -> None:
        number, now_ns = self.queue.number(), self.clock.now_ns
        envelope = Envelope(number, sender, topic, now_ns, now_ns, 0, number, message)
        self.departures.publish(envelope)

    def _on_effect_done(self, cell: Cell, incarnation: int, effect_id: int, out: Outcome) -> None:
        """Take an outcome in; called from any thread."""
        self.admission.put((_EFFECT, out, cell, incarnation, effect_id))

    def _take_outcome(self, cell: Cell, incarnation: int, effect_id: int, outcome: Message) -> None:
        if cell.incarnation != incarnation or effect_id not in cell.effects.underway:
            return  # Voided by a restart.
        started, _ = cell.effects.underway.pop(effect_id)
        self._admit(cell, "effect", outcome, started.cause, started.chain)

    def _lost(self, envelope: AnyEnvelope) -> None:
        self.floor.lost(envelope)

    # --- the clock -----------------------------------------------------------------------------

    def look_at_clock(self) -> None:
        """Follow the wall clock. A step is published, and lowers the desk.

        So is that it lies behind what was said, and that it no longer does: orders wait between.
        """
        step_ns, behind_ns = self.clock.look(), self.clock.behind_ns()
        is_behind = behind_ns > 0
        if step_ns or is_behind != self._is_behind:
            self._is_behind = is_behind
            self._publish(KERNEL, CLOCK_TOPIC, ClockStepped(by_ns=step_ns, behind_ns=behind_ns))
        if step_ns:
            self.measures.clock_steps += 1
            self.floor.alarm("clock_step", f"The wall clock stepped by {step_ns / 1e9:+.3f} s.")
