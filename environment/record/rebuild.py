"""Every book and every queue position, made again from the tape alone.

This is the slow, obvious reading of the tape: one dictionary per queue, in order of arrival. It
serves to check the core (state, `ahead` and `leaves` of each row) and the fast readers of this
package, which keep totals only.
"""

from collections.abc import Iterable

import msgspec

from environment.market import layout as at
from environment.record.tape import TYPE_BITS, TYPE_MASK, UNSEEN_TYPES, Rows

PEGGED_PRICE = -1  # Midpoint orders have no price of their own: one queue a side.


class RestingOrder(msgspec.Struct):
    """One order as the tape has told it so far. `price` is None while it is in no queue."""

    order_id: int
    instrument: int
    account: int
    side: int
    order_type: int
    flags: int
    total: int  # Lots that can still trade.
    waiting: int = 0  # Lots of its slice in the queue.
    price: int | None = None

    @property
    def shown(self) -> int:
        """Return the lots that others see."""
        return self.waiting if self.is_displayed else 0

    @property
    def is_displayed(self) -> bool:
        """Say whether the order waits among the displayed of its price."""
        return not self.flags & at.F_HIDDEN and self.order_type not in UNSEEN_TYPES


class Contradiction(msgspec.Struct, frozen=True, kw_only=True):
    """A row that says something else than the rows before it imply."""

    sequence: int
    field: str
    expected: int
    found: int


class Queue:
    """The orders at one price of one side, first come first, displayed apart from the rest."""

    __slots__ = ("behind", "displayed", "shown", "unseen")

    def __init__(self) -> None:
        self.displayed: dict[int, RestingOrder] = {}
        self.behind: dict[int, RestingOrder] = {}
        self.shown = self.unseen = 0

    def add(self, order: RestingOrder, lots: int) -> None:
        """Let an order's slice grow by some lots, or shrink."""
        order.waiting += lots
        if order.is_displayed:
            self.shown += lots
        else:
            self.unseen += lots


