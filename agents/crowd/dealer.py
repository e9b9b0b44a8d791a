"""The option dealer, compiled: a surface of its own, quotes in many series, hedges in the stock.

Its surface is the chain's that the market started from, moved by a level, a skew and a curvature of
each expiry. These revert to nothing, share a common shock with the population's other dealers, move
against the stock, follow what the stock realises, rise where the dealer sells vega, and give way to
what the market's own middles say. What the
dealer knows of its own fills is what it had heard by its wake-up before: a wake-up is much longer
than a report takes.
"""

import math

from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_EXPIRY,
    K_HALF_WIDTH,
    K_MULTIPLIER,
    K_TICK,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
    X_YEARS,
    increment,
)
from agents.crowd.option_value import (
    STATE_FLOATS,
    V_DELTA,
    V_GAMMA,
    V_HEARD,
    V_HELD,
    V_VALUE,
    V_VEGA,
    VALUE_FLOATS,
    Y_CURVE,
    Y_LEVEL,
    Y_SKEW,
    Y_VEGA,
    Y_VEGA_BEFORE,
    revalue,
    step_kind,
)
from agents.crowd.rows import (
    POPULATION_FLOATS,
    U_FIRST,
    U_OPEN,
    U_SIZE_LOW,
    U_TRADERS,
    Floats,
    departure,
    inventory,
    link_arrival,
    next_counter,
    population_row,
    send_limit,
    trader_row,
)
from environment.compiled import inner
from environment.draws import draw_normal, draw_uniform
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena
from environment.market.heap import push
from environment.market.holdings import find_holding
from environment.market.ladder import order_row
from environment.market.mass_quote import is_up, may_send, send_quotes, write_quote
from environment.market.obligations import width_allowed
from environment.market.protection import dealer_row, quote_row

# Integers of the population, besides those of `option_rows`.
U_HEDGE_BAND, U_HEDGE_EVERY = U_FIRST, U_FIRST + 1
# Floats of the population. 7 is the mean gap between wake-ups, as for every population.
(D_VOLATILITY, D_CORRELATION, D_REVERSION, D_SKEW, D_CURVE, D_REALISED, D_FLOW, D_GAP,
 D_DELTA_MAX, D_GAMMA_MAX, D_VEGA_MAX, D_EXPIRY_SHARE, D_WIDTH, D_WIDEN, D_EVENT,
 D_EVENT_DAYS) = range(16)  # fmt: skip
D_FIRST_SPOT, D_EVENT_OVER, D_LEARN = 17, 18, 19
# A dealer's memory: a head, then STATE_FLOATS an expiry, then VALUE_FLOATS a series.
(M_BUCKET, M_SPOT, M_REALISED, M_DELTA, M_GAMMA, M_VEGA, M_SEEN, M_HANDLED, M_HEDGED, M_PHASE,
 M_ARMED, M_BUCKET_SPOT, M_STALE, M_WIDTH, M_LIMITS) = range(15)  # fmt: skip
HEAD_FLOATS = 16

BUCKET_S = 10.0  # The surface's state moves in steps of this length.
_BUCKET_YEARS = BUCKET_S / (252.0 * 23_400.0)
_COMMON, _OWN = 1 << 40, 1 << 41  # Draws of the surface's state: far from those of decisions.
_MOST_BUCKETS = 12
_LEAST_VEGA = 0.3  # Of an expiry's series together, per unit of the stock's price.
_MOST_LEARNT = 0.05  # Volatility, from one look at the market.
_TICKS_PER_UNIT = 100
_EDGE = 1.5  # Half-widths that another's price must be wrong by, to be traded with.
_WIDEST = 0.005  # Of the stock's price: its spread beyond which a dealer waits.
_OF_VALUE = 0.2  # Of an option's value: the most that either side of a quote is away from it.


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


# --- the surface ----------------------------------------------------------------------------------


