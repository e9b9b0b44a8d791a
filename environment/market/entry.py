"""The door: what happens to an order, cancel or replace when it arrives at the exchange."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.auction import queue_for_auction
from environment.market.broker_rule import fits, is_accepted
from environment.market.emit import order_tape, tell
from environment.market.increments import step_at
from environment.market.ladder import (
    HEAD,
    HIDDEN_HEAD,
    account_row,
    cold_row,
    instrument_row,
    level_row,
    order_row,
    side_of,
    state_of,
    with_state,
)
from environment.market.ledger import fee_of, locate_shortfall, notional_of, work_sell
from environment.market.matching import (
    allocate,
    can_fill,
    cancel,
    discard,
    finish,
    first_peg,
    join_account,
    match,
    midpoint,
    next_maker,
    next_priority,
    release,
    rest,
    shrink,
    take_out,
    total_leaves,
)
from environment.market.series import (
    drill_limit,
    is_limited,
    quote_reached,
    series_fault,
)
from environment.market.stops import add_stop

ACCEPTING = (1 << at.PRE_OPEN) | (1 << at.OPENING_AUCTION) | (1 << at.CONTINUOUS)
ACCEPTING |= (1 << at.CLOSING_AUCTION) | (1 << at.REOPENING_AUCTION)


@inner
def type_of(meta):
    """Return the order type."""
    return (meta >> at.TYPE_SHIFT) & 15


@inner
def flags_of(meta):
    """Return the order's flags."""
    return meta >> at.FLAG_SHIFT


@inner
def refuse(arena, slot, reason):
    """Turn an arriving order away: it changed nothing, and its owner is told why."""
    o = order_row(arena, slot)
    order_tape(arena, at.K_REFUSE, slot, arena[o + at.O_PRICE], arena[o + at.O_LEAVES], 0, reason,
               0)  # fmt: skip
    tell(arena, slot, at.M_REFUSED, arena[o + at.O_PRICE], arena[o + at.O_LEAVES], 0, reason)
    arena[at.H_REFUSED] += 1
    if reason == at.R_MARGIN:
        arena[account_row(arena, arena[o + at.O_ACCOUNT]) + at.A_MARGIN_REFUSED] += 1
    discard(arena, slot)


@inner
def is_priced(kind):
    """Return whether an order of this type carries a limit of its own from the start."""
    return kind == at.LIMIT or kind == at.STOP_LIMIT


@inner
def _price_fault(arena, ins, kind, price):
    """Return the reason why an order of this type cannot have this limit, or -1."""
    if -at.MAX_PRICE < price < at.MAX_PRICE:
        if kind == at.MARKET or kind == at.STOP:
            return at.R_BAD_ORDER
        if price <= 0 or price % step_at(arena, ins, price) != 0:
            return at.R_INCREMENT
    elif is_priced(kind):
        return at.R_INCREMENT
    return -1


