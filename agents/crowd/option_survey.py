"""The survey: looks at all series each second, and notes quotes, and arbitrage with its life.

It is no trader: it reads the books as they stand, sends nothing and draws nothing. What it finds is
a table of floats that Python reads after the run.
"""

from agents.crowd.dealer_rows import M_DELTA, M_GAMMA, M_VEGA
from agents.crowd.option_arbitrage import box_gap, conversion_gap
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_CALL,
    K_EXPIRY,
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
)
from agents.crowd.rows import (
    POPULATION_FLOATS,
    U_FIRST,
    U_OPEN,
    Floats,
    inventory,
    population_row,
    trader_row,
)
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.ladder import instrument_row
from environment.market.protection import dealer_row

CAUSES = ("conversion", "reversal", "strikes", "calendar", "butterfly", "box")
_CAUSES = len(CAUSES)
U_MINUTES, U_LOG = U_FIRST, U_FIRST + 1  # Capacity of the sample and of the log, in rows.
S_FEE = 0  # Float of the population: per share, what an executable violation must exceed.
# Its memory: a head, then for each series and cause when it began (-1: not on), then the log of
# violations that ended, then a sample a minute: all touches, the stock's, dealers', and when.
# Seconds are those of the exchange's clock, so that several days follow each other.
N_LOGGED, N_MINUTES, N_SECONDS, N_LAST = range(4)
HEAD = 8
LOG_FLOATS = 5  # Began, lasted (seconds), cause, series, largest gain per share.
SAMPLE_FLOATS = 4  # Bid, its quantity, ask, its quantity, in ticks and contracts.
DEALERS = 8  # So many dealers are sampled beside the touches: delta, gamma, vega, shares held.
BESIDE = DEALERS + 2  # Rows of a sample that are no series: the stock, dealers, and the second.
BEGAN_FLOATS = 2  # When it began, largest gain.
EVERY_NS = 1_000_000_000
NOT_ON = -1.0  # In the place of when a violation began.


@inner
def _price(arena: Arena, ins: int, side: int) -> float:
    """Return a book's best price in ticks; without one, a price at which nothing pays."""
    best = arena[ins + at.I_BEST + side]
    if best == at.NO_BID or best == at.NO_ASK:
        return 1e12 if side else -1e12
    return float(best)


@inner
def _note(
    arena: Arena, floats: Floats, trader: int, series: int, cause: int, gain: float, second: float
) -> None:
    """Follow one possible violation: begin it, keep its largest gain, or write down its end."""
    place = arena[trader + at.TR_MEMORY] + HEAD + (series * _CAUSES + cause) * BEGAN_FLOATS
    fee = floats[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + S_FEE]
    if gain > fee:
        if floats[place] < 0.0:
            floats[place], floats[place + 1] = second, gain
        else:
            floats[place + 1] = max(floats[place + 1], gain)
        return
    if floats[place] >= 0.0:
        _log(arena, floats, trader, series, cause, second)


@inner
def _log(
    arena: Arena, floats: Floats, trader: int, series: int, cause: int, second: float
) -> None:  # fmt: skip
    """Write down the end of a violation that is on."""
    population = population_row(arena, trader)
    memory, count = arena[trader + at.TR_MEMORY], arena[population + U_SERIES]
    place = memory + HEAD + (series * _CAUSES + cause) * BEGAN_FLOATS
    logged, capacity = int(floats[memory + N_LOGGED]), arena[population + U_LOG]
    if logged < capacity:
        row = memory + HEAD + count * _CAUSES * BEGAN_FLOATS + logged * LOG_FLOATS
        floats[row], floats[row + 1] = floats[place], second - floats[place]
        floats[row + 2], floats[row + 3], floats[row + 4] = cause, series, floats[place + 1]
    floats[memory + N_LOGGED] = logged + 1  # Counted even where the log is full.
    floats[place] = NOT_ON


