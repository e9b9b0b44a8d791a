"""The day: phases, auctions at their ends, halts and reopenings, and the end of day orders."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.auction import indicate, uncross
from environment.market.auction_price import NO_PRICE
from environment.market.bands import SECOND, start_bands, stop_bands
from environment.market.emit import send_status, tape_row
from environment.market.entry import (
    cancel_locked,
    hold_to_bands,
    trigger,
    trigger_closed,
    type_of,
)
from environment.market.heap import push
from environment.market.increments import place_at_or_below, price_at
from environment.market.ladder import (
    cold_row,
    instrument_row,
    order_row,
    pull_list,
    shown_best,
    state_of,
)
from environment.market.matching import cancel, finish, watch_stops
from environment.market.series_day import follow_stock

PAUSE_NS = 300 * SECOND
MARKET_HALT_NS = 900 * SECOND
# Reasons of a phase change, as the tape and PhaseChanged name them.
PHASE_REASONS = (
    "schedule", "limit_state", "market_halt", "order", "reopened", "extended", "listed",
)  # fmt: skip
(BY_SCHEDULE, BY_LIMIT, BY_MARKET, BY_ORDER, BY_REOPENING, BY_EXTENSION, BY_LISTING) = range(7)


@inner
def announce(arena, instrument, phase, reason):
    """Enter a phase and say so on the tape and the status feeds."""
    ins = instrument_row(arena, instrument)
    arena[ins + at.I_PHASE] = phase
    arena[ins + at.I_DIRTY] = -1  # Views show the phase: the touch is published anew.
    arena[ins + at.I_FEED_SEQUENCE] += 1
    tape_row(arena, at.K_PHASE, instrument, 0, 0, 0, phase, 0, reason, 0, at.NONE, at.LIQ_NONE,
             0, 0)  # fmt: skip
    send_status(arena, ins, instrument, at.M_PHASE, phase, reason, 0, 0)
    if arena[ins + at.I_SERIES] != 0:
        follow_stock(arena, instrument, phase, reason)


@inner
def change_phase(arena, instrument, phase, reason):
    """Leave the present phase, with the auction that ends it, and enter another."""
    ins = instrument_row(arena, instrument)
    old = arena[ins + at.I_PHASE]
    if old == phase:
        return
    if phase == at.CONTINUOUS and (old == at.HALTED or old == at.REOPENING_AUCTION):
        if reason == BY_SCHEDULE:
            return  # A schedule never ends a halt: its own reopening does.
    if old == at.REOPENING_AUCTION and phase == at.HALTED:
        return
    # Neither a stock that is halted nor one whose day is over takes part in the closing auction.
    if phase == at.CLOSING_AUCTION and (old == at.HALTED or old == at.POST_CLOSE):
        return
    if phase == at.CONTINUOUS and old != at.CONTINUOUS:
        _open(arena, ins, instrument, old, reason)
        return
    if phase == at.POST_CLOSE and old == at.CLOSING_AUCTION:
        _close(arena, ins, instrument)
    if phase != at.CONTINUOUS:
        stop_bands(arena, ins)
    announce(arena, instrument, phase, reason)
    if phase in (at.OPENING_AUCTION, at.CLOSING_AUCTION, at.REOPENING_AUCTION):
        start_indicating(arena, instrument)
    if phase == at.POST_CLOSE or phase == at.CLOSED:
        end_day_orders(arena, instrument)
        if arena[ins + at.I_CLOSE_PRICE] == 0:
            arena[ins + at.I_CLOSE_PRICE] = arena[ins + at.I_LAST]


@inner
def start_indicating(arena, instrument):
    """Publish price and imbalance each second from now on, if that has not begun."""
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_INDICATIVE] == 0:
        arena[ins + at.I_INDICATIVE] = 1
        push(arena, arena[at.H_NOW] + SECOND, at.E_INDICATIVE, instrument, 0)


@inner
def reference_price(arena, ins, opening):
    """Return the auction's reference: the last close at the open, else the last trade."""
    last, close = arena[ins + at.I_LAST], arena[ins + at.I_LAST_CLOSE]
    if opening:
        return close if close > 0 else last
    return last if last > 0 else close


