"""Packages: several legs at one net price, all in one event or not at all.

An arriving package trades against the legs' books first, wherever their net price is at least as
good as a waiting package's, then against packages by price and time. Nothing changes before every
leg is known to be there. Orders that would make a package's legs in the single books are out of
scope; see decision 0011.
"""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.emit import order_tape
from environment.market.entry import new_order
from environment.market.heap import push
from environment.market.ladder import account_row, instrument_row, order_row, with_state
from environment.market.ledger import locate_shortfall, work_sell
from environment.market.matching import join_account, match, release, settle
from environment.market.package_book import (
    IN_FLIGHT,
    WAITING,
    cancel_package,
    end_package,
    find_package,
    free_package,
    identity_of,
    leave_book,
    package_row,
    package_tape,
    tell_package,
    wait_in_book,
)
from environment.market.strategy import (
    bound,
    find_strategy,
    implied_now,
    leg_side,
    leg_word,
    mark_strategy,
    settle_legs,
    spread_net,
    strategy_row,
    trades_now,
)

AT_ONCE = 32  # Trades that one event makes at most; another event at once goes on.
SLOTS = 2 * at.LEGS_MAX  # Order rows that one trade uses at a time.
NEWEST = 1 << 62  # A place in time priority behind every other.


# --- sent ----------------------------------------------------------------------------------------


@inner
def lacks_package_room(arena, count):
    """Return whether there is no room to send so many packages; note what lacks."""
    if arena[at.H_PACKAGE_BUMP] + count > arena[at.H_CAPACITY + at.S_PACKAGE]:
        arena[at.H_NEED_SECTION] = at.S_PACKAGE
        arena[at.H_NEED_ROWS] = 2 * (arena[at.H_PACKAGE_BUMP] + count)
        return True
    if arena[at.H_STRATEGIES] + count > arena[at.H_CAPACITY + at.S_STRATEGY]:
        arena[at.H_NEED_SECTION] = at.S_STRATEGY
        arena[at.H_NEED_ROWS] = 2 * (arena[at.H_STRATEGIES] + count)
        return True
    if arena[at.H_LEGS] + at.LEGS_MAX * count > arena[at.H_CAPACITY + at.S_LEG]:
        arena[at.H_NEED_SECTION] = at.S_LEG
        arena[at.H_NEED_ROWS] = 2 * (arena[at.H_LEGS] + at.LEGS_MAX * count)
        return True
    return False


@inner
def send_package(arena, count, account, side, price, quantity, tif, tag, arrival):
    """Send a package whose `count` legs (instrument, ratio) stand at H_LEGS_AT, in any order.

    Returns its public id, or 0: the legs make no package.
    """
    turned = settle_legs(arena, count)
    if turned < 0:
        return 0
    package = arena[at.H_PACKAGE_FREE] - 1
    if package >= 0:
        p = package_row(arena, package)
        arena[at.H_PACKAGE_FREE] = arena[p + at.PK_NEXT]
    else:
        package = arena[at.H_PACKAGE_BUMP]
        arena[at.H_PACKAGE_BUMP] = package + 1
        p = package_row(arena, package)
        arena[p + at.PK_GENERATION] = 1
    arena[p + at.PK_STATE] = IN_FLIGHT
    arena[p + at.PK_STRATEGY] = find_strategy(arena, count)
    arena[p + at.PK_SIDE] = side ^ turned
    arena[p + at.PK_FLIPPED] = turned
    arena[p + at.PK_ACCOUNT] = account
    arena[p + at.PK_PRICE] = -price if turned else price
    arena[p + at.PK_LEAVES] = quantity
    arena[p + at.PK_FILLED] = 0
    arena[p + at.PK_TIF] = tif
    arena[p + at.PK_TAG] = tag
    push(arena, arrival, at.E_PACKAGE, package, 0)
    return identity_of(arena, package)


@njit
def post_package(arena, arrival, account, side, price, quantity, tif, tag, legs):
    """Send a package of legs, int64 of shape (count, 2). Returns its public id, 0 or -1.

    0: the legs make no package. -1: there is no room; make it and ask again.
    """
    if len(legs) < 2 or len(legs) > at.LEGS_MAX:
        return 0
    if lacks_package_room(arena, 1):
        return -1
    for k in range(len(legs)):
        arena[at.H_LEGS_AT + 2 * k] = legs[k, 0]
        arena[at.H_LEGS_AT + 2 * k + 1] = legs[k, 1]
    return send_package(arena, len(legs), account, side, price, quantity, tif, tag, arrival)


# --- told ----------------------------------------------------------------------------------------