@inner
def move_surface(arena: Arena, floats: Floats, trader: int, bucket: int, spot: float) -> None:
    """Let the surface's state go one step on."""
    head, states, _ = memory_floats(arena, trader)
    population = population_row(arena, trader)
    own = arena[trader + at.TR_KEY]
    common = arena[trader_row(arena, arena[population + U_TRADERS]) + at.TR_KEY]
    root = math.sqrt(_BUCKET_YEARS)
    moved = math.log(spot / floats[head + M_BUCKET_SPOT]) / (0.25 * root)
    moved = min(max(moved, -6.0), 6.0)
    floats[head + M_BUCKET_SPOT] = spot
    floats[head + M_REALISED] += (moved * moved - floats[head + M_REALISED]) / 90.0
    together = setting_of(arena, floats, trader, D_CORRELATION)
    apart = math.sqrt(max(1.0 - together * together, 0.0))
    keep = 1.0 - setting_of(arena, floats, trader, D_REVERSION) * _BUCKET_YEARS
    counter = 4 * bucket
    level = together * moved + apart * (
        0.9 * draw_normal(common, _COMMON + counter) + 0.435 * draw_normal(own, _OWN + counter)
    )
    skew = 0.9 * draw_normal(common, _COMMON + counter + 1)
    skew += 0.435 * draw_normal(own, _OWN + counter + 1)
    curve = 0.9 * draw_normal(common, _COMMON + counter + 2)
    curve += 0.435 * draw_normal(own, _OWN + counter + 2)
    realised = setting_of(arena, floats, trader, D_REALISED) * _BUCKET_YEARS
    realised *= math.sqrt(floats[head + M_REALISED]) - 1.0
    table = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    for e in range(arena[population + U_EXPIRIES]):
        state = states + e * STATE_FLOATS
        days = max(floats[table + e * EXPIRY_FLOATS + X_YEARS] * 365.0, 3.0)
        weight = min(math.sqrt(30.0 / days), 2.5)
        sold = floats[state + Y_VEGA_BEFORE] - floats[state + Y_VEGA]
        floats[state + Y_VEGA_BEFORE] = floats[state + Y_VEGA]
        floats[state + Y_LEVEL] = (
            keep * floats[state + Y_LEVEL]
            + weight * root * setting_of(arena, floats, trader, D_VOLATILITY) * level
            + weight * realised
            + setting_of(arena, floats, trader, D_FLOW) * sold
        )
        floats[state + Y_SKEW] = keep * floats[state + Y_SKEW] + (
            weight * root * setting_of(arena, floats, trader, D_SKEW) * skew
        )
        floats[state + Y_CURVE] = keep * floats[state + Y_CURVE] + (
            weight * root * setting_of(arena, floats, trader, D_CURVE) * curve
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
    as_of = arena[trader + at.TR_VIEW_TIME]
    share = setting_of(arena, floats, trader, D_LEARN)
    expiry, gap, vega = -1, 0.0, 0.0
    for k in range(arena[population + U_SERIES] + 1):
        of = -1
        if k < arena[population + U_SERIES]:
            of = int(floats[table + k * SERIES_FLOATS + K_EXPIRY])
        if of != expiry:
            # Series stand in order of their expiries.
            # On its last day an expiry says little of volatility, and that little loudly.
            if expiry >= 0 and vega > _LEAST_VEGA * floats[head + M_SPOT]:
                shift = min(max(gap / vega, -_MOST_LEARNT), _MOST_LEARNT)
                floats[states + expiry * STATE_FLOATS + Y_LEVEL] += share * shift
            expiry, gap, vega = of, 0.0, 0.0
            if of < 0:
                return
        touch = view_touch(arena, first + k, as_of)
        if touch == at.NONE or arena[touch + at.TO_BID_QUANTITY] <= 0:
            continue
        if arena[touch + at.TO_ASK_QUANTITY] <= 0:
            continue
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        middle = 0.5 * (arena[touch + at.TO_BID] + arena[touch + at.TO_ASK]) * floats[row + K_TICK]
        gap += middle - floats[own + V_VALUE]
        vega += floats[own + V_VEGA]


@inner
def catch_up(arena: Arena, floats: Floats, trader: int, seconds: float, spot: float) -> bool:
    """Let the surface's state come to now; return whether it moved."""
    head, _, _ = memory_floats(arena, trader)
    now, last = int(seconds / BUCKET_S), int(floats[head + M_BUCKET])
    if floats[head + M_BUCKET_SPOT] <= 0.0:
        floats[head + M_BUCKET_SPOT] = spot
        floats[head + M_REALISED] = 1.0
    # After a halt the buckets that passed are one step: nobody watched them one by one.
    first = max(last + 1, now - _MOST_BUCKETS + 1)
    for bucket in range(first, now + 1):
        move_surface(arena, floats, trader, bucket, spot)
    floats[head + M_BUCKET] = now
    return now > last


# --- what it holds --------------------------------------------------------------------------------


@inner
def hear_fills(arena: Arena, floats: Floats, trader: int) -> bool:
    """Take in what the last wake-up heard of; return whether that changed what the dealer knows."""
    head, _, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    count = arena[population + U_SERIES]
    fills = float(arena[dealer_row(arena, arena[trader + at.TR_STATE]) + at.DE_FILLS])
    is_news = floats[head + M_SEEN] != floats[head + M_HANDLED]
    if is_news:
        for k in range(count):
            floats[values + k * VALUE_FLOATS + V_HELD] = floats[values + k * VALUE_FLOATS + V_HEARD]
        floats[head + M_HANDLED] = floats[head + M_SEEN]
    if fills != floats[head + M_SEEN]:
        account, first = arena[trader + at.TR_ACCOUNT], arena[population + U_SERIES_FIRST]
        for k in range(count):
            row = find_holding(arena, account, first + k)
            floats[values + k * VALUE_FLOATS + V_HEARD] = arena[row + at.P_QUANTITY]
        floats[head + M_SEEN] = fills
    return is_news


@inner
def sum_greeks(arena: Arena, floats: Floats, trader: int) -> None:
    """Sum delta, gamma (shares per 1 of price) and vega (money per point) over what is held."""
    head, states, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table = arena[population + U_TABLE]
    for e in range(arena[population + U_EXPIRIES]):
        floats[states + e * STATE_FLOATS + Y_VEGA] = 0.0
    delta = gamma = vega = 0.0
    for k in range(arena[population + U_SERIES]):
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        held = floats[own + V_HELD] * floats[row + K_MULTIPLIER]
        if held != 0.0:
            delta += held * floats[own + V_DELTA]
            gamma += held * floats[own + V_GAMMA]
            points = held * floats[own + V_VEGA] * 0.01
            vega += points
            floats[states + int(floats[row + K_EXPIRY]) * STATE_FLOATS + Y_VEGA] += points
    floats[head + M_DELTA], floats[head + M_GAMMA], floats[head + M_VEGA] = delta, gamma, vega


# --- quotes ---------------------------------------------------------------------------------------


@inner
def forget_sent(arena: Arena, trader: int) -> None:
    """Have every quote sent again: the venue has pulled them, or refused them in a halt."""
    d = dealer_row(arena, arena[trader + at.TR_STATE])
    for k in range(arena[d + at.DE_COUNT]):
        q = quote_row(arena, arena[d + at.DE_FIRST] + k)
        arena[q + at.QU_SENT_BID_QUANTITY] = -1


@inner
def look_at_own(arena: Arena, trader: int) -> None:
    """Let what is left of each quote be what was sent, so that a traded one is filled up again."""
    d = dealer_row(arena, arena[trader + at.TR_STATE])
    for k in range(arena[d + at.DE_COUNT]):
        q = quote_row(arena, arena[d + at.DE_FIRST] + k)
        if arena[q + at.QU_SENT_BID_QUANTITY] < 0:
            continue
        for side in range(2):
            slot = arena[q + at.QU_BID_SLOT + side]
            left = arena[order_row(arena, slot) + at.O_LEAVES] if is_up(arena, slot) else 0
            sent = q + (at.QU_SENT_ASK_QUANTITY if side else at.QU_SENT_BID_QUANTITY)
            arena[sent] = min(left, arena[sent])


@inner
def used(arena: Arena, floats: Floats, trader: int) -> float:
    """Return how much of its tightest limit a dealer uses; above 1 it is beyond."""
    head, _, _ = memory_floats(arena, trader)
    most = abs(floats[head + M_VEGA]) / setting_of(arena, floats, trader, D_VEGA_MAX)
    most = max(most, abs(floats[head + M_GAMMA]) / setting_of(arena, floats, trader, D_GAMMA_MAX))
    net = floats[head + M_DELTA] + inventory(arena, trader)
    most = max(most, abs(net) / setting_of(arena, floats, trader, D_DELTA_MAX))
    return most / floats[head + M_LIMITS]


@inner
def may_buy_vega(arena: Arena, floats: Floats, trader: int, state: int, sign: float) -> bool:
    """Return whether a series' vega may be bought (sign 1) or sold (-1) within the limits.

    Gamma has vega's sign in every option, so both limits bind the same side.
    """
    head, _, _ = memory_floats(arena, trader)
    vega_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_VEGA_MAX)
    gamma_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_GAMMA_MAX)
    if sign * floats[head + M_VEGA] >= vega_max or sign * floats[head + M_GAMMA] >= gamma_max:
        return False
    share = setting_of(arena, floats, trader, D_EXPIRY_SHARE)
    return sign * floats[state + Y_VEGA] < share * vega_max


