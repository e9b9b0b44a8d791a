"""Matching: an order meets the other side in price, display and time priority."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.bands import count_in_window
from environment.market.emit import order_id, order_tape, send_trade, tape_row, tell
from environment.market.ladder import (
    HEAD,
    HIDDEN,
    HIDDEN_HEAD,
    VISIBLE,
    account_row,
    append,
    cold_row,
    gather_side,
    instrument_row,
    level_row,
    order_row,
    pull_list,
    push_list,
    refill_window,
    shown_best,
    side_of,
    state_of,
    unlink,
    with_state,
)
from environment.market.ledger import book_side, fee_of, notional_of, work_sell
from environment.market.protection import note_fill
from environment.market.stops import first_triggered, raise_marks, remove_stop


@inner
def allocate(arena):
    """Return a free order slot; the caller has made sure that there is one."""
    slot = arena[at.H_ORDER_FREE]
    if slot != at.NONE:
        arena[at.H_ORDER_FREE] = arena[order_row(arena, slot) + at.O_NEXT]
    else:
        slot = arena[at.H_ORDER_BUMP]
        arena[at.H_ORDER_BUMP] = slot + 1
        arena[cold_row(arena, slot) + at.C_GENERATION] = 1  # So that no public id is 0.
    return slot


@inner
def join_account(arena, slot):
    """Add an order to its account's list of orders at the exchange."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    a = account_row(arena, arena[o + at.O_ACCOUNT])
    last = arena[a + at.A_LAST_ORDER] - 1
    arena[c + at.C_ACCOUNT_PREVIOUS] = last
    arena[c + at.C_ACCOUNT_NEXT] = at.NONE
    if last == at.NONE:
        arena[a + at.A_FIRST_ORDER] = slot + 1
    else:
        arena[cold_row(arena, last) + at.C_ACCOUNT_NEXT] = slot
    arena[a + at.A_LAST_ORDER] = slot + 1
    arena[a + at.A_LIVE] += 1
    arena[at.H_LIVE_ORDERS] += 1


@inner
def release(arena, slot):
    """Give a slot back. Its generation rises, so that the old id never finds the new order."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    if (arena[o + at.O_META] >> at.FLAG_SHIFT) & at.F_QUOTE:
        # A dealer's slot waits for his next quote.
        arena[o + at.O_META] = with_state(arena[o + at.O_META], at.IDLE)
        arena[o + at.O_LEAVES] = 0
        arena[at.H_LIVE_ORDERS] -= 1
        return
    a = account_row(arena, arena[o + at.O_ACCOUNT])
    before, after = arena[c + at.C_ACCOUNT_PREVIOUS], arena[c + at.C_ACCOUNT_NEXT]
    if before == at.NONE:
        arena[a + at.A_FIRST_ORDER] = after + 1
    else:
        arena[cold_row(arena, before) + at.C_ACCOUNT_NEXT] = after
    if after == at.NONE:
        arena[a + at.A_LAST_ORDER] = before + 1
    else:
        arena[cold_row(arena, after) + at.C_ACCOUNT_PREVIOUS] = before
    arena[a + at.A_LIVE] -= 1
    arena[at.H_LIVE_ORDERS] -= 1
    if arena[a + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
        arena[a + at.A_RESERVED] -= arena[c + at.C_RESERVED]
        arena[c + at.C_RESERVED] = 0
    discard(arena, slot)


@inner
def discard(arena, slot):
    """Give back the slot of an order that never joined its account's list."""
    o = order_row(arena, slot)
    arena[o + at.O_META] = 0
    arena[cold_row(arena, slot) + at.C_GENERATION] += 1
    arena[o + at.O_NEXT] = arena[at.H_ORDER_FREE]
    arena[at.H_ORDER_FREE] = slot


@inner
def slices(arena, slot):
    """Return how many fills an order can still make: one, and one a hidden slice."""
    reserve = arena[order_row(arena, slot) + at.O_RESERVE]
    if reserve == 0:
        return 1
    display = arena[cold_row(arena, slot) + at.C_DISPLAY]
    return 1 + (reserve + display - 1) // display