# --- the package book ----------------------------------------------------------------------------


# --- trades --------------------------------------------------------------------------------------


@inner
def _leg_order(arena, package, word, side, price, units):
    """Return the row of a new leg's order, at the exchange and on the tape."""
    p = package_row(arena, package)
    slot = new_order(arena, arena[word], arena[p + at.PK_ACCOUNT], side, at.LIMIT, at.IOC,
                     at.CANCEL_OLDEST, at.F_LEG, price, units * arena[word + 2], 0, 0, 0,
                     -identity_of(arena, package), arena[p + at.PK_TAG])  # fmt: skip
    o = order_row(arena, slot)
    arena[o + at.O_META] = with_state(arena[o + at.O_META], at.AGGRESSING)
    # Its place in time is its package's: whoever came later takes, and pays as one that takes.
    is_waiting = arena[p + at.PK_STATE] == WAITING
    arena[o + at.O_SEQUENCE] = arena[p + at.PK_SEQUENCE] if is_waiting else NEWEST
    c = arena[at.H_OFFSET + at.S_COLD] + slot * 16
    arena[c + at.C_ENTRY_NS] = arena[at.H_NOW]
    arena[c + at.C_TOTAL] = arena[o + at.O_LEAVES]
    join_account(arena, slot)
    if side == 1:
        work_sell(arena, instrument_row(arena, arena[word]), arena[p + at.PK_ACCOUNT], arena[word],
                  arena[o + at.O_LEAVES])  # fmt: skip
    order_tape(arena, at.K_ENTER, slot, price, arena[o + at.O_LEAVES], 0, at.LIQ_NONE, 0)
    return slot


@inner
def _trade_legs(arena, package, net, units):
    """Trade so many units against the legs' books, at the prices at H_PRICES_AT."""
    p = package_row(arena, package)
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    for k in range(arena[st + at.ST_COUNT]):
        word = leg_word(arena, st, k)
        side = leg_side(arena, word, arena[p + at.PK_SIDE])
        slot = _leg_order(arena, package, word, side, arena[at.H_PRICES_AT + k], units)
        match(arena, instrument_row(arena, arena[word]), slot, arena[at.H_PRICES_AT + k], False)
        if arena[order_row(arena, slot) + at.O_LEAVES] != 0:
            arena[at.H_ERROR] = 2  # A leg that was there is not: the core stops.
            arena[at.H_ERROR_DETAIL] = slot
        release(arena, slot)
    _book(arena, package, net, units, at.NONE)


@inner
def _trade_packages(arena, incoming, waiting, net, units):
    """Let two packages trade so many units at the waiting one's price; legs as at H_PRICES_AT."""
    p, w = package_row(arena, incoming), package_row(arena, waiting)
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    for k in range(arena[st + at.ST_COUNT]):
        word, price = leg_word(arena, st, k), arena[at.H_PRICES_AT + k]
        maker = _leg_order(arena, waiting, word, leg_side(arena, word, arena[w + at.PK_SIDE]),
                           price, units)  # fmt: skip
        taker = _leg_order(arena, incoming, word, leg_side(arena, word, arena[p + at.PK_SIDE]),
                           price, units)  # fmt: skip
        quantity = units * arena[word + 2]
        arena[order_row(arena, maker) + at.O_LEAVES] = 0
        arena[order_row(arena, taker) + at.O_LEAVES] = 0
        settle(arena, instrument_row(arena, arena[word]), maker, taker, price, 0, quantity,
               at.LIQ_PACKAGE)  # fmt: skip
        release(arena, maker)
        release(arena, taker)
    _book(arena, waiting, net, units, incoming)
    _book(arena, incoming, net, units, waiting)
    if arena[w + at.PK_LEAVES] == 0:
        leave_book(arena, waiting)
        free_package(arena, waiting)


@inner
def _book(arena, package, net, units, other):
    p = package_row(arena, package)
    arena[p + at.PK_LEAVES] -= units
    arena[p + at.PK_FILLED] += units
    limit = arena[p + at.PK_PRICE]
    arena[p + at.PK_PRICE] = net  # For the row alone.
    counterparty = identity_of(arena, other) if other != at.NONE else at.NONE
    package_tape(arena, package, at.PR_FILL, units, counterparty, at.LIQ_PACKAGE)
    arena[p + at.PK_PRICE] = limit
    tell_package(arena, package, at.M_PACKAGE_FILLED, net, units, 0 if other == at.NONE else 1)
    arena[at.H_PACKAGE_TRADES] += 1


