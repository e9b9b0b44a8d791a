"""A venue's process killed at every step of a structure's life: whole units, each once, none lost.

The venue is the daemon's own process with a dozen series; the test is its only client.
"""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from brokers.socket_venue import SocketVenue
from brokers.venue import Published, VenueClosed
from environment.instruments import parse_occ
from environment.messages import Leg
from environment.option_messages import ChainRow, ChainUpdate
from environment.venue_messages import AccountReport, LegsFilled, VenueReport
from scenarios.live.venue_market import file_of
from tests.conformance.venues.small_world import seal_of, write_option_world
from tests.conformance.venues.suite import Bench
from tests.process.daemon import DYING, SWARM, Processes

pytestmark = pytest.mark.slow
LATER = date(2014, 7, 1)
UNITS, BETTER = 2, 60  # The net limit is so many cents above what the legs' quotes come to.
# Point, which report of that kind it is (the first is the acceptance), and what must be held then.
POINTS = [
    ("before_taken", 1, {0}), ("after_taken", 1, {0}), ("before_reported", 1, {0}),
    ("after_reported", 1, {0}), ("before_reported", 2, {0}), ("after_reported", 2, {UNITS}),
]  # fmt: skip


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    made.file.write_text(SWARM.format(world=write_option_world(tmp_path), metrics=made.metrics))
    try:
        yield made
    finally:
        made.close()


async def connect(processes: Processes, epoch: int) -> Bench:
    bench = Bench(
        SocketVenue(file_of(processes.folder)), "AAPL", 0, 0, seal_of(processes.folder),
        underlying="AAPL",
    )  # fmt: skip
    await bench.open(epoch)
    return bench


async def vertical(bench: Bench) -> tuple[tuple[Leg, ...], int]:
    """Return the legs of a spread that is quoted now, and a net price at which it trades.

    They outlive the night that lies between a venue's death and its next start.
    """

    def quoted(heard: Any) -> list[ChainRow]:
        if not isinstance(heard, Published) or not isinstance(heard.message, ChainUpdate):
            return []
        return [
            row for row in heard.message.rows
            if min(row.bid_quantity, row.ask_quantity) > UNITS
            and parse_occ(row.instrument).expiry > LATER
        ]  # fmt: skip

    bench.venue.listen("market/AAPL/chain")
    low, high = quoted(await bench.until(lambda heard: len(quoted(heard)) > 1))[:2]
    legs = (
        Leg(instrument=low.instrument, side="buy"),
        Leg(instrument=high.instrument, side="sell"),
    )
    return legs, low.ask_price - high.bid_price + BETTER


def held_of(fills: list[LegsFilled]) -> dict[str, int]:
    held: Counter[str] = Counter()
    for trade in fills:
        for fill in trade.fills:
            held[fill.instrument] += fill.quantity if fill.side == "buy" else -fill.quantity
    return dict(held)


async def account(bench: Bench) -> AccountReport:
    bench.venue.ask_reports(0)
    return await bench.account()


@pytest.mark.parametrize(("point", "nth", "units"), POINTS)
def test_a_killed_venue_holds_whole_units_once(
    processes: Processes, point: str, nth: int, units: set[int]
) -> None:
    processes.launch_part([*DYING, "venue", point, str(nth), str(processes.file)])
    dying = processes._parts[-1]

    async def until_it_dies() -> tuple[str, tuple[Leg, ...], int, list[Any]]:
        bench = await connect(processes, 1)
        legs, net = await vertical(bench)
        name = bench.trade_structure(legs, net, UNITS)
        await bench.until(lambda heard: isinstance(heard, VenueClosed))
        await bench.venue.close()
        return name, legs, net, bench.heard

    name, legs, net, heard = asyncio.run(until_it_dies())
    assert dying.wait(30) == -signal.SIGKILL
    processes.launch_part(
        [sys.executable, "-m", "scenarios.live.venue_process", str(processes.file)]
    )

    async def after() -> tuple[AccountReport, list[LegsFilled], AccountReport]:
        bench = await connect(processes, 2)
        found = await account(bench)
        reports = [one.event for one in bench.heard if isinstance(one, VenueReport)]
        if point != "before_taken":  # The same name once more: it was used.
            bench.trade_structure(legs, net, UNITS)
        again = await account(bench)
        await bench.venue.close()
        return found, [e for e in reports if isinstance(e, LegsFilled)], again

    found, fills, again = asyncio.run(after())
    low, high = (leg.instrument for leg in legs)
    positions = {symbol: lots for symbol, lots in found.positions.items() if lots}
    assert positions.get(low, 0) in units
    assert positions.get(high, 0) == -positions.get(low, 0)
    assert positions == held_of(fills)
    told = [one.event for one in heard if isinstance(one, VenueReport)]
    assert held_of([e for e in told if isinstance(e, LegsFilled)]).keys() <= positions.keys()
    assert found.orders == ()
    assert (again.positions, again.orders) == (found.positions, ())
    assert name
