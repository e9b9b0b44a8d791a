"""The floor: every actor of a run, how each takes its mail, fails and comes back.

Both kernels stand on it; they differ in where time comes from and in what waits for it.
"""

import traceback
from collections import deque
from collections.abc import Callable
from typing import Final

from environment.actors.cell import AnyActor, Cell
from environment.actors.context import ActorContext, Moment
from environment.actors.envelope import CONTROL, DATA, Envelope, is_control
from environment.actors.inbox import Inbox, Pressure
from environment.actors.leaving import Leaving, Queue
from environment.actors.outbox import MAIL
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import BEGIN, NEVER, RESTART, START, WAKE, WAKE_UP
from environment.actors.reference import checked_address
from environment.actors.settings import Ports, Settings
from environment.actors.supervision import DeadLetter, Restart, Tree
from environment.draws import Stream, stream_key
from environment.errors import ConfigError, MoneyDeadLetter
from environment.messages import (
    EffectDone,
    EffectFailed,
    Message,
    RequestExpired,
    Resumed,
    TimerFired,
)

KERNEL: Final = "kernel"  # The sender of what no actor sent.
_KEPT_DEAD_LETTERS: Final = 1_000
_OF_AN_INCARNATION: Final = (TimerFired, RequestExpired, EffectDone, EffectFailed)


