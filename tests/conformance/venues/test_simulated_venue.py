"""The simulated venue behind its real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brokers.socket_venue import SocketVenue
from environment.instruments import Instrument
from environment.market import layout as at
from environment.messages import Leg
from scenarios.config.load import load_config
from scenarios.live.venue_market import file_of
from scenarios.live.venue_process import VenueRun
from tests.conformance.venues.small_world import load_world, seal_of, terms, write_option_world
from tests.conformance.venues.suite import Bench, OptionConformance, VenueConformance


@contextlib.asynccontextmanager
async def serving(run: VenueRun) -> AsyncIterator[VenueRun]:
    """Run a venue in this event loop, beside the test."""
    task = asyncio.create_task(run.run())
    await asyncio.wait_for(run.is_serving.wait(), 60)
    try:
        yield run
    finally:
        run.paced.stop()
        await task


def make_run(folder: Path, *, durable: bool = True) -> VenueRun:
    folder.chmod(0o700)
    return VenueRun(load_world(folder), terms(), folder, durable=durable)


def make_option_run(folder: Path) -> VenueRun:
    folder.chmod(0o700)
    return VenueRun(load_config(write_option_world(folder)), terms(), folder, durable=True)


class TestSimulatedVenue(VenueConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @contextlib.asynccontextmanager
    async def open_bench(self) -> AsyncIterator[Bench]:
        async with serving(make_run(self.folder)) as run:
            last = run.market.prices()["AAPL"]
            yield Bench(
                SocketVenue(file_of(self.folder)), "AAPL", far_price=last - 200,
                through_price=last + 300, seal=seal_of(self.folder),
            )  # fmt: skip


class TestSimulatedOptions(OptionConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @contextlib.asynccontextmanager
    async def open_bench(self) -> AsyncIterator[Bench]:
        async with serving(make_option_run(self.folder)) as run:
            low, high = two_quoted(run)
            symbol = low.symbol
            ask = shown(run, symbol, at.I_SHOWN_ASK)
            legs = (
                Leg(instrument=symbol, side="buy"), Leg(instrument=high.symbol, side="sell")
            )  # fmt: skip
            net = ask - shown(run, high.symbol, at.I_SHOWN_BID)
            through = (ask + 44) // 5 * 5
            yield Bench(
                SocketVenue(file_of(self.folder)), symbol, far_price=5, through_price=through,
                seal=seal_of(self.folder), legs=legs, far_net=1, through_net=net + 60,
                underlying="AAPL",
            )  # fmt: skip


def two_quoted(run: VenueRun) -> tuple[Instrument, Instrument]:
    """Return two series that are quoted now, whatever they are."""
    series = list(run.market.world.series.values())
    series = [one for one in series if shown(run, one.symbol, at.I_SHOWN_ASK_QUANTITY) >= 4
              and shown(run, one.symbol, at.I_SHOWN_BID_QUANTITY) >= 4]  # fmt: skip
    return series[0], series[1]


def shown(run: VenueRun, symbol: str, word: int) -> int:
    """Return what the books show of an instrument."""
    world = run.market.world
    return int(world.market.section(at.S_INSTRUMENT)[world.numbers[symbol], word])
