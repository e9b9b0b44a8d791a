"""Where a compiled dealer keeps what it was told and what it knows.

Its population has integers and floats by the names here; its memory is a head, then STATE_FLOATS
an expiry, then VALUE_FLOATS a series (see `option_value`).
"""

from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_TABLE,
    X_RATE,
)
from agents.crowd.option_value import STATE_FLOATS
from agents.crowd.rows import POPULATION_FLOATS, U_FIRST, Floats, population_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena

# Integers of the population, besides those of `option_rows`.
U_HEDGE_BAND, U_HEDGE_EVERY = U_FIRST, U_FIRST + 1
# Floats of the population. 7 is the mean gap between wake-ups, as for every population.
(D_VOLATILITY, D_CORRELATION, D_REVERSION, D_SKEW, D_CURVE, D_REALISED, D_FLOW, D_GAP,
 D_DELTA_MAX, D_GAMMA_MAX, D_VEGA_MAX, D_EXPIRY_SHARE, D_WIDTH, D_WIDEN, D_EVENT,
 D_EVENT_DAYS) = range(16)  # fmt: skip
D_VEGA_LEAN, D_FIRST_SPOT, D_EVENT_OVER, D_LEARN = 16, 17, 18, 19
# On a series' last day: what goes of its limits by the evening, contracts of it, how far to lean.
D_NARROW, D_LAST_CONTRACTS, D_LEAN = 20, 21, 22
D_SERIES = 23  # On any day: contracts held of one series at the most.
# A dealer's memory: a head, then STATE_FLOATS an expiry, then VALUE_FLOATS a series.
(M_BUCKET, M_SPOT, M_REALISED, M_DELTA, M_GAMMA, M_VEGA, M_SEEN, M_HANDLED, M_HEDGED, M_ARMED,
 M_BUCKET_SPOT, M_STALE, M_WIDTH, M_LIMITS, M_LISTED, M_OPENED,
 M_RATE_ERROR, M_GROWTH_ERROR, M_DIVIDEND_ERROR, M_WITHDRAWN) = range(20)  # fmt: skip
HEAD_FLOATS = 20


@inner
def setting_of(arena: Arena, floats: Floats, trader: int, name: int) -> float:
    """Return a float setting of a dealer's population."""
    return floats[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + name]


@inner
def memory_floats(arena: Arena, trader: int) -> tuple[int, int, int]:
    """Return where a dealer's head, states and values begin."""
    head = arena[trader + at.TR_MEMORY]
    states = head + HEAD_FLOATS
    expiries = arena[population_row(arena, trader) + U_EXPIRIES]
    return head, states, states + expiries * STATE_FLOATS


@inner
def listings(arena: Arena, floats: Floats, trader: int) -> float:
    """Return how often series were added to a dealer's table: see `option_growth`."""
    population = population_row(arena, trader)
    last = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    last += (arena[population + U_EXPIRIES] - 1) * EXPIRY_FLOATS
    return floats[last + X_RATE]
