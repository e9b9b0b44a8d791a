"""What a compiled dealer knows that it holds, what that comes to, and what its limits leave.

It knows of its own fills what it had heard by its wake-up before: a wake-up is much longer than a
report takes.
"""

from agents.crowd.dealer_rows import (
    D_DELTA_MAX,
    D_EXPIRY_SHARE,
    D_GAMMA_MAX,
    D_VEGA_MAX,
    M_DELTA,
    M_GAMMA,
    M_HANDLED,
    M_LIMITS,
    M_SEEN,
    M_VEGA,
    memory_floats,
    setting_of,
)
from agents.crowd.dealer_shapes import limit_use, may_add
from agents.crowd.option_rows import (
    K_EXPIRY,
    K_MULTIPLIER,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
)
from agents.crowd.option_value import (
    STATE_FLOATS,
    V_DELTA,
    V_GAMMA,
    V_HEARD,
    V_HELD,
    V_VEGA,
    VALUE_FLOATS,
    Y_GAMMA,
    Y_VEGA,
)
from agents.crowd.rows import Floats, inventory, population_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.holdings import find_holding
from environment.market.protection import dealer_row


@inner
def read_holdings(arena: Arena, floats: Floats, trader: int) -> None:
    """Hear what is held in each series now; that is not known yet."""
    head, _, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    account, first = arena[trader + at.TR_ACCOUNT], arena[population + U_SERIES_FIRST]
    for k in range(arena[population + U_SERIES]):
        row = find_holding(arena, account, first + k)
        floats[values + k * VALUE_FLOATS + V_HEARD] = arena[row + at.P_QUANTITY]
    floats[head + M_SEEN] = arena[dealer_row(arena, arena[trader + at.TR_DEALER]) + at.DE_FILLS]


@inner
def take_in(arena: Arena, floats: Floats, trader: int) -> None:
    """Let the dealer know what it has heard."""
    head, _, values = memory_floats(arena, trader)
    for k in range(arena[population_row(arena, trader) + U_SERIES]):
        floats[values + k * VALUE_FLOATS + V_HELD] = floats[values + k * VALUE_FLOATS + V_HEARD]
    floats[head + M_HANDLED] = floats[head + M_SEEN]


@inner
def hear_fills(arena: Arena, floats: Floats, trader: int) -> bool:
    """Take in what the last wake-up heard of; return whether that changed what the dealer knows.

    A dealer that waits, in a halt or before a price, hears of its fills all the same.
    """
    head, _, _ = memory_floats(arena, trader)
    fills = float(arena[dealer_row(arena, arena[trader + at.TR_DEALER]) + at.DE_FILLS])
    is_news = floats[head + M_SEEN] != floats[head + M_HANDLED]
    if is_news:
        take_in(arena, floats, trader)
    if fills != floats[head + M_SEEN]:
        read_holdings(arena, floats, trader)
    return is_news


@inner
def sum_greeks(arena: Arena, floats: Floats, trader: int) -> None:
    """Sum delta, gamma (shares per 1 of price) and vega (money per point) over what is held."""
    head, states, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table = arena[population + U_TABLE]
    for e in range(arena[population + U_EXPIRIES]):
        floats[states + e * STATE_FLOATS + Y_VEGA] = 0.0
        floats[states + e * STATE_FLOATS + Y_GAMMA] = 0.0
    delta = gamma = vega = 0.0
    for k in range(arena[population + U_SERIES]):
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        held = floats[own + V_HELD] * floats[row + K_MULTIPLIER]
        if held != 0.0:
            delta += held * floats[own + V_DELTA]
            gamma += held * floats[own + V_GAMMA]
            points = held * floats[own + V_VEGA] * 0.01
            vega += points
            state = states + int(floats[row + K_EXPIRY]) * STATE_FLOATS
            floats[state + Y_VEGA] += points
            floats[state + Y_GAMMA] += held * floats[own + V_GAMMA]
    floats[head + M_DELTA], floats[head + M_GAMMA], floats[head + M_VEGA] = delta, gamma, vega


@inner
def used(arena: Arena, floats: Floats, trader: int) -> float:
    """Return how much of its tightest limit a dealer uses; above 1 it is beyond."""
    head, _, _ = memory_floats(arena, trader)
    use = limit_use(
        floats[head + M_VEGA], floats[head + M_GAMMA],
        floats[head + M_DELTA] + inventory(arena, trader),
        setting_of(arena, floats, trader, D_VEGA_MAX),
        setting_of(arena, floats, trader, D_GAMMA_MAX),
        setting_of(arena, floats, trader, D_DELTA_MAX),
    )  # fmt: skip
    return use / floats[head + M_LIMITS]


@inner
def may_buy_vega(
    arena: Arena, floats: Floats, trader: int, state: int, sign: float, left: float
) -> bool:
    """Return whether a series' vega may be bought (sign 1) or sold (-1) within the limits."""
    head, _, _ = memory_floats(arena, trader)
    return may_add(
        sign, floats[head + M_VEGA], floats[head + M_GAMMA], floats[state + Y_VEGA],
        floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_VEGA_MAX),
        floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_GAMMA_MAX),
        setting_of(arena, floats, trader, D_EXPIRY_SHARE), floats[state + Y_GAMMA], left,
    )  # fmt: skip