@inner
def collar(reference, hundredths):
    """Return (lower, upper) around a reference; all prices where there is none."""
    if reference <= 0:
        return 1, at.MAX_PRICE - 1
    width = reference * hundredths // 100
    return max(reference - width, 1), reference + width


@inner
def _open(arena, ins, instrument, old, reason):
    opening = old != at.REOPENING_AUCTION and old != at.HALTED
    reference = reference_price(arena, ins, opening)
    if old == at.REOPENING_AUCTION and arena[ins + at.I_COLLAR_UPPER] > 0:
        lower, upper = arena[ins + at.I_COLLAR_LOWER], arena[ins + at.I_COLLAR_UPPER]
    else:
        lower, upper = collar(reference, 10)
    # Market orders of a reopening wait in the on-open list too.
    price, _ = uncross(arena, instrument, True, False, lower, upper, reference)
    bid, ask = arena[ins + at.I_BEST], arena[ins + at.I_BEST_ASK]
    if bid >= ask:
        # Limit-on-open orders trade before better limits, so that two of these may be left to meet
        # each other: they do in a second round, where limits alone decide.
        uncross(arena, instrument, False, False, ask, bid, price)
    arena[ins + at.I_COLLAR_UPPER] = 0
    arena[ins + at.I_COLLAR_STEPS] = 0
    if opening:
        arena[ins + at.I_OPEN_PRICE] = price if price != NO_PRICE else 0
    announce(arena, instrument, at.CONTINUOUS, reason)
    first = price if price != NO_PRICE else _touch_middle(arena, ins, reference)
    start_bands(arena, instrument, first)
    hold_to_bands(arena, ins)
    run_triggered(arena, ins)
    _wake_waiting(arena, ins)


@inner
def _touch_middle(arena, ins, reference):
    bid, bid_quantity = shown_best(arena, ins, 0)
    ask, ask_quantity = shown_best(arena, ins, 1)
    if bid_quantity > 0 and ask_quantity > 0:
        return (bid + ask) // 2
    return reference


@inner
def _close(arena, ins, instrument):
    reference = reference_price(arena, ins, False)
    lower, upper = collar(reference, 10)
    price, _ = uncross(arena, instrument, True, True, lower, upper, reference)
    arena[ins + at.I_CLOSE_PRICE] = price if price != NO_PRICE else arena[ins + at.I_LAST]
    # A stop that the close sets off has no market left to trade in: it ends with the day, or, where
    # it lasts longer, waits for the next opening auction as the order that it has become.
    while arena[ins + at.I_TRIGGERED] != 0:
        slot = arena[ins + at.I_TRIGGERED] - 1
        pull_list(arena, ins + at.I_TRIGGERED, slot)
        if outlasts_day(arena[order_row(arena, slot) + at.O_META]):
            trigger_closed(arena, ins, slot)
        else:
            finish(arena, ins, slot, at.R_DAY_END)


@inner
def _wake_waiting(arena, ins):
    # Stops entered before the open wait for its price; those it has passed go off now.
    if arena[ins + at.I_LAST] > 0:
        watch_stops(arena, ins, arena[ins + at.I_LAST], arena[ins + at.I_LAST_HALF])
        run_triggered(arena, ins)


@inner
def run_triggered(arena, ins):
    """Let the stops that went off act, oldest round first; their trades may set off others."""
    while arena[ins + at.I_TRIGGERED] != 0 and arena[ins + at.I_PHASE] == at.CONTINUOUS:
        slot = arena[ins + at.I_TRIGGERED] - 1
        pull_list(arena, ins + at.I_TRIGGERED, slot)
        trigger(arena, ins, slot)


