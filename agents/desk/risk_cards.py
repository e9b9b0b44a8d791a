"""Orders that wait for people: asked, asked again, made smaller, and at last sent or not.

Risk keeps what waits; the approval agent keeps who answered what. A yes binds the record that was
seen: it is looked at again when it arrives, and what has changed too much is asked again.
"""

from collections.abc import Callable
from typing import Final, Literal

from agents.desk.cards import drift_of, figures_of, make_card, new_code, twice_mid
from agents.desk.case import Case
from agents.desk.order_form import Fault
from agents.desk.risk_case import CaseMaker, tracked, with_quantity
from agents.desk.risk_state import RiskSettings, RiskState, Ticket, Waiting
from agents.desk.risk_voice import Passed, Voice
from agents.desk.ruling import Ruling, rule_on
from environment.actors import ActorContext, ActorRef
from environment.approval_messages import (
    TIERS,
    ApprovalRequest,
    CardProgress,
    CardRefreshed,
    CardWithdrawn,
    Decision,
    MakeSmaller,
    Outcome,
    Tier,
)
from environment.authority import VenueGate, bound_legs
from environment.messages import OrderRequest
from environment.signed import SignedDecision

REFRESH: Final = "refresh cards"
ToApprovals = ApprovalRequest | CardRefreshed | CardWithdrawn | CardProgress
Because = Literal["", "drift", "smaller"]


