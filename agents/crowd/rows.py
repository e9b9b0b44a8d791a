"""Where a population's settings and a trader's beliefs lie; what every trader does the same way.

A population is one row of the arena's `population` section (integers) and a row of floats in the
belief array, at `POPULATION_FLOATS * number`. A trader's own floats begin at its TR_BELIEF.
"""

import math

import numpy as np
from numpy.typing import NDArray

from environment.compiled import inner
from environment.draws import draw_exponential, draw_normal, draw_uniform
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena
from environment.market.emit import draw_latency
from environment.market.entry import new_order
from environment.market.heap import push
from environment.market.increments import legal_price
from environment.market.ladder import instrument_row

Floats = NDArray[np.float64]

POPULATION_FLOATS = 24
OBSERVATION_VARIANCE = 6  # Where a population keeps the variance of its looks at the value.
# Integer settings of a population; from U_FIRST on each kind names its own.
# The k-th trader's delays are of the classes U_ORDER and U_FEED plus k times U_APART.
# The first U_GONE traders, counted from number U_TRADERS, stay away from U_AWAY to U_BACK.
# Continuous trading begins U_BEFORE after U_OPEN: until then orders wait for the auction.
(U_ORDER, U_FEED, U_BUSY, U_OPEN, U_CLOSE, U_SIZE_LOW, U_SIZE_HIGH, U_AWAY, U_BACK, U_GONE,
 U_TRADERS, U_HOLDING, U_BEFORE, U_APART) = range(14)  # fmt: skip
U_FIRST = 14


@inner
def population_row(arena: Arena, trader: int) -> int:
    """Return the first word of a trader's population."""
    return arena[at.H_OFFSET + at.S_POPULATION] + arena[trader + at.TR_POPULATION] * 32


@inner
def trader_row(arena: Arena, number: int) -> int:
    """Return the first word of a trader."""
    return arena[at.H_OFFSET + at.S_TRADER] + number * 16


@inner
def link_counter(arena: Arena, trader: int) -> int:
    """Return the position of the next draw of this trader's connection, and move past it."""
    counter = arena[trader + at.TR_LINK_COUNTER]
    arena[trader + at.TR_LINK_COUNTER] = counter + 1
    return counter


@inner
def link_uniform(arena: Arena, trader: int) -> float:
    """Return a uniform draw of the connection's stream, which the core keeps for actors too."""
    return draw_uniform(arena[trader + at.TR_LINK], link_counter(arena, trader))


@inner
def link_exponential(arena: Arena, trader: int) -> float:
    """Return an exponential draw of mean 1 of the connection's stream."""
    return draw_exponential(arena[trader + at.TR_LINK], link_counter(arena, trader))


@inner
def delay_class(arena: Arena, trader: int, way: int) -> int:
    """Return the class of a trader's delays on one way, U_ORDER or U_FEED."""
    population = population_row(arena, trader)
    apart = arena[population + U_APART]
    if apart == 0:
        return arena[population + way]
    number = (trader - arena[at.H_OFFSET + at.S_TRADER]) // 16
    return arena[population + way] + apart * (number - arena[population + U_TRADERS])


@inner
def observe_touch(arena: Arena, trader: int) -> int:
    """Return the row of the touch as this trader sees it now, or NONE: one feed delay old."""
    counter = link_counter(arena, trader)
    feed = delay_class(arena, trader, U_FEED)
    delay = draw_latency(arena, feed, arena[trader + at.TR_LINK], counter)
    # A later look never shows an earlier state: nothing overtakes on one connection.
    as_of = max(arena[at.H_NOW] - delay, arena[trader + at.TR_VIEW_TIME])
    arena[trader + at.TR_VIEW_TIME] = as_of
    return view_touch(arena, arena[trader + at.TR_INSTRUMENT], as_of)


@inner
def is_before_open(arena: Arena, trader: int) -> bool:
    """Return whether continuous trading is still to begin on this trader's day."""
    population = population_row(arena, trader)
    return arena[at.H_NOW] < arena[population + U_OPEN] + arena[population + U_BEFORE]


@inner
def true_value(arena: Arena, beliefs: Floats, instrument: int) -> float:
    """Return the fundamental in ticks now, between the seconds of its path; 0 without a path."""
    ins = instrument_row(arena, instrument)
    count = arena[ins + at.I_PATH_COUNT]
    if count == 0:
        return 0.0
    first = arena[ins + at.I_PATH_FIRST]
    since = arena[at.H_NOW] - arena[ins + at.I_PATH_START]
    if since <= 0:
        return beliefs[first]
    second = since // 1_000_000_000
    if second >= count - 1:
        return beliefs[first + count - 1]
    weight = (since - second * 1_000_000_000) * 1e-9
    return beliefs[first + second] * (1.0 - weight) + beliefs[first + second + 1] * weight


