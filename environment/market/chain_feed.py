"""Snapshots of a stock's whole chain, at an interval while it trades: one subscription for all."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import feed_delivery, out_row
from environment.market.heap import push
from environment.market.ladder import instrument_row


@inner
def _row(arena, feed, delivery, number, left):
    ins = instrument_row(arena, number)
    row = out_row(arena, delivery, arena[feed + at.FD_TOPIC], at.M_CHAIN, number)
    arena[row + at.Q_BID] = arena[ins + at.I_SHOWN_BID]
    arena[row + at.Q_BID_QUANTITY] = arena[ins + at.I_SHOWN_BID_QUANTITY]
    arena[row + at.Q_ASK] = arena[ins + at.I_SHOWN_ASK]
    arena[row + at.Q_ASK_QUANTITY] = arena[ins + at.I_SHOWN_ASK_QUANTITY]
    arena[row + at.Q_LAST] = arena[ins + at.I_LAST]
    arena[row + at.Q_VOLUME] = arena[ins + at.I_VOLUME]
    arena[row + at.X_FEE] = arena[ins + at.I_OPEN_INTEREST]
    arena[row + at.X_SEQUENCE] = arena[feed + at.FD_SENT_SEQUENCE]
    arena[row + at.X_EXTRA] = left
    # A feed's first chain, and what was listed after its last one, is new to it.
    last_ns = arena[feed + at.FD_LAST_SENT]
    arena[row + at.X_CAUSE] = last_ns == 0 or arena[ins + at.I_LISTED_NS] > last_ns


@inner
def send_chain(arena, number):
    """Publish the stock of a chain feed and every series of it: `X_EXTRA` counts down to 0.

    An outage of the stock's feed takes a number of the feed's sequence, so that the gap shows.
    """
    feed = arena[at.H_OFFSET + at.S_FEED] + number * 16
    stock = arena[feed + at.FD_INSTRUMENT]
    ins = instrument_row(arena, stock)
    arena[feed + at.FD_SCHEDULED] = 0
    arena[feed + at.FD_SENT_SEQUENCE] += 1
    phase = arena[ins + at.I_PHASE]
    if phase == at.CONTINUOUS or phase == at.HALTED or phase == at.REOPENING_AUCTION:
        arena[feed + at.FD_SCHEDULED] = 1
        push(arena, arena[at.H_NOW] + arena[feed + at.FD_INTERVAL], at.E_FEED, number, 0)
    if arena[ins + at.I_FEED_DOWN] != 0:
        return
    left, series = 0, arena[ins + at.I_SERIES] - 1
    while series != at.NONE:
        left += arena[instrument_row(arena, series) + at.I_RETIRED] == 0
        series = arena[instrument_row(arena, series) + at.I_SERIES] - 1
    delivery = feed_delivery(arena, feed)
    _row(arena, feed, delivery, stock, left)
    series = arena[ins + at.I_SERIES] - 1
    while series != at.NONE:
        if arena[instrument_row(arena, series) + at.I_RETIRED] == 0:
            left -= 1
            _row(arena, feed, delivery, series, left)
        series = arena[instrument_row(arena, series) + at.I_SERIES] - 1
    arena[feed + at.FD_LAST_SENT] = arena[at.H_NOW]


@inner
def start_chains(arena, stock):
    """Let the chain feeds of a stock begin: it has just opened."""
    number = arena[instrument_row(arena, stock) + at.I_FEED_FIRST] - 1
    while number != at.NONE:
        feed = arena[at.H_OFFSET + at.S_FEED] + number * 16
        if arena[feed + at.FD_KIND] == at.FEED_CHAIN and arena[feed + at.FD_SCHEDULED] == 0:
            arena[feed + at.FD_SCHEDULED] = 1
            push(arena, arena[at.H_NOW], at.E_FEED, number, 0)
        number = arena[feed + at.FD_NEXT]
