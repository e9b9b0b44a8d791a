"""Arbitrageurs in options, compiled: they look for prices of which not all can be right.

Each goes by its own curves, and trades what locks in more than its fee at what is displayed.
"""

import math

from agents.crowd.option_belief import B_DIVIDEND, B_GROWTH, B_RATE
from agents.crowd.option_roles import (
    CALENDAR,
    O_FEE,
    PARITY,
    is_alive,
    order_series,
    trader_uniform,
)
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
    observe_series,
)
from agents.crowd.rows import POPULATION_FLOATS, U_SIZE_HIGH, Floats, population_row
from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.arena import Arena

LOOKS = 50  # Series that an arbitrageur looks at in one wake-up.


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
    """Trade a conversion or a reversal where it pays; return whether it did.

    No more of it than the stock shows shares for, but one contract: legs alone are no arbitrage.
    """
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
        shown = min(arena[calls + at.TO_BID_QUANTITY], arena[puts + at.TO_ASK_QUANTITY])
        n = most_at_once(arena, trader, shown, arena[touch + at.TO_ASK_QUANTITY] // shares)
        order_series(arena, trader, first + call, at.SELL, arena[calls + at.TO_BID], n, at.IOC)
        order_series(arena, trader, first + put, at.BUY, arena[puts + at.TO_ASK], n, at.IOC)
        order_series(arena, trader, stock, at.BUY, arena[touch + at.TO_ASK], n * shares, at.IOC)
        return True
    if reversal > fee:
        shown = min(arena[calls + at.TO_ASK_QUANTITY], arena[puts + at.TO_BID_QUANTITY])
        n = most_at_once(arena, trader, shown, arena[touch + at.TO_BID_QUANTITY] // shares)
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
