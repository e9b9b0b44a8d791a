"""The calendar gives the order that a heap would, however time is spread."""

import heapq

import pytest
from hypothesis import given, strategies as st

from environment.actors.queue import FIRST_LANE, EventQueue


def drain(queue: EventQueue) -> list[tuple[int, int]]:
    """Take everything."""
    taken = []
    while queue.peek() is not None:
        taken += [entry[:2] for entry in queue.iterator]
    return taken


@given(st.lists(st.integers(0, 1 << 62)), st.sampled_from(["sequence", "seeded"]))
def test_entries_leave_in_order(times: list[int], ties: str) -> None:
    queue = EventQueue(1, ties)  # type: ignore[arg-type]
    for at_ns in times:
        queue.push(at_ns, FIRST_LANE, None, ())
    taken = drain(queue)
    assert taken == sorted(taken)
    assert [at_ns for at_ns, _ in taken] == sorted(times)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 20), st.booleans()), max_size=200),
    st.integers(0, 24),
)
def test_queue_used_while_it_runs_is_a_heap(moves: list[tuple[int, int, bool]], width: int) -> None:
    queue, heap, now_ns = EventQueue(1, "sequence"), list[tuple[int, int]](), 0
    queue.width = width
    for count, magnitude, takes in moves:
        for extra in range(count):
            at_ns = now_ns + (1 << magnitude) + extra % 2
            queue.push(at_ns, FIRST_LANE, None, ())
            heapq.heappush(heap, (at_ns, queue.bases[FIRST_LANE] + queue.sequence))
        first = queue.peek()
        assert (first[:2] if first else None) == (heap[0] if heap else None)
        if takes and heap:
            assert next(queue.iterator)[:2] == heapq.heappop(heap)
            assert first is not None
            now_ns = first[0]
    assert len(queue) == len(heap)


@pytest.mark.parametrize("step_ns", [1, 1_000_000_000])
def test_width_follows_the_density_of_time(step_ns: int) -> None:
    queue = EventQueue(1, "sequence")
    before = queue.width
    for index in range(40_000):
        queue.push(index * step_ns, FIRST_LANE, None, ())
        if index > 1_000:
            queue.peek()
            next(queue.iterator)
    assert queue.width < before if step_ns == 1 else queue.width > before


def test_seeded_ties_shuffle_one_moment_only() -> None:
    queue = EventQueue(1, "seeded")
    for number in range(100):
        queue.push(number // 50, FIRST_LANE, None, ())
    taken = drain(queue)
    numbers = [order & ((1 << 56) - 1) for _, order in taken]
    assert sorted(numbers[:50]) == list(range(1, 51))
    assert numbers[:50] != sorted(numbers[:50])
