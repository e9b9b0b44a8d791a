"""The reference populations, compiled: noise and value traders; `reference_maker` has the others.

Their behaviour is that of rmsc04 in ABIDES (Byrd, Hybinette & Balch 2020), described anew; settings
that the reference does not have default to what leaves it unchanged. Each function makes a trader's
decision at its wake-up, with the row of the touch that it sees, and returns when it wakes next
(0: not again today). The same traders as Python actors draw in the same order: `noise`, `value`,
`momentum`, `maker`.
"""

from agents.crowd.rows import (
    POPULATION_FLOATS,
    U_CLOSE,
    U_FIRST,
    U_OPEN,
    U_SIZE_HIGH,
    U_SIZE_LOW,
    Floats,
    is_before_open,
    link_exponential,
    link_uniform,
    next_counter,
    observe_value,
    population_row,
    send_auction_limit,
    send_cancel_all,
    send_limit,
    send_to_auction,
)
from agents.crowd.shapes import (
    follow,
    mixture_size,
    next_u_shaped,
    power_depth,
    u_shaped,
    update_belief,
)
from environment.compiled import inner
from environment.draws import draw_exponential, draw_integer, draw_uniform
from environment.market import layout as at
from environment.market.arena import Arena

CLOSING_NS = 1_800_000_000_000  # Orders for the closing auction come in the last half hour.
SHOCK_VARIANCE = 100_000.0  # The reference's: value traders trust what they see, not the mean.
FIRST_SPREAD = 10.0
# Floats of a population.
(F_WAKES, F_PASSIVE, F_DEPTH_TAIL, F_DEPTH_SCALE, F_REVERSION, F_BAR, F_VARIANCE, F_RATE,
 F_AGGRESSIVE, F_SHARE, F_SPREAD_WEIGHT, F_SKEW, F_U_WEIGHT, F_MARKET, F_BRANCHING,
 F_DECAY, F_SHOCK, F_WANDER, F_OPENING) = range(19)  # fmt: skip
# Integers of a population, by kind.
U_REFRESH, U_ONCE = U_FIRST, U_FIRST + 2
U_DEPTH, U_LONGEST, U_EDGE, U_CONVICTION = U_FIRST + 3, U_FIRST + 4, U_FIRST + 5, U_FIRST + 6
U_FAST, U_SLOW = U_FIRST, U_FIRST + 1
U_LEVELS, U_SPACING, U_MINIMUM, U_BACKSTOP, U_SPACING_TICKS = (
    U_FIRST, U_FIRST + 1, U_FIRST + 2, U_FIRST + 3, U_FIRST + 4,
)  # fmt: skip
# Floats of a trader.
B_ESTIMATE, B_VARIANCE, B_BOUND, B_SPREAD = range(4)


@inner
def setting(arena: Arena, beliefs: Floats, trader: int, index: int) -> float:
    """Return a float setting of a trader's population."""
    return beliefs[arena[trader + at.TR_POPULATION] * POPULATION_FLOATS + index]


@inner
def draw_size(arena: Arena, trader: int) -> int:
    """Return an order size: fixed, uniform in a range, or (range 0) the reference's mixture."""
    population = population_row(arena, trader)
    low, high = arena[population + U_SIZE_LOW], arena[population + U_SIZE_HIGH]
    key = arena[trader + at.TR_KEY]
    if low == 0:
        counter = next_counter(arena, trader)
        next_counter(arena, trader)
        return mixture_size(key, counter)
    if low == high:
        return low
    return draw_integer(key, next_counter(arena, trader), low, high + 1)


@inner
def uniform(arena: Arena, trader: int) -> float:
    """Return this trader's next uniform draw."""
    return draw_uniform(arena[trader + at.TR_KEY], next_counter(arena, trader))


@inner
def exponential(arena: Arena, trader: int) -> float:
    """Return this trader's next exponential draw of mean 1."""
    return draw_exponential(arena[trader + at.TR_KEY], next_counter(arena, trader))


@inner
def poisson_gap(arena: Arena, trader: int, mean_ns: float) -> int:
    """Return the time of the next wake-up of a Poisson process, at least 1 ns away."""
    return arena[at.H_NOW] + max(round(mean_ns * exponential(arena, trader)), 1)


