"""End users of options, compiled: who sells calls on stock, buys protection or lottery tickets.

Each wakes by a Poisson process of its own, picks a series by its role's weights (how much of the
chain's volume and open interest that role is taken to account for, see `option_table`), and takes
the far touch or rests between. Arbitrageurs look for prices that cannot all be right.
"""

import math

from agents.crowd.option_belief import B_DIVIDEND, B_GROWTH, B_RATE, believed_ticks
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_CALL,
    K_EXPIRY,
    K_MULTIPLIER,
    K_NEXT_EXPIRY,
    K_NEXT_STRIKE,
    K_PAIR,
    K_STRIKE,
    K_TICK,
    SERIES_FLOATS,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
    X_DIVIDENDS,
    X_RATE,
    X_YEARS,
    increment,
    observe_series,
)
from agents.crowd.rows import (
    POPULATION_FLOATS,
    U_FIRST,
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
from environment.draws import draw_exponential, draw_integer, draw_uniform
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.entry import new_order
from environment.market.heap import push

# Roles, in the order of the configuration's names.
ROLES = (
    "overwriter", "protective", "lottery", "same_day", "volatility_seller", "parity", "calendar",
    "relative_value",
)  # fmt: skip
(OVERWRITER, PROTECTIVE, LOTTERY, SAME_DAY, VOLATILITY_SELLER, PARITY, CALENDAR,
 RELATIVE_VALUE) = range(8)  # fmt: skip
U_ROLE, U_WEIGHTS = U_FIRST, U_FIRST + 1  # The role; where its cumulative weights begin.
# Floats of the population; 7 is the mean gap.
O_AGGRESSIVE, O_OPENING, O_FEE = 0, 1, 2  # Fee: per share, what a taker reckons with.
_GAP = 7
LOOKS = 50  # Series that an arbitrageur looks at in one wake-up.


@inner
def trader_uniform(arena: Arena, trader: int) -> float:
    """Return a uniform draw of this trader's own stream."""
    return draw_uniform(arena[trader + at.TR_KEY], next_counter(arena, trader))


@inner
def order_series(
    arena: Arena, trader: int, number: int, side: int, price: int, quantity: int, tif: int
) -> None:
    """Send a limit order in a series, or in the stock."""
    slot = new_order(arena, number, arena[trader + at.TR_ACCOUNT], side, at.LIMIT, tif,
                     at.CANCEL_NEWEST, 0, max(price, 1), quantity, 0, 0, 0, 0, 0)  # fmt: skip
    push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_ARRIVE, slot, 0)


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
def is_alive(arena: Arena, floats: Floats, trader: int, series: int) -> bool:
    """Return whether a series of the table still trades on this day."""
    population = population_row(arena, trader)
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    expiry = int(floats[table + series * SERIES_FLOATS + K_EXPIRY])
    return floats[table + count * SERIES_FLOATS + expiry * EXPIRY_FLOATS + X_YEARS] > 0.0


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


# --- arbitrage ------------------------------------------------------------------------------------


@inner
def bid_of(arena: Arena, floats: Floats, row: int, touch: int) -> float:
    """Return a touch's bid in currency; a bid that is not there is less than anything."""
    if touch == at.NONE or arena[touch + at.TO_BID_QUANTITY] <= 0:
        return -1e9
    return arena[touch + at.TO_BID] * floats[row + K_TICK]


@inner
def ask_of(arena: Arena, floats: Floats, row: int, touch: int) -> float:
    """Return a touch's ask in currency; an ask that is not there is more than anything."""
    if touch == at.NONE or arena[touch + at.TO_ASK_QUANTITY] <= 0:
        return 1e9
    return arena[touch + at.TO_ASK] * floats[row + K_TICK]


@inner
def most_at_once(arena: Arena, trader: int, one: int, other: int) -> int:
    """Return the contracts to trade of what two quantities show, within the population's size."""
    high = arena[population_row(arena, trader) + U_SIZE_HIGH]
    return max(min(one, other, high), 1)


@njit
def conversion_gap(
    strike: float, rate: float, years: float, dividends: float, call_bid: float, call_ask: float,
    put_bid: float, put_ask: float, stock_bid: float, stock_ask: float,
) -> tuple[float, float]:  # fmt: skip
    """Return what a conversion and a reversal lock in per share, before fees.

    For American options S - D - K <= C - P <= S - K exp(-rT) (Hull, 9th edition, equations 11.7
    and 11.11): a conversion (stock and put bought, call sold) earns from the upper bound, a
    reversal from the lower.
    """
    conversion = call_bid - put_ask - (stock_ask - strike * math.exp(-rate * years))
    reversal = (stock_bid - dividends - strike) - (call_ask - put_bid)
    return conversion, reversal


