"""The venue of a crash test: it outlives the desk's process, beyond a link that may be bad.

It is the shipped `SimulatedVenue`, driven by hand, before a tiny market that fills at drawn times.
Messages may be lost, doubled, delayed and overtaken on both ways; when the desk's process dies,
what was on its way to it is gone, and what it had sent may still arrive.
"""

from datetime import date
from heapq import heappop, heappush
from typing import Any

from brokers.packages import PackageEvent
from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef, Envelope, SimulationKernel
from environment.actors.testing import RecordingContext
from environment.authority import keys_of_seed
from environment.draws import Stream, stream_key
from environment.instruments import make_option
from environment.messages import (
    CancelOrder,
    Leg,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    ReplaceOrder,
    SubmitOrder,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    SubmitPackage,
)
from environment.structures import signed_ratio
from tests.crash.chain import Chain

SERIES = tuple(make_option("AAPL", date(1970, 6, 19), "call", strike) for strike in ("130", "135"))
LOW, HIGH = (series.symbol for series in SERIES)
LEGS = (Leg(instrument=LOW, side="buy"), Leg(instrument=HIGH, side="sell", ratio=2))
KEYS = keys_of_seed(1)  # The desk's, which its venue believes.
MILLISECOND = 1_000_000
_TO_VENUE, _FILL, _TO_DESK = range(3)


class Faults:
    """How bad the link is: probabilities per message."""

    def __init__(self, loss: float = 0.0, doubling: float = 0.0, delay: float = 0.0) -> None:
        self.loss, self.doubling, self.delay = loss, doubling, delay


class Working:
    """An order in the market."""

    def __init__(self, order: SubmitOrder | SubmitPackage) -> None:
        self.order = order
        self.price = order.price or 0
        self.leaves = order.quantity
        self.filled = 0


