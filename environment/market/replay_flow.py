"""Recorded order flow in a market that matches: the recording meets the agents of the run.

A recorded order is a limit order of the recording's account. A recorded execution comes as an
immediate-or-cancel order that takes whoever stands in front of the recorded order, and then that
order; recorded orders in between are passed, since the recording passed them. Where agents in front
took its place, the recorded order keeps shares that are gone in the recording: they are withdrawn
after a delay (*displaced*). What an agent has taken of a recorded order can neither be cancelled
nor executed later (*consumed*).
"""

from typing import Final

import numpy as np

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.advance import after_change, need_room, step
from environment.market.arena import Arena
from environment.market.emit import order_tape, send_trade, tape_row
from environment.market.entry import act, find, new_order
from environment.market.heap import A_MASK, pop, push, reschedule_first
from environment.market.ladder import (
    HEAD,
    HIDDEN_HEAD,
    account_row,
    cold_row,
    instrument_row,
    level_row,
    next_price,
    order_row,
    side_of,
    state_of,
)
from environment.market.ledger import notional_of
from environment.market.market import Market
from environment.market.matching import (
    after_fill,
    cancel,
    fill_maker,
    join_account,
    next_maker,
    release,
    rest,
    settle,
    shrink,
    watch_stops,
)
from environment.market.mirror_book import Ints
from environment.market.replay_rows import (
    FILL,
    FORGET,
    OP_FLAG,
    OP_KIND,
    OP_ORDER,
    OP_PRICE,
    OP_QUANTITY,
    OP_SIDE,
    OP_TIME,
    PHASE,
    PRINT,
    REST,
    RecordedDay,
)
from environment.market.session import BY_ORDER, BY_REOPENING, change_phase

(W_NEXT, W_INSTRUMENT, W_RESTING, W_TAKING, W_DELAY, W_DUES, W_LOG, W_EXECUTED, W_CONSUMED,
 W_DISPLACED, W_PRINTS, W_FROM_AGENTS) = range(12)  # fmt: skip
HEAD_WORDS: Final = 16
KNOWN_ID, KNOWN_LINGERING, KNOWN_WORDS = range(3)
DUE_ORDER, DUE_QUANTITY, DUE_WORDS = range(3)
LOG_TIME, LOG_CONSUMED, LOG_DISPLACED, LOG_WORDS = range(4)
NEXT_ROW, WITHDRAWAL = 0, 1  # What a wake-up in the heap stands for.


@inner
def note(arena, head, log, consumed, displaced):
    """Write down, with its time, how many shares were consumed or displaced."""
    place = head[W_LOG]
    head[W_LOG] = place + 1
    head[W_CONSUMED] += consumed
    head[W_DISPLACED] += displaced
    log[place, LOG_TIME] = arena[at.H_NOW]
    log[place, LOG_CONSUMED] = consumed
    log[place, LOG_DISPLACED] = displaced


