"""What holds for series of options alone: prices, order types, drill-through, stops, their day.

Series have no auctions and no bands of their own. They open when their stock does, stop while it is
halted or paused, and close with its continuous trading; see decision 0010.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import send_status, tape_row
from environment.market.ladder import (
    account_row,
    instrument_row,
    order_row,
    push_list,
    shown_best,
    state_of,
    with_state,
)
from environment.market.ledger import held_uncovered
from environment.market.matching import cancel
from environment.market.obligations import duty_clock, width_allowed
from environment.market.stops import first_triggered, remove_stop


@inner
def drill_limit(arena, ins, side):
    """Return the worst price that an order arriving now may reach, or 0 where nothing faces it."""
    price, quantity = shown_best(arena, ins, 1 - side)
    if quantity == 0:
        return 0
    width = width_allowed(price, arena[ins + at.I_TICKS_PER_UNIT])
    return price + width if side == 0 else max(price - width, 1)


@inner
def is_limited(arena, ins):
    """Return whether the stock of a series is in a limit state."""
    stock = instrument_row(arena, arena[ins + at.I_UNDERLYING])
    return arena[stock + at.I_LIMIT_SINCE] != 0


@inner
def series_fault(arena, ins, slot):
    """Return the reason to refuse an order that only a series has, or -1."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    kind = (meta >> at.TYPE_SHIFT) & 15
    if kind != at.LIMIT and kind != at.MARKET and kind != at.STOP and kind != at.STOP_LIMIT:
        return at.R_ORDER_TYPE
    if arena[ins + at.I_RETIRED] != 0:
        return at.R_EXPIRED
    if kind == at.MARKET and is_limited(arena, ins):
        return at.R_LIMIT_STATE
    account = arena[o + at.O_ACCOUNT]
    if (meta >> at.SIDE_SHIFT) & 1 and (
        arena[account_row(arena, account) + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY
    ):
        instrument = meta & ((1 << at.META_INSTRUMENT_BITS) - 1)
        if held_uncovered(arena, account, instrument, arena[o + at.O_LEAVES]) > 0:
            return at.R_MARGIN  # A cash account writes no options.
    return -1


@inner
def quote_reached(arena, ins, side, stop):
    """Return whether the quote has reached a stop: the bid a buyer's, the offer a seller's."""
    price, quantity = shown_best(arena, ins, side)
    if quantity == 0:
        return False
    return price >= stop if side == 0 else price <= stop


@inner
def watch_quote(arena, ins):
    """Queue every stop that the present quote sets off."""
    for side in range(2):
        price, quantity = shown_best(arena, ins, side)
        if quantity == 0:
            continue
        x = price if side == 1 else -price
        while True:
            slot = first_triggered(arena, ins, side, x)
            if slot == at.NONE:
                break
            remove_stop(arena, ins, slot)
            o = order_row(arena, slot)
            arena[o + at.O_META] = with_state(arena[o + at.O_META], at.AGGRESSING)
            push_list(arena, ins + at.I_TRIGGERED, slot)


@inner
def phase_after(stock_phase, phase):
    """Return the phase of a series whose stock enters `stock_phase`."""
    if stock_phase == at.CONTINUOUS:
        return at.CONTINUOUS
    if stock_phase == at.HALTED or stock_phase == at.REOPENING_AUCTION:
        return at.HALTED if phase == at.CONTINUOUS else phase
    if stock_phase == at.CLOSED:
        return at.CLOSED
    if stock_phase == at.PRE_OPEN or stock_phase == at.OPENING_AUCTION:
        return at.CLOSED
    return at.CLOSED if phase == at.CLOSED else at.POST_CLOSE


@inner
def enter_phase(arena, number, phase, reason):
    """Let one series enter a phase; keep its closing quote and the time it was open."""
    ins = instrument_row(arena, number)
    if phase == at.CONTINUOUS:
        arena[ins + at.I_OPEN_SINCE] = duty_clock(arena, ins)
    elif arena[ins + at.I_PHASE] == at.CONTINUOUS:
        arena[ins + at.I_OPEN_NS] += duty_clock(arena, ins) - arena[ins + at.I_OPEN_SINCE]
    if phase == at.POST_CLOSE:
        bid, bid_quantity = shown_best(arena, ins, 0)
        ask, ask_quantity = shown_best(arena, ins, 1)
        arena[ins + at.I_CLOSE_BID] = bid if bid_quantity > 0 else 0
        arena[ins + at.I_CLOSE_ASK] = ask if ask_quantity > 0 else 0
        if arena[ins + at.I_CLOSE_PRICE] == 0:
            arena[ins + at.I_CLOSE_PRICE] = arena[ins + at.I_LAST]
    arena[ins + at.I_PHASE] = phase
    arena[ins + at.I_FEED_SEQUENCE] += 1
    tape_row(arena, at.K_PHASE, number, 0, 0, 0, phase, 0, reason, 0, at.NONE, at.LIQ_NONE, 0, 0)
    send_status(arena, ins, number, at.M_PHASE, phase, reason, 0, 0)


@inner
def end_series_orders(arena, stock):
    """Cancel every day order in the series of a stock, and all in those that trade no more."""
    first = arena[at.H_INSTRUMENTS]
    for slot in range(arena[at.H_ORDER_BUMP]):
        meta = arena[order_row(arena, slot) + at.O_META]
        state, number = state_of(meta), meta & 0xFFFF
        if state == at.FREE or state == at.IN_FLIGHT or state == at.IDLE or number < first:
            continue
        ins = instrument_row(arena, number)
        if arena[ins + at.I_UNDERLYING] != stock or (meta >> at.FLAG_SHIFT) & at.F_QUOTE:
            continue
        if 0 < arena[ins + at.I_LAST_TRADING_NS] <= arena[at.H_NOW]:
            cancel(arena, ins, slot, at.R_EXPIRED)
        elif ((meta >> at.TIF_SHIFT) & 7) == at.DAY:
            cancel(arena, ins, slot, at.R_DAY_END)
