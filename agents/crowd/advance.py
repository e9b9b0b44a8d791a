"""The core's loop with compiled traders in it: each wake-up is a decision, then a next wake-up.

What belongs to a trader's connection is done here for compiled traders and Python actors alike,
from the connection's own stream: the first wake-up of a day, the delayed look at the touch, the
delays of what is sent. A trader's own stream serves its decisions alone.
"""

from agents.crowd.dealer import decide_dealer
from agents.crowd.flow import decide_hawkes, decide_ignition, decide_spoofer
from agents.crowd.option_show import room_to_show, show_series, show_standing, trades_options
from agents.crowd.option_survey import decide_survey
from agents.crowd.option_user import decide_option_user
from agents.crowd.reference import (
    F_RATE,
    decide_noise,
    decide_value,
    first_noise,
    setting,
)
from agents.crowd.reference_maker import decide_maker, decide_momentum
from agents.crowd.rows import (
    U_AWAY,
    U_BACK,
    U_CLOSE,
    U_GONE,
    U_OPEN,
    U_TRADERS,
    Floats,
    departure,
    inventory,
    link_arrival,
    link_exponential,
    link_uniform,
    observe_touch,
    observe_value,
    population_row,
    trader_row,
)
from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.advance import step
from environment.market.arena import Arena
from environment.market.bits import prefetch
from environment.market.emit import out_row
from environment.market.heap import A_MASK, DEEP, pop, push, reschedule_first

ORDERS_AT_ONCE = 256  # No decision sends more; room for them is made before it begins.


@inner
def decide(arena: Arena, beliefs: Floats, trader: int) -> int:
    """Make one trader's decision. Returns when it wakes next, or 0."""
    kind = arena[trader + at.TR_KIND]
    if kind == at.OPTION_SURVEY:
        return decide_survey(arena, beliefs, trader)
    touch = observe_touch(arena, trader)
    if kind == at.NOISE:
        return decide_noise(arena, beliefs, trader, touch)
    if kind == at.VALUE:
        return decide_value(arena, beliefs, trader, touch)
    if kind == at.MOMENTUM:
        return decide_momentum(arena, beliefs, trader, touch)
    if kind == at.ADAPTIVE_MAKER:
        return decide_maker(arena, beliefs, trader, touch)
    if kind == at.HAWKES:
        return decide_hawkes(arena, beliefs, trader, touch)
    if kind == at.SPOOFER:
        return decide_spoofer(arena, beliefs, trader, touch)
    if kind == at.OPTION_DEALER:
        return decide_dealer(arena, beliefs, trader, touch)
    if kind == at.OPTION_USER:
        return decide_option_user(arena, beliefs, trader, touch)
    return decide_ignition(arena, beliefs, trader)


@inner
def show(arena: Arena, beliefs: Floats, trader: int) -> None:
    """Hand a Python trader what it sees at its wake-up: its delayed touch, and its observation.

    A trader of options sees the series too, as they were at the same moment.
    """
    touch = observe_touch(arena, trader)
    population = population_row(arena, trader)
    kind, form = arena[trader + at.TR_STATE], at.M_WAKE
    if trades_options(kind):
        form = at.M_CHAIN_WAKE
        show_series(arena, trader)
        if kind == at.OPTION_DEALER:
            show_standing(arena, beliefs, trader)
        arena[trader + at.TR_SEEN] = arena[trader + at.TR_VIEW_TIME]
    row = out_row(arena, arena[at.H_NOW], arena[trader + at.TR_OWNER], form,
                  arena[trader + at.TR_INSTRUMENT])  # fmt: skip
    if touch != at.NONE:
        trading = arena[touch + at.TO_PHASE] == at.CONTINUOUS
        arena[row + at.W_STATE] = at.VIEW_TRADING if trading else at.VIEW_WAITING
        arena[row + at.Q_BID] = arena[touch + at.TO_BID]
        arena[row + at.Q_BID_QUANTITY] = arena[touch + at.TO_BID_QUANTITY]
        arena[row + at.Q_ASK] = arena[touch + at.TO_ASK]
        arena[row + at.Q_ASK_QUANTITY] = arena[touch + at.TO_ASK_QUANTITY]
        arena[row + at.Q_LAST] = arena[touch + at.TO_LAST]
        arena[row + at.Q_VOLUME] = arena[touch + at.TO_VOLUME]
    if kind == at.VALUE:
        arena[row + at.X_EXTRA] = observe_value(arena, beliefs, trader)
    arena[row + at.W_OPENS] = arena[population + U_OPEN]
    arena[row + at.W_CLOSES] = arena[population + U_CLOSE]
    arena[row + at.W_INVENTORY] = inventory(arena, trader)