@inner
def enter(arena, slot):
    """Let a recorded order reach the exchange: it is taken as it is, for it once was."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    arena[at.H_BOOK_EVENTS] += 1
    arena[c + at.C_ENTRY_NS] = arena[at.H_NOW]
    arena[c + at.C_TOTAL] = arena[o + at.O_LEAVES]
    arena[account_row(arena, arena[o + at.O_ACCOUNT]) + at.A_ORDERS] += 1
    join_account(arena, slot)
    order_tape(arena, at.K_ENTER, slot, arena[o + at.O_PRICE], arena[o + at.O_LEAVES], 0,
               at.LIQ_NONE, 0)  # fmt: skip


@inner
def enter_resting(arena, rows, place, head, known):
    """A recorded order arrives. Where an agent stands across, it trades as any order does."""
    instrument, order = head[W_INSTRUMENT], rows[place, OP_ORDER]
    flags = at.F_ANONYMOUS if rows[place, OP_FLAG] != 0 else 0
    slot = new_order(arena, instrument, head[W_RESTING], rows[place, OP_SIDE], at.LIMIT, at.DAY,
                     at.ALLOW, flags, rows[place, OP_PRICE], rows[place, OP_QUANTITY], 0, 0, 0, 0,
                     order)  # fmt: skip
    known[order, KNOWN_ID] = (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot
    known[order, KNOWN_LINGERING] = 0
    enter(arena, slot)
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_PHASE] == at.CONTINUOUS:
        act(arena, ins, slot)
    else:
        rest(arena, ins, slot)


@inner
def withdraw(arena, ins, slot, quantity, reason):
    """Take shares of a recorded order out of the market; its place stays."""
    arena[at.H_BOOK_EVENTS] += 1
    if quantity == arena[order_row(arena, slot) + at.O_LEAVES]:
        cancel(arena, ins, slot, reason)
    else:
        shrink(arena, ins, slot, quantity, reason)


@inner
def standing(arena, slot, known, order):
    """Return how much of a recorded order stands that the recording has too."""
    if slot == at.NONE:
        return 0
    return arena[order_row(arena, slot) + at.O_LEAVES] - known[order, KNOWN_LINGERING]


@inner
def passed_over(arena, slot, target, head, known):
    """Return whether an execution passes this order: a recorded one that was not executed."""
    if slot == target or arena[order_row(arena, slot) + at.O_ACCOUNT] != head[W_RESTING]:
        return False
    return known[arena[cold_row(arena, slot) + at.C_TAG], KNOWN_LINGERING] == 0


@inner
def next_in_line(arena, ins, slot, target, head, known):
    """Return the first order from `slot` on, in priority, that an execution of `target` takes."""
    side = side_of(arena[order_row(arena, target) + at.O_META])
    base = arena[ins + at.I_BASE + side]
    while passed_over(arena, slot, target, head, known):
        o = order_row(arena, slot)
        price = arena[o + at.O_PRICE]
        hidden = (arena[o + at.O_META] >> at.FLAG_SHIFT) & at.F_HIDDEN
        slot = arena[o + at.O_NEXT]
        if slot == at.NONE and hidden == 0:
            slot = arena[level_row(arena, ins, side, price - base) + HIDDEN_HEAD] - 1
        while slot == at.NONE:
            price = next_price(arena, ins, side, price - base)
            if price <= -at.MAX_PRICE or price >= at.MAX_PRICE:
                return target  # It waits outside the window of levels.
            level = level_row(arena, ins, side, price - base)
            slot = arena[level + HEAD] - 1
            if slot == at.NONE:
                slot = arena[level + HIDDEN_HEAD] - 1
    return slot


@inner
def meet(arena, ins, taker, target, head, known):
    """Fill a recorded execution from whoever is in front. Returns what the recorded order gave."""
    t = order_row(arena, taker)
    side, limit, own = side_of(arena[t + at.O_META]), arena[t + at.O_PRICE], 0
    while arena[t + at.O_LEAVES] > 0:
        maker, twice = next_maker(arena, ins, side, limit, False)
        if maker == at.NONE:
            maker, twice = target, 2 * limit
        elif state_of(arena[order_row(arena, maker) + at.O_META]) != at.PEGGED:
            maker = next_in_line(arena, ins, maker, target, head, known)
            twice = 2 * arena[order_row(arena, maker) + at.O_PRICE]
        m = order_row(arena, maker)
        meta = arena[m + at.O_META]
        quantity = min(arena[t + at.O_LEAVES], arena[m + at.O_LEAVES])
        if maker == target:
            own += quantity
        elif arena[m + at.O_ACCOUNT] == head[W_RESTING]:
            order = arena[cold_row(arena, maker) + at.C_TAG]
            quantity = min(quantity, known[order, KNOWN_LINGERING])
            known[order, KNOWN_LINGERING] -= quantity
        else:
            head[W_FROM_AGENTS] += quantity
        liquidity = at.LIQ_DISPLAYED
        if state_of(meta) == at.PEGGED:
            liquidity = at.LIQ_MIDPOINT
        elif (meta >> at.FLAG_SHIFT) & at.F_HIDDEN:
            liquidity = at.LIQ_HIDDEN
        arena[t + at.O_LEAVES] -= quantity
        left = fill_maker(arena, ins, maker, quantity)
        settle(arena, ins, maker, taker, twice >> 1, twice & 1, quantity, liquidity)
        if left == 0:
            after_fill(arena, ins, maker)
        watch_stops(arena, ins, twice >> 1, twice & 1)
    return own


@inner
def execute(arena, rows, place, head, known, dues, log):
    """A recorded execution arrives: it acts on what agents have left of the recorded order."""
    order, quantity = rows[place, OP_ORDER], rows[place, OP_QUANTITY]
    ins = instrument_row(arena, head[W_INSTRUMENT])
    slot = find(arena, known[order, KNOWN_ID])
    taken = min(quantity, standing(arena, slot, known, order))
    if taken < quantity:
        note(arena, head, log, quantity - taken, 0)
    if taken <= 0:
        return
    head[W_EXECUTED] += taken
    o = order_row(arena, slot)
    side, price = side_of(arena[o + at.O_META]), arena[o + at.O_PRICE]
    if arena[ins + at.I_PHASE] != at.CONTINUOUS:
        # In an auction the recording's own price rules, and its orders leave by it.
        print_trade(arena, head, side, price, taken, at.LIQ_AUCTION)
        withdraw(arena, ins, slot, taken, at.R_WITHDRAWN)
        return
    taker = new_order(arena, head[W_INSTRUMENT], head[W_TAKING], 1 - side, at.LIMIT, at.IOC,
                      at.ALLOW, 0, price, taken, 0, 0, 0, 0, at.NONE)  # fmt: skip
    enter(arena, taker)
    displaced = taken - meet(arena, ins, taker, slot, head, known)
    release(arena, taker)
    if displaced == 0:
        return
    if head[W_DELAY] == 0:
        note(arena, head, log, 0, displaced)
        withdraw(arena, ins, slot, displaced, at.R_DISPLACED)
        return
    known[order, KNOWN_LINGERING] += displaced
    due = head[W_DUES]
    head[W_DUES] = due + 1
    dues[due, DUE_ORDER], dues[due, DUE_QUANTITY] = order, displaced
    push(arena, arena[at.H_NOW] + head[W_DELAY], at.E_WAKE, WITHDRAWAL, due)


@inner
def withdraw_due(arena, due, head, known, dues, log):
    """The delay is over: what still lingers of a displaced remainder is withdrawn."""
    order = dues[due, DUE_ORDER]
    quantity = min(dues[due, DUE_QUANTITY], known[order, KNOWN_LINGERING])
    slot = find(arena, known[order, KNOWN_ID])
    if slot == at.NONE:
        return
    quantity = min(quantity, arena[order_row(arena, slot) + at.O_LEAVES])
    if quantity > 0:
        known[order, KNOWN_LINGERING] -= quantity
        note(arena, head, log, 0, quantity)
        withdraw(arena, instrument_row(arena, head[W_INSTRUMENT]), slot, quantity, at.R_DISPLACED)


@inner
def leave(arena, rows, place, head, known, log):
    """A recorded order is cancelled in whole or in part, or leaves the published window."""
    order, quantity = rows[place, OP_ORDER], rows[place, OP_QUANTITY]
    slot = find(arena, known[order, KNOWN_ID])
    taken = min(quantity, standing(arena, slot, known, order))
    is_forgotten = rows[place, OP_KIND] == FORGET
    if taken < quantity and not is_forgotten:
        note(arena, head, log, quantity - taken, 0)
    if taken > 0:
        reason = at.R_WITHDRAWN if is_forgotten else at.R_REQUESTED
        withdraw(arena, instrument_row(arena, head[W_INSTRUMENT]), slot, taken, reason)


@inner
def print_trade(arena, head, side, price, quantity, flag):
    """Publish a trade that met no visible order; its parties stand outside this market's ledger."""
    instrument = head[W_INSTRUMENT]
    ins = instrument_row(arena, instrument)
    half = 1 if flag & at.HALF_TICK else 0
    head[W_PRINTS] += quantity
    arena[at.H_BOOK_EVENTS] += 1
    arena[at.H_TRADES] += 1
    arena[at.H_TRADE_SEQUENCE] += 1
    arena[ins + at.I_PREVIOUS_LAST] = arena[ins + at.I_LAST]
    arena[ins + at.I_LAST] = price
    arena[ins + at.I_LAST_HALF] = half
    arena[ins + at.I_VOLUME] += quantity
    arena[ins + at.I_TRADES] += 1
    arena[ins + at.I_NOTIONAL] += notional_of(arena, ins, price, quantity, half)
    arena[ins + at.I_FEED_SEQUENCE] += 1
    tape_row(arena, at.K_PRINT, instrument, 0, at.NONE, side, 0, price, quantity, 0, at.NONE, flag,
             at.NONE, at.NONE)  # fmt: skip
    send_trade(arena, ins, instrument, price, quantity, 1 - max(side, 0), half, 0)
    watch_stops(arena, ins, price, half)


