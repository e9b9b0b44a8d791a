"""The core's loop with compiled traders in it: each wake-up is a decision, then a next wake-up."""

from agents.crowd.flow import decide_hawkes, decide_ignition, decide_spoofer
from agents.crowd.reference import (
    F_RATE,
    decide_maker,
    decide_momentum,
    decide_noise,
    decide_value,
    first_noise,
    poisson_gap,
    setting,
    uniform,
)
from agents.crowd.rows import (
    U_CLOSE,
    link_arrival,
    observe_touch,
    observe_value,
    population_row,
    trader_row,
)
from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.advance import step
from environment.market.emit import out_row
from environment.market.heap import A_MASK, pop, push, reschedule_first

ORDERS_AT_ONCE = 256  # No decision sends more; room for them is made before it begins.


@inner
def decide(arena, beliefs, trader):
    """Make one trader's decision. Returns when it wakes next, or 0."""
    kind = arena[trader + at.TR_KIND]
    if kind == at.NOISE:
        return decide_noise(arena, beliefs, trader)
    if kind == at.VALUE:
        return decide_value(arena, beliefs, trader)
    if kind == at.MOMENTUM:
        return decide_momentum(arena, beliefs, trader)
    if kind == at.ADAPTIVE_MAKER:
        return decide_maker(arena, beliefs, trader)
    if kind == at.HAWKES:
        return decide_hawkes(arena, beliefs, trader)
    if kind == at.SPOOFER:
        return decide_spoofer(arena, beliefs, trader)
    return decide_ignition(arena, beliefs, trader)


@inner
def show(arena, beliefs, trader):
    """Hand a Python trader what it sees at its wake-up: its delayed touch, and its observation."""
    touch = observe_touch(arena, trader)
    row = out_row(arena, arena[at.H_NOW], arena[trader + at.TR_OWNER], at.M_WAKE,
                  arena[trader + at.TR_INSTRUMENT])  # fmt: skip
    if touch == at.NONE:
        arena[row + at.X_LIQUIDITY] = 0
    else:
        arena[row + at.X_LIQUIDITY] = 1
        arena[row + at.Q_BID] = arena[touch + at.TO_BID]
        arena[row + at.Q_BID_QUANTITY] = arena[touch + at.TO_BID_QUANTITY]
        arena[row + at.Q_ASK] = arena[touch + at.TO_ASK]
        arena[row + at.Q_ASK_QUANTITY] = arena[touch + at.TO_ASK_QUANTITY]
        arena[row + at.Q_LAST] = arena[touch + at.TO_LAST]
        arena[row + at.Q_VOLUME] = arena[touch + at.TO_VOLUME]
    if arena[trader + at.TR_STATE] == at.VALUE:
        arena[row + at.X_EXTRA] = observe_value(arena, beliefs, trader)


@inner
def room_for_orders(arena):
    """Return whether there is room for all orders of one decision; note what lacks if not."""
    if (arena[at.H_ORDER_BUMP] + ORDERS_AT_ONCE > arena[at.H_CAPACITY + at.S_ORDER]
            and arena[at.H_ORDER_BUMP] - arena[at.H_LIVE_ORDERS] - arena[at.H_HEAP_COUNT]
            < ORDERS_AT_ONCE):  # fmt: skip
        arena[at.H_NEED_SECTION] = at.S_ORDER
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_ORDER_BUMP] + ORDERS_AT_ONCE
        return False
    if arena[at.H_HEAP_COUNT] + ORDERS_AT_ONCE > arena[at.H_CAPACITY + at.S_HEAP]:
        arena[at.H_NEED_SECTION] = at.S_HEAP
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_HEAP_COUNT] + ORDERS_AT_ONCE
        return False
    return True


@njit
def advance(arena, beliefs, until):
    """Run the core and its compiled traders; the codes are those of the core's own `step`."""
    while True:
        code = step(arena, until)
        if code != at.WAKE:
            return code
        if not room_for_orders(arena):
            return at.NEED_ROOM
        top = arena[at.H_OFFSET + at.S_HEAP]
        trader = trader_row(arena, arena[top + 2] & A_MASK)
        arena[at.H_WAKES] += 1
        if arena[trader + at.TR_KIND] == at.REMOTE:
            show(arena, beliefs, trader)
            pop(arena)
            continue
        following = 0
        if arena[at.H_NOW] < arena[population_row(arena, trader) + U_CLOSE]:
            following = decide(arena, beliefs, trader)
        # Orders sent meanwhile lie later, so the wake-up is still the first event.
        if following > 0:
            reschedule_first(arena, following)
        else:
            pop(arena)


@inner
def first_wake(arena, beliefs, trader, kind):
    """Return when a trader of a kind first wakes on a day, or 0."""
    if kind == at.NOISE:
        return first_noise(arena, beliefs, trader)
    if kind == at.ADAPTIVE_MAKER:
        # Makers are there from the beginning, within a second of each other.
        return arena[at.H_NOW] + int(1e9 * uniform(arena, trader)) + 1
    rate = setting(arena, beliefs, trader, F_RATE)
    mean = 1.0 / rate if kind == at.VALUE or kind == at.HAWKES else rate
    return poisson_gap(arena, trader, mean)


@njit
def arrival_of(arena, number, departure):
    """Return when a Python trader's message that leaves at `departure` reaches the exchange."""
    return link_arrival(arena, trader_row(arena, number), departure)


@njit
def start(arena, beliefs, first, count, begins):
    """Schedule the first wake-ups of `count` traders from `begins` on, each by its own draws."""
    now = arena[at.H_NOW]
    for number in range(first, first + count):
        trader = trader_row(arena, number)
        arena[at.H_NOW] = begins
        kind = arena[trader + at.TR_KIND]
        if kind == at.REMOTE:
            kind = arena[trader + at.TR_STATE]
        time = first_wake(arena, beliefs, trader, kind)
        if time > 0:
            push(arena, max(time, now + 1), at.E_WAKE, number, 0)
    arena[at.H_NOW] = now
