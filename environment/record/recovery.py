"""Recovery: the recorded steps once more, with nothing let out, compared with what was recorded.

Handlers are pure, so the same inputs must ask for the same things. The first difference stops the
recovery: the state is not to be trusted, and the desk starts HALTED.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from environment.actors.cell import Cell
from environment.actors.collection import unhurried_collection
from environment.actors.durable import recall
from environment.actors.durable_mail import Mail
from environment.actors.kernel import Kernel
from environment.actors.outbox import (
    AFTER,
    CANCEL,
    MAIL,
    PUBLISH,
    REPLY,
    REQUEST,
    SEND,
    START,
    SUBSCRIBE,
    Asked,
)
from environment.actors.ports import AnyEnvelope
from environment.actors.protocol import Protocol
from environment.actors.requests import OpenRequest
from environment.actors.timers import Timer
from environment.errors import OperatingError
from environment.messages import EffectDone, EffectFailed, RequestExpired, Resumed, TimerFired
from environment.record.durable_snapshot import KeptActor, StateSnapshot, decode_envelope
from environment.record.journal import Failed
from environment.record.step_reader import BriefInput, Durable
from environment.record.steps import DurableStep

_NONE: Final = (-1, "", None, None)  # No verb.
_ENDING: Final = frozenset({TimerFired, RequestExpired, EffectDone, EffectFailed, Resumed})


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A step that did not come out as it was recorded."""

    actor: str
    number: int
    now_ns: int
    message: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return (
            f"step {self.number} of {self.actor} at {self.now_ns} ns, a {self.message}, came out "
            f"differently: recorded {self.recorded}; now {self.found}"
        )


class Recovered(msgspec.Struct, kw_only=True):
    """What a recovery found; `difference` None: every step came out as recorded."""

    steps: int = 0
    last_ns: int = 0
    difference: Difference | None = None
    torn: str = ""  # Notice about a last write that was cut.
    unanswered: list[Any] = []  # Envelopes sent to gateways whose outcome is unknown.


class _Life:
    """What one durable actor is waiting for, as its steps tell."""

    __slots__ = (
        "cell", "context", "effects", "has_resumed", "receive", "requests", "steps",
        "subscriptions", "timers",
    )  # fmt: skip

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.receive, self.context = cell.receive, cell.context
        self.steps = 0
        self.has_resumed = False  # In the process whose segment is read.
        self.timers: dict[int, Timer] = {}
        self.requests: dict[int, OpenRequest] = {}
        self.effects: dict[int, AnyEnvelope | None] = {}
        self.subscriptions: dict[str, int] = {}

    def take(self, kept: KeptActor) -> None:
        """Begin where a snapshot stands."""
        recall(self.cell.actor, self.cell.context, kept.memory)
        self.steps = kept.steps
        self.timers = {timer.timer_id: timer for timer in kept.timers}
        self.requests = {request.request_id: request for request in kept.requests}
        self.effects = dict.fromkeys(kept.effects)  # A snapshot does not keep their causes.
        self.subscriptions = dict(kept.subscriptions)

    def hear(self, envelope: AnyEnvelope) -> None:
        """Close what a message ends; an incarnation that begins within a process ends all."""
        match envelope.message:
            case TimerFired(timer_id=number):
                self.timers.pop(number, None)
            case RequestExpired(request_id=number):
                self.requests.pop(number, None)
            case EffectDone(effect_id=number) | EffectFailed(effect_id=number):
                self.effects.pop(number, None)
            case Resumed() if envelope.sender == "kernel":
                if self.has_resumed:
                    self.timers.clear()
                    self.requests.clear()
                    self.effects.clear()
                self.has_resumed = True
        if envelope.answers:
            self.requests.pop(envelope.answers, None)

    def ask(self, step: DurableStep[Any], asked: Asked, sent: AnyEnvelope | None) -> None:
        """Open what a handler asked for."""
        verb, name, number, more = asked
        given = step.input
        if verb == AFTER:
            due_ns = step.now_ns + number
            self.timers[more] = Timer(more, name, due_ns, given.id, given.chain)
        elif verb == CANCEL:
            self.timers.pop(number, None)
        elif verb == START:
            self.effects[more] = given
        elif verb == SUBSCRIBE:
            self.subscriptions[name] = number
        elif verb == REQUEST and sent is not None:
            self.requests[more[1]] = OpenRequest(more[1], more[2], sent.id, sent.chain)


