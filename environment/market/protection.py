"""A dealer's protection: what his quotes traded lately, and when that is too much.

Fills stand in a ring a dealer, so that the window slides exactly. Pulling the quotes is the
business of `mass_quote`: here, in the middle of matching, nothing leaves a book.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.ladder import cold_row, order_row
from environment.market.obligations import measure


@inner
def dealer_row(arena, dealer):
    """Return the first word of a dealer."""
    return arena[at.H_OFFSET + at.S_DEALER] + dealer * 64


@inner
def quote_row(arena, quote):
    """Return the first word of what one dealer quotes in one series."""
    return arena[at.H_OFFSET + at.S_QUOTE] + quote * 16


@inner
def _forget_old(arena, d):
    first, size = arena[d + at.DE_RECENT_FIRST], arena[d + at.DE_RECENT_SIZE]
    since = arena[at.H_NOW] - arena[d + at.DE_WINDOW_NS]
    while arena[d + at.DE_RECENT_READ] < arena[d + at.DE_RECENT_WRITE]:
        place = first + (arena[d + at.DE_RECENT_READ] & (size - 1))
        row = arena[at.H_OFFSET + at.S_RECENT] + place * 4
        if arena[row + at.RE_TIME] > since:
            return
        arena[d + at.DE_CONTRACTS] -= arena[row + at.RE_CONTRACTS]
        arena[d + at.DE_DELTA] -= arena[row + at.RE_DELTA]
        arena[d + at.DE_VEGA] -= arena[row + at.RE_VEGA]
        arena[d + at.DE_RECENT_READ] += 1


@inner
def _remember(arena, d, contracts, delta, vega):
    first, size = arena[d + at.DE_RECENT_FIRST], arena[d + at.DE_RECENT_SIZE]
    write = arena[d + at.DE_RECENT_WRITE]
    if write - arena[d + at.DE_RECENT_READ] == size:
        write -= 1  # The ring is full: the newest fill grows, and leaves the window with this one.
    else:
        arena[d + at.DE_RECENT_WRITE] += 1
        row = arena[at.H_OFFSET + at.S_RECENT] + (first + (write & (size - 1))) * 4
        arena[row + at.RE_CONTRACTS] = arena[row + at.RE_DELTA] = arena[row + at.RE_VEGA] = 0
    row = arena[at.H_OFFSET + at.S_RECENT] + (first + (write & (size - 1))) * 4
    arena[row + at.RE_TIME] = arena[at.H_NOW]
    arena[row + at.RE_CONTRACTS] += contracts
    arena[row + at.RE_DELTA] += delta
    arena[row + at.RE_VEGA] += vega
    arena[d + at.DE_CONTRACTS] += contracts
    arena[d + at.DE_DELTA] += delta
    arena[d + at.DE_VEGA] += vega


@inner
def note_fill(arena, ins, slot, quantity):
    """Count a fill of a quote: toward its dealer's limits, and his obligations."""
    o = order_row(arena, slot)
    q = quote_row(arena, arena[cold_row(arena, slot) + at.C_TAG])
    d = dealer_row(arena, arena[q + at.QU_DEALER])
    signed = -quantity if (arena[o + at.O_META] >> at.SIDE_SHIFT) & 1 else quantity
    arena[d + at.DE_FILLS] += 1
    arena[d + at.DE_VOLUME] += quantity
    if arena[d + at.DE_WINDOW_NS] > 0:
        _forget_old(arena, d)
        delta = signed * arena[ins + at.I_MULTIPLIER] * arena[q + at.QU_DELTA]
        _remember(arena, d, quantity, delta, signed * arena[q + at.QU_VEGA])
        reached = 0
        if 0 < arena[d + at.DE_CONTRACTS_MAX] <= arena[d + at.DE_CONTRACTS]:
            reached = 1
        elif 0 < arena[d + at.DE_DELTA_MAX] <= abs(arena[d + at.DE_DELTA]):
            reached = 2
        elif 0 < arena[d + at.DE_VEGA_MAX] <= abs(arena[d + at.DE_VEGA]):
            reached = 3
        if reached != 0 and arena[d + at.DE_TRIPPED] == 0 and arena[d + at.DE_ARMED] != 0:
            # Carried out when the event's matching is over: this series trades out what it shows.
            arena[d + at.DE_TRIPPED] = reached
            arena[at.H_TRIPPED] += 1
    measure(arena, ins, q)
