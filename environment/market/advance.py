"""The core's loop: its own events in the order of (time, sequence), one return a due delivery."""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.bands import SECOND, on_second, watch_limit_state
from environment.market.broker_rule import must_be_judged, must_replace_be_judged
from environment.market.chain_feed import send_chain
from environment.market.emit import out_row, send_depth, send_quote, tell
from environment.market.entry import (
    arrive,
    arrive_cancel,
    arrive_cancel_all,
    arrive_replace,
    find,
    hold_to_bands,
    match_pegs,
    new_order,
)
from environment.market.heap import A_MASK, KIND_SHIFT, pop, push, reschedule_first
from environment.market.holdings import lacks_holdings
from environment.market.ladder import (
    account_row,
    cold_row,
    instrument_row,
    order_row,
    shown_best,
)
from environment.market.mass_quote import apply_inbound
from environment.market.package import (
    AT_ONCE,
    SLOTS,
    arrive_package,
    end_packages,
    run_strategy,
    withdraw,
)
from environment.market.package_book import find_package, package_row
from environment.market.package_replace import refuse_package_request, replace_package
from environment.market.protection import dealer_row, quote_row
from environment.market.quote_pulls import (
    first_tripped,
    pull_quote,
    purge_tape,
    rearm,
    tell_dealer,
)
from environment.market.series import watch_quote
from environment.market.series_day import join_stock
from environment.market.session import (
    BY_LIMIT,
    BY_LISTING,
    BY_SCHEDULE,
    PAUSE_NS,
    change_phase,
    expire,
    halt,
    indicative,
    pause,
    reopen,
    run_triggered,
    start_indicating,
    survey_market,
)
from environment.market.strategy import (
    leg_word,
    mark_stale,
    mark_strategy,
    strategy_row,
    take_stale,
)

EVENT_ROWS = 64  # Tape or out rows that any event may write besides one pair a fill.


@inner
def _fills_possible(arena, kind, a):
    """Return a bound on the orders that the next event may fill, move or cancel."""
    live = arena[at.H_LIVE_SLICES] + arena[at.H_STOPS] + arena[at.H_LIVE_ORDERS] + 2
    if arena[at.H_PACKAGES] > 0 or kind == at.E_PACKAGE:
        # Any change of a book may let packages trade, each leg of them at least once.
        if at.E_WAKE <= kind <= at.E_FEED or kind == at.E_INDICATIVE or kind == at.E_CALLBACK:
            return 2
        return live + 2 * AT_ONCE * SLOTS
    if kind == at.E_ARRIVE and arena[at.H_STOPS] + arena[at.H_PEGS] == 0:
        o = order_row(arena, a)
        # An order that cancels its group's older ones may meet any number of them.
        if (arena[o + at.O_META] >> at.SELF_TRADE_SHIFT) & 7 != at.CANCEL_OLDEST:
            return min(live, arena[o + at.O_LEAVES] + 2)
    # A cancel moves the midpoint, at which any number of pegs may then meet.
    if kind == at.E_CANCEL and arena[at.H_PEGS] == 0:
        return 2
    if kind == at.E_CANCEL_ALL and arena[at.H_PEGS] == 0:
        return arena[account_row(arena, a) + at.A_LIVE] + 2
    if kind == at.E_INDICATIVE or kind == at.E_CALLBACK or kind == at.E_WAKE or kind == at.E_FEED:
        return 2
    return live