@inner
def total_leaves(arena, slot):
    """Return what is left of an order, shown and in reserve."""
    o = order_row(arena, slot)
    return arena[o + at.O_LEAVES] + arena[o + at.O_RESERVE]


@inner
def rest(arena, ins, slot):
    """Let an order (or its remainder, all in leaves) join its queue."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    leaves = arena[o + at.O_LEAVES]
    display = arena[c + at.C_DISPLAY]
    if 0 < display < leaves:
        arena[o + at.O_LEAVES] = display
        arena[o + at.O_RESERVE] = leaves - display
    arena[o + at.O_SEQUENCE] = next_priority(arena)
    arena[at.H_LIVE_SLICES] += slices(arena, slot)
    meta = arena[o + at.O_META]
    if ((meta >> at.TYPE_SHIFT) & 15) == at.MIDPOINT:
        arena[o + at.O_META] = with_state(meta, at.PEGGED)
        push_list(arena, ins + at.I_PEG + 2 * side_of(meta), slot)
        arena[at.H_PEGS] += 1
        ahead = 0
    else:
        ahead = append(arena, ins, slot)
    arena[c + at.C_AHEAD] = ahead
    order_tape(arena, at.K_REST, slot, arena[o + at.O_PRICE], leaves, arena[o + at.O_LEAVES],
               at.LIQ_NONE, ahead)  # fmt: skip


@inner
def next_priority(arena):
    """Return the next place in time priority."""
    arena[at.H_PRIORITY_SEQUENCE] += 1
    return arena[at.H_PRIORITY_SEQUENCE]


@inner
def take_out(arena, ins, slot):
    """Unlink a working order from wherever it waits."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    state, side = state_of(meta), side_of(meta)
    if state == at.RESTING or state == at.FAR:
        arena[at.H_LIVE_SLICES] -= slices(arena, slot)
        unlink(arena, ins, slot)
        refill_window(arena, ins, side)
    elif state == at.PEGGED:
        arena[at.H_LIVE_SLICES] -= slices(arena, slot)
        pull_list(arena, ins + at.I_PEG + 2 * side, slot)
        arena[at.H_PEGS] -= 1
    elif state == at.STOP_WAITING:
        remove_stop(arena, ins, slot)
    elif state == at.AUCTION_WAITING:
        # Market orders wait in either list, so the order says itself in which.
        pull_list(arena, ins + arena[cold_row(arena, slot) + at.C_LIST] + 2 * side, slot)
        arena[at.H_LIVE_SLICES] -= 1


@inner
def cancel(arena, ins, slot, reason):
    """Take a working order out of the market, tell its owner, and free its slot."""
    take_out(arena, ins, slot)
    finish(arena, ins, slot, reason)


