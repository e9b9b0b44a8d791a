"""The market of a daemon: a scenario's world that goes on day after day, from where it was left."""

import datetime
from decimal import Decimal
from typing import Final

import msgspec

from environment.errors import ConfigError
from environment.feeds.listed import read_listed
from environment.feeds.listing import last_trading_day
from environment.market.calendar import Session, TradingCalendar
from scenarios.builders.chain_days import actions_since, can_be_followed
from scenarios.builders.day import sessions_of
from scenarios.config import market as told
from scenarios.config.load import Config
from scenarios.config.types import Price
from scenarios.config.world import OptionDealer, OptionUser

_DAYS_AHEAD: Final = 120  # Calendar days whose sessions are known in advance.
_VOLATILITY: Final = 0.25  # Per year: of a stock whose recorded day is over.


def live_config(
    world: Config, hours: str, wall_ns: int, market_ns: int, prices: dict[str, int]
) -> Config:
    """Return a world's configuration for a daemon.

    The swarm is another process, so it has none of its own; nor does anybody answer for people.
    With `hours` "always" the first day is the scenario's; by a calendar it is the first one there
    that is not over at `wall_ns`. A market that ran before goes on the day after `market_ns`, at
    `prices` in ticks. A recorded day is over then: prices go on as a Heston path from there. Of a
    quoted chain of that day what still trades is listed, as a split or special dividend since has
    adjusted it, and valued by its smiles. Where nothing of it does, or a split left odd contracts,
    options are listed by rule, with nobody to quote them.

    Raises
    ------
    ConfigError
        For a world that cannot go on: a recording.
    """
    scenario = world.scenario
    if scenario.recording is not None:
        raise ConfigError("venue.world: a recording cannot be traded in; choose one with crowds")
    calendar, first = scenario.session.calendar, scenario.session.first_day
    if hours != "always":
        calendar, first = hours, _next_day(hours, wall_ns, is_over=True)
        if not prices and any(isinstance(item.price, told.Bars) for item in scenario.instruments):
            raise ConfigError(
                "venue.hours: the prices of a recorded day cannot be those of another date; "
                'use hours = "always", or a world with another kind of price'
            )
    elif market_ns:
        first = _next_day(calendar, market_ns)
    session = msgspec.structs.replace(
        scenario.session, calendar=calendar, date=None, until=None,
        dates=(first, first + datetime.timedelta(days=_DAYS_AHEAD)),
    )  # fmt: skip
    instruments, crowds = scenario.instruments, scenario.crowds
    if prices:
        instruments = tuple(_from_price(item, prices.get(item.symbol)) for item in instruments)
    if first != scenario.session.first_day:
        instruments = tuple(_on_later_day(world, item, first) for item in instruments)
        if any(_is_by_rule(item) for item in instruments):
            crowds = {
                name: crowd for name, crowd in crowds.items()
                if not isinstance(crowd, OptionDealer | OptionUser)
            }  # fmt: skip
    scenario = msgspec.structs.replace(
        scenario, swarm=None, approver=None, compare=None, session=session,
        instruments=instruments, crowds=crowds,
    )  # fmt: skip
    return Config(scenario=scenario, scenario_file=world.scenario_file)


def after_the_first_day(config: Config, prices: dict[str, int]) -> Config:
    """Return the configuration with paths that need no recorded day."""
    instruments = tuple(
        _from_price(item, prices.get(item.symbol)) if isinstance(item.price, told.Bars) else item
        for item in config.scenario.instruments
    )
    scenario = msgspec.structs.replace(config.scenario, instruments=instruments)
    return msgspec.structs.replace(config, scenario=scenario)


def more_sessions(config: Config, last: Session) -> tuple[Session, ...]:
    """Return the days that follow on the last one known."""
    first = last.date + datetime.timedelta(days=1)
    asked = msgspec.structs.replace(
        config.scenario.session,
        dates=(first, first + datetime.timedelta(days=_DAYS_AHEAD)),
    )
    scenario = msgspec.structs.replace(config.scenario, session=asked)
    return sessions_of(scenario, TradingCalendar(asked.calendar))


def _from_price(instrument: told.Instrument, ticks: int | None) -> told.Instrument:
    if not ticks:
        return instrument
    start = Price(Decimal(ticks) * Decimal(instrument.tick))
    price: told.FundamentalPrice
    if isinstance(instrument.price, told.Correlated):
        price = msgspec.structs.replace(instrument.price, start=start)
    else:
        price = told.Heston(start=start, volatility=_VOLATILITY, long_run_volatility=_VOLATILITY)
    return msgspec.structs.replace(instrument, price=price)


def _on_later_day(
    world: Config, instrument: told.Instrument, first: datetime.date
) -> told.Instrument:  # fmt: skip
    """Return a stock whose list goes on from its chain's day, if it can, else by rule."""
    chain = instrument.options
    if chain is None or chain.chain == told.BY_RULE:
        return instrument
    day = chain.date or world.scenario.session.first_day
    if _goes_on(world, instrument, day, first):
        later = msgspec.structs.replace(chain, date=day)
    else:
        later = msgspec.structs.replace(chain, chain=told.BY_RULE, date=None)
    return msgspec.structs.replace(instrument, options=later)


def _goes_on(
    world: Config, instrument: told.Instrument, day: datetime.date, first: datetime.date
) -> bool:
    """Return whether a chain has series that trade on a later day, in contracts like new ones."""
    chain = instrument.options
    assert chain is not None, "whoever asks has looked"
    calendar = TradingCalendar(world.scenario.session.calendar)
    if not can_be_followed(actions_since(world, instrument, day, first, calendar)):
        return False
    listed = read_listed(world.find(chain.chain), day)
    return any(last_trading_day(one.expiry) > first for one in listed)


def _is_by_rule(instrument: told.Instrument) -> bool:
    return instrument.options is not None and instrument.options.chain == told.BY_RULE


def with_list_room(config: Config, series: int) -> Config:
    """Return a configuration whose lists of options have rows for so many series more."""
    instruments = tuple(_with_list_room(one, series) for one in config.scenario.instruments)
    scenario = msgspec.structs.replace(config.scenario, instruments=instruments)
    return msgspec.structs.replace(config, scenario=scenario)


def _with_list_room(instrument: told.Instrument, series: int) -> told.Instrument:
    change, chain = msgspec.structs.replace, instrument.options
    if chain is None:
        return instrument
    listing = change(chain.listing, room=chain.listing.room + series)
    return change(instrument, options=change(chain, listing=listing))


def _next_day(calendar: str, after_ns: int, *, is_over: bool = False) -> datetime.date:
    """Return the first trading day that begins (or: ends) after a moment."""
    moment = datetime.datetime.fromtimestamp(after_ns / 1e9, datetime.UTC).date()
    sessions = TradingCalendar(calendar).sessions(
        moment - datetime.timedelta(days=1), moment + datetime.timedelta(days=14), auctions=()
    )
    return next(
        session.date
        for session in sessions
        if (session.end_ns if is_over else session.start_ns) > after_ns
    )