@inner
def need_room(arena, fills, wide):
    """Return whether some section lacks room for an event of so many fills, and note which."""
    bound = 4 * fills + wide + EVENT_ROWS
    if arena[at.H_TAPE_COUNT] + bound > arena[at.H_CAPACITY + at.S_TAPE]:
        arena[at.H_NEED_SECTION] = at.S_TAPE
        arena[at.H_NEED_ROWS] = arena[at.H_TAPE_COUNT] + bound
        return True
    feeds = arena[at.H_FEEDS]
    # A fill is told to two, and a print goes to each feed; a depth feed sends a row a level.
    # A chain feed sends a row a series.
    chains = (arena[at.H_SERIES] + 2) * arena[at.H_CHAIN_FEEDS]
    outs = fills * (4 + feeds) + EVENT_ROWS + 64 * feeds + chains + wide
    if arena[at.H_OUT_COUNT] + outs > arena[at.H_CAPACITY + at.S_OUT]:
        arena[at.H_NEED_SECTION] = at.S_OUT
        arena[at.H_NEED_ROWS] = arena[at.H_OUT_COUNT] + outs
        return True
    events = wide + feeds + EVENT_ROWS
    if arena[at.H_HEAP_COUNT] + events > arena[at.H_CAPACITY + at.S_HEAP]:
        arena[at.H_NEED_SECTION] = at.S_HEAP
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_HEAP_COUNT] + events
        return True
    if arena[at.H_STOP_BUMP] + 4 > arena[at.H_CAPACITY + at.S_STOPNODE]:
        arena[at.H_NEED_SECTION] = at.S_STOPNODE
        arena[at.H_NEED_ROWS] = 2 * arena[at.H_STOP_BUMP] + 64
        return True
    if arena[at.H_SERIES] > 0:
        if lacks_holdings(arena, 2 * fills + 2):
            return True
        if arena[at.H_ORDER_BUMP] + SLOTS > arena[at.H_CAPACITY + at.S_ORDER]:
            arena[at.H_NEED_SECTION] = at.S_ORDER
            arena[at.H_NEED_ROWS] = arena[at.H_ORDER_BUMP] + SLOTS
            return True
    # Half for an auction's orders, half for those of a moving window.
    orders = 2 * (arena[at.H_LIVE_ORDERS] + 8)
    if orders > arena[at.H_CAPACITY + at.S_SCRATCH]:
        arena[at.H_NEED_SECTION] = at.S_SCRATCH
        arena[at.H_NEED_ROWS] = 2 * orders
        return True
    return False


@inner
def after_change(arena, instrument):
    """After an event that may have changed a book: pegs, the touch, views, feeds, limit states."""
    _settle(arena, instrument)
    if arena[at.H_SERIES] > 0:
        _follow_up(arena)


@inner
def _settle(arena, instrument):
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_PHASE] == at.CONTINUOUS:
        if arena[ins + at.I_KIND] == at.KIND_OPTION:
            if arena[at.H_STOPS] > 0:
                watch_quote(arena, ins)
                while arena[ins + at.I_TRIGGERED] != 0:
                    run_triggered(arena, ins)
                    watch_quote(arena, ins)
        else:
            run_triggered(arena, ins)
            while match_pegs(arena, ins):
                run_triggered(arena, ins)
    _show_touch(arena, ins, instrument)


@inner
def _follow_up(arena):
    """What one book's change does to others, now that nothing matches: each may do more."""
    left = AT_ONCE
    while True:
        if arena[at.H_TRIPPED] > 0:
            # A dealer's protection went off: his quotes leave every series.
            d = dealer_row(arena, first_tripped(arena))
            first = arena[d + at.DE_FIRST]
            for quote in range(first, first + arena[d + at.DE_COUNT]):
                if pull_quote(arena, quote):
                    _settle(arena, arena[quote_row(arena, quote) + at.QU_INSTRUMENT])
        elif arena[at.H_STALE] != 0:
            # A stock's phase was carried over to its series.
            arena[at.H_STALE] = 0
            first = arena[at.H_INSTRUMENTS]
            for number in range(first, first + arena[at.H_SERIES]):
                _settle(arena, number)
        elif arena[at.H_STALE_STRATEGY] != 0:
            strategy = take_stale(arena)
            if left == 0:
                push(arena, arena[at.H_NOW], at.E_STRATEGY, strategy, 0)
            elif run_strategy(arena, strategy):
                left -= 1
                _settle_legs(arena, strategy)
        else:
            return


@inner
def _settle_legs(arena, strategy):
    st = strategy_row(arena, strategy)
    for k in range(arena[st + at.ST_COUNT]):
        _settle(arena, arena[leg_word(arena, st, k)])