@inner
def _fault(arena, ins, slot):
    """Return the reason to refuse an arriving order, or -1."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    kind, tif = type_of(meta), (meta >> at.TIF_SHIFT) & 7
    phase = arena[ins + at.I_PHASE]
    if arena[o + at.O_LEAVES] <= 0:
        return at.R_QUANTITY
    wrong = _price_fault(arena, ins, kind, arena[o + at.O_PRICE])
    if wrong >= 0:
        return wrong
    display = arena[c + at.C_DISPLAY]
    if display < 0 or (display > 0 and arena[o + at.O_LEAVES] > 1000 * display):
        return at.R_QUANTITY  # A thousand slices at most: one event's work stays bounded.
    if (at.STOP <= kind <= at.TRAILING_STOP) and arena[c + at.C_STOP] <= 0:
        return at.R_INCREMENT
    if ((1 << phase) & ACCEPTING) == 0:
        return at.R_HALTED if phase == at.HALTED else at.R_PHASE
    if (tif == at.IOC or tif == at.FOK) and phase != at.CONTINUOUS:
        return at.R_PHASE
    if tif == at.FOK and (kind != at.LIMIT and kind != at.MARKET):
        return at.R_BAD_ORDER
    if tif == at.GTD and arena[c + at.C_EXPIRE] <= arena[at.H_NOW]:
        return at.R_EXPIRED
    if kind == at.ON_OPEN and phase != at.PRE_OPEN and phase != at.OPENING_AUCTION:
        return at.R_AUCTION_OVER
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        wrong = series_fault(arena, ins, slot)
        if wrong >= 0:
            return wrong
    flags = flags_of(meta)
    if (flags & (at.F_POST_REFUSE | at.F_POST_SLIDE)) and kind != at.LIMIT:
        return at.R_BAD_ORDER
    if (flags & at.F_HIDDEN) and display > 0:
        return at.R_BAD_ORDER
    if arena[account_row(arena, arena[o + at.O_ACCOUNT]) + at.A_FLAGS] == 0:
        return -1
    return _account_fault(arena, ins, slot)


@inner
def _account_fault(arena, ins, slot):
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    account = arena[o + at.O_ACCOUNT]
    a = account_row(arena, account)
    if side_of(meta) == 1 and arena[a + at.A_FLAGS] & at.ACCOUNT_LOCATE:
        if locate_shortfall(arena, ins, account, meta & 0xFFFF, arena[o + at.O_LEAVES]) > 0:
            return at.R_NO_BORROW
    if side_of(meta) == 0 and arena[a + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
        need = _funds_needed(arena, ins, slot)
        if need < 0 or need > arena[a + at.A_SETTLED] - arena[a + at.A_RESERVED]:
            return at.R_UNSETTLED
    if arena[a + at.A_FLAGS] & at.ACCOUNT_MARGINED and not fits(arena, slot):
        return at.R_MARGIN
    return -1


@inner
def _funds_needed(arena, ins, slot):
    """Return what a cash account must have free for a buy: its limit, or the dearest it may pay."""
    o = order_row(arena, slot)
    price = arena[o + at.O_PRICE]
    if price >= at.MAX_PRICE:
        price = arena[ins + at.I_BAND_UPPER]
        if price == 0:
            # Without a band an unpriced buy has no bound but the reference and a wide collar.
            price = 2 * max(arena[ins + at.I_LAST], arena[ins + at.I_LAST_CLOSE])
        if price == 0:
            return -1
    quantity = arena[o + at.O_LEAVES]
    notional = notional_of(arena, ins, price, quantity, 0)
    fees, _ = fee_of(arena, ins, arena[o + at.O_ACCOUNT], notional, quantity, False, at.LIQ_NONE)
    return notional + max(fees, 0)


@inner
def arrive(arena, slot):
    """An order reaches the exchange: check it, enter it, let it act."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    instrument = meta & 0xFFFF
    ins = instrument_row(arena, instrument)
    arena[at.H_BOOK_EVENTS] += 1
    arena[c + at.C_ENTRY_NS] = arena[at.H_NOW]
    arena[c + at.C_TOTAL] = arena[o + at.O_LEAVES]
    if flags_of(meta) & at.F_CANCEL_PENDING:
        refuse(arena, slot, at.R_REQUESTED)
        return
    fault = _fault(arena, ins, slot)
    if fault >= 0:
        refuse(arena, slot, fault)
        return
    account = arena[o + at.O_ACCOUNT]
    a = account_row(arena, account)
    arena[a + at.A_ORDERS] += 1
    if side_of(meta) == 1:
        work_sell(arena, ins, account, instrument, arena[o + at.O_LEAVES])
    elif arena[a + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
        need = _funds_needed(arena, ins, slot)
        arena[c + at.C_RESERVED] = need
        arena[a + at.A_RESERVED] += need
    join_account(arena, slot)
    order_tape(arena, at.K_ENTER, slot, arena[o + at.O_PRICE], arena[o + at.O_LEAVES],
               arena[c + at.C_DISPLAY], at.LIQ_NONE, arena[c + at.C_STOP])  # fmt: skip
    tell(arena, slot, at.M_ACCEPTED, arena[o + at.O_PRICE], arena[o + at.O_LEAVES],
         arena[o + at.O_LEAVES], 0)  # fmt: skip
    if arena[ins + at.I_PHASE] == at.CONTINUOUS:
        act(arena, ins, slot)
    else:
        _wait_for_auction(arena, ins, slot)


@inner
def _wait_for_auction(arena, ins, slot):
    o = order_row(arena, slot)
    kind = type_of(arena[o + at.O_META])
    phase = arena[ins + at.I_PHASE]
    if kind == at.ON_CLOSE or (kind == at.MARKET and phase == at.CLOSING_AUCTION):
        queue_for_auction(arena, ins, slot, at.I_ON_CLOSE)
    elif kind == at.ON_OPEN or kind == at.MARKET:
        queue_for_auction(arena, ins, slot, at.I_ON_OPEN)
    elif at.STOP <= kind <= at.TRAILING_STOP:
        _wait_as_stop(arena, ins, slot)
    else:
        rest(arena, ins, slot)


@inner
def _wait_as_stop(arena, ins, slot):
    o = order_row(arena, slot)
    arena[o + at.O_SEQUENCE] = next_priority(arena)
    arena[o + at.O_META] = with_state(arena[o + at.O_META], at.STOP_WAITING)
    add_stop(arena, ins, slot)


@inner
def _is_set_off(arena, ins, slot):
    # A stop that the last trade has already reached does not wait for another one.
    o, c = order_row(arena, slot), cold_row(arena, slot)
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        side = side_of(arena[o + at.O_META])
        return quote_reached(arena, ins, side, arena[c + at.C_STOP])
    last = arena[ins + at.I_LAST]
    if last == 0 or type_of(arena[o + at.O_META]) == at.TRAILING_STOP:
        return False
    stop = arena[c + at.C_STOP]
    if side_of(arena[o + at.O_META]) == 0:
        return last >= stop
    return last + arena[ins + at.I_LAST_HALF] <= stop


@inner
def act(arena, ins, slot):
    """Let an order act in continuous trading."""
    o = order_row(arena, slot)
    kind = type_of(arena[o + at.O_META])
    if kind == at.ON_CLOSE:
        queue_for_auction(arena, ins, slot, at.I_ON_CLOSE)
    elif kind == at.MIDPOINT:
        _act_midpoint(arena, ins, slot)
    elif at.STOP <= kind <= at.TRAILING_STOP:
        if _is_set_off(arena, ins, slot):
            trigger(arena, ins, slot)
        else:
            _wait_as_stop(arena, ins, slot)
    else:
        take_and_rest(arena, ins, slot)


@inner
def trigger(arena, ins, slot):
    """A stop goes off: it becomes a market order, or a limit order where it has a limit."""
    _report_trigger(arena, slot)
    take_and_rest(arena, ins, slot)


@inner
def trigger_closed(arena, ins, slot):
    """A stop goes off when trading is over: it waits for the auction that begins it again."""
    _report_trigger(arena, slot)
    price = arena[order_row(arena, slot) + at.O_PRICE]
    if price >= at.MAX_PRICE or price <= -at.MAX_PRICE:
        queue_for_auction(arena, ins, slot, at.I_ON_OPEN)
    else:
        rest(arena, ins, slot)


@inner
def _report_trigger(arena, slot):
    """Tell that a stop has gone off; from now on it is the order that it has become."""
    o = order_row(arena, slot)
    order_tape(arena, at.K_TRIGGER, slot, arena[o + at.O_PRICE], arena[o + at.O_LEAVES], 0,
               at.LIQ_NONE, 0)  # fmt: skip
    tell(arena, slot, at.M_TRIGGERED, arena[o + at.O_PRICE], arena[o + at.O_LEAVES],
         arena[o + at.O_LEAVES], 0)  # fmt: skip
    is_priced_now = -at.MAX_PRICE < arena[o + at.O_PRICE] < at.MAX_PRICE
    kind = at.LIMIT if is_priced_now else at.MARKET
    meta = arena[o + at.O_META]
    arena[o + at.O_META] = meta & ~(15 << at.TYPE_SHIFT) | (kind << at.TYPE_SHIFT)


@inner
def _act_midpoint(arena, ins, slot):
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    goes_on = match(arena, ins, slot, arena[o + at.O_PRICE], True)
    _finish_or_rest(arena, ins, slot, goes_on, ((meta >> at.TIF_SHIFT) & 7) == at.IOC, at.R_IOC)


@inner
def _finish_or_rest(arena, ins, slot, goes_on, ends, reason):
    if arena[order_row(arena, slot) + at.O_LEAVES] == 0:
        release(arena, slot)
    elif not goes_on:
        finish(arena, ins, slot, at.R_SELF_TRADE)
    elif ends:
        finish(arena, ins, slot, reason)
    else:
        rest(arena, ins, slot)


@inner
def take_and_rest(arena, ins, slot):
    """A limit or market order takes what it may, and rests or ends with the remainder."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    side, flags, tif = side_of(meta), flags_of(meta), (meta >> at.TIF_SHIFT) & 7
    limit = arena[o + at.O_PRICE]
    unpriced = limit >= at.MAX_PRICE or limit <= -at.MAX_PRICE
    upper, lower = arena[ins + at.I_BAND_UPPER], arena[ins + at.I_BAND_LOWER]
    if upper > 0 and ((side == 0 and limit > upper) or (side == 1 and limit < lower)):
        if (flags & at.F_BAND_REFUSE) and not unpriced:
            finish(arena, ins, slot, at.R_BANDS)
            return
        limit = upper if side == 0 else lower
        if not unpriced:
            arena[o + at.O_PRICE] = limit
            _report_move(arena, slot, limit)
    if flags & (at.F_POST_REFUSE | at.F_POST_SLIDE):
        if not _may_post(arena, ins, slot, side, flags):
            finish(arena, ins, slot, at.R_POST_ONLY)
            return
        rest(arena, ins, slot)
        return
    ends = unpriced or tif == at.IOC or tif == at.FOK
    reason = at.R_IOC if tif == at.IOC else at.R_NO_LIQUIDITY
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        if unpriced and is_limited(arena, ins):  # A stop that went off while its stock is limited.
            finish(arena, ins, slot, at.R_LIMIT_STATE)
            return
        drill = drill_limit(arena, ins, side)
        if drill > 0 and (limit > drill if side == 0 else limit < drill):
            limit, ends, reason = drill, True, at.R_DRILL_THROUGH
    if tif == at.FOK and not can_fill(arena, ins, slot, limit):
        finish(arena, ins, slot, at.R_FOK)
        return
    goes_on = match(arena, ins, slot, limit, False)
    _finish_or_rest(arena, ins, slot, goes_on, ends, reason)


@inner
def _report_move(arena, slot, price):
    o = order_row(arena, slot)
    order_tape(arena, at.K_MOVE, slot, price, arena[o + at.O_LEAVES], arena[o + at.O_LEAVES],
               at.LIQ_NONE, 0)  # fmt: skip
    tell(arena, slot, at.M_REPLACED, price, arena[o + at.O_LEAVES], arena[o + at.O_LEAVES], 1)


@inner
def _may_post(arena, ins, slot, side, flags):
    """Return whether a post-only order rests without taking, slid behind the touch if asked."""
    o = order_row(arena, slot)
    best = arena[ins + at.I_BEST + 1 - side]
    price = arena[o + at.O_PRICE]
    takes = best <= price if side == 0 else best >= price
    if not takes:
        return True
    if not (flags & at.F_POST_SLIDE):
        return False
    if side == 0:
        price = best - step_at(arena, ins, best - 1)
    else:
        price = best + step_at(arena, ins, best)
    upper = arena[ins + at.I_BAND_UPPER]
    if price <= 0 or (upper > 0 and (price < arena[ins + at.I_BAND_LOWER] or price > upper)):
        return False
    arena[o + at.O_PRICE] = price
    _report_move(arena, slot, price)
    return True


@inner
def hold_to_bands(arena, ins):
    """Bring resting orders that the bands left outside to the band, or cancel them, by flag."""
    if arena[ins + at.I_BAND_UPPER] == 0:
        return
    for side in range(2):
        band = arena[ins + (at.I_BAND_UPPER if side == 0 else at.I_BAND_LOWER)]
        while True:
            best = arena[ins + at.I_BEST + side]
            if best <= band if side == 0 else best >= band:
                break
            level = level_row(arena, ins, side, best - arena[ins + at.I_BASE + side])
            slot = arena[level + HEAD] - 1
            if slot == at.NONE:
                slot = arena[level + HIDDEN_HEAD] - 1
            o = order_row(arena, slot)
            if flags_of(arena[o + at.O_META]) & at.F_BAND_REFUSE:
                cancel(arena, ins, slot, at.R_BANDS)
                continue
            take_out(arena, ins, slot)
            arena[o + at.O_LEAVES] = total_leaves(arena, slot)
            arena[o + at.O_RESERVE] = 0
            arena[o + at.O_PRICE] = band
            _report_move(arena, slot, band)
            rest(arena, ins, slot)


@inner
def find(arena, identity):
    """Return the slot of a live or in-flight order by its public id, or NONE."""
    slot = identity & 0xFFFFFFFF
    if slot >= arena[at.H_ORDER_BUMP]:
        return at.NONE
    if arena[cold_row(arena, slot) + at.C_GENERATION] != identity >> 32:
        return at.NONE
    if state_of(arena[order_row(arena, slot) + at.O_META]) == at.FREE:
        return at.NONE
    return slot


@inner
def cancel_locked(arena, ins, slot):
    """Return whether an on-close order has passed the hour after which it must stay."""
    meta = arena[order_row(arena, slot) + at.O_META]
    lock = arena[ins + at.I_LOCK_CLOSE]
    return type_of(meta) == at.ON_CLOSE and lock > 0 and arena[at.H_NOW] >= lock


@inner
def arrive_cancel(arena, identity):
    """A cancel reaches the exchange. Returns the reason it was refused, or -1."""
    arena[at.H_BOOK_EVENTS] += 1
    slot = find(arena, identity)
    if slot == at.NONE:
        return at.R_UNKNOWN
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    if state_of(meta) == at.IN_FLIGHT:
        # The cancel overtook its order (another connection): the order dies on arrival.
        arena[o + at.O_META] = meta | (at.F_CANCEL_PENDING << at.FLAG_SHIFT)
        return -1
    ins = instrument_row(arena, meta & 0xFFFF)
    if cancel_locked(arena, ins, slot):
        return at.R_TOO_LATE
    cancel(arena, ins, slot, at.R_REQUESTED)
    return -1


@inner
def arrive_cancel_all(arena, account, instrument):
    """Cancel every order of an account that is at the exchange (in one instrument, if named)."""
    arena[at.H_BOOK_EVENTS] += 1
    slot = arena[account_row(arena, account) + at.A_FIRST_ORDER] - 1
    while slot != at.NONE:
        after = arena[cold_row(arena, slot) + at.C_ACCOUNT_NEXT]
        meta = arena[order_row(arena, slot) + at.O_META]
        ins = instrument_row(arena, meta & 0xFFFF)
        if ((instrument == at.NONE or instrument == meta & 0xFFFF)
                and not cancel_locked(arena, ins, slot)):  # fmt: skip
            cancel(arena, ins, slot, at.R_REQUESTED)
        slot = after


@inner
def arrive_replace(arena, identity, quantity, price):
    """A replace reaches the exchange. Returns the reason it was refused, or -1.

    `quantity` is the new total; at or below what is filled the order is cancelled. A smaller
    quantity at the same price keeps its place, and so does the same one, which is answered and
    changes nothing; anything else goes to the back and may trade at once.
    """
    arena[at.H_BOOK_EVENTS] += 1
    slot = find(arena, identity)
    if slot == at.NONE:
        return at.R_UNKNOWN
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    if state_of(meta) == at.IN_FLIGHT:
        return at.R_UNKNOWN
    instrument = meta & 0xFFFF
    ins = instrument_row(arena, instrument)
    if cancel_locked(arena, ins, slot):
        return at.R_TOO_LATE
    old = total_leaves(arena, slot)
    leaves = quantity - arena[c + at.C_FILLED]
    if leaves <= 0:
        cancel(arena, ins, slot, at.R_BELOW_FILLED)
        return -1
    if price == 0:
        price = arena[o + at.O_PRICE]
    wrong = _price_fault(arena, ins, type_of(meta), price)
    if wrong >= 0:
        return wrong
    if price == arena[o + at.O_PRICE] and leaves <= old:
        if leaves < old:
            shrink(arena, ins, slot, old - leaves, at.R_REQUESTED)
        else:
            tell(arena, slot, at.M_REPLACED, price, old, old, 0)
        return -1
    fault = _replace_fault(arena, ins, slot, leaves - old, price, leaves)
    if fault >= 0:
        return fault
    take_out(arena, ins, slot)
    if side_of(meta) == 1:
        work_sell(arena, ins, arena[o + at.O_ACCOUNT], instrument, leaves - old)
    arena[c + at.C_TOTAL] = quantity
    arena[o + at.O_LEAVES] = leaves
    arena[o + at.O_RESERVE] = 0
    arena[o + at.O_PRICE] = price
    _report_move(arena, slot, price)
    if arena[ins + at.I_PHASE] == at.CONTINUOUS:
        act(arena, ins, slot)
    else:
        _wait_for_auction(arena, ins, slot)
    return -1


@inner
def _replace_fault(arena, ins, slot, more, price, leaves):
    """Check what a larger or repriced order newly asks for; book its new reservation."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    account = arena[o + at.O_ACCOUNT]
    a = account_row(arena, account)
    phase = arena[ins + at.I_PHASE]
    if ((1 << phase) & ACCEPTING) == 0:
        return at.R_HALTED if phase == at.HALTED else at.R_PHASE
    display = arena[c + at.C_DISPLAY]
    if display > 0 and leaves > 1000 * display:
        return at.R_QUANTITY
    if side_of(meta) == 1 and arena[a + at.A_FLAGS] & at.ACCOUNT_LOCATE and more > 0:
        if locate_shortfall(arena, ins, account, meta & 0xFFFF, more) > 0:
            return at.R_NO_BORROW
    if arena[a + at.A_FLAGS] & at.ACCOUNT_MARGINED and not is_accepted(arena, slot):
        arena[a + at.A_MARGIN_REFUSED] += 1
        return at.R_MARGIN
    if arena[c + at.C_RESERVED] != 0:
        need = notional_of(arena, ins, price, leaves, 0)
        fees, _ = fee_of(arena, ins, account, need, leaves, False, at.LIQ_NONE)
        need += max(fees, 0)
        free = arena[a + at.A_SETTLED] - arena[a + at.A_RESERVED] + arena[c + at.C_RESERVED]
        if need > free:
            return at.R_UNSETTLED
        arena[a + at.A_RESERVED] += need - arena[c + at.C_RESERVED]
        arena[c + at.C_RESERVED] = need
    return -1


@inner
def match_pegs(arena, ins):
    """Let a midpoint order meet what a moved midpoint brought it to; return whether any did.

    That is a midpoint order of the other side, or a hidden one no worse than the midpoint. The
    older of the two is the maker; what is left of the younger goes to the back of its queue.
    """
    if arena[at.H_PEGS] == 0:
        return False
    twice = midpoint(arena, ins)
    if twice == at.NO_BID:
        return False
    for side in range(2):
        peg = first_peg(arena, ins, side, twice)
        if peg == at.NONE:
            continue
        p = order_row(arena, peg)
        met, _ = next_maker(arena, ins, side, arena[p + at.O_PRICE], True)
        if met == at.NONE:
            continue
        is_younger = arena[order_row(arena, met) + at.O_SEQUENCE] > arena[p + at.O_SEQUENCE]
        _act_again(arena, ins, met if is_younger else peg)
        return True
    return False


@inner
def _act_again(arena, ins, slot):
    """Let a waiting midpoint or hidden order take what has come within its reach."""
    take_out(arena, ins, slot)
    o = order_row(arena, slot)
    arena[o + at.O_LEAVES] += arena[o + at.O_RESERVE]
    arena[o + at.O_RESERVE] = 0
    at_midpoint = type_of(arena[o + at.O_META]) == at.MIDPOINT
    goes_on = match(arena, ins, slot, arena[o + at.O_PRICE], at_midpoint)
    _finish_or_rest(arena, ins, slot, goes_on, False, at.R_IOC)


@inner
def new_order(arena, instrument, account, side, kind, tif, self_trade, flags, price, quantity,
              display, stop, expire, parent, tag):  # fmt: skip
    """Write an order into a free slot, in flight to the exchange. Returns the slot."""
    slot = allocate(arena)
    o, c = order_row(arena, slot), cold_row(arena, slot)
    arena[o + at.O_META] = (
        instrument | (side << at.SIDE_SHIFT) | (kind << at.TYPE_SHIFT) | (tif << at.TIF_SHIFT)
        | (at.IN_FLIGHT << at.STATE_SHIFT) | (self_trade << at.SELF_TRADE_SHIFT)
        | (flags << at.FLAG_SHIFT)
    )  # fmt: skip
    arena[o + at.O_PRICE] = price
    arena[o + at.O_LEAVES] = quantity
    arena[o + at.O_RESERVE] = 0
    arena[o + at.O_ACCOUNT] = account
    arena[c + at.C_DISPLAY] = display
    arena[c + at.C_STOP] = stop
    arena[c + at.C_EXPIRE] = expire
    arena[c + at.C_PARENT] = parent
    arena[c + at.C_TAG] = tag
    arena[c + at.C_FILLED] = 0
    arena[c + at.C_RESERVED] = 0
    arena[c + at.C_STOP_NODE] = 0
    return slot
