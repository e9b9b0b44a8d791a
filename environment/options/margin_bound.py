"""A grouping found at once: never below the cheapest one, and mostly equal to it.

What `margin_groups` finds by an integer program in milliseconds, this bounds from above in
microseconds by pairing greedily: stock covers what gains most by it, the costliest written options
are paired with the nearest bought ones, then verticals join to butterflies, condors and boxes, and
naked puts with naked calls. Every step makes recognised groups only, so the result is a margin that
the account could be held to; an order that fits it needs no exact answer.
"""

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.options.margin_rules import (
    CALL,
    INITIAL,
    MAINTENANCE,
    PUT,
    STOCK,
    collar_change,
    covered_requirement,
    naked_requirement,
    parity_change,
    protected_change,
    stock_requirement,
    strangle_requirement,
)

Ints = NDArray[np.int64]

_KIND, _STRIKE, _EXPIRY, _SHARES, _QUANTITY, _PREMIUM = 0, 1, 2, 3, 4, 5
# Words of a pair: bought leg, sold leg, contracts left, width (above 0: what it can lose).
_BOUGHT, _SOLD, _COUNT, _WIDTH = 0, 1, 2, 3


@njit
def _reach(legs: Ints, i: int) -> int:
    """Return the strike of a leg, turned for puts, so that lower covers higher for both rights."""
    return legs[i, _STRIKE] if legs[i, _KIND] == CALL else -legs[i, _STRIKE]


@njit
def _best_long(legs: Ints, left: Ints, j: int) -> int:
    """Return the bought leg that covers written leg `j` best, or -1.

    Least loss first; then the earliest expiry and nearest strike, which leave most to the others.
    """
    best, loss, late, far = -1, 0, 0, 0
    strike = _reach(legs, j)
    for i in range(legs.shape[0]):
        if (
            left[i] > 0 and legs[i, _QUANTITY] > 0 and legs[i, _KIND] == legs[j, _KIND]
            and legs[i, _EXPIRY] >= legs[j, _EXPIRY] and legs[i, _SHARES] == legs[j, _SHARES]
        ):  # fmt: skip
            away = _reach(legs, i) - strike
            cost = max(away, 0)
            if best < 0 or cost < loss or (cost == loss and (
                legs[i, _EXPIRY] < late or (legs[i, _EXPIRY] == late and abs(away) < far)
            )):  # fmt: skip
                best, loss, late, far = i, cost, legs[i, _EXPIRY], abs(away)
    return best


