"""Dealers' quotes taken out at once: by a purge, a halt, or their own protection."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import draw_latency, out_row, tape_row
from environment.market.ladder import (
    account_row,
    instrument_row,
)
from environment.market.mass_quote import is_up, take_down
from environment.market.obligations import measure
from environment.market.protection import dealer_row, quote_row


@inner
def pull_quote(arena, quote):
    """Take both sides of a quote out; return whether there was one. The tape gets a purge row."""
    q = quote_row(arena, quote)
    ins = instrument_row(arena, arena[q + at.QU_INSTRUMENT])
    b, s = arena[q + at.QU_BID_SLOT], arena[q + at.QU_ASK_SLOT]
    bid_up, ask_up = is_up(arena, b), is_up(arena, s)
    if bid_up:
        take_down(arena, ins, b)
    if ask_up:
        take_down(arena, ins, s)
    if bid_up or ask_up:
        measure(arena, ins, q)
        return True
    return False


@inner
def purge_tape(arena, account, instrument, reason):
    """Say on the tape that an account's quotes are out: of all, where either is NONE."""
    if arena[at.H_TAPE_MODE] != at.TAPE_ALL:
        return
    tape_row(arena, at.K_PURGE, instrument, 0, account, 0, 0, 0, 0, 0, at.NONE, reason, 0, 0)


@inner
def pull_series(arena, number, reason):
    """Take everybody's quotes in a series out, and tell their dealers; return how many."""
    quote = arena[instrument_row(arena, number) + at.I_QUOTES] - 1
    count = 0
    while quote != at.NONE:
        q = quote_row(arena, quote)
        if pull_quote(arena, quote):
            count += 1
            tell_dealer(arena, arena[q + at.QU_DEALER], at.M_QUOTES_PULLED, number, 0, reason)
        quote = arena[q + at.QU_NEXT] - 1
    if count > 0:
        purge_tape(arena, at.NONE, number, reason)
    return count


@inner
def tell_dealer(arena, dealer, kind, instrument, count, extra):
    """Tell a dealer who is an actor about his quotes; return the row, or NONE."""
    account = arena[dealer_row(arena, dealer) + at.DE_ACCOUNT]
    a = account_row(arena, account)
    if arena[a + at.A_OWNER] == at.NO_OWNER:
        return at.NONE
    counter = arena[a + at.A_ACK_COUNTER]
    arena[a + at.A_ACK_COUNTER] = counter + 1
    delay = draw_latency(arena, arena[a + at.A_ACK_CLASS], arena[a + at.A_KEY], counter)
    delivery = max(arena[at.H_NOW] + delay, arena[a + at.A_ACK_LAST])
    arena[a + at.A_ACK_LAST] = delivery
    row = out_row(arena, delivery, arena[a + at.A_OWNER], kind, instrument)
    arena[row + at.X_ORDER] = account
    arena[row + at.X_QUANTITY] = count
    arena[row + at.X_EXTRA] = extra
    return row


@inner
def first_tripped(arena):
    """Return the first dealer whose protection has gone off and is not carried out, disarmed."""
    for dealer in range(arena[at.H_DEALERS]):
        d = dealer_row(arena, dealer)
        if arena[d + at.DE_TRIPPED] != 0 and arena[d + at.DE_ARMED] != 0:
            arena[at.H_TRIPPED] -= 1
            arena[at.H_TRIPS] += 1
            arena[d + at.DE_TRIPS] += 1
            arena[d + at.DE_ARMED] = 0
            arena[d + at.DE_TRIPPED_NS] = arena[at.H_NOW]
            purge_tape(arena, arena[d + at.DE_ACCOUNT], at.NONE, at.R_PROTECTION)
            row = tell_dealer(arena, dealer, at.M_QUOTES_PULLED, 0, 0, at.R_PROTECTION)
            if row != at.NONE:
                arena[row + at.X_INSTRUMENT] = at.NONE
                arena[row + at.X_SEQUENCE] = arena[d + at.DE_TRIPPED]
            return dealer
    return at.NONE


@inner
def rearm(arena, dealer):
    """Take a dealer's quotes again, and count his fills anew."""
    d = dealer_row(arena, dealer)
    if arena[d + at.DE_TRIPPED] != 0 and arena[d + at.DE_ARMED] != 0:
        arena[at.H_TRIPPED] -= 1
    arena[d + at.DE_TRIPPED] = 0
    arena[d + at.DE_ARMED] = 1
    arena[d + at.DE_CONTRACTS] = arena[d + at.DE_DELTA] = arena[d + at.DE_VEGA] = 0
    arena[d + at.DE_RECENT_READ] = arena[d + at.DE_RECENT_WRITE]
    tell_dealer(arena, dealer, at.M_REARMED, 0, 0, 0)