@inner
def _group(arena, p):
    return arena[account_row(arena, arena[p + at.PK_ACCOUNT]) + at.A_GROUP]


@inner
def _may_trade(arena, st, net):
    """Return whether the legs' books let two packages trade at a net price, and find the legs'."""
    known, most = bound(arena, st, 0)
    if known and net > most:
        return False
    known, least = bound(arena, st, 1)
    if known and net < least:
        return False
    return spread_net(arena, st, net)


@inner
def _lacks_borrow(arena, package, units):
    """Return whether a stock leg of so many units would sell what cannot be borrowed.

    A package that waits holds no shares back, so this is asked again before each trade.
    """
    p = package_row(arena, package)
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    account = arena[p + at.PK_ACCOUNT]
    if arena[account_row(arena, account) + at.A_FLAGS] & at.ACCOUNT_LOCATE == 0:
        return False
    for k in range(arena[st + at.ST_COUNT]):
        word = leg_word(arena, st, k)
        number, lots = arena[word], arena[word + 2] * units
        if number < arena[at.H_INSTRUMENTS] and leg_side(arena, word, arena[p + at.PK_SIDE]) == 1:
            if locate_shortfall(arena, instrument_row(arena, number), account, number, lots) > 0:
                return True
    return False


@inner
def trade(arena, package):
    """Let a package trade; return what becomes of it.

    0: it may wait; 1: it is done; 2: it met its own; 3: go on; 4: it lacks borrow.
    """
    p = package_row(arena, package)
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    side, group = arena[p + at.PK_SIDE], _group(arena, p)
    sign = 1 if side == 0 else -1
    if not trades_now(arena, st):
        return 0
    for _ in range(AT_ONCE):
        if arena[p + at.PK_LEAVES] == 0:
            return 1
        limit = sign * arena[p + at.PK_PRICE]
        net, units = implied_now(arena, st, side, group)
        waiting = arena[st + (at.ST_SELLS if side == 0 else at.ST_BUYS)] - 1
        has_legs = units > 0 and sign * net <= limit
        has_package = waiting != at.NONE and (
            sign * arena[package_row(arena, waiting) + at.PK_PRICE] <= limit
        )
        if has_legs and not (
            has_package and sign * arena[package_row(arena, waiting) + at.PK_PRICE] < sign * net
        ):
            units = min(units, arena[p + at.PK_LEAVES])
            if _lacks_borrow(arena, package, units):
                return 4
            _trade_legs(arena, package, net, units)
        elif has_package:
            w = package_row(arena, waiting)
            is_older = arena[p + at.PK_SEQUENCE] < arena[w + at.PK_SEQUENCE]
            if arena[p + at.PK_STATE] == WAITING and is_older:
                return 0  # The one that came later comes to it, at its price.
            if _group(arena, w) == group:
                return 2
            if not _may_trade(arena, st, arena[w + at.PK_PRICE]):
                return 0
            units = min(arena[w + at.PK_LEAVES], arena[p + at.PK_LEAVES])
            if _lacks_borrow(arena, package, units):
                return 4
            if _lacks_borrow(arena, waiting, units):
                cancel_package(arena, waiting, at.R_NO_BORROW)
                continue
            _trade_packages(arena, package, waiting, arena[w + at.PK_PRICE], units)
        else:
            return 0
    return 3 if arena[p + at.PK_LEAVES] > 0 else 1


@inner
def package_fault(arena, p, st, leaves, price):
    """Return why a package may not have so many units left at such a price, or -1."""
    if leaves <= 0 or leaves >= at.MAX_PRICE >> 20:
        return at.R_QUANTITY
    if abs(price) >= at.MAX_PRICE:
        return at.R_INCREMENT
    account = arena[p + at.PK_ACCOUNT]
    flags = arena[account_row(arena, account) + at.A_FLAGS]
    if flags & at.ACCOUNT_CASH_ONLY:
        return at.R_MARGIN
    for k in range(arena[st + at.ST_COUNT]):
        word = leg_word(arena, st, k)
        ins = instrument_row(arena, arena[word])
        phase = arena[ins + at.I_PHASE]
        if phase != at.CONTINUOUS:
            is_paused = phase == at.HALTED or phase == at.REOPENING_AUCTION
            return at.R_HALTED if is_paused else at.R_PHASE
        sells = leg_side(arena, word, arena[p + at.PK_SIDE]) == 1
        if sells and arena[word] < arena[at.H_INSTRUMENTS] and flags & at.ACCOUNT_LOCATE:
            lots = arena[word + 2] * leaves
            if locate_shortfall(arena, ins, account, arena[word], lots) > 0:
                return at.R_NO_BORROW
    return -1


