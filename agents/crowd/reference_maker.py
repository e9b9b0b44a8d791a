"""The reference's momentum trader and adaptive market maker, compiled."""

import math

from agents.crowd.reference import (
    B_SPREAD,
    F_RATE,
    F_SHARE,
    F_SKEW,
    F_SPREAD_WEIGHT,
    U_BACKSTOP,
    U_FAST,
    U_LEVELS,
    U_MINIMUM,
    U_SLOW,
    U_SPACING,
    U_SPACING_TICKS,
    draw_size,
    poisson_gap,
    setting,
)
from agents.crowd.rows import (
    Floats,
    inventory,
    population_row,
    send_cancel_all,
    send_limit,
)
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena


@inner
def decide_momentum(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Buy at the ask while the fast average of seen mids is at or above the slow one, else sell."""
    population = population_row(arena, trader)
    following = poisson_gap(arena, trader, setting(arena, beliefs, trader, F_RATE))
    if touch == at.NONE:
        return following
    if arena[touch + at.TO_BID_QUANTITY] == 0 or arena[touch + at.TO_ASK_QUANTITY] == 0:
        return following
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    slow, fast = arena[population + U_SLOW], arena[population + U_FAST]
    memory, seen = arena[trader + at.TR_MEMORY], arena[trader + at.TR_COUNT]
    beliefs[memory + seen % slow] = 0.5 * (bid + ask)
    seen += 1
    arena[trader + at.TR_COUNT] = seen
    if seen < slow:
        return following
    slow_sum = fast_sum = 0.0
    for back in range(1, slow + 1):
        mid = beliefs[memory + (seen - back) % slow]
        slow_sum += mid
        if back <= fast:
            fast_sum += mid
    quantity = draw_size(arena, trader)
    if fast_sum * slow >= slow_sum * fast:
        send_limit(arena, trader, at.BUY, ask, quantity, at.DAY)
    else:
        send_limit(arena, trader, at.SELL, bid, quantity, at.DAY)
    return following


@inner
def decide_maker(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Cancel the ladder and quote a new one around the mid, sized by the volume since last time."""
    population = population_row(arena, trader)
    following = poisson_gap(arena, trader, setting(arena, beliefs, trader, F_RATE))
    if arena[trader + at.TR_COUNT] > 0:
        send_cancel_all(arena, trader)
    if touch == at.NONE:
        return following
    traded = arena[touch + at.TO_VOLUME] - arena[trader + at.TR_STATE]
    arena[trader + at.TR_STATE] = arena[touch + at.TO_VOLUME]
    share = setting(arena, beliefs, trader, F_SHARE)
    size = max(round(share * max(traded, 0)), arena[population + U_MINIMUM])
    middle = _maker_middle(arena, beliefs, trader, touch)
    if middle <= 0:
        return following
    skew = setting(arena, beliefs, trader, F_SKEW)
    if skew > 0.0:
        middle -= round(skew * inventory(arena, trader))
    _quote_ladder(arena, beliefs, trader, middle, size)
    arena[trader + at.TR_COUNT] += 1
    return following


@inner
def _maker_middle(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Return the mid in ticks, and take the touch's width into the running spread."""
    belief = arena[trader + at.TR_BELIEF]
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    if arena[touch + at.TO_BID_QUANTITY] > 0 and arena[touch + at.TO_ASK_QUANTITY] > 0:
        weight = setting(arena, beliefs, trader, F_SPREAD_WEIGHT)
        kept_spread = (1.0 - weight) * beliefs[belief + B_SPREAD]
        beliefs[belief + B_SPREAD] = weight * (ask - bid) + kept_spread
        return (bid + ask) // 2
    if arena[touch + at.TO_BID_QUANTITY] > 0:
        return bid + int(beliefs[belief + B_SPREAD] * 0.5)
    if arena[touch + at.TO_ASK_QUANTITY] > 0:
        return ask - int(beliefs[belief + B_SPREAD] * 0.5)
    return arena[touch + at.TO_LAST]


@inner
def _quote_ladder(arena: Arena, beliefs: Floats, trader: int, middle: int, size: int) -> None:
    population = population_row(arena, trader)
    spread = beliefs[arena[trader + at.TR_BELIEF] + B_SPREAD]
    window = max(round(spread), 1)
    if arena[population + U_SPACING_TICKS] > 0:
        gap = arena[population + U_SPACING_TICKS]
    else:
        gap = max(math.ceil(spread * arena[population + U_SPACING]), 1)
    best_bid = middle - window // 2
    best_ask = middle + (window + 1) // 2
    if best_ask <= best_bid:
        best_ask = best_bid + 1
    levels, backstop = arena[population + U_LEVELS], arena[population + U_BACKSTOP]
    for k in range(levels):
        quantity = max(size, backstop) if k == levels - 1 else size
        send_limit(arena, trader, at.BUY, best_bid - k * gap, quantity, at.DAY)
        send_limit(arena, trader, at.SELL, best_ask + k * gap, quantity, at.DAY)
