"""Where the option crowd keeps what it knows: one table of series for all, memories for each.

The table lies in the belief array at a population's U_TABLE: SERIES_FLOATS a series, in order of
their numbers in the core from U_SERIES_FIRST on, then EXPIRY_FLOATS an expiry. It is written before
a day begins and says what everybody may know: terms, the surface and widths of the chain that the
market started from, early-exercise premiums around the day's first price. Money is in currency per
share, rates and volatilities per year. What is compiled with `njit` here and beside serves the
compiled rows and their twins in `option_traders` alike.
"""

import math

from agents.crowd.rows import Floats
from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena

# --- the table ------------------------------------------------------------------------------------
PREMIUM_POINTS = 9  # Early-exercise premiums at so many prices, PREMIUM_STEP apart.
PREMIUM_STEP = 0.025  # Of the first price, on a logarithmic scale; the middle point is that price.
(K_STRIKE, K_CALL, K_EXPIRY, K_PAIR, K_NEXT_STRIKE, K_NEXT_EXPIRY, K_MULTIPLIER, K_TICK,
 K_STEP_LOW, K_STEP_HIGH, K_THRESHOLD) = range(11)  # fmt: skip
K_SMILE = 11  # Volatilities at the same prices.
K_PREMIUM = K_SMILE + PREMIUM_POINTS
SERIES_FLOATS = K_PREMIUM + PREMIUM_POINTS + 1
# Carry is ln(forward / spot) in all; the spot is the stock's price that the table was made for.
X_YEARS, X_CARRY, X_RATE, X_DIVIDENDS, X_DAYS, X_SPOT = range(6)
X_SIGMA = 6  # The first morning's volatility at the money; 0 of expiries that are listed later.
X_WIDTHS = 8  # Half of what is quoted wide, at deltas from 0 to 1 of either sign.
WIDTH_POINTS = 9
EXPIRY_FLOATS = X_WIDTHS + WIDTH_POINTS + 1

# --- integer settings of a population (from rows.U_FIRST on; see `reference`) ---------------------
U_SERIES_FIRST, U_SERIES, U_EXPIRIES, U_TABLE = 24, 25, 26, 27


@inner
def observe_series(arena: Arena, trader: int, number: int) -> int:
    """Return the row of a series' touch as of this wake-up's look at the stock's, or NONE.

    One connection, one delay: stock and series are seen as they were at one moment.
    """
    return view_touch(arena, number, arena[trader + at.TR_VIEW_TIME])


@njit
def early_exercise(floats: Floats, row: int, moved: float) -> tuple[float, float]:
    """Return a series' early-exercise premium and its slope in the log price.

    `moved` is ln(spot / first price); between the points the premium is linear, beyond them kept.
    """
    return _between(floats, row + K_PREMIUM, moved)


@njit
def smile_volatility(floats: Floats, row: int, moved: float) -> float:
    """Return the volatility of a series on the chain's smile, which the stock has carried along."""
    return _between(floats, row + K_SMILE, moved)[0]


@njit
def _between(floats: Floats, first: int, moved: float) -> tuple[float, float]:
    place = moved / PREMIUM_STEP + (PREMIUM_POINTS - 1) * 0.5
    if place <= 0.0:
        return floats[first], 0.0
    if place >= PREMIUM_POINTS - 1:
        return floats[first + PREMIUM_POINTS - 1], 0.0
    below = int(place)
    low, high = floats[first + below], floats[first + below + 1]
    return low + (place - below) * (high - low), (high - low) / PREMIUM_STEP


@njit
def half_width(floats: Floats, expiry: int, delta: float) -> float:
    """Return half of what is quoted wide at a delta, in currency; it is that of both rights."""
    place = min(abs(delta), 1.0) * (WIDTH_POINTS - 1)
    below = min(int(place), WIDTH_POINTS - 2)
    low = floats[expiry + X_WIDTHS + below]
    return low + (place - below) * (floats[expiry + X_WIDTHS + below + 1] - low)


@njit
def normal_below(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@njit
def increment(floats: Floats, row: int, ticks: float) -> int:
    """Return the increment, in ticks, of a series' prices at a price."""
    if ticks < floats[row + K_THRESHOLD]:
        return int(floats[row + K_STEP_LOW])
    return int(floats[row + K_STEP_HIGH])
