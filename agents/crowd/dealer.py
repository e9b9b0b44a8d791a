"""The option dealer, compiled: a surface of its own, quotes in many series, hedges in the stock.

Its surface is the chain's that the market started from, moved by a level, a skew and a curvature of
each expiry. These revert to nothing, share a common shock with the population's other dealers, move
against the stock, follow what the stock realises, rise where the dealer sells vega, and give way to
what the market's own middles say. What the
dealer knows of its own fills is what it had heard by its wake-up before: a wake-up is much longer
than a report takes.
"""

from agents.crowd.dealer_shapes import (
    BUCKET_S,
    LEAST_VEGA,
    MOST_BUCKETS,
    REACH_TICKS,
    WIDEST,
    hedge_size,
    keep_share,
    last_day_gone,
    lean,
    learnt,
    least_size,
    left_of,
    limit_use,
    may_add,
    next_realised,
    quote_prices,
    realised_drift,
    shocks,
    step_weight,
    stepped,
    stock_step,
    within_room,
)
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
    X_RATE,
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
    Y_GAMMA,
    Y_LEVEL,
    Y_SKEW,
    Y_VEGA,
    Y_VEGA_BEFORE,
    revalue,
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
from environment.draws import draw_uniform
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena
from environment.market.heap import push
from environment.market.holdings import find_holding
from environment.market.ladder import order_row
from environment.market.mass_quote import is_up, may_send, send_quotes, write_quote
from environment.market.protection import dealer_row, quote_row

# Integers of the population, besides those of `option_rows`.
U_HEDGE_BAND, U_HEDGE_EVERY = U_FIRST, U_FIRST + 1
# Floats of the population. 7 is the mean gap between wake-ups, as for every population.
(D_VOLATILITY, D_CORRELATION, D_REVERSION, D_SKEW, D_CURVE, D_REALISED, D_FLOW, D_GAP,
 D_DELTA_MAX, D_GAMMA_MAX, D_VEGA_MAX, D_EXPIRY_SHARE, D_WIDTH, D_WIDEN, D_EVENT,
 D_EVENT_DAYS) = range(16)  # fmt: skip
D_FIRST_SPOT, D_EVENT_OVER, D_LEARN = 17, 18, 19
# On a series' last day: what goes of its limits by the evening, contracts of it, how far to lean.
D_NARROW, D_LAST_CONTRACTS, D_LEAN = 20, 21, 22
# A dealer's memory: a head, then STATE_FLOATS an expiry, then VALUE_FLOATS a series.
(M_BUCKET, M_SPOT, M_REALISED, M_DELTA, M_GAMMA, M_VEGA, M_SEEN, M_HANDLED, M_HEDGED, M_ARMED,
 M_BUCKET_SPOT, M_STALE, M_WIDTH, M_LIMITS, M_LISTED, M_OPENED,
 M_RATE_ERROR, M_GROWTH_ERROR, M_DIVIDEND_ERROR) = range(19)  # fmt: skip
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


