"""Waiting stops, found by trigger price and never scanned.

Both sides share one form. For a sell let x be the trade price, for a buy its negative: a stop goes
off when x falls to its trigger, so with key = -trigger (in x) it goes off when key <= -x. Plain
stops stand in one leftist heap a side, by (key, sequence).

A trailing stop's trigger is m - offset, where m is the highest x since it entered. Orders that
share one m form a group, itself a leftist heap by offset. A later order never has a higher m, so
the groups of a side form a stack, lowest m on top, and a new high x melds all groups below it into
one: each group is melded away once. A second heap orders the groups by their first key.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.ladder import cold_row, order_row, side_of

NIL = 0  # Node 0 is never used, so that zeroed links mean "none".


@inner
def node_row(arena, node):
    """Return the first word of a node."""
    return arena[at.H_OFFSET + at.S_STOPNODE] + node * 16


@inner
def _new_node(arena, key, sequence, slot):
    node = arena[at.H_STOP_FREE]
    if node > 0:
        arena[at.H_STOP_FREE] = arena[node_row(arena, node) + at.N_LEFT]
    else:
        arena[at.H_STOP_BUMP] += 1
        node = arena[at.H_STOP_BUMP]
    row = node_row(arena, node)
    for word in range(16):
        arena[row + word] = 0
    arena[row + at.N_KEY] = key
    arena[row + at.N_SEQUENCE] = sequence
    arena[row + at.N_SLOT] = slot
    arena[row + at.N_DISTANCE] = 1
    return node


@inner
def _free_node(arena, node):
    arena[node_row(arena, node) + at.N_LEFT] = max(arena[at.H_STOP_FREE], 0)
    arena[at.H_STOP_FREE] = node


@inner
def _before(arena, a, b):
    p, q = node_row(arena, a), node_row(arena, b)
    if arena[p + at.N_KEY] != arena[q + at.N_KEY]:
        return arena[p + at.N_KEY] < arena[q + at.N_KEY]
    return arena[p + at.N_SEQUENCE] < arena[q + at.N_SEQUENCE]


@inner
def _distance(arena, node):
    return arena[node_row(arena, node) + at.N_DISTANCE] if node != NIL else 0


@inner
def meld(arena, a, b):
    """Return the root of two heaps made one: down the right spines, then back up."""
    if a == NIL:
        return b
    if b == NIL:
        return a
    if _before(arena, b, a):
        a, b = b, a
    root = a
    arena[node_row(arena, root) + at.N_PARENT] = NIL
    # Go down: `a` precedes `b` always; b is melded into a's right side.
    while True:
        row = node_row(arena, a)
        right = arena[row + at.N_RIGHT]
        if right == NIL:
            arena[row + at.N_RIGHT] = b
            arena[node_row(arena, b) + at.N_PARENT] = a
            break
        if _before(arena, b, right):
            arena[row + at.N_RIGHT] = b
            arena[node_row(arena, b) + at.N_PARENT] = a
            a, b = b, right
        else:
            a = right
    _restore(arena, a)
    return root


@inner
def _restore(arena, node):
    # Put the longer side left and mend distances on the way up to the root.
    while node != NIL:
        row = node_row(arena, node)
        left, right = arena[row + at.N_LEFT], arena[row + at.N_RIGHT]
        if _distance(arena, left) < _distance(arena, right):
            arena[row + at.N_LEFT], arena[row + at.N_RIGHT] = right, left
            right = left
        arena[row + at.N_DISTANCE] = _distance(arena, right) + 1
        node = arena[row + at.N_PARENT]


@inner
def _delete(arena, root, node):
    """Return the root of a heap without `node`."""
    row = node_row(arena, node)
    parent = arena[row + at.N_PARENT]
    left, right = arena[row + at.N_LEFT], arena[row + at.N_RIGHT]
    if left != NIL:
        arena[node_row(arena, left) + at.N_PARENT] = NIL
    if right != NIL:
        arena[node_row(arena, right) + at.N_PARENT] = NIL
    rest = meld(arena, left, right)
    if parent == NIL:
        return rest
    above = node_row(arena, parent)
    side = at.N_LEFT if arena[above + at.N_LEFT] == node else at.N_RIGHT
    arena[above + side] = rest
    if rest != NIL:
        arena[node_row(arena, rest) + at.N_PARENT] = parent
    _restore(arena, parent)
    return root


@inner
def _last_x(arena, ins, side):
    last = arena[ins + at.I_LAST]
    if last == 0:
        return -at.MAX_PRICE  # Nothing traded yet: the first print sets the mark.
    return last + arena[ins + at.I_LAST_HALF] if side == 1 else -last


@inner
def add_stop(arena, ins, slot):
    """Let a stop, stop-limit or trailing stop wait for its trigger."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    side = side_of(meta)
    sequence = arena[o + at.O_SEQUENCE]
    if ((meta >> at.TYPE_SHIFT) & 15) != at.TRAILING_STOP:
        stop = arena[c + at.C_STOP]
        node = _new_node(arena, -stop if side == 1 else stop, sequence, slot)
        arena[ins + at.I_STOP + side] = meld(arena, arena[ins + at.I_STOP + side], node)
    else:
        node = _new_node(arena, arena[c + at.C_STOP], sequence, slot)
        _join_group(arena, ins, side, _last_x(arena, ins, side), node)
    arena[c + at.C_STOP_NODE] = node
    arena[at.H_STOPS] += 1