@inner
def apply_row(arena, rows, place, head, known, dues, log):
    """Let one row of the recording happen."""
    kind = rows[place, OP_KIND]
    if kind == REST:
        enter_resting(arena, rows, place, head, known)
    elif kind == FILL:
        execute(arena, rows, place, head, known, dues, log)
    elif kind == PRINT:
        print_trade(arena, head, rows[place, OP_SIDE], rows[place, OP_PRICE],
                    rows[place, OP_QUANTITY], rows[place, OP_FLAG])  # fmt: skip
    elif kind == PHASE:
        phase = rows[place, OP_FLAG]
        reason = BY_REOPENING if phase == at.CONTINUOUS else BY_ORDER
        change_phase(arena, head[W_INSTRUMENT], phase, reason)
    else:
        leave(arena, rows, place, head, known, log)


@inner
def lacks_room(arena):
    """Return whether some section lacks room for one row, and note which."""
    bump = arena[at.H_ORDER_BUMP]
    if arena[at.H_ORDER_FREE] == at.NONE and bump + 2 > arena[at.H_CAPACITY + at.S_ORDER]:
        arena[at.H_NEED_SECTION] = at.S_ORDER
        arena[at.H_NEED_ROWS] = bump + 2
        return True
    return need_room(arena, at.E_REPLACE, 0)


