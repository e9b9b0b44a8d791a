"""Parents that execution works, and the children that draw from them.

A parent is booked whole when it is let through; its children reserve nothing of their own. What a
child fills is the parent's fill, for the book and for limits.
"""

from typing import Final

import msgspec

from agents.desk.controls import breaches
from agents.desk.exposure import owner_of
from agents.desk.order_form import Fault
from agents.desk.risk_case import CaseMaker, tracked
from agents.desk.risk_state import RiskState, Ticket
from agents.desk.risk_voice import Passed, Voice
from agents.orders import TrackedOrder
from environment.actors import ActorContext
from environment.messages import OrderCancelled, OrderEvent, OrderFilled, OrderRequest

WITHHELD: Final = "withheld"


class ParentDesk:
    """Rules on children, and follows them for their parents. All that changes is risk's state."""

    def __init__(self, maker: CaseMaker, voice: Voice) -> None:
        self._maker = maker
        self._voice = voice

    def on_child(self, ctx: ActorContext, state: RiskState, child: OrderRequest) -> None:
        """Let a child through if its parent has so much left, and no hard limit is against it."""
        ticket = state.tickets.get(child.parent)
        parent = state.book.orders.get(child.parent)
        if ticket is None or parent is None or not ticket.is_parent:
            unknown = Fault(rule="unknown_parent", found=repr(child.parent))
            self._voice.refuse(ctx, state, child.order_id, unknown, about=child)
            return
        owner, now_ns = owner_of(parent.order_id), ctx.now_ns()
        activity = state.activity.work(owner, ticket.request.strategy, now_ns)
        fault = _terms_fault(ticket, parent, child, now_ns)
        if fault is not None:
            self._voice.refuse(ctx, state, child.order_id, fault, about=child)
            return
        as_parent = msgspec.structs.replace(child, order_id=child.parent)
        case = self._maker.case(
            state, as_parent, now_ns, activity=activity, known=parent, is_child=True
        )
        if ticket.reduces and any(leg.lots > leg.closeable() for leg in case.legs):
            found = f"{child.quantity} lots, {case.closeable_units} are left to close"
            fault = Fault(rule="reducing", found=found)
            self._voice.refuse(ctx, state, child.order_id, fault, about=child)
            return
        hard = next((b for b in breaches(case, state.rules) if b.kind == "hard"), None)
        if hard is not None:
            fault = Fault(rule=hard.control.name, found=hard.text)
            self._voice.refuse(ctx, state, child.order_id, fault, hard, about=child)
            return
        ticket.children[child.order_id] = tracked(child)
        state.child_of[child.order_id] = child.parent
        passed = Passed(rule=f"child of {child.parent}", decision=ticket.decision)
        self._voice.pass_order(ctx, state, child, passed)

    def follow(self, state: RiskState, event: OrderEvent) -> OrderEvent | None:
        """Take a child's event in; return its parent's own event, where it has one."""
        parent_id = state.child_of.get(event.order_id)
        if parent_id is None:
            return event
        ticket, parent = state.tickets.get(parent_id), state.book.orders.get(parent_id)
        if ticket is None or parent is None:
            return event
        child = ticket.children[event.order_id]
        filled = child.follow(event)
        if child.is_over:
            del ticket.children[event.order_id]
            del state.child_of[event.order_id]
        if isinstance(event, OrderFilled) and (filled or child.legs):
            leaves = _leaves_after(parent, event)
            return msgspec.structs.replace(event, order_id=parent_id, leaves=leaves)
        return _end_of(ticket, parent) if ticket.is_ending else None

    def over(self, state: RiskState, order_id: str) -> OrderEvent | None:
        """Note that execution is done with a parent; it ends once its last child has."""
        ticket, parent = state.tickets.get(order_id), state.book.orders.get(order_id)
        if ticket is None or parent is None or not ticket.is_parent:
            return None
        ticket.is_ending = True
        return _end_of(ticket, parent)


def _leaves_after(parent: TrackedOrder, fill: OrderFilled) -> int:
    """Return what a parent, or the leg of it that traded, still has after a child's fill."""
    if not parent.legs:
        return max(parent.terms.quantity - parent.filled - fill.quantity, 0)
    ratio = next(leg.ratio for leg in parent.legs if leg.instrument == fill.instrument)
    done = parent.leg_lots.get(fill.instrument, 0) + fill.quantity
    return max(parent.terms.quantity * ratio - done, 0)


def _terms_fault(
    ticket: Ticket, parent: TrackedOrder, child: OrderRequest, now_ns: int
) -> Fault | None:
    request, decision = ticket.request, ticket.decision
    if (child.instrument, child.side, child.legs) != (
        request.instrument, request.side, request.legs,
    ):  # fmt: skip
        return Fault(rule="beyond_parent", found=f"{child.side} {child.instrument}")
    if ticket.is_withheld:
        return Fault(rule=WITHHELD, found="until people were asked again")
    open_lots = sum(one.at_most() for one in ticket.children.values())
    left = parent.terms.quantity - parent.filled - open_lots
    if ticket.is_ending or ticket.is_cancelled or child.quantity > left:
        return Fault(rule="beyond_parent", found=f"{child.quantity} lots, {max(left, 0)} are left")
    if request.price is not None and (
        child.price is None
        or (child.price > request.price if child.side == "buy" else child.price < request.price)
    ):
        return Fault(rule="beyond_parent", found=f"price {child.price}, limit {request.price}")
    if decision is not None and now_ns >= decision.send_until_ns:
        return Fault(rule="send_within", found=f"until {decision.send_until_ns} ns")
    return None


def _end_of(ticket: Ticket, parent: TrackedOrder) -> OrderCancelled | None:
    if ticket.children:
        return None
    return OrderCancelled(
        order_id=parent.order_id, instrument=parent.instrument,
        quantity=parent.terms.quantity - parent.filled, reason="execution is done", exchange_ns=0,
    )  # fmt: skip