@inner
def quote_all(arena: Arena, floats: Floats, trader: int) -> int:
    """Write every quote whose rounded price or size has changed; return how many."""
    head, states, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table, dealer = arena[population + U_TABLE], arena[trader + at.TR_STATE]
    d = dealer_row(arena, dealer)
    size = arena[population + U_SIZE_LOW]
    use = used(arena, floats, trader)
    width = setting_of(arena, floats, trader, D_WIDTH) * floats[head + M_WIDTH]
    widen = 1.0 + setting_of(arena, floats, trader, D_WIDEN) * min(use, 2.0)
    net = floats[head + M_DELTA] + inventory(arena, trader)
    delta_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_DELTA_MAX)
    expiries = table + arena[population + U_SERIES] * SERIES_FLOATS
    first, as_of = arena[population + U_SERIES_FIRST], arena[trader + at.TR_VIEW_TIME]
    count = 0
    for k in range(arena[population + U_SERIES]):
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        number = int(floats[row + K_EXPIRY])
        if floats[expiries + number * EXPIRY_FLOATS + X_YEARS] <= 0.0:
            continue
        state = states + number * STATE_FLOATS
        ticks = floats[own + V_VALUE] / floats[row + K_TICK]
        step = increment(floats, row, ticks)
        # What is worth a few cents is quoted a few cents wide.
        half = min(floats[row + K_HALF_WIDTH] / floats[row + K_TICK], _OF_VALUE * ticks) * width
        half = max(half * widen, 0.5 * step)
        # To the nearest increment: outwards, a quote would be one wider than it is meant.
        bid = math.floor((ticks - half) / step + 0.5) * step
        ask = max(math.ceil((ticks + half) / step - 0.5) * step, bid + step, step)
        if bid < step and ticks >= 0.5 * step:
            bid = step if ask > step else 0
        # Another's price that is wrong by much is traded with; one wrong by little is stepped back
        # from, for the other may know better.
        seen, stepped = view_touch(arena, first + k, as_of), 0
        if seen != at.NONE:
            other, near = arena[seen + at.TO_ASK], _EDGE * half
            if arena[seen + at.TO_ASK_QUANTITY] > 0 and ticks - other < near and bid >= other:
                bid, stepped = other - step, 1
            other = arena[seen + at.TO_BID]
            if arena[seen + at.TO_BID_QUANTITY] > 0 and other - ticks < near and ask <= other:
                ask, stepped = other + step, -1
        # Beyond its limits a dealer would rather breach its duty than quote as narrow as that asks;
        # the width allowed goes by the bid. What was stepped back from is not gone nearer to.
        while use < 1.0 and ask - bid > max(width_allowed(int(bid), _TICKS_PER_UNIT), step):
            if stepped > 0 or (stepped == 0 and ticks - bid <= ask - ticks):
                ask -= step
            else:
                bid += step
        bids = asks = size
        delta = floats[own + V_DELTA]
        if bid < step or not may_buy_vega(arena, floats, trader, state, 1.0):
            bids = 0
        if not may_buy_vega(arena, floats, trader, state, -1.0):
            asks = 0
        if abs(net) >= delta_max:
            if net * delta > 0.0:
                bids = 0
            else:
                asks = 0
        q = quote_row(arena, arena[d + at.DE_FIRST] + k)
        if (arena[q + at.QU_SENT_BID] != bid or arena[q + at.QU_SENT_ASK] != ask
                or arena[q + at.QU_SENT_BID_QUANTITY] != bids
                or arena[q + at.QU_SENT_ASK_QUANTITY] != asks):  # fmt: skip
            points = floats[own + V_VEGA] * 0.01 * floats[row + K_MULTIPLIER]
            write_quote(arena, dealer, k, bid, bids, ask, asks, round(delta * 1e6),
                        round(points * 1e6))  # fmt: skip
            arena[q + at.QU_SENT_BID], arena[q + at.QU_SENT_ASK] = bid, ask
            arena[q + at.QU_SENT_BID_QUANTITY], arena[q + at.QU_SENT_ASK_QUANTITY] = bids, asks
            count += 1
    return count


