"""End users of options, compiled: who sells calls on stock, buys protection or lottery tickets.

Each wakes by a Poisson process of its own, picks a series by its role's weights (how much of the
chain's volume and open interest that role is taken to account for, see `option_table`), and takes
the far touch or rests between.
"""

from agents.crowd.option_arbitrage import seek
from agents.crowd.option_belief import B_DIVIDEND, B_GROWTH, B_RATE, believed_ticks
from agents.crowd.option_roles import (
    O_AGGRESSIVE,
    O_OPENING,
    OVERWRITER,
    PARITY,
    U_ROLE,
    U_WEIGHTS,
    VOLATILITY_SELLER,
    is_alive,
    order_series,
    trader_uniform,
)
from agents.crowd.option_rows import (
    K_PAIR,
    K_TICK,
    SERIES_FLOATS,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
    increment,
    observe_series,
)
from agents.crowd.rows import (
    POPULATION_FLOATS,
    U_OPEN,
    U_SIZE_HIGH,
    U_SIZE_LOW,
    Floats,
    departure,
    link_arrival,
    next_counter,
    population_row,
)
from environment.compiled import inner, njit
from environment.draws import draw_exponential, draw_integer
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.heap import push

_GAP = 7  # Float of the population: the mean time between two wake-ups.


@inner
def pick(arena: Arena, floats: Floats, trader: int) -> int:
    """Return a series' place in the table, drawn by the role's cumulative weights; NONE if none."""
    population = population_row(arena, trader)
    first, count = arena[population + U_WEIGHTS], arena[population + U_SERIES]
    total = floats[first + count - 1]
    if total <= 0.0:
        return at.NONE
    wanted = total * trader_uniform(arena, trader)
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) >> 1
        if floats[first + middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def quantity_of(arena: Arena, trader: int) -> int:
    """Return an order's contracts, uniform in the population's range."""
    population = population_row(arena, trader)
    low, high = arena[population + U_SIZE_LOW], arena[population + U_SIZE_HIGH]
    key, counter = arena[trader + at.TR_KEY], next_counter(arena, trader)
    return draw_integer(key, counter, max(low, 1), max(high, low, 1) + 1)


@njit
def resting_price(side: int, bid: int, ask: int, step: int, believed: int) -> int:
    """Return where to rest between a bid and an ask: at the middle, rounded to one's own favour.

    `believed` is how far from the middle the trader thinks its worth lies, in whole steps.
    """
    middle = (bid + ask) // 2 // step * step
    if side == at.SELL and 2 * middle < bid + ask:
        middle += step
    middle += believed
    return min(middle, ask - step) if side == at.BUY else max(middle, bid + step)


@njit
def may_take(side: int, believed: int) -> bool:
    """Return whether a trader with that opinion pays the far touch."""
    return believed >= 0 if side == at.BUY else believed <= 0


@inner
def believed_of(
    arena: Arena, floats: Floats, trader: int, touch: int, series: int, bid: int
) -> int:
    """Return what a trader's own curves make of a series beyond its middle, in ticks."""
    own = arena[trader + at.TR_BELIEF]
    rate, growth = floats[own + B_RATE], floats[own + B_GROWTH]
    dividend = floats[own + B_DIVIDEND]
    if rate == 0.0 and growth == 0.0 and dividend == 0.0:
        return 0
    if touch == at.NONE or arena[touch + at.TO_BID_QUANTITY] <= 0:
        return 0
    if arena[touch + at.TO_ASK_QUANTITY] <= 0:
        return 0
    population = population_row(arena, trader)
    table = arena[population + U_TABLE]
    spot = 0.5 * (arena[touch + at.TO_BID] + arena[touch + at.TO_ASK]) * floats[table + K_TICK]
    seconds = (arena[at.H_NOW] - arena[population + U_OPEN]) * 1e-9
    return believed_ticks(
        floats, table, arena[population + U_SERIES], series, spot, seconds, bid, rate, growth,
        dividend,
    )  # fmt: skip


@inner
def trade_one(
    arena: Arena, floats: Floats, trader: int, seen: int, series: int, side: int, quantity: int
) -> None:
    """Take the far touch of a series, or rest inside, as the population's habit is drawn.

    `seen` is the touch of the stock. Who thinks the series worth less than others do rests instead.
    """
    population = population_row(arena, trader)
    number = arena[population + U_SERIES_FIRST] + series
    touch = observe_series(arena, trader, number)
    is_aggressive = trader_uniform(arena, trader) < floats[
        arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + O_AGGRESSIVE
    ]  # fmt: skip
    if touch == at.NONE:
        return
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    bids, asks = arena[touch + at.TO_BID_QUANTITY], arena[touch + at.TO_ASK_QUANTITY]
    if bids <= 0 or asks <= 0 or bid >= ask:
        return
    row = arena[population + U_TABLE] + series * SERIES_FLOATS
    believed = believed_of(arena, floats, trader, seen, series, bid)
    if is_aggressive and may_take(side, believed):
        order_series(arena, trader, number, side, ask if side == at.BUY else bid, quantity, at.IOC)
        return
    price = resting_price(side, bid, ask, increment(floats, row, float(bid)), believed)
    if price > 0:
        order_series(arena, trader, number, side, price, quantity, at.DAY)


@inner
def side_of_role(role: int) -> int:
    """Return on which side a role opens."""
    sells = role in (OVERWRITER, VOLATILITY_SELLER)
    return at.SELL if sells else at.BUY


@inner
def use(arena: Arena, floats: Floats, trader: int, touch: int, role: int) -> None:
    """Do what an end user came for: open on its side, or now and then close."""
    # What rested since the last time is stale by now.
    push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_CANCEL_ALL,
         arena[trader + at.TR_ACCOUNT], at.NONE)  # fmt: skip
    series = pick(arena, floats, trader)
    if series == at.NONE or not is_alive(arena, floats, trader, series):
        return
    opening = floats[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + O_OPENING]
    side = side_of_role(role)
    if trader_uniform(arena, trader) >= opening:
        side = 1 - side
    quantity = quantity_of(arena, trader)
    trade_one(arena, floats, trader, touch, series, side, quantity)
    if role == VOLATILITY_SELLER:
        row = arena[population_row(arena, trader) + U_TABLE] + series * SERIES_FLOATS
        pair = int(floats[row + K_PAIR])
        if pair >= 0:
            trade_one(arena, floats, trader, touch, pair, side, quantity)


@inner
def decide_option_user(arena: Arena, floats: Floats, trader: int, touch: int) -> int:
    """Act as the role has it. Returns when the trader wakes next."""
    gap = floats[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + _GAP]
    draw = draw_exponential(arena[trader + at.TR_KEY], next_counter(arena, trader))
    role = arena[population_row(arena, trader) + U_ROLE]
    if role >= PARITY:
        seek(arena, floats, trader, touch, role)
    else:
        use(arena, floats, trader, touch, role)
    return arena[at.H_NOW] + max(round(gap * draw), 1)