@inner
def _show_touch(arena, ins, instrument):
    bid, bid_quantity = shown_best(arena, ins, 0)
    ask, ask_quantity = shown_best(arena, ins, 1)
    if (bid == arena[ins + at.I_SHOWN_BID] and ask == arena[ins + at.I_SHOWN_ASK]
            and bid_quantity == arena[ins + at.I_SHOWN_BID_QUANTITY]
            and ask_quantity == arena[ins + at.I_SHOWN_ASK_QUANTITY]
            and arena[ins + at.I_VOLUME] == arena[ins + at.I_DIRTY]):  # fmt: skip
        if arena[ins + at.I_FEED_FIRST] != 0 and arena[ins + at.I_FEED_DOWN] == 0:
            _schedule_feeds(arena, ins, False)
        watch_limit_state(arena, ins, instrument)  # The bands may have moved to the touch.
        return
    arena[ins + at.I_SHOWN_BID] = bid
    arena[ins + at.I_SHOWN_BID_QUANTITY] = bid_quantity
    arena[ins + at.I_SHOWN_ASK] = ask
    arena[ins + at.I_SHOWN_ASK_QUANTITY] = ask_quantity
    arena[ins + at.I_DIRTY] = arena[ins + at.I_VOLUME]
    if arena[ins + at.I_LEGS] != 0:
        mark_stale(arena, ins)
    arena[ins + at.I_FEED_SEQUENCE] += 1
    if arena[ins + at.I_FEED_DOWN] == 0:
        _note_touch(arena, ins)
        if arena[ins + at.I_FEED_FIRST] != 0:
            _schedule_feeds(arena, ins, True)
    watch_limit_state(arena, ins, instrument)


@inner
def _note_touch(arena, ins):
    count, size = arena[ins + at.I_TOUCH_COUNT], arena[ins + at.I_TOUCH_SIZE]
    first = arena[at.H_OFFSET + at.S_TOUCH] + arena[ins + at.I_TOUCH_FIRST] * 8
    if count > 0:
        last = first + ((count - 1) & (size - 1)) * 8
        if arena[last + at.TO_TIME] == arena[at.H_NOW]:
            count -= 1  # Of several states at one moment only the last was ever seen.
    row = first + (count & (size - 1)) * 8
    arena[row + at.TO_TIME] = arena[at.H_NOW]
    arena[row + at.TO_BID] = arena[ins + at.I_SHOWN_BID]
    arena[row + at.TO_BID_QUANTITY] = arena[ins + at.I_SHOWN_BID_QUANTITY]
    arena[row + at.TO_ASK] = arena[ins + at.I_SHOWN_ASK]
    arena[row + at.TO_ASK_QUANTITY] = arena[ins + at.I_SHOWN_ASK_QUANTITY]
    arena[row + at.TO_LAST] = arena[ins + at.I_LAST]
    arena[row + at.TO_VOLUME] = arena[ins + at.I_VOLUME]
    arena[row + at.TO_PHASE] = arena[ins + at.I_PHASE]
    arena[ins + at.I_TOUCH_COUNT] = count + 1


@inner
def view_touch(arena, instrument, as_of):
    """Return the row of the last touch published at or before `as_of`, or NONE.

    Where the ring no longer reaches back so far, its oldest row: the nearest thing to the truth.
    """
    ins = instrument_row(arena, instrument)
    count, size = arena[ins + at.I_TOUCH_COUNT], arena[ins + at.I_TOUCH_SIZE]
    first = arena[at.H_OFFSET + at.S_TOUCH] + arena[ins + at.I_TOUCH_FIRST] * 8
    low, high = max(count - size, 0), count
    # Nearly always the answer is among the newest rows.
    k = count - 1
    for _ in range(8):
        if k < low:
            break
        row = first + (k & (size - 1)) * 8
        if arena[row + at.TO_TIME] <= as_of:
            return row
        k -= 1
    high = max(k + 1, low)
    if high == low:
        return first + (low & (size - 1)) * 8 if low > 0 else at.NONE
    while low < high:
        middle = (low + high) >> 1
        if arena[first + (middle & (size - 1)) * 8 + at.TO_TIME] <= as_of:
            low = middle + 1
        else:
            high = middle
    if low == max(count - size, 0):
        return first + (low & (size - 1)) * 8 if low > 0 else at.NONE
    return first + ((low - 1) & (size - 1)) * 8


