"""The clearing house of a world, and the broker's office that keeps accounts to their margin."""

from typing import Any

import numpy as np

from agents.clearing.margin_watch import MarginLog, MarginWatch
from agents.clearing.office import Office
from agents.clearing.office_state import OfficeDay, OfficeSettings
from environment.actors import ActorRef
from environment.market.clearing_house import ClearingHouse, HouseDay, HouseSettings
from environment.market.exchange import ADDRESS as EXCHANGE
from environment.market.list_keeper import ListDay, ListKeeper, ListTerms
from environment.options.broker_books import BrokerBooks
from scenarios.builders.floor import SWARM_ACCOUNT, floor_accounts
from scenarios.builders.paths import SECOND_NS, clock_ns
from scenarios.builders.world import World
from scenarios.run.night_margin import margin_kinds

HOUSE, LIQUIDATION, WATCH = "clearing", "clearing/liquidation", "clearing/watch"
LIST_KEEPER = "exchange/list"
_WATCH_NS = 300 * SECOND_NS
_EXPIRY_CHECK = (15 * 60 + 30) * 60 * SECOND_NS  # After local midnight.
_BEFORE_CLOSE_NS = 30 * 60 * SECOND_NS  # On half days.


def open_house(world: World) -> None:
    """Put the clearing house's desk at its address; it knows who owns which account."""
    config, floor = world.config, world.floor
    settings = HouseSettings(
        days=tuple(
            HouseDay(session=day.date, start_ns=day.start_ns, cut_off_ns=day.end_ns)
            for day in world.sessions
        ),
        owners={
            name: account.owner for name, account in floor_accounts(config, floor.agents).items()
        },
        delegates={SWARM_ACCOUNT: config.scenario.account.exercised_by},
    )  # fmt: skip

    def make() -> ClearingHouse:
        house = ClearingHouse(settings)
        world.house.append(house)
        return house

    world.kernel.spawn(HOUSE, make)


def open_office(world: World) -> BrokerBooks:
    """Give the broker's books to the exchange, and staff its office where it could have work.

    A night leads to another day, or options expire: else nobody is ever called or bought in.
    """
    told, has_work = world.config.scenario.clearing, len(world.sessions) > 1 or _has_options(world)
    swarm = world.floor.accounts.get(SWARM_ACCOUNT)
    books = BrokerBooks(
        world.market, world.instruments, world.series, margin_kinds(world),
        gated=frozenset() if swarm is None else frozenset({swarm}),
        staff=frozenset({LIQUIDATION}) if has_work else frozenset(),
        volatility_shock=told.volatility_shock,
    )  # fmt: skip
    world.exchange.door.office = books
    world.market.judge = books.judge
    if has_work:
        exchange: ActorRef[Any] = world.kernel.reference(EXCHANGE)
        settings = OfficeSettings(
            days=_office_days(world), liquidates=told.liquidation,
            stocks=tuple(instrument.symbol for instrument in world.instruments),
        )  # fmt: skip
        world.kernel.spawn(LIQUIDATION, lambda: Office(exchange, settings, books.terms))
    return books


def open_watch(world: World, books: BrokerBooks) -> MarginLog:
    """Have the margin of accounts with options noted every five minutes of the sessions."""
    log = MarginLog()
    if not _has_options(world):
        return log
    moments = tuple(
        moment for day in world.sessions
        for moment in range(day.open_ns + _WATCH_NS, day.close_ns + 1, _WATCH_NS)
    )  # fmt: skip

    names = np.array([account.population for account in world.facts.accounts])

    def refused() -> dict[str, int]:
        by_account = books.refused()
        chosen = np.flatnonzero(by_account)
        found: dict[str, int] = {}
        for name, count in zip(names[chosen].tolist(), by_account[chosen].tolist(), strict=True):
            found[name] = found.get(name, 0) + count
        return found

    world.kernel.spawn(
        WATCH, lambda: MarginWatch(moments, books.look, names.tolist().__getitem__, refused, log)
    )  # fmt: skip
    return log


def open_list(world: World) -> None:
    """Have the lists of options go on in the day, where there is room for more series."""
    chains = [told.options for told in world.config.scenario.instruments]
    terms = tuple(
        ListTerms(stock=stock, move=chain.listing.move, every_ns=int(chain.listing.every))
        for stock in world.listings.stocks()
        if (chain := chains[stock]) is not None
    )

    def days() -> tuple[ListDay, ...]:
        return tuple(
            ListDay(session=day.date, open_ns=day.open_ns, close_ns=day.close_ns)
            for day in world.sessions
        )

    if terms:
        listings = world.listings
        world.kernel.spawn(
            LIST_KEEPER, lambda: ListKeeper(days, terms, listings.prices, listings.look)
        )


def _has_options(world: World) -> bool:
    return any(told.options is not None for told in world.config.scenario.instruments)


def _office_days(world: World) -> tuple[OfficeDay, ...]:
    """Return the sessions; on those that have series to end, with the time of the look at them."""
    return tuple(
        OfficeDay(
            session=day.date, open_ns=day.open_ns, close_ns=day.close_ns,
            expiry_check_ns=min(clock_ns(day, _EXPIRY_CHECK), day.close_ns - _BEFORE_CLOSE_NS)
            if _has_options(world) else 0,
        )
        for day in world.sessions
    )  # fmt: skip
