"""What the core tells: tape rows for the disk, out rows for actors, touches for views."""

import math

from environment.compiled import inner
from environment.draws import draw_normal, draw_uniform
from environment.market import layout as at
from environment.market.ladder import (
    VISIBLE,
    account_row,
    cold_row,
    level_row,
    next_price,
    order_row,
    shown_best,
    shown_far,
    side_of,
)


@inner
def order_id(arena, slot):
    """Return the public id of an order: generation above, slot below."""
    return (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot


@inner
def tape_row(arena, kind, instrument, identity, account, side, form, price, quantity, leaves,
             counterparty, liquidity, ahead, parent):  # fmt: skip
    """Append one row to the tape. `form`: type | flags << 8, and time in force above 32 bits."""
    if arena[at.H_TAPE_MODE] == 0:
        return
    count = arena[at.H_TAPE_COUNT]
    arena[at.H_TAPE_COUNT] = count + 1
    row = arena[at.H_OFFSET + at.S_TAPE] + count * 16
    sequence = arena[at.H_TAPE_SEQUENCE]
    arena[at.H_TAPE_SEQUENCE] = sequence + 1
    arena[row + at.T_SEQUENCE] = sequence
    arena[row + at.T_TIME] = arena[at.H_NOW]
    arena[row + at.T_KIND] = kind
    arena[row + at.T_INSTRUMENT] = instrument
    arena[row + at.T_ORDER] = identity
    arena[row + at.T_ACCOUNT] = account
    arena[row + at.T_SIDE] = side
    arena[row + at.T_TYPE] = form & 0xFFFFFFFF
    arena[row + at.T_TIF] = form >> 32
    arena[row + at.T_PRICE] = price
    arena[row + at.T_QUANTITY] = quantity
    arena[row + at.T_LEAVES] = leaves
    arena[row + at.T_COUNTERPARTY] = counterparty
    arena[row + at.T_LIQUIDITY] = liquidity
    arena[row + at.T_AHEAD] = ahead
    arena[row + at.T_PARENT] = parent


@inner
def form_of(meta):
    """Return type, flags and time in force packed as `tape_row` wants them."""
    kind = (meta >> at.TYPE_SHIFT) & 15
    flags = (meta >> at.FLAG_SHIFT) & 0xFFFF
    return kind | (flags << 8) | (((meta >> at.TIF_SHIFT) & 7) << 32)


@inner
def order_tape(arena, kind, slot, price, quantity, leaves, liquidity, ahead):
    """Append a tape row about one order."""
    if arena[at.H_TAPE_MODE] == at.TAPE_ALL:
        _order_tape(arena, kind, slot, price, quantity, leaves, liquidity, ahead)


@inner
def _order_tape(arena, kind, slot, price, quantity, leaves, liquidity, ahead):
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    tape_row(arena, kind, meta & 0xFFFF, order_id(arena, slot), arena[o + at.O_ACCOUNT],
             side_of(meta), form_of(meta), price, quantity, leaves, at.NONE, liquidity, ahead,
             arena[cold_row(arena, slot) + at.C_PARENT])  # fmt: skip


@inner
def draw_latency(arena, latency, key, counter):
    """Return one latency in ns (at least 1) of a class; a constant one draws nothing of it."""
    row = arena[at.H_OFFSET + at.S_LATENCY] + latency * 8
    kind = arena[row + at.L_KIND]
    median = arena[row + at.L_MEDIAN]
    factor = arena[at.H_LATENCY_FACTOR]
    if factor != 0:
        median = median * factor // 1_000_000
    if kind == at.LAT_CONSTANT:
        return max(median, 1)
    spread = arena[row + at.L_SPREAD] * 1e-6
    if kind == at.LAT_NORMAL:
        value = median + arena[row + at.L_SPREAD] * draw_normal(key, counter)
    elif kind == at.LAT_LOGNORMAL:
        value = median * math.exp(spread * draw_normal(key, counter))
    else:
        # Pareto with the given median: scale = median / 2**(1 / shape).
        value = median * 2.0 ** (-1.0 / spread) * draw_uniform(key, counter) ** (-1.0 / spread)
    cap = arena[row + at.L_CAP]
    if cap > 0 and value > cap:
        return cap
    return max(int(value), 1)


@inner
def out_row(arena, delivery, recipient, kind, instrument):
    """Append an empty row for an actor and return its first word."""
    count = arena[at.H_OUT_COUNT]
    arena[at.H_OUT_COUNT] = count + 1
    row = arena[at.H_OFFSET + at.S_OUT] + count * 16
    if count == 0 or delivery < arena[at.H_OUT_NEXT]:
        arena[at.H_OUT_NEXT] = delivery
    for word in range(16):
        arena[row + word] = 0
    arena[row + at.X_DELIVERY_NS] = delivery
    arena[row + at.X_RECIPIENT] = recipient
    arena[row + at.X_KIND] = kind
    arena[row + at.X_INSTRUMENT] = instrument
    arena[row + at.X_EXCHANGE_NS] = arena[at.H_NOW]
    return row


@inner
def tell(arena, slot, kind, price, quantity, leaves, extra):
    """Tell an order's owner what happened to it; return the row, or NONE where it has no owner."""
    a = account_row(arena, arena[order_row(arena, slot) + at.O_ACCOUNT])
    if arena[a + at.A_OWNER] == at.NO_OWNER:
        return at.NONE
    return _tell(arena, slot, a, kind, price, quantity, leaves, extra)


@inner
def _tell(arena, slot, a, kind, price, quantity, leaves, extra):
    meta = arena[order_row(arena, slot) + at.O_META]
    # Acknowledgements and fills are two latencies, but one connection: nothing overtakes.
    latency = arena[a + (at.A_FILL_CLASS if kind == at.M_FILLED else at.A_ACK_CLASS)]
    flags = meta >> at.FLAG_SHIFT
    if flags & at.F_QUOTE:
        kind = at.M_QUOTE_FILLED if kind == at.M_FILLED else at.M_QUOTE_WITHDRAWN
    elif flags & at.F_LEG:
        kind = at.M_LEG_FILLED
    counter = arena[a + at.A_ACK_COUNTER]
    arena[a + at.A_ACK_COUNTER] = counter + 1
    delivery = arena[at.H_NOW] + draw_latency(arena, latency, arena[a + at.A_KEY], counter)
    delivery = max(delivery, arena[a + at.A_ACK_LAST])
    arena[a + at.A_ACK_LAST] = delivery
    row = out_row(arena, delivery, arena[a + at.A_OWNER], kind, meta & 0xFFFF)
    c = cold_row(arena, slot)
    arena[row + at.X_ORDER] = order_id(arena, slot)
    arena[row + at.X_TAG] = arena[c + at.C_TAG]
    arena[row + at.X_SIDE] = side_of(meta)
    arena[row + at.X_PRICE] = price
    arena[row + at.X_QUANTITY] = quantity
    arena[row + at.X_LEAVES] = leaves
    arena[row + at.X_EXTRA] = extra
    return row


@inner
def feed_delivery(arena, feed):
    """Return when a publication sent now arrives: the topic's latency, without overtaking."""
    counter = arena[feed + at.FD_COUNTER]
    arena[feed + at.FD_COUNTER] = counter + 1
    delay = draw_latency(arena, arena[feed + at.FD_CLASS], arena[feed + at.FD_KEY], counter)
    delivery = max(arena[at.H_NOW] + delay, arena[feed + at.FD_LAST_DELIVERY])
    arena[feed + at.FD_LAST_DELIVERY] = delivery
    return delivery


@inner
def send_quote(arena, ins, feed):
    """Publish the touch as it is now on one feed."""
    row = out_row(arena, feed_delivery(arena, feed), arena[feed + at.FD_TOPIC], at.M_QUOTE,
                  arena[feed + at.FD_INSTRUMENT])  # fmt: skip
    arena[row + at.Q_BID] = arena[ins + at.I_SHOWN_BID]
    arena[row + at.Q_BID_QUANTITY] = arena[ins + at.I_SHOWN_BID_QUANTITY]
    arena[row + at.Q_ASK] = arena[ins + at.I_SHOWN_ASK]
    arena[row + at.Q_ASK_QUANTITY] = arena[ins + at.I_SHOWN_ASK_QUANTITY]
    arena[row + at.Q_LAST] = arena[ins + at.I_LAST]
    arena[row + at.Q_VOLUME] = arena[ins + at.I_VOLUME]
    arena[row + at.Q_FIRST_SEQUENCE] = arena[feed + at.FD_SENT_SEQUENCE] + 1
    arena[row + at.Q_LAST_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
    arena[feed + at.FD_SENT_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
    arena[feed + at.FD_LAST_SENT] = arena[at.H_NOW]


@inner
def send_depth(arena, ins, feed):
    """Publish the best levels of both sides: one row a level, `X_EXTRA` counting down to 0."""
    delivery = feed_delivery(arena, feed)
    first = arena[feed + at.FD_SENT_SEQUENCE] + 1
    levels = arena[feed + at.FD_LEVELS]
    for left in range(2 * levels - 1, -1, -1):
        row = out_row(arena, delivery, arena[feed + at.FD_TOPIC], at.M_DEPTH,
                      arena[feed + at.FD_INSTRUMENT])  # fmt: skip
        arena[row + at.X_EXTRA] = left
        arena[row + at.X_ORDER] = first
        arena[row + at.X_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
    arena[feed + at.FD_SENT_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
    arena[feed + at.FD_LAST_SENT] = arena[at.H_NOW]
    rows = arena[at.H_OFFSET + at.S_OUT] + (arena[at.H_OUT_COUNT] - 2 * levels) * 16
    for side in range(2):
        price, quantity = shown_best(arena, ins, side)
        for k in range(levels):
            row = rows + (side * levels + k) * 16
            arena[row + at.X_SIDE] = side
            arena[row + at.X_PRICE] = price
            arena[row + at.X_QUANTITY] = quantity
            if quantity > 0:
                price, quantity = shown_behind(arena, ins, side, price)


@inner
def shown_behind(arena, ins, side, price):
    """Return (price, quantity) of the next level behind `price` with displayed quantity.

    Past the window it looks through the far list: only a thin book's depth reaches there.
    """
    base, beyond = arena[ins + at.I_BASE + side], price
    while 0 <= beyond - base < arena[ins + at.I_WIDTH]:
        beyond = next_price(arena, ins, side, beyond - base)
        if -at.MAX_PRICE < beyond < at.MAX_PRICE:
            quantity = arena[level_row(arena, ins, side, beyond - base) + VISIBLE]
            if quantity > 0:
                return beyond, quantity
    return shown_far(arena, ins, side, price)


@inner
def send_status(arena, ins, instrument, kind, first, second, third, fourth):
    """Publish a phase, band or auction message on every status feed of an instrument."""
    feed_number = arena[ins + at.I_FEED_FIRST] - 1
    while feed_number != at.NONE:
        feed = arena[at.H_OFFSET + at.S_FEED] + feed_number * 16
        if arena[feed + at.FD_KIND] == at.FEED_STATUS:
            row = out_row(arena, feed_delivery(arena, feed), arena[feed + at.FD_TOPIC], kind,
                          instrument)  # fmt: skip
            arena[row + at.X_SIDE] = first
            arena[row + at.X_PRICE] = second
            arena[row + at.X_QUANTITY] = third
            arena[row + at.X_LEAVES] = fourth
            arena[row + at.X_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
        feed_number = arena[feed + at.FD_NEXT]


@inner
def send_trade(arena, ins, instrument, price, quantity, aggressor, half, package):
    """Publish one print on every trade feed of an instrument."""
    feed_number = arena[ins + at.I_FEED_FIRST] - 1
    while feed_number != at.NONE:
        feed = arena[at.H_OFFSET + at.S_FEED] + feed_number * 16
        if arena[feed + at.FD_KIND] == at.FEED_TRADES:
            row = out_row(arena, feed_delivery(arena, feed), arena[feed + at.FD_TOPIC],
                          at.M_TRADE, instrument)  # fmt: skip
            arena[row + at.X_SIDE] = aggressor
            arena[row + at.X_PRICE] = price
            arena[row + at.X_QUANTITY] = quantity
            arena[row + at.X_LIQUIDITY] = half
            arena[row + at.X_ORDER] = package
            arena[row + at.X_SEQUENCE] = arena[ins + at.I_FEED_SEQUENCE]
        feed_number = arena[feed + at.FD_NEXT]