@inner
def finish(arena, ins, slot, reason):
    """End an order that stands in no queue: what is left of it is cancelled."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    left = total_leaves(arena, slot)
    order_tape(arena, at.K_CANCEL, slot, arena[o + at.O_PRICE], left, 0, reason, 0)
    tell(arena, slot, at.M_CANCELLED, arena[o + at.O_PRICE], left, 0, reason)
    account = arena[o + at.O_ACCOUNT]
    a = account_row(arena, account)
    arena[a + at.A_CANCELS] += 1
    if reason == at.R_REQUESTED and arena[at.H_NOW] - arena[c + at.C_ENTRY_NS] < 100_000_000:
        arena[a + at.A_FAST_CANCELS] += 1
    if side_of(arena[o + at.O_META]) == 1:
        work_sell(arena, ins, account, arena[o + at.O_META] & 0xFFFF, -left)
    release(arena, slot)


@inner
def _release_funds(arena, slot, left):
    # A cash account's reservation shrinks in step with what is left of its buy order.
    c = cold_row(arena, slot)
    a = account_row(arena, arena[order_row(arena, slot) + at.O_ACCOUNT])
    if arena[a + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
        reserved = arena[c + at.C_RESERVED]
        total = arena[c + at.C_TOTAL] - arena[c + at.C_FILLED]
        keep = reserved // total * left if total > 0 else 0
        arena[a + at.A_RESERVED] -= reserved - keep
        arena[c + at.C_RESERVED] = keep


@inner
def settle(arena, ins, maker, taker, price, half, quantity, liquidity):
    """Book one match of two orders: ledger, tape, notices, prints. Leaves are already reduced."""
    m, t = order_row(arena, maker), order_row(arena, taker)
    meta = arena[m + at.O_META]
    instrument = meta & 0xFFFF
    maker_side = side_of(meta)
    arena[at.H_TRADE_SEQUENCE] += 1
    arena[at.H_TRADES] += 1
    trade = arena[at.H_TRADE_SEQUENCE]
    notional = notional_of(arena, ins, price, quantity, half)
    auction = liquidity == at.LIQ_AUCTION
    maker_account, taker_account = arena[m + at.O_ACCOUNT], arena[t + at.O_ACCOUNT]
    if maker_account == taker_account:
        arena[account_row(arena, maker_account) + at.A_WASH] += 1
    _release_funds(arena, maker, total_leaves(arena, maker))
    _release_funds(arena, taker, total_leaves(arena, taker))
    arena[cold_row(arena, maker) + at.C_FILLED] += quantity
    arena[cold_row(arena, taker) + at.C_FILLED] += quantity
    m_flag, t_flag = liquidity, at.LIQ_AUCTION if auction else at.LIQ_NONE
    tape_flag = liquidity
    is_leg = (arena[t + at.O_META] >> at.FLAG_SHIFT) & at.F_LEG != 0
    is_older = is_leg and arena[t + at.O_SEQUENCE] < arena[m + at.O_SEQUENCE]
    if is_older:  # A package that waited longer than the leg's order: that one came to it.
        m_flag, t_flag, tape_flag = at.LIQ_NONE, at.LIQ_PACKAGE, liquidity + at.OLDER_PACKAGE
    m_fee, m_reg = fee_of(arena, ins, maker_account, notional, quantity, maker_side == 1, m_flag)
    t_fee, t_reg = fee_of(arena, ins, taker_account, notional, quantity, maker_side == 0, t_flag)
    book_side(arena, ins, maker_account, instrument, quantity, notional, m_fee, m_reg,
              maker_side == 1)  # fmt: skip
    book_side(arena, ins, taker_account, instrument, quantity, notional, t_fee, t_reg,
              maker_side == 0)  # fmt: skip
    if (meta >> at.FLAG_SHIFT) & at.F_QUOTE:
        note_fill(arena, ins, maker, quantity)
    if (arena[t + at.O_META] >> at.FLAG_SHIFT) & at.F_QUOTE:
        note_fill(arena, ins, taker, quantity)
    half_flag = at.HALF_TICK if half else 0
    maker_left = total_leaves(arena, maker)
    if arena[at.H_TAPE_MODE] != 0:
        tape_row(arena, at.K_FILL, instrument, order_id(arena, maker), maker_account, maker_side,
                 arena[m + at.O_META] >> at.TYPE_SHIFT & 15, price, quantity, maker_left,
                 order_id(arena, taker), tape_flag + half_flag, m_fee + m_reg,
                 t_fee + t_reg)  # fmt: skip
    _tell_fill(arena, maker, price, quantity, maker_left, m_fee + m_reg, m_flag + half_flag, trade)
    _tell_fill(arena, taker, price, quantity, total_leaves(arena, taker), t_fee + t_reg,
               t_flag + half_flag, trade)  # fmt: skip
    _count_trade(arena, ins, instrument, price, half, quantity, notional)
    arena[ins + at.I_FEED_SEQUENCE] += 1
    if not auction:
        package = -arena[cold_row(arena, taker) + at.C_PARENT] if is_leg else 0
        aggressor = maker_side if is_older else 1 - maker_side
        send_trade(arena, ins, instrument, price, quantity, aggressor, half, package)


@inner
def _tell_fill(arena, slot, price, quantity, left, fee, flag, trade):
    row = tell(arena, slot, at.M_FILLED, price, quantity, left, trade)
    if row != at.NONE:
        arena[row + at.X_FEE] = fee
        arena[row + at.X_LIQUIDITY] = flag


@inner
def _count_trade(arena, ins, instrument, price, half, quantity, notional):
    arena[ins + at.I_PREVIOUS_LAST] = arena[ins + at.I_LAST]
    arena[ins + at.I_LAST] = price
    arena[ins + at.I_LAST_HALF] = half
    arena[ins + at.I_VOLUME] += quantity
    arena[ins + at.I_TRADES] += 1
    arena[ins + at.I_NOTIONAL] += notional
    if arena[ins + at.I_TIER] != 0:
        count_in_window(arena, ins, price)


@inner
def watch_stops(arena, ins, price, half):
    """After one trade: move trailing marks, and queue every stop that it sets off."""
    if arena[at.H_STOPS] == 0 or arena[ins + at.I_KIND] == at.KIND_OPTION:
        return  # In series it is the quote that sets stops off.
    for side in range(2):
        # A print at x.5 has reached x for a buy stop and x + 1 for a sell stop.
        x = price + half if side == 1 else -price
        raise_marks(arena, ins, side, x)
        while True:
            slot = first_triggered(arena, ins, side, x)
            if slot == at.NONE:
                break
            remove_stop(arena, ins, slot)
            o = order_row(arena, slot)
            arena[o + at.O_META] = with_state(arena[o + at.O_META], at.AGGRESSING)
            push_list(arena, ins + at.I_TRIGGERED, slot)


@inner
def midpoint(arena, ins):
    """Return bid + ask of the displayed touch (twice the midpoint), or NO_BID if one is missing."""
    bid, bid_quantity = shown_best(arena, ins, 0)
    ask, ask_quantity = shown_best(arena, ins, 1)
    if bid_quantity == 0 or ask_quantity == 0 or bid >= ask:
        return at.NO_BID
    return bid + ask


@inner
def first_peg(arena, ins, side, twice_mid):
    """Return the oldest midpoint order whose own limit allows this midpoint, or NONE."""
    slot = arena[ins + at.I_PEG + 2 * side] - 1
    while slot != at.NONE:
        o = order_row(arena, slot)
        limit = 2 * arena[o + at.O_PRICE]
        if (side == 0 and limit >= twice_mid) or (side == 1 and limit <= twice_mid):
            return slot
        slot = arena[o + at.O_NEXT]
    return at.NONE


@inner
def _peg_allowed(arena, ins, twice_mid, side, limit):
    if twice_mid == at.NO_BID:
        return False
    if (
        arena[ins + at.I_TIER] != 0
        and arena[ins + at.I_BAND_UPPER] > 0
        and (
            twice_mid < 2 * arena[ins + at.I_BAND_LOWER]
            or twice_mid > 2 * arena[ins + at.I_BAND_UPPER]
        )
    ):
        return False
    return twice_mid <= 2 * limit if side == 0 else twice_mid >= 2 * limit


@inner
def next_maker(arena, ins, side, limit, at_midpoint):
    """Return (order, twice its price) that an order of `side` meets next, or (NONE, 0).

    A midpoint order meets others like it, and the hidden orders that are no worse than the
    midpoint: displayed ones never are.
    """
    other = 1 - side
    best = arena[ins + at.I_BEST + other]
    reachable = best <= limit if side == 0 else best >= limit
    if at_midpoint or arena[ins + at.I_PEG + 2 * other] != 0:
        twice_mid = midpoint(arena, ins)
        allowed = _peg_allowed(arena, ins, twice_mid, side, limit)
        if at_midpoint:
            reachable = allowed and (2 * best <= twice_mid if side == 0 else 2 * best >= twice_mid)
        if allowed:
            peg = first_peg(arena, ins, other, twice_mid)
            if peg != at.NONE:
                better = twice_mid < 2 * best if side == 0 else twice_mid > 2 * best
                if not reachable or better:
                    return peg, twice_mid
                if twice_mid == 2 * best:
                    # Only hidden orders can rest exactly at the midpoint: time decides.
                    level = level_row(arena, ins, other, best - arena[ins + at.I_BASE + other])
                    hidden = arena[level + HIDDEN_HEAD] - 1
                    if (hidden == at.NONE or arena[order_row(arena, peg) + at.O_SEQUENCE]
                            < arena[order_row(arena, hidden) + at.O_SEQUENCE]):  # fmt: skip
                        return peg, twice_mid
    if not reachable or best <= -at.MAX_PRICE or best >= at.MAX_PRICE:
        return at.NONE, 0
    level = level_row(arena, ins, other, best - arena[ins + at.I_BASE + other])
    maker = arena[level + HEAD] - 1
    if maker == at.NONE:
        maker = arena[level + HIDDEN_HEAD] - 1
    return maker, 2 * best


@inner
def _self_trade(arena, ins, taker, maker):
    """Act on two orders of one group that would meet. Returns whether the taker goes on."""
    t = order_row(arena, taker)
    mode = (arena[t + at.O_META] >> at.SELF_TRADE_SHIFT) & 7
    if mode == at.DECREMENT:
        quantity = min(arena[t + at.O_LEAVES], total_leaves(arena, maker))
        goes_on = quantity < arena[t + at.O_LEAVES]
        if goes_on:  # Else the taker ends as a whole, and its owner hears of a cancel.
            _decrement(arena, taker, quantity)
        if quantity == total_leaves(arena, maker):
            cancel(arena, ins, maker, at.R_SELF_TRADE)
        else:
            shrink(arena, ins, maker, quantity, at.R_SELF_TRADE)
        return goes_on
    if mode == at.CANCEL_OLDEST or mode == at.CANCEL_BOTH:
        cancel(arena, ins, maker, at.R_SELF_TRADE)
    return mode == at.CANCEL_OLDEST


@inner
def _decrement(arena, slot, quantity):
    o, c = order_row(arena, slot), cold_row(arena, slot)
    _release_funds(arena, slot, total_leaves(arena, slot) - quantity)
    arena[o + at.O_LEAVES] -= quantity
    arena[c + at.C_TOTAL] -= quantity
    meta = arena[o + at.O_META]
    if side_of(meta) == 1:
        work_sell(arena, instrument_row(arena, meta & 0xFFFF), arena[o + at.O_ACCOUNT],
                  meta & 0xFFFF, -quantity)  # fmt: skip
    order_tape(arena, at.K_REDUCE, slot, arena[o + at.O_PRICE], quantity, arena[o + at.O_LEAVES],
               at.R_SELF_TRADE, 0)  # fmt: skip
    tell(arena, slot, at.M_REPLACED, arena[o + at.O_PRICE], quantity, arena[o + at.O_LEAVES], 0)


@inner
def shrink(arena, ins, slot, quantity, reason):
    """Make a working order smaller in its place: its reserve first, then what it shows."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    state = state_of(meta)
    counted = state == at.RESTING or state == at.FAR or state == at.PEGGED
    if counted:
        arena[at.H_LIVE_SLICES] -= slices(arena, slot)
    _release_funds(arena, slot, total_leaves(arena, slot) - quantity)
    arena[c + at.C_TOTAL] -= quantity
    from_reserve = min(quantity, arena[o + at.O_RESERVE])
    arena[o + at.O_RESERVE] -= from_reserve
    shown = quantity - from_reserve
    arena[o + at.O_LEAVES] -= shown
    if counted:
        arena[at.H_LIVE_SLICES] += slices(arena, slot)
    if state == at.RESTING and shown > 0:
        index = arena[o + at.O_PRICE] - arena[ins + at.I_BASE + side_of(meta)]
        level = level_row(arena, ins, side_of(meta), index)
        hidden = (meta >> at.FLAG_SHIFT) & at.F_HIDDEN
        arena[level + (HIDDEN if hidden else VISIBLE)] -= shown
    if side_of(meta) == 1:
        work_sell(arena, ins, arena[o + at.O_ACCOUNT], meta & 0xFFFF, -quantity)
    order_tape(arena, at.K_REDUCE, slot, arena[o + at.O_PRICE], quantity, arena[o + at.O_LEAVES],
               reason, 0)  # fmt: skip
    tell(arena, slot, at.M_REPLACED, arena[o + at.O_PRICE], quantity, total_leaves(arena, slot), 0)


