"""Price levels of one side of one book: a window of FIFO queues, a bitmap over it, a far list.

Each side has a window of `width` levels from a base tick of its own. Orders outside the window wait
in the far list of their side, sorted only when the window is moved over them.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.bits import highest_bit, lowest_bit

# Level words. A level holds two queues: displayed orders, then hidden ones.
HEAD, TAIL, VISIBLE, COUNT, HIDDEN_HEAD, HIDDEN_TAIL, HIDDEN, UNUSED = range(8)


@inner
def order_row(arena, slot):
    """Return the first word of an order's hot row."""
    return arena[at.H_OFFSET + at.S_ORDER] + slot * 8


@inner
def cold_row(arena, slot):
    """Return the first word of an order's cold row."""
    return arena[at.H_OFFSET + at.S_COLD] + slot * 16


@inner
def instrument_row(arena, instrument):
    """Return the first word of an instrument."""
    return arena[at.H_OFFSET + at.S_INSTRUMENT] + instrument * 128


@inner
def account_row(arena, account):
    """Return the first word of an account."""
    return arena[at.H_OFFSET + at.S_ACCOUNT] + account * 32


@inner
def side_of(meta):
    """Return 0 for a buy, 1 for a sell."""
    return (meta >> at.SIDE_SHIFT) & 1


@inner
def state_of(meta):
    """Return where the order is: in flight, resting, far, waiting."""
    return (meta >> at.STATE_SHIFT) & 15


@inner
def with_state(meta, state):
    """Return `meta` with another state."""
    return (meta & ~(15 << at.STATE_SHIFT)) | (state << at.STATE_SHIFT)


@inner
def level_row(arena, ins, side, index):
    """Return the first word of the level `index` ticks above the window's base."""
    return arena[at.H_OFFSET + at.S_LEVEL] + (arena[ins + at.I_LEVELS + side] + index) * 8


@inner
def append(arena, ins, slot):
    """Put an order at the back of its queue, moving its side's window where that is due.

    Returns the displayed (for a hidden order: all) quantity in front of it at its price; -1 for an
    order that waits outside the window.
    """
    o = order_row(arena, slot)
    side = side_of(arena[o + at.O_META])
    index = arena[o + at.O_PRICE] - arena[ins + at.I_BASE + side]
    if index < 0 or index >= arena[ins + at.I_WIDTH]:
        _move_window(arena, ins, side, arena[o + at.O_PRICE])
    return place(arena, ins, slot)


@inner
def _move_window(arena, ins, side, price):
    # Behind the window an order waits; before it, or when the touch nears the far edge, the window
    # moves, since only there can the next trade happen.
    index = price - arena[ins + at.I_BASE + side]
    width = arena[ins + at.I_WIDTH]
    best = arena[ins + at.I_BEST + side]
    if best <= -at.MAX_PRICE or best >= at.MAX_PRICE:
        waiting = far_best(arena, ins, side)
        recentre(arena, ins, side, max(price, waiting) if side == 0 else min(price, waiting))
    elif (side == 0) == (index >= width):
        recentre(arena, ins, side, price)
    elif side == 0 and best - arena[ins + at.I_BASE] < width >> 3:
        recentre(arena, ins, side, best)
    elif side == 1 and arena[ins + at.I_BASE_ASK] + width - best < width >> 3:
        recentre(arena, ins, side, best)


