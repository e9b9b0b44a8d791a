"""A market in plain Python that writes tape rows: what the record's readers are tested against."""

import math
from dataclasses import dataclass, field

import numpy as np

from environment.draws import Stream, stream_key
from environment.market import layout as at
from environment.record.facts import AccountFacts, InstrumentFacts, TapeFacts
from environment.record.tape import Rows

SECOND = 1_000_000_000
OPEN_NS = 1_402_061_400 * SECOND  # 2014-06-06 09:30 in New York.
CLOSE_NS = OPEN_NS + 23_400 * SECOND
CROWD = {"noise": 30, "value": 10, "maker": 2}
MAKERS = (48, 49)
AGENT = 50


@dataclass
class Order:
    """One live order of the tiny market."""

    order_id: int
    account: int
    side: int
    price: int
    total: int
    display: int
    shown: int = 0
    hidden: bool = False
    entered: int = 0


def make_facts() -> TapeFacts:
    """Return eight contra accounts, the crowd of CROWD, and one agent (account AGENT)."""
    accounts = [
        AccountFacts(name=f"contra.{i}", population="contra", contra=True) for i in range(8)
    ]
    for population, count in CROWD.items():
        accounts += [
            AccountFacts(name=f"{population}.{i}", population=population, background=True)
            for i in range(count)
        ]
    accounts.append(AccountFacts(name="quant/trend", population="quant/trend"))
    return TapeFacts(
        instruments=(InstrumentFacts(symbol="AAPL", tick_micros=10_000),),
        accounts=tuple(accounts),
        open_ns=OPEN_NS,
        close_ns=CLOSE_NS,
        fees_on_fills=True,
    )