@inner
def fill_maker(arena, ins, maker, quantity):
    """Take `quantity` from a resting order's shown part. Returns what stays shown."""
    m = order_row(arena, maker)
    meta = arena[m + at.O_META]
    left = arena[m + at.O_LEAVES] - quantity
    arena[m + at.O_LEAVES] = left
    if state_of(meta) == at.RESTING:
        side = side_of(meta)
        level = level_row(arena, ins, side, arena[m + at.O_PRICE] - arena[ins + at.I_BASE + side])
        hidden = (meta >> at.FLAG_SHIFT) & at.F_HIDDEN
        arena[level + (HIDDEN if hidden else VISIBLE)] -= quantity
    return left


@inner
def after_fill(arena, ins, maker):
    """An emptied resting order shows its next slice at the back of its queue, or ends."""
    m, c = order_row(arena, maker), cold_row(arena, maker)
    meta = arena[m + at.O_META]
    pegged = state_of(meta) == at.PEGGED
    reserve = arena[m + at.O_RESERVE]
    if reserve > 0:
        if pegged:
            pull_list(arena, ins + at.I_PEG + 2 * side_of(meta), maker)
        else:
            unlink(arena, ins, maker)
        before = 1 + (reserve + arena[c + at.C_DISPLAY] - 1) // arena[c + at.C_DISPLAY]
        shown = min(arena[c + at.C_DISPLAY], reserve)
        arena[m + at.O_LEAVES] = shown
        arena[m + at.O_RESERVE] = reserve - shown
        arena[at.H_LIVE_SLICES] += slices(arena, maker) - before
        arena[m + at.O_SEQUENCE] = next_priority(arena)
        ahead = 0
        if pegged:
            push_list(arena, ins + at.I_PEG + 2 * side_of(meta), maker)
        else:
            ahead = append(arena, ins, maker)
        order_tape(arena, at.K_REFILL, maker, arena[m + at.O_PRICE], shown, shown, at.LIQ_NONE,
                   ahead)  # fmt: skip
        return
    take_out(arena, ins, maker)
    release(arena, maker)


