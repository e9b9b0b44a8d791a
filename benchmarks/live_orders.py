"""From a tick to the order at the venue's socket, through desk and custodian, the step written.

A stub venue in a process of its own sends 1,000 quotes a second over the real socket; one agent
answers each with an order, which risk, custodian and gateway carry back. "tick to order" is what
the swarm measures, from the tick as it was read to the order as it was written to the venue's
socket: the aims are for that. "round trip" is what the stub sees, with its own sending and reading
and two wake-ups of sleeping processes in it. "CPU us an order" is all that the swarm's thread used,
reports and idling included: on a machine with other work it says more than the clock. The third row
is of a swarm that spins between two ticks instead of sleeping (docs/decisions/0102). Run with
`python -m benchmarks.live_orders`; the soak is `python -m benchmarks.live_soak`.
"""

import argparse
import asyncio
import datetime
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import report
from brokers.frames import Frames, serve
from brokers.socket_venue import SocketVenue
from brokers.venue import SIMULATED, Hours, Published, VenueClock
from brokers.wire import Hello, Welcome, server_decoder
from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.live_settings import Durability
from environment.authority import keys_in
from environment.instruments import make_equity
from environment.market.calendar import TradingCalendar
from environment.messages import (
    ApprovedOrder,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderRequest,
    QuoteUpdate,
    Resumed,
)
from environment.record.audit import HeadKey
from environment.venue_messages import AccountReport, QueryAccount, VenueReport
from scenarios.builders.floor import Floor
from scenarios.config.load import Config, load_config
from scenarios.config.swarm import Swarm
from scenarios.live.event_loop import loop_name, run_loop
from scenarios.live.record import SwarmRecord
from scenarios.live.swarm import LiveSwarm, SwarmTerms

TICKS_PER_SECOND: Final = 1_000
AGENT: Final = "bench/echo"
LIMITS_US: Final = {"p50": 200.0, "p99": 1_000.0}  # With durability "write".
SPIN_NS: Final = 2_000_000  # Over the time between two ticks: `[daemon] spin = "2ms"`.
_TICKS_MOST: Final = 1_000_000_000
_LOOK_S: Final = 5.0  # How often memory is looked at.
AAPL: Final = make_equity("AAPL")


Results = Any  # A queue of multiprocessing, which has no public class.


class Echo(Actor[Resumed | QuoteUpdate | OrderEvent]):
    """Answers every tick with an order whose number ends in that of the tick."""

    KIND = "echo"

    def __init__(self, risk: ActorRef[OrderRequest]) -> None:
        self._risk, self._first = risk, 0

    def receive(self, ctx: ActorContext, message: Resumed | QuoteUpdate | OrderEvent) -> None:
        """Handle one message."""
        if isinstance(message, Resumed):
            ctx.subscribe("market/AAPL/every_quote")
            self._first = ctx.now_ns() // 1_000_000_000 % 100_000_000 * _TICKS_MOST
        elif isinstance(message, QuoteUpdate):
            order = OrderRequest(
                order_id=f"{AGENT}/{self._first + message.volume}", instrument="AAPL",
                side="buy" if message.volume % 2 else "sell", quantity=1 + message.volume % 100,
                price=message.bid_price, time_in_force="ioc",
            )  # fmt: skip
            ctx.send(self._risk, order)


class StubVenue:
    """Sends ticks, takes orders, and cancels what is left of each at once."""

    def __init__(self, seconds: float, results: Results) -> None:
        self._seconds, self._results = seconds, results
        self._sent: list[int] = []
        self._took: list[int] = []
        self._sequence = 0
        self._greeted: asyncio.Future[Frames] = asyncio.get_running_loop().create_future()

    def hear(self, peer: Frames, message: object) -> None:
        """Take what the swarm sends."""
        now_ns = time.monotonic_ns()
        if isinstance(message, ApprovedOrder):
            name = message.client_order_id
            tick = int(message.order.order_id.rpartition("/")[2]) % _TICKS_MOST
            self._took.append(now_ns - self._sent[tick - 1])
            for event in (
                OrderAccepted(order_id=name, instrument="AAPL", exchange_ns=now_ns),
                OrderCancelled(
                    order_id=name, instrument="AAPL", quantity=message.order.quantity,
                    reason="ioc_remainder", exchange_ns=now_ns,
                ),
            ):  # fmt: skip
                self._sequence += 1
                peer.send(VenueReport(sequence=self._sequence, event=event))
        elif isinstance(message, Hello):
            if not self._greeted.done():
                self._greeted.set_result(peer)
            else:
                self._swarm = peer
            peer.send(self._welcome())
        elif isinstance(message, QueryAccount):
            peer.send(AccountReport(sequence=self._sequence, orders=(), positions={}))

    def _welcome(self) -> Welcome:
        day = TradingCalendar("XNYS").sessions(_day(), _day())[0]
        clock = VenueClock(
            market_ns=day.open_ns, steady_ns=time.monotonic_ns(), pace=1.0, date=day.date
        )
        hours = Hours(
            calendar="XNYS", zone=day.zone, date=day.date, open_ns=day.open_ns,
            close_ns=day.close_ns,
        )  # fmt: skip
        return Welcome(
            session=1, sequence=0, capabilities=SIMULATED, instruments=(AAPL,), hours=hours,
            clock=clock, reference_ticks={"AAPL": 10_000}, cash_micros=10**12,
        )  # fmt: skip

    async def run(self, path: Path) -> None:
        """Serve one swarm for as long as is measured."""
        decoder = server_decoder()
        server = await serve(path, lambda: Frames(decoder, self.hear, lambda *_: None))
        self._swarm = await self._greeted
        await asyncio.sleep(2.0)  # The session stands, and topics are listened to.
        period_s, due_s, count = 1 / TICKS_PER_SECOND, time.monotonic(), 0
        end_s = due_s + self._seconds
        while due_s < end_s:
            count += 1
            tick = QuoteUpdate(
                instrument="AAPL", bid_price=9_999, bid_quantity=100, ask_price=10_001,
                ask_quantity=100, last_price=10_000, volume=count, exchange_ns=0,
                first_sequence=count, last_sequence=count,
            )  # fmt: skip
            self._sent.append(time.monotonic_ns())
            self._swarm.send(Published(topic="market/AAPL/every_quote", message=tick))
            due_s += period_s
            wait_s = due_s - time.monotonic()
            await asyncio.sleep(max(wait_s, 0))
        await asyncio.sleep(1.0)
        self._results.put((len(self._sent), self._took))
        self._swarm.close()
        server.close()


