"""The floor of a live process: failures lower the desk instead of ending the run."""

from collections.abc import Callable
from typing import Any

from environment.actors.cell import Cell
from environment.actors.context import Moment
from environment.actors.floor import KERNEL, Floor
from environment.actors.gateway import Gateway
from environment.actors.inbox import Inbox
from environment.actors.live_departures import LiveDepartures
from environment.actors.live_inbox import LiveInbox
from environment.actors.live_queue import LiveQueue
from environment.actors.live_settings import Alarm, Alarmed, AlarmKind
from environment.actors.outbox import START, Asked
from environment.actors.ports import AnyEnvelope
from environment.actors.settings import Ports, Settings
from environment.actors.supervision import DeadLetter, Restart
from environment.errors import Defect, InboxOverflow, RestartsExhausted
from environment.messages import SideFailed

# What a written step lets go: its actor, that one's incarnation, the envelope in hand, mail, the
# rest of what was asked, and the numbers of the mail that is published.
Written = tuple[Cell, int, AnyEnvelope, list[AnyEnvelope], list[Asked], set[int]]


class LiveFloor(Floor):
    """Actors of one live process."""

    departures: LiveDepartures

    def __init__(
        self, settings: Settings, ports: Ports, queue: LiveQueue, departures: LiveDepartures,
        moment: Moment,
    ) -> None:  # fmt: skip
        super().__init__(settings, ports, queue, moment, departures)
        self.pending: list[Written] = []  # Steps of which something leaves once they are written.
        self._long: dict[str, Cell] = {}  # Those with more steps than a snapshot costs.
        self.alarmed: Alarmed | None = None
        self.on_begin: Callable[[Cell, Gateway[Any]], None] | None = None
        self.undeliverable = 0
        self.given_up: list[str] = []  # Addresses that no supervisor may restart any more.

    def _make_inbox(self, address: str) -> Inbox:
        return LiveInbox(address, self._settings.inbox, self.pressure, self._overflowed)

    def begin(self, cell: Cell) -> None:
        """Let an incarnation begin; a gateway's asynchronous side begins with it."""
        if isinstance(cell.actor, Gateway) and self.on_begin is not None:
            self.on_begin(cell, cell.actor)
        super().begin(cell)

    def arrive(self, cell: Cell, envelope: AnyEnvelope, lane: int) -> None:  # noqa: ARG002  the root's signature
        """Put a message into its inbox, unless it answers a request that is over."""
        if not envelope.answers or cell.requests.is_answered_by(envelope.answers):
            self.departures.put(cell, envelope)

    # --- what was asked, in two steps ----------------------------------------------------------

    def step(self, cell: Cell, envelope: AnyEnvelope) -> None:
        """Record a durable actor's step; what it sent leaves once the record is written.

        Mail to another durable actor does not wait: both steps go into one record, in this order,
        so whatever is lost of it, the second is lost with the first.
        """
        assert cell.history is not None, "only durable actors make steps"
        now_ns = self.moment.clock.now_ns
        number = cell.history.step(now_ns, envelope)
        mail, others, published = self.departures.prepare(cell, envelope, now_ns)
        self._ports.recorder.step(number, now_ns, envelope, mail, others, cell.address)
        held = self._hand_on(mail, published) if mail else mail
        if held or (others and any(asked[0] == START for asked in others)):
            self.pending.append((cell, cell.incarnation, envelope, held, others, published))
        if cell.history.is_long():
            self._long[cell.address] = cell

    def shorten(self) -> None:
        """Take the snapshots that are due, after all that was to leave has left."""
        for cell in self._long.values():
            if cell.is_up and cell.history is not None:  # One that has failed is put back first.
                cell.history.begin(cell.actor, cell.context)
        self._long.clear()

    def _hand_on(self, mail: list[AnyEnvelope], published: set[int]) -> list[AnyEnvelope]:
        """Deliver mail between durable actors at once, and return what waits to be written."""
        cells = self.cells
        held: list[AnyEnvelope] = []  # Written out: `list[…]()` takes ten times as long.
        for made in mail:
            to = cells.get(made.recipient)
            if to is None or to.history is None or made.id in published:
                held.append(made)
            else:
                self.departures.deliver(made)
        return held

    def _step(self, cell: Cell, envelope: AnyEnvelope, departure_ns: int) -> None:  # noqa: ARG002  the root's signature
        self.step(cell, envelope)

    def let_go(self, written: Written) -> None:
        """Deliver the mail of a written step, and begin its effects."""
        cell, incarnation, envelope, mail, others, published = written
        for made in mail:
            self.departures.deliver(made, is_topic=made.id in published)
        for asked in others:
            if asked[0] == START and cell.incarnation == incarnation:
                self.departures.start(cell, envelope, asked[2], asked[3])

    # --- failures --------------------------------------------------------------------------------

    def alarm(
        self, kind: AlarmKind, text: str, defect: Defect | None = None, chain: int = 0
    ) -> None:
        """Tell whoever keeps the desk; where nobody does, a defect ends the process."""
        if self.alarmed is not None:
            now_ns = self.moment.clock.now_ns
            self.alarmed(Alarm(kind=kind, text=text, now_ns=now_ns, chain=chain))
        elif defect is not None:
            raise defect

    def fail_side(self, cell: Cell, error: Exception) -> None:
        """Let a gateway fail because its asynchronous side raised."""
        failed = self.envelope(KERNEL, cell.address, SideFailed(error=str(error)))
        self.fail(cell, failed, error)

    def lost(self, envelope: AnyEnvelope) -> None:
        """Say that nobody stands where a message should go."""
        self.undeliverable += 1
        if envelope.message.MONEY:
            self.alarm(
                "undeliverable",
                f"{envelope.sender} sends a {type(envelope.message).__name__} to "
                f"{envelope.recipient}, where no actor is.",
                chain=envelope.chain,
            )

    def _overflowed(self, overflow: InboxOverflow) -> None:
        self.alarm("inbox_overflow", str(overflow), overflow)

    def _money_died(self, letter: DeadLetter, error: Exception) -> None:
        if self.alarmed is None:
            super()._money_died(letter, error)
        envelope = letter.envelope
        self.alarm(
            "money_dead_letter",
            f"{letter.address} failed on a {type(envelope.message).__name__} from "
            f"{envelope.sender}: {letter.error}",
            chain=envelope.chain,
        )

    def _restart_of(self, cell: Cell, now_ns: int) -> Restart:
        try:
            return super()._restart_of(cell, now_ns)
        except RestartsExhausted as exhausted:
            self.alarm("restarts_exhausted", str(exhausted), exhausted)
            self.given_up.append(cell.address)
            cell.end_incarnation()
            self._ports.went_down(cell.address)
            return Restart(addresses=(), at_ns=now_ns)


__all__ = ["KERNEL", "LiveFloor", "Written"]