@inner
def _schedule_feeds(arena, ins, touched):
    number = arena[ins + at.I_FEED_FIRST] - 1
    while number != at.NONE:
        feed = arena[at.H_OFFSET + at.S_FEED] + number * 16
        kind = arena[feed + at.FD_KIND]
        interval = arena[feed + at.FD_INTERVAL]
        if (kind == at.FEED_QUOTES and touched) or kind == at.FEED_DEPTH:
            if interval == 0:
                if kind == at.FEED_QUOTES:
                    send_quote(arena, ins, feed)
                else:
                    send_depth(arena, ins, feed)
            elif arena[feed + at.FD_SCHEDULED] == 0:
                arena[feed + at.FD_SCHEDULED] = 1
                due = max(arena[feed + at.FD_LAST_SENT] + interval, arena[at.H_NOW])
                push(arena, due, at.E_FEED, number, 0)
        number = arena[feed + at.FD_NEXT]


@inner
def _feed_due(arena, number):
    feed = arena[at.H_OFFSET + at.S_FEED] + number * 16
    if arena[feed + at.FD_KIND] == at.FEED_CHAIN:
        send_chain(arena, number)
        return
    ins = instrument_row(arena, arena[feed + at.FD_INSTRUMENT])
    arena[feed + at.FD_SCHEDULED] = 0
    if arena[feed + at.FD_KIND] == at.FEED_QUOTES:
        send_quote(arena, ins, feed)
    else:
        send_depth(arena, ins, feed)


@inner
def refuse_request(arena, account, identity, instrument, reason):
    """Tell an account's owner that its cancel or replace was refused."""
    a = account_row(arena, account)
    arena[at.H_REFUSED] += 1
    if arena[a + at.A_OWNER] == at.NO_OWNER:
        return
    slot = find(arena, identity)
    if slot != at.NONE and arena[order_row(arena, slot) + at.O_ACCOUNT] == account:
        tell(arena, slot, at.M_REFUSED, 0, 0, 0, reason)
        return
    _refuse_nameless(arena, account, identity, instrument, reason)


@inner
def _refuse_nameless(arena, account, identity, instrument, reason):
    """Tell an account's owner that what it asked about is over."""
    a = account_row(arena, account)
    counter = arena[a + at.A_ACK_COUNTER]
    arena[a + at.A_ACK_COUNTER] = counter + 1
    delivery = max(arena[at.H_NOW] + 1, arena[a + at.A_ACK_LAST])
    arena[a + at.A_ACK_LAST] = delivery
    row = out_row(arena, delivery, arena[a + at.A_OWNER], at.M_REFUSED, instrument)
    arena[row + at.X_ORDER] = identity
    arena[row + at.X_TAG] = -1
    arena[row + at.X_EXTRA] = reason


@inner
def _arrive(arena, slot):
    instrument = arena[order_row(arena, slot) + at.O_META] & 0xFFFF
    expiry = arena[cold_row(arena, slot) + at.C_EXPIRE]
    identity = (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot
    arrive(arena, slot)
    if expiry > arena[at.H_NOW] and find(arena, identity) != at.NONE:
        push(arena, expiry, at.E_EXPIRE, slot, identity)
    after_change(arena, instrument)


@inner
def _cancel(arena, account, identity):
    slot = find(arena, identity)
    instrument = 0
    if slot != at.NONE:
        o = order_row(arena, slot)
        instrument = arena[o + at.O_META] & 0xFFFF
        if arena[o + at.O_ACCOUNT] != account:
            refuse_request(arena, account, identity, instrument, at.R_UNKNOWN)
            return
    reason = arrive_cancel(arena, identity)
    if reason >= 0:
        refuse_request(arena, account, identity, instrument, reason)
    elif slot != at.NONE:
        after_change(arena, instrument)


@inner
def _replace(arena, form, identity):
    """`form` is a free order slot that carries the new price and total quantity."""
    f = order_row(arena, form)
    account, price, quantity = (
        arena[f + at.O_ACCOUNT], arena[f + at.O_PRICE], arena[f + at.O_LEAVES],
    )  # fmt: skip
    release_form(arena, form)
    slot = find(arena, identity)
    instrument = 0
    if slot != at.NONE:
        instrument = arena[order_row(arena, slot) + at.O_META] & 0xFFFF
        if arena[order_row(arena, slot) + at.O_ACCOUNT] != account:
            slot = at.NONE
    reason = at.R_UNKNOWN
    if slot != at.NONE:
        reason = arrive_replace(arena, identity, quantity, price)
    if reason >= 0:
        refuse_request(arena, account, identity, instrument, reason)
    else:
        after_change(arena, instrument)


@inner
def release_form(arena, form):
    """Free the slot that carried a replace."""
    o = order_row(arena, form)
    arena[o + at.O_META] = 0
    arena[cold_row(arena, form) + at.C_GENERATION] += 1
    arena[o + at.O_NEXT] = arena[at.H_ORDER_FREE]
    arena[at.H_ORDER_FREE] = form


@inner
def _phase(arena, instrument, phase):
    if instrument == A_MASK:
        for k in range(arena[at.H_INSTRUMENTS]):
            change_phase(arena, k, phase, BY_SCHEDULE)
            after_change(arena, k)
    elif instrument >= arena[at.H_INSTRUMENTS]:
        join_stock(arena, instrument, BY_LISTING)
        after_change(arena, instrument)
    else:
        change_phase(arena, instrument, phase, BY_SCHEDULE)
        after_change(arena, instrument)


@inner
def _every_second(arena, instrument):
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_PHASE] != at.CONTINUOUS:
        arena[ins + at.I_BAND_SCHEDULED] = 0
        pop(arena)
        return
    reschedule_first(arena, arena[at.H_NOW] + SECOND)
    on_second(arena, instrument)
    hold_to_bands(arena, ins)
    after_change(arena, instrument)