@inner
def observe_value(arena: Arena, beliefs: Floats, trader: int) -> int:
    """Return a noisy observation of the fundamental, in whole ticks."""
    variance = beliefs[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + OBSERVATION_VARIANCE]
    counter = link_counter(arena, trader)
    noise = draw_normal(arena[trader + at.TR_LINK], counter)
    value = true_value(arena, beliefs, arena[trader + at.TR_INSTRUMENT])
    return round(value + math.sqrt(variance) * noise)


@inner
def inventory(arena: Arena, trader: int) -> int:
    """Return the lots that a trader holds now beyond those it was given."""
    place = arena[trader + at.TR_ACCOUNT] * arena[at.H_INSTRUMENTS]
    place += arena[trader + at.TR_INSTRUMENT]
    held = arena[arena[at.H_OFFSET + at.S_POSITION] + place * 4 + at.P_QUANTITY]
    return held - arena[population_row(arena, trader) + U_HOLDING]


@inner
def link_arrival(arena: Arena, trader: int, departure: int) -> int:
    """Return when what leaves now reaches the exchange; nothing overtakes."""
    counter = link_counter(arena, trader)
    order = delay_class(arena, trader, U_ORDER)
    delay = draw_latency(arena, order, arena[trader + at.TR_LINK], counter)
    arrival = max(departure + delay, arena[trader + at.TR_LAST_ARRIVAL])
    arena[trader + at.TR_LAST_ARRIVAL] = arrival
    return arrival


@inner
def departure(arena: Arena, trader: int) -> int:
    """Return when what this trader decides now leaves it."""
    return arena[at.H_NOW] + arena[population_row(arena, trader) + U_BUSY]


@inner
def _send(
    arena: Arena, trader: int, side: int, order_type: int, tif: int, price: int, quantity: int
) -> None:
    number = arena[trader + at.TR_INSTRUMENT]
    slot = new_order(arena, number, arena[trader + at.TR_ACCOUNT], side, order_type, tif,
                     at.CANCEL_NEWEST, 0, price, quantity, 0, 0, 0, 0, 0)  # fmt: skip
    push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_ARRIVE, slot, 0)


@inner
def _unpriced(side: int) -> int:
    return at.MAX_PRICE if side == at.BUY else -at.MAX_PRICE


@inner
def send_limit(arena: Arena, trader: int, side: int, price: int, quantity: int, tif: int) -> None:
    """Send a limit order at the nearest legal price that is no worse for the trader."""
    ins = instrument_row(arena, arena[trader + at.TR_INSTRUMENT])
    price = legal_price(arena, ins, side, price)
    _send(arena, trader, side, at.LIMIT, tif, price, quantity)


@inner
def send_market(arena: Arena, trader: int, side: int, quantity: int) -> None:
    """Send a market order."""
    _send(arena, trader, side, at.MARKET, at.IOC, _unpriced(side), quantity)


@inner
def send_to_auction(arena: Arena, trader: int, side: int, quantity: int, order_type: int) -> None:
    """Send a market order for the opening or the closing auction, as its type says."""
    _send(arena, trader, side, order_type, at.DAY, _unpriced(side), quantity)


@inner
def send_auction_limit(
    arena: Arena, trader: int, side: int, price: int, quantity: int, order_type: int
) -> None:
    """Send a limit that waits for an auction: on the close, or in a paused stock's book."""
    ins = instrument_row(arena, arena[trader + at.TR_INSTRUMENT])
    price = legal_price(arena, ins, side, price)
    _send(arena, trader, side, order_type, at.DAY, price, quantity)


@inner
def send_cancel_all(arena: Arena, trader: int) -> None:
    """Ask for all own orders in this instrument to be cancelled."""
    push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_CANCEL_ALL,
         arena[trader + at.TR_ACCOUNT], arena[trader + at.TR_INSTRUMENT])  # fmt: skip


@inner
def next_counter(arena: Arena, trader: int) -> int:
    """Return the position of this trader's next draw, and move past it."""
    counter = arena[trader + at.TR_COUNTER]
    arena[trader + at.TR_COUNTER] = counter + 1
    return counter
