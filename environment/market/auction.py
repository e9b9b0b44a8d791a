"""Call auctions: one price for all that can meet at it.

The price maximises executable volume; then leaves the least imbalance; then, if every price still
tied has a buy (sell) imbalance, is the highest (lowest) of them; then lies nearest the reference;
then is the lower one. On-open and on-close orders trade first, then better limits, then time.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.auction_price import (
    NO_PRICE,
    best_left,
    clearing_price,
    gather,
    sort_for_auction,
)
from environment.market.emit import order_tape, send_status, tape_row
from environment.market.ladder import (
    cold_row,
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
        left_bid = best_left(arena, buys, buy_count, 0,
                              price if volume > 0 else at.MAX_PRICE + 1, volume)  # fmt: skip
        left_ask = best_left(arena, sells, sell_count, 1,
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