@njit
def _cover(legs: Ints, left: Ints, naked: Ints, terms: Ints, covered: Ints) -> None:
    """Let stock cover the written options that gain most by it; note what it covers."""
    spot, stock = terms[0], terms[2]
    room = abs(stock)
    sold = CALL if stock > 0 else PUT
    gains = np.zeros(legs.shape[0], np.int64)
    for j in range(legs.shape[0]):
        if legs[j, _QUANTITY] < 0 and legs[j, _KIND] == sold:
            size, other = legs[j, _SHARES], naked[j]
            i = _best_long(legs, left, j)
            if i >= 0:
                other = min(other, max(_reach(legs, i) - _reach(legs, j), 0) * size)
            gains[j] = other - covered_requirement(sold, legs[j, _STRIKE], size, spot, MAINTENANCE)
    for j in np.argsort(-gains, kind="mergesort"):
        if gains[j] <= 0:
            break
        count = min(left[j], room // legs[j, _SHARES])
        left[j] -= count
        covered[j] = count
        room -= count * legs[j, _SHARES]
    terms[3] = room


@njit
def _guard(legs: Ints, left: Ints, covered: Ints, terms: Ints) -> int:
    """Let bought options left over lower the maintenance of stock; return the change (<= 0)."""
    spot, stock, room, total = terms[0], terms[2], terms[3], 0
    bought = PUT if stock > 0 else CALL
    for i in range(legs.shape[0]):
        if legs[i, _QUANTITY] < 0 or legs[i, _KIND] != bought:
            continue
        size = legs[i, _SHARES]
        for j in range(legs.shape[0]):
            if (
                covered[j] == 0 or left[i] == 0 or legs[j, _EXPIRY] != legs[i, _EXPIRY]
                or legs[j, _SHARES] != size
            ):  # fmt: skip
                continue
            old = covered_requirement(legs[j, _KIND], legs[j, _STRIKE], size, spot, MAINTENANCE)
            if legs[j, _STRIKE] == legs[i, _STRIKE]:
                new = parity_change(legs[j, _KIND], legs[j, _STRIKE], size, spot)
            elif bought == PUT and legs[i, _STRIKE] < legs[j, _STRIKE]:
                new = collar_change(legs[i, _STRIKE], legs[j, _STRIKE], size, spot)
            else:
                continue
            if new < old:
                count = min(left[i], covered[j])
                left[i] -= count
                covered[j] -= count
                total += count * (new - old)
        count = min(left[i], room // size)
        if count > 0:
            change = protected_change(legs[i, _KIND], legs[i, _STRIKE], size, spot)
            left[i] -= count
            room -= count * size
            total += count * change
    return total


@njit
def _pair(legs: Ints, left: Ints, naked: Ints, pairs: Ints, stages: int) -> int:
    """Cover written options by bought ones; return how many pairs.

    First whatever is covered without loss, in the order in which that covers most: by strike, the
    hardest to cover first. With two stages the rest is covered with loss, what gains most first.
    """
    n, count = legs.shape[0], 0
    keys = np.zeros(n, np.int64)
    for stage in range(stages):
        for k in range(n):
            keys[k] = _reach(legs, k)
            if stage == 1 and legs[k, _QUANTITY] < 0 and left[k] > 0:
                i = _best_long(legs, left, k)
                size = legs[k, _SHARES]
                keys[k] = (_reach(legs, i) - keys[k]) * size - naked[k] if i >= 0 else 0
        for j in np.argsort(keys, kind="mergesort"):
            while legs[j, _QUANTITY] < 0 and left[j] > 0:
                i = _best_long(legs, left, j)
                if i < 0:
                    break
                width = _reach(legs, i) - _reach(legs, j)
                if width > 0 and (stage == 0 or width * legs[j, _SHARES] >= naked[j]):
                    break
                lots = min(left[i], left[j])
                left[i] -= lots
                left[j] -= lots
                pairs[count, _BOUGHT], pairs[count, _SOLD] = i, j
                pairs[count, _COUNT], pairs[count, _WIDTH] = lots, width
                count += 1
    return count


@njit
def _saving(legs: Ints, a: Ints, b: Ints) -> int:
    """Return what joining two verticals saves on one contract of each; `a` is one that can lose."""
    i, j, k, m = a[_BOUGHT], a[_SOLD], b[_BOUGHT], b[_SOLD]
    if (
        legs[i, _EXPIRY] != legs[j, _EXPIRY] or legs[k, _EXPIRY] != legs[i, _EXPIRY]
        or legs[m, _EXPIRY] != legs[i, _EXPIRY] or legs[k, _SHARES] != legs[i, _SHARES]
    ):  # fmt: skip
        return 0
    size = legs[i, _SHARES]
    if legs[k, _KIND] == legs[i, _KIND]:
        # A butterfly or condor of one right: as wide, and the sold strikes inside.
        if b[_WIDTH] != -a[_WIDTH]:
            return 0
        if legs[i, _KIND] == CALL:
            return a[_WIDTH] * size if legs[m, _STRIKE] <= legs[j, _STRIKE] else 0
        return a[_WIDTH] * size if legs[m, _STRIKE] >= legs[j, _STRIKE] else 0
    if b[_WIDTH] <= 0 or legs[i, _KIND] != CALL:
        return 0
    is_condor = legs[m, _STRIKE] <= legs[j, _STRIKE]
    is_box = legs[k, _STRIKE] == legs[j, _STRIKE] and legs[m, _STRIKE] == legs[i, _STRIKE]
    return min(a[_WIDTH], b[_WIDTH]) * size if is_condor or is_box else 0


@njit
def _join(legs: Ints, pairs: Ints, count: int) -> int:
    """Join verticals two by two, the largest saving first; return what all pairs must have."""
    total, found = 0, 0
    savings, joins = np.empty(count * count, np.int64), np.empty((count * count, 2), np.int64)
    for p in range(count):
        if pairs[p, _WIDTH] <= 0:
            continue
        total += pairs[p, _COUNT] * pairs[p, _WIDTH] * legs[pairs[p, _SOLD], _SHARES]
        for q in range(count):
            saved = _saving(legs, pairs[p], pairs[q]) if q != p else 0
            if saved > 0:
                savings[found], joins[found, 0], joins[found, 1] = -saved, p, q
                found += 1
    for k in np.argsort(savings[:found], kind="mergesort"):
        p, q = joins[k]
        lots = min(pairs[p, _COUNT], pairs[q, _COUNT])
        pairs[p, _COUNT] -= lots
        pairs[q, _COUNT] -= lots
        total += lots * savings[k]
    return total


@njit
def _write(legs: Ints, left: Ints, naked: Ints) -> int:
    """Pair naked puts with naked calls, the costliest of each; return what all naked must have."""
    total = 0
    while True:
        put, call = -1, -1
        for j in range(legs.shape[0]):
            if legs[j, _QUANTITY] > 0 or left[j] == 0:
                continue
            if legs[j, _KIND] == PUT and (put < 0 or naked[j] > naked[put]):
                put = j
            if legs[j, _KIND] == CALL and (call < 0 or naked[j] > naked[call]):
                call = j
        if put < 0 or call < 0 or legs[put, _SHARES] != legs[call, _SHARES]:
            break
        lots = min(left[put], left[call])
        left[put] -= lots
        left[call] -= lots
        total += lots * strangle_requirement(
            naked[put], legs[put, _PREMIUM], naked[call], legs[call, _PREMIUM]
        )
    for j in range(legs.shape[0]):
        if legs[j, _QUANTITY] < 0:
            total += left[j] * naked[j]
    return total


@njit
def _group(legs: Ints, left: Ints, naked: Ints) -> int:
    """Group what stock does not cover in two ways, keep the cheaper; return what it must have."""
    n = legs.shape[0]
    pairs, rest = np.empty((2 * n, 4), np.int64), left.copy()
    count = _pair(legs, rest, naked, pairs, 1)
    cheapest = _join(legs, pairs, count) + _write(legs, rest, naked)
    count = _pair(legs, left, naked, pairs, 2)
    other = _join(legs, pairs, count) + _write(legs, left, naked)
    if other > cheapest:
        left[:] = rest
        return cheapest
    return other


@njit
def bound_of_class(legs: Ints, stock: int, spot: int, percent: int) -> tuple[int, int]:
    """Return (initial, maintenance) of one class, neither below the cheapest grouping's.

    Parameters
    ----------
    legs : int64 array of shape (legs, 6)
        As in `margin_book.ClassBook`.
    """
    initial = stock_requirement(stock, spot, INITIAL)
    maintenance = stock_requirement(stock, spot, MAINTENANCE)
    n = legs.shape[0]
    left, naked, covered = np.empty(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    has_short = False
    for k in range(n):
        left[k] = abs(legs[k, _QUANTITY])
        if legs[k, _QUANTITY] < 0:
            has_short = True
            naked[k] = naked_requirement(
                legs[k, _KIND], legs[k, _STRIKE], legs[k, _SHARES], legs[k, _PREMIUM], spot, percent
            )
    terms = np.array([spot, percent, stock, abs(stock)], np.int64)
    if has_short:
        if stock != 0:
            _cover(legs, left, naked, terms, covered)
        options = _group(legs, left, naked)
        initial += options
        maintenance += options
        for j in range(n):
            if covered[j] > 0:
                strike, size = legs[j, _STRIKE], legs[j, _SHARES]
                initial += covered[j] * covered_requirement(
                    legs[j, _KIND], strike, size, spot, INITIAL
                )
                maintenance += covered[j] * covered_requirement(
                    legs[j, _KIND], strike, size, spot, MAINTENANCE
                )
    if stock != 0 and n > 0:
        maintenance += _guard(legs, left, covered, terms)
    return initial, maintenance


@njit
def bound_of_account(
    rows: Ints, order: Ints, first: Ints, percents: Ints, lots: Ints, marks: Ints, spots: Ints,
    out: Ints,
) -> None:  # fmt: skip
    """Fill `out`, shape (classes, 3): net option value, initial and maintenance requirement."""
    widest = 0
    for c in range(first.size - 1):
        widest = max(widest, first[c + 1] - first[c])
    legs = np.empty((widest, 6), np.int64)
    for c in range(first.size - 1):
        n, stock, worth = 0, 0, 0
        for place in range(first[c], first[c + 1]):
            row = order[place]
            quantity = lots[row]
            if quantity == 0:
                continue
            if rows[row, 0] == STOCK:
                stock += quantity * rows[row, 3]
                continue
            for word in range(4):
                legs[n, word] = rows[row, word]
            legs[n, _QUANTITY] = quantity
            legs[n, _PREMIUM] = marks[row] * rows[row, 4]
            worth += quantity * legs[n, _PREMIUM]
            n += 1
        out[c, 0] = worth
        out[c, 1], out[c, 2] = bound_of_class(legs[:n], stock, spots[c], percents[c])
