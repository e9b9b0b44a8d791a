"""The core's event heap: four children a node, ordered by (time, sequence)."""

from environment.compiled import inner
from environment.market.bits import prefetch
from environment.market.layout import (
    H_EVENT_SEQUENCE,
    H_HEAP_COUNT,
    H_OFFSET,
    HEAP_B,
    HEAP_KIND_A,
    HEAP_SEQUENCE,
    HEAP_TIME,
    S_HEAP,
)

KIND_SHIFT = 40  # `a` is below 2**40.
A_MASK = (1 << KIND_SHIFT) - 1
DEEP = 1 << 14  # Events from which on the heap outgrows a processor's nearer caches.


@inner
def push(arena, time, kind, a, b):
    """Add an event; events of equal time come out in the order they were pushed."""
    base = arena[H_OFFSET + S_HEAP]
    sequence = arena[H_EVENT_SEQUENCE]
    arena[H_EVENT_SEQUENCE] = sequence + 1
    i = arena[H_HEAP_COUNT]
    arena[H_HEAP_COUNT] = i + 1
    while i > 0:
        parent = (i - 1) >> 2
        p = base + parent * 4
        # The new sequence is the highest yet, so an equal time stays below.
        if arena[p + HEAP_TIME] <= time:
            break
        q = base + i * 4
        arena[q] = arena[p]
        arena[q + 1] = arena[p + 1]
        arena[q + 2] = arena[p + 2]
        arena[q + 3] = arena[p + 3]
        i = parent
    q = base + i * 4
    arena[q + HEAP_TIME] = time
    arena[q + HEAP_SEQUENCE] = sequence
    arena[q + HEAP_KIND_A] = (kind << KIND_SHIFT) | a
    arena[q + HEAP_B] = b


@inner
def _sift_down(arena, base, count, time, sequence, kind_a, b):
    i = 0
    while True:
        child = 4 * i + 1
        if child >= count:
            break
        last = min(child + 4, count)
        if count > DEEP:
            # Whichever child is first, its own children are under way by then: two lines each.
            for k in range(child, last):
                prefetch(arena, base + (4 * k + 1) * 4)
                prefetch(arena, base + (4 * k + 3) * 4)
        best = child
        c = base + child * 4
        best_time = arena[c + HEAP_TIME]
        best_sequence = arena[c + HEAP_SEQUENCE]
        for k in range(child + 1, last):
            c = base + k * 4
            t = arena[c + HEAP_TIME]
            if t < best_time or (t == best_time and arena[c + HEAP_SEQUENCE] < best_sequence):
                best, best_time, best_sequence = k, t, arena[c + HEAP_SEQUENCE]
        if best_time > time or (best_time == time and best_sequence > sequence):
            break
        p = base + best * 4
        q = base + i * 4
        arena[q] = arena[p]
        arena[q + 1] = arena[p + 1]
        arena[q + 2] = arena[p + 2]
        arena[q + 3] = arena[p + 3]
        i = best
    q = base + i * 4
    arena[q + HEAP_TIME] = time
    arena[q + HEAP_SEQUENCE] = sequence
    arena[q + HEAP_KIND_A] = kind_a
    arena[q + HEAP_B] = b


@inner
def pop(arena):
    """Drop the first event."""
    base = arena[H_OFFSET + S_HEAP]
    count = arena[H_HEAP_COUNT] - 1
    arena[H_HEAP_COUNT] = count
    if count > 0:
        p = base + count * 4
        _sift_down(arena, base, count, arena[p], arena[p + 1], arena[p + 2], arena[p + 3])


@inner
def reschedule_first(arena, time):
    """Give the first event a later time: one walk instead of a pop and a push."""
    base = arena[H_OFFSET + S_HEAP]
    sequence = arena[H_EVENT_SEQUENCE]
    arena[H_EVENT_SEQUENCE] = sequence + 1
    _sift_down(arena, base, arena[H_HEAP_COUNT], time, sequence, arena[base + 2], arena[base + 3])