class CardDesk:
    """Risk's half of approvals. Holds references; all that changes is risk's state."""

    def __init__(
        self, approvals: ActorRef[ToApprovals], maker: CaseMaker, voice: Voice, gate: VenueGate,
        settings: RiskSettings,
    ) -> None:  # fmt: skip
        self._approvals = approvals
        self._maker = maker
        self._voice = voice
        self._gate = gate
        self._settings = settings

    def ask(self, ctx: ActorContext, state: RiskState, case: Case, ruling: Ruling) -> None:
        """Put an order to people."""
        request = case.request
        taken = {waiting.card.code for waiting in state.waiting.values()}
        taken |= {ticket.code for ticket in state.tickets.values()}
        card = make_card(
            case, state.rules, ruling, code=new_code(request.order_id, taken), tier=ruling.tier
        )
        waiting = Waiting(card, quantity=request.quantity)
        state.waiting[request.order_id] = waiting
        self._voice.asked(
            ctx, state, request, tier=ruling.tier, rule=card.reasons[0].rule, score=card.score
        )
        self._send(ctx, case, waiting)
        if self._settings.refresh_ns and not state.refresh_timer:
            state.refresh_timer = ctx.after(self._settings.refresh_ns, REFRESH)

    def refresh(self, ctx: ActorContext, state: RiskState) -> None:
        """Send new figures of every waiting card, and come again while any waits."""
        state.refresh_timer = 0
        for waiting in state.waiting.values():
            waiting.sequence += 1
            card = waiting.card
            case = self._maker.case(state, card.order, ctx.now_ns())
            ctx.send(self._approvals, CardRefreshed(
                code=card.code, record_hash=card.record_hash,
                figures=figures_of(case, card, waiting.sequence),
            ))  # fmt: skip
        if state.waiting:
            state.refresh_timer = ctx.after(self._settings.refresh_ns, REFRESH)

    def look_for_drift(self, ctx: ActorContext, state: RiskState, symbol: str) -> None:
        """Ask again about orders whose price has left its band; cancel the rest of working ones."""
        for order_id in list(state.waiting):
            waiting = state.waiting[order_id]
            if _touches(waiting.card.order, symbol, self._maker):
                case = self._maker.case(state, waiting.card.order, ctx.now_ns())
                if self._has_drifted(case, waiting):
                    self._ask_again(ctx, state, case, waiting)
        for order_id, ticket in state.tickets.items():
            decision = ticket.decision
            if decision is None or ticket.is_cancelled or order_id not in state.book.orders:
                continue
            if not _touches(ticket.request, symbol, self._maker):
                continue
            drift = drift_of(
                self._maker.case(state, ticket.request, ctx.now_ns()), ticket.twice_mid
            )
            if drift is not None and abs(drift) > ticket.drift:
                ticket.is_cancelled = True
                self._cancel_rest(ctx, state, order_id)

    def is_approvals(self, sender: str) -> bool:
        """Return whether a message comes from the one who speaks for people."""
        return sender == self._approvals.address

    def on_decision(self, ctx: ActorContext, state: RiskState, decision: Decision) -> None:
        """Take people's word: look at the order once more, then send it or say why not."""
        waiting = state.waiting.get(decision.order_id)
        if waiting is None:
            return
        card = waiting.card
        if decision.outcome != "approved":
            # A no is a no, also to a record that was asked again since.
            self._end(ctx, state, waiting, decision.outcome, decision.reason)
            return
        signed = decision.signed
        if decision.record_hash != card.record_hash:
            return  # Asked again while they answered: the new record stands, and waits.
        fault = self._decision_fault(waiting, signed)
        if signed is None or fault:
            self._withdraw(ctx, state, waiting, "failed", fault)
            return
        case = self._maker.case(state, card.order, ctx.now_ns())
        ruling = rule_on(case, state.rules)
        if ruling.hard is not None:
            text = f"{ruling.hard.control.name}: {ruling.hard.text}"
            self._withdraw(ctx, state, waiting, "refused_again", text)
        elif self._has_drifted(case, waiting) or self._is_more(ruling, waiting):
            self._ask_again(ctx, state, case, waiting)
        else:
            self._send_order(ctx, state, waiting, signed, case)

    def on_smaller(self, ctx: ActorContext, state: RiskState, asked: MakeSmaller) -> None:
        """Rule again on fewer: a new record, and who asked for it is the first to say yes."""
        found = [w for w in state.waiting.values() if w.card.record_hash == asked.record_hash]
        if not found:
            return
        waiting = found[0]
        if not 0 < asked.quantity < waiting.card.quantity:
            text = f"{asked.quantity} of {waiting.card.quantity} is not smaller"
            self._withdraw(ctx, state, waiting, "failed", text)
            return
        request = with_quantity(waiting.card.order, asked.quantity)
        case = self._maker.case(state, request, ctx.now_ns())
        ruling = rule_on(case, state.rules)
        if ruling.hard is not None:
            text = f"{ruling.hard.control.name}: {ruling.hard.text}"
            self._withdraw(ctx, state, waiting, "refused_again", text)
            return
        self._renew(ctx, state, case, waiting, ruling, "smaller")

    def end_all(
        self, ctx: ActorContext, state: RiskState, outcome: Outcome, reason: str,
        which: Callable[[Waiting], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        """End every waiting card, or those chosen: nothing waits through a halt or overnight."""
        for waiting in list(state.waiting.values()):
            if which(waiting):
                self._withdraw(ctx, state, waiting, outcome, reason)

    def progress(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        """Say how much of an approved order has traded."""
        ticket, order = state.tickets.get(order_id), state.book.orders.get(order_id)
        if ticket is None or not ticket.code:
            return
        done = ticket.request.quantity if order is None else order.filled
        ctx.send(self._approvals, CardProgress(
            code=ticket.code, order_id=order_id, filled=done, quantity=ticket.request.quantity,
            is_over=order is None or order.is_over,
        ))  # fmt: skip

    # --- parts ---------------------------------------------------------------------------------

    def _ask_again(self, ctx: ActorContext, state: RiskState, case: Case, waiting: Waiting) -> None:
        """Void the record and ask anew, on the same card; too often is a no."""
        ruling = rule_on(case, state.rules)
        if waiting.card.asked >= waiting.card.asked_at_most:
            text = f"asked {waiting.card.asked} times, and the price moved each time"
            self._withdraw(ctx, state, waiting, "drifted", text)
        elif ruling.hard is not None:
            text = f"{ruling.hard.control.name}: {ruling.hard.text}"
            self._withdraw(ctx, state, waiting, "refused_again", text)
        else:
            self._renew(ctx, state, case, waiting, ruling, "drift")

    def _renew(
        self, ctx: ActorContext, state: RiskState, case: Case, waiting: Waiting, ruling: Ruling,
        because: Because,
    ) -> None:  # fmt: skip
        tier: Tier = ruling.tier if _is_asked(ruling.tier) else "one"
        waiting.card = make_card(
            case, state.rules, ruling, code=waiting.card.code, tier=tier, before=waiting.card,
            because=because,
        )  # fmt: skip
        waiting.sequence += 1
        self._send(ctx, case, waiting)

    def _send(self, ctx: ActorContext, case: Case, waiting: Waiting) -> None:
        figures = figures_of(case, waiting.card, waiting.sequence)
        ctx.send(
            self._approvals, ApprovalRequest(card=waiting.card, figures=figures),
            evidence=waiting.card.evidence,
        )  # fmt: skip

    def _send_order(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, signed: SignedDecision,
        case: Case,
    ) -> None:  # fmt: skip
        card, request = waiting.card, waiting.card.order
        del state.waiting[request.order_id]
        # Booked before sending: a crash in between leaves the desk over-cautious.
        state.book.reserve(tracked(request))
        state.tickets[request.order_id] = Ticket(
            request, self._maker.scopes_of(request), signed, card.code, twice_mid(case),
            drift=card.drift, is_parent=self._voice.is_worked(request),
        )  # fmt: skip
        self._voice.kept(ctx, request, card.dropped, "smaller", card.twice_mid)
        passed = Passed(tier=card.tier, rule=card.reasons[0].rule, decision=signed)
        self._voice.pass_order(ctx, state, request, passed)

    def _end(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, outcome: Outcome, reason: str
    ) -> None:
        """Tell the proposer no, in a rule's name, and the gate's ledger what was not sent."""
        card = waiting.card
        state.waiting.pop(card.order.order_id, None)
        self._voice.kept(ctx, card.order, waiting.quantity, outcome, card.twice_mid)
        fault = Fault(rule=f"person_{outcome}", found=reason or outcome)
        self._voice.refuse(ctx, state, card.order.order_id, fault)

    def _withdraw(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, outcome: Outcome, reason: str
    ) -> None:
        self._end(ctx, state, waiting, outcome, reason)
        ctx.send(self._approvals, CardWithdrawn(
            code=waiting.card.code, order_id=waiting.card.order.order_id, outcome=outcome,
            reason=reason,
        ))  # fmt: skip

    def _cancel_rest(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        state.book.ask(order_id, None)
        self._voice.cancel(ctx, state, order_id)

    def _decision_fault(self, waiting: Waiting, signed: SignedDecision | None) -> str:
        card = waiting.card
        if signed is None or not self._gate.is_signed(signed):
            return "the decision is not signed by the panel"
        bound = (
            signed.record_hash.hex() == card.record_hash
            and signed.parent == card.order.order_id
            and signed.legs == bound_legs(card.order)
            and signed.quantity == card.quantity
            and signed.worst_price == card.worst_price
        )
        needed = 2 if card.tier == "two" else 1
        if not bound or len(set(signed.people)) < needed:
            return "the decision binds something else than the record"
        return ""

    def _has_drifted(self, case: Case, waiting: Waiting) -> bool:
        drift = drift_of(case, waiting.card.twice_mid)
        return drift is not None and abs(drift) > waiting.card.drift

    def _is_more(self, ruling: Ruling, waiting: Waiting) -> bool:
        """Return whether it needs more people, or breaks what they did not see."""
        seen = {reason.rule for reason in waiting.card.reasons}
        new = any(breach.control.name not in seen for breach in ruling.soft)
        return new or TIERS.index(ruling.tier) > TIERS.index(waiting.card.tier)


def _is_asked(tier: Tier) -> bool:
    return tier in {"one", "two"}


def _touches(request: OrderRequest, symbol: str, maker: CaseMaker) -> bool:
    names = [leg.instrument for leg in request.legs] or [request.instrument]
    return symbol in names or any(maker.instruments[n].underlying == symbol for n in names)