@inner
def place(arena, ins, slot):
    """Put an order in its level's queue, or in the far list when it lies outside the window."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    side = side_of(meta)
    price = arena[o + at.O_PRICE]
    index = price - arena[ins + at.I_BASE + side]
    if index < 0 or index >= arena[ins + at.I_WIDTH]:
        arena[o + at.O_META] = with_state(meta, at.FAR)
        push_list(arena, ins + at.I_FAR + 2 * side, slot)
        arena[ins + at.I_FAR_COUNT] += 1
        return -1
    arena[o + at.O_META] = with_state(meta, at.RESTING)
    level = level_row(arena, ins, side, index)
    if arena[level + COUNT] == 0:
        word = arena[at.H_OFFSET + at.S_BITMAP] + arena[ins + at.I_BITS + side] + (index >> 6)
        arena[word] |= 1 << (index & 63)
        best = arena[ins + at.I_BEST + side]
        if (side == 0 and price > best) or (side == 1 and price < best):
            arena[ins + at.I_BEST + side] = price
    arena[level + COUNT] += 1
    hidden = (meta >> at.FLAG_SHIFT) & at.F_HIDDEN
    queue = level + HIDDEN_HEAD if hidden else level
    ahead = arena[level + VISIBLE]
    if hidden:
        ahead += arena[level + HIDDEN]
        arena[level + HIDDEN] += arena[o + at.O_LEAVES]
    else:
        arena[level + VISIBLE] += arena[o + at.O_LEAVES]
    # Level links are stored plus one, so that a zeroed level is an empty one.
    tail = arena[queue + 1] - 1
    arena[o + at.O_PREVIOUS] = tail
    arena[o + at.O_NEXT] = at.NONE
    if tail == at.NONE:
        arena[queue] = slot + 1
    else:
        arena[order_row(arena, tail) + at.O_NEXT] = slot
    arena[queue + 1] = slot + 1
    return ahead


@inner
def unlink(arena, ins, slot):
    """Take an order out of its level or far list. Its quantities stay as they are."""
    o = order_row(arena, slot)
    meta = arena[o + at.O_META]
    side = side_of(meta)
    if state_of(meta) == at.FAR:
        pull_list(arena, ins + at.I_FAR + 2 * side, slot)
        arena[ins + at.I_FAR_COUNT] -= 1
        return
    index = arena[o + at.O_PRICE] - arena[ins + at.I_BASE + side]
    level = level_row(arena, ins, side, index)
    if (meta >> at.FLAG_SHIFT) & at.F_HIDDEN:
        queue = level + HIDDEN_HEAD
        arena[level + HIDDEN] -= arena[o + at.O_LEAVES]
    else:
        queue = level
        arena[level + VISIBLE] -= arena[o + at.O_LEAVES]
    before, after = arena[o + at.O_PREVIOUS], arena[o + at.O_NEXT]
    if before == at.NONE:
        arena[queue] = after + 1
    else:
        arena[order_row(arena, before) + at.O_NEXT] = after
    if after == at.NONE:
        arena[queue + 1] = before + 1
    else:
        arena[order_row(arena, after) + at.O_PREVIOUS] = before
    count = arena[level + COUNT] - 1
    arena[level + COUNT] = count
    if count == 0:
        _clear_level(arena, ins, side, index)


@inner
def _clear_level(arena, ins, side, index):
    word = arena[at.H_OFFSET + at.S_BITMAP] + arena[ins + at.I_BITS + side] + (index >> 6)
    arena[word] &= ~(1 << (index & 63))
    if arena[ins + at.I_BEST + side] == index + arena[ins + at.I_BASE + side]:
        arena[ins + at.I_BEST + side] = next_price(arena, ins, side, index)


@inner
def next_price(arena, ins, side, index):
    """Return the nearest occupied price behind `index` (lower for bids, higher for asks)."""
    bits = arena[at.H_OFFSET + at.S_BITMAP] + arena[ins + at.I_BITS + side]
    base = arena[ins + at.I_BASE + side]
    if side == 0:
        index -= 1
        if index < 0:
            return at.NO_BID
        word = index >> 6
        # Keep bits 0 .. index & 63. A shift by 63 of 2 would overflow, hence the two steps.
        found = arena[bits + word] & (((1 << (index & 63)) << 1) - 1)
        while found == 0:
            word -= 1
            if word < 0:
                return at.NO_BID
            found = arena[bits + word]
        return base + (word << 6) + highest_bit(found)
    index += 1
    if index >= arena[ins + at.I_WIDTH]:
        return at.NO_ASK
    word = index >> 6
    found = arena[bits + word] & (-1 << (index & 63))
    last = arena[ins + at.I_WIDTH] >> 6
    while found == 0:
        word += 1
        if word >= last:
            return at.NO_ASK
        found = arena[bits + word]
    return base + (word << 6) + lowest_bit(found)


@inner
def shown_best(arena, ins, side):
    """Return (price, quantity) of the best level with displayed quantity."""
    price = arena[ins + at.I_BEST + side]
    if -at.MAX_PRICE < price < at.MAX_PRICE:
        index = price - arena[ins + at.I_BASE + side]
        visible = arena[level_row(arena, ins, side, index) + VISIBLE]
        if visible > 0:
            return price, visible
    return _shown_behind_best(arena, ins, side)


@inner
def _shown_behind_best(arena, ins, side):
    price = arena[ins + at.I_BEST + side]
    while -at.MAX_PRICE < price < at.MAX_PRICE:
        index = price - arena[ins + at.I_BASE + side]
        visible = arena[level_row(arena, ins, side, index) + VISIBLE]
        if visible > 0:
            return price, visible
        price = next_price(arena, ins, side, index)
    if arena[ins + at.I_FAR + 2 * side] != 0:
        # The window holds hidden orders alone.
        return shown_far(arena, ins, side, at.NO_ASK if side == 0 else at.NO_BID)
    return price, 0


@inner
def shown_far(arena, ins, side, behind):
    """Return (price, quantity) of the best displayed level of the far list behind a price."""
    best, quantity = at.NO_BID if side == 0 else at.NO_ASK, 0
    slot = arena[ins + at.I_FAR + 2 * side] - 1
    while slot != at.NONE:
        o = order_row(arena, slot)
        price = arena[o + at.O_PRICE]
        is_behind = price < behind if side == 0 else price > behind
        if is_behind and not (arena[o + at.O_META] >> at.FLAG_SHIFT) & at.F_HIDDEN:
            if price > best if side == 0 else price < best:
                best, quantity = price, 0
            if price == best:
                quantity += arena[o + at.O_LEAVES]
        slot = arena[o + at.O_NEXT]
    return best, quantity


@inner
def refill_window(arena, ins, side):
    """Bring the far list into the window when the window has run empty. Called after removals."""
    best = arena[ins + at.I_BEST + side]
    if (best <= -at.MAX_PRICE or best >= at.MAX_PRICE) and arena[ins + at.I_FAR + 2 * side] != 0:
        recentre(arena, ins, side, far_best(arena, ins, side))


@inner
def push_list(arena, ends, slot):
    """Append an order to the doubly linked list whose head and tail stand at `ends`."""
    o = order_row(arena, slot)
    tail = arena[ends + 1] - 1
    arena[o + at.O_PREVIOUS] = tail
    arena[o + at.O_NEXT] = at.NONE
    if tail == at.NONE:
        arena[ends] = slot + 1
    else:
        arena[order_row(arena, tail) + at.O_NEXT] = slot
    arena[ends + 1] = slot + 1


@inner
def pull_list(arena, ends, slot):
    """Take an order out of the list whose head and tail stand at `ends`."""
    o = order_row(arena, slot)
    before, after = arena[o + at.O_PREVIOUS], arena[o + at.O_NEXT]
    if before == at.NONE:
        arena[ends] = after + 1
    else:
        arena[order_row(arena, before) + at.O_NEXT] = after
    if after == at.NONE:
        arena[ends + 1] = before + 1
    else:
        arena[order_row(arena, after) + at.O_PREVIOUS] = before


@inner
def far_best(arena, ins, side):
    """Return the best price in the far list (scanned: it is read only when the window is empty)."""
    best = at.NO_BID if side == 0 else at.NO_ASK
    slot = arena[ins + at.I_FAR + 2 * side] - 1
    while slot != at.NONE:
        o = order_row(arena, slot)
        price = arena[o + at.O_PRICE]
        if (side == 0 and price > best) or (side == 1 and price < best):
            best = price
        slot = arena[o + at.O_NEXT]
    return best


@inner
def gather_side(arena, ins, side, first):
    """Write every order of one side's book to `first`, in trading priority; return how many."""
    count = 0
    price = arena[ins + at.I_BEST + side]
    while -at.MAX_PRICE < price < at.MAX_PRICE:
        index = price - arena[ins + at.I_BASE + side]
        level = level_row(arena, ins, side, index)
        for queue in (HEAD, HIDDEN_HEAD):
            slot = arena[level + queue] - 1
            while slot != at.NONE:
                arena[first + count] = slot
                count += 1
                slot = arena[order_row(arena, slot) + at.O_NEXT]
        price = next_price(arena, ins, side, index)
    near = count
    slot = arena[ins + at.I_FAR + 2 * side] - 1
    while slot != at.NONE:
        arena[first + count] = slot
        count += 1
        slot = arena[order_row(arena, slot) + at.O_NEXT]
    # Whoever waits outside the window is behind everybody inside.
    sort_by_priority(arena, first + near, count - near, side)
    return count