@inner
def hedge(arena: Arena, floats: Floats, trader: int, touch: int, seconds: float) -> None:
    """Trade the stock against the delta held: on a beat, and at once beyond twice the band."""
    head, _, _ = memory_floats(arena, trader)
    population = population_row(arena, trader)
    net = round(floats[head + M_DELTA] + inventory(arena, trader))
    band = arena[population + U_HEDGE_BAND]
    is_due = seconds - floats[head + M_HEDGED] >= arena[population + U_HEDGE_EVERY] * 1e-9
    if abs(net) <= band or not (is_due or abs(net) > 2 * band):
        return
    floats[head + M_HEDGED] = seconds
    # Not more than three times what is shown: the rest follows at the next wake-ups.
    if net > 0:
        most = max(3 * arena[touch + at.TO_BID_QUANTITY], 100)
        send_limit(arena, trader, at.SELL, arena[touch + at.TO_BID] - 2, min(net, most), at.IOC)
    else:
        most = max(3 * arena[touch + at.TO_ASK_QUANTITY], 100)
        send_limit(arena, trader, at.BUY, arena[touch + at.TO_ASK] + 2, min(-net, most), at.IOC)


@inner
def decide_dealer(arena: Arena, floats: Floats, trader: int, touch: int) -> int:
    """Move the surface, requote what changed, hedge. Returns when it wakes next."""
    # A machine's beat, unlike a person's, has a longest: half to one and a half of the mean.
    gap = setting_of(arena, floats, trader, D_GAP)
    draw = draw_uniform(arena[trader + at.TR_KEY], next_counter(arena, trader))
    following = arena[at.H_NOW] + max(round(gap * (0.5 + draw)), 1)
    head, states, values = memory_floats(arena, trader)
    dealer = arena[trader + at.TR_STATE]
    d = dealer_row(arena, dealer)
    # A halt or a pull is acted on when it was there a wake-up ago: by then it has been heard of.
    was_open = floats[head + M_PHASE] == at.CONTINUOUS
    floats[head + M_PHASE] = step_kind(arena, trader)
    was_armed = floats[head + M_ARMED] > 0.5
    floats[head + M_ARMED] = arena[d + at.DE_ARMED]
    if not was_open or touch == at.NONE:
        forget_sent(arena, trader)
        return following
    if arena[touch + at.TO_BID_QUANTITY] <= 0 or arena[touch + at.TO_ASK_QUANTITY] <= 0:
        return following
    # The middle of an emptied book is no price of the stock: to value and hedge by it feeds itself.
    if arena[touch + at.TO_ASK] - arena[touch + at.TO_BID] > _WIDEST * arena[touch + at.TO_BID]:
        return following
    if not was_armed and arena[d + at.DE_ARMED] == 0:
        push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_REARM, dealer, 0)
        forget_sent(arena, trader)
        return following
    population = population_row(arena, trader)
    opens = arena[population + U_OPEN]
    seconds = (arena[at.H_NOW] - opens) * 1e-9
    tick = floats[arena[population + U_TABLE] + K_TICK]
    spot = 0.5 * (arena[touch + at.TO_BID] + arena[touch + at.TO_ASK]) * tick
    if hear_fills(arena, floats, trader):
        look_at_own(arena, trader)
        floats[head + M_STALE] = 1.0
    if catch_up(arena, floats, trader, seconds, spot):
        if floats[head + M_SPOT] > 0.0:
            learn(arena, floats, trader)
        floats[head + M_STALE] = 1.0
    if spot != floats[head + M_SPOT] or floats[head + M_STALE] > 0.5:
        floats[head + M_SPOT], floats[head + M_STALE] = spot, 0.0
        is_over = setting_of(arena, floats, trader, D_EVENT_OVER) > 0.5
        revalue(
            arena, floats, trader, states, values, spot,
            setting_of(arena, floats, trader, D_FIRST_SPOT), seconds,
            0.0 if is_over else setting_of(arena, floats, trader, D_EVENT),
            setting_of(arena, floats, trader, D_EVENT_DAYS),
        )  # fmt: skip
        sum_greeks(arena, floats, trader)
    if may_send(arena, dealer, arena[population + U_SERIES]):
        count = quote_all(arena, floats, trader)
        if count > 0:
            send_quotes(arena, dealer, count, link_arrival(arena, trader, departure(arena, trader)))
    hedge(arena, floats, trader, touch, seconds)
    return following