class Floor:
    """Actors by address, and the life of each."""

    def __init__(
        self, settings: Settings, ports: Ports, queue: Queue, moment: Moment, departures: Leaving
    ) -> None:
        self.moment = moment
        self.departures = departures
        self.cells = self.departures.cells
        self.pressure = Pressure()
        self.tree = Tree(settings.supervision)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_KEPT_DEAD_LETTERS)
        self.failures = 0
        self._settings = settings
        self._ports = ports
        self._queue = queue

    def spawn(self, address: str, factory: Callable[[], AnyActor]) -> Cell:
        """Put an actor at an address; its first message, Resumed, comes at this moment."""
        checked_address(address)
        if address in self.cells or address in self._ports.engine.addresses:
            raise ConfigError(f"Two actors have the address {address!r}; rename one.")
        cell = self.cells[address] = self._make_cell(address, factory)
        cell.cost_ns = self._settings.thinking_ns.get(cell.kind, 0)
        cell.settle()
        self.tree.add(address)
        self._queue.push(self.moment.clock.now_ns, BEGIN, None, (START, cell))
        return cell

    def _make_cell(self, address: str, factory: Callable[[], AnyActor]) -> Cell:
        context = ActorContext(
            address, self.moment, Stream(stream_key(self._settings.seed, address))
        )
        return Cell(address, factory, context, self._make_inbox(address))

    def _make_inbox(self, address: str) -> Inbox:
        return Inbox(address, self._settings.inbox, self.pressure)

    def begin(self, cell: Cell) -> None:
        """Let an incarnation begin: what it has in the market is its first message."""
        if cell.history is not None:
            cell.history.begin(cell.actor, cell.context)
        if Resumed in cell.actor.ACCEPTS:
            resumed = self._ports.resumed(cell.address)
            self.handle(cell, self.envelope(KERNEL, cell.address, resumed))
        self.wake_later(cell)

    def envelope(
        self, sender: str, recipient: str, message: Message, cause: int = 0, chain: int = 0
    ) -> AnyEnvelope:
        """Return a recorded envelope of something that is said and heard at this moment."""
        number, now_ns = self._queue.number(), self.moment.clock.now_ns
        envelope = Envelope(
            number, sender, recipient, now_ns, now_ns, cause, chain or number, message
        )
        self._ports.recorder.sent(envelope)
        return envelope

    def arrive(self, cell: Cell, envelope: AnyEnvelope, lane: int) -> None:
        """Hand a message to its actor, or to the inbox of one that is busy or down."""
        now_ns = self.moment.clock.now_ns
        if envelope.answers and not cell.requests.is_answered_by(envelope.answers):
            return
        if cell.is_up and not cell.is_woken and cell.busy_until_ns <= now_ns:
            self.handle(cell, envelope)
            return
        key = None
        if cell.subscriptions and cell.subscriptions.get(envelope.recipient):
            key = (envelope.recipient, getattr(envelope.message, "instrument", ""))
        cell.inbox.put(envelope, lane, key)
        if not cell.is_woken:
            self.wake_later(cell)

    def wake_later(self, cell: Cell) -> None:
        """See that waiting mail is looked at as soon as the actor is free."""
        if cell.is_woken:
            return
        if cell.is_up and (cell.inbox.control or cell.inbox.data):
            cell.is_woken, cell.is_plain, cell.is_paced = True, False, False
            at_ns = max(cell.busy_until_ns, self.moment.clock.now_ns)
            self._queue.push(at_ns, WAKE, None, (WAKE_UP, cell, cell.incarnation))
        else:
            cell.settle()

    def wake(self, cell: Cell, incarnation: int) -> None:
        """Handle the first waiting message."""
        if incarnation != cell.incarnation:
            return
        cell.is_woken = False
        if cell.is_up and (cell.inbox.control or cell.inbox.data):
            envelope, _ = cell.inbox.take()
            self.handle(cell, envelope)
            self.wake_later(cell)

    def handle(self, cell: Cell, envelope: AnyEnvelope) -> None:
        """Let an actor handle one message: all of its outbox leaves, or nothing."""
        self.moment.envelope = envelope
        try:
            cell.receive(cell.context, envelope.message)
        # The supervisor: whatever a handler raises is its actor's end, not the run's.
        except Exception as error:  # noqa: BLE001
            self.fail(cell, envelope, error)
            return
        cell.handled += 1
        departure_ns = self.moment.clock.now_ns
        if cell.cost_ns and type(envelope.message) not in cell.costless:
            departure_ns += cell.cost_ns
            cell.busy_until_ns = departure_ns
            cell.busy_ns += cell.cost_ns
        if cell.history is not None:
            self._step(cell, envelope, departure_ns)
        elif self.moment.outbox:
            self.departures.release(cell, envelope, departure_ns, self._ports.recorder.sent)

    def _step(self, cell: Cell, envelope: AnyEnvelope, departure_ns: int) -> None:
        assert cell.history is not None
        now_ns, outbox = self.moment.clock.now_ns, list[AnyEnvelope]()
        number = cell.history.step(now_ns, envelope)
        others = [asked for asked in self.moment.outbox if asked[0] not in MAIL]
        self.departures.release(cell, envelope, departure_ns, outbox.append)
        self._ports.recorder.step(number, now_ns, envelope, outbox, others, cell.address)
        if cell.history.is_long():
            cell.history.begin(cell.actor, cell.context)

    def fail(self, cell: Cell, envelope: AnyEnvelope, error: Exception) -> None:
        """Discard the outbox, keep the dead letter, and let the supervisor decide."""
        self.moment.outbox.clear()
        now_ns = self.moment.clock.now_ns
        cell.failures += 1
        self.failures += 1
        letter = DeadLetter(
            now_ns=now_ns,
            address=cell.address,
            incarnation=cell.incarnation,
            envelope=envelope,
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
        )
        self.dead_letters.append(letter)
        name = type(error).__name__
        self._ports.recorder.dead_letter(now_ns, cell.incarnation, envelope, name, cell.address)
        if envelope.message.MONEY:
            self._money_died(letter, error)
        restart = self._restart_of(cell, now_ns)
        for address in restart.addresses:
            self._take_down(self.cells[address], restart.at_ns)
        self._queue.push(restart.at_ns, BEGIN, None, (RESTART, restart.addresses))

    def _restart_of(self, cell: Cell, now_ns: int) -> Restart:
        """Return who must restart, and when; without a restart left the run ends."""
        return self.tree.failed(cell.address, now_ns)

    def _money_died(self, letter: DeadLetter, error: Exception) -> None:
        """End the run: what became of an order, fill, verdict or cancel is unknown here."""
        envelope = letter.envelope
        raise MoneyDeadLetter(
            f"{letter.address} failed on a {type(envelope.message).__name__} from "
            f"{envelope.sender} at {letter.now_ns} ns: {letter.error}"
        ) from error

    def _take_down(self, cell: Cell, restart_ns: int) -> None:
        cell.end_incarnation()
        cell.incarnation += 1
        cell.is_woken = False
        cell.restart_ns = restart_ns
        dropped = cell.inbox.drop(
            lambda waiting: bool(waiting.answers) or isinstance(waiting.message, _OF_AN_INCARNATION)
        )
        cell.requests.late_replies += sum(1 for envelope in dropped if envelope.answers)
        self._ports.went_down(cell.address)

    def restart(self, addresses: tuple[str, ...]) -> None:
        """Bring up, in order, those whose back-off ends now."""
        now_ns = self.moment.clock.now_ns
        for address in addresses:
            cell = self.cells[address]
            if cell.is_up or cell.restart_ns > now_ns:
                continue  # It failed again with a later sibling, and comes back with that one.
            actor = cell.factory()
            if cell.history is not None:
                cell.history.rebuild(actor, cell.context, self.moment)
            elif actor.state is not None and actor is cell.actor:
                raise ConfigError(f"The factory of {address} must return a new actor each time.")
            cell.take(actor)
            cell.is_up = True
            cell.busy_until_ns = now_ns
            self.begin(cell)


def lane_of(message: Message) -> int:
    """Return the lane of a message's class."""
    return CONTROL if is_control(message) else DATA


__all__ = ["KERNEL", "NEVER", "Floor", "lane_of"]