class BookRebuild:
    """Books rebuilt row by row; feed it whole blocks, in order."""

    def __init__(self) -> None:
        self.orders: dict[int, RestingOrder] = {}
        self.queues: dict[tuple[int, int, int], Queue] = {}
        self.contradictions: list[Contradiction] = []
        self.out_of_turn = 0  # Displayed fills that passed an order in front (a mirrored feed's).
        self._sequence = 0

    def apply(self, rows: Rows) -> None:
        """Read further rows of the tape."""
        changes = {
            at.K_ENTER: self._enter, at.K_REST: self._rest, at.K_FILL: self._fill,
            at.K_CANCEL: self._cancel, at.K_REDUCE: self._reduce, at.K_REFILL: self._refill,
            at.K_MOVE: self._move, at.K_QUOTE: self._quote, at.K_PURGE: self._purge,
        }  # fmt: skip
        for row in rows.tolist():
            change = changes.get(row[at.T_KIND])
            if change is not None:
                self._sequence = row[at.T_SEQUENCE]
                change(row)

    def queue(self, instrument: int, side: int, price: int) -> list[tuple[int, int]]:
        """Return (order id, shown lots) of everything at a price, in order of execution."""
        queue = self.queues.get((instrument, side, price), Queue())
        waiting = [*queue.displayed.values(), *queue.behind.values()]
        return [(order.order_id, order.shown) for order in waiting]

    def levels(self, instrument: int, side: int) -> list[tuple[int, int]]:
        """Return (price, shown lots) of one side, best first, hidden prices left out."""
        found = [
            (key[2], queue.shown)
            for key, queue in self.queues.items()
            if key[:2] == (instrument, side) and queue.shown
        ]
        return sorted(found, reverse=side == at.BUY)

    def position(self, order_id: int) -> int:
        """Return the lots in front of a resting order: shown ones, and for an unseen order all."""
        order = self.orders[order_id]
        if order.price is None:
            raise KeyError(f"order {order_id} waits in no queue")
        queue = self.queues[order.instrument, order.side, order.price]
        ahead = 0 if order.is_displayed else queue.shown
        for other in (queue.displayed if order.is_displayed else queue.behind).values():
            if other.order_id == order_id:
                break
            ahead += other.waiting
        return ahead

    def resting(self, instrument: int, side: int) -> list[tuple[int, RestingOrder]]:
        """Return (price, order) of one side, in the order in which they trade."""
        keys = sorted(key for key in self.queues if key[:2] == (instrument, side))
        if side == at.BUY:
            keys.reverse()
        return [
            (key[2], order)
            for key in keys
            for order in (*self.queues[key].displayed.values(), *self.queues[key].behind.values())
        ]

    def live(self) -> Iterable[RestingOrder]:
        """Return the orders that wait in some queue."""
        return (order for order in self.orders.values() if order.price is not None)

    def _enter(self, row: list[int]) -> None:
        self.orders[row[at.T_ORDER]] = RestingOrder(
            order_id=row[at.T_ORDER],
            instrument=row[at.T_INSTRUMENT],
            account=row[at.T_ACCOUNT],
            side=row[at.T_SIDE],
            order_type=row[at.T_TYPE] & TYPE_MASK,
            flags=row[at.T_TYPE] >> TYPE_BITS,
            total=row[at.T_QUANTITY],
        )

    def _rest(self, row: list[int]) -> None:
        order = self.orders.get(row[at.T_ORDER])
        if order is None:
            # A mirrored book is seeded with orders that entered before the tape began.
            self._enter([*row[: at.T_QUANTITY], row[at.T_LEAVES], *row[at.T_LEAVES :]])
            order = self.orders[row[at.T_ORDER]]
        if order.order_type in {at.ON_OPEN, at.ON_CLOSE, at.MARKET}:
            return  # It waits for an auction, in no queue.
        self._leave(order)  # A pegged order that went to meet another rests again unannounced.
        is_pegged = order.order_type == at.MIDPOINT
        order.price = PEGGED_PRICE if is_pegged else row[at.T_PRICE]
        self._join(order, row)

    def _refill(self, row: list[int]) -> None:
        order = self.orders[row[at.T_ORDER]]
        queue = self._leave(order)
        if queue is None:
            self._note("refill of an order in no queue", 1, 0)
            return
        self._join(order, row)

    def _join(self, order: RestingOrder, row: list[int]) -> None:
        queue = self.queues.setdefault((order.instrument, order.side, order.price or 0), Queue())
        # Neither a recording nor an order far from the touch knows its place.
        if row[at.T_AHEAD] >= 0 and order.price != PEGGED_PRICE:
            expected = queue.shown + (0 if order.is_displayed else queue.unseen)
            self._expect("ahead", expected, row[at.T_AHEAD])
        (queue.displayed if order.is_displayed else queue.behind)[order.order_id] = order
        queue.add(order, row[at.T_LEAVES])
        if order.waiting > order.total:
            self._note("slice", order.total, order.waiting)

    def _leave(self, order: RestingOrder) -> Queue | None:
        if order.price is None:
            return None
        queue = self.queues[order.instrument, order.side, order.price]
        queue.displayed.pop(order.order_id, None)
        queue.behind.pop(order.order_id, None)
        queue.add(order, -order.waiting)
        return queue

    def _fill(self, row: list[int]) -> None:
        first, quantity = self.orders[row[at.T_ORDER]], row[at.T_QUANTITY]
        liquidity = row[at.T_LIQUIDITY] & (at.HALF_TICK - 1)
        if liquidity == at.LIQ_DISPLAYED and first.price is not None:
            queue = self.queues[first.instrument, first.side, first.price]
            self.out_of_turn += next(iter(queue.displayed), None) != first.order_id
        self._take(first, quantity)
        self._expect("leaves", first.total, row[at.T_LEAVES])
        other = self.orders.get(row[at.T_COUNTERPARTY])
        if other is not None:
            self._take(other, quantity)

    def _take(self, order: RestingOrder, quantity: int) -> None:
        order.total -= quantity
        if order.total < 0:
            self._note("lots left", 0, order.total)
        if order.price is not None:
            self._wait_with(order, max(order.waiting - quantity, 0))
        if order.total <= 0:
            self._close(order)

    def _reduce(self, row: list[int]) -> None:
        order = self.orders[row[at.T_ORDER]]
        order.total -= row[at.T_QUANTITY]
        if order.price is not None:
            self._wait_with(order, row[at.T_LEAVES])
        if order.total <= 0:
            self._close(order)

    def _wait_with(self, order: RestingOrder, lots: int) -> None:
        queue = self.queues[order.instrument, order.side, order.price or 0]
        queue.add(order, lots - order.waiting)

    def _move(self, row: list[int]) -> None:
        order = self.orders[row[at.T_ORDER]]
        self._leave(order)
        order.price, order.total = None, row[at.T_QUANTITY]

    def _cancel(self, row: list[int]) -> None:
        order = self.orders.get(row[at.T_ORDER])
        if order is not None:
            self._expect("quantity", order.total, row[at.T_QUANTITY])
            self._close(order)

    def _quote(self, row: list[int]) -> None:
        """Set both sides of a dealer's quote; one at its price and no larger keeps its place."""
        sides = (
            (row[at.T_ORDER], row[at.T_PRICE], row[at.T_QUANTITY], row[at.T_AHEAD]),
            (row[at.T_COUNTERPARTY], row[at.T_PARENT], row[at.T_LEAVES], row[at.T_TIF]),
        )
        joining = []
        for identity, price, lots, ahead in sides:
            order = self.orders[identity]
            if order.price == price and 0 < lots <= order.waiting:
                self._wait_with(order, lots)
            else:
                self._leave(order)
                order.price = None
                joining += [(order, price, lots, ahead)] if lots else []
            order.total = lots
        for order, price, lots, ahead in joining:
            order.price = price
            self._join(order, [*row[: at.T_LEAVES], lots, *row[at.T_COUNTERPARTY : at.T_AHEAD],
                               ahead, 0])  # fmt: skip

    def _purge(self, row: list[int]) -> None:
        """Take quotes out: of an account, an instrument, or (-1) of any."""
        account, instrument = row[at.T_ACCOUNT], row[at.T_INSTRUMENT]
        for order in self.orders.values():
            if (
                order.flags & at.F_QUOTE
                and account in {order.account, at.NONE}
                and instrument in {order.instrument, at.NONE}
            ):
                self._close_quote(order)

    def _close_quote(self, order: RestingOrder) -> None:
        self._leave(order)
        order.price, order.total, order.waiting = None, 0, 0

    def _close(self, order: RestingOrder) -> None:
        if order.flags & at.F_QUOTE:  # Its slot waits for the dealer's next quote.
            self._close_quote(order)
            return
        self._leave(order)
        order.price = None
        del self.orders[order.order_id]

    def _expect(self, field: str, expected: int, found: int) -> None:
        if expected != found:
            self._note(field, expected, found)

    def _note(self, field: str, expected: int, found: int) -> None:
        self.contradictions.append(
            Contradiction(sequence=self._sequence, field=field, expected=expected, found=found)
        )
