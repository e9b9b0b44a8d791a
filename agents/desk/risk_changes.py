"""Other terms of an order that rests: what works is taken out first, then the rest goes back.

The order stays one parent. What has traded, what works and what may still work are never more than
people approved, as the next child leaves only when both risk and execution have seen the last one
end (docs/decisions/0104).
"""

from agents.desk.risk_state import RiskState, Ticket
from agents.desk.risk_voice import Passed, Voice
from agents.orders import Terms
from environment.actors import ActorContext
from environment.messages import OrderReplaced, OrderRequest


class Changes:
    """Carries changes out. Holds references; all that changes is risk's state."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def begin(
        self, ctx: ActorContext, state: RiskState, order_id: str, changed: OrderRequest
    ) -> None:
        """Take what works out of the market; until it is out, both terms count."""
        ticket = state.tickets[order_id]
        state.book.ask(order_id, Terms(changed.quantity, changed.price))
        ticket.changes_to, ticket.is_out, ticket.is_withheld = changed, False, True
        self._voice.withhold(ctx, state, order_id)

    def hear_out(self, ticket: Ticket) -> bool:
        """Note that execution has nothing of an order in the market; return if that was awaited."""
        ticket.is_out = True
        return ticket.changes_to is not None

    def go_on(self, ctx: ActorContext, state: RiskState, order_id: str) -> bool:
        """Send the rest back once all is out; return whether it went."""
        ticket = state.tickets.get(order_id)
        if ticket is None or ticket.changes_to is None or not ticket.is_out or ticket.children:
            return False
        if ticket.is_cancelled or ticket.is_ending:
            return False
        if ticket.changes_to.quantity <= state.book.orders[order_id].filled:
            ticket.changes_to, ticket.is_cancelled = None, True
            state.book.ask(order_id, None)
            self._voice.end_parent(ctx, order_id, "replace_too_late: so many have traded")
            return False
        self.settle(ctx, state, order_id, ticket)
        decision = ticket.decision
        if state.is_night or decision is None or ctx.now_ns() >= decision.send_until_ns:
            return False  # On its new terms it is asked about at the next open.
        ticket.is_withheld = False
        tier = "one" if ticket.card is None else ticket.card.tier
        passed = Passed(tier=tier, rule="replacement", decision=decision)
        self._voice.pass_order(ctx, state, ticket.request, passed)
        return True

    def settle(self, ctx: ActorContext, state: RiskState, order_id: str, ticket: Ticket) -> None:
        """Let the new terms be the order's, and tell its owner."""
        changed = ticket.changes_to
        if changed is None:
            return
        ticket.request, ticket.changes_to = changed, None
        left = max(changed.quantity - state.book.orders[order_id].filled, 0)
        replaced = OrderReplaced(
            order_id=order_id, instrument=changed.instrument, price=changed.price, leaves=left,
            exchange_ns=ctx.now_ns(),
        )  # fmt: skip
        state.book.follow(replaced)
        self._voice.tell_owner(ctx, state, replaced)
