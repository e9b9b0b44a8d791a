"""Options of a venue whose process is killed, and which comes back on a later day."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from brokers.socket_venue import SocketVenue
from environment.instruments import Instrument
from environment.messages import OrderFilled
from environment.venue_messages import PositionMoved, VenueReport
from scenarios.live.venue_market import file_of
from tests.conformance.venues.small_world import seal_of, write_option_world
from tests.conformance.venues.suite import Bench
from tests.process.daemon import SWARM, Processes

DAY, LATER = date(2014, 6, 6), date(2014, 6, 13)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    made.file.write_text(SWARM.format(world=write_option_world(tmp_path), metrics=made.metrics))
    made.folder.mkdir(parents=True, mode=0o700)
    try:
        yield made
    finally:
        made.close()


async def opened(processes: Processes, epoch: int) -> Bench:
    """Return a session with the venue, whose instrument is to be chosen."""
    bench = Bench(
        SocketVenue(file_of(processes.folder)), "", far_price=0, through_price=0,
        seal=seal_of(processes.folder),
    )  # fmt: skip
    await bench.open(epoch)
    return bench


async def buy(bench: Bench, series: Instrument) -> None:
    """Buy a contract, however much its offer has moved since its reference."""
    reference = bench.venue.welcome.reference_ticks[series.symbol]  # type: ignore[attr-defined]
    bench.symbol = series.symbol
    name = bench.buy((reference * 2 + 100) // 5 * 5, 1)
    await bench.event(OrderFilled, name)


@pytest.mark.slow
def test_a_killed_venue_settles_what_expired_and_lists_the_rest(processes: Processes) -> None:
    start = [sys.executable, "-m", "scenarios.live.venue_process", str(processes.file)]

    async def trade() -> tuple[int, Instrument, Instrument]:
        bench = await opened(processes, 1)
        series = [one for one in bench.venue.instruments() if one.kind == "option"]
        ending = next(one for one in series if one.expiry == DAY)
        staying = next(one for one in series if one.expiry == LATER)
        for one in (ending, staying):
            await buy(bench, one)
        held = await bench.account()
        assert held.positions == {ending.symbol: 1, staying.symbol: 1}
        await bench.venue.close()
        return held.sequence, ending, staying

    async def look(sequence: int, ending: Instrument, staying: Instrument) -> None:
        bench = await opened(processes, 2)
        assert bench.venue.hours().date == date(2014, 6, 9)
        positions = (await bench.account()).positions
        assert positions[staying.symbol] == 1
        assert ending.symbol not in positions
        assert staying in bench.venue.instruments()
        bench.venue.ask_reports(sequence)
        moved = await _until_statement(bench)
        assert {event.reason for event in moved} <= {"exercise", "expiry", "statement"}
        assert moved[0].instrument == ending.symbol
        assert abs(positions.get("AAPL", 0)) == (100 if moved[0].reason == "exercise" else 0)
        await bench.venue.close()

    processes.launch_part(start)
    sequence, ending, staying = asyncio.run(trade())
    processes._parts[-1].send_signal(signal.SIGKILL)
    processes._parts[-1].wait(30)
    processes.launch_part(start)
    asyncio.run(look(sequence, ending, staying))


async def _until_statement(bench: Bench) -> list[PositionMoved]:
    """Return the night's reports up to its last."""
    moved = list[PositionMoved]()

    def is_statement(heard: object) -> bool:
        event = getattr(heard, "event", None)
        if isinstance(heard, VenueReport) and isinstance(event, PositionMoved):
            moved.append(event)
        return bool(moved) and moved[-1].reason == "statement"

    await bench.until(is_statement)
    return moved