@inner
def arrive_package(arena, package):
    """A package reaches the exchange."""
    p = package_row(arena, package)
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    arena[p + at.PK_ENTRY_NS] = arena[at.H_NOW]
    fault = package_fault(arena, p, st, arena[p + at.PK_LEAVES], arena[p + at.PK_PRICE])
    if fault >= 0:
        package_tape(arena, package, at.PR_REFUSE, arena[p + at.PK_LEAVES], at.NONE, fault)
        tell_package(arena, package, at.M_PACKAGE_REFUSED, arena[p + at.PK_PRICE],
                     arena[p + at.PK_LEAVES], fault)  # fmt: skip
        arena[at.H_REFUSED] += 1
        free_package(arena, package)
        return
    package_tape(arena, package, at.PR_ENTER, arena[p + at.PK_LEAVES], at.NONE, at.LIQ_NONE)
    tell_package(arena, package, at.M_PACKAGE_ACCEPTED, arena[p + at.PK_PRICE],
                 arena[p + at.PK_LEAVES], 0)  # fmt: skip
    enter_market(arena, package)


@inner
def enter_market(arena, package):
    """Let a package that stands in no list trade, and wait with what is left of it."""
    p = package_row(arena, package)
    outcome = trade(arena, package)
    if outcome == 1:
        free_package(arena, package)
    elif outcome == 2:
        end_package(arena, package, at.R_SELF_TRADE)
    elif outcome == 4:
        end_package(arena, package, at.R_NO_BORROW)
    elif arena[p + at.PK_TIF] == at.IOC:
        end_package(arena, package, at.R_IOC)
    else:
        wait_in_book(arena, package)
        if outcome == 3:
            push(arena, arena[at.H_NOW], at.E_STRATEGY, arena[p + at.PK_STRATEGY], 0)


@inner
def run_strategy(arena, strategy):
    """Let a strategy's waiting packages trade against the legs as they are now; return if any did.

    Best first on each side. Two waiting packages never face each other at prices that meet, but for
    the legs' bounds: where these have moved, the younger one is let in again.
    """
    st = strategy_row(arena, strategy)
    traded = False
    for which in (at.ST_BUYS, at.ST_SELLS):
        package = arena[st + which] - 1
        if package == at.NONE:
            continue
        p = package_row(arena, package)
        before = arena[p + at.PK_LEAVES]
        outcome = trade(arena, package)
        traded = traded or arena[p + at.PK_LEAVES] < before
        if outcome == 1:
            leave_book(arena, package)
            free_package(arena, package)
            mark_strategy(arena, strategy)
        elif outcome == 3:
            push(arena, arena[at.H_NOW], at.E_STRATEGY, strategy, 0)
        elif outcome == 2 or outcome == 4:
            cancel_package(arena, package, at.R_SELF_TRADE if outcome == 2 else at.R_NO_BORROW)
            mark_strategy(arena, strategy)
    return traded


@inner
def withdraw(arena, account, identity):
    """A package's cancel reaches the exchange. Returns whether there was such a package."""
    package = find_package(arena, account, identity)
    if package == at.NONE or arena[package_row(arena, package) + at.PK_STATE] != WAITING:
        return False
    cancel_package(arena, package, at.R_REQUESTED)
    return True


@inner
def end_packages(arena, stock, account):
    """Cancel waiting packages: an account's (NONE: at the day's end, a stock's of the day)."""
    for package in range(arena[at.H_PACKAGE_BUMP]):
        p = package_row(arena, package)
        if arena[p + at.PK_STATE] != WAITING:
            continue
        if account != at.NONE:
            if arena[p + at.PK_ACCOUNT] == account:
                cancel_package(arena, package, at.R_REQUESTED)
            continue
        st = strategy_row(arena, arena[p + at.PK_STRATEGY])
        is_over, is_of_stock = False, False
        for k in range(arena[st + at.ST_COUNT]):
            number = arena[leg_word(arena, st, k)]
            ins = instrument_row(arena, number)
            if number >= arena[at.H_INSTRUMENTS]:
                is_of_stock = arena[ins + at.I_UNDERLYING] == stock
                last = arena[ins + at.I_LAST_TRADING_NS]
                is_over = is_over or 0 < last <= arena[at.H_NOW]
        if is_of_stock and is_over:
            cancel_package(arena, package, at.R_EXPIRED)
        elif is_of_stock and arena[p + at.PK_TIF] == at.DAY:
            cancel_package(arena, package, at.R_DAY_END)
