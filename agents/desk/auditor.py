"""The auditor: hears what the desk and people decide, and chains it."""

from typing import ClassVar, Final, assert_never

import msgspec

from agents.desk.risk_state import GATE, VERDICTS, PaperOrder, Verdict
from environment.actors import Actor, ActorContext
from environment.approval_messages import CARDS_TOPIC, CardChanged, CardDue
from environment.control_messages import AUDIT_TOPIC, STATE_TOPIC, Audited, DeskStateChanged
from environment.messages import Resumed, TimerFired
from environment.record.audit import AuditSink, HeadKey, SignedHead, encode_record, hash_of
from environment.venue_messages import BREAKS_TOPIC, MOVES_TOPIC, BreakFound, PositionMoved

ADDRESS: Final = "desk/audit"
ANCHOR_NS: Final = 60_000_000_000
TOPICS: Final = (VERDICTS, STATE_TOPIC, CARDS_TOPIC, AUDIT_TOPIC, BREAKS_TOPIC, GATE,
                 MOVES_TOPIC)  # fmt: skip
_ANCHOR: Final = "anchor"


class AuditorState(msgspec.Struct):
    """Where the chain ends."""

    before: bytes
    number: int = 0
    anchored: int = -1


Heard = (
    Verdict | DeskStateChanged | CardChanged | CardDue | Audited | BreakFound | PaperOrder
    | PositionMoved
)  # fmt: skip
ToAuditor = Resumed | TimerFired | Heard


class Auditor(Actor[ToAuditor]):
    """Writes each fact that it hears once, and signs the chain's head each minute."""

    KIND: ClassVar[str] = "auditor"
    DURABLE: ClassVar[bool] = True

    def __init__(self, sink: AuditSink, key: HeadKey, start: bytes) -> None:
        self._sink = sink
        self._key = key
        self.state: AuditorState = AuditorState(before=start)

    def receive(self, ctx: ActorContext, message: ToAuditor) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                for topic in TOPICS:
                    ctx.subscribe(topic)
                ctx.after(ANCHOR_NS, _ANCHOR)
            case TimerFired():
                self._anchor(ctx.now_ns())
                ctx.after(ANCHOR_NS, _ANCHOR)
            case (
                Verdict() | DeskStateChanged() | CardChanged() | CardDue() | Audited()
                | BreakFound() | PaperOrder() | PositionMoved()
            ):  # fmt: skip
                self._keep(ctx, message)
            case never:
                assert_never(never)

    def _keep(self, ctx: ActorContext, message: Heard) -> None:
        state = self.state
        record = encode_record(
            state.number + 1, ctx.now_ns(), ctx.envelope_id(), ctx.sender(), message, state.before
        )
        state.number += 1
        state.before = hash_of(record)
        self._sink.keep(state.number, record)

    def _anchor(self, now_ns: int) -> None:
        state = self.state
        if state.anchored == state.number:
            return  # Nothing new to sign.
        state.anchored = state.number
        self._sink.anchor(self._key.sign(SignedHead(state.number, now_ns, state.before)))
