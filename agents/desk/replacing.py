"""Replacements: ruled on as the order that they make, and within what was let through, or asked."""

import msgspec

from agents.desk.case import Case
from agents.desk.exposure import owner_of
from agents.desk.order_form import Fault, find_malformed, find_replace_fault
from agents.desk.risk_cards import CardDesk
from agents.desk.risk_case import CaseMaker, with_quantity
from agents.desk.risk_state import RiskState, Ticket
from agents.desk.risk_voice import Passed, Voice
from agents.desk.ruling import Ruling, rule_on
from agents.orders import Terms, TrackedOrder
from environment.actors import ActorContext
from environment.messages import OrderRequest, ReplaceRequest


class Replacing:
    """Rules on replacements. Holds references; all that changes is risk's state."""

    def __init__(self, maker: CaseMaker, cards: CardDesk, voice: Voice) -> None:
        self._maker = maker
        self._cards = cards
        self._voice = voice

    def on_replace(self, ctx: ActorContext, state: RiskState, request: ReplaceRequest) -> None:
        """Pass a replacement, ask people about it, or refuse it; the order stays as it is."""
        fault = find_malformed(request)
        order = None if fault else state.book.orders.get(request.order_id)
        if fault is None and order is not None and order.ended_at is None:
            fault = find_replace_fault(
                request, order, self._maker.instruments[order.instrument], ctx.sender()
            ) or self._standing_fault(state, request, order)
        elif fault is None:
            fault = Fault(rule="unknown_order", found=repr(request.order_id))
        if fault is not None or order is None:
            assert fault is not None
            self._voice.refuse(ctx, state, request.order_id, fault)
            return
        ticket, wanted = state.tickets[order.order_id], order.wanted()
        price = wanted.price if request.price is None else request.price
        changed = msgspec.structs.replace(ticket.request, quantity=request.quantity, price=price)
        activity = state.activity.ask(
            owner_of(order.order_id), ticket.request, ctx.now_ns(), is_new=False
        )
        case = self._maker.case(state, changed, ctx.now_ns(), activity=activity, known=order)
        ruling = rule_on(case, state.rules)
        fault = None
        if ruling.hard is not None:
            fault = Fault(rule=ruling.hard.control.name, found=ruling.hard.text)
        elif not ticket.rests:
            fault = beyond_approval(ticket, changed, ruling, wanted)
        if fault is not None:
            self._voice.refuse(ctx, state, order.order_id, fault, ruling.hard, about=changed)
        elif ticket.rests:
            self._change(ctx, state, case, ruling, order)
        else:
            state.book.ask(order.order_id, Terms(request.quantity, request.price))
            ticket.reduces = case.is_reducing
            passed = Passed(tier=ruling.tier, rule=ruling.rule, decision=ticket.decision)
            self._voice.pass_replace(ctx, state, request, passed)

    def _standing_fault(
        self, state: RiskState, request: ReplaceRequest, order: TrackedOrder
    ) -> Fault | None:
        """Return why an order that execution works takes no other terms now."""
        ticket = state.tickets[order.order_id]
        if not ticket.is_parent:
            return None
        if not ticket.rests:
            return Fault(rule="worked_in_parts", found="cancel it")
        if order.order_id in state.waiting:
            return Fault(rule="asked_already", found="people are asked about it")
        if ticket.is_withheld or ticket.is_cancelled or ticket.is_ending:
            return Fault(rule="withheld", found="nothing of it works at present")
        if request.quantity <= order.filled:
            return Fault(rule="replace_too_late", found=f"{order.filled} lots have traded")
        return None

    def _change(
        self, ctx: ActorContext, state: RiskState, case: Case, ruling: Ruling, order: TrackedOrder
    ) -> None:
        """Change what people approved for longer than a day: by their yes, or by a new one."""
        changed, order_id, now_ns = case.request, order.order_id, ctx.now_ns()
        ticket = state.tickets[order_id]
        decision = ticket.decision
        is_within = beyond_approval(ticket, changed, ruling, order.wanted()) is None
        # Their yes lets something leave until then, and no later.
        if decision is not None and is_within and now_ns < decision.send_until_ns:
            self._cards.changes.begin(ctx, state, order_id, changed)
            return
        rest = with_quantity(changed, changed.quantity - order.filled)
        case = self._maker.case(state, rest, now_ns, known=order, is_child=True)
        ruling = rule_on(case, state.rules)
        if ruling.tier not in {"one", "two"}:
            ruling = msgspec.structs.replace(ruling, tier="one", rule="replacement")
        self._cards.ask_change(ctx, state, case, ruling, order)


def beyond_approval(
    ticket: Ticket, changed: OrderRequest, ruling: Ruling, wanted: Terms
) -> Fault | None:
    """Return why a replacement would need people; it may draw on what they bound, no more."""
    decision = ticket.decision
    if decision is not None:
        worst, buys = decision.worst_price, changed.side == "buy" or bool(changed.legs)
        is_worse = worst is not None and changed.price is not None and (
            changed.price > worst if buys else changed.price < worst
        )  # fmt: skip
        if changed.quantity > decision.quantity or is_worse:
            text = f"{changed.quantity} at {changed.price}, approved {decision.quantity}"
            return Fault(rule="beyond_approval", found=f"{text} at {worst}")
        return None
    if ruling.tier not in {"one", "two", "refuse"}:
        return None
    if changed.quantity <= wanted.quantity and not ruling.soft:
        return None  # No more of what was let through without people.
    return Fault(rule="needs_approval", found=f"{ruling.rule}; cancel it and propose it anew")