@inner
def _survey(arena):
    """Look at the whole market once a second, from its open until no stock can trade any more."""
    trading = False
    for k in range(arena[at.H_INSTRUMENTS]):
        phase = arena[instrument_row(arena, k) + at.I_PHASE]
        trading = trading or phase in (at.CONTINUOUS, at.REOPENING_AUCTION, at.HALTED)
    if not trading:
        arena[at.H_SURVEY] = 0
        pop(arena)
        return
    reschedule_first(arena, arena[at.H_NOW] + SECOND)
    if survey_market(arena):
        for k in range(arena[at.H_INSTRUMENTS]):
            after_change(arena, k)


@inner
def _limit_state(arena, instrument, since):
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_LIMIT_SINCE] == since and since > 0:
        pause(arena, instrument, BY_LIMIT, PAUSE_NS)
        after_change(arena, instrument)


@inner
def _indicate(arena, instrument):
    if indicative(arena, instrument):
        reschedule_first(arena, arena[at.H_NOW] + SECOND)
    else:
        arena[instrument_row(arena, instrument) + at.I_INDICATIVE] = 0
        pop(arena)


@inner
def _callback(arena, recipient, value):
    row = out_row(arena, arena[at.H_NOW], recipient, at.M_CALLBACK, 0)
    arena[row + at.X_ORDER] = value


@inner
def _mass_quote(arena, dealer, count):
    """Carry out a mass quote, one series after the other; count what is refused of it."""
    arena[at.H_MASS_QUOTES] += 1
    d = dealer_row(arena, dealer)
    arena[d + at.DE_MESSAGES] += 1
    refused = reason = first = 0
    for _ in range(count):
        code, number = apply_inbound(arena, dealer)
        if code > 0:
            after_change(arena, number)
        elif code < 0:
            if refused == 0:
                reason, first = -1 - code, number
            refused += 1
    if refused > 0:
        arena[d + at.DE_REFUSED] += refused
        tell_dealer(arena, dealer, at.M_QUOTES_REFUSED, first, refused, reason)


@inner
def _purge(arena, dealer, which):
    """Withdraw a dealer's quotes: of a series, of a stock's series, or (NONE) all."""
    d = dealer_row(arena, dealer)
    pulled = 0
    for quote in range(arena[d + at.DE_FIRST], arena[d + at.DE_FIRST] + arena[d + at.DE_COUNT]):
        number = arena[quote_row(arena, quote) + at.QU_INSTRUMENT]
        stock = arena[instrument_row(arena, number) + at.I_UNDERLYING]
        if which in (at.NONE, number, stock) and pull_quote(arena, quote):
            pulled += 1
            purge_tape(arena, arena[d + at.DE_ACCOUNT], number, at.R_PURGED)
            after_change(arena, number)
    tell_dealer(arena, dealer, at.M_QUOTES_PULLED, which, pulled, at.R_PURGED)