def _day() -> datetime.date:
    return load_config("opening_bell").scenario.session.first_day


def _stub(path: str, seconds: float, results: Results) -> None:
    async def serve_one() -> None:
        await StubVenue(seconds, results).run(Path(path))

    run_loop(serve_one())


async def _swarm(
    folder: Path, durability: Durability, seconds: float, spin_ns: int
) -> dict[str, float]:
    venue = SocketVenue(folder / "venue.sock")
    await venue.open("bench", 1)
    swarm = Swarm(version=1, name="bench", swarm=(), agents={})
    config = Config(scenario=load_config("opening_bell").scenario, swarm=swarm)
    terms = SwarmTerms(
        name="bench", run="bench", epoch=1, seed=1, durability=durability, spin_ns=spin_ns
    )
    keys = keys_in(folder)
    record = SwarmRecord(folder, "bench", terms.durability, HeadKey(keys.audit))

    def echo(floor: Floor) -> Echo:
        return Echo(floor.risk)

    live = LiveSwarm(config, terms, venue, keys, record, {AGENT: echo})
    live.recover()
    memory = [_resident_mib()]
    task = asyncio.create_task(live.run())
    began_ns = time.thread_time_ns()
    end_s = time.monotonic() + seconds + 3.0
    while time.monotonic() < end_s and not task.done():
        await asyncio.sleep(min(_LOOK_S, seconds))
        memory.append(_resident_mib())
    live.kernel.stop("measured")
    await task
    live.close()
    figures, told = live.stages.figures(), live.kernel.statistics()
    durable = live.journal_statistics().to_durable
    return {
        "tick to order p50 us": figures.p50_s * 1e6, "p99 us": figures.p99_s * 1e6,
        "limit p50 us": LIMITS_US["p50"], "limit p99 us": LIMITS_US["p99"],
        "orders": figures.count,
        "CPU us an order": (time.thread_time_ns() - began_ns) / 1e3 / max(figures.count, 1),
        "stalls over 50 ms": told.stalls,
        "longest stall ms": told.longest_stall_ns / 1e6, "memory MiB": memory[-1],
        "durable p50 ms": durable.p50_ns / 1e6, "durable p99 ms": durable.p99_ns / 1e6,
        "slope MiB/h": _slope(memory) * 3_600 / _LOOK_S, "failures": told.failures,
    }  # fmt: skip


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _slope(memory: list[float]) -> float:
    """Return the growth from one look to the next, by least squares, after a third as warm-up."""
    steady = memory[len(memory) // 3 :]
    return statistics.linear_regression(range(len(steady)), steady).slope


def measure(durability: Durability, seconds: float, spin_ns: int = 0) -> dict[str, object]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o700)
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        stub = context.Process(target=_stub, args=(str(folder / "venue.sock"), seconds, results))
        stub.start()
        while not (folder / "venue.sock").exists():
            time.sleep(0.05)
        inside = run_loop(_swarm(folder, durability, seconds, spin_ns))
        sent, took = results.get(timeout=30)
        stub.join(10)
    ordered = sorted(took)
    return {
        "durability": durability, "spin ms": spin_ns / 1e6, "event loop": loop_name(),
        "ticks": sent, "answered": len(took), **inside,
        "round trip p50 us": ordered[len(ordered) // 2] / 1e3,
        "round trip p99 us": ordered[len(ordered) * 99 // 100] / 1e3,
    }  # fmt: skip


def main() -> int:
    """Print and keep the figures of both ways of keeping the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    rows = [measure("write", seconds), measure("sync", seconds), measure("write", seconds, SPIN_NS)]
    report("live_orders", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