@dataclass
class TinyMarket:
    """One book, price-time priority; every change appends one row to `rows`."""

    rows: list[tuple[int, ...]] = field(default_factory=list)
    books: tuple[dict[int, list[Order]], dict[int, list[Order]]] = field(
        default_factory=lambda: ({}, {})
    )
    live: dict[int, Order] = field(default_factory=dict)
    now: int = OPEN_NS
    matching: bool = True
    next_id: int = 1 << 32

    def array(self) -> Rows:
        """Return the tape so far."""
        return np.array(self.rows, np.int64).reshape(-1, 16)

    def put(self, kind: int, order: Order | None = None, **fields: int) -> None:
        """Append one row; what is not given comes from the order, or is -1."""
        row = dict.fromkeys(at.TAPE_COLUMNS, -1)
        row |= {"sequence": len(self.rows) + 1, "exchange_ns": self.now, "kind": kind}
        row |= {"instrument": 0, "price": 0, "quantity": 0, "leaves": 0, "ahead": 0}
        row |= {"liquidity": at.LIQ_NONE}
        if order is not None:
            row |= {"order_id": order.order_id, "account": order.account, "side": order.side}
            row |= {"price": order.price, "order_type": order.hidden << 8}
        self.rows.append(tuple((row | fields).values()))

    def phase(self, code: int) -> None:
        """Enter a trading phase."""
        self.matching = code == at.CONTINUOUS
        self.put(at.K_PHASE, order_type=code)

    def submit(
        self, account: int, side: int, price: int, quantity: int, *, display: int = 0,
        hidden: bool = False, market: bool = False, parent: int = -1,
    ) -> int:  # fmt: skip
        """Enter an order, match it, and rest what is left; return its id."""
        self.next_id += 1
        order = Order(self.next_id, account, side, price, quantity, display, hidden=hidden)
        order.entered = self.now
        flags = (at.F_HIDDEN if hidden else 0) << 8
        kind = at.MARKET if market else at.LIMIT
        order.price = (at.MAX_PRICE if side == 0 else -at.MAX_PRICE) if market else price
        self.put(
            at.K_ENTER, order, quantity=quantity, leaves=display, order_type=kind | flags,
            time_in_force=at.IOC if market else at.DAY, parent=parent,
        )  # fmt: skip
        self.live[order.order_id] = order
        self._match(order)
        if market and order.total:
            self.cancel(order.order_id, at.R_IOC)
        elif order.total:
            self._rest(order, at.K_REST)
        return order.order_id

    def cancel(self, order_id: int, reason: int = at.R_REQUESTED) -> None:
        """Take an order out."""
        order = self.live.pop(order_id)
        self._leave(order)
        self.put(at.K_CANCEL, order, quantity=order.total, liquidity=reason)

    def reduce(self, order_id: int, by: int) -> None:
        """Withdraw lots of an order that keeps its place."""
        order = self.live[order_id]
        order.total -= by
        order.shown = min(order.shown, order.total)
        left = order.total if order.hidden else order.shown
        self.put(at.K_REDUCE, order, quantity=by, leaves=left, liquidity=at.R_REQUESTED)

    def move(self, order_id: int, price: int, quantity: int) -> None:
        """Give an order another price: it loses its place and may trade."""
        order = self.live[order_id]
        self._leave(order)
        order.price, order.total, order.shown = price, quantity, 0
        self.put(at.K_MOVE, order, quantity=quantity)
        self._match(order)
        if order.total:
            self._rest(order, at.K_REST)

    def cross(self) -> None:
        """Run an auction at the middle of the crossed prices, and say what it did."""
        executed, price = 0, 0
        while self.books[0] and self.books[1] and max(self.books[0]) >= min(self.books[1]):
            price = price or (max(self.books[0]) + min(self.books[1])) // 2
            buy, sell = self.books[0][max(self.books[0])][0], self.books[1][min(self.books[1])][0]
            if not buy.price >= price >= sell.price:
                break
            quantity = min(buy.total, sell.total)
            executed += quantity
            for one in (buy, sell):
                self._reduce_shown(one, quantity)
            self._fill(buy, sell, price, quantity, at.LIQ_AUCTION)
        self.put(at.K_AUCTION, price=price, quantity=executed)

    def best(self, side: int) -> int | None:
        """Return the best price of a side, hidden orders included."""
        book = self.books[side]
        return None if not book else (max(book) if side == 0 else min(book))

    def queue(self, side: int, price: int) -> list[tuple[int, int]]:
        """Return (order id, shown lots) at a price in order of execution."""
        return [(o.order_id, o.shown) for o in self.books[side].get(price, [])]

    def _match(self, order: Order) -> None:
        while self.matching and order.total:
            price = self.best(1 - order.side)
            sign = 1 if order.side == 0 else -1
            if price is None or sign * price > sign * order.price:
                return
            first = self.books[1 - order.side][price][0]
            quantity = min(order.total, first.total if first.hidden else first.shown)
            self._reduce_shown(first, quantity)
            self._fill(first, order, price, quantity, int(first.hidden))
            if first.total and not first.hidden and first.shown == 0:
                self._leave(first)
                self._rest(first, at.K_REFILL)

    def _fill(self, first: Order, other: Order, price: int, quantity: int, how: int) -> None:
        first.total -= quantity
        other.total -= quantity
        self.put(
            at.K_FILL, first, price=price, quantity=quantity, leaves=first.total, liquidity=how,
            counterparty_order_id=other.order_id, ahead=-2000 * quantity, parent=3000 * quantity,
        )  # fmt: skip
        for one in (first, other):
            if one.total == 0:
                self._leave(one)
                self.live.pop(one.order_id, None)

    @staticmethod
    def _reduce_shown(order: Order, quantity: int) -> None:
        order.shown = max(order.shown - quantity, 0)

    def _rest(self, order: Order, kind: int) -> None:
        queue = self.books[order.side].setdefault(order.price, [])
        ahead = sum(one.total if one.hidden else one.shown for one in queue)
        ahead -= 0 if order.hidden else sum(one.total for one in queue if one.hidden)
        order.shown = 0 if order.hidden else min(order.display or order.total, order.total)
        place = len(queue) if order.hidden else sum(not one.hidden for one in queue)
        queue.insert(place, order)
        slice_lots = order.total if order.hidden else order.shown
        self.put(kind, order, quantity=order.total, leaves=slice_lots, ahead=ahead)

    def _leave(self, order: Order) -> None:
        queue = self.books[order.side].get(order.price, [])
        if order in queue:
            queue.remove(order)
            if not queue:
                del self.books[order.side][order.price]


