"""Populations beyond the reference, compiled: self-exciting flow, spoofers, momentum ignition.

The same traders as Python actors draw in the same order: `hawkes`, `spoofer`, `ignition`.
"""

from agents.crowd.reference import (
    B_BOUND,
    B_ESTIMATE,
    F_BRANCHING,
    F_DECAY,
    F_DEPTH_SCALE,
    F_DEPTH_TAIL,
    F_MARKET,
    F_PASSIVE,
    F_RATE,
    F_SHARE,
    F_U_WEIGHT,
    draw_size,
    exponential,
    poisson_gap,
    setting,
    uniform,
)
from agents.crowd.rows import (
    U_CLOSE,
    U_FIRST,
    U_OPEN,
    Floats,
    next_counter,
    population_row,
    send_cancel_all,
    send_limit,
    send_market,
)
from agents.crowd.shapes import decayed, power_depth, run_length
from environment.compiled import inner
from environment.draws import draw_integer
from environment.market import layout as at
from environment.market.arena import Arena

U_LONGEST_DEPTH = U_FIRST
U_LAYERS, U_LAYER_SIZE, U_DISTANCE, U_HOLD = U_FIRST, U_FIRST + 1, U_FIRST + 2, U_FIRST + 3
U_BURST, U_GAP, U_UNWIND = U_FIRST, U_FIRST + 1, U_FIRST + 2


@inner
def _base_rate(arena: Arena, beliefs: Floats, trader: int) -> float:
    """Return the rate per ns without excitation, U-shaped over the day by its weight."""
    population = population_row(arena, trader)
    opens = arena[population + U_OPEN]
    x = (arena[at.H_NOW] - opens) / (arena[population + U_CLOSE] - opens)
    weight = setting(arena, beliefs, trader, F_U_WEIGHT)
    return setting(arena, beliefs, trader, F_RATE) * (
        1.0 - weight + weight * 12.0 * (x - 0.5) * (x - 0.5)
    )