@inner
def arbitrage_parity(
    arena: Arena, floats: Floats, trader: int, touch: int, series: int, fee: float
) -> bool:
    """Trade a conversion or a reversal where it pays; return whether it did."""
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    row = table + series * SERIES_FLOATS
    pair = int(floats[row + K_PAIR])
    if pair < 0 or touch == at.NONE:
        return False
    call, put = (series, pair) if floats[row + K_CALL] > 0.5 else (pair, series)
    row = table + call * SERIES_FLOATS
    expiry = table + arena[population + U_SERIES] * SERIES_FLOATS
    expiry += int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
    calls = observe_series(arena, trader, first + call)
    puts = observe_series(arena, trader, first + put)
    if calls == at.NONE or puts == at.NONE:
        return False
    own, years = arena[trader + at.TR_BELIEF], floats[expiry + X_YEARS]
    # Who sells the stock short borrows it: what that costs more than everybody thinks is not got.
    borrowing = (floats[own + B_RATE] - floats[own + B_GROWTH]) * years
    conversion, reversal = conversion_gap(
        floats[row + K_STRIKE], floats[expiry + X_RATE] + floats[own + B_RATE], years,
        floats[expiry + X_DIVIDENDS] * (1.0 + floats[own + B_DIVIDEND]),
        bid_of(arena, floats, row, calls), ask_of(arena, floats, row, calls),
        bid_of(arena, floats, row, puts), ask_of(arena, floats, row, puts),
        bid_of(arena, floats, row, touch) * (1.0 - borrowing), ask_of(arena, floats, row, touch),
    )  # fmt: skip
    shares, stock = int(floats[row + K_MULTIPLIER]), arena[trader + at.TR_INSTRUMENT]
    if conversion > fee:
        n = most_at_once(arena, trader, arena[calls + at.TO_BID_QUANTITY],
                         arena[puts + at.TO_ASK_QUANTITY])  # fmt: skip
        order_series(arena, trader, first + call, at.SELL, arena[calls + at.TO_BID], n, at.IOC)
        order_series(arena, trader, first + put, at.BUY, arena[puts + at.TO_ASK], n, at.IOC)
        order_series(arena, trader, stock, at.BUY, arena[touch + at.TO_ASK], n * shares, at.IOC)
        return True
    if reversal > fee:
        n = most_at_once(arena, trader, arena[calls + at.TO_ASK_QUANTITY],
                         arena[puts + at.TO_BID_QUANTITY])  # fmt: skip
        order_series(arena, trader, first + call, at.BUY, arena[calls + at.TO_ASK], n, at.IOC)
        order_series(arena, trader, first + put, at.SELL, arena[puts + at.TO_BID], n, at.IOC)
        order_series(arena, trader, stock, at.SELL, arena[touch + at.TO_BID], n * shares, at.IOC)
        return True
    return False


@njit
def box_gap(
    low: float, high: float, rate: float, years: float, call_ask: float, call_bid: float,
    put_ask: float, put_bid: float,
) -> float:  # fmt: skip
    """Return what a bought box locks in per share, before fees.

    A call at the lower strike and a put at the higher are bought, a call at the higher and a put at
    the lower sold: at expiry it pays the strikes' difference, and no less where what was sold is
    exercised before, for what was bought can be too. A sold box has no such bound.
    """
    paid = call_ask + put_ask - call_bid - put_bid
    return (high - low) * math.exp(-rate * years) - paid


@inner
def arbitrage_box(arena: Arena, floats: Floats, trader: int, low: int, fee: float) -> bool:
    """Buy a box between a call's strike and the next where it pays; return whether it did."""
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    row = table + low * SERIES_FLOATS
    high, low_put = int(floats[row + K_NEXT_STRIKE]), int(floats[row + K_PAIR])
    if high < 0 or low_put < 0 or floats[row + K_CALL] < 0.5:
        return False
    above = table + high * SERIES_FLOATS
    high_put = int(floats[above + K_PAIR])
    if high_put < 0:
        return False
    expiry = table + arena[population + U_SERIES] * SERIES_FLOATS
    expiry += int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
    bought = observe_series(arena, trader, first + low)
    sold = observe_series(arena, trader, first + high)
    put = observe_series(arena, trader, first + high_put)
    written = observe_series(arena, trader, first + low_put)
    if bought == at.NONE or sold == at.NONE or put == at.NONE or written == at.NONE:
        return False
    rate = floats[expiry + X_RATE] + floats[arena[trader + at.TR_BELIEF] + B_RATE]
    gap = box_gap(
        floats[row + K_STRIKE], floats[above + K_STRIKE], rate,
        floats[expiry + X_YEARS], ask_of(arena, floats, row, bought),
        bid_of(arena, floats, row, sold), ask_of(arena, floats, row, put),
        bid_of(arena, floats, row, written),
    )  # fmt: skip
    if gap <= 2.0 * fee:
        return False
    calls = min(arena[bought + at.TO_ASK_QUANTITY], arena[sold + at.TO_BID_QUANTITY])
    puts = min(arena[put + at.TO_ASK_QUANTITY], arena[written + at.TO_BID_QUANTITY])
    n = most_at_once(arena, trader, calls, puts)
    order_series(arena, trader, first + low, at.BUY, arena[bought + at.TO_ASK], n, at.IOC)
    order_series(arena, trader, first + high_put, at.BUY, arena[put + at.TO_ASK], n, at.IOC)
    order_series(arena, trader, first + high, at.SELL, arena[sold + at.TO_BID], n, at.IOC)
    order_series(arena, trader, first + low_put, at.SELL, arena[written + at.TO_BID], n, at.IOC)
    return True


