"""What both kernels are: actors put at addresses, and what may be asked of a run at any time.

They differ in where time comes from, and in how what waits for its turn is taken.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from environment.actors.actor import Actor
from environment.actors.cell import Cell
from environment.actors.envelope import Envelope
from environment.actors.floor import KERNEL, Floor, lane_of
from environment.actors.inbox import Pressure
from environment.actors.leaving import Leaving, Queue
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import CALL, EXPIRE, RESTART, START, TIMER
from environment.actors.reference import ActorRef, Directory
from environment.actors.settings import Ports, Settings
from environment.actors.supervision import DeadLetter
from environment.actors.topics import Topic
from environment.errors import ConfigError
from environment.messages import Message, RequestExpired, TimerFired

M = TypeVar("M")


class Kernel:
    """The actors of one run. Build it, `spawn` them, then run it as its kind is run."""

    queue: Queue
    departures: Leaving
    floor: Floor

    def __init__(self, settings: Settings, ports: Ports, queue: Queue, floor: Floor) -> None:
        self.settings = settings
        self.ports = ports
        self.queue = queue
        self.floor = floor
        self.departures = floor.departures
        self.stop_reason = ""
        self._cells = floor.cells
        self._promised: set[str] = set()
        self._special: dict[int, Callable[..., Any]] = {
            TIMER: self.fire,
            EXPIRE: self._on_expiry,
            START: floor.begin,
            RESTART: floor.restart,
            CALL: lambda function: function(),
        }

    # --- building --------------------------------------------------------------------------

    def spawn(self, address: str, factory: Callable[[], Actor[M]]) -> ActorRef[M]:
        """Put an actor at an address; the factory makes each incarnation anew."""
        self.floor.spawn(address, factory)
        return ActorRef(address)

    def reference(self, address: str) -> ActorRef[M]:
        """Return a reference to an actor that is, or will be, at an address."""
        self._promised.add(address)
        return ActorRef(address)

    def directory(self) -> Directory[M]:
        """Return references by address, for an actor that answers whom a message names."""
        return Directory(self._cells.__contains__)

    def check_promises(self) -> None:
        """Raise ConfigError if a reference was made to an address where nobody stands."""
        if not self._promised:
            return
        missing = sorted(self._promised - self._cells.keys() - self.ports.engine.addresses)
        if missing:
            raise ConfigError(f"References were made to {missing}, and no actor is there.")
        self._promised.clear()

    # --- looking -----------------------------------------------------------------------------

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The last messages whose handlers raised, oldest first."""
        return tuple(self.floor.dead_letters)

    @property
    def pressure(self) -> Pressure:
        """Whether any inbox is above its high-water mark; feeds hold this and ask."""
        return self.floor.pressure

    # --- what the kernel itself says ------------------------------------------------------------

    def fire(self, cell: Cell, timer_id: int, *, late: bool = False) -> None:
        """Let a timer fire unless it was cancelled; `late`: it was due before the process began."""
        timer = cell.timers.take(timer_id)
        if timer is not None:
            fired = TimerFired(timer_id=timer_id, name=timer.name, late=late)
            self._say(cell, cell.address, fired, timer.cause, timer.chain)

    def _on_expiry(self, cell: Cell, request_id: int) -> None:
        request = cell.requests.expire(request_id)
        if request is not None:
            expired = RequestExpired(request_id=request_id)
            self._say(cell, KERNEL, expired, request.envelope_id, request.chain)

    def _say(self, cell: Cell, sender: str, message: Message, cause: int, chain: int) -> None:
        envelope = self.floor.envelope(sender, cell.address, message, cause, chain)
        self.floor.arrive(cell, envelope, lane_of(message))

    def _admit(
        self, cell: Cell, sender: str, message: Message, cause: int = 0, chain: int = 0,
        answers: int = 0,
    ) -> None:  # fmt: skip
        """Let something from outside in: recorded as input, stamped with this moment."""
        number, now_ns = self.queue.number(), self.floor.moment.clock.now_ns
        envelope = Envelope(
            number, sender, cell.address, now_ns, now_ns, cause, chain or number, message, (), 0,
            answers,
        )  # fmt: skip
        self.ports.recorder.input(envelope)
        self.floor.arrive(cell, envelope, lane_of(message))

    def _on_topic(self, topic: Topic, envelope: AnyEnvelope) -> int:
        """Let all who hear a topic have a publication; return how many they are."""
        cells, envelope = self.departures.hearers(topic, envelope)
        floor, message, record = self.floor, envelope.message, self.ports.recorder.sent
        moment, release = floor.moment, self.departures.release
        outbox, now_ns = moment.outbox, moment.clock.now_ns
        for cell in cells:
            if not cell.is_plain:
                floor.arrive(cell, envelope, lane_of(message))
                continue
            moment.envelope = envelope
            try:
                cell.receive(cell.context, message)
            # The supervisor: whatever a handler raises is its actor's end, not the run's.
            except Exception as error:  # noqa: BLE001
                floor.fail(cell, envelope, error)
                continue
            cell.handled += 1
            if outbox:
                release(cell, envelope, now_ns, record)
        return len(cells)
