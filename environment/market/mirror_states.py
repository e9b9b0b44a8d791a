"""Mirror of a feed that states each order's amount left, as Bitstamp's does; checked by snapshots.

A trade is published as changes of both orders, so matching the events would execute twice. Between
those changes the mirrored book may be crossed; such states are counted, not mended. A feed may also
lose or reorder messages: an order that was deleted stays dead whatever comes later, and an order
first seen in a change is adopted with the amount stated there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from environment.compiled import njit
from environment.market.layout import (
    K_CANCEL,
    K_PRINT,
    K_REDUCE,
    K_REST,
    LIQ_NONE,
    NONE,
    R_REQUESTED,
    TAPE_COLUMNS,
)  # fmt: skip
from environment.market.mirror import write_tape
from environment.market.mirror_book import (
    HB_ASKS,
    HB_BIDS,
    LV_KEY,
    LV_QUANTITY,
    OR_ID,
    OR_PRICE,
    OR_QUANTITY,
    Ints,
    add_order,
    best_level,
    find_level,
    is_crossed,
    level_key,
    make_book,
    reduce_order,
    resize_order,
)  # fmt: skip

CREATED, CHANGED, DELETED = range(3)
(Q_NEXT, Q_TAPE, Q_STATES, Q_CROSSED, Q_MARKETABLE, Q_MISSING_CREATE, Q_UNKNOWN_DELETE,
 Q_REPEATED_DELETE, Q_AFTER_DELETE, Q_REPEATED_CREATE, Q_REPRICED, Q_TRADES, Q_SNAPSHOTS,
 Q_WORDS) = range(14)  # fmt: skip
_UNSEEN, _LIVE, _DEAD = range(3)
_FIELDS: Final = 7  # Received, order id, action, side, price, amount, exchange's time.


@njit
def _rest(
    book: tuple[Ints, Ints, Ints], event: Ints, index: int, slot_of: Ints, tape: Ints, counts: Ints
) -> None:
    head, levels, orders = book
    side, price, amount = event[3], event[4], event[5]
    if amount == 0:
        return
    row = find_level(head, levels, side, level_key(side, price))
    ahead = levels[row, LV_QUANTITY] if row >= 0 else 0
    slot = add_order(head, levels, orders, side, price, amount, index)
    orders[slot, OR_ID] = event[1]
    slot_of[index] = slot
    write_tape(
        tape, counts, event[0], K_REST, event[1], side, price, amount, amount, LIQ_NONE, ahead
    )


@njit
def _withdraw(
    book: tuple[Ints, Ints, Ints], event: Ints, index: int, slot_of: Ints, tape: Ints, counts: Ints
) -> None:
    head, levels, orders = book
    slot = slot_of[index]
    if slot == NONE:
        return
    price, left = orders[slot, OR_PRICE], orders[slot, OR_QUANTITY]
    reduce_order(head, levels, orders, slot, left)
    slot_of[index] = NONE
    write_tape(
        tape, counts, event[0], K_CANCEL, event[1], event[3], price, left, 0, R_REQUESTED, NONE
    )


@njit
def _is_marketable(book: tuple[Ints, Ints, Ints], side: int, price: int) -> bool:
    best = best_level(book[0], book[1], 1 - side)
    # The other side's key is its price negated once more, so the two keys sum to the overlap.
    return best != NONE and level_key(side, price) + book[1][best, LV_KEY] >= 0


@njit
def _change(
    book: tuple[Ints, Ints, Ints], event: Ints, index: int, slot_of: Ints, tape: Ints, counts: Ints
) -> None:
    head, levels, orders = book
    slot = slot_of[index]
    if slot == NONE:
        _rest(book, event, index, slot_of, tape, counts)
        return
    counts[Q_REPRICED] += orders[slot, OR_PRICE] != event[4]
    change = orders[slot, OR_QUANTITY] - event[5]
    price = orders[slot, OR_PRICE]
    if event[5] == 0:
        _withdraw(book, event, index, slot_of, tape, counts)
        return
    resize_order(head, levels, orders, slot, event[5])
    write_tape(
        tape, counts, event[0], K_REDUCE, event[1], event[3], price, change, event[5], LIQ_NONE,
        NONE,
    )  # fmt: skip


@njit
def _apply(
    book: tuple[Ints, Ints, Ints], event: Ints, index: int, slot_of: Ints, state_of: Ints,
    adopt: bool, tape: Ints, counts: Ints,
) -> bool:  # fmt: skip
    """Apply one event; return False for a delete or change of an order that is not known."""
    action, state = event[2], state_of[index]
    if action == DELETED:
        state_of[index] = _DEAD
        counts[Q_REPEATED_DELETE] += state == _DEAD
        counts[Q_UNKNOWN_DELETE] += state == _UNSEEN
        _withdraw(book, event, index, slot_of, tape, counts)
        return bool(state == _LIVE)
    if state == _DEAD:
        counts[Q_AFTER_DELETE] += 1
        return bool(action == CREATED)
    if action == CREATED:
        counts[Q_MARKETABLE] += _is_marketable(book, event[3], event[4])
        if state == _LIVE:
            counts[Q_REPEATED_CREATE] += 1
            _withdraw(book, event, index, slot_of, tape, counts)
        _rest(book, event, index, slot_of, tape, counts)
    else:
        if state == _UNSEEN:
            counts[Q_MISSING_CREATE] += 1
            if not adopt:
                return False
        _change(book, event, index, slot_of, tape, counts)
    state_of[index] = _LIVE
    return True


@njit
def mirror_states_rows(
    events: Ints, index_of: Ints, trades: Ints, snapshot_after: Ints, adopt: bool, head: Ints,
    levels: Ints, orders: Ints, slot_of: Ints, state_of: Ints, touches: Ints, tape: Ints,
    counts: Ints,
) -> None:  # fmt: skip
    """Apply every event; write the touch at each snapshot into `touches`."""
    book = (head, levels, orders)
    for row in range(events.shape[0] + 1):
        while counts[Q_TRADES] < trades.shape[0] and trades[counts[Q_TRADES], 4] == row:
            trade = trades[counts[Q_TRADES]]
            write_tape(
                tape, counts, trade[0], K_PRINT, trade[3], NONE, trade[1], trade[2], 0, LIQ_NONE,
                NONE,
            )  # fmt: skip
            counts[Q_TRADES] += 1
        while (
            counts[Q_SNAPSHOTS] < snapshot_after.shape[0]
            and snapshot_after[counts[Q_SNAPSHOTS]] == row
        ):
            for side in range(2):
                best = best_level(head, levels, side)
                if best != NONE:
                    touch = touches[counts[Q_SNAPSHOTS], side]
                    touch[0] = level_key(side, levels[best, LV_KEY])
                    touch[1] = levels[best, LV_QUANTITY]
            counts[Q_SNAPSHOTS] += 1
        if row == events.shape[0]:
            break
        told = _apply(book, events[row], index_of[row], slot_of, state_of, adopt, tape, counts)
        if told and head[HB_BIDS] > 0 and head[HB_ASKS] > 0:
            counts[Q_STATES] += 1
            counts[Q_CROSSED] += is_crossed(head, levels)
        counts[Q_NEXT] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StatesCounts:
    """What a mirrored feed of order states came to; oddities of the feed by kind.

    `states` counts two-sided books after events on orders that could be known, `crossed` those of
    them whose best bid is at or above the best ask.
    """

    events: int
    states: int
    crossed: int
    marketable_creates: int
    missing_creates: int
    unknown_deletes: int
    repeated_deletes: int
    events_after_delete: int
    repeated_creates: int
    repriced: int
    snapshots: int
    snapshots_equal: int
    snapshots_late: int
    snapshots_late_equal: int


@dataclass(frozen=True, slots=True, eq=False)
class StatesMirror:
    """A mirrored feed: counts, tape, and the touch (side, price and amount) at each snapshot."""

    counts: StatesCounts
    tape: Ints
    touches: Ints


def mirror_states(
    events: Ints, trades: Ints, snapshots: Ints, snapshot_rows: Ints, *,
    adopt_unknown: bool = True, settle_ns: int = 3_600_000_000_000,
) -> StatesMirror:  # fmt: skip
    """Return the book that the feed tells, compared with its own snapshots.

    Parameters
    ----------
    events : int64 array of shape (n, 7)
        Received (ns), order id, action, side (0 buy, 1 sell), price, amount left, exchange's time.
    trades : int64 array of shape (n, 5)
        Received (ns), price, amount, trade id, number of events before it.
    snapshots : int64 array of shape (n, 2, levels, 2)
        Price and amount by side and level; the first level is compared.
    snapshot_rows : int64 array of shape (n, 2)
        Received (ns), number of events before it.
    adopt_unknown : bool
        Take an order first seen in a change into the book; otherwise ignore it.
    settle_ns : int
        Orders that rested before the recording are unknown; after this time few are left, and
        snapshots from then on are also counted apart.
    """
    if events.shape[1] != _FIELDS:
        raise ValueError(f"events have {events.shape[1]} columns, not {_FIELDS}")
    ids, index = np.unique(events[:, 1], return_inverse=True)
    head, levels, orders = make_book(len(ids) + 1, len(ids) + 1)
    slot_of, state_of = np.full(len(ids), NONE, np.int64), np.zeros(len(ids), np.int64)
    touches = np.zeros((len(snapshots), 2, 2), np.int64)
    tape = np.zeros((2 * len(events) + len(trades), len(TAPE_COLUMNS)), np.int64)
    counts = np.zeros(Q_WORDS, np.int64)
    mirror_states_rows(
        events, np.ascontiguousarray(index, np.int64), trades,
        np.ascontiguousarray(snapshot_rows[:, 1]), adopt_unknown, head, levels, orders, slot_of,
        state_of, touches, tape, counts,
    )  # fmt: skip
    equal = (touches == snapshots[:, :, 0, :]).all(axis=(1, 2))
    late = snapshot_rows[:, 0] - events[0, 0] >= settle_ns
    told = counts.tolist()
    summary = StatesCounts(
        events=told[Q_NEXT], states=told[Q_STATES], crossed=told[Q_CROSSED],
        marketable_creates=told[Q_MARKETABLE], missing_creates=told[Q_MISSING_CREATE],
        unknown_deletes=told[Q_UNKNOWN_DELETE], repeated_deletes=told[Q_REPEATED_DELETE],
        events_after_delete=told[Q_AFTER_DELETE], repeated_creates=told[Q_REPEATED_CREATE],
        repriced=told[Q_REPRICED], snapshots=len(snapshots), snapshots_equal=int(equal.sum()),
        snapshots_late=int(late.sum()), snapshots_late_equal=int((equal & late).sum()),
    )  # fmt: skip
    return StatesMirror(summary, tape[: told[Q_TAPE]].copy(), touches)