@inner
def _package(arena, package):
    strategy = arena[package_row(arena, package) + at.PK_STRATEGY]
    arrive_package(arena, package)
    _settle_legs(arena, strategy)
    _follow_up(arena)


@inner
def _cancel_package(arena, account, identity):
    if not withdraw(arena, account, identity):
        _refuse_about_package(arena, account, identity, at.R_UNKNOWN)


@inner
def _refuse_about_package(arena, account, identity, reason):
    # An order may have the same number, so the account's orders are not asked.
    if refuse_package_request(arena, account, identity, reason):
        return
    arena[at.H_REFUSED] += 1
    if arena[account_row(arena, account) + at.A_OWNER] != at.NO_OWNER:
        _refuse_nameless(arena, account, identity, 0, reason)


@inner
def _replace_package(arena, form, identity):
    """`form` is a free order slot that carries the new net price and total quantity."""
    f = order_row(arena, form)
    account, price, quantity = (
        arena[f + at.O_ACCOUNT], arena[f + at.O_PRICE], arena[f + at.O_LEAVES],
    )  # fmt: skip
    release_form(arena, form)
    package = find_package(arena, account, identity)
    reason = replace_package(arena, account, identity, quantity, price)
    if reason >= 0:
        _refuse_about_package(arena, account, identity, reason)
        return
    _settle_legs(arena, arena[package_row(arena, package) + at.PK_STRATEGY])
    _follow_up(arena)


@inner
def step(arena, until):
    """Handle events up to `until`; stop early for a delivery, a wake-up, or want of room.

    A JUDGE is left on top of the heap until whoever called has written the broker's verdict. A WAKE
    is left on top of the heap: whoever owns the traders handles it and takes it off.
    """
    while True:
        top = arena[at.H_OFFSET + at.S_HEAP]
        time = arena[top] if arena[at.H_HEAP_COUNT] > 0 else until + 1
        if arena[at.H_OUT_COUNT] > 0 and arena[at.H_OUT_NEXT] < min(time, until + 1):
            arena[at.H_NOW] = max(arena[at.H_NOW], arena[at.H_OUT_NEXT])
            return at.DELIVER
        if time > until:
            return at.DONE
        kind, a, b = arena[top + 2] >> KIND_SHIFT, arena[top + 2] & A_MASK, arena[top + 3]
        if arena[at.H_TAPE_COUNT] * 2 > arena[at.H_CAPACITY + at.S_TAPE]:
            return at.TAPE_FULL
        # Phases and the market's survey reach every instrument.
        wide = 0
        if (at.E_PHASE <= kind <= at.E_HALT and kind != at.E_INDICATIVE) or kind == at.E_SURVEY:
            wide = 8 * (arena[at.H_INSTRUMENTS] + arena[at.H_SERIES])
        elif kind == at.E_MASS_QUOTE or kind == at.E_PURGE:
            wide = 2 * arena[at.H_QUOTES]
        if need_room(arena, _fills_possible(arena, kind, a), wide):
            return at.NEED_ROOM
        if time < arena[at.H_NOW]:
            arena[at.H_ERROR] = 1
            arena[at.H_ERROR_DETAIL] = time
            return at.BROKEN
        if kind == at.E_ARRIVE:
            if must_be_judged(arena, a):
                return at.JUDGE
        elif kind == at.E_REPLACE and must_replace_be_judged(arena, a, find(arena, b)):
            return at.JUDGE
        arena[at.H_NOW] = time
        arena[at.H_EVENTS] += 1
        if kind == at.E_WAKE:
            return at.WAKE
        if kind == at.E_BAND:
            _every_second(arena, a)
            continue
        if kind == at.E_INDICATIVE:
            _indicate(arena, a)
            continue
        if kind == at.E_SURVEY:
            _survey(arena)
            continue
        pop(arena)
        _handle(arena, kind, a, b)
        if arena[at.H_ERROR] != 0:
            return at.BROKEN


