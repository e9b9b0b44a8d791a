"""Orders that wait for people: asked, asked again, made smaller, and at last sent or not.

Risk keeps what waits; the approval agent keeps who answered what. A yes binds the record that was
seen: it is looked at again when it arrives, and what has changed too much is asked again.
"""

from collections.abc import Callable
from typing import Final

from agents.desk.card_checks import decision_fault, has_drifted, is_more
from agents.desk.cards import drift_of, figures_of, make_card, new_code, twice_mid
from agents.desk.case import Case
from agents.desk.left_to_close import beyond_position
from agents.desk.order_form import Fault
from agents.desk.risk_case import CaseMaker, tracked, with_quantity
from agents.desk.risk_changes import Changes
from agents.desk.risk_state import RiskSettings, RiskState, Ticket, Waiting
from agents.desk.risk_voice import Passed, Voice
from agents.desk.ruling import Ruling, rule_on
from agents.orders import TrackedOrder
from environment.actors import ActorContext, ActorRef
from environment.approval_messages import (
    ApprovalRequest,
    Because,
    CardProgress,
    CardRefreshed,
    CardWithdrawn,
    Decision,
    MakeSmaller,
    OrderCard,
    Outcome,
    Tier,
)
from environment.authority import VenueGate
from environment.messages import OrderRequest
from environment.signed import SignedDecision