def simulate_day(seed: int = 1, events: int = 4_000, *, halt: bool = True) -> TinyMarket:
    """Return a whole small day: both auctions, a halt, noise, value and maker orders, one agent."""
    market, draws = TinyMarket(), Stream(stream_key(seed, "tiny"))
    value = 64_500.0
    market.now = OPEN_NS - 60 * SECOND
    market.phase(at.PRE_OPEN)
    for i in range(60):
        market.now += SECOND // 2
        _pre_open(market, draws, i, round(value))
    market.now = OPEN_NS
    market.phase(at.OPENING_AUCTION)
    market.cross()
    market.phase(at.CONTINUOUS)
    market.put(at.K_BANDS, price=64_500, quantity=6_450, leaves=61_275)
    step = 23_400 * SECOND // events
    for event in range(events):
        share = event / events
        market.now = OPEN_NS + event * step + draws.integer(1, step)
        value += 6.0 * (1.5 - math.sin(math.pi * share)) * draws.normal() - 0.02 * (value - 64_500)
        if halt and event in {events // 2, events // 2 + events // 50}:
            market.phase(at.HALTED if event == events // 2 else at.CONTINUOUS)
        if market.matching:
            _act(market, draws, round(value), share)
    market.now = CLOSE_NS
    market.phase(at.CLOSING_AUCTION)
    market.cross()
    market.phase(at.CLOSED)
    for order_id in list(market.live):
        market.cancel(order_id, at.R_DAY_END)
    return market


def _pre_open(market: TinyMarket, draws: Stream, i: int, value: int) -> None:
    side, away = i % 2, draws.integer(-6, 30)
    price = value - away if side == 0 else value + away
    market.submit(8 + draws.integer(0, 30), side, price, 100 + draws.integer(0, 300))


def _act(market: TinyMarket, draws: Stream, value: int, share: float) -> None:
    choice, side = draws.uniform(), draws.integer(0, 2)
    sign = 1 if side == 0 else -1
    busy = 1.0 - 0.6 * math.sin(math.pi * share)
    size = max(round(60 * draws.exponential()), 1)
    if choice < 0.25 * busy:
        opposite = market.best(1 - side)
        if opposite is not None:
            parent = 7 if draws.uniform() < 0.1 else -1
            account = AGENT if parent == 7 else 8 + draws.integer(0, 30)
            market.submit(account, side, 0, size, market=True, parent=parent)
    elif choice < 0.35:
        mid = (value + (market.best(side) or value)) // 2
        market.submit(38 + draws.integer(0, 10), side, mid - 4 * sign, size)
    elif choice < 0.6 or len(market.live) < 80:
        away = 3 + round(10 * draws.exponential())
        hidden, display = draws.uniform() < 0.05, 20 if draws.uniform() < 0.05 else 0
        market.submit(
            MAKERS[side] if draws.uniform() < 0.3 else 8 + draws.integer(0, 30), side,
            value - sign * away, size, hidden=hidden, display=display if not hidden else 0,
        )  # fmt: skip
    else:
        order_id = list(market.live)[draws.integer(0, len(market.live))]
        order = market.live[order_id]
        if choice < 0.66 and order.total > 1:
            market.reduce(order_id, order.total // 2)
        elif choice < 0.7:
            market.move(order_id, order.price - draws.integer(-3, 4), order.total + 5)
        else:
            market.cancel(order_id)