@inner
def _handle(arena, kind, a, b):
    if kind == at.E_ARRIVE:
        _arrive(arena, a)
    elif kind == at.E_CANCEL:
        _cancel(arena, a, b)
    elif kind == at.E_REPLACE:
        _replace(arena, a, b)
    elif kind == at.E_CANCEL_ALL:
        arrive_cancel_all(arena, a, b)
        if b == at.NONE:
            end_packages(arena, at.NONE, a)
            for k in range(arena[at.H_INSTRUMENTS] + arena[at.H_SERIES]):
                after_change(arena, k)
        else:
            after_change(arena, b)
    elif kind == at.E_MASS_QUOTE:
        _mass_quote(arena, a, b)
    elif kind == at.E_FEED:
        _feed_due(arena, a)
    elif kind == at.E_PURGE:
        _purge(arena, a, b)
    elif kind == at.E_REARM:
        rearm(arena, a)
    elif kind == at.E_PACKAGE:
        _package(arena, a)
    elif kind == at.E_PACKAGE_CANCEL:
        _cancel_package(arena, a, b)
    elif kind == at.E_PACKAGE_REPLACE:
        _replace_package(arena, a, b)
    elif kind == at.E_STRATEGY:
        mark_strategy(arena, a)
        _follow_up(arena)
    elif kind == at.E_PHASE:
        _phase(arena, a, b)
    elif kind == at.E_EXPIRE:
        instrument = arena[order_row(arena, a) + at.O_META] & 0xFFFF
        expire(arena, b)
        after_change(arena, instrument)
    elif kind == at.E_LIMIT_STATE:
        _limit_state(arena, a, b)
    elif kind == at.E_REOPEN:
        reopen(arena, a, b)
        after_change(arena, a)
    elif kind == at.E_CANCEL_LAST:
        start_indicating(arena, a)
    elif kind == at.E_HALT:
        if b == 0:
            halt(arena, a)
        else:
            pause(arena, a, b, PAUSE_NS)
        after_change(arena, a)
    elif kind == at.E_CALLBACK:
        _callback(arena, a, b)
    elif kind == at.E_OUTAGE:
        arena[instrument_row(arena, a) + at.I_FEED_DOWN] = b
        if b == 0:
            after_change(arena, a)
    elif kind == at.E_LATENCY:
        arena[at.H_LATENCY_FACTOR] = b
    elif kind == at.E_RECALL:
        ins = instrument_row(arena, a)
        arena[ins + at.I_BORROW] -= arena[ins + at.I_BORROW] * b // 1_000_000


@njit
def advance(arena, until):
    """Run the core without compiled traders: a trader's wake-up goes out to its actor."""
    while True:
        code = step(arena, until)
        if code != at.WAKE:
            return code
        top = arena[at.H_OFFSET + at.S_HEAP]
        _callback(arena, arena[top + 2] & A_MASK, arena[top + 3])
        pop(arena)


@njit
def post_order(arena, arrival, instrument, account, side, kind, tif, self_trade, flags, price,
               quantity, display, stop, expire_ns, parent, tag):  # fmt: skip
    """Send an order to the exchange; it arrives at `arrival`. Returns its public id."""
    slot = new_order(arena, instrument, account, side, kind, tif, self_trade, flags, price,
                     quantity, display, stop, expire_ns, parent, tag)  # fmt: skip
    push(arena, arrival, at.E_ARRIVE, slot, 0)
    return (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot


@njit
def post_cancel(arena, arrival, account, identity):
    """Send a cancel to the exchange."""
    push(arena, arrival, at.E_CANCEL, account, identity)


@njit
def post_cancel_all(arena, arrival, account, instrument):
    """Send a cancel of all of an account's orders (in one instrument, or NONE for every one)."""
    push(arena, arrival, at.E_CANCEL_ALL, account, instrument)


@njit
def post_replace(arena, arrival, account, identity, quantity, price):
    """Send a replace to the exchange. Price 0 keeps the present one."""
    form = new_order(arena, 0, account, 0, 0, 0, 0, 0, price, quantity, 0, 0, 0, 0, 0)
    push(arena, arrival, at.E_REPLACE, form, identity)


@njit
def post_event(arena, time, kind, a, b):
    """Schedule a phase, halt, callback or wake-up."""
    push(arena, time, kind, a, b)
