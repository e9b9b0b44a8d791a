"""The simulated venue's market: built, restored, warmed up, and carried from day to day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from brokers.simulated import SimulatedVenue, VenueState
from brokers.venue import SIMULATED, SIMULATED_OPTIONS, Hours, VenueClock
from brokers.venue_book import BookedOrder
from brokers.venue_log import Kept, Marked
from brokers.venue_server import DOOR, Door
from brokers.wire import Welcome
from environment.actors import ActorRef
from environment.actors.ports import NoRecorder
from environment.authority import VenueGate
from environment.market import layout as at, option_rows
from environment.market.exchange import ADDRESS as EXCHANGE
from environment.messages import OrderCancelled
from scenarios.builders.clearing import open_list
from scenarios.builders.floor import SWARM_ACCOUNT, VENUE
from scenarios.builders.world import World, build
from scenarios.config.load import Config
from scenarios.live.market import (
    after_the_first_day,
    live_config,
    more_sessions,
    with_list_room,
)
from scenarios.live.nights_between import clear_nights, held_series
from scenarios.protocol import PROTOCOL
from scenarios.run.night import Night

RESTARTED = "venue_restarted"
ROOM = 300  # Series that a venue may list besides, as it runs for many days.


class VenueTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the swarm file says of the venue."""

    world: str
    pace: float
    hours: str
    warm_up_ns: int