@inner
def outlasts_day(meta):
    """Return whether an order's time in force reaches past the day."""
    tif = (meta >> at.TIF_SHIFT) & 7
    return tif == at.GTC or tif == at.GTD


@inner
def end_day_orders(arena, instrument):
    """Cancel every order of an instrument whose time in force ends with the day."""
    ins = instrument_row(arena, instrument)
    for slot in range(arena[at.H_ORDER_BUMP]):
        o = order_row(arena, slot)
        meta = arena[o + at.O_META]
        state = state_of(meta)
        if state == at.FREE or state == at.IN_FLIGHT or meta & 0xFFFF != instrument:
            continue
        kind = type_of(meta)
        if not outlasts_day(meta) or kind == at.ON_CLOSE or kind == at.ON_OPEN:
            cancel(arena, ins, slot, at.R_DAY_END)


@inner
def expire(arena, identity):
    """A good-till-date order has reached its date; one that must stay for the close does."""
    slot = identity & 0xFFFFFFFF
    if arena[cold_row(arena, slot) + at.C_GENERATION] == identity >> 32:
        meta = arena[order_row(arena, slot) + at.O_META]
        ins = instrument_row(arena, meta & 0xFFFF)
        if (state_of(meta) != at.FREE and state_of(meta) != at.IN_FLIGHT
                and not cancel_locked(arena, ins, slot)):  # fmt: skip
            cancel(arena, ins, slot, at.R_EXPIRED)


@inner
def pause(arena, instrument, reason, length_ns):
    """Stop continuous trading; a reopening auction ends the pause. By order it also ends a halt."""
    ins = instrument_row(arena, instrument)
    phase, until = arena[ins + at.I_PHASE], arena[at.H_NOW] + length_ns
    paused = phase == at.REOPENING_AUCTION
    if paused and reason == BY_MARKET and until > arena[ins + at.I_HALT_UNTIL]:
        # A stock that is paused already stays so as long as the market.
        arena[ins + at.I_HALT_UNTIL] = until
        push(arena, until, at.E_REOPEN, instrument, until)
    if phase != at.CONTINUOUS and not (phase == at.HALTED and reason == BY_ORDER):
        return
    reference = reference_price(arena, ins, False)
    if reason == BY_LIMIT:
        reference = arena[ins + at.I_BAND_REFERENCE]
    arena[ins + at.I_PAUSES] += 1
    change_phase(arena, instrument, at.REOPENING_AUCTION, reason)
    arena[ins + at.I_COLLAR_STEPS] = 1
    arena[ins + at.I_BAND_REFERENCE] = reference
    lower, upper = collar(reference, 5)
    arena[ins + at.I_COLLAR_LOWER], arena[ins + at.I_COLLAR_UPPER] = lower, upper
    arena[ins + at.I_HALT_UNTIL] = until
    push(arena, until, at.E_REOPEN, instrument, until)


@inner
def halt(arena, instrument):
    """Stop all trading and order entry until somebody resumes it."""
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_PHASE] == at.CONTINUOUS:
        change_phase(arena, instrument, at.HALTED, BY_ORDER)


