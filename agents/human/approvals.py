"""The approval agent: puts each order that needs people to them, and takes one answer, once.

It never decides. It keeps records as risk drew them, knows who may answer for a person, and lets
the store settle every race: what it has written first stands. No answer is a no, and so is any
exception: risk sends nothing without this agent's signature.
"""

from typing import ClassVar, Final, assert_never

from agents.human.answer_rules import answer_fault
from agents.human.approval_state import (
    ApprovalSettings,
    ApprovalState,
    ApprovalStatistics,
    Entry,
    Yes,
)
from agents.human.escalation import Caller, NotifyPeople
from environment.actors import Actor, ActorContext, ActorRef
from environment.approval_messages import (
    CARDS_TOPIC,
    AnswerNoted,
    ApprovalRequest,
    ApproversPresent,
    CardAnswer,
    CardChanged,
    CardDue,
    CardProgress,
    CardRefreshed,
    CardViewed,
    CardWithdrawn,
    Decision,
    MakeSmaller,
    Outcome,
    ShowCards,
)
from environment.authority import DecisionKey, Keys, bound_legs
from environment.control_messages import AUDIT_TOPIC, Audited, AuthorityRefused
from environment.messages import EffectDone, EffectFailed, Resumed, TimerFired
from environment.signed import SignedDecision

NOBODY: Final = (
    Yes(person="nobody", sign_in_id="", browser_id="", is_proved=True),
    Yes(person="nobody else", sign_in_id="", browser_id="-", is_proved=True),
)
ToApprovals = (
    Resumed | ApprovalRequest | CardRefreshed | CardWithdrawn | CardProgress | CardAnswer
    | CardViewed | ShowCards | ApproversPresent | TimerFired | EffectDone | EffectFailed
)  # fmt: skip


