"""Orders a second that one Python actor submits and cancels through kernel and exchange.

On every beat it sends ten orders and cancels the ten of the beat before. Once with an empty account
and once with 10,000 resting orders of the same one: the two must not differ. The journal is on. Run
with `python -m benchmarks.exchange_orders`.
"""

import sys
import time
from typing import ClassVar

import msgspec

from benchmarks.figures import report
from environment.actors import Actor, ActorContext, ActorRef, Ports, Settings, SimulationKernel
from environment.actors.ports import MemoryDisk
from environment.market import layout as at
from environment.market.exchange import ADDRESS, Exchange
from environment.market.market import Market
from environment.market.publication import Publisher
from environment.messages import (
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    Resumed,
    SubmitOrder,
    TimerFired,
)
from environment.record.journal import Header, Journal

ORDERS = 100_000
BATCH = 10
ToOwner = Resumed | TimerFired | OrderAccepted | OrderCancelled | OrderFilled | OrderRefused


class Count(msgspec.Struct):
    """What the submitter has done so far."""

    sent: int = 0
    accepted: int = 0
    over: int = 0


class Submitter(Actor[ToOwner]):
    """Rests `resting` orders, then on each beat sends ten and cancels the ten before."""

    KIND: ClassVar[str] = "submitter"
    state: Count

    def __init__(self, exchange: ActorRef[SubmitOrder | CancelOrder], resting: int) -> None:
        self._exchange, self._resting = exchange, resting
        self.state: Count = Count()

    def receive(self, ctx: ActorContext, message: ToOwner) -> None:
        """Handle one message."""
        match message:
            case OrderAccepted():
                self.state.accepted += 1
            case OrderCancelled():
                self.state.over += 1
            case TimerFired():
                self._beat(ctx)
            case Resumed():
                ctx.after(1_000, "beat")
            case OrderFilled() | OrderRefused():
                raise AssertionError(f"nothing here trades: {message}")

    def _beat(self, ctx: ActorContext) -> None:
        sent = self.state.sent
        if sent >= ORDERS + self._resting:
            return
        if sent >= self._resting + BATCH:
            for number in range(sent - BATCH, sent):
                ctx.send(self._exchange, CancelOrder(order_id=f"s{number}"))
        for _ in range(BATCH):
            self._send(ctx)
        ctx.after(10_000, "beat")

    def _send(self, ctx: ActorContext) -> None:
        number = self.state.sent
        self.state.sent += 1
        ctx.send(
            self._exchange,
            SubmitOrder(
                order_id=f"s{number}", account="own", instrument="AAA", side="buy", quantity=1,
                price=5_000 - number % 500,
            ),
        )  # fmt: skip


def measure(resting: int) -> dict[str, object]:
    """Return submit-and-cancel pairs a second beside so many resting orders."""
    market = Market(instruments=1, accounts=1)
    market.add_instrument(value_micros=10_000, last_close=10_000)
    account = market.add_account(cash_micros=10**15, owner=0)
    publisher = Publisher(["AAA"], ADDRESS)
    exchange = Exchange(market, symbols={"AAA": 0}, accounts={"own": account}, owners=["owner"],
                        publisher=publisher)  # fmt: skip
    journal = Journal(MemoryDisk(), "journal", Header())
    kernel = SimulationKernel(Settings(), Ports(engine=exchange, recorder=journal))
    exchange.bind(kernel)
    market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
    own: ActorRef[SubmitOrder | CancelOrder] = kernel.reference(ADDRESS)
    made: list[Submitter] = []

    def factory() -> Submitter:
        made.append(Submitter(own, resting))
        return made[-1]

    kernel.spawn("owner", factory)
    until = 1_000
    while not made or made[-1].state.sent <= resting:
        until += 10_000
        kernel.run_until(until)
    before, began = made[-1].state.over, time.perf_counter()
    kernel.run()
    past = time.perf_counter() - began
    done = made[-1].state.over - before
    return {"resting": resting, "orders_per_s": done / past, "orders": done,
            "live": int(market.arena[at.H_LIVE_ORDERS]), "target_per_s": 5e4}  # fmt: skip


def main() -> int:
    """Print both figures, and their ratio."""
    measure(0)  # Compiled and warm.
    rows = [measure(0), measure(10_000)]
    report("exchange_orders", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
