"""The one queue of a run: entries (time, order, cell, item), order = priority, then sequence.

A calendar: entries of one stretch of time share a bucket, which is sorted when its turn comes.
Sorting a few dozen tuples at once costs a third of taking each from a heap of thousands. The
stretch adapts to how dense time is; it changes the cost and never the order.
"""

from bisect import insort
from heapq import heapify, heappop, heappush
from operator import length_hint
from typing import TYPE_CHECKING, Any, Final, Literal

from environment.draws import draw_bits, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from environment.actors.cell import Cell

Ties = Literal["sequence", "seeded"]

# Priorities at one moment. Input comes first, so that a replay that knows all input beforehand has
# the order of the run that did not. A wake-up comes last, so that control mail of that very moment
# is in the inbox by then; a deadline after the replies of its moment.
INPUT: Final = 0
BEGIN: Final = 1
FIRST_LANE: Final = 2  # Plus the lane: control 2, data 3.
EXPIRY: Final = 4
WAKE: Final = 5

NEVER: Final = 1 << 63

Entry = tuple[int, int, "Cell | None", Any]  # Without a cell the item is (kind, …), one of:
TOPIC, TIMER, REPLY, EXPIRE, EFFECT, WAKE_UP, START, RESTART, ADMIT, CALL = range(10)

_SHIFT: Final = 56  # Room for the sequence below a priority; with seeded ties 64 bits more.
_FIRST_WIDTH: Final = 12  # Buckets of 4 us until it is known how dense time is.
_WIDTHS: Final = range(41)
_SPARSE, _DENSE, _FULL = 16, 384, 4_096  # Entries per bucket: widen below, narrow above, at once.
_LOOK_EVERY: Final = 32  # Buckets.


class EventQueue:
    """Everything that is to happen, and the run's one sequence, which numbers envelopes too."""

    __slots__ = (
        "_buckets_done", "_entries_done", "_shift", "_tie_key", "bases", "buckets", "current",
        "is_seeded", "iterator", "limit_ns", "sequence", "slot", "slots", "width",
    )  # fmt: skip

    def __init__(self, seed: int, ties: Ties) -> None:
        self.sequence = 0
        self.limit_ns = -1  # The kernel handles nothing later than this before looking up again.
        self.is_seeded = ties == "seeded"
        self._tie_key = stream_key(seed, "ties")
        # Without ties an order stays small, which keeps its comparison cheap.
        self._shift = _SHIFT + 64 * self.is_seeded
        self.bases = tuple(priority << self._shift for priority in range(WAKE + 1))
        self.width = _FIRST_WIDTH
        self._entries_done = self._buckets_done = 0
        self.current: list[Entry] = []
        self._fill([])

    def _fill(self, entries: list[Entry]) -> None:
        self.current.clear()  # Ends a burst that is iterating over it.
        self.slot = -1  # The bucket in `current`; `iterator` stands at its first entry not taken.
        self.current = []
        self.iterator: Iterator[Entry] = iter(self.current)
        self.buckets: dict[int, list[Entry]] = {}
        for entry in entries:
            self.buckets.setdefault(entry[0] >> self.width, []).append(entry)
        self.slots = list(self.buckets)
        heapify(self.slots)

    # --- order -----------------------------------------------------------------------------

    def number(self) -> int:
        """Return the next number of the run's sequence."""
        self.sequence += 1
        return self.sequence

    def tie(self, sequence: int) -> int:
        """Return what shuffles entries of one moment and priority; a function of the sequence."""
        return int(draw_bits(self._tie_key, sequence)) << _SHIFT if self.is_seeded else 0

    def priority(self, order: int) -> int:
        """Return the priority in an entry's order."""
        return order >> self._shift

    # --- adding ----------------------------------------------------------------------------

    def push(self, at_ns: int, priority: int, cell: "Cell | None", item: object) -> None:
        """Add an entry under the next number of the sequence."""
        self.sequence += 1
        order = self.bases[priority] + self.sequence
        if self.is_seeded and FIRST_LANE <= priority < EXPIRY:
            order += self.tie(self.sequence)
        self.add((at_ns, order, cell, item))

    def add(self, entry: Entry) -> None:
        """Add an entry. Its first branch is written out where it is hot (`Departures.release`)."""
        slot = entry[0] >> self.width
        if slot > self.slot:
            bucket = self.buckets.get(slot)
            if bucket is None:
                self.open(slot, entry)
            else:
                bucket.append(entry)
        else:
            self.add_near(slot, entry)

    def open(self, slot: int, entry: Entry) -> None:
        """Make a bucket with its first entry: the one in hand, where there is no other."""
        if self.slot < 0 and not self.slots:
            self.slot, self.current = slot, [entry]
            self.iterator = iter(self.current)
            return
        self.buckets[slot] = [entry]
        heappush(self.slots, slot)

    def add_near(self, slot: int, entry: Entry) -> None:
        """Add an entry to the bucket in hand, or before it."""
        if slot < self.slot:
            # The bucket in hand was only looked at: nothing earlier than now can be added, so
            # nothing of it has happened yet. It goes back among the others.
            rest = self.current[self.taken() :]
            if rest:
                self.buckets[self.slot] = rest
                heappush(self.slots, self.slot)
            self.current.clear()  # Ends a burst that is iterating over it.
            self.slot, self.current = -1, []
            self.iterator = iter(self.current)
            self.open_or_append(slot, entry)
            return
        insort(self.current, entry, self.taken())
        if len(self.current) > _FULL:
            self._resize(self.width - 2)

    def open_or_append(self, slot: int, entry: Entry) -> None:
        """Add an entry to a bucket that is not in hand."""
        if slot in self.buckets:
            self.buckets[slot].append(entry)
        else:
            self.open(slot, entry)

    # --- taking ----------------------------------------------------------------------------

    def taken(self) -> int:
        """Return how many entries of the bucket in hand are done with."""
        return len(self.current) - length_hint(self.iterator)

    def put_back(self) -> None:
        """Undo the last step of the iterator."""
        self.iterator.__setstate__(self.taken() - 1)  # type: ignore[attr-defined]

    def peek(self) -> Entry | None:
        """Return the first entry, after which `iterator` stands before it; None when empty."""
        if not length_hint(self.iterator):
            if self.slot < 0 and not self.slots:
                return None
            self._advance()
        taken = self.taken()
        return self.current[taken] if taken < len(self.current) else None

    def _advance(self) -> None:
        self._entries_done += len(self.current)
        self._buckets_done += 1
        if self._buckets_done == _LOOK_EVERY or self._entries_done > _LOOK_EVERY * _DENSE:
            mean = self._entries_done // self._buckets_done
            self._entries_done = self._buckets_done = 0
            if mean < _SPARSE:
                self._resize(self.width + 2)
            elif mean > _DENSE:
                self._resize(self.width - 2)
        if self.slots:
            self.slot = heappop(self.slots)
            self.current = self.buckets.pop(self.slot)
            self.current.sort()
        else:
            self.slot, self.current = -1, []
        self.iterator = iter(self.current)

    def _resize(self, width: int) -> None:
        if width in _WIDTHS:
            entries = self.entries()
            self.width = width
            self._fill(entries)

    def entries(self) -> list[Entry]:
        """Return all entries not taken, in no order."""
        rest = self.current[self.taken() :]
        for bucket in self.buckets.values():
            rest += bucket
        return rest

    def take_entries(self, entries: list[Entry], sequence: int) -> None:
        """Put recorded entries in place of all."""
        self.sequence = sequence
        self._fill(list(entries))

    def __len__(self) -> int:
        return len(self.current) - self.taken() + sum(map(len, self.buckets.values()))