@inner
def reopen(arena, instrument, stamp):
    """End a pause when its price lies inside the collar, else widen the collar by 5 % more."""
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_PHASE] != at.REOPENING_AUCTION or arena[ins + at.I_HALT_UNTIL] != stamp:
        return
    lock = arena[ins + at.I_LOCK_CLOSE]
    if lock > 0 and arena[at.H_NOW] >= lock:
        return  # After 15:50 a paused stock next trades in the closing auction.
    reference = arena[ins + at.I_BAND_REFERENCE]
    lower, upper = arena[ins + at.I_COLLAR_LOWER], arena[ins + at.I_COLLAR_UPPER]
    price, _, imbalance, _, _ = indicate(arena, instrument, True, False, lower, upper, reference)
    # A price pinned at the collar with orders still wanting through it is not a price.
    place = place_at_or_below(arena, ins, price)
    outside = price != NO_PRICE and (
        price > upper
        or price < lower
        or (imbalance > 0 and price_at(arena, ins, place + 1) > upper)
        or (imbalance < 0 and price_at(arena, ins, place - 1) < lower)
    )
    if outside:
        arena[ins + at.I_COLLAR_STEPS] += 1
        lower, upper = collar(reference, 5 * arena[ins + at.I_COLLAR_STEPS])
        arena[ins + at.I_COLLAR_LOWER], arena[ins + at.I_COLLAR_UPPER] = lower, upper
        until = arena[at.H_NOW] + PAUSE_NS
        arena[ins + at.I_HALT_UNTIL] = until
        tape_row(arena, at.K_PHASE, instrument, 0, 0, 0, at.REOPENING_AUCTION, 0, BY_EXTENSION, 0,
                 at.NONE, at.LIQ_NONE, 0, 0)  # fmt: skip
        push(arena, until, at.E_REOPEN, instrument, until)
        return
    change_phase(arena, instrument, at.CONTINUOUS, BY_REOPENING)


@inner
def indicative(arena, instrument):
    """Publish indicative price and imbalance; returns whether to go on."""
    ins = instrument_row(arena, instrument)
    phase = arena[ins + at.I_PHASE]
    lock = arena[ins + at.I_LOCK_CLOSE]
    closing = phase == at.CLOSING_AUCTION or (
        lock > 0 and arena[at.H_NOW] >= lock and phase in (at.CONTINUOUS, at.REOPENING_AUCTION)
    )
    opening = phase == at.OPENING_AUCTION or phase == at.PRE_OPEN
    if not (closing or opening or phase == at.REOPENING_AUCTION):
        return False
    reference = reference_price(arena, ins, opening)
    if phase == at.REOPENING_AUCTION and arena[ins + at.I_COLLAR_UPPER] > 0 and not closing:
        lower, upper = arena[ins + at.I_COLLAR_LOWER], arena[ins + at.I_COLLAR_UPPER]
    else:
        lower, upper = collar(reference, 10)
    price, volume, imbalance, _, _ = indicate(
        arena, instrument, True, closing, lower, upper, reference
    )
    tape_row(arena, at.K_INDICATIVE, instrument, 0, 0, 0, phase, price, volume, imbalance, at.NONE,
             at.LIQ_NONE, 0, 0)  # fmt: skip
    arena[ins + at.I_FEED_SEQUENCE] += 1
    send_status(arena, ins, instrument, at.M_INDICATIVE, 0, price, volume, imbalance)
    return True


@inner
def survey_market(arena):
    """Market-wide halts at 7, 13 and 20 %: the mean move of all stocks since the last close.

    Returns whether one has begun.
    """
    total, count = 0, 0
    for instrument in range(arena[at.H_INSTRUMENTS]):
        ins = instrument_row(arena, instrument)
        close, last = arena[ins + at.I_LAST_CLOSE], arena[ins + at.I_LAST]
        if close > 0 and last > 0:
            total += (last - close) * 1_000_000 // close
            count += 1
    if count == 0:
        return False
    fall = -total // count
    level = arena[at.H_MARKET_HALT_LEVEL]
    late_from = arena[instrument_row(arena, 0) + at.I_LOCK_CLOSE] - 1500 * SECOND  # 15:25
    reached = 3 if fall >= 200_000 else 2 if fall >= 130_000 else 1 if fall >= 70_000 else 0
    if reached <= level or (reached < 3 and late_from > 0 and arena[at.H_NOW] >= late_from):
        return False
    arena[at.H_MARKET_HALT_LEVEL] = reached
    for instrument in range(arena[at.H_INSTRUMENTS]):
        if reached == 3:
            change_phase(arena, instrument, at.POST_CLOSE, BY_MARKET)
        else:
            pause(arena, instrument, BY_MARKET, MARKET_HALT_NS)
    return True