# --- the surface ----------------------------------------------------------------------------------


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
    realised = realised_drift(
        setting_of(arena, floats, trader, D_REALISED), floats[head + M_REALISED]
    )
    table = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    for e in range(arena[population + U_EXPIRIES]):
        state = states + e * STATE_FLOATS
        weight = step_weight(floats[table + e * EXPIRY_FLOATS + X_YEARS])
        sold = floats[state + Y_VEGA_BEFORE] - floats[state + Y_VEGA]
        floats[state + Y_VEGA_BEFORE] = floats[state + Y_VEGA]
        floats[state + Y_LEVEL] = (
            stepped(floats[state + Y_LEVEL], keep, weight,
                    setting_of(arena, floats, trader, D_VOLATILITY), level)
            + weight * realised
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
            if expiry >= 0 and vega > LEAST_VEGA * floats[head + M_SPOT]:
                floats[states + expiry * STATE_FLOATS + Y_LEVEL] += learnt(share, gap, vega)
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
    first = max(last + 1, now - MOST_BUCKETS + 1)
    for bucket in range(first, now + 1):
        move_surface(arena, floats, trader, bucket, spot)
    floats[head + M_BUCKET] = now
    return now > last


# --- what it holds --------------------------------------------------------------------------------


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


# --- quotes ---------------------------------------------------------------------------------------


@inner
def forget_sent(arena: Arena, trader: int) -> None:
    """Have every quote sent again: the venue has pulled them, or refused them in a halt."""
    d = dealer_row(arena, arena[trader + at.TR_DEALER])
    for k in range(arena[d + at.DE_COUNT]):
        q = quote_row(arena, arena[d + at.DE_FIRST] + k)
        arena[q + at.QU_SENT_BID_QUANTITY] = -1


@inner
def begin_day(arena: Arena, floats: Floats, trader: int, opens: int) -> None:
    """Begin the day's steps anew, as they count from its open; of the day before nothing stands.

    In the morning a dealer knows what it holds: the night may have changed that.
    """
    head, _, _ = memory_floats(arena, trader)
    read_holdings(arena, floats, trader)
    take_in(arena, floats, trader)
    floats[head + M_OPENED] = float(opens)
    floats[head + M_BUCKET], floats[head + M_HEDGED] = -1.0, 0.0
    floats[head + M_STALE] = 1.0
    forget_sent(arena, trader)


@inner
def look_at_own(arena: Arena, trader: int) -> None:
    """Let what is left of each quote be what was sent, so that a traded one is filled up again."""
    d = dealer_row(arena, arena[trader + at.TR_DEALER])
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


@inner
def quote_all(arena: Arena, floats: Floats, trader: int, seconds: float) -> int:
    """Write every quote whose rounded price or size has changed; return how many."""
    head, states, values = memory_floats(arena, trader)
    population = population_row(arena, trader)
    table, dealer = arena[population + U_TABLE], arena[trader + at.TR_DEALER]
    d = dealer_row(arena, dealer)
    size = arena[population + U_SIZE_LOW]
    use = used(arena, floats, trader)
    width = setting_of(arena, floats, trader, D_WIDTH) * floats[head + M_WIDTH]
    widen = 1.0 + setting_of(arena, floats, trader, D_WIDEN) * min(use, 2.0)
    net = floats[head + M_DELTA] + inventory(arena, trader)
    delta_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_DELTA_MAX)
    gamma_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_GAMMA_MAX)
    vega_max = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_VEGA_MAX)
    narrow = setting_of(arena, floats, trader, D_NARROW)
    contracts = floats[head + M_LIMITS] * setting_of(arena, floats, trader, D_LAST_CONTRACTS)
    lean_share = setting_of(arena, floats, trader, D_LEAN)
    duty = arena[d + at.DE_SIZE_MIN]
    expiries = table + arena[population + U_SERIES] * SERIES_FLOATS
    first, as_of = arena[population + U_SERIES_FIRST], arena[trader + at.TR_VIEW_TIME]
    count = 0
    for k in range(arena[population + U_SERIES]):
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        number = int(floats[row + K_EXPIRY])
        years = floats[expiries + number * EXPIRY_FLOATS + X_YEARS]
        if years <= 0.0:
            continue
        gone, held = last_day_gone(years, seconds), floats[own + V_HELD]
        left = left_of(gone, narrow)
        most = contracts * left
        state = states + number * STATE_FLOATS
        ticks = floats[own + V_VALUE] / floats[row + K_TICK]
        step = increment(floats, row, ticks)
        seen_bid = bids_seen = seen_ask = asks_seen = 0
        seen = view_touch(arena, first + k, as_of)
        if seen != at.NONE:
            seen_bid, bids_seen = arena[seen + at.TO_BID], arena[seen + at.TO_BID_QUANTITY]
            seen_ask, asks_seen = arena[seen + at.TO_ASK], arena[seen + at.TO_ASK_QUANTITY]
        usual = floats[row + K_HALF_WIDTH] / floats[row + K_TICK]
        bid, ask = quote_prices(
            ticks - lean(gone, held, most, lean_share, usual, ticks), usual, width, widen, step,
            seen_bid, bids_seen, seen_ask, asks_seen,
        )  # fmt: skip
        bids = asks = size
        delta = floats[own + V_DELTA]
        buys = may_buy_vega(arena, floats, trader, state, 1.0, left)
        sells = may_buy_vega(arena, floats, trader, state, -1.0, left)
        if abs(net) >= delta_max:
            if net * delta > 0.0:
                buys = False
            else:
                sells = False
        if not buys or not sells:
            least = least_size(
                duty, size, floats[row + K_MULTIPLIER], delta, floats[own + V_GAMMA],
                floats[own + V_VEGA], delta_max, gamma_max, vega_max,
            )  # fmt: skip
            bids = size if buys else least
            asks = size if sells else least
        bids = within_room(bids, 1.0, gone, held, most)
        asks = within_room(asks, -1.0, gone, held, most)
        if bid < step:
            bids = 0
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
    # What is more than the book shows follows at the next wake-ups.
    if net > 0:
        size = hedge_size(net, arena[touch + at.TO_BID_QUANTITY])
        send_limit(arena, trader, at.SELL, arena[touch + at.TO_BID] - REACH_TICKS, size, at.IOC)
    else:
        size = hedge_size(net, arena[touch + at.TO_ASK_QUANTITY])
        send_limit(arena, trader, at.BUY, arena[touch + at.TO_ASK] + REACH_TICKS, size, at.IOC)


