"""A dealer's surface, compiled: how its state goes on, and gives way to the market.

It is the chain's that the market started from, moved by a level, a skew and a curvature of each
expiry. These revert to nothing, share a common shock with the population's other dealers, move
against the stock, follow what the stock realises, rise where the dealer sells vega, and give way to
what the market's own middles say.
"""

from agents.crowd.dealer_rows import (
    D_CORRELATION,
    D_CURVE,
    D_EVENT,
    D_EVENT_DAYS,
    D_EVENT_OVER,
    D_FLOW,
    D_LEARN,
    D_REALISED,
    D_REVERSION,
    D_SKEW,
    D_VOLATILITY,
    M_BUCKET,
    M_BUCKET_SPOT,
    M_REALISED,
    M_SPOT,
    memory_floats,
    setting_of,
)
from agents.crowd.dealer_shapes import (
    BUCKET_S,
    MOST_BUCKETS,
    keep_share,
    learnt,
    lowest_level,
    may_learn,
    next_realised,
    realised_drift,
    shocks,
    step_weight,
    stepped,
    stock_step,
    tells_volatility,
)
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_EXPIRY,
    K_TICK,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
    X_SIGMA,
    X_YEARS,
)
from agents.crowd.option_value import (
    STATE_FLOATS,
    V_DELTA,
    V_VALUE,
    V_VEGA,
    VALUE_FLOATS,
    Y_BIAS,
    Y_CURVE,
    Y_LEVEL,
    Y_SKEW,
    Y_VEGA,
    Y_VEGA_BEFORE,
    years_left,
)
from agents.crowd.rows import U_TRADERS, Floats, population_row, trader_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena


@inner
def move_surface(arena: Arena, floats: Floats, trader: int, bucket: int, spot: float) -> None:
    """Let the surface's state go one step on."""
    head, states, _ = memory_floats(arena, trader)
    population = population_row(arena, trader)
    common = arena[trader_row(arena, arena[population + U_TRADERS]) + at.TR_KEY]
    moved = stock_step(spot, floats[head + M_BUCKET_SPOT])
    floats[head + M_BUCKET_SPOT] = spot
    floats[head + M_REALISED] = next_realised(floats[head + M_REALISED], moved)
    keep = keep_share(setting_of(arena, floats, trader, D_REVERSION))
    level, skew, curve = shocks(
        common, arena[trader + at.TR_KEY], bucket, moved,
        setting_of(arena, floats, trader, D_CORRELATION),
    )  # fmt: skip
    follows = setting_of(arena, floats, trader, D_REALISED)
    table = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    for e in range(arena[population + U_EXPIRIES]):
        state = states + e * STATE_FLOATS
        weight = step_weight(floats[table + e * EXPIRY_FLOATS + X_YEARS])
        sold = floats[state + Y_VEGA_BEFORE] - floats[state + Y_VEGA]
        floats[state + Y_VEGA_BEFORE] = floats[state + Y_VEGA]
        floats[state + Y_LEVEL] = (
            stepped(floats[state + Y_LEVEL], keep, weight,
                    setting_of(arena, floats, trader, D_VOLATILITY), level)
            + realised_drift(follows, weight, floats[head + M_REALISED], floats[state + Y_LEVEL])
            + setting_of(arena, floats, trader, D_FLOW) * sold
        )  # fmt: skip
        floats[state + Y_SKEW] = stepped(
            floats[state + Y_SKEW], keep, weight, setting_of(arena, floats, trader, D_SKEW), skew
        )
        floats[state + Y_CURVE] = stepped(
            floats[state + Y_CURVE], keep, weight, setting_of(arena, floats, trader, D_CURVE), curve
        )