@inner
def recentre(arena, ins, side, best_price):
    """Move one side's window so that `best_price` has three quarters of it behind it.

    Every order keeps its priority: they are put back in the order in which they trade.
    """
    width = arena[ins + at.I_WIDTH]
    # The upper half of the scratch: an auction keeps its orders in the lower one meanwhile.
    scratch = arena[at.H_OFFSET + at.S_SCRATCH] + (arena[at.H_CAPACITY + at.S_SCRATCH] >> 1)
    count = gather_side(arena, ins, side, scratch)
    best = arena[ins + at.I_BEST + side]
    while -at.MAX_PRICE < best < at.MAX_PRICE:
        index = best - arena[ins + at.I_BASE + side]
        level = level_row(arena, ins, side, index)
        for word in range(8):
            arena[level + word] = 0
        _clear_level(arena, ins, side, index)
        best = arena[ins + at.I_BEST + side]
    for k in range(count):
        if state_of(arena[order_row(arena, arena[scratch + k]) + at.O_META]) == at.FAR:
            arena[ins + at.I_FAR_COUNT] -= 1
    arena[ins + at.I_FAR + 2 * side] = 0
    arena[ins + at.I_FAR + 2 * side + 1] = 0
    ahead_of_best = width >> 2
    base = best_price + ahead_of_best - width if side == 0 else best_price - ahead_of_best
    arena[ins + at.I_BASE + side] = base
    for k in range(count):
        place(arena, ins, arena[scratch + k])


