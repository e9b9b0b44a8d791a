"""What a compiled dealer quotes: prices around its values, sizes within its limits."""

from agents.crowd.dealer_holdings import may_buy_vega, used
from agents.crowd.dealer_rows import (
    D_DELTA_MAX,
    D_GAMMA_MAX,
    D_LAST_CONTRACTS,
    D_LEAN,
    D_NARROW,
    D_SERIES,
    D_VEGA_LEAN,
    D_VEGA_MAX,
    D_WIDEN,
    D_WIDTH,
    M_DELTA,
    M_LIMITS,
    M_VEGA,
    M_WIDTH,
    memory_floats,
    setting_of,
)
from agents.crowd.dealer_shapes import (
    last_day_gone,
    lean,
    least_size,
    left_of,
    most_held,
    part_of,
    quote_prices,
    within_room,
)
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_EXPIRY,
    K_MULTIPLIER,
    K_TICK,
    SERIES_FLOATS,
    U_SERIES,
    U_SERIES_FIRST,
    U_TABLE,
    X_YEARS,
    half_width,
    increment,
)
from agents.crowd.option_value import (
    STATE_FLOATS,
    V_DELTA,
    V_GAMMA,
    V_HELD,
    V_VALUE,
    V_VEGA,
    VALUE_FLOATS,
)
from agents.crowd.rows import U_SIZE_LOW, Floats, inventory, population_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.advance import view_touch
from environment.market.arena import Arena
from environment.market.ladder import order_row
from environment.market.mass_quote import is_up, write_quote
from environment.market.protection import dealer_row, quote_row


@inner
def forget_sent(arena: Arena, trader: int) -> None:
    """Have every quote sent again: the venue has pulled them, or refused them in a halt."""
    d = dealer_row(arena, arena[trader + at.TR_DEALER])
    for k in range(arena[d + at.DE_COUNT]):
        q = quote_row(arena, arena[d + at.DE_FIRST] + k)
        arena[q + at.QU_SENT_BID_QUANTITY] = -1


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
    net, limits = floats[head + M_DELTA] + inventory(arena, trader), floats[head + M_LIMITS]
    delta_max = limits * setting_of(arena, floats, trader, D_DELTA_MAX)
    gamma_max = limits * setting_of(arena, floats, trader, D_GAMMA_MAX)
    vega_max = limits * setting_of(arena, floats, trader, D_VEGA_MAX)
    narrow = setting_of(arena, floats, trader, D_NARROW)
    contracts = limits * setting_of(arena, floats, trader, D_LAST_CONTRACTS)
    of_series = limits * setting_of(arena, floats, trader, D_SERIES)
    lean_share = setting_of(arena, floats, trader, D_LEAN)
    vega_part = setting_of(arena, floats, trader, D_VEGA_LEAN)
    vega_part *= part_of(floats[head + M_VEGA], vega_max)
    duty = arena[d + at.DE_SIZE_MIN]
    expiries = table + arena[population + U_SERIES] * SERIES_FLOATS
    first, as_of = arena[population + U_SERIES_FIRST], arena[trader + at.TR_VIEW_TIME]
    count = 0
    for k in range(arena[population + U_SERIES]):
        row, own = table + k * SERIES_FLOATS, values + k * VALUE_FLOATS
        number = int(floats[row + K_EXPIRY])
        expiry = expiries + number * EXPIRY_FLOATS
        if floats[expiry + X_YEARS] <= 0.0:
            continue
        gone, held = last_day_gone(floats[expiry + X_YEARS], seconds), floats[own + V_HELD]
        left, delta = left_of(gone, narrow), floats[own + V_DELTA]
        last = contracts * left
        ticks = floats[own + V_VALUE] / floats[row + K_TICK]
        step = increment(floats, row, ticks)
        usual = half_width(floats, expiry, delta) / floats[row + K_TICK]
        bid, ask = _prices(
            arena, view_touch(arena, first + k, as_of),
            ticks - lean(gone, held, last, lean_share, vega_part, usual, ticks), usual, width,
            widen, step,
        )  # fmt: skip
        state = states + number * STATE_FLOATS
        bids = asks = size
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
                floats[own + V_VEGA], delta_max, gamma_max, vega_max, use,
            )  # fmt: skip
            bids = size if buys else least
            asks = size if sells else least
        most = most_held(of_series, last, gone)
        bids = within_room(bids, 1.0, held, most)
        asks = within_room(asks, -1.0, held, most)
        if bid < step:
            bids = 0
        points = floats[own + V_VEGA] * 0.01 * floats[row + K_MULTIPLIER]
        count += _renew(arena, dealer, k, bid, bids, ask, asks, delta, points)
    return count


@inner
def _prices(
    arena: Arena, seen: int, ticks: float, usual: float, width: float, widen: float, step: int
) -> tuple[int, int]:
    """Return bid and ask around a worth in ticks, with the touch that is seen (its row or NONE)."""
    if seen == at.NONE:
        return quote_prices(ticks, usual, width, widen, step, 0, 0, 0, 0)
    return quote_prices(
        ticks, usual, width, widen, step, arena[seen + at.TO_BID], arena[seen + at.TO_BID_QUANTITY],
        arena[seen + at.TO_ASK], arena[seen + at.TO_ASK_QUANTITY],
    )  # fmt: skip


@inner
def _renew(
    arena: Arena, dealer: int, k: int, bid: int, bids: int, ask: int, asks: int, delta: float,
    points: float,
) -> int:  # fmt: skip
    """Write the quote of the k-th series where it is another than was sent; return 1 if so."""
    q = quote_row(arena, arena[dealer_row(arena, dealer) + at.DE_FIRST] + k)
    if (arena[q + at.QU_SENT_BID] == bid and arena[q + at.QU_SENT_ASK] == ask
            and arena[q + at.QU_SENT_BID_QUANTITY] == bids
            and arena[q + at.QU_SENT_ASK_QUANTITY] == asks):  # fmt: skip
        return 0
    write_quote(arena, dealer, k, bid, bids, ask, asks, round(delta * 1e6), round(points * 1e6))
    arena[q + at.QU_SENT_BID], arena[q + at.QU_SENT_ASK] = bid, ask
    arena[q + at.QU_SENT_BID_QUANTITY], arena[q + at.QU_SENT_ASK_QUANTITY] = bids, asks
    return 1