@inner
def room_for_orders(arena: Arena) -> bool:
    """Return whether there is room for all orders of one decision; note what lacks if not."""
    # Slots that are not free: live, under way in the heap, or kept for the two sides of a quote,
    # which may be live or not. Too few free ones are seen early, never late.
    used = arena[at.H_LIVE_ORDERS] + arena[at.H_HEAP_COUNT] + 2 * arena[at.H_QUOTES]
    if (arena[at.H_ORDER_BUMP] + ORDERS_AT_ONCE > arena[at.H_CAPACITY + at.S_ORDER]
            and arena[at.H_ORDER_BUMP] - used < ORDERS_AT_ONCE):  # fmt: skip
        arena[at.H_NEED_SECTION] = at.S_ORDER
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_ORDER_BUMP] + ORDERS_AT_ONCE
        return False
    if arena[at.H_HEAP_COUNT] + ORDERS_AT_ONCE > arena[at.H_CAPACITY + at.S_HEAP]:
        arena[at.H_NEED_SECTION] = at.S_HEAP
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_HEAP_COUNT] + ORDERS_AT_ONCE
        return False
    return True


@inner
def time_away(arena: Arena, trader: int, number: int) -> int:
    """Return when a trader that a shock has taken away comes back, or 0 if it is here."""
    population = population_row(arena, trader)
    is_chosen = number - arena[population + U_TRADERS] < arena[population + U_GONE]
    if is_chosen and arena[population + U_AWAY] <= arena[at.H_NOW] < arena[population + U_BACK]:
        return arena[population + U_BACK]
    return 0


@inner
def wake(arena: Arena, beliefs: Floats, number: int) -> None:
    """Handle the wake-up on top of the heap."""
    trader = trader_row(arena, number)
    arena[at.H_WAKES] += 1
    following, closes = 0, arena[population_row(arena, trader) + U_CLOSE]
    if arena[at.H_NOW] < closes:
        following = time_away(arena, trader, number)
        if following == 0:
            if arena[trader + at.TR_KIND] == at.REMOTE:
                show(arena, beliefs, trader)
            else:
                following = decide(arena, beliefs, trader)
                if following > 0:
                    # Busy until its messages have left, it cannot wake before.
                    following = max(following, departure(arena, trader) + 1)
    # Orders sent meanwhile lie later, so the wake-up is still the first event. None is kept past
    # the close: the next day begins with a first one.
    if 0 < following < closes:
        reschedule_first(arena, following)
    else:
        pop(arena)


@inner
def _ask_for_next(arena: Arena) -> None:
    """Have the rows of those who may wake next brought near: with many traders they lie far."""
    if arena[at.H_HEAP_COUNT] <= DEEP:
        return
    top = arena[at.H_OFFSET + at.S_HEAP]
    for k in range(1, 5):
        trader = trader_row(arena, arena[top + 4 * k + 2] & A_MASK)
        prefetch(arena, trader)
        prefetch(arena, trader + 8)


@njit
def advance(arena: Arena, beliefs: Floats, until: int) -> int:
    """Run the core and its compiled traders; the codes are those of the core's own `step`."""
    while True:
        code = step(arena, until)
        if code != at.WAKE:
            return code
        number = arena[arena[at.H_OFFSET + at.S_HEAP] + 2] & A_MASK
        if not room_for_orders(arena) or not room_to_show(arena, trader_row(arena, number)):
            arena[at.H_EVENTS] -= 1  # It is handled, and counted, when there is room.
            return at.NEED_ROOM
        _ask_for_next(arena)
        wake(arena, beliefs, number)


@inner
def first_wake(arena: Arena, beliefs: Floats, trader: int, kind: int) -> int:
    """Return when a trader of a kind first wakes on a day, or 0."""
    if kind == at.NOISE:
        return first_noise(arena, beliefs, trader)
    opens = arena[population_row(arena, trader) + U_OPEN]
    if kind == at.ADAPTIVE_MAKER:
        # Makers are there from the beginning, within a second of each other.
        return opens + int(1e9 * link_uniform(arena, trader)) + 1
    if kind == at.OPTION_SURVEY:
        return opens + 1
    rate = setting(arena, beliefs, trader, F_RATE)
    mean = 1.0 / rate if kind in (at.VALUE, at.HAWKES) else rate
    return opens + max(round(mean * link_exponential(arena, trader)), 1)


@njit
def arrival_of(arena: Arena, number: int, departure_ns: int) -> int:
    """Return when a Python trader's message that leaves at `departure_ns` reaches the exchange."""
    return link_arrival(arena, trader_row(arena, number), departure_ns)


@njit
def start(arena: Arena, beliefs: Floats, first: int, count: int) -> None:
    """Schedule the first wake-ups of `count` traders from number `first` on."""
    for number in range(first, first + count):
        trader = trader_row(arena, number)
        kind = arena[trader + at.TR_KIND]
        if kind == at.REMOTE:
            kind = arena[trader + at.TR_STATE]
        time = first_wake(arena, beliefs, trader, kind)
        if 0 < time < arena[population_row(arena, trader) + U_CLOSE]:
            push(arena, max(time, arena[at.H_NOW] + 1), at.E_WAKE, number, 0)
