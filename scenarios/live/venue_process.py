"""The simulated venue as a process: `python -m scenarios.live.venue_process SWARM_FILE`.

It says how far it is on standard output, a JSON object a line, and then that it is ready; who
started it may go away after that. What it has to say later goes into its log file.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from brokers.paced_kernel import PacedKernel
from brokers.venue import VenueClock
from brokers.venue_book import VenueBook
from brokers.venue_log import LOG, Kept, NoLog, VenueLog, read_log
from brokers.venue_server import VenueServer
from environment.authority import keys_in
from environment.errors import ConfigError, OperatingError
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import Config, load_config, load_swarm
from scenarios.config.swarm import Venue
from scenarios.live.event_loop import run_loop
from scenarios.live.state_folder import state_folder
from scenarios.live.venue_market import VenueMarket, VenueTerms, file_of

_MARK_EVERY_S: Final = 2.0


class VenueRun:
    """One venue from start to stop, on the running event loop."""

    def __init__(self, world: Config, terms: VenueTerms, folder: Path, *, durable: bool) -> None:
        fresh = Kept(world=terms.world, book=VenueBook())
        kept = (read_log(folder / LOG) if durable else None) or fresh
        if kept.world != terms.world:
            raise ConfigError(
                f"{folder / LOG}: belongs to the world {kept.world!r}, and venue.world is "
                f"{terms.world!r}; give the swarm another name, or remove the file"
            )
        wall_ns = time.time_ns()
        self._server: VenueServer | None = None
        self.is_serving = asyncio.Event()
        self.market = VenueMarket(world, terms, kept, wall_ns, self._hear, keys_in(folder).gate())
        self._folder, self._pace = folder, terms.pace
        begin_ns = self.market.open_first(wall_ns, lambda share: say(warm_up=round(share, 3)))
        self._log = VenueLog(folder / LOG, self.market.kept) if durable else NoLog()
        self._clock = self._clock_at(begin_ns)
        self.paced = PacedKernel(self.market.world.kernel, self._market_now)
        self._server = VenueServer(
            self.market.venue, self.paced, self._log, self.market.kept, self._welcome
        )
        self._server.cash_micros = self.market.cash_micros
        self._server.on_stop = lambda _: self.paced.stop()

    def _market_now(self) -> int:
        return self._clock.now_ns(time.monotonic_ns())

    def _clock_at(self, market_ns: int) -> VenueClock:
        steady_ns = time.monotonic_ns()
        if self.market.terms.hours != "always":
            market_ns = time.time_ns()
        date = self.market.world.sessions[self.market.day].date
        return VenueClock(market_ns=market_ns, steady_ns=steady_ns, pace=self._pace, date=date)

    def _hear(self, address: str, message: Any) -> None:  # noqa: ANN401  the door's outlet
        if self._server is not None:
            self._server.hear(address, message)

    def _welcome(self, session: int, sequence: int) -> Any:  # noqa: ANN401  brokers.wire.Welcome
        assert self._server is not None, "nobody is welcomed before the server stands"
        return self.market.welcome(session, sequence, self._clock, self._server.revoked)

    async def run(self) -> None:
        """Serve until stopped."""
        assert self._server is not None, "the constructor makes the server"
        listening = await self._server.serve(file_of(self._folder))
        self._log.write(self.market.mark())  # Closes of a night to come, before anything is held.
        marks = asyncio.create_task(self._mark())
        self.is_serving.set()
        say(ready=True)
        try:
            while not self.paced.is_stopped:
                end_ns = self.market.world.sessions[self.market.day].end_ns
                await self.paced.run_until(end_ns, self._pace)
                if not self.paced.is_stopped:
                    self._clock = self._clock_at(self.market.open_next())
                    self._server.publish_clock(self._clock)
        finally:
            marks.cancel()
            self._log.write(self.market.mark())
            self._server.close("the venue stops")
            listening.close()

    async def _mark(self) -> None:
        """Write time and prices down now and then, and have it all reach the disk."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_MARK_EVERY_S)
            self._log.write(self.market.mark())
            await loop.run_in_executor(None, self._log.sync)


def say(**what: object) -> None:
    """Tell whoever started this process how far it is; nobody may listen any more."""
    try:
        sys.stdout.write(f"{json.dumps(what)}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        pass


def terms_of(venue: Venue) -> VenueTerms:
    """Return what a swarm file's [venue] says, as far as it is built."""
    return VenueTerms(
        world=venue.world or "", pace=venue.pace, hours=venue.hours, warm_up_ns=int(venue.warm_up)
    )


def load_world(terms: VenueTerms) -> Config:
    """Return the scenario that is the venue's world."""
    return load_config(terms.world)


async def _main(file: Path) -> None:
    swarm = load_swarm(file)
    assert swarm.venue is not None, "whoever starts this has read the file"
    terms = terms_of(swarm.venue)
    folder = state_folder(swarm.name)
    say(compile=True)
    compile_all()
    say(build=True)
    run = VenueRun(load_world(terms), terms, folder, durable=True)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, run.paced.stop)
    await run.run()


def main() -> int:
    """Run the venue of a swarm file; a mistake is one line, for whoever started this."""
    try:
        run_loop(_main(Path(sys.argv[1])))
    except (ConfigError, OperatingError) as error:
        say(error=str(error))
        sys.stderr.write(f"venue: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
