"""A series' value and greeks, compiled: Black and Scholes plus what early exercise adds.

The European part is exact at each price (Hull, 9th edition, equations 17.4, 17.5 and chapter 19);
the premium of early exercise is read from a table of the day's start (`option_rows`), since within
a day it changes by the second order of what the stock does.
"""

import math

from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_CALL,
    K_EXPIRY,
    K_SIGMA,
    K_SLOPE,
    K_STRIKE,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_TABLE,
    X_CARRY,
    X_RATE,
    X_YEARS,
    early_exercise,
    normal_below,
)
from agents.crowd.rows import Floats, population_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena

_YEAR_S = 365.0 * 86_400.0
_ROOT_TWO_PI = 2.5066282746310002
SIGMA_MIN, SIGMA_MAX = 0.02, 4.0
# What a dealer keeps of each expiry, from `expiries` on: shifts of its surface, and its vega.
Y_LEVEL, Y_SKEW, Y_CURVE, Y_VEGA, Y_VEGA_BEFORE, Y_BIAS = range(6)
STATE_FLOATS = 8
# And of each series: value, greeks per share, the contracts it knows that it holds, and will know.
V_VALUE, V_DELTA, V_GAMMA, V_VEGA, V_HELD, V_HEARD, V_SIGMA = range(7)
VALUE_FLOATS = 8


@inner
def years_left(floats: Floats, expiry: int, seconds: float) -> float:
    """Return the years to an expiry, so many seconds after the open; a minute at the least."""
    return max(floats[expiry + X_YEARS] - seconds / _YEAR_S, 60.0 / _YEAR_S)


@inner
def black_scholes(
    spot: float, strike: float, years: float, sigma: float, carry: float, rate: float, is_call: bool
) -> tuple[float, float, float, float]:
    """Return value, delta, gamma, and vega per 1.00 of volatility, per share.

    `carry` is ln(forward / spot), `rate` continuously compounded per year.
    """
    deviation = sigma * math.sqrt(years)
    forward, discount = spot * math.exp(carry), math.exp(-rate * years)
    d1 = math.log(forward / strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    density = math.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    growth = discount * math.exp(carry)
    gamma = growth * density / (spot * deviation)
    vega = spot * growth * density * math.sqrt(years)
    if is_call:
        below1, below2 = normal_below(d1), normal_below(d2)
        return discount * (forward * below1 - strike * below2), growth * below1, gamma, vega
    above1, above2 = normal_below(-d1), normal_below(-d2)
    return discount * (strike * above2 - forward * above1), -growth * above1, gamma, vega


@inner
def sigma_of(
    floats: Floats, row: int, state: int, moneyness: float, first_moneyness: float, event: float,
    years: float,
) -> float:  # fmt: skip
    """Return the volatility at which a dealer values a series.

    The chain's own volatility follows the stock along its smile (sticky delta); the dealer's level,
    skew and curvature are added in units of ln(K / F) over a deviation; `event` is the variance
    that an announcement ahead is expected to bring.
    """
    base = floats[row + K_SIGMA] + floats[row + K_SLOPE] * (moneyness - first_moneyness)
    shift = (
        floats[state + Y_BIAS]
        + floats[state + Y_LEVEL]
        + floats[state + Y_SKEW] * moneyness
        + floats[state + Y_CURVE] * moneyness * moneyness
    )
    sigma = base + shift
    variance = sigma * sigma + event / years
    return min(max(math.sqrt(variance), SIGMA_MIN), SIGMA_MAX)


@inner
def revalue(
    arena: Arena, floats: Floats, trader: int, states: int, values: int, spot: float,
    first_spot: float, seconds: float, event: float, event_days: float,
) -> None:  # fmt: skip
    """Value every series of a dealer at a price; `states` and `values` are its memories.

    `event` is total variance, expected `event_days` after the open, of expiries beyond that.
    """
    population = population_row(arena, trader)
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    expiries = table + count * SERIES_FLOATS
    moved = math.log(spot / first_spot)
    for k in range(count):
        row = table + k * SERIES_FLOATS
        number = int(floats[row + K_EXPIRY])
        expiry, state = expiries + number * EXPIRY_FLOATS, states + number * STATE_FLOATS
        years = years_left(floats, expiry, seconds)
        strike, is_call = floats[row + K_STRIKE], floats[row + K_CALL] > 0.5
        # Carry is that of the whole life: what has passed of it today is less than anybody quotes.
        carry = floats[expiry + X_CARRY]
        unit = 0.3 * math.sqrt(max(floats[expiry + X_YEARS], 1.0 / 365.0))
        first = (math.log(strike / first_spot) - carry) / unit
        ahead = event if floats[expiry + X_YEARS] * 365.0 > event_days else 0.0
        sigma = sigma_of(floats, row, state, first - moved / unit, first, ahead, years)
        value, delta, gamma, vega = black_scholes(
            spot, strike, years, sigma, carry, floats[expiry + X_RATE], is_call
        )
        premium, slope = early_exercise(floats, row, moved)
        inner_value = spot - strike if is_call else strike - spot
        out = values + k * VALUE_FLOATS
        floats[out + V_VALUE] = max(value + premium, inner_value, 0.0)
        floats[out + V_DELTA] = min(max(delta + slope / spot, -1.0), 1.0)
        floats[out + V_GAMMA], floats[out + V_VEGA] = gamma, vega
        floats[out + V_SIGMA] = sigma


@inner
def expiries_of(arena: Arena, trader: int) -> int:
    """Return how many expiries a trader's table has."""
    return arena[population_row(arena, trader) + U_EXPIRIES]


@inner
def step_kind(arena: Arena, trader: int) -> int:
    """Return the phase of a trader's stock."""
    row = arena[at.H_OFFSET + at.S_INSTRUMENT] + arena[trader + at.TR_INSTRUMENT] * 128
    return arena[row + at.I_PHASE]