@inner
def learn(arena: Arena, floats: Floats, trader: int) -> None:
    """Let each expiry's level come closer to what the market's middles say of it.

    The gap is that of the sums of middles and own values over the sum of vegas: series with much
    vega say most. A dealer that is alone in its opinion gives way to the others.
    """
    head, states, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table, first = arena[population + U_TABLE], arena[population + U_SERIES_FIRST]
    expiries = table + arena[population + U_SERIES] * SERIES_FLOATS
    as_of = arena[trader + at.TR_VIEW_TIME]
    share = setting_of(arena, floats, trader, D_LEARN)
    expiry, gap, vega = -1, 0.0, 0.0
    for k in range(arena[population + U_SERIES] + 1):
        of = -1
        if k < arena[population + U_SERIES]:
            of = int(floats[table + k * SERIES_FLOATS + K_EXPIRY])
        if of != expiry:
            # Series stand in order of their expiries.
            if expiry >= 0:
                years = floats[expiries + expiry * EXPIRY_FLOATS + X_YEARS]
                if may_learn(vega, floats[head + M_SPOT], years):
                    floats[states + expiry * STATE_FLOATS + Y_LEVEL] += learnt(share, gap, vega)
            expiry, gap, vega = of, 0.0, 0.0
            if of < 0:
                return
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        if not tells_volatility(floats[own + V_DELTA]):
            continue
        touch = view_touch(arena, first + k, as_of)
        if touch == at.NONE or arena[touch + at.TO_BID_QUANTITY] <= 0:
            continue
        if arena[touch + at.TO_ASK_QUANTITY] <= 0:
            continue
        middle = 0.5 * (arena[touch + at.TO_BID] + arena[touch + at.TO_ASK]) * floats[row + K_TICK]
        gap += middle - floats[own + V_VALUE]
        vega += floats[own + V_VEGA]


@inner
def keep_calendar(arena: Arena, floats: Floats, trader: int, seconds: float) -> None:
    """Let no expiry have less variance to come than one before it.

    Each level goes its own way; where a later date came to be worth less than an earlier one,
    others would trade the one against the other with this dealer until its limits end it.
    """
    _, states, _ = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    event = announced(arena, floats, trader)
    most = latest = 0.0
    for e in range(arena[population + U_EXPIRIES]):
        expiry, state = table + e * EXPIRY_FLOATS, states + e * STATE_FLOATS
        first, sigma = floats[expiry + X_YEARS], floats[expiry + X_SIGMA]
        # Rows of what was listed later are not in order.
        if sigma <= 0.0 or first <= 0.0 or first < latest:
            continue
        years, latest = years_left(floats, expiry, seconds), first
        is_after = first * 365.0 > setting_of(arena, floats, trader, D_EVENT_DAYS)
        ahead = event if is_after else 0.0
        own = sigma + floats[state + Y_BIAS]
        least = lowest_level(most, own, years, ahead)
        floats[state + Y_LEVEL] = max(floats[state + Y_LEVEL], least)
        sigma = own + floats[state + Y_LEVEL]
        most = max(most, sigma * sigma * years + ahead)


@inner
def announced(arena: Arena, floats: Floats, trader: int) -> float:
    """Return the variance that an announcement ahead is expected to bring; 0 once it is over."""
    if setting_of(arena, floats, trader, D_EVENT_OVER) > 0.5:
        return 0.0
    return setting_of(arena, floats, trader, D_EVENT)


@inner
def catch_up(arena: Arena, floats: Floats, trader: int, seconds: float, spot: float) -> bool:
    """Let the surface's state come to now; return whether it moved."""
    head, _, _ = memory_floats(arena, trader)
    now, last = int(seconds / BUCKET_S), int(floats[head + M_BUCKET])
    if floats[head + M_BUCKET_SPOT] <= 0.0:
        floats[head + M_BUCKET_SPOT] = spot
        floats[head + M_REALISED] = 1.0
    # After a halt the buckets that passed are one step: nobody watched them one by one.
    first = max(last + 1, now - MOST_BUCKETS + 1)
    for bucket in range(first, now + 1):
        move_surface(arena, floats, trader, bucket, spot)
    floats[head + M_BUCKET] = now
    return now > last