@inner
def decide_hawkes(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Self-exciting flow, exponential kernel, by thinning (Ogata 1981).

    A trader's market orders come in runs of one sign whose length has a heavy tail: the splitting
    of large orders that gives the sign of trades its long memory (Lillo, Mike & Farmer 2005).
    """
    belief = arena[trader + at.TR_BELIEF]
    decay = setting(arena, beliefs, trader, F_DECAY)
    now = arena[at.H_NOW]
    excited = beliefs[belief + B_ESTIMATE]
    bound = beliefs[belief + B_BOUND]
    if arena[trader + at.TR_MEMORY] > 0:
        excited = decayed(excited, decay, now - arena[trader + at.TR_MEMORY])
    rate = _base_rate(arena, beliefs, trader) + excited
    if bound <= 0.0 or uniform(arena, trader) * bound < rate:
        if bound > 0.0:
            _act_hawkes(arena, beliefs, trader, touch)
            excited += setting(arena, beliefs, trader, F_BRANCHING) * decay
    beliefs[belief + B_ESTIMATE] = excited
    arena[trader + at.TR_MEMORY] = now
    # The base may rise towards the close: three times its mean bounds it all day.
    weight = setting(arena, beliefs, trader, F_U_WEIGHT)
    bound = setting(arena, beliefs, trader, F_RATE) * (1.0 + 2.0 * weight) + excited
    beliefs[belief + B_BOUND] = bound
    return poisson_gap(arena, trader, 1.0 / bound)


@inner
def _act_hawkes(arena: Arena, beliefs: Floats, trader: int, touch: int) -> None:
    if touch == at.NONE:
        return
    if arena[touch + at.TO_BID_QUANTITY] == 0 or arena[touch + at.TO_ASK_QUANTITY] == 0:
        return
    what = uniform(arena, trader)
    market = setting(arena, beliefs, trader, F_MARKET)
    if what < market:
        if arena[trader + at.TR_COUNT] <= 0:
            arena[trader + at.TR_SIDE] = draw_integer(
                arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2
            )
            arena[trader + at.TR_COUNT] = run_length(uniform(arena, trader))
        arena[trader + at.TR_COUNT] -= 1
        side = arena[trader + at.TR_SIDE]
        # Takes what stands at the touch, and no more: few real orders walk the book.
        far = at.TO_ASK if side == at.BUY else at.TO_BID
        send_limit(arena, trader, side, arena[touch + far], draw_size(arena, trader), at.IOC)
    elif what < market + setting(arena, beliefs, trader, F_SHARE):
        send_cancel_all(arena, trader)
    else:
        _post_hawkes(arena, beliefs, trader, touch)


@inner
def _post_hawkes(arena: Arena, beliefs: Floats, trader: int, touch: int) -> None:
    side = draw_integer(arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2)
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    depth = power_depth(
        uniform(arena, trader),
        setting(arena, beliefs, trader, F_DEPTH_TAIL),
        setting(arena, beliefs, trader, F_DEPTH_SCALE),
        arena[population_row(arena, trader) + U_LONGEST_DEPTH],
    )
    inside = 0
    if ask - bid > 1 and uniform(arena, trader) < setting(arena, beliefs, trader, F_PASSIVE):
        # Inside the spread, anywhere: this is what closes a wide one again.
        inside = draw_integer(arena[trader + at.TR_KEY], next_counter(arena, trader), 1, ask - bid)
        depth = 0
    quantity = draw_size(arena, trader)
    if side == at.BUY:
        send_limit(arena, trader, side, bid + inside - depth, quantity, at.DAY)
    else:
        send_limit(arena, trader, side, ask - inside + depth, quantity, at.DAY)


@inner
def decide_spoofer(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Rest a small order on one side, layer large ones on the other, and soon cancel them."""
    population = population_row(arena, trader)
    if arena[trader + at.TR_STATE] == 1:
        send_cancel_all(arena, trader)
        arena[trader + at.TR_STATE] = 0
        return poisson_gap(arena, trader, setting(arena, beliefs, trader, F_RATE))
    if touch == at.NONE:
        return poisson_gap(arena, trader, setting(arena, beliefs, trader, F_RATE))
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    if arena[touch + at.TO_BID_QUANTITY] == 0 or arena[touch + at.TO_ASK_QUANTITY] == 0:
        return poisson_gap(arena, trader, setting(arena, beliefs, trader, F_RATE))
    side = draw_integer(arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2)
    size, distance = draw_size(arena, trader), arena[population + U_DISTANCE]
    send_limit(arena, trader, side, bid if side == at.BUY else ask, size, at.DAY)
    for layer in range(arena[population + U_LAYERS]):
        if side == at.BUY:
            price = ask + distance + layer
        else:
            price = bid - distance - layer
        send_limit(arena, trader, 1 - side, price, arena[population + U_LAYER_SIZE], at.DAY)
    arena[trader + at.TR_STATE] = 1
    return arena[at.H_NOW] + max(arena[population + U_HOLD], 1)


@inner
def decide_ignition(arena: Arena, beliefs: Floats, trader: int) -> int:
    """Push the price with a burst of market orders, then sell into those who follow."""
    population = population_row(arena, trader)
    burst, gap = arena[population + U_BURST], max(arena[population + U_GAP], 1)
    count = arena[trader + at.TR_COUNT]
    if count == 0:
        arena[trader + at.TR_SIDE] = draw_integer(
            arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2
        )
    arena[trader + at.TR_COUNT] = count + 1
    side = arena[trader + at.TR_SIDE]
    quantity = draw_size(arena, trader)
    if count < burst:
        send_market(arena, trader, side, quantity)
        wait = gap if count + 1 < burst else arena[population + U_UNWIND]
        return arena[at.H_NOW] + max(wait, 1)
    send_market(arena, trader, 1 - side, quantity)
    if count + 1 < 2 * burst:
        return arena[at.H_NOW] + gap
    arena[trader + at.TR_COUNT] = 0
    mean = setting(arena, beliefs, trader, F_RATE)
    return arena[at.H_NOW] + max(round(mean * exponential(arena, trader)), 1)
