"""The price of a call auction: who meets in it, in which order, and where most can trade.

See `auction` for the rule.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.increments import place_at_or_above, place_at_or_below, price_at
from environment.market.ladder import (
    gather_side,
    order_row,
    state_of,
)
from environment.market.matching import (
    total_leaves,
)

NO_PRICE = at.NO_BID


@inner
def _gather_list(arena, ends, first, count):
    slot = arena[ends] - 1
    while slot != at.NONE:
        arena[first + count] = slot
        count += 1
        slot = arena[order_row(arena, slot) + at.O_NEXT]
    return count


@inner
def gather(arena, ins, side, with_open, with_close, first):
    """Write every order of one side that takes part to `first`; return how many."""
    count = gather_side(arena, ins, side, first)
    if with_open:
        count = _gather_list(arena, ins + at.I_ON_OPEN + 2 * side, first, count)
    if with_close:
        count = _gather_list(arena, ins + at.I_ON_CLOSE + 2 * side, first, count)
    return count


@inner
def _precedes(arena, a, b, side):
    p, q = order_row(arena, a), order_row(arena, b)
    a_list = state_of(arena[p + at.O_META]) == at.AUCTION_WAITING
    b_list = state_of(arena[q + at.O_META]) == at.AUCTION_WAITING
    if a_list != b_list:
        return a_list
    if arena[p + at.O_PRICE] != arena[q + at.O_PRICE]:
        return (arena[p + at.O_PRICE] > arena[q + at.O_PRICE]) == (side == 0)
    return arena[p + at.O_SEQUENCE] < arena[q + at.O_SEQUENCE]


@inner
def _sink(arena, first, root, count, side):
    while True:
        child = 2 * root + 1
        if child >= count:
            return
        if child + 1 < count and _precedes(arena, arena[first + child],
                                           arena[first + child + 1], side):  # fmt: skip
            child += 1
        if not _precedes(arena, arena[first + root], arena[first + child], side):
            return
        arena[first + root], arena[first + child] = arena[first + child], arena[first + root]
        root = child


@inner
def sort_for_auction(arena, first, count, side):
    """Sort gathered orders into the sequence in which they trade."""
    for start in range(count // 2 - 1, -1, -1):
        _sink(arena, first, start, count, side)
    for end in range(count - 1, 0, -1):
        arena[first], arena[first + end] = arena[first + end], arena[first]
        _sink(arena, first, 0, end, side)


@inner
def _demand(arena, buys, count, price):
    total = 0
    for k in range(count):
        if arena[order_row(arena, arena[buys + k]) + at.O_PRICE] >= price:
            total += total_leaves(arena, arena[buys + k])
    return total


@inner
def _supply(arena, sells, count, price):
    total = 0
    for k in range(count):
        if arena[order_row(arena, arena[sells + k]) + at.O_PRICE] <= price:
            total += total_leaves(arena, arena[sells + k])
    return total


@inner
def clearing_price(arena, ins, buys, buy_count, sells, sell_count, lower, upper, reference):
    """Return (price, volume, imbalance) over the legal ticks of [lower, upper]; NO_PRICE if none.

    Demand falls and supply rises with the price. Up to the last tick whose demand is not below its
    supply, volume is the supply; from the next tick on it is the demand. So the best ticks lie in a
    row next to that place, and no table over all ticks is needed.
    """
    low, high = place_at_or_above(arena, ins, lower), place_at_or_below(arena, ins, upper)
    if buy_count == 0 or sell_count == 0 or low > high:
        return NO_PRICE, 0, 0
    last, beyond = low - 1, high + 1
    while beyond - last > 1:
        middle = (last + beyond) // 2
        price = price_at(arena, ins, middle)
        if _demand(arena, buys, buy_count, price) >= _supply(arena, sells, sell_count, price):
            last = middle
        else:
            beyond = middle
    below = above = below_gap = above_gap = 0
    if last >= low:
        price = price_at(arena, ins, last)
        below = _supply(arena, sells, sell_count, price)
        below_gap = _demand(arena, buys, buy_count, price) - below
    if beyond <= high:
        price = price_at(arena, ins, beyond)
        above = _demand(arena, buys, buy_count, price)
        above_gap = _supply(arena, sells, sell_count, price) - above
    if below == 0 and above == 0:
        return NO_PRICE, 0, 0
    use_below = below > above or (below == above and below_gap <= above_gap)
    use_above = above > below or (below == above and above_gap <= below_gap)
    first, final = beyond, last
    if use_below:
        first = _lowest_like(arena, ins, buys, buy_count, sells, sell_count, last, low)
    if use_above:
        final = _highest_like(arena, ins, buys, buy_count, sells, sell_count, beyond, high)
    if use_below and not use_above and below_gap > 0:
        price = price_at(arena, ins, final)
    elif use_above and not use_below:
        price = price_at(arena, ins, first)  # Beyond the crossing supply always exceeds demand.
    else:
        price = _nearest(arena, ins, first, final, reference)
    demand = _demand(arena, buys, buy_count, price)
    supply = _supply(arena, sells, sell_count, price)
    return price, min(demand, supply), demand - supply


@inner
def _lowest_like(arena, ins, buys, buy_count, sells, sell_count, place, low):
    """Return the lowest place from `low` on with the demand and the supply that `place` has."""
    lowest = low
    for k in range(buy_count):
        limit = place_at_or_below(arena, ins, arena[order_row(arena, arena[buys + k]) + at.O_PRICE])
        if limit < place:
            lowest = max(lowest, limit + 1)
    for k in range(sell_count):
        limit = place_at_or_above(
            arena, ins, arena[order_row(arena, arena[sells + k]) + at.O_PRICE]
        )
        if limit <= place:
            lowest = max(lowest, limit)
    return lowest


@inner
def _highest_like(arena, ins, buys, buy_count, sells, sell_count, place, high):
    """Return the highest place up to `high` with the demand and the supply that `place` has."""
    highest = high
    for k in range(buy_count):
        limit = place_at_or_below(arena, ins, arena[order_row(arena, arena[buys + k]) + at.O_PRICE])
        if limit >= place:
            highest = min(highest, limit)
    for k in range(sell_count):
        limit = place_at_or_above(
            arena, ins, arena[order_row(arena, arena[sells + k]) + at.O_PRICE]
        )
        if limit > place:
            highest = min(highest, limit - 1)
    return highest


@inner
def _nearest(arena, ins, first, final, reference):
    """Return the price of the places [first, final] nearest to the reference, of two the lower."""
    place = min(max(place_at_or_below(arena, ins, reference), first), final)
    below = price_at(arena, ins, place)
    if place == final or below >= reference:
        return below
    above = price_at(arena, ins, place + 1)
    return below if reference - below <= above - reference else above


@inner
def best_left(arena, first, count, side, price, volume):
    """Return the best resting limit of a sorted side that trading `volume` at `price` leaves."""
    for k in range(count):
        slot = arena[first + k]
        o = order_row(arena, slot)
        limit = arena[o + at.O_PRICE]
        left = total_leaves(arena, slot)
        if limit >= price if side == 0 else limit <= price:
            done = min(volume, left)
            volume -= done
            left -= done
        if left > 0 and state_of(arena[o + at.O_META]) != at.AUCTION_WAITING:
            return limit
    return at.NO_BID if side == 0 else at.NO_ASK