@inner
def group_of(arena, order):
    """Return the self-trade group of an order's account; `order` is its row."""
    return arena[account_row(arena, arena[order + at.O_ACCOUNT]) + at.A_GROUP]


@inner
def match(arena, ins, taker, limit, at_midpoint):
    """Match an aggressing order to `limit`; return whether it may go on to rest or be cancelled."""
    t = order_row(arena, taker)
    meta = arena[t + at.O_META]
    side = side_of(meta)
    mode = (meta >> at.SELF_TRADE_SHIFT) & 7
    group = arena[account_row(arena, arena[t + at.O_ACCOUNT]) + at.A_GROUP]
    while arena[t + at.O_LEAVES] > 0:
        maker, twice = next_maker(arena, ins, side, limit, at_midpoint)
        if maker == at.NONE:
            return True
        m = order_row(arena, maker)
        if mode != at.ALLOW and group_of(arena, m) == group:
            if not _self_trade(arena, ins, taker, maker):
                return False
            continue
        quantity = min(arena[t + at.O_LEAVES], arena[m + at.O_LEAVES])
        arena[t + at.O_LEAVES] -= quantity
        maker_meta = arena[m + at.O_META]
        liquidity = at.LIQ_DISPLAYED
        if state_of(maker_meta) == at.PEGGED:
            liquidity = at.LIQ_MIDPOINT
        elif (maker_meta >> at.FLAG_SHIFT) & at.F_HIDDEN:
            liquidity = at.LIQ_HIDDEN
        left = fill_maker(arena, ins, maker, quantity)
        price, half = twice >> 1, twice & 1
        settle(arena, ins, maker, taker, price, half, quantity, liquidity)
        if left == 0:
            after_fill(arena, ins, maker)
        watch_stops(arena, ins, price, half)
    return True