class Approvals(Actor[ToApprovals]):
    """Keeps the pending records, and signs what people decided."""

    KIND: ClassVar[str] = "approvals"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, risk: ActorRef[Decision | MakeSmaller | AuthorityRefused],
        settings: ApprovalSettings, keys: Keys,
    ) -> None:  # fmt: skip
        self._risk = risk
        self._settings = settings
        self._key = DecisionKey(keys.decision)
        self._caller = Caller(settings)
        self.state: ApprovalState = ApprovalState()

    def receive(self, ctx: ActorContext, message: ToApprovals) -> None:
        """Handle one message."""
        match message:
            case ApprovalRequest() | CardRefreshed() | CardWithdrawn() | CardProgress():
                if ctx.sender() != self._risk.address:
                    self._not_believed(ctx, type(message).__name__)
                else:
                    self._on_risk(ctx, message)
            case CardAnswer() | CardViewed() | ShowCards() | ApproversPresent():
                if ctx.sender() not in self._settings.speakers:
                    self._not_believed(ctx, type(message).__name__)
                else:
                    self._on_person(ctx, message)
            case TimerFired(name=name):
                self._on_timer(ctx, name)
            case Resumed():
                for entry in self.state.cards.values():
                    if entry.outcome is None:
                        self._set_timers(ctx, entry)
            case EffectDone() | EffectFailed():
                self._caller.hear(ctx, self.state, message)
            case never:
                assert_never(never)

    def statistics(self) -> ApprovalStatistics:
        """Return counts for summaries."""
        state = self.state
        expired = [state.outcomes.get(f"expired_{kind}", 0) for kind in ("unseen", "seen")]
        ended = sum(state.outcomes.values())
        ordered = sorted(state.answer_ns)
        return ApprovalStatistics(
            asked=state.asked,
            asked_again=state.asked_again,
            made_smaller=state.made_smaller,
            waiting=sum(entry.outcome is None for entry in state.cards.values()),
            outcomes=dict(sorted(state.outcomes.items())),
            share_unseen=expired[0] / ended if ended else 0.0,
            refused_answers=state.refused_answers,
            median_answer_ns=ordered[len(ordered) // 2] if ordered else 0,
        )

    # --- from risk -----------------------------------------------------------------------------

    def _on_risk(
        self, ctx: ActorContext,
        message: ApprovalRequest | CardRefreshed | CardWithdrawn | CardProgress,
    ) -> None:  # fmt: skip
        entry = self.state.cards.get(self._code_of(message))
        if isinstance(message, ApprovalRequest):
            self._on_request(ctx, message, entry)
        elif entry is None:
            return  # It has ended here already: the store has decided.
        elif isinstance(message, CardRefreshed):
            if entry.card.record_hash == message.record_hash:
                entry.hear_figures(message.figures)
                self._publish(ctx, entry)
        elif isinstance(message, CardWithdrawn):
            entry.state = "not_sent"
            self._finish(ctx, entry, message.outcome, message.reason)
        else:
            entry.hear_progress(message)
            self._publish(ctx, entry)
            if message.is_over:
                del self.state.cards[message.code]

    def _on_request(self, ctx: ActorContext, asked: ApprovalRequest, entry: Entry | None) -> None:
        """Take a new record in: of a new card, or in the place of the one that stood."""
        card, state = asked.card, self.state
        if entry is None:
            if card.previous and asked.before is None and card.code in state.ended:
                return  # A no, or an expiry, was first; risk will hear of it.
            state.asked += 1
            entry = Entry(card=card, figures=asked.figures, previous=asked.before)
            state.cards[card.code] = entry
        else:
            self._renew(entry, asked)
        entry.hear_figures(asked.figures)
        self._set_timers(ctx, entry)
        if self._settings.answers_at_once:
            entry.yes = NOBODY[: 2 if card.tier == "two" else 1]
        elif entry.smaller_by is not None and card.changed_because == "smaller":
            first, entry.smaller_by = entry.smaller_by, None
            # A record that asks for two meanwhile needs a password of each.
            if first.is_proved or card.tier != "two":
                entry.yes, entry.state = (first,), "one_of_two"
        if entry.yes and len(entry.yes) >= (2 if card.tier == "two" else 1):
            self._approve(ctx, entry)
        else:
            self._publish(ctx, entry)
            self._caller.at_first(ctx, state, entry)

    def _renew(self, entry: Entry, asked: ApprovalRequest) -> None:
        """Void what was answered to the record before."""
        self.state.asked_again += asked.card.changed_because == "drift"
        self.state.made_smaller += asked.card.changed_because == "smaller"
        entry.previous, entry.card = entry.card, asked.card
        entry.state, entry.outcome, entry.yes, entry.reason = "waiting", None, (), ""
        entry.is_called = False
        entry.figures_ns.clear()
        if asked.card.changed_because == "drift":
            entry.smaller_by = None

    # --- from people ---------------------------------------------------------------------------

    def _on_person(
        self, ctx: ActorContext, message: CardAnswer | CardViewed | ShowCards | ApproversPresent
    ) -> None:
        if isinstance(message, ApproversPresent):
            self.state.approvers = message.count
            for waiting in self.state.cards.values():
                self._caller.at_first(ctx, self.state, waiting)
        elif isinstance(message, ShowCards):
            for shown in self.state.cards.values():
                self._publish(ctx, shown)
        elif isinstance(message, CardViewed):
            entry = self.state.cards.get(message.code)
            if entry is not None and not entry.is_seen:
                entry.is_seen = True
                self._publish(ctx, entry)
            self._audit(ctx, "view", message.person, message.code, message.record_hash, {
                "shown_ms": str(message.shown_ms), "unfolded": ",".join(message.unfolded),
                "figures_hash": message.figures_hash, "sign_in": message.sign_in_id,
            })  # fmt: skip
        else:
            self._on_answer(ctx, message)

    def _on_answer(self, ctx: ActorContext, answer: CardAnswer) -> None:
        entry = self.state.cards.get(answer.code)
        if entry is not None and answer.answer_id and answer.answer_id in entry.answer_ids:
            self._note(ctx, answer, "")  # One press is one answer, however often it arrives.
            return
        now_ns = ctx.now_ns()
        if entry is not None and entry.is_open and now_ns >= entry.card.answer_until_ns:
            self._expire(ctx, entry)
        fault = answer_fault(
            entry, answer, now_ns, self._settings.figures_age_ns,
            self.state.ended.get(answer.code, ""),
        )  # fmt: skip
        self._audit(ctx, "answer", answer.person, answer.code, answer.record_hash, {
            "answer": answer.answer, "quantity": str(answer.quantity), "reason": answer.reason,
            "sign_in": answer.sign_in_id, "browser": answer.browser_id,
            "password": str(answer.password_proved), "figures": str(answer.figures_sequence),
            "figures_hash": answer.figures_hash, "refused": fault,
        })  # fmt: skip
        if fault or entry is None:
            self.state.refused_answers += 1
            self._note(ctx, answer, fault)
            if entry is not None and entry.is_open:
                self._publish(ctx, entry)
            return
        entry.answer_ids = (*entry.answer_ids[-15:], answer.answer_id)
        entry.is_seen = True
        self._note(ctx, answer, "")
        self._take(ctx, entry, answer)

    def _take(self, ctx: ActorContext, entry: Entry, answer: CardAnswer) -> None:
        """Carry an answer out that counts."""
        yes = Yes(
            person=answer.person, sign_in_id=answer.sign_in_id, browser_id=answer.browser_id,
            is_proved=answer.password_proved,
        )  # fmt: skip
        match answer.answer:
            case "reject":
                self._decide(ctx, entry, "rejected", answer.reason or "no reason was given",
                             (answer.person,))  # fmt: skip
            case "smaller":
                assert answer.quantity is not None
                entry.state, entry.smaller_by, entry.yes = "redrawing", yes, ()
                ctx.send(self._risk, MakeSmaller(
                    code=answer.code, record_hash=answer.record_hash, quantity=answer.quantity,
                    person=answer.person,
                ))  # fmt: skip
                self._publish(ctx, entry)
            case "approve":
                entry.yes = (*entry.yes, yes)
                if len(entry.yes) >= (2 if entry.card.tier == "two" else 1):
                    self._approve(ctx, entry)
                else:
                    entry.state = "one_of_two"
                    self._publish(ctx, entry)
            case never:
                assert_never(never)

    # --- how it ends ---------------------------------------------------------------------------

    def _approve(self, ctx: ActorContext, entry: Entry) -> None:
        card, now_ns = entry.card, ctx.now_ns()
        people = tuple(yes.person for yes in entry.yes)
        signed = self._key.sign(SignedDecision(
            record_hash=bytes.fromhex(card.record_hash), parent=card.order.order_id,
            legs=bound_legs(card.order), quantity=card.done + card.quantity,
            worst_price=card.worst_price,
            people=people, decided_ns=now_ns, send_until_ns=now_ns + card.send_within_ns,
        ))  # fmt: skip
        entry.state, entry.outcome = "sent", "approved"
        self._clear_timers(ctx, entry)
        self.state.answer_ns.append(now_ns - card.proposed_ns)
        self.state.outcomes["approved"] = self.state.outcomes.get("approved", 0) + 1
        ctx.send(self._risk, Decision(
            code=card.code, order_id=card.order.order_id, record_hash=card.record_hash,
            outcome="approved", people=people, signed=signed,
        ))  # fmt: skip
        self._publish(ctx, entry)

    def _decide(
        self, ctx: ActorContext, entry: Entry, outcome: Outcome, reason: str,
        people: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """End a card with a no, and tell risk."""
        card = entry.card
        ctx.send(self._risk, Decision(
            code=card.code, order_id=card.order.order_id, record_hash=card.record_hash,
            outcome=outcome, people=people, reason=f"{', '.join(people)}: {reason}" if people
            else reason,
        ))  # fmt: skip
        if people:
            self.state.answer_ns.append(ctx.now_ns() - card.proposed_ns)
        entry.state = "not_sent"
        self._finish(ctx, entry, outcome, reason)

    def _expire(self, ctx: ActorContext, entry: Entry) -> None:
        outcome: Outcome = "expired_seen" if entry.is_seen else "expired_unseen"
        self._decide(ctx, entry, outcome, "nobody answered in time")

    def _finish(self, ctx: ActorContext, entry: Entry, outcome: Outcome, reason: str) -> None:
        if entry.outcome == "approved":
            self.state.outcomes["approved"] -= 1  # It was a yes that could not be carried out.
        entry.outcome, entry.reason = outcome, reason
        self._clear_timers(ctx, entry)
        self.state.end(entry.card.code, outcome)
        self.state.cards.pop(entry.card.code, None)
        self._publish(ctx, entry)

    # --- time ----------------------------------------------------------------------------------

    def _set_timers(self, ctx: ActorContext, entry: Entry) -> None:
        self._clear_timers(ctx, entry)
        card, now_ns, settings = entry.card, ctx.now_ns(), self._settings
        asked_ns = card.answer_until_ns - now_ns
        timers = [ctx.after(max(asked_ns, 1), f"expire {card.code}")]
        due = [(after, "remind") for after in settings.remind_ns]
        if settings.escalate_after_ns is not None:
            due.append((settings.escalate_after_ns, "escalate"))
        for after_ns, kind in due:
            if after_ns < asked_ns:
                timers.append(ctx.after(after_ns, f"{kind} {card.code}"))
        entry.timers = tuple(timers)

    def _clear_timers(self, ctx: ActorContext, entry: Entry) -> None:
        for timer in entry.timers:
            ctx.cancel_timer(timer)
        entry.timers = ()

    def _on_timer(self, ctx: ActorContext, name: str) -> None:
        kind, _, code = name.partition(" ")
        entry = self.state.cards.get(code)
        if entry is None or entry.outcome is not None:
            return
        left_ns = entry.card.answer_until_ns - ctx.now_ns()
        if kind == "expire":
            if left_ns <= 0:
                self._expire(ctx, entry)
            return
        due = CardDue(
            code=code, tier=entry.card.tier, kind="remind" if kind == "remind" else "escalate",
            left_ns=left_ns, is_seen=entry.is_seen,
        )  # fmt: skip
        ctx.publish(CARDS_TOPIC, due)
        if due.kind == "escalate":
            self._caller.call(ctx, self.state, entry, "escalate")

    # --- what is told --------------------------------------------------------------------------

    def _publish(self, ctx: ActorContext, entry: Entry) -> None:
        ctx.publish(CARDS_TOPIC, CardChanged(
            card=entry.card, figures=entry.figures, state=entry.state, outcome=entry.outcome,
            reason=entry.reason, people=tuple(yes.person for yes in entry.yes),
            previous=entry.previous, is_seen=entry.is_seen, filled=entry.filled,
            changed_ns=ctx.now_ns(),
        ))  # fmt: skip

    def _note(self, ctx: ActorContext, answer: CardAnswer, fault: str) -> None:
        noted = AnswerNoted(
            code=answer.code, record_hash=answer.record_hash, person=answer.person,
            sign_in_id=answer.sign_in_id, answer_id=answer.answer_id, is_taken=not fault,
            reason=fault,
        )  # fmt: skip
        ctx.send(ActorRef(ctx.sender()), noted)

    def _not_believed(self, ctx: ActorContext, what: str) -> None:
        """Refuse what only risk, or only people, may say; risk stops an agent that tries it."""
        self.state.unbelieved += 1
        self._audit(ctx, "forgery", "", what, f"{what} from {ctx.sender()}", {})
        reason = f"{what}: it may not say that"
        ctx.send(self._risk, AuthorityRefused(sender=ctx.sender(), order_id=what, reason=reason))

    def _audit(
        self, ctx: ActorContext, kind: str, person: str, subject: str, text: str,
        figures: dict[str, str],
    ) -> None:  # fmt: skip
        audited = Audited(kind=kind, person=person, subject=subject, text=text, figures=figures)
        ctx.publish(AUDIT_TOPIC, audited)

    @staticmethod
    def _code_of(message: ApprovalRequest | CardRefreshed | CardWithdrawn | CardProgress) -> str:
        return message.card.code if isinstance(message, ApprovalRequest) else message.code


PROTOCOL: Final = (NotifyPeople,)

__all__ = ["NOBODY", "PROTOCOL", "Approvals"]