class VenueMarket:
    """The exchange, its crowd and the swarm's account, in one kernel.

    Parameters
    ----------
    kept
        What the venue knew before a restart; its working orders are reported cancelled here.
    outlet
        Takes what the venue says to the swarm: a topic or the door's address, and the message.
    """

    def __init__(
        self, world: Config, terms: VenueTerms, kept: Kept, wall_ns: int,
        outlet: Callable[[str, Any], None], gate: VenueGate,
    ) -> None:  # fmt: skip
        self.terms = terms
        config = live_config(world, terms.hours, wall_ns, kept.market_ns, kept.prices)
        first = config.scenario.session.first_day
        self.kept = clear_nights(_restarted(kept), config, first)
        if self.kept.prices != kept.prices:  # A night may change what a share is.
            prices = self.kept.prices
            config = live_config(world, terms.hours, wall_ns, kept.market_ns, prices)
        held = held_series(self.kept, config)
        config = with_list_room(config, ROOM + len(held))
        self._made: list[SimulatedVenue] = []
        state = VenueState(book=self.kept.book, session=self.kept.session)

        def make_venue(_: object) -> SimulatedVenue:
            venue = SimulatedVenue(
                ActorRef(EXCHANGE), ActorRef(DOOR), SWARM_ACCOUNT, gate, ActorRef(DOOR), state
            )
            self._made.append(venue)
            return venue

        symbols = tuple(one.symbol for one in config.scenario.instruments)
        agents: dict[str, Any] = {VENUE: make_venue, DOOR: lambda _: Door(outlet, symbols)}
        self.world: World = build(config, NoRecorder(), lambda _: None, PROTOCOL, agents=agents)
        self._night = Night(self.world)
        self.day = 0
        open_list(self.world)
        self.world.listings.carry(held, self.world.sessions[0].start_ns)
        self._restore_account()

    @property
    def venue(self) -> SimulatedVenue:
        """The venue's actor as it is now."""
        return self._made[-1]

    # --- time ------------------------------------------------------------------------------------

    def open_first(self, wall_ns: int, on_progress: Callable[[float], None]) -> int:
        """Open the first day, run its history, and return the market's time from which to go on.

        Always hours: `warm_up` after the open. By a calendar: now, if the day has begun by now.
        """
        session = self.world.sessions[0]
        self.world.start_day(0)
        if self.kept.market_ns:  # Its lists go on from those of the days before.
            self.world.listings.open_morning(session.date, session.start_ns)
        end_ns = session.open_ns + self.terms.warm_up_ns
        if self.terms.hours != "always":
            end_ns = max(wall_ns, session.start_ns)
        end_ns = min(end_ns, session.close_ns)
        now_ns, kernel = session.start_ns, self.world.kernel
        while now_ns < end_ns:
            now_ns = min(now_ns + 10_000_000_000, end_ns)
            kernel.run_until(now_ns)
            on_progress((now_ns - session.start_ns) / (end_ns - session.start_ns))
        return end_ns

    def open_next(self) -> int:
        """Clear the day that ended, open the next, and return its first time to go on from.

        In always hours that is its opening auction: there is nothing to wait for before it.
        """
        world = self.world
        self._night.clear(self.day)
        self.day += 1
        if self.day == len(world.sessions):
            world.sessions += more_sessions(world.config, world.sessions[-1])
        world.config = after_the_first_day(world.config, self.prices())
        world.start_day(self.day)
        session = world.sessions[self.day]
        starts = {start.phase: start.time_ns for start in session.phases}
        if self.terms.hours != "always":
            return session.start_ns
        begin_ns = starts.get("opening_auction", session.open_ns)
        world.kernel.run_until(begin_ns)
        return begin_ns

    # --- what is told ----------------------------------------------------------------------------

    def prices(self) -> dict[str, int]:
        """Return each instrument's last price, in ticks."""
        rows = self.world.market.section(at.S_INSTRUMENT)
        return {
            symbol: int(rows[number, at.I_LAST] or rows[number, at.I_LAST_CLOSE])
            for symbol, number in self.world.numbers.items()
        }

    def cash_micros(self) -> int:
        """Return the swarm's cash."""
        account = self.world.floor.accounts[SWARM_ACCOUNT]
        return int(self.world.market.section(at.S_ACCOUNT)[account, at.A_CASH])

    def mark(self) -> Marked:
        """Return the market's time and prices, and what the account's options are, to be kept."""
        held = self.venue.state.book.positions
        series = tuple(one for one in self.world.series.values() if held.get(one.symbol))
        return Marked(self.world.kernel.now_ns(), self.prices(), series)

    def welcome(self, session: int, sequence: int, clock: VenueClock, revoked: str) -> Welcome:
        """Return what a client is told first."""
        series = tuple(self.world.series.values())
        return Welcome(
            session=session, sequence=sequence,
            capabilities=SIMULATED_OPTIONS if series else SIMULATED,
            instruments=self.world.instruments + series,
            hours=self._hours(), clock=clock,
            reference_ticks={symbol: ticks for symbol, ticks in self.prices().items() if ticks},
            cash_micros=self.cash_micros(), revoked=revoked,
        )  # fmt: skip

    def _hours(self) -> Hours:
        session = self.world.sessions[self.day]
        return Hours(
            calendar=session.calendar, zone=session.zone, date=session.date,
            open_ns=session.open_ns, close_ns=session.close_ns,
        )  # fmt: skip

    # --- the account -----------------------------------------------------------------------------

    def _restore_account(self) -> None:
        """Give the swarm what it had: cash, shares and contracts as a gift out of the world's."""
        market, number = self.world.market, self.world.floor.accounts[SWARM_ACCOUNT]
        for symbol, lots in self.kept.book.positions.items():
            place = self.world.numbers.get(symbol)
            if lots and place is not None and place < len(self.world.instruments):
                market.give_shares(number, place, lots)
            elif lots and place is not None:
                option_rows.move_contracts(market, at.WORLD, number, place, lots)
        if self.kept.cash_micros is not None:
            accounts = market.section(at.S_ACCOUNT)
            change = self.kept.cash_micros - int(accounts[number, at.A_CASH])
            accounts[number, at.A_CASH] += change
            accounts[number, at.A_SETTLED] += change
            accounts[at.WORLD, at.A_CASH] -= change


def _restarted(kept: Kept) -> Kept:
    """Return what is kept once every order that worked is reported cancelled, with the reason."""
    working: list[BookedOrder] = list(kept.book.working.values())
    for order in working:
        cancelled = OrderCancelled(
            order_id=order.client_order_id, instrument=order.instrument,
            quantity=order.quantity - order.filled, reason=RESTARTED, exchange_ns=kept.market_ns,
        )  # fmt: skip
        kept.book.report(cancelled)
    return kept


def file_of(folder: Path) -> Path:
    """Return where the venue's socket is, in a state folder."""
    return folder / "venue.sock"