@inner
def _join_group(arena, ins, side, mark, node):
    top = arena[ins + at.I_TRAIL_TOP + side]
    if top == NIL or arena[node_row(arena, top) + at.N_MARK] != mark:
        group = _new_node(arena, 0, 0, at.NONE)
        row = node_row(arena, group)
        arena[row + at.N_MARK] = mark
        arena[row + at.N_BELOW] = top
        if top != NIL:
            arena[node_row(arena, top) + at.N_ABOVE] = group
        arena[ins + at.I_TRAIL_TOP + side] = group
        _set_group_root(arena, ins, side, group, node, False)
    else:
        root = arena[node_row(arena, top) + at.N_ROOT]
        _set_group_root(arena, ins, side, top, meld(arena, root, node), True)


@inner
def _set_group_root(arena, ins, side, group, root, listed):
    """Give a group another first order, and its place among the groups."""
    heap = ins + at.I_TRAIL_HEAP + side
    row = node_row(arena, group)
    if listed:
        arena[heap] = _delete(arena, arena[heap], group)
        arena[row + at.N_LEFT] = arena[row + at.N_RIGHT] = arena[row + at.N_PARENT] = NIL
        arena[row + at.N_DISTANCE] = 1
    if root == NIL:
        below, above = arena[row + at.N_BELOW], arena[row + at.N_ABOVE]
        if below != NIL:
            arena[node_row(arena, below) + at.N_ABOVE] = above
        if above != NIL:
            arena[node_row(arena, above) + at.N_BELOW] = below
        else:
            arena[ins + at.I_TRAIL_TOP + side] = below
        _free_node(arena, group)
        return
    first = node_row(arena, root)
    arena[first + at.N_GROUP] = group
    arena[row + at.N_ROOT] = root
    arena[row + at.N_KEY] = arena[first + at.N_KEY] - arena[row + at.N_MARK]
    arena[row + at.N_SEQUENCE] = arena[first + at.N_SEQUENCE]
    arena[heap] = meld(arena, arena[heap], group)


@inner
def remove_stop(arena, ins, slot):
    """Take a waiting stop out, wherever it stands."""
    o, c = order_row(arena, slot), cold_row(arena, slot)
    meta = arena[o + at.O_META]
    side = side_of(meta)
    node = arena[c + at.C_STOP_NODE]
    if ((meta >> at.TYPE_SHIFT) & 15) != at.TRAILING_STOP:
        arena[ins + at.I_STOP + side] = _delete(arena, arena[ins + at.I_STOP + side], node)
    else:
        top = node
        while arena[node_row(arena, top) + at.N_PARENT] != NIL:
            top = arena[node_row(arena, top) + at.N_PARENT]
        group = arena[node_row(arena, top) + at.N_GROUP]
        root = _delete(arena, top, node)
        if root != top:
            _set_group_root(arena, ins, side, group, root, True)
    _free_node(arena, node)
    arena[c + at.C_STOP_NODE] = NIL
    arena[at.H_STOPS] -= 1


@inner
def raise_marks(arena, ins, side, x):
    """Meld every group whose mark lies below the new x into one whose mark is x."""
    top = arena[ins + at.I_TRAIL_TOP + side]
    gathered = NIL
    while top != NIL and arena[node_row(arena, top) + at.N_MARK] < x:
        row = node_row(arena, top)
        below = arena[row + at.N_BELOW]
        gathered = meld(arena, gathered, arena[row + at.N_ROOT])
        _set_group_root(arena, ins, side, top, NIL, True)
        top = below
    if gathered != NIL:
        _join_group(arena, ins, side, x, gathered)


@inner
def first_triggered(arena, ins, side, x):
    """Return the order whose stop goes off first at x, or NONE. By stop price, then time."""
    plain, group = arena[ins + at.I_STOP + side], arena[ins + at.I_TRAIL_HEAP + side]
    if plain == NIL and group == NIL:
        return at.NONE
    best = plain
    if plain == NIL or (group != NIL and _before(arena, group, plain)):
        best = group
    row = node_row(arena, best)
    if arena[row + at.N_KEY] > -x:
        return at.NONE
    if best == group:
        row = node_row(arena, arena[row + at.N_ROOT])
    return arena[row + at.N_SLOT]