class Outside:
    """An engine at the address `outside`, which the desk's gateway talks to."""

    addresses = frozenset({"outside"})

    def __init__(self, seed: int, faults: Faults) -> None:
        self.kernel: SimulationKernel | None = None
        self.chain = Chain()  # Outlives the desk's process, as the file does.
        self.submitted: list[str] = []
        self.positions: dict[str, int] = {}
        self.working: dict[str, Working] = {}
        self._faults = faults
        self._rng = Stream(stream_key(seed, "outside"))
        self._venue = SimulatedVenue(
            ActorRef("exchange"), ActorRef("desk/custodian"), "swarm", KEYS.gate(),
            ActorRef("desk/risk"),
        )  # fmt: skip
        self._ctx = RecordingContext("venue")
        self._queue: list[tuple[int, int, int, Any]] = []
        self._number = self._trades = 0

    @property
    def venue_positions(self) -> dict[str, int]:
        """Return what the venue's own record says is held."""
        return self._venue.state.book.positions

    # --- as an engine ------------------------------------------------------------------------

    def post(self, arrival_ns: int, envelope: Envelope[Any]) -> None:
        self._travel(_TO_VENUE, arrival_ns, envelope.message)

    def heard(self, topic: str) -> None:
        """Nothing is published here."""

    def next_ns(self) -> int | None:
        return self._queue[0][0] if self._queue else None

    def advance(self, until_ns: int) -> None:
        """Do what happens up to a moment, or up to the first delivery."""
        while self._queue and self._queue[0][0] <= until_ns:
            at_ns, _, kind, item = heappop(self._queue)
            if kind == _TO_DESK:
                assert self.kernel is not None, "a desk is connected"
                self.kernel.deliver(at_ns, "outside", "venue", item)
                return
            self._happen(at_ns, kind, item)

    def die_with_desk(self, until_ns: int) -> None:
        """Go on alone while the desk's process is down; what is on its way to it is gone."""
        self._queue = [row for row in self._queue if row[2] != _TO_DESK]
        self._queue.sort()
        while self._queue and self._queue[0][0] <= until_ns:
            at_ns, _, kind, item = heappop(self._queue)
            if kind != _TO_DESK:
                self._happen(at_ns, kind, item)

    def snapshot(self) -> bytes:
        raise AssertionError("the venue's process is not part of the desk's")

    def restore(self, data: bytes) -> None:
        raise AssertionError("the venue's process is not part of the desk's")

    # --- the market ----------------------------------------------------------------------------

    def _travel(self, kind: int, at_ns: int, message: Any) -> None:
        if self._rng.uniform() < self._faults.loss:
            return
        for _ in range(2 if self._rng.uniform() < self._faults.doubling else 1):
            late = self._rng.uniform() < self._faults.delay
            delay_ns = self._rng.integer(1, 2_000 if late else 3) * MILLISECOND
            self._plan(at_ns + delay_ns, kind, message)

    def _plan(self, at_ns: int, kind: int, item: Any) -> None:
        self._number += 1
        heappush(self._queue, (at_ns, self._number, kind, item))

    def _happen(self, at_ns: int, kind: int, item: Any) -> None:
        self._ctx.set_time(at_ns)
        if kind == _FILL:
            self._fill(at_ns, *item)
        else:
            self._tell_venue(item)

    def _tell_venue(self, message: Message) -> None:
        """Let the venue handle a message, carry out what it asks of the market, send the rest."""
        ctx = self._ctx
        waiting: list[Any] = [message]
        while waiting:
            handed = waiting.pop(0)
            is_event = isinstance(handed, OrderEvent | PackageEvent)
            ctx.handle(self._venue, handed, sender="exchange" if is_event else "desk/custodian")
            sent, ctx.sent[:] = list(ctx.sent), []
            for row in sent:
                if row.to == "exchange":
                    waiting += self._trade(row.message)
                else:
                    self._travel(_TO_DESK, ctx.now_ns(), row.message)

    def _trade(self, command: Any) -> list[Message]:
        """Return the market's answer to a command, and plan its fills."""
        now_ns, name = self._ctx.now_ns(), command.order_id
        if isinstance(command, SubmitOrder | SubmitPackage):
            self.submitted.append(name)
            self.working[name] = Working(command)
            half = command.quantity // 2
            for quantity in (half, command.quantity - half):
                if self._rng.uniform() < 0.7:
                    self._plan(
                        now_ns + self._rng.integer(1, 900) * MILLISECOND, _FILL, (name, quantity)
                    )
            if isinstance(command, SubmitPackage):
                return [PackageAccepted(order_id=name, exchange_ns=now_ns)]
            return [OrderAccepted(order_id=name, instrument="AAPL", exchange_ns=now_ns)]
        order = self.working.get(name)
        if order is None:
            return [OrderRefused(order_id=name, reason="unknown_order", exchange_ns=now_ns)]
        if isinstance(command, CancelOrder):
            return [self._out(name, order, "requested")]
        assert isinstance(command, ReplaceOrder), f"no market takes {command}"
        if command.quantity <= order.filled:
            return [self._out(name, order, "replaced_below_filled")]
        order.leaves = command.quantity - order.filled
        order.price = command.price if command.price is not None else order.price
        if isinstance(order.order, SubmitPackage):
            return [PackageReplaced(
                order_id=name, price=order.price, quantity=command.quantity, leaves=order.leaves,
                exchange_ns=now_ns,
            )]  # fmt: skip
        return [
            OrderReplaced(
                order_id=name, instrument="AAPL", price=order.price, leaves=order.leaves,
                exchange_ns=now_ns,
            )
        ]  # fmt: skip

    def _out(self, name: str, order: Working, reason: str) -> Message:
        del self.working[name]
        now_ns = self._ctx.now_ns()
        if isinstance(order.order, SubmitPackage):
            return PackageCancelled(
                order_id=name, quantity=order.leaves, reason=reason, exchange_ns=now_ns
            )
        return OrderCancelled(
            order_id=name, instrument="AAPL", quantity=order.leaves, reason=reason,
            exchange_ns=now_ns,
        )  # fmt: skip

    def _fill(self, at_ns: int, name: str, quantity: int) -> None:
        order = self.working.get(name)
        if order is None or not 0 < quantity <= order.leaves:
            return
        order.leaves -= quantity
        order.filled += quantity
        if not order.leaves:
            del self.working[name]
        self._trades += 1
        if isinstance(order.order, SubmitPackage):
            self._fill_legs(at_ns, order, order.order, quantity)
            return
        side = order.order.side
        self._move("AAPL", quantity if side == "buy" else -quantity)
        self._tell_venue(
            OrderFilled(
                order_id=name, instrument="AAPL", side=side, price=order.price, quantity=quantity,
                leaves=order.leaves, liquidity="maker", fee_micros=0, exchange_ns=at_ns,
                trade_id=self._trades,
            )
        )  # fmt: skip

    def _fill_legs(self, at_ns: int, order: Working, package: SubmitPackage, units: int) -> None:
        """Let so many units trade, a leg of more than one lot in two prints."""
        for leg in package.legs:
            lots = units * leg.ratio
            self._move(leg.instrument, units * signed_ratio(leg))
            for part in (lots // 2, lots - lots // 2) if lots > 1 else (lots,):
                self._tell_venue(LegFilled(
                    order_id=package.order_id, instrument=leg.instrument, side=leg.side,
                    price=3, quantity=part, fee_micros=0, exchange_ns=at_ns,
                    trade_id=self._trades, liquidity="maker",
                ))  # fmt: skip
        self._tell_venue(PackageFilled(
            order_id=package.order_id, side="buy", price=order.price, quantity=units,
            leaves=order.leaves, against="legs", exchange_ns=at_ns, package_id=self._trades,
        ))  # fmt: skip

    def _move(self, symbol: str, lots: int) -> None:
        self.positions[symbol] = self.positions.get(symbol, 0) + lots
