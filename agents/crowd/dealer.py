"""The option dealer, compiled: a surface of its own, quotes in many series, hedges in the stock.

Surface, holdings and quotes are in the files beside; here is what it does at a wake-up.
"""

from agents.crowd.dealer_holdings import hear_fills, read_holdings, sum_greeks, take_in
from agents.crowd.dealer_quotes import forget_sent, look_at_own, quote_all
from agents.crowd.dealer_rows import (
    D_EVENT_DAYS,
    D_FIRST_SPOT,
    D_GAP,
    M_ARMED,
    M_BUCKET,
    M_DELTA,
    M_DIVIDEND_ERROR,
    M_GROWTH_ERROR,
    M_HEDGED,
    M_LISTED,
    M_OPENED,
    M_RATE_ERROR,
    M_SPOT,
    M_STALE,
    M_WITHDRAWN,
    U_HEDGE_BAND,
    U_HEDGE_EVERY,
    listings,
    memory_floats,
    setting_of,
)
from agents.crowd.dealer_shapes import REACH_TICKS, WIDEST, hedge_size
from agents.crowd.dealer_surface import announced, catch_up, keep_calendar, learn
from agents.crowd.option_rows import K_TICK, U_SERIES, U_TABLE
from agents.crowd.option_value import revalue
from agents.crowd.rows import (
    U_OPEN,
    Floats,
    departure,
    inventory,
    link_arrival,
    next_counter,
    population_row,
    send_limit,
)
from environment.compiled import inner
from environment.draws import draw_uniform
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.heap import push
from environment.market.mass_quote import EVERY, may_send, send_quotes
from environment.market.protection import dealer_row


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
    floats[head + M_STALE] = floats[head + M_WITHDRAWN] = 1.0
    forget_sent(arena, trader)


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
def has_price(arena: Arena, touch: int) -> bool:
    """Return whether the stock has a price to value by.

    The middle of an emptied book is none: to value and hedge by it feeds itself.
    """
    bid, ask = arena[touch + at.TO_BID], arena[touch + at.TO_ASK]
    if arena[touch + at.TO_BID_QUANTITY] <= 0 or arena[touch + at.TO_ASK_QUANTITY] <= 0:
        return False
    return bool(ask - bid <= WIDEST * bid)


@inner
def withdraw(arena: Arena, floats: Floats, trader: int) -> None:
    """Take all quotes out until the stock has a price again: by the last they would be wrong."""
    head, _, _ = memory_floats(arena, trader)
    if floats[head + M_WITHDRAWN] > 0.5:
        return
    floats[head + M_WITHDRAWN] = 1.0
    arrival = link_arrival(arena, trader, departure(arena, trader))
    push(arena, arrival, at.E_PURGE, arena[trader + at.TR_DEALER], EVERY)
    forget_sent(arena, trader)


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
        floats[head + M_WITHDRAWN] = 1.0  # By the venue, or there was nothing yet.
        return following
    if not has_price(arena, touch):
        withdraw(arena, floats, trader)
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
        keep_calendar(arena, floats, trader, seconds)
        floats[head + M_STALE] = 1.0
    listed = listings(arena, floats, trader)
    if listed != floats[head + M_LISTED]:
        floats[head + M_LISTED], floats[head + M_STALE] = listed, 1.0
    if spot != floats[head + M_SPOT] or floats[head + M_STALE] > 0.5:
        floats[head + M_SPOT], floats[head + M_STALE] = spot, 0.0
        revalue(
            arena, floats, trader, states, values, spot,
            setting_of(arena, floats, trader, D_FIRST_SPOT), seconds,
            announced(arena, floats, trader), setting_of(arena, floats, trader, D_EVENT_DAYS),
            floats[head + M_RATE_ERROR], floats[head + M_GROWTH_ERROR],
            floats[head + M_DIVIDEND_ERROR],
        )  # fmt: skip
        sum_greeks(arena, floats, trader)
    if may_send(arena, dealer, arena[population + U_SERIES]):
        count = quote_all(arena, floats, trader, seconds)
        if count > 0:
            floats[head + M_WITHDRAWN] = 0.0
            send_quotes(arena, dealer, count, link_arrival(arena, trader, departure(arena, trader)))
    hedge(arena, floats, trader, touch, seconds)
    return following
