"""A stub engine: one stock whose touch moves on a beat, and orders that meet it, not each other."""

from typing import Any

import msgspec

from environment.actors import Envelope, SimulationKernel
from environment.messages import (
    CancelOrder,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    PhaseChanged,
    ReplaceOrder,
    SubmitOrder,
)
from tests.unit.desk.factories import phase, quote

BEAT_NS, WAY_NS = 1_000_000_000, 300_000
CYCLE = 120  # Beats: the mid rises for half of it, then falls.
JUMP = 6  # Ticks, up and down each 15 beats: quotes are hit before they move.


class Resting(msgspec.Struct):
    """An order in the stub's book."""

    owner: str
    side: str
    price: int | None
    total: int
    filled: int = 0


class Exchange:
    """Fills what reaches the touch: takers on arrival, resting orders when the touch comes by."""

    addresses = frozenset({"exchange"})

    def __init__(self) -> None:
        self.kernel: SimulationKernel | None = None
        self.beats = 0
        self.topics: set[str] = set()
        self.volume = 0
        self.posted: list[tuple[int, int, Envelope[Any]]] = []
        self.orders: dict[str, Resting] = {}
        self.accounts: dict[str, int] = {}  # Position by the name that submitted.
        self.submitted: list[SubmitOrder] = []
        self.senders: dict[str, set[str]] = {}  # Who submitted, by account.

    @property
    def mid(self) -> int:
        within = self.beats % CYCLE
        jump = JUMP * (self.beats // 15 % 2)
        return 10_000 + jump + (within if within < CYCLE // 2 else CYCLE - within)

    def post(self, arrival_ns: int, envelope: Envelope[Any]) -> None:
        self.posted.append((arrival_ns + WAY_NS, envelope.id, envelope))
        self.posted.sort(key=lambda entry: entry[:2])

    def next_ns(self) -> int:
        beat_ns = (self.beats + 1) * BEAT_NS
        return min(beat_ns, self.posted[0][0]) if self.posted else beat_ns

    def heard(self, topic: str) -> None:
        self.topics.add(topic)

    def advance(self, until_ns: int) -> None:
        while (now_ns := self.next_ns()) <= until_ns:
            until_ns = min(until_ns, now_ns + WAY_NS)
            if self.posted and self.posted[0][0] == now_ns:
                self._take(now_ns, self.posted.pop(0)[2])
            else:
                self._beat(now_ns)

    def snapshot(self) -> bytes:
        raise AssertionError("no test takes a snapshot of the stub")

    def restore(self, data: bytes) -> None:
        raise AssertionError("no test restores the stub")

    def _beat(self, now_ns: int) -> None:
        self.beats += 1
        self.volume += 100
        if self.beats == 1:
            self._publish(now_ns, "status", phase("continuous"))
        self._publish(now_ns, "quotes", quote(self.mid - 1, self.mid + 1, volume=self.volume))
        for order_id in list(self.orders):
            self._meet(now_ns, order_id, "maker")

    def _take(self, now_ns: int, envelope: Envelope[Any]) -> None:
        message, sender = envelope.message, envelope.sender
        order = self.orders.get(message.order_id)
        if isinstance(message, SubmitOrder):
            self.submitted.append(message)
            self.senders.setdefault(message.account, set()).add(sender)
            order = Resting(sender, message.side, message.price, message.quantity)
            self.orders[message.order_id] = order
            self._tell(now_ns, sender, OrderAccepted(
                order_id=message.order_id, instrument="AAPL", exchange_ns=now_ns
            ))  # fmt: skip
            self._meet(now_ns, message.order_id, "taker")
            if message.time_in_force == "ioc" and message.order_id in self.orders:
                self._cancel(now_ns, message.order_id, "ioc_remainder")
        elif order is None:
            self._tell(now_ns, sender, OrderRefused(
                order_id=message.order_id, reason="unknown_order", exchange_ns=now_ns
            ))  # fmt: skip
        elif isinstance(message, ReplaceOrder):
            order.price, order.total = message.price, message.quantity
            self._tell(now_ns, sender, OrderReplaced(
                order_id=message.order_id, instrument="AAPL", price=order.price,
                leaves=order.total - order.filled, exchange_ns=now_ns,
            ))  # fmt: skip
            self._meet(now_ns, message.order_id, "taker")
        else:
            assert isinstance(message, CancelOrder)
            self._cancel(now_ns, message.order_id, "requested")

    def _cancel(self, now_ns: int, order_id: str, reason: str) -> None:
        order = self.orders.pop(order_id)
        self._tell(now_ns, order.owner, OrderCancelled(
            order_id=order_id, instrument="AAPL", quantity=order.total - order.filled,
            reason=reason, exchange_ns=now_ns,
        ))  # fmt: skip

    def _meet(self, now_ns: int, order_id: str, liquidity: Any) -> None:
        """Fill up to 30 lots of an order that the touch reaches."""
        order = self.orders[order_id]
        is_buy = order.side == "buy"
        touch = self.mid + 1 if is_buy else self.mid - 1
        if order.price is not None and (order.price < touch if is_buy else order.price > touch):
            return
        quantity = min(order.total - order.filled, 30)
        order.filled += quantity
        self.volume += quantity
        leaves = order.total - order.filled
        self.accounts[order.owner] = (
            self.accounts.get(order.owner, 0) + (quantity if is_buy else -quantity)
        )  # fmt: skip
        if not leaves:
            del self.orders[order_id]
        self._tell(now_ns, order.owner, OrderFilled(
            order_id=order_id, instrument="AAPL", side="buy" if is_buy else "sell", price=touch,
            quantity=quantity, leaves=leaves, liquidity=liquidity, fee_micros=0,
            exchange_ns=now_ns, trade_id=self.volume,
        ))  # fmt: skip

    def _tell(self, now_ns: int, owner: str, message: Message) -> None:
        assert self.kernel is not None
        self.kernel.deliver(now_ns + WAY_NS, "exchange", owner, message)

    def _publish(self, now_ns: int, feed: str, message: PhaseChanged | Any) -> None:
        assert self.kernel is not None
        topic = f"market/AAPL/{feed}"
        if topic in self.topics:
            self.kernel.deliver_topic(now_ns + WAY_NS, "exchange", topic, message)