@inner
def _trades_before(arena, a, b, side):
    p, q = order_row(arena, a), order_row(arena, b)
    if arena[p + at.O_PRICE] != arena[q + at.O_PRICE]:
        return (arena[p + at.O_PRICE] > arena[q + at.O_PRICE]) == (side == 0)
    a_hidden = (arena[p + at.O_META] >> at.FLAG_SHIFT) & at.F_HIDDEN
    b_hidden = (arena[q + at.O_META] >> at.FLAG_SHIFT) & at.F_HIDDEN
    if a_hidden != b_hidden:
        return a_hidden < b_hidden
    return arena[p + at.O_SEQUENCE] < arena[q + at.O_SEQUENCE]


@inner
def sort_by_priority(arena, first, count, side):
    """Heap-sort order numbers standing at `first` into the sequence in which they trade."""
    for start in range(count // 2 - 1, -1, -1):
        _sift(arena, first, start, count, side)
    for end in range(count - 1, 0, -1):
        arena[first], arena[first + end] = arena[first + end], arena[first]
        _sift(arena, first, 0, end, side)


@inner
def _sift(arena, first, root, count, side):
    while True:
        child = 2 * root + 1
        if child >= count:
            return
        if child + 1 < count and _trades_before(arena, arena[first + child],
                                                arena[first + child + 1], side):  # fmt: skip
            child += 1
        if not _trades_before(arena, arena[first + root], arena[first + child], side):
            return
        arena[first + root], arena[first + child] = arena[first + child], arena[first + root]
        root = child
