"""Call auctions: one price for all that can meet at it.

The price maximises executable volume; then leaves the least imbalance; then, if every price still
tied has a buy (sell) imbalance, is the highest (lowest) of them; then lies nearest the reference;
then is the lower one. On-open and on-close orders trade first, then better limits, then time.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import order_tape, send_status, tape_row
from environment.market.increments import place_at_or_above, place_at_or_below, price_at
from environment.market.ladder import (
    cold_row,
    gather_side,
    instrument_row,
    order_row,
    pull_list,
    push_list,
    side_of,
    state_of,
    with_state,
)
from environment.market.matching import (
    after_fill,
    cancel,
    fill_maker,
    finish,
    group_of,
    next_priority,
    settle,
    shrink,
    slices,
    total_leaves,
    watch_stops,
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
def _best_left(arena, first, count, side, price, volume):
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


@inner
def indicate(arena, instrument, with_open, with_close, lower, upper, reference):
    """Return what the auction would give now: (price, volume, imbalance, buys, sells) found.

    Where every price of the collar would leave the book crossed, the collar gives way to the whole
    range in which it is. Leaves the gathered orders in scratch: buys first, then sells.
    """
    ins = instrument_row(arena, instrument)
    buys = arena[at.H_OFFSET + at.S_SCRATCH]
    buy_count = gather(arena, ins, 0, with_open, with_close, buys)
    sells = buys + buy_count
    sell_count = gather(arena, ins, 1, with_open, with_close, sells)
    price, volume, imbalance = clearing_price(
        arena, ins, buys, buy_count, sells, sell_count, lower, upper, reference
    )
    bid, ask = arena[ins + at.I_BEST], arena[ins + at.I_BEST_ASK]
    if bid >= ask and (bid > upper or ask < lower):
        sort_for_auction(arena, buys, buy_count, 0)
        sort_for_auction(arena, sells, sell_count, 1)
        left_bid = _best_left(arena, buys, buy_count, 0,
                              price if volume > 0 else at.MAX_PRICE + 1, volume)  # fmt: skip
        left_ask = _best_left(arena, sells, sell_count, 1,
                              price if volume > 0 else -at.MAX_PRICE - 1, volume)  # fmt: skip
        if left_bid >= left_ask:
            price, volume, imbalance = clearing_price(
                arena, ins, buys, buy_count, sells, sell_count, min(lower, ask), max(upper, bid),
                reference,
            )  # fmt: skip
    return price, volume, imbalance, buy_count, sell_count


@inner
def uncross(arena, instrument, with_open, with_close, lower, upper, reference):
    """Run the auction: trade at one price, cancel unfilled auction orders, report it."""
    ins = instrument_row(arena, instrument)
    while True:
        price, volume, imbalance, buy_count, sell_count = indicate(
            arena, instrument, with_open, with_close, lower, upper, reference
        )
        if price == NO_PRICE:
            break
        buys = arena[at.H_OFFSET + at.S_SCRATCH]
        sells = buys + buy_count
        sort_for_auction(arena, buys, buy_count, 0)
        sort_for_auction(arena, sells, sell_count, 1)
        buy, sell = _own_pair(arena, buys, sells, price, volume)
        if buy == at.NONE:
            break
        _keep_apart(arena, ins, buy, sell)
    if price != NO_PRICE:
        _execute(arena, ins, buys, sells, price, volume)
        watch_stops(arena, ins, price, 0)
    arena[ins + at.I_AUCTIONS] += 1
    arena[ins + at.I_FEED_SEQUENCE] += 1
    tape_row(arena, at.K_AUCTION, instrument, 0, 0, 0, arena[ins + at.I_PHASE], price, volume,
             imbalance, at.NONE, at.LIQ_AUCTION, 0, 0)  # fmt: skip
    send_status(arena, ins, instrument, at.M_INDICATIVE, 1, price, volume, imbalance)
    if with_open:
        _cancel_list(arena, ins, at.I_ON_OPEN)
    if with_close:
        _cancel_list(arena, ins, at.I_ON_CLOSE)
    return price, volume


@inner
def _execute(arena, ins, buys, sells, price, volume):
    """Let the sorted sides meet one by one at `price` until `volume` is done."""
    b = s = 0
    while volume > 0:
        buy, sell = arena[buys + b], arena[sells + s]
        if arena[order_row(arena, buy) + at.O_PRICE] < price:
            b += 1
            continue
        if arena[order_row(arena, sell) + at.O_PRICE] > price:
            s += 1
            continue
        buy_left, sell_left = total_leaves(arena, buy), total_leaves(arena, sell)
        quantity = min(volume, buy_left, sell_left)
        _reduce(arena, ins, buy, quantity)
        _reduce(arena, ins, sell, quantity)
        settle(arena, ins, buy, sell, price, 0, quantity, at.LIQ_AUCTION)
        volume -= quantity
        if arena[order_row(arena, buy) + at.O_LEAVES] == 0:
            after_fill(arena, ins, buy)
        if arena[order_row(arena, sell) + at.O_LEAVES] == 0:
            after_fill(arena, ins, sell)
        b += quantity == buy_left
        s += quantity == sell_left


@inner
def _own_pair(arena, buys, sells, price, volume):
    """Return the first two orders that would meet and may not, being of one group; or NONE."""
    b = s = buy_done = sell_done = 0
    while volume > 0:
        buy, sell = arena[buys + b], arena[sells + s]
        p, q = order_row(arena, buy), order_row(arena, sell)
        if arena[p + at.O_PRICE] < price:
            b += 1
            continue
        if arena[q + at.O_PRICE] > price:
            s += 1
            continue
        if group_of(arena, p) == group_of(arena, q):
            younger = p if arena[p + at.O_SEQUENCE] > arena[q + at.O_SEQUENCE] else q
            if (arena[younger + at.O_META] >> at.SELF_TRADE_SHIFT) & 7 != at.ALLOW:
                return buy, sell
        buy_left = total_leaves(arena, buy) - buy_done
        sell_left = total_leaves(arena, sell) - sell_done
        quantity = min(volume, buy_left, sell_left)
        volume -= quantity
        buy_done, sell_done = buy_done + quantity, sell_done + quantity
        if quantity == buy_left:
            b, buy_done = b + 1, 0
        if quantity == sell_left:
            s, sell_done = s + 1, 0
    return at.NONE, at.NONE


@inner
def _keep_apart(arena, ins, buy, sell):
    """Act on two orders of one group before an auction trades, as the younger's mode says.

    Nothing has traded yet, so each is judged as a whole, and the price is found anew without what
    was taken out. At least one of the two ends, so that this comes to an end.
    """
    younger, older = buy, sell
    p, q = order_row(arena, buy), order_row(arena, sell)
    if arena[p + at.O_SEQUENCE] < arena[q + at.O_SEQUENCE]:
        younger, older = sell, buy
    mode = (arena[order_row(arena, younger) + at.O_META] >> at.SELF_TRADE_SHIFT) & 7
    if mode == at.DECREMENT:
        quantity = min(total_leaves(arena, buy), total_leaves(arena, sell))
        _lessen(arena, ins, older, quantity)
        _lessen(arena, ins, younger, quantity)
        return
    if mode != at.CANCEL_NEWEST:
        cancel(arena, ins, older, at.R_SELF_TRADE)
    if mode != at.CANCEL_OLDEST:
        cancel(arena, ins, younger, at.R_SELF_TRADE)


@inner
def _lessen(arena, ins, slot, quantity):
    if quantity == total_leaves(arena, slot):
        cancel(arena, ins, slot, at.R_SELF_TRADE)
    else:
        shrink(arena, ins, slot, quantity, at.R_SELF_TRADE)


@inner
def _reduce(arena, ins, slot, quantity):
    """Take `quantity` from an order in an auction: what it shows first, then its reserve."""
    o = order_row(arena, slot)
    counted = state_of(arena[o + at.O_META]) != at.AUCTION_WAITING
    if counted:
        arena[at.H_LIVE_SLICES] -= slices(arena, slot)
    shown = min(quantity, arena[o + at.O_LEAVES])
    fill_maker(arena, ins, slot, shown)
    arena[o + at.O_RESERVE] -= quantity - shown
    if counted:
        arena[at.H_LIVE_SLICES] += slices(arena, slot)


@inner
def _cancel_list(arena, ins, which):
    for side in range(2):
        ends = ins + which + 2 * side
        while arena[ends] != 0:
            slot = arena[ends] - 1
            pull_list(arena, ends, slot)
            arena[at.H_LIVE_SLICES] -= 1
            finish(arena, ins, slot, at.R_AUCTION_UNFILLED)


@inner
def queue_for_auction(arena, ins, slot, which):
    """Put an on-open or on-close order in its list."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    arena[o + at.O_META] = with_state(meta, at.AUCTION_WAITING)
    arena[o + at.O_SEQUENCE] = next_priority(arena)
    arena[cold_row(arena, slot) + at.C_AHEAD] = -1
    arena[cold_row(arena, slot) + at.C_LIST] = which
    arena[at.H_LIVE_SLICES] += 1
    push_list(arena, ins + which + 2 * side_of(meta), slot)
    order_tape(arena, at.K_REST, slot, arena[o + at.O_PRICE], arena[o + at.O_LEAVES], 0,
               at.LIQ_NONE, -1)  # fmt: skip