@inner
def decide_noise(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Trade for no reason: at the far touch, or (a set share) passively at or behind the near."""
    population = population_row(arena, trader)
    if arena[population + U_REFRESH] and arena[trader + at.TR_COUNT] > 0:
        send_cancel_all(arena, trader)
    side = draw_integer(arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2)
    passive = setting(arena, beliefs, trader, F_PASSIVE)
    quantity = draw_size(arena, trader)
    arena[trader + at.TR_COUNT] += 1
    closing = setting(arena, beliefs, trader, F_SHARE)
    opening = setting(arena, beliefs, trader, F_OPENING)
    if opening > 0.0 and is_before_open(arena, trader):
        if uniform(arena, trader) < opening:
            send_to_auction(arena, trader, side, quantity, at.ON_OPEN)
        else:
            _post_passively(arena, beliefs, trader, touch, side, quantity)
    elif (closing > 0.0 and arena[at.H_NOW] > arena[population + U_CLOSE] - CLOSING_NS
            and uniform(arena, trader) < closing):  # fmt: skip
        send_to_auction(arena, trader, side, quantity, at.ON_CLOSE)
    elif passive > 0.0 and uniform(arena, trader) < passive:
        _post_passively(arena, beliefs, trader, touch, side, quantity)
    elif touch != at.NONE:
        far = at.TO_ASK if side == at.BUY else at.TO_BID
        far_quantity = at.TO_ASK_QUANTITY if side == at.BUY else at.TO_BID_QUANTITY
        if arena[touch + far_quantity] > 0:
            send_limit(arena, trader, side, arena[touch + far], quantity,
                       at.IOC if passive > 0.0 else at.DAY)  # fmt: skip
    return _next_noise(arena, beliefs, trader)


@inner
def _post_passively(
    arena: Arena, beliefs: Floats, trader: int, touch: int, side: int, quantity: int
) -> None:
    """Rest behind the near touch at a power-law depth; depth 0 improves the touch by a tick."""
    if touch == at.NONE:
        return
    tail = setting(arena, beliefs, trader, F_DEPTH_TAIL)
    scale = setting(arena, beliefs, trader, F_DEPTH_SCALE)
    longest = arena[population_row(arena, trader) + U_LONGEST]
    depth = power_depth(uniform(arena, trader), tail, scale, longest)
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    if arena[touch + at.TO_BID_QUANTITY] == 0 or arena[touch + at.TO_ASK_QUANTITY] == 0:
        return
    improve = 1 if depth == 0 and ask - bid > 1 else 0
    if side == at.BUY:
        send_limit(arena, trader, side, bid + improve - max(depth - 1, 0), quantity, at.DAY)
    else:
        send_limit(arena, trader, side, ask - improve + max(depth - 1, 0), quantity, at.DAY)


@inner
def _next_noise(arena: Arena, beliefs: Floats, trader: int) -> int:
    if arena[population_row(arena, trader) + U_ONCE]:
        return 0
    return noise_after(arena, beliefs, trader, arena[at.H_NOW], exponential(arena, trader))


@inner
def noise_after(arena: Arena, beliefs: Floats, trader: int, now: int, gap: float) -> int:
    """Return when a noise trader wakes next after `now`, or 0: not again today."""
    population = population_row(arena, trader)
    opens = arena[population + U_OPEN]
    length = arena[population + U_CLOSE] - opens
    x = (now - opens) / length
    wakes = setting(arena, beliefs, trader, F_WAKES)
    if setting(arena, beliefs, trader, F_U_WEIGHT) > 0.0:
        x = next_u_shaped(min(max(x, 0.0), 1.0), 1.0 / wakes, gap)
    else:
        x += gap / wakes
    if x >= 1.0:
        return 0
    return max(opens + int(x * length), now + 1)


@inner
def first_noise(arena: Arena, beliefs: Floats, trader: int) -> int:
    """Return a noise trader's first wake-up of the day."""
    population = population_row(arena, trader)
    opens = arena[population + U_OPEN]
    if arena[population + U_ONCE] == 0:
        return noise_after(arena, beliefs, trader, opens, link_exponential(arena, trader))
    u = link_uniform(arena, trader)
    if setting(arena, beliefs, trader, F_U_WEIGHT) > 0.0:
        u = u_shaped(u)
    return opens + int(u * (arena[population + U_CLOSE] - opens))


@inner
def decide_value(arena: Arena, beliefs: Floats, trader: int, touch: int) -> int:
    """Cancel, update the belief with a noisy look at the fundamental, and trade towards it."""
    population = population_row(arena, trader)
    observed = observe_value(arena, beliefs, trader)
    following = poisson_gap(arena, trader, 1.0 / setting(arena, beliefs, trader, F_RATE))
    if arena[trader + at.TR_COUNT] > 0:
        send_cancel_all(arena, trader)
    value = _update_belief(arena, beliefs, trader, observed)
    # A crossed touch is a book before its auction: nothing to lean on but the own estimate.
    two_sided = (
        touch != at.NONE
        and arena[touch + at.TO_BID_QUANTITY] > 0
        and arena[touch + at.TO_ASK_QUANTITY] > 0
        and arena[touch + at.TO_BID] < arena[touch + at.TO_ASK]
    )
    has_edge = arena[population + U_EDGE] > 0
    if has_edge and touch != at.NONE and not is_before_open(arena, trader):
        if arena[touch + at.TO_PHASE] != at.CONTINUOUS:
            _leave_for_auction(arena, trader, touch, value, at.LIMIT)
            return following
        if _is_for_close(arena, beliefs, trader):
            _leave_for_auction(arena, trader, touch, value, at.ON_CLOSE)
            return following
        if two_sided:
            _trade_on_edge(arena, beliefs, trader, touch, value)
            return following
    if two_sided and not has_edge:
        bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
        adjust = 0
        if uniform(arena, trader) >= setting(arena, beliefs, trader, F_AGGRESSIVE):
            reach = arena[population + U_DEPTH] * (ask - bid)
            adjust = draw_integer(
                arena[trader + at.TR_KEY], next_counter(arena, trader), 0, max(reach, 1)
            )
        side = at.SELL if value < (bid + ask) // 2 else at.BUY
        price = bid + adjust if side == at.SELL else ask - adjust
    else:
        side = draw_integer(arena[trader + at.TR_KEY], next_counter(arena, trader), 0, 2)
        price = value
    arena[trader + at.TR_COUNT] += 1
    send_limit(arena, trader, side, price, draw_size(arena, trader), at.DAY)
    return following


@inner
def _trade_on_edge(arena: Arena, beliefs: Floats, trader: int, touch: int, value: int) -> None:
    """Take a touch that is wrong by the edge; else, at times, rest that far from the value."""
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    edge = arena[population_row(arena, trader) + U_EDGE]
    arena[trader + at.TR_COUNT] += 1
    quantity = draw_size(arena, trader)
    if value >= ask + edge:
        times = _conviction(arena, trader, value - ask)
        price = ask if times == 1 else value - edge
        send_limit(arena, trader, at.BUY, price, times * quantity, at.IOC)
    elif value <= bid - edge:
        times = _conviction(arena, trader, bid - value)
        price = bid if times == 1 else value + edge
        send_limit(arena, trader, at.SELL, price, times * quantity, at.IOC)
    elif uniform(arena, trader) >= setting(arena, beliefs, trader, F_PASSIVE):
        return
    elif 2 * value < bid + ask:
        send_limit(arena, trader, at.SELL, max(value + edge, bid + 1), quantity, at.DAY)
    else:
        send_limit(arena, trader, at.BUY, min(value - edge, ask - 1), quantity, at.DAY)


@inner
def _conviction(arena: Arena, trader: int, gap: int) -> int:
    """Return how many times its size a trader orders: by how many edges the price is wrong."""
    population = population_row(arena, trader)
    most = max(arena[population + U_CONVICTION], 1)
    return min(max(gap // arena[population + U_EDGE], 1), most)


@inner
def _is_for_close(arena: Arena, beliefs: Floats, trader: int) -> bool:
    closing = setting(arena, beliefs, trader, F_SHARE)
    late = arena[population_row(arena, trader) + U_CLOSE] - CLOSING_NS
    return closing > 0.0 and arena[at.H_NOW] > late and uniform(arena, trader) < closing


@inner
def _leave_for_auction(arena: Arena, trader: int, touch: int, value: int, kind: int) -> None:
    """Leave a limit for an auction, on the side of the last price's fault, that keeps the edge."""
    population = population_row(arena, trader)
    edge, most = arena[population + U_EDGE], max(arena[population + U_CONVICTION], 1)
    arena[trader + at.TR_COUNT] += 1
    quantity = most * draw_size(arena, trader)
    side = at.BUY if value >= arena[touch + at.TO_LAST] else at.SELL
    price = value - edge if side == at.BUY else value + edge
    send_auction_limit(arena, trader, side, price, quantity, kind)


@inner
def _update_belief(arena: Arena, beliefs: Floats, trader: int, observed: int) -> int:
    """Return the estimate of the closing value in ticks after one more observation."""
    population = population_row(arena, trader)
    belief = arena[trader + at.TR_BELIEF]
    reversion = setting(arena, beliefs, trader, F_REVERSION)
    last_look = arena[trader + at.TR_MEMORY]
    now = arena[at.H_NOW]
    arena[trader + at.TR_MEMORY] = now
    wander = setting(arena, beliefs, trader, F_WANDER)
    if wander > 0.0:
        noise = setting(arena, beliefs, trader, F_VARIANCE)
        if last_look == 0:
            beliefs[belief + B_ESTIMATE], beliefs[belief + B_VARIANCE] = observed, noise
        else:
            beliefs[belief + B_ESTIMATE], beliefs[belief + B_VARIANCE] = follow(
                beliefs[belief + B_ESTIMATE], beliefs[belief + B_VARIANCE], now - last_look, wander,
                noise, observed,
            )  # fmt: skip
        return round(beliefs[belief + B_ESTIMATE])
    if reversion <= 0.0:
        # Without reversion there is nothing to revert to: the newest look, softened by the last.
        if last_look > 0:
            beliefs[belief + B_ESTIMATE] = 0.5 * (beliefs[belief + B_ESTIMATE] + observed)
        else:
            beliefs[belief + B_ESTIMATE] = observed
        return round(beliefs[belief + B_ESTIMATE])
    since = now - (last_look if last_look > 0 else min(arena[population + U_OPEN], now))
    estimate, variance, closing = update_belief(
        beliefs[belief + B_ESTIMATE], beliefs[belief + B_VARIANCE], since,
        arena[population + U_CLOSE] - now, reversion, setting(arena, beliefs, trader, F_BAR),
        setting(arena, beliefs, trader, F_VARIANCE), setting(arena, beliefs, trader, F_SHOCK),
        observed,
    )  # fmt: skip
    beliefs[belief + B_ESTIMATE] = estimate
    beliefs[belief + B_VARIANCE] = variance
    return closing
