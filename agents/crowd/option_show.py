"""What a trader of options who is an actor sees at its wake-up, written out for the exchange.

It sees what its compiled twin reads: the touches of the series as of one moment, of which those are
told that changed since it last woke; and a dealer, in the morning and after a trade, what it has in
each series.
"""

from agents.crowd.dealer_rows import M_HANDLED, M_SEEN
from agents.crowd.option_rows import U_SERIES, U_SERIES_FIRST, observe_series
from agents.crowd.rows import U_OPEN, Floats, population_row
from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.emit import out_row
from environment.market.holdings import find_holding
from environment.market.ladder import order_row
from environment.market.mass_quote import is_up
from environment.market.protection import dealer_row, quote_row


@inner
def trades_options(kind: int) -> bool:
    """Return whether traders of a kind see series besides their stock."""
    return kind == at.OPTION_DEALER or kind == at.OPTION_USER


@inner
def room_to_show(arena: Arena, trader: int) -> bool:
    """Return whether there is room for all that a trader may be shown; note what lacks if not."""
    if arena[trader + at.TR_KIND] != at.REMOTE or not trades_options(arena[trader + at.TR_STATE]):
        return True
    wanted = arena[at.H_OUT_COUNT] + 2 * arena[population_row(arena, trader) + U_SERIES] + 8
    if wanted <= arena[at.H_CAPACITY + at.S_OUT]:
        return True
    arena[at.H_NEED_SECTION], arena[at.H_NEED_ROWS] = at.S_OUT, wanted
    return False


@inner
def _row(arena: Arena, trader: int, kind: int, place: int) -> int:
    return out_row(arena, arena[at.H_NOW], arena[trader + at.TR_OWNER], kind, place)


@inner
def is_first_look(arena: Arena, trader: int) -> bool:
    """Return whether a trader has seen nothing on this day."""
    return arena[trader + at.TR_SEEN] < arena[population_row(arena, trader) + U_OPEN]


@inner
def show_series(arena: Arena, trader: int) -> None:
    """Write a row for each series whose touch has changed since this trader last looked.

    The first look of a day shows all of them.
    """
    population = population_row(arena, trader)
    first = arena[population + U_SERIES_FIRST]
    since = -1 if is_first_look(arena, trader) else arena[trader + at.TR_SEEN]
    for k in range(arena[population + U_SERIES]):
        touch = observe_series(arena, trader, first + k)
        if touch == at.NONE or arena[touch + at.TO_TIME] <= since:
            continue
        row = _row(arena, trader, at.M_SEEN, k)
        arena[row + at.Q_BID] = arena[touch + at.TO_BID]
        arena[row + at.Q_BID_QUANTITY] = arena[touch + at.TO_BID_QUANTITY]
        arena[row + at.Q_ASK] = arena[touch + at.TO_ASK]
        arena[row + at.Q_ASK_QUANTITY] = arena[touch + at.TO_ASK_QUANTITY]


@inner
def _left(arena: Arena, slot: int) -> int:
    return arena[order_row(arena, slot) + at.O_LEAVES] if is_up(arena, slot) else 0


@inner
def show_standing(arena: Arena, floats: Floats, trader: int) -> None:
    """Write how a dealer stands, and what it has in each series where that may be news.

    That is at the day's first look, and at the two after a trade: it takes in at one what it has
    heard at the one before (`dealer_holdings.hear_fills`).
    """
    head, population = arena[trader + at.TR_MEMORY], population_row(arena, trader)
    d = dealer_row(arena, arena[trader + at.TR_DEALER])
    fills = float(arena[d + at.DE_FILLS])
    is_news = floats[head + M_SEEN] != floats[head + M_HANDLED] or fills != floats[head + M_SEEN]
    floats[head + M_HANDLED], floats[head + M_SEEN] = floats[head + M_SEEN], fills
    if is_news or is_first_look(arena, trader):
        account, first = arena[trader + at.TR_ACCOUNT], arena[population + U_SERIES_FIRST]
        for k in range(arena[population + U_SERIES]):
            q = quote_row(arena, arena[d + at.DE_FIRST] + k)
            held = find_holding(arena, account, first + k)
            row = _row(arena, trader, at.M_OWN, k)
            arena[row + at.OWN_HELD] = arena[held + at.P_QUANTITY]
            arena[row + at.OWN_BID_LEFT] = _left(arena, arena[q + at.QU_BID_SLOT])
            arena[row + at.OWN_ASK_LEFT] = _left(arena, arena[q + at.QU_ASK_SLOT])
    row = _row(arena, trader, at.M_STANDING, 0)
    arena[row + at.STANDS_ARMED] = arena[d + at.DE_ARMED]
    arena[row + at.STANDS_FILLS] = arena[d + at.DE_FILLS]
    waiting = arena[d + at.DE_RING_WRITE] - arena[d + at.DE_RING_READ]
    arena[row + at.STANDS_ROOM] = arena[d + at.DE_RING_SIZE] - waiting
