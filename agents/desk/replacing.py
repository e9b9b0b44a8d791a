"""Whether a replacement stays within what was let through, or needs people of its own."""

from agents.desk.order_form import Fault
from agents.desk.risk_state import Ticket
from agents.desk.ruling import Ruling
from agents.orders import Terms
from environment.messages import OrderRequest


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
