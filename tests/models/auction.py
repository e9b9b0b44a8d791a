"""A call auction by brute force: every tick of the collar is tried."""

from collections.abc import Iterable, Sequence

Limit = tuple[float, int]  # Limit price (infinite for a market order) and quantity.


def demand(buys: Sequence[Limit], price: int) -> int:
    """Return what buyers want at a price."""
    return sum(quantity for limit, quantity in buys if limit >= price)


def supply(sells: Sequence[Limit], price: int) -> int:
    """Return what sellers offer at a price."""
    return sum(quantity for limit, quantity in sells if limit <= price)


def auction_price(
    buys: Sequence[Limit], sells: Sequence[Limit], ticks: Iterable[int], reference: int
) -> tuple[int, int] | None:
    """Return (price, volume) by the five rules in turn, or None where nothing can trade."""
    tied = {p: (demand(buys, p), supply(sells, p)) for p in ticks}
    volume = max((min(both) for both in tied.values()), default=0)
    if volume == 0:
        return None
    tied = {p: both for p, both in tied.items() if min(both) == volume}
    gap = min(abs(d - s) for d, s in tied.values())
    tied = {p: (d, s) for p, (d, s) in tied.items() if abs(d - s) == gap}
    if all(d > s for d, s in tied.values()):
        return max(tied), volume
    if all(d < s for d, s in tied.values()):
        return min(tied), volume
    return min(tied, key=lambda p: (abs(p - reference), p)), volume