REFRESH: Final = "refresh cards"
_DAY: Final = 86_400_000_000_000
ToApprovals = ApprovalRequest | CardRefreshed | CardWithdrawn | CardProgress


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
        self.changes = Changes(voice)

    def ask(self, ctx: ActorContext, state: RiskState, case: Case, ruling: Ruling) -> None:
        """Put an order to people."""
        code = self._new_code(state, case.request.order_id)
        card = make_card(case, state.rules, ruling, code=code, tier=ruling.tier)
        self._put(ctx, state, case, Waiting(card, quantity=case.request.quantity))

    def refresh(self, ctx: ActorContext, state: RiskState) -> None:
        """Send new figures of every waiting card, and come again while any waits."""
        state.refresh_timer = 0
        for waiting in state.waiting.values():
            waiting.sequence += 1
            card = waiting.card
            case = self._case(ctx, state, card.order)
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
                case = self._case(ctx, state, waiting.card.order)
                if has_drifted(case, waiting):
                    self._ask_again(ctx, state, case, waiting)
        for order_id, ticket in state.tickets.items():
            decision = ticket.decision
            if decision is None or ticket.is_cancelled or order_id not in state.book.orders:
                continue
            if ticket.is_withheld or not _touches(ticket.request, symbol, self._maker):
                continue
            drift = drift_of(
                self._maker.case(state, ticket.request, ctx.now_ns()), ticket.twice_mid
            )
            if drift is None or abs(drift) <= ticket.drift:
                continue
            if ticket.rests:
                self.withhold(ctx, state, order_id, ticket)
            else:
                self.cancel(ctx, state, order_id, ticket)

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
        fault = decision_fault(waiting, signed, self._gate)
        if signed is None or fault:
            self._withdraw(ctx, state, waiting, "failed", fault)
            return
        case = self._case(ctx, state, card.order)
        ruling = rule_on(case, state.rules)
        if ruling.hard is not None:
            text = f"{ruling.hard.control.name}: {ruling.hard.text}"
            self._withdraw(ctx, state, waiting, "refused_again", text)
        elif has_drifted(case, waiting) or is_more(ruling, waiting):
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
        case = self._case(ctx, state, request)
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
            is_over=order is None or order.is_over, is_withheld=ticket.is_withheld,
        ))  # fmt: skip

    # --- what outlives a day --------------------------------------------------------------------

    def ask_next_day(
        self, ctx: ActorContext, state: RiskState, case: Case, ruling: Ruling, known: TrackedOrder
    ) -> None:
        """Put the rest of a resting order to people, on a new card beside the old figures."""
        order_id = known.order_id
        ticket = state.tickets[order_id]
        before = ticket.card
        # A code of no card before: what was typed on another day must not name this one.
        code = self._new_code(state, f"{order_id} {'' if before is None else before.record_hash}")
        card = self._card_of_rest(state, case, ruling, code, "next_open", known.filled)
        self._supersede(ctx, state, order_id, card, "asked again as")
        self._put(ctx, state, case, Waiting(card, quantity=case.request.quantity), before)

    def ask_change(
        self, ctx: ActorContext, state: RiskState, case: Case, ruling: Ruling, known: TrackedOrder
    ) -> None:
        """Put other terms of an order that rests to people; it works on as it is meanwhile."""
        before = state.tickets[known.order_id].card
        code = self._new_code(state, f"{known.order_id} changed {state.verdicts}")
        card = self._card_of_rest(state, case, ruling, code, "replacement", known.filled)
        waiting = Waiting(card, quantity=case.request.quantity, is_change=True)
        self._put(ctx, state, case, waiting, before)

    def go_on(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        """Let an order that is out of the market back in on its new terms."""
        if self.changes.go_on(ctx, state, order_id):
            self.progress(ctx, state, order_id)

    def drop_change(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        """Take other terms back of an order that is over."""
        waiting = state.waiting.get(order_id)
        if waiting is not None and waiting.is_change:
            self._withdraw(ctx, state, waiting, "withdrawn", "its order is over")

    def withhold(self, ctx: ActorContext, state: RiskState, order_id: str, ticket: Ticket) -> None:
        """Take a resting order out of the market; no child leaves before it was asked again."""
        self.changes.settle(ctx, state, order_id, ticket)
        if not ticket.is_withheld:
            ticket.is_withheld = True
            self._voice.withhold(ctx, state, order_id)
            self.progress(ctx, state, order_id)

    def cancel(self, ctx: ActorContext, state: RiskState, order_id: str, ticket: Ticket) -> None:
        """Take what is left of an order out of the market, for good."""
        ticket.is_cancelled = True
        state.book.ask(order_id, None)
        self._voice.cancel(ctx, state, order_id)

    def keep_to_position(self, ctx: ActorContext, state: RiskState) -> None:
        """Take out reductions that a position no longer covers: it went without an order."""
        for order_id in beyond_position(state):
            self.cancel(ctx, state, order_id, state.tickets[order_id])

    def end_rest(self, ctx: ActorContext, state: RiskState, order_id: str, fault: Fault) -> None:
        """End an order that rested: its owner hears of a cancel, as of any order once accepted."""
        state.tickets[order_id].is_cancelled = True
        state.book.ask(order_id, None)
        about = state.tickets[order_id].request
        self._voice.refuse(ctx, state, order_id, fault, about=about, tells_owner=False)
        self._voice.end_parent(ctx, order_id, f"{fault.rule}: {fault.found}")

    # --- parts ---------------------------------------------------------------------------------

    def _card_of_rest(
        self, state: RiskState, case: Case, ruling: Ruling, code: str, because: Because, done: int
    ) -> OrderCard:
        """Return a new card for the rest of an order that people have approved before."""
        tier: Tier = ruling.tier if _is_asked(ruling.tier) else "one"
        before = state.tickets[case.request.order_id].card
        return make_card(
            case, state.rules, ruling, code=code, tier=tier, before=before, because=because,
            done=done,
        )  # fmt: skip

    def _supersede(
        self, ctx: ActorContext, state: RiskState, order_id: str, card: OrderCard, why: str
    ) -> None:
        """End the card of an order that goes on under a new one."""
        ticket, order = state.tickets[order_id], state.book.orders[order_id]
        ctx.send(self._approvals, CardProgress(
            code=ticket.code, order_id=order_id, filled=order.filled,
            quantity=ticket.request.quantity, is_over=True, reason=f"{why} {card.code}",
        ))  # fmt: skip
        ticket.code = card.code

    def _case(self, ctx: ActorContext, state: RiskState, request: OrderRequest) -> Case:
        """Return the case of what waits; what rested is counted already, and not twice."""
        known = state.book.orders.get(request.order_id)
        return self._maker.case(
            state, request, ctx.now_ns(), known=known, is_child=known is not None
        )

    def _new_code(self, state: RiskState, order_id: str) -> str:
        taken = {waiting.card.code for waiting in state.waiting.values()}
        return new_code(order_id, taken | {ticket.code for ticket in state.tickets.values()})

    def _put(
        self, ctx: ActorContext, state: RiskState, case: Case, waiting: Waiting,
        before: OrderCard | None = None,
    ) -> None:  # fmt: skip
        card, request = waiting.card, case.request
        state.waiting[request.order_id] = waiting
        self._voice.asked(
            ctx, state, request, tier=card.tier, rule=card.reasons[0].rule, score=card.score
        )
        self._send(ctx, case, waiting, before)
        if self._settings.refresh_ns and not state.refresh_timer:
            state.refresh_timer = ctx.after(self._settings.refresh_ns, REFRESH)

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
            because=because, done=waiting.card.done,
        )  # fmt: skip
        waiting.sequence += 1
        self._send(ctx, case, waiting)

    def _send(
        self, ctx: ActorContext, case: Case, waiting: Waiting, before: OrderCard | None = None
    ) -> None:
        figures = figures_of(case, waiting.card, waiting.sequence)
        ctx.send(
            self._approvals, ApprovalRequest(card=waiting.card, figures=figures, before=before),
            evidence=waiting.card.evidence,
        )  # fmt: skip

    def _send_order(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, signed: SignedDecision,
        case: Case,
    ) -> None:  # fmt: skip
        card, request = waiting.card, waiting.card.order
        order_id = request.order_id
        del state.waiting[order_id]
        # Booked before sending: a crash in between leaves the desk over-cautious.
        ticket = state.tickets.get(order_id)
        if ticket is None:
            state.book.reserve(tracked(request))
            lasts = self._voice.outlives_day(request)
            ticket = state.tickets[order_id] = Ticket(
                request, self._maker.scopes_of(request),
                is_parent=lasts or self._voice.is_worked(request), code=card.code,
            )  # fmt: skip
        elif waiting.is_change:
            lasts = True
            self._supersede(ctx, state, order_id, card, "replaced as")
        else:
            lasts = True
            whole = card.done + card.quantity
            state.book.shrink(order_id, whole)
            ticket.request, ticket.is_withheld = with_quantity(ticket.request, whole), False
        ticket.decision, ticket.twice_mid, ticket.drift = signed, twice_mid(case), card.drift
        if lasts:
            ticket.card, ticket.night = card, nights_until(state, ctx.now_ns())
            state.resting[order_id] = None
        self._voice.kept(ctx, request, card.dropped, "smaller", card.twice_mid)
        if waiting.is_change:
            changed = with_quantity(request, card.done + card.quantity)
            self.changes.begin(ctx, state, order_id, changed)
            return
        passed = Passed(tier=card.tier, rule=card.reasons[0].rule, decision=signed)
        self._voice.pass_order(ctx, state, ticket.request, passed)

    def _end(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, outcome: Outcome, reason: str
    ) -> None:
        """Tell the proposer no, in a rule's name, and the gate's ledger what was not sent."""
        card = waiting.card
        state.waiting.pop(card.order.order_id, None)
        if waiting.is_change:
            self._end_change(ctx, state, waiting, outcome, reason)
            return
        self._voice.kept(ctx, card.order, waiting.quantity, outcome, card.twice_mid)
        fault = Fault(rule=f"person_{outcome}", found=reason or outcome)
        if card.order.order_id in state.tickets:
            self.end_rest(ctx, state, card.order.order_id, fault)
        else:
            self._voice.refuse(ctx, state, card.order.order_id, fault, about=card.order)

    def _end_change(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, outcome: Outcome, reason: str
    ) -> None:
        """Refuse other terms; what the gate kept from the market is what they had more."""
        card = waiting.card
        known = state.book.orders.get(card.order.order_id)
        more = 0 if known is None else card.done + waiting.quantity - known.terms.quantity
        self._voice.kept(ctx, card.order, more, outcome, card.twice_mid)
        fault = Fault(rule=f"person_{outcome}", found=reason or outcome)
        self._voice.refuse(ctx, state, card.order.order_id, fault, about=card.order)

    def _withdraw(
        self, ctx: ActorContext, state: RiskState, waiting: Waiting, outcome: Outcome, reason: str
    ) -> None:
        self._end(ctx, state, waiting, outcome, reason)
        ctx.send(self._approvals, CardWithdrawn(
            code=waiting.card.code, order_id=waiting.card.order.order_id, outcome=outcome,
            reason=reason,
        ))  # fmt: skip


def nights_until(state: RiskState, now_ns: int) -> int:
    """Return how many nights have passed since trading first began."""
    return round((now_ns - state.opened_ns) / _DAY) if state.opened_ns else 0


def _is_asked(tier: Tier) -> bool:
    return tier in {"one", "two"}


def _touches(request: OrderRequest, symbol: str, maker: CaseMaker) -> bool:
    names = [leg.instrument for leg in request.legs] or [request.instrument]
    return symbol in names or any(maker.instruments[n].underlying == symbol for n in names)
