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
    K_STRIKE,
    SERIES_FLOATS,
    U_SERIES,
    U_TABLE,
    X_CARRY,
    X_DIVIDENDS,
    X_RATE,
    X_YEARS,
    early_exercise,
    normal_below,
    smile_volatility,
)
from agents.crowd.rows import Floats, population_row
from environment.compiled import inner, njit
from environment.market.arena import Arena

_YEAR_S = 365.0 * 86_400.0
_ROOT_TWO_PI = 2.5066282746310002
SIGMA_MIN, SIGMA_MAX = 0.02, 4.0
# What a dealer keeps of each expiry, from `expiries` on: shifts of its surface, and its greeks.
Y_LEVEL, Y_SKEW, Y_CURVE, Y_VEGA, Y_VEGA_BEFORE, Y_BIAS, Y_GAMMA = range(7)
STATE_FLOATS = 8
# And of each series: value, greeks per share, the contracts it knows that it holds, and will know.
V_VALUE, V_DELTA, V_GAMMA, V_VEGA, V_HELD, V_HEARD, V_SIGMA = range(7)
VALUE_FLOATS = 8


@njit
def years_left(floats: Floats, expiry: int, seconds: float) -> float:
    """Return the years to an expiry, so many seconds after the open; a minute at the least."""
    return max(floats[expiry + X_YEARS] - seconds / _YEAR_S, 60.0 / _YEAR_S)


@njit
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


@njit
def sigma_of(
    floats: Floats, row: int, moved: float, shift: float, event: float, years: float
) -> float:
    """Return the volatility at which a dealer values a series.

    The chain's smile goes with the stock (sticky delta), whose move is `moved`; `shift` is what the
    dealer's own surface adds; `event` is the variance that an announcement ahead is expected to
    bring.
    """
    sigma = smile_volatility(floats, row, moved) + shift
    variance = sigma * sigma + event / years
    return min(max(math.sqrt(variance), SIGMA_MIN), SIGMA_MAX)


@njit
def shift_of(level: float, skew: float, curve: float, moneyness: float) -> float:
    """Return what a dealer's surface adds to a volatility, in units of ln(K / F) a deviation."""
    return level + skew * moneyness + curve * moneyness * moneyness


@njit
def log_move(spot: float, first_spot: float) -> float:
    """Return how far the stock has come from the price that the table was made for."""
    return math.log(spot / first_spot)


@njit
def value_series(
    floats: Floats, row: int, expiry: int, spot: float, first_spot: float, moved: float,
    seconds: float, level: float, skew: float, curve: float, event: float, event_days: float,
    rate_error: float, growth_error: float, dividend_error: float,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Return a series' value, delta, gamma, vega and volatility on a dealer's surface.

    `row` and `expiry` are where its words in the table begin; `moved` is `log_move`; `event` is
    total variance, expected `event_days` after the open, of expiries beyond that. The errors are
    this dealer's: of the rate and of what a holding grows by (rate less borrowing), per year, and
    of dividends, as a share of them. The premium of early exercise is everybody's.
    """
    years = years_left(floats, expiry, seconds)
    strike, is_call = floats[row + K_STRIKE], floats[row + K_CALL] > 0.5
    # Carry is that of the whole life: what has passed of it today is less than anybody quotes.
    carry = (
        floats[expiry + X_CARRY] + growth_error * max(floats[expiry + X_YEARS], 0.0)
        - dividend_error * floats[expiry + X_DIVIDENDS] / first_spot
    )  # fmt: skip
    unit = 0.3 * math.sqrt(max(floats[expiry + X_YEARS], 1.0 / 365.0))
    moneyness = (math.log(strike / first_spot) - carry - moved) / unit
    ahead = event if floats[expiry + X_YEARS] * 365.0 > event_days else 0.0
    shift = shift_of(level, skew, curve, moneyness)
    sigma = sigma_of(floats, row, moved, shift, ahead, years)
    value, delta, gamma, vega = black_scholes(
        spot, strike, years, sigma, carry, floats[expiry + X_RATE] + rate_error, is_call
    )
    premium, slope = early_exercise(floats, row, moved)
    inner_value = spot - strike if is_call else strike - spot
    delta = min(max(delta + slope / spot, -1.0), 1.0)
    return max(value + premium, inner_value, 0.0), delta, gamma, vega, sigma


@inner
def revalue(
    arena: Arena, floats: Floats, trader: int, states: int, values: int, spot: float,
    first_spot: float, seconds: float, event: float, event_days: float, rate_error: float,
    growth_error: float, dividend_error: float,
) -> None:  # fmt: skip
    """Value every series of a dealer at a price; `states` and `values` are its memories."""
    population = population_row(arena, trader)
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    expiries = table + count * SERIES_FLOATS
    moved = log_move(spot, first_spot)
    for k in range(count):
        row, out = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        number = int(floats[row + K_EXPIRY])
        expiry, state = expiries + number * EXPIRY_FLOATS, states + number * STATE_FLOATS
        value, delta, gamma, vega, sigma = value_series(
            floats, row, expiry, spot, first_spot, moved, seconds,
            floats[state + Y_BIAS] + floats[state + Y_LEVEL], floats[state + Y_SKEW],
            floats[state + Y_CURVE], event, event_days, rate_error, growth_error, dividend_error,
        )  # fmt: skip
        floats[out + V_VALUE], floats[out + V_DELTA] = value, delta
        floats[out + V_GAMMA], floats[out + V_VEGA], floats[out + V_SIGMA] = gamma, vega, sigma
