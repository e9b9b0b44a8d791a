"""The broker's rule at the door: who lacks margin opens nothing (decision 0075).

An account that is margined (ACCOUNT_MARGINED) must have the initial margin of what it would hold
after an order, with all that it has working on that side filled; one under call may only ask for
less. Stock alone is judged here. Where options are held or ordered the requirement is no matter of
a few integers: the loop stops in front of the order, and the broker's books write a verdict.
"""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.emit import order_id
from environment.market.holdings import find_holding
from environment.market.ladder import (
    account_row,
    cold_row,
    instrument_row,
    order_row,
    side_of,
)
from environment.market.matching import total_leaves

_MICROS_PER_UNIT = 1_000_000


@inner
def held_of(arena, account, instrument):
    """Return the lots or contracts that an account holds."""
    count = arena[at.H_INSTRUMENTS]
    if instrument >= count:
        return arena[find_holding(arena, account, instrument) + at.P_QUANTITY]
    row = arena[at.H_OFFSET + at.S_POSITION] + (account * count + instrument) * 4
    return arena[row + at.P_QUANTITY]


@inner
def mark_of(arena, ins):
    """Return a book's middle in ticks; else its last price, else what an option is worth inside."""
    if arena[ins + at.I_SHOWN_BID_QUANTITY] > 0 and arena[ins + at.I_SHOWN_ASK_QUANTITY] > 0:
        mark = (arena[ins + at.I_SHOWN_BID] + arena[ins + at.I_SHOWN_ASK]) // 2
    elif arena[ins + at.I_LAST] > 0:
        mark = arena[ins + at.I_LAST]
    else:
        mark = arena[ins + at.I_LAST_CLOSE]
    if mark != 0 or arena[ins + at.I_KIND] != at.KIND_OPTION:
        return mark
    stock = instrument_row(arena, arena[ins + at.I_UNDERLYING])
    spot = _stock_mark(arena, stock) * (_MICROS_PER_UNIT // arena[stock + at.I_TICKS_PER_UNIT])
    inside = spot - arena[ins + at.I_STRIKE]
    if arena[ins + at.I_RIGHT] == 1:
        inside = -inside
    return max(inside, 0) // (_MICROS_PER_UNIT // arena[ins + at.I_TICKS_PER_UNIT])


@inner
def _stock_mark(arena, ins):
    if arena[ins + at.I_SHOWN_BID_QUANTITY] > 0 and arena[ins + at.I_SHOWN_ASK_QUANTITY] > 0:
        return (arena[ins + at.I_SHOWN_BID] + arena[ins + at.I_SHOWN_ASK]) // 2
    return arena[ins + at.I_LAST] if arena[ins + at.I_LAST] > 0 else arena[ins + at.I_LAST_CLOSE]


@inner
def _working(arena, account, side, instrument, mark):
    """Return signed lots working on a side in one instrument, and what they gain at their limits.

    The gain is in ticks times lots, against the mark: mostly negative.
    """
    lots = gain = 0
    slot = arena[account_row(arena, account) + at.A_FIRST_ORDER] - 1
    while slot != at.NONE:
        o = order_row(arena, slot)
        meta, price = arena[o + at.O_META], arena[o + at.O_PRICE]
        if meta & 0xFFFF == instrument and side_of(meta) == side:
            signed = total_leaves(arena, slot) * (1 - 2 * side)
            lots += signed
            gain += signed * _below(mark, price)
        slot = arena[cold_row(arena, slot) + at.C_ACCOUNT_NEXT]
    return lots, gain


@inner
def _below(mark, price):
    """Return by how much a limit lies below the mark; an order without one counts at the mark."""
    return mark - price if -at.MAX_PRICE < price < at.MAX_PRICE else 0


@inner
def _closes_short(arena, account, instrument, quantity):
    """Return whether a buy only buys back what is short, with what is working bought already."""
    held = held_of(arena, account, instrument)
    if held + quantity > 0:
        return False
    lots, _ = _working(arena, account, 0, instrument, 0)
    return held + lots + quantity <= 0


@inner
def _half(value):
    """Return half of a value, halves to the even micro: the initial margin of stock."""
    whole = value >> 1
    return whole + 1 if value & 1 and whole & 1 else whole


@inner
def _stock_fits(arena, slot):
    """Return whether an account that has stock alone can carry what an order would bring."""
    o = order_row(arena, slot)
    account, meta = arena[o + at.O_ACCOUNT], arena[o + at.O_META]
    side, ordered = side_of(meta), meta & 0xFFFF
    a = account_row(arena, account)
    equity, before, after, gained = arena[a + at.A_CASH], 0, 0, 0
    for number in range(arena[at.H_INSTRUMENTS]):
        ins = instrument_row(arena, number)
        mark, value = _stock_mark(arena, ins), arena[ins + at.I_VALUE]
        held = held_of(arena, account, number)
        working, gain = _working(arena, account, side, number, mark)
        equity += (held * mark + gain) * value
        lots = held + working
        before += _half(abs(lots) * mark * value)
        if number == ordered:
            signed = total_leaves(arena, slot) * (1 - 2 * side)
            gained = signed * _below(mark, arena[o + at.O_PRICE]) * value
            lots += signed
        after += _half(abs(lots) * mark * value)
    if equity + gained >= after and arena[a + at.A_FLAGS] & at.ACCOUNT_CALLED == 0:
        return True
    return after <= before and before - after + gained >= 0


@inner
def _is_of_options(arena, slot):
    """Return whether an order, or its account, has to do with options."""
    o = order_row(arena, slot)
    if arena[o + at.O_META] & 0xFFFF >= arena[at.H_INSTRUMENTS]:
        return True
    return arena[account_row(arena, arena[o + at.O_ACCOUNT]) + at.A_HOLDINGS] > 0


@inner
def _is_free(arena, slot):
    """Return whether an arriving order passes whatever its account has."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    if (meta >> at.FLAG_SHIFT) & at.F_BROKER:
        return True
    return side_of(meta) == 0 and _closes_short(
        arena, arena[o + at.O_ACCOUNT], meta & 0xFFFF, total_leaves(arena, slot)
    )


@inner
def must_be_judged(arena, slot):
    """Return whether the broker's verdict on an arriving order is still to come."""
    account = account_row(arena, arena[order_row(arena, slot) + at.O_ACCOUNT])
    if arena[account + at.A_FLAGS] & at.ACCOUNT_MARGINED == 0 or not _is_of_options(arena, slot):
        return False
    if arena[at.H_JUDGED] == order_id(arena, slot):
        return False
    return not _is_free(arena, slot)


@inner
def must_replace_be_judged(arena, form, slot):
    """Return the same of a replace; `form` carries what the order in `slot` would become."""
    account = arena[order_row(arena, form) + at.O_ACCOUNT]
    if arena[account_row(arena, account) + at.A_FLAGS] & at.ACCOUNT_MARGINED == 0:
        return False
    if slot == at.NONE or arena[order_row(arena, slot) + at.O_ACCOUNT] != account:
        return False
    return arena[at.H_JUDGED] != order_id(arena, slot)


@inner
def is_accepted(arena, slot):
    """Return the broker's verdict on an order or its replace, and forget it."""
    is_its = arena[at.H_JUDGED] == order_id(arena, slot)
    arena[at.H_JUDGED] = 0
    return is_its and arena[at.H_VERDICT] == 1


@inner
def fits(arena, slot):
    """Return whether an arriving order of a margined account may enter."""
    if _is_free(arena, slot):
        return True
    if _is_of_options(arena, slot):
        return is_accepted(arena, slot)
    return _stock_fits(arena, slot)


@inner
def closing_sizes(arena, account, instrument, bid_quantity, ask_quantity):
    """Return what is left of a quote whose dealer may close alone: what he is short, or holds."""
    held = held_of(arena, account, instrument)
    return min(bid_quantity, max(-held, 0)), min(ask_quantity, max(held, 0))


@njit
def read_account(arena, account, numbers, places, side, exclude, lots, marks):
    """Fill an account's positions and all marks, in the order of `numbers`; return its cash.

    With a side (0 or 1; -1 for neither) its working orders there count as filled at their limits,
    but for the one in slot `exclude`. `places` says where an instrument's number stands, or -1.
    """
    a = account_row(arena, account)
    cash = arena[a + at.A_CASH]
    for place in range(numbers.size):
        marks[place] = mark_of(arena, instrument_row(arena, numbers[place]))
        lots[place] = held_of(arena, account, numbers[place])
    slot = arena[a + at.A_FIRST_ORDER] - 1 if side >= 0 else at.NONE
    while slot != at.NONE:
        o = order_row(arena, slot)
        meta, price = arena[o + at.O_META], arena[o + at.O_PRICE]
        number = meta & 0xFFFF
        if side_of(meta) == side and slot != exclude and places[number] >= 0:
            signed = total_leaves(arena, slot) * (1 - 2 * side)
            if not -at.MAX_PRICE < price < at.MAX_PRICE:
                price = marks[places[number]]
            lots[places[number]] += signed
            cash -= signed * price * arena[instrument_row(arena, number) + at.I_VALUE]
        slot = arena[cold_row(arena, slot) + at.C_ACCOUNT_NEXT]
    return cash