@inner
def listings(arena: Arena, floats: Floats, trader: int) -> float:
    """Return how often series were added to a dealer's table: see `option_growth`."""
    population = population_row(arena, trader)
    last = arena[population + U_TABLE] + arena[population + U_SERIES] * SERIES_FLOATS
    last += (arena[population + U_EXPIRIES] - 1) * EXPIRY_FLOATS
    return floats[last + X_RATE]


@inner
def decide_dealer(arena: Arena, floats: Floats, trader: int, touch: int) -> int:
    """Move the surface, requote what changed, hedge. Returns when it wakes next."""
    # A machine's beat, unlike a person's, has a longest: half to one and a half of the mean.
    gap = setting_of(arena, floats, trader, D_GAP)
    draw = draw_uniform(arena[trader + at.TR_KEY], next_counter(arena, trader))
    following = arena[at.H_NOW] + max(round(gap * (0.5 + draw)), 1)
    head, states, values = memory_floats(arena, trader)
    dealer = arena[trader + at.TR_DEALER]
    d = dealer_row(arena, dealer)
    opens = arena[population_row(arena, trader) + U_OPEN]
    if floats[head + M_OPENED] != float(opens):
        begin_day(arena, floats, trader, opens)
    if hear_fills(arena, floats, trader):
        look_at_own(arena, trader)
        floats[head + M_STALE] = 1.0
    # A pull is acted on when it was there a wake-up ago: by then it has been heard of.
    was_armed = floats[head + M_ARMED] > 0.5
    floats[head + M_ARMED] = arena[d + at.DE_ARMED]
    if touch == at.NONE or arena[touch + at.TO_PHASE] != at.CONTINUOUS:
        forget_sent(arena, trader)
        return following
    if arena[touch + at.TO_BID_QUANTITY] <= 0 or arena[touch + at.TO_ASK_QUANTITY] <= 0:
        return following
    # The middle of an emptied book is no price of the stock: to value and hedge by it feeds itself.
    if arena[touch + at.TO_ASK] - arena[touch + at.TO_BID] > WIDEST * arena[touch + at.TO_BID]:
        return following
    if not was_armed and arena[d + at.DE_ARMED] == 0:
        push(arena, link_arrival(arena, trader, departure(arena, trader)), at.E_REARM, dealer, 0)
        forget_sent(arena, trader)
        return following
    population = population_row(arena, trader)
    seconds = (arena[at.H_NOW] - opens) * 1e-9
    tick = floats[arena[population + U_TABLE] + K_TICK]
    spot = 0.5 * (arena[touch + at.TO_BID] + arena[touch + at.TO_ASK]) * tick
    if catch_up(arena, floats, trader, seconds, spot):
        if floats[head + M_SPOT] > 0.0:
            learn(arena, floats, trader)
        floats[head + M_STALE] = 1.0
    listed = listings(arena, floats, trader)
    if listed != floats[head + M_LISTED]:
        floats[head + M_LISTED], floats[head + M_STALE] = listed, 1.0
    if spot != floats[head + M_SPOT] or floats[head + M_STALE] > 0.5:
        floats[head + M_SPOT], floats[head + M_STALE] = spot, 0.0
        is_over = setting_of(arena, floats, trader, D_EVENT_OVER) > 0.5
        revalue(
            arena, floats, trader, states, values, spot,
            setting_of(arena, floats, trader, D_FIRST_SPOT), seconds,
            0.0 if is_over else setting_of(arena, floats, trader, D_EVENT),
            setting_of(arena, floats, trader, D_EVENT_DAYS), floats[head + M_RATE_ERROR],
            floats[head + M_GROWTH_ERROR], floats[head + M_DIVIDEND_ERROR],
        )  # fmt: skip
        sum_greeks(arena, floats, trader)
    if may_send(arena, dealer, arena[population + U_SERIES]):
        count = quote_all(arena, floats, trader, seconds)
        if count > 0:
            send_quotes(arena, dealer, count, link_arrival(arena, trader, departure(arena, trader)))
    hedge(arena, floats, trader, touch, seconds)
    return following
