"""What leaves a live actor: straight into inboxes, timers and effects, in the order asked."""

from collections.abc import Callable

from environment.actors.cell import Cell
from environment.actors.context import Moment
from environment.actors.effects import AnyEffect, Outcome, Started
from environment.actors.envelope import Envelope
from environment.actors.leaving import Leaving, Record
from environment.actors.live_inbox import LiveInbox
from environment.actors.live_queue import LiveQueue
from environment.actors.outbox import AFTER, CANCEL, MAIL, PUBLISH, REQUEST, SEND, START, Asked
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import TOPIC
from environment.actors.settings import Ports

Done = Callable[[Cell, int, int, Outcome], None]  # Cell, its incarnation, effect id, outcome.


class LiveDepartures(Leaving):
    """Releases outboxes. Mail of durable actors is made first and delivered once it is written."""

    _queue: LiveQueue

    def __init__(
        self, queue: LiveQueue, moment: Moment, ports: Ports, on_effect: Done,
        on_lost: Callable[[AnyEnvelope], None],
    ) -> None:  # fmt: skip
        super().__init__(queue, moment, ports)
        self._on_effect = on_effect
        self._on_lost = on_lost

    def release(self, cell: Cell, in_hand: AnyEnvelope, now_ns: int, record: Record) -> None:
        """Carry out all that a handler asked for; the first branch is written out for speed."""
        queue, cells = self._queue, self.cells
        address, cause, chain = cell.address, in_hand.id, in_hand.chain
        for asked in self._outbox:
            verb, target, message, more = asked
            to = cells.get(target) if verb == SEND else None
            if to is None or not to.is_up:
                self._carry_out(cell, in_hand, now_ns, record, asked)
                continue
            queue.sequence = number = queue.sequence + 1
            envelope = Envelope(
                number, address, target, now_ns, now_ns, cause, chain, message, more
            )
            record(envelope)
            inbox = to.inbox
            control, data = inbox.control, inbox.data
            if message.LANE == "data":
                data.append(envelope)
            else:
                control.append(envelope)
                if len(control) == 1:
                    queue.urgent.append(to)
            if len(control) + len(data) > inbox.mark:  # type: ignore[attr-defined]
                inbox.grown(envelope)
            if not to.is_woken:
                to.is_woken, to.is_plain = True, False
                queue.ready.append(to)
        self._outbox.clear()

    def _carry_out(
        self, cell: Cell, in_hand: AnyEnvelope, now_ns: int, record: Record, asked: Asked
    ) -> None:
        if asked[0] in (AFTER, CANCEL):
            self._time(cell, in_hand, asked)
        elif asked[0] == START:
            self.start(cell, in_hand, asked[2], asked[3])
        elif asked[0] in MAIL:
            envelope = self._envelope(cell, in_hand, now_ns, now_ns, asked)
            if asked[0] == REQUEST:
                self._expect_reply(cell, envelope, asked)
            record(envelope)
            self.deliver(envelope, is_topic=asked[0] == PUBLISH)
        else:
            self.subscribe(cell, asked[1], asked[2])

    # --- in two steps, for durable actors ------------------------------------------------------

    def prepare(
        self, cell: Cell, in_hand: AnyEnvelope, now_ns: int
    ) -> tuple[list[AnyEnvelope], list[Asked], set[int]]:
        """Return the mail of the open outbox, all else that was asked, and which mail is published.

        The outbox is empty then.

        Timers, deadlines and subscriptions begin here: they touch only this process, which ends if
        the step cannot be written. Mail and effects wait for that.
        """
        mail: list[AnyEnvelope] = []
        others: list[Asked] = []
        published: set[int] = set()
        for asked in self._outbox:
            verb = asked[0]
            if verb in MAIL:
                envelope = self._envelope(cell, in_hand, now_ns, now_ns, asked)
                mail.append(envelope)
                if verb == PUBLISH:
                    published.add(envelope.id)
                elif verb == REQUEST:
                    self._expect_reply(cell, envelope, asked)
                continue
            others.append(asked)
            if verb in (AFTER, CANCEL):
                self._time(cell, in_hand, asked)
            elif verb != START:
                self.subscribe(cell, asked[1], asked[2])
        self._outbox.clear()
        return mail, others, published

    # --- on its way ----------------------------------------------------------------------------

    def deliver(self, envelope: AnyEnvelope, *, is_topic: bool = False) -> None:
        """Put mail where it belongs; what nobody can take is said, never dropped in silence."""
        if is_topic:
            self.publish(envelope)
            return
        to = self.cells.get(envelope.recipient)
        if to is None:
            self._on_lost(envelope)
        elif not envelope.answers or to.requests.is_answered_by(envelope.answers):
            self.put(to, envelope)

    def publish(self, envelope: AnyEnvelope) -> None:
        """Queue a publication: one entry for all who hear it."""
        topic = self.topics.get(envelope.recipient)
        if topic is not None and topic.together:
            is_urgent = envelope.message.LANE == "control"
            ready = self._queue.urgent if is_urgent else self._queue.ready
            ready.append((TOPIC, topic, envelope))

    def put(self, cell: Cell, envelope: AnyEnvelope) -> None:
        """Put mail into an inbox, and see that it is looked at."""
        inbox, queue = cell.inbox, self._queue
        assert isinstance(inbox, LiveInbox), "a live floor makes live inboxes"
        if envelope.message.LANE == "control":
            inbox.control.append(envelope)
            if len(inbox.control) == 1:
                queue.urgent.append(cell)
        elif cell.subscriptions.get(envelope.recipient):
            key = (envelope.recipient, getattr(envelope.message, "instrument", ""))
            inbox.put(envelope, 1, key)
        else:
            inbox.data.append(envelope)
        if len(inbox.control) + len(inbox.data) > inbox.mark:
            inbox.grown(envelope)
        if cell.is_up and not cell.is_woken:
            cell.is_woken, cell.is_plain = True, False
            queue.ready.append(cell)

    def start(self, cell: Cell, in_hand: AnyEnvelope, effect: AnyEffect, effect_id: int) -> None:
        """Begin the real work of an effect; its outcome comes in by the admission queue."""
        incarnation = cell.incarnation
        started = Started(effect_id, effect, self._moment.clock.now_ns, in_hand.id, in_hand.chain)
        performance = self.perform(cell, started)
        performance.when_done(
            effect_id, lambda outcome: self._on_effect(cell, incarnation, effect_id, outcome)
        )

    def subscribe(self, cell: Cell, topic: str, interval_ns: int | None) -> None:
        """Let an actor hear a topic; a later call changes the interval (None: keep it)."""
        if interval_ns is not None:
            cell.subscriptions[topic] = interval_ns
        self.topic(topic).add(cell, None, cell.subscriptions.get(topic, 0))