class Recovery:
    """Brings the durable actors of a kernel, spawned and not yet run, to where they were."""

    def __init__(self, kernel: Kernel, protocol: Protocol, gateways: frozenset[str]) -> None:
        self._kernel = kernel
        self._protocol = protocol
        self._gateways = gateways
        self._moment = kernel.floor.moment
        self.lives = {
            cell.address: _Life(cell)
            for cell in kernel.floor.cells.values()
            if cell.history is not None
        }
        self._kept = self.lives.keys() | gateways  # Where mail goes that must be remembered.
        self._mail: dict[tuple[str, int], AnyEnvelope] = {}  # Sent to durable actors, not handled.
        self._unanswered: dict[int, AnyEnvelope] = {}
        self.found = Recovered()

    def begin(self, snapshot: StateSnapshot) -> None:
        """Begin where a snapshot stands."""
        missing = sorted({kept.address for kept in snapshot.actors} - self.lives.keys())
        if missing:
            raise OperatingError(
                f"The state holds {', '.join(missing)}, and no such durable actor is configured; "
                "configure it again, or begin a new state folder."
            )
        self.found.last_ns = max(self.found.last_ns, snapshot.now_ns)
        for kept in snapshot.actors:
            self.lives[kept.address].take(kept)
        for address, content in snapshot.mail:
            envelope = decode_envelope(self._protocol, content)
            self._mail[address, envelope.id] = envelope
        for content in snapshot.unanswered:
            envelope = decode_envelope(self._protocol, content)
            self._unanswered[envelope.id] = envelope

    def begin_process(self) -> None:
        """Take note that the records that follow are another process's."""
        for life in self.lives.values():
            life.has_resumed = False

    # --- running steps again -----------------------------------------------------------------

    def run(self, batches: Iterable[list[Durable]]) -> bool:
        """Run recorded steps again; return False once one came out differently."""
        with unhurried_collection():
            return all(map(self._run_batch, batches))

    def _run_batch(self, batch: list[Durable]) -> bool:
        """Run the steps of one write again; the loop is what a start after a crash waits for."""
        lives, moment, mail, unanswered = self.lives, self._moment, self._mail, self._unanswered
        clock, outbox = moment.clock, moment.outbox
        for record in batch:
            if isinstance(record, DurableStep):
                given = record.input
                life = lives.get(record.actor)
                if life is None:
                    raise _unknown(record)
                clock.now_ns, moment.envelope = record.now_ns, given
                try:
                    life.receive(life.context, given.message)
                # The supervisor's place: a handler that raised nothing then may do so now.
                except Exception as error:  # noqa: BLE001
                    return self._differs(record, f"{type(error).__name__}: {error}")
                if mail:
                    mail.pop((record.actor, given.id), None)
                if unanswered:
                    unanswered.pop(given.cause, None)
                if given.answers or type(given.message) in _ENDING:
                    life.hear(given)
                life.steps = record.number
                if (outbox or record.outbox or record.others) and not self._same(life, record):
                    return self._differs(record, _said(outbox))
                outbox.clear()
                self.found.steps += 1
            elif isinstance(record, BriefInput):
                if unanswered:
                    unanswered.pop(record.envelope.cause, None)
            elif isinstance(record, Failed):
                mail.pop((record.address, record.envelope_id), None)
        return True

    def _same(self, life: _Life, step: DurableStep[Any]) -> bool:
        """Compare the open outbox with the recorded one, and keep what it asked for."""
        outbox, recorded_mail = self._moment.outbox, step.outbox
        if len(outbox) == len(recorded_mail) == 1 and not step.others and outbox[0][0] == SEND:
            _, target, payload, evidence = outbox[0]
            sent = recorded_mail[0]
            is_same = sent.message == payload and sent.recipient == target
            if is_same and target in self._kept:
                self._posted(SEND, sent)
            return bool(is_same and sent.evidence == evidence)
        mail, others = iter(step.outbox), iter(step.others)
        count = 0
        for asked in self._moment.outbox:
            count += 1
            verb, target, payload, more = asked
            if verb in MAIL:
                made = next(mail, None)
                if made is None or made.recipient != target:
                    return False
                # A record holds what was encoded: a whole number in a float's field is a float.
                if made.message != payload and made.message != self._as_recorded(payload):
                    return False
                if not _matches(verb, more, made):
                    return False
                self._posted(verb, made)
                if verb == REQUEST:
                    life.ask(step, asked, made)
            else:
                recorded = next(others, _NONE)
                if recorded[0] != verb or recorded[1] != target:
                    return False
                if verb == START:
                    if recorded[3] != more or recorded[2] != msgspec.to_builtins(payload):
                        return False
                elif recorded[2] != payload or recorded[3] != more:
                    return False
                life.ask(step, asked, None)
        return count == len(step.outbox) + len(step.others)

    def _as_recorded(self, message: Any) -> Any:  # noqa: ANN401  any message
        return self._protocol.messages.decode(msgspec.msgpack.encode(message))

    def _posted(self, verb: int, sent: AnyEnvelope) -> None:
        """Keep where mail went: to a durable actor it is delivered, from outside it is answered."""
        recipient = sent.recipient
        if recipient in self.lives:
            self._mail[recipient, sent.id] = sent
        elif recipient in self._gateways:
            self._unanswered[sent.id] = sent
        elif verb == PUBLISH:
            for address, life in self.lives.items():
                if life.subscriptions.get(recipient) == 0:
                    self._mail[address, sent.id] = sent

    def _differs(self, step: DurableStep[Any], found: str) -> bool:
        recorded = _said_by_record(step)
        self.found.difference = Difference(
            actor=step.actor, number=step.number, now_ns=step.now_ns,
            message=type(step.input.message).__name__, recorded=recorded, found=found,
        )  # fmt: skip
        self._moment.outbox.clear()
        return False

    # --- what is left to do ----------------------------------------------------------------------

    def mail(self) -> list[Mail]:
        """Return mail between durable actors that was not handled, in the order it was sent."""
        rows = sorted(self._mail.items(), key=lambda row: row[0][1])
        return [(address, envelope) for (address, _), envelope in rows]

    def finish(self) -> Recovered:
        """Return what was found; the moment in hand is over."""
        self._moment.envelope = None
        self.found.unanswered = [self._unanswered[number] for number in sorted(self._unanswered)]
        return self.found


def _matches(verb: int, more: Any, sent: AnyEnvelope) -> bool:  # noqa: ANN401  differs by verb
    if verb == REPLY:
        return bool(sent.answers == more[1] and sent.evidence == more[0])
    if verb == REQUEST:
        return bool(sent.request_id == more[1] and sent.evidence == more[0])
    return bool(sent.evidence == more)


def _said(outbox: list[Asked]) -> str:
    return str([(target, payload) for _, target, payload, _ in outbox])


def _said_by_record(step: DurableStep[Any]) -> str:
    mail = [(envelope.recipient, envelope.message) for envelope in step.outbox]
    return str([*mail, *((target, payload) for _, target, payload, _ in step.others)])


def _unknown(step: DurableStep[Any]) -> OperatingError:
    return OperatingError(
        f"The record holds steps of {step.actor}, and no such durable actor is configured; "
        "configure it again, or begin a new state folder."
    )
