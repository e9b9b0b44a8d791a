"""Parents that rest over nights: one child a day, and none before the day was approved."""

from collections.abc import Callable
from typing import Final

import msgspec

from agents.desk.execution_state import ExecutionState
from agents.desk.risk_parents import WITHHELD
from agents.desk.working_order import (
    EndParent,
    ParentOver,
    ParentWithheld,
    WithholdParent,
    WorkingOrder,
)
from agents.orders import Terms, TrackedOrder
from environment.actors import ActorContext, ActorRef
from environment.messages import (
    CancelOrder,
    CancelRequest,
    OrderCancelled,
    OrderEvent,
    OrderRefused,
    OrderRequest,
)

NEVER: Final = 1 << 62
_DATE: Final = "date"
ToRisk = OrderRequest | CancelRequest | ParentOver | ParentWithheld


class RestingWork:
    """Sends the day's child, and takes it out. All that changes is execution's state."""

    def __init__(
        self, risk: ActorRef[ToRisk], end: Callable[[ActorContext, WorkingOrder, str], None]
    ) -> None:
        self._risk = risk
        self._end = end

    def begin(self, ctx: ActorContext, state: ExecutionState, order: WorkingOrder) -> None:
        """Send all that is left, for today only: the venue itself ends it with the day."""
        if ctx.now_ns() >= order.window.end_ns:
            self._end(ctx, order, "expired")
            return
        request = order.request
        order_id = state.numbers.next_id(ctx.address, ctx.now_ns())
        order.child = TrackedOrder(
            order_id, request.instrument, order.side, Terms(order.leaves, request.price),
            legs=request.legs,
        )  # fmt: skip
        order.children += 1
        state.parents[order_id] = order.order_id
        child = msgspec.structs.replace(
            request, order_id=order_id, quantity=order.leaves, time_in_force="day",
            expire_ns=None, parent=order.order_id, evidence=(), reasons=(), least_quantity=0,
        )  # fmt: skip
        ctx.send(self._risk, child)

    def go_on(
        self, ctx: ActorContext, state: ExecutionState, order: WorkingOrder, request: OrderRequest
    ) -> None:
        """Let it back into the market: it was approved for another day, perhaps for fewer."""
        if order.is_withheld and not order.is_ending:
            order.request, order.is_withheld = request, False
            self.begin(ctx, state, order)

    def stop(self, ctx: ActorContext, order: WorkingOrder, reason: str) -> None:
        """End a parent; one that rests is only withheld, until risk approves it again."""
        if not order.rests or order.is_ending:
            self._end(ctx, order, reason)
            return
        order.is_withheld = True
        if order.child is None:
            ctx.send(self._risk, ParentWithheld(order_id=order.order_id))
        else:
            self.cancel_child(ctx, order)

    def take_out(
        self, ctx: ActorContext, state: ExecutionState,
        message: CancelOrder | WithholdParent | EndParent,
    ) -> None:  # fmt: skip
        """Do as risk says; of an order that is not worked here it is told that it is over."""
        order = state.working.get(message.order_id)
        if order is None:
            if not isinstance(message, CancelOrder):
                ctx.send(self._risk, ParentOver(order_id=message.order_id))
        elif isinstance(message, WithholdParent):
            self.stop(ctx, order, WITHHELD)
        else:
            self._end(ctx, order, message.reason if isinstance(message, EndParent) else "requested")

    def resume(self, ctx: ActorContext, order: WorkingOrder, still_open: set[str]) -> None:
        """Let it rest on in a new incarnation while its child does; else it waits to be asked."""
        if order.child is not None and order.child.order_id not in still_open:
            order.child = None
        if order.child is None:
            self.stop(ctx, order, "restarted")
        self.mind_date(ctx, order)

    def is_out(self, order: WorkingOrder, event: OrderEvent) -> bool:
        """Return whether a child's last word takes a parent out of the market, and ends it not."""
        is_kept = isinstance(event, OrderRefused) and event.reason.startswith(WITHHELD)
        is_left = order.rests and order.leaves > 0 and not order.is_ending
        return is_left and (isinstance(event, OrderCancelled) or is_kept)

    def mind_date(self, ctx: ActorContext, order: WorkingOrder) -> None:
        """Come again when a good-till-date order has reached its date."""
        if order.window.end_ns < NEVER:
            ctx.after(max(order.window.end_ns - ctx.now_ns(), 1), _DATE)

    def cancel_child(self, ctx: ActorContext, order: WorkingOrder) -> None:
        """Ask for the child in the market, if there is one, to be taken out."""
        child = order.child
        if child is not None and not child.is_cancelling:
            child.asked.append(None)
            ctx.send(self._risk, CancelRequest(order_id=child.order_id))
