"""The simulated venue behind its real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brokers.socket_venue import SocketVenue
from scenarios.venue_market import file_of
from scenarios.venue_process import VenueRun
from tests.conformance.venues.small_world import load_world, seal_of, terms
from tests.conformance.venues.suite import Bench, VenueConformance


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