@njit
def advance(arena, rows, head, known, dues, log, until):
    """Run the core with the recording in it; the codes are those of the core's own `step`."""
    while True:
        code = step(arena, until)
        if code != at.WAKE:
            return code
        if lacks_room(arena):
            arena[at.H_EVENTS] -= 1  # It is handled, and counted, when there is room.
            return at.NEED_ROOM
        top = arena[at.H_OFFSET + at.S_HEAP]
        what, due = arena[top + 2] & A_MASK, arena[top + 3]
        if what == WITHDRAWAL:
            pop(arena)
            withdraw_due(arena, due, head, known, dues, log)
        else:
            place = head[W_NEXT]
            head[W_NEXT] = place + 1
            if place + 1 < rows.shape[0]:
                reschedule_first(arena, max(rows[place + 1, OP_TIME], arena[at.H_NOW]))
            else:
                pop(arena)
            apply_row(arena, rows, place, head, known, dues, log)
        after_change(arena, head[W_INSTRUMENT])


class ReplayFlow:
    """One recorded day on its way into a market, in place of a crowd.

    What changes lies in one array, `state`, beside the arena, so that a snapshot of the market
    holds it: `Market.floats` is that array's view as floats, whose bytes are kept as they are.
    """

    def __init__(self, day: RecordedDay, *, withdraw_after_ns: int = 0) -> None:
        self.day = day
        self._rows = np.ascontiguousarray(day.rows)
        fills = int((day.rows[:, OP_KIND] == FILL).sum())
        sizes = ((day.orders, KNOWN_WORDS), (fills, DUE_WORDS), (len(day.rows) + fills, LOG_WORDS))
        self.state = np.zeros(HEAD_WORDS + sum(a * b for a, b in sizes), np.int64)
        self.head = self.state[:HEAD_WORDS]
        self.head[W_DELAY] = withdraw_after_ns
        parts, first = list[Ints](), HEAD_WORDS
        for rows, words in sizes:
            parts.append(self.state[first : first + rows * words].reshape(rows, words))
            first += rows * words
        self._known, self._dues, self._log = parts

    def advance(self, arena: Arena, until_ns: int) -> int:
        """Run the core with this recording in it."""
        return advance(  # type: ignore[no-any-return]  # Compiled.
            arena, self._rows, self.head, self._known, self._dues, self._log, until_ns
        )

    def attach(self, market: Market, instrument: int, resting: int, taking: int) -> None:
        """Belong to a market: recorded orders are `resting`'s, recorded executions `taking`'s."""
        self.head[[W_INSTRUMENT, W_RESTING, W_TAKING]] = instrument, resting, taking
        market.floats = self.state.view(np.float64)

    def start(self, market: Market) -> None:
        """Schedule the first row."""
        market.post_event(int(self._rows[0, OP_TIME]), at.E_WAKE, NEXT_ROW, 0)

    @property
    def log(self) -> Ints:
        """Return (time, consumed, displaced) of each event so far, shape (n, 3)."""
        return self._log[: int(self.head[W_LOG])].copy()

    def counts(self) -> dict[str, int]:
        """Return what the recording came to so far: rows, and shares by what became of them."""
        names = {
            "rows": W_NEXT, "executed": W_EXECUTED, "taken_from_agents": W_FROM_AGENTS,
            "displaced": W_DISPLACED, "consumed": W_CONSUMED, "printed": W_PRINTS,
        }  # fmt: skip
        return {name: int(self.head[word]) for name, word in names.items()}


__all__ = ["ReplayFlow", "advance"]
