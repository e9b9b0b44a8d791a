"""Who uses options: their roles' names and settings, and how each of them sends orders."""

from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_EXPIRY,
    SERIES_FLOATS,
    U_SERIES,
    U_TABLE,
    X_YEARS,
)
from agents.crowd.rows import U_FIRST, Floats, departure, link_arrival, next_counter, population_row
from environment.compiled import inner
from environment.draws import draw_uniform
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
def is_alive(arena: Arena, floats: Floats, trader: int, series: int) -> bool:
    """Return whether a series of the table still trades on this day."""
    population = population_row(arena, trader)
    table, count = arena[population + U_TABLE], arena[population + U_SERIES]
    expiry = int(floats[table + series * SERIES_FLOATS + K_EXPIRY])
    return floats[table + count * SERIES_FLOATS + expiry * EXPIRY_FLOATS + X_YEARS] > 0.0
