"""Dealers' quotes: set many at once, pulled all at once, guarded, and measured.

Each side of a dealer's quote in a series has an order slot of its own for the whole run, so that a
new quote moves a row instead of making one, and meets others exactly as an order does. Between two
quotes, or traded out, the slot is IDLE. What is under way to the exchange waits in the dealer's
ring: nothing overtakes on one connection, so an arrival needs no more than a count.
"""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.broker_rule import closing_sizes
from environment.market.emit import order_id, order_tape, tape_row
from environment.market.heap import push
from environment.market.increments import step_at
from environment.market.ladder import (
    VISIBLE,
    account_row,
    append,
    cold_row,
    instrument_row,
    level_row,
    order_row,
    refill_window,
    state_of,
    unlink,
    with_state,
)
from environment.market.matching import finish, match, next_priority, release
from environment.market.obligations import measure
from environment.market.protection import dealer_row, quote_row

EVERY = at.NONE  # Purge: of every series.


# --- under way -----------------------------------------------------------------------------------


@inner
def may_send(arena, dealer, count):
    """Return whether a dealer's ring takes so many more quotes."""
    d = dealer_row(arena, dealer)
    waiting = arena[d + at.DE_RING_WRITE] - arena[d + at.DE_RING_READ]
    return waiting + count <= arena[d + at.DE_RING_SIZE]


@inner
def write_quote(arena, dealer, index, bid, bid_quantity, ask, ask_quantity, delta, vega):
    """Add one quote to the mass quote that a dealer is writing; `index` counts his series."""
    d = dealer_row(arena, dealer)
    place = arena[d + at.DE_RING_WRITE] & (arena[d + at.DE_RING_SIZE] - 1)
    row = arena[at.H_OFFSET + at.S_INBOUND] + (arena[d + at.DE_RING_FIRST] + place) * 8
    arena[row + at.IN_INDEX] = index
    arena[row + at.IN_BID] = bid
    arena[row + at.IN_BID_QUANTITY] = bid_quantity
    arena[row + at.IN_ASK] = ask
    arena[row + at.IN_ASK_QUANTITY] = ask_quantity
    arena[row + at.IN_DELTA] = delta
    arena[row + at.IN_VEGA] = vega
    arena[d + at.DE_RING_WRITE] += 1


@inner
def send_quotes(arena, dealer, count, arrival):
    """Let the last `count` quotes written arrive together."""
    push(arena, arrival, at.E_MASS_QUOTE, dealer, count)


@njit
def post_mass_quote(arena, dealer, rows, arrival):
    """Send quotes, int64 of shape (count, 7) in the order of an inbound row; return if it fits."""
    if not may_send(arena, dealer, len(rows)):
        return False
    for k in range(len(rows)):
        write_quote(arena, dealer, rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3], rows[k, 4],
                    rows[k, 5], rows[k, 6])  # fmt: skip
    send_quotes(arena, dealer, len(rows), arrival)
    return True


# --- one side ------------------------------------------------------------------------------------


@inner
def is_up(arena, slot):
    """Return whether a side of a quote stands in its book."""
    state = state_of(arena[order_row(arena, slot) + at.O_META])
    return state == at.RESTING or state == at.FAR