@inner
def _end_all(arena: Arena, floats: Floats, trader: int, second: float) -> None:
    """Let every violation end: nobody watched what became of it in a halt, or at night."""
    count = arena[population_row(arena, trader) + U_SERIES]
    first = arena[trader + at.TR_MEMORY] + HEAD
    for k in range(count * _CAUSES):
        if floats[first + k * BEGAN_FLOATS] >= 0.0:
            _log(arena, floats, trader, k // _CAUSES, k % _CAUSES, second)


@inner
def _look_at(arena: Arena, floats: Floats, trader: int, series: int, second: float) -> None:
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    count = arena[population + U_SERIES]
    row = table + series * SERIES_FLOATS
    tick = floats[row + K_TICK]
    expiry = table + count * SERIES_FLOATS + int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
    ins = instrument_row(arena, first + series)
    is_call = floats[row + K_CALL] > 0.5
    bid, ask = _price(arena, ins, 0) * tick, _price(arena, ins, 1) * tick
    pair, higher = int(floats[row + K_PAIR]), int(floats[row + K_NEXT_STRIKE])
    later = int(floats[row + K_NEXT_EXPIRY])
    if is_call and pair >= 0:
        put, stock = (
            instrument_row(arena, first + pair),
            instrument_row(arena, arena[trader + at.TR_INSTRUMENT]),
        )
        conversion, reversal = conversion_gap(
            floats[row + K_STRIKE], floats[expiry + X_RATE], floats[expiry + X_YEARS],
            floats[expiry + X_DIVIDENDS], bid, ask, _price(arena, put, 0) * tick,
            _price(arena, put, 1) * tick, _price(arena, stock, 0) * tick,
            _price(arena, stock, 1) * tick,
        )  # fmt: skip
        _note(arena, floats, trader, series, 0, conversion, second)
        _note(arena, floats, trader, series, 1, reversal, second)
    if later >= 0:
        other = instrument_row(arena, first + later)
        _note(arena, floats, trader, series, 3, bid - _price(arena, other, 1) * tick, second)
    if higher < 0:
        return
    above = instrument_row(arena, first + higher)
    if is_call:
        gain = _price(arena, above, 0) * tick - ask
    else:
        gain = bid - _price(arena, above, 1) * tick
    _note(arena, floats, trader, series, 2, gain, second)
    highest = int(floats[table + higher * SERIES_FLOATS + K_NEXT_STRIKE])
    if highest < 0:
        return
    one = floats[table + higher * SERIES_FLOATS + K_STRIKE] - floats[row + K_STRIKE]
    other_gap = (
        floats[table + highest * SERIES_FLOATS + K_STRIKE]
        - floats[table + higher * SERIES_FLOATS + K_STRIKE]
    )
    if abs(one - other_gap) < 1e-9:
        top = instrument_row(arena, first + highest)
        gain = 2.0 * _price(arena, above, 0) * tick - ask - _price(arena, top, 1) * tick
        _note(arena, floats, trader, series, 4, 0.5 * gain, second)


@inner
def _look_at_box(arena: Arena, floats: Floats, trader: int, series: int, second: float) -> None:
    """Follow the box between a call's strike and the next; per share of both its spreads."""
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    row = table + series * SERIES_FLOATS
    high, low_put = int(floats[row + K_NEXT_STRIKE]), int(floats[row + K_PAIR])
    if high < 0 or low_put < 0 or floats[row + K_CALL] < 0.5:
        return
    above, tick = table + high * SERIES_FLOATS, floats[row + K_TICK]
    high_put = int(floats[above + K_PAIR])
    if high_put < 0:
        return
    expiry = table + arena[population + U_SERIES] * SERIES_FLOATS
    expiry += int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
    gap = box_gap(
        floats[row + K_STRIKE], floats[above + K_STRIKE], floats[expiry + X_RATE],
        floats[expiry + X_YEARS], _price(arena, instrument_row(arena, first + series), 1) * tick,
        _price(arena, instrument_row(arena, first + high), 0) * tick,
        _price(arena, instrument_row(arena, first + high_put), 1) * tick,
        _price(arena, instrument_row(arena, first + low_put), 0) * tick,
    )  # fmt: skip
    _note(arena, floats, trader, series, 5, 0.5 * gap, second)


@inner
def _sample(arena: Arena, floats: Floats, trader: int, second: float) -> None:
    """Write every series' touch into the next sample, if there is room for one."""
    population = population_row(arena, trader)
    memory, count = arena[trader + at.TR_MEMORY], arena[population + U_SERIES]
    taken = int(floats[memory + N_MINUTES])
    if taken >= arena[population + U_MINUTES]:
        return
    row = memory + HEAD + count * _CAUSES * BEGAN_FLOATS + arena[population + U_LOG] * LOG_FLOATS
    row += taken * (count + BESIDE) * SAMPLE_FLOATS
    for k in range(count + 1):
        # The stock's own touch stands last.
        number = arena[population + U_SERIES_FIRST] + k
        if k == count:
            number = arena[trader + at.TR_INSTRUMENT]
        ins = instrument_row(arena, number)
        for side in range(2):
            price = _price(arena, ins, side)
            is_there = -1e12 < price < 1e12
            floats[row + k * 4 + 2 * side] = price if is_there else 0.0
            shown = arena[ins + at.I_SHOWN_BID_QUANTITY + 2 * side]
            floats[row + k * 4 + 2 * side + 1] = shown if is_there else 0.0
    _sample_dealers(arena, floats, trader, row + (count + 1) * SAMPLE_FLOATS)
    floats[row + (count + 1 + DEALERS) * SAMPLE_FLOATS] = second
    floats[memory + N_MINUTES] = taken + 1


@inner
def _sample_dealers(arena: Arena, floats: Floats, trader: int, row: int) -> None:
    """Write what the dealers of this stock know that they hold."""
    place = 0
    for number in range(arena[at.H_DEALERS]):
        quoting = arena[dealer_row(arena, number) + at.DE_TRADER]
        if quoting < 0 or place >= DEALERS:
            continue
        other = trader_row(arena, quoting)
        if arena[other + at.TR_INSTRUMENT] != arena[trader + at.TR_INSTRUMENT]:
            continue
        head = arena[other + at.TR_MEMORY]
        first = row + place * SAMPLE_FLOATS
        floats[first], floats[first + 1] = floats[head + M_DELTA], floats[head + M_GAMMA]
        floats[first + 2], floats[first + 3] = floats[head + M_VEGA], inventory(arena, other)
        place += 1


@inner
def decide_survey(arena: Arena, floats: Floats, trader: int) -> int:
    """Look at every series while the stock trades. Returns the next full second."""
    population = population_row(arena, trader)
    memory, opens = arena[trader + at.TR_MEMORY], arena[population + U_OPEN]
    ins = instrument_row(arena, arena[trader + at.TR_INSTRUMENT])
    after_open = (arena[at.H_NOW] - opens) // EVERY_NS
    following = opens + (after_open + 1) * EVERY_NS
    second = float(arena[at.H_NOW] // EVERY_NS)
    # In a halt or a limit state prices are not free to agree.
    if arena[ins + at.I_PHASE] != at.CONTINUOUS or arena[ins + at.I_LIMIT_SINCE] > 0:
        return following
    if second > floats[memory + N_LAST] + 1.0:
        _end_all(arena, floats, trader, floats[memory + N_LAST] + 1.0)
    floats[memory + N_SECONDS] += 1
    floats[memory + N_LAST] = second
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    for series in range(count):
        row = table + series * SERIES_FLOATS
        expiry = table + count * SERIES_FLOATS + int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
        if floats[expiry + X_YEARS] > 0.0:
            _look_at(arena, floats, trader, series, second)
            _look_at_box(arena, floats, trader, series, second)
    if after_open % 60 == 0:
        _sample(arena, floats, trader, second)
    return following