@inner
def arbitrage_two(
    arena: Arena, floats: Floats, trader: int, dear: int, cheap: int, fee: float
) -> bool:
    """Sell the series that may not be worth more, and buy the other, where that pays at once."""
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    sold = observe_series(arena, trader, first + dear)
    bought = observe_series(arena, trader, first + cheap)
    if sold == at.NONE or bought == at.NONE:
        return False
    bid = bid_of(arena, floats, table + dear * SERIES_FLOATS, sold)
    ask = ask_of(arena, floats, table + cheap * SERIES_FLOATS, bought)
    if bid - ask <= fee:
        return False
    n = most_at_once(arena, trader, arena[sold + at.TO_BID_QUANTITY],
                     arena[bought + at.TO_ASK_QUANTITY])  # fmt: skip
    order_series(arena, trader, first + dear, at.SELL, arena[sold + at.TO_BID], n, at.IOC)
    order_series(arena, trader, first + cheap, at.BUY, arena[bought + at.TO_ASK], n, at.IOC)
    return True


@inner
def arbitrage_butterfly(arena: Arena, floats: Floats, trader: int, low: int, fee: float) -> bool:
    """Sell the middle of three equally wide strikes, buy the wings, where that brings money."""
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    middle = int(floats[table + low * SERIES_FLOATS + K_NEXT_STRIKE])
    if middle < 0:
        return False
    high = int(floats[table + middle * SERIES_FLOATS + K_NEXT_STRIKE])
    if high < 0:
        return False
    rows = table + low * SERIES_FLOATS, table + middle * SERIES_FLOATS, table + high * SERIES_FLOATS
    one = floats[rows[1] + K_STRIKE] - floats[rows[0] + K_STRIKE]
    other = floats[rows[2] + K_STRIKE] - floats[rows[1] + K_STRIKE]
    if abs(one - other) > 1e-9:
        return False
    a = observe_series(arena, trader, first + low)
    b = observe_series(arena, trader, first + middle)
    c = observe_series(arena, trader, first + high)
    if a == at.NONE or b == at.NONE or c == at.NONE:
        return False
    earned = 2.0 * bid_of(arena, floats, rows[1], b)
    earned -= ask_of(arena, floats, rows[0], a) + ask_of(arena, floats, rows[2], c)
    if earned <= 2.0 * fee:
        return False
    wings = min(arena[a + at.TO_ASK_QUANTITY], arena[c + at.TO_ASK_QUANTITY])
    n = most_at_once(arena, trader, arena[b + at.TO_BID_QUANTITY] // 2, wings)
    order_series(arena, trader, first + middle, at.SELL, arena[b + at.TO_BID], 2 * n, at.IOC)
    order_series(arena, trader, first + low, at.BUY, arena[a + at.TO_ASK], n, at.IOC)
    order_series(arena, trader, first + high, at.BUY, arena[c + at.TO_ASK], n, at.IOC)
    return True


@inner
def seek(arena: Arena, floats: Floats, trader: int, touch: int, role: int) -> None:
    """Look at some series for prices that cannot all be right, and trade the first found.

    Every wake-up goes on where the one before ended: drawn anew each time, a window would leave one
    series in fifty unseen for two seconds.
    """
    population = population_row(arena, trader)
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    fee = floats[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + O_FEE]
    place = arena[trader + at.TR_STATE] - 1
    if place < 0:
        place = int(trader_uniform(arena, trader) * count)
    arena[trader + at.TR_STATE] = (place + LOOKS) % count + 1
    for look in range(LOOKS):
        series = (place + look) % count
        if not is_alive(arena, floats, trader, series):
            continue
        row = table + series * SERIES_FLOATS
        higher, later = int(floats[row + K_NEXT_STRIKE]), int(floats[row + K_NEXT_EXPIRY])
        found = False
        if role == PARITY:
            found = arbitrage_parity(arena, floats, trader, touch, series, fee)
            if not found:
                found = arbitrage_box(arena, floats, trader, series, fee)
        elif role == CALENDAR:
            if later >= 0:
                found = arbitrage_two(arena, floats, trader, series, later, fee)
        elif higher >= 0:
            # A call falls and a put rises with the strike.
            if floats[row + K_CALL] > 0.5:
                found = arbitrage_two(arena, floats, trader, higher, series, fee)
            else:
                found = arbitrage_two(arena, floats, trader, series, higher, fee)
            if not found:
                found = arbitrage_butterfly(arena, floats, trader, series, fee)
        if found:
            # It may not have been all of it.
            arena[trader + at.TR_STATE] = series + 1
            return


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