@inner
def take_down(arena, ins, slot):
    """Take a side that stands in its book out of it; the caller tells the tape."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    arena[at.H_LIVE_SLICES] -= 1
    arena[at.H_LIVE_ORDERS] -= 1
    unlink(arena, ins, slot)
    refill_window(arena, ins, (meta >> at.SIDE_SHIFT) & 1)
    arena[o + at.O_META] = with_state(meta, at.IDLE)
    arena[o + at.O_LEAVES] = 0


@inner
def _prepare(arena, slot, price, quantity):
    o, c = order_row(arena, slot), cold_row(arena, slot)
    arena[o + at.O_PRICE] = price
    arena[o + at.O_LEAVES] = quantity
    arena[c + at.C_ENTRY_NS] = arena[at.H_NOW]
    arena[c + at.C_TOTAL] = quantity
    arena[c + at.C_FILLED] = 0
    arena[at.H_LIVE_ORDERS] += 1


@inner
def _put_up(arena, ins, slot):
    """Let a prepared side join its queue. Returns the quantity in front of it, -1 if far away."""
    o = order_row(arena, slot)
    arena[o + at.O_SEQUENCE] = next_priority(arena)
    arena[at.H_LIVE_SLICES] += 1
    ahead = append(arena, ins, slot)
    arena[cold_row(arena, slot) + at.C_AHEAD] = ahead
    return ahead


@inner
def _stays(arena, slot, price, quantity):
    # An unchanged price and no larger size keep the place in the queue.
    o = order_row(arena, slot)
    return (quantity > 0 and is_up(arena, slot) and arena[o + at.O_PRICE] == price
            and quantity <= arena[o + at.O_LEAVES])  # fmt: skip


@inner
def _shrink(arena, ins, side, slot, quantity):
    o, c = order_row(arena, slot), cold_row(arena, slot)
    less = arena[o + at.O_LEAVES] - quantity
    if less == 0:
        return
    arena[o + at.O_LEAVES] = quantity
    arena[c + at.C_TOTAL] = arena[c + at.C_FILLED] + quantity
    if state_of(arena[o + at.O_META]) == at.RESTING:
        index = arena[o + at.O_PRICE] - arena[ins + at.I_BASE + side]
        arena[level_row(arena, ins, side, index) + VISIBLE] -= less


@inner
def _enter(arena, ins, slot, price):
    """Let a side that would trade at once do so; what is left of it rests."""
    o = order_row(arena, slot)
    arena[o + at.O_META] = with_state(arena[o + at.O_META], at.AGGRESSING)
    goes_on = match(arena, ins, slot, price, False)
    if arena[o + at.O_LEAVES] == 0:
        release(arena, slot)
    elif not goes_on:
        finish(arena, ins, slot, at.R_SELF_TRADE)
    else:
        _put_up(arena, ins, slot)


# --- one series ----------------------------------------------------------------------------------


@inner
def _quote_fault(arena, ins, bid, bid_quantity, ask, ask_quantity):
    phase = arena[ins + at.I_PHASE]
    if bid_quantity < 0 or ask_quantity < 0:
        return at.R_QUANTITY
    if bid_quantity == 0 and ask_quantity == 0:
        return -1  # To withdraw is always allowed.
    if phase != at.CONTINUOUS:
        return at.R_HALTED if phase == at.HALTED else at.R_PHASE
    if bid_quantity > 0 and (
        bid <= 0 or bid >= at.MAX_PRICE or bid % step_at(arena, ins, bid) != 0
    ):
        return at.R_INCREMENT
    if ask_quantity > 0 and (
        ask <= 0 or ask >= at.MAX_PRICE or ask % step_at(arena, ins, ask) != 0
    ):
        return at.R_INCREMENT
    if bid_quantity > 0 and ask_quantity > 0 and bid >= ask:
        return at.R_BAD_ORDER
    return -1


@inner
def _quote_tape(arena, instrument, account, bid_slot, ask_slot, bid, bid_quantity, ask,
                ask_quantity, bid_ahead, ask_ahead):  # fmt: skip
    if arena[at.H_TAPE_MODE] != at.TAPE_ALL:
        return
    form = at.LIMIT | (at.F_QUOTE << 8) | (ask_ahead << 32)
    tape_row(arena, at.K_QUOTE, instrument, order_id(arena, bid_slot), account, 0, form,
             bid if bid_quantity > 0 else 0, bid_quantity, ask_quantity,
             order_id(arena, ask_slot), at.LIQ_NONE, bid_ahead,
             ask if ask_quantity > 0 else 0)  # fmt: skip


@inner
def set_quote(arena, quote, bid, bid_quantity, ask, ask_quantity):
    """Give a quote new sides. Returns 0 where nothing changed, 1 where something did.

    Less than 0: the quote is refused, for the reason -1 - value, and stands as it stood.
    """
    q = quote_row(arena, quote)
    instrument = arena[q + at.QU_INSTRUMENT]
    ins = instrument_row(arena, instrument)
    fault = _quote_fault(arena, ins, bid, bid_quantity, ask, ask_quantity)
    if fault >= 0:
        return -1 - fault
    b, s = arena[q + at.QU_BID_SLOT], arena[q + at.QU_ASK_SLOT]
    account = arena[order_row(arena, b) + at.O_ACCOUNT]
    if arena[account_row(arena, account) + at.A_FLAGS] & (at.ACCOUNT_CALLED | at.ACCOUNT_LACKING):
        bid_quantity, ask_quantity = closing_sizes(
            arena, account, instrument, bid_quantity, ask_quantity
        )
    bid_stays, ask_stays = _stays(arena, b, bid, bid_quantity), _stays(arena, s, ask, ask_quantity)
    bid_up, ask_up = is_up(arena, b), is_up(arena, s)
    same_bid = (bid_stays and arena[order_row(arena, b) + at.O_LEAVES] == bid_quantity) or (
        not bid_up and bid_quantity == 0
    )
    same_ask = (ask_stays and arena[order_row(arena, s) + at.O_LEAVES] == ask_quantity) or (
        not ask_up and ask_quantity == 0
    )
    if same_bid and same_ask:
        return 0
    arena[at.H_QUOTE_UPDATES] += 1
    if arena[q + at.QU_UPDATES] == 0:
        # Once a day, so that the tape says whose the sides are.
        order_tape(arena, at.K_ENTER, b, 0, 0, 0, at.LIQ_NONE, 0)
        order_tape(arena, at.K_ENTER, s, 0, 0, 0, at.LIQ_NONE, 0)
    arena[q + at.QU_UPDATES] += 1
    if bid_stays:
        _shrink(arena, ins, 0, b, bid_quantity)
    elif bid_up:
        take_down(arena, ins, b)
    if ask_stays:
        _shrink(arena, ins, 1, s, ask_quantity)
    elif ask_up:
        take_down(arena, ins, s)
    bid_is_new, ask_is_new = bid_quantity > 0 and not bid_stays, ask_quantity > 0 and not ask_stays
    if bid_is_new:
        _prepare(arena, b, bid, bid_quantity)
    if ask_is_new:
        _prepare(arena, s, ask, ask_quantity)
    _let_in(arena, ins, instrument, q, b, s, bid_is_new, ask_is_new, bid, bid_quantity, ask,
            ask_quantity)  # fmt: skip
    measure(arena, ins, q)
    return 1


@inner
def _let_in(arena, ins, instrument, q, b, s, bid_is_new, ask_is_new, bid, bid_quantity, ask,
            ask_quantity):  # fmt: skip
    account = arena[order_row(arena, b) + at.O_ACCOUNT]
    takes_ask = bid_is_new and arena[ins + at.I_BEST_ASK] <= bid
    takes_bid = ask_is_new and arena[ins + at.I_BEST] >= ask
    bid_ahead = ask_ahead = -1
    if takes_ask or takes_bid:
        # Its fills must follow what they fill, so the tape hears of the quote first.
        _quote_tape(arena, instrument, account, b, s, bid, bid_quantity, ask, ask_quantity, -1, -1)
        if bid_is_new:
            _enter(arena, ins, b, bid)
        if ask_is_new:
            _enter(arena, ins, s, ask)
        return
    if bid_is_new:
        bid_ahead = _put_up(arena, ins, b)
    if ask_is_new:
        ask_ahead = _put_up(arena, ins, s)
    _quote_tape(arena, instrument, account, b, s, bid, bid_quantity, ask, ask_quantity, bid_ahead,
                ask_ahead)  # fmt: skip


# --- what arrives --------------------------------------------------------------------------------


@inner
def next_inbound(arena, dealer):
    """Return the row of the next quote that arrives from a dealer, and move past it."""
    d = dealer_row(arena, dealer)
    place = arena[d + at.DE_RING_READ] & (arena[d + at.DE_RING_SIZE] - 1)
    arena[d + at.DE_RING_READ] += 1
    return arena[at.H_OFFSET + at.S_INBOUND] + (arena[d + at.DE_RING_FIRST] + place) * 8


@inner
def apply_inbound(arena, dealer):
    """Carry out the next quote of a mass quote. Returns what `set_quote` does, and the series."""
    row = next_inbound(arena, dealer)
    d = dealer_row(arena, dealer)
    quote = arena[d + at.DE_FIRST] + arena[row + at.IN_INDEX]
    q = quote_row(arena, quote)
    if arena[d + at.DE_ARMED] == 0:
        return -1 - at.R_PROTECTION, arena[q + at.QU_INSTRUMENT]
    arena[q + at.QU_DELTA] = arena[row + at.IN_DELTA]
    arena[q + at.QU_VEGA] = arena[row + at.IN_VEGA]
    code = set_quote(
        arena, quote, arena[row + at.IN_BID], arena[row + at.IN_BID_QUANTITY],
        arena[row + at.IN_ASK], arena[row + at.IN_ASK_QUANTITY],
    )  # fmt: skip
    arena[d + at.DE_UPDATES] += code == 1
    return code, arena[q + at.QU_INSTRUMENT]