@inner
def _next_peg(arena, slot, side, twice, seen_twice):
    """Return the first peg from `slot` on that this midpoint reaches and `seen_twice` did not."""
    while slot != at.NONE:
        o = order_row(arena, slot)
        limit = 2 * arena[o + at.O_PRICE]
        if side == 1 and seen_twice < limit <= twice:
            return slot
        if side == 0 and twice <= limit < seen_twice:
            return slot
        slot = arena[o + at.O_NEXT]
    return at.NONE


@inner
def can_fill(arena, ins, taker, limit):
    """Return whether an all-or-nothing order would fill whole, changing nothing.

    Own orders stand aside only where the taker's mode cancels them; in the other modes the first
    one in the way would end the taker. Meets orders in the sequence in which `match` would.
    """
    t = order_row(arena, taker)
    meta = arena[t + at.O_META]
    side, other = side_of(meta), 1 - side_of(meta)
    sign = 1 - 2 * side
    mode = (meta >> at.SELF_TRADE_SHIFT) & 7
    group = arena[account_row(arena, arena[t + at.O_ACCOUNT]) + at.A_GROUP]
    need = arena[t + at.O_LEAVES]
    makers = arena[at.H_OFFSET + at.S_SCRATCH]
    count = gather_side(arena, ins, other, makers)
    near, near_quantity = shown_best(arena, ins, side)
    twice = seen = -4 * sign * at.MAX_PRICE
    k = shown = 0  # Makers met, and the first displayed one that is left.
    peg, reached_before = at.NONE, seen
    while need > 0:
        price = at.NO_ASK if side == 0 else at.NO_BID
        if k < count:
            price = arena[order_row(arena, arena[makers + k]) + at.O_PRICE]
        while shown < count and (arena[order_row(arena, arena[makers + shown]) + at.O_META]
                                 >> at.FLAG_SHIFT) & at.F_HIDDEN:  # fmt: skip
            shown += 1
        unseen = shown > k
        middle = twice
        if shown < count and near_quantity > 0:
            middle = near + arena[order_row(arena, arena[makers + shown]) + at.O_PRICE]
        else:
            peg = at.NONE
        if middle != twice:
            # All pegs that the midpoint before reached have been met by now.
            twice, peg = middle, at.NONE
            if _peg_allowed(arena, ins, twice, side, limit):
                reached_before, seen = seen, twice
                peg = _next_peg(arena, arena[ins + at.I_PEG + 2 * other] - 1, other, twice,
                                reached_before)  # fmt: skip
        reached = k < count and sign * (limit - price) >= 0
        takes_peg = peg != at.NONE and (not reached or sign * (2 * price - twice) > 0 or (
            2 * price == twice and unseen and arena[order_row(arena, peg) + at.O_SEQUENCE]
            < arena[order_row(arena, arena[makers + k]) + at.O_SEQUENCE]))  # fmt: skip
        if not takes_peg and not reached:
            return False
        slot = peg if takes_peg else arena[makers + k]
        o = order_row(arena, slot)
        if mode == at.ALLOW or group != group_of(arena, o):
            need -= total_leaves(arena, slot)
        elif mode != at.CANCEL_OLDEST:
            return False
        if takes_peg:
            peg = _next_peg(arena, arena[o + at.O_NEXT], other, twice, reached_before)
        else:
            k += 1
            shown = max(shown, k)
    return True
