"""Mirror mode against a full book that publishes only a window of itself."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings, strategies as st

from environment.market import layout as at
from environment.market.mirror import Mirror, mirror
from environment.market.mirror_book import Ints
from environment.market.recording import EMPTY_ASK, EMPTY_BID, tape_to_lobster

PRICES = {
    at.BUY: range(95, 100),
    at.SELL: range(101, 106),
}  # Tiny: levels come and go all the time.

Order = tuple[int, int, int]  # Side, price, quantity.
choices = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 4), st.integers(1, 3))


class FullBook:
    """Every resting order, in order of arrival; the recording shows the best levels alone."""

    def __init__(self, depth: int) -> None:
        self.depth, self.orders, self.next_id = depth, dict[int, Order](), 1

    def levels(self, side: int) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for own, price, quantity in self.orders.values():
            if own == side:
                found[price] = found.get(price, 0) + quantity
        return sorted(found.items(), reverse=side == at.BUY)

    def window(self) -> list[int]:
        row: list[int] = []
        sides = [(self.levels(at.SELL), EMPTY_ASK), (self.levels(at.BUY), EMPTY_BID)]
        for level in range(self.depth):
            for found, nothing in sides:
                row += found[level] if level < len(found) else (nothing, 0)
        return row

    def shows(self, side: int, price: int) -> bool:
        return price in [level[0] for level in self.levels(side)[: self.depth]]

    def step(self, what: int, side: int, offset: int, size: int) -> tuple[int, ...] | None:
        """Do one thing; return its message (type, id, size, price, direction) if it is shown."""
        direction = 1 if side == at.BUY else -1
        if what == 0:
            order, price = self.next_id, PRICES[side][offset]
            self.next_id += 1
            self.orders[order] = (side, price, size)
            return (1, order, size, price, direction) if self.shows(side, price) else None
        own = [order for order, (mine, _, _) in self.orders.items() if mine == side]
        if not own:
            return None
        best = self.levels(side)[0][0]
        front = next(order for order in own if self.orders[order][1] == best)
        order = front if what == 3 else own[offset % len(own)]
        _, price, left = self.orders[order]
        shown = self.shows(side, price)
        taken = left if what == 2 else min(size, left)
        kind = 4 if what == 3 else 2 if taken < left else 3
        if taken == left:
            del self.orders[order]
        else:
            self.orders[order] = (side, price, left - taken)
        return (kind, order, taken, price, direction) if shown else None


def recorded(
    before: int, depth: int, steps: list[tuple[int, int, int, int]]
) -> Iterator[list[int]]:
    """Yield message and window of each shown step; the first steps happen before the recording."""
    book = FullBook(depth)
    for number, step in enumerate(steps):
        message = book.step(*step)
        if message is not None and number >= before:
            yield [number, *message, *book.window()]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 30), st.integers(1, 3), st.lists(choices, min_size=40, max_size=120))
def test_mirror_of_a_window_never_differs(
    before: int, depth: int, steps: list[tuple[int, int, int, int]]
) -> None:
    rows = np.array(list(recorded(before, depth, steps)), np.int64).reshape(-1, 6 + 4 * depth)
    messages, books = rows[:, :6].copy(), rows[:, 6:].copy()
    if not len(rows):
        return
    day = mirror(messages, books)
    published = int((books[:, 1::2] > 0).sum())
    assert (day.counts.different, day.counts.unexplained) == (0, 0)
    assert day.counts.compared + day.counts.seeded == published
    check_round_trip(day, messages, books, depth)


def check_round_trip(day: Mirror, messages: Ints, books: Ints, depth: int) -> None:
    again, windows = tape_to_lobster(
        day.tape, instrument=0, start_ns=0, end_ns=1 << 62, levels=depth, price_unit=1
    )
    assert (again[:, [0, 3, 4, 5]] == messages[1:, [0, 3, 4, 5]]).all()
    assert (windows == books[1:]).all()
