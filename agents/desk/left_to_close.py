"""Orders that were let through because they only reduce, held to what is left to close.

They skipped limits and people for that reason. When a position goes otherwise than by an order
(exercise, a correction, a fill that nobody ordered), what is beyond it would open the other way.
"""

from collections import Counter

from agents.desk.risk_state import RiskState


def beyond_position(state: RiskState) -> list[str]:
    """Return the working reductions that are no longer covered by a position, the newest first.

    Only reductions are counted against each other: what was judged as an opening order has been
    counted as one.
    """
    left: dict[tuple[str, str], int] = {}
    working: Counter[tuple[str, str]] = Counter()
    reductions = []
    for order_id, ticket in state.tickets.items():
        order = state.book.orders.get(order_id)
        if order is None or not ticket.reduces or ticket.is_cancelled:
            continue
        lots = {(leg.instrument, leg.side): order.at_most() * leg.ratio for leg in order.each_leg()}
        reductions.append((order_id, lots))
        working.update(lots)
        for symbol, side in lots:
            held = state.book.account_in(symbol).position
            left[symbol, side] = max(held if side == "sell" else -held, 0)
    beyond = []
    for order_id, lots in reversed(reductions):
        if any(count and working[key] > left[key] for key, count in lots.items()):
            beyond.append(order_id)
            working.subtract(lots)
    return beyond
