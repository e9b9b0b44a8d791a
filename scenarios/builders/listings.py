"""A world's list of options as it goes on: strikes and expiries that come onto it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from agents.crowd.option_growth import GrowingTable
from agents.crowd.option_table import Expiries
from environment.errors import ConfigError
from environment.feeds.listing import last_trading_day
from environment.feeds.listing_rule import ListingRule, expiries_to_add, series_to_add
from environment.instruments import Instrument
from environment.market import layout as at, option_rows
from environment.market.calendar import TradingCalendar
from environment.market.series_terms import list_series
from scenarios.builders.options import last_trading_ns
from scenarios.builders.surface import YEAR_NS, Floats, ListedOptions
from scenarios.config.market import Chain
from scenarios.config.world import OptionUser

if TYPE_CHECKING:
    from scenarios.builders.world import World

_RIGHTS: Final = 2
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Series that came onto a list at once, and how many wanted ones had no room."""

    time_ns: int
    underlying: str
    symbols: tuple[str, ...]
    left_out: int


class Listings:
    """What is added to the lists of a world's options.

    It remembers nothing but what it has done: which series there are stands in the world, so that
    a run that goes on from a snapshot lists the same.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self.done: list[Listing] = []

    @cached_property
    def _calendar(self) -> TradingCalendar:
        """The calendar, which takes longer to make than many a world."""
        return TradingCalendar(self._world.config.scenario.session.calendar)

    def stocks(self) -> tuple[int, ...]:
        """Return the numbers of the stocks whose lists may grow."""
        return tuple(sorted({one.stock for one in self._world.options.reserve}))

    def prices(self, stock: int) -> tuple[int, int]:
        """Return a stock's last price of the day and the close before, in ticks; 0 is none."""
        row = self._world.market.section(at.S_INSTRUMENT)[stock]
        return int(row[at.I_LAST]), int(row[at.I_LAST_CLOSE])

    def open_morning(self, session: date, at_ns: int) -> None:
        """Let every list go on before a day that is not the run's first one."""
        self._end_those_due()
        for stock in self.stocks():
            opened = expiries_to_add(
                session, self._expiries(stock), self._rule(stock),
                is_session=self._calendar.is_session,
            )  # fmt: skip
            self._extend(stock, self.prices(stock)[1], opened, session, at_ns)

    def look(self, stock: int, session: date, now_ns: int) -> None:
        """Let a list go on in the day, as its stock has moved."""
        self._extend(stock, self.prices(stock)[0], (), session, now_ns + 1)

    def carry(self, series: Iterable[Instrument], at_ns: int) -> None:
        """List what the market before this one had on its lists, whatever the rule says of it.

        Raises
        ------
        ConfigError
            If there are more than the rows kept for them, or no stock for one.
        """
        world = self._world
        known = {one.symbol for one in world.series.values()}
        new = [one for one in series if one.symbol not in known]
        for stock in self.stocks():
            symbol = world.instruments[stock].symbol
            mine = tuple(one for one in new if one.underlying == symbol)
            if mine:
                self._place(stock, mine, self.prices(stock)[1], at_ns)
        listed = {one.symbol for one in world.series.values()}
        for one in new:
            if one.symbol not in listed:
                raise ConfigError(
                    f"instruments: {one.symbol} is held, and cannot be listed; give"
                    f" {one.underlying} options with a larger listing.room"
                )

    # --- one list --------------------------------------------------------------------------------

    def _chain(self, stock: int) -> Chain:
        chain = self._world.config.scenario.instruments[stock].options
        assert chain is not None, "only a stock with options has a list"
        return chain

    def _rule(self, stock: int) -> ListingRule:
        told = self._chain(stock).listing
        return ListingRule(
            strikes=told.strikes, band=told.band, weeklies=told.weeklies, monthlies=told.monthlies
        )

    def _listed(self, stock: int) -> dict[int, Instrument]:
        """Return the series of a stock that are on the list, by number."""
        numbers = option_rows.series_of(self._world.market, stock)
        return {number: self._world.series[number] for number in numbers}

    def _expiries(self, stock: int) -> list[date]:
        return [one.expiry for one in self._listed(stock).values() if one.expiry is not None]

    def _extend(
        self, stock: int, price_ticks: int, opened: Iterable[date], session: date, at_ns: int
    ) -> None:
        """List what is missing around a price, as far as there is room."""
        world, chain = self._world, self._chain(stock)
        instrument = world.instruments[stock]
        if not price_ticks:
            return
        strikes: dict[date, set[int]] = {}
        for one in self._listed(stock).values():
            # Nothing is added to what expires today.
            if one.expiry is not None and last_trading_day(one.expiry) > session:
                strikes.setdefault(one.expiry, set()).add(one.strike_micros or 0)
        wanted = series_to_add(
            instrument.symbol, price_ticks * instrument.tick_micros, strikes, tuple(opened),
            self._rule(stock), tick_rule=chain.tick_rule,
            taken={one.symbol for one in world.series.values()},
        )  # fmt: skip
        self._list(stock, wanted, price_ticks, at_ns)

    def _list(
        self, stock: int, wanted: tuple[Instrument, ...], price_ticks: int, at_ns: int
    ) -> None:
        # A call comes with its put.
        room = len(self._free(stock)) // _RIGHTS * _RIGHTS
        chosen = self._place(stock, wanted[:room], price_ticks, at_ns)
        if wanted:
            self.done.append(
                Listing(
                    time_ns=at_ns, underlying=self._world.instruments[stock].symbol,
                    symbols=tuple(one.symbol for one in chosen),
                    left_out=len(wanted) - len(chosen),
                )
            )  # fmt: skip

    def _free(self, stock: int) -> list[int]:
        rows = [one.number for one in self._world.options.reserve if one.stock == stock]
        return [number for number in rows if number not in self._world.series]

    def _place(
        self, stock: int, chosen: tuple[Instrument, ...], price_ticks: int, at_ns: int
    ) -> tuple[Instrument, ...]:
        """Put series into the rows that are free, as far as these go; return them."""
        world, free = self._world, self._free(stock)
        chosen = chosen[: len(free)]
        chain = next((one for one in world.chains if one.stock == stock), None)
        if chain is not None:
            chosen = self._quoted(chain, chosen)
        # In order of expiry, as dealers look at an expiry's series together.
        chosen = tuple(sorted(chosen, key=lambda one: (one.expiry, one.strike_micros, one.right)))
        if chosen:
            made = dict(zip(free, chosen, strict=False))
            for number, one in made.items():
                list_series(
                    world.market, number, one, at_ns=at_ns,
                    last_trading_ns=last_trading_ns(one, world.sessions, self._calendar),
                )  # fmt: skip
            world.exchange.rename(made)
            if chain is not None:
                self._tell_crowd(chain, free[0], chosen, price_ticks, at_ns)
        return chosen

    # --- the crowd -------------------------------------------------------------------------------

    def _table(self, chain: ListedOptions) -> GrowingTable:
        world = self._world
        picks = {
            name: (crowd.role, crowd.right)
            for name, crowd in world.config.scenario.crowds.items()
            if isinstance(crowd, OptionUser)
        }
        return GrowingTable(
            world.market, world.crowd, world.valuation(chain).table, chain.floats,
            count=chain.rows, picks=picks,
        )  # fmt: skip

    def _quoted(
        self, chain: ListedOptions, wanted: tuple[Instrument, ...]
    ) -> tuple[Instrument, ...]:  # fmt: skip
        """Return those whose expiries the crowd's table has rows for."""
        table, kept = self._table(chain), list[Instrument]()
        valuation = self._world.valuation(chain)
        by_expiry = groupby(sorted(wanted, key=_expiry_of), key=_expiry_of)
        known = list[Instrument]()
        for _, series in by_expiry:
            some = list(series)
            if table.has_room_for(valuation.table_of((*known, some[0]))):
                known.append(some[0])
                kept += some
        return tuple(kept)

    def _tell_crowd(
        self, chain: ListedOptions, first: int, chosen: tuple[Instrument, ...], price_ticks: int,
        at_ns: int,
    ) -> None:  # fmt: skip
        world = self._world
        listed = [world.series[number] for number in range(chain.first, first + len(chosen))]
        ends = [chain.ends_ns(_expiry_of(one).toordinal()) for one in chosen]
        self._table(chain).add(
            first - chain.first, world.valuation(chain).table_of(chosen), listed,
            price_ticks * world.instruments[chain.stock].tick_micros / 1e6,
            np.maximum((np.array(ends) - at_ns) / YEAR_NS, _SECOND_NS / YEAR_NS),
        )  # fmt: skip

    def _end_those_due(self) -> None:
        """Let series stop on a day that was beyond the days known when they were listed."""
        world = self._world
        for number, one in world.series.items():
            row = world.market.section(at.S_INSTRUMENT)[number]
            if not row[at.I_RETIRED] and not row[at.I_LAST_TRADING_NS]:
                row[at.I_LAST_TRADING_NS] = last_trading_ns(one, world.sessions, self._calendar)


def _expiry_of(series: Instrument) -> date:
    assert series.expiry is not None, f"{series.symbol} is no option"
    return series.expiry


def grown(chain: ListedOptions, series: dict[int, Instrument]) -> ListedOptions:
    """Return a stock's options with all that was listed during a run, behind the first ones.

    Their terms are those at the time; what was adjusted since stands with its first terms.
    """
    start = chain.first + len(chain.table.series)
    later = tuple(
        series[number] for number in range(start, start + chain.room.series) if number in series
    )
    if not later:
        return chain
    made, table = chain.table_of(later), chain.table
    old, more = table.expiries, made.expiries
    days = tuple(dict.fromkeys((*old.days, *more.days)))
    places = np.array([days.index(day) for day in more.days])
    new = [k for k, day in enumerate(more.days) if day not in old.days]
    expiries = Expiries(
        days=days, years=_joined(old.years, more.years[new]),
        carry=_joined(old.carry, more.carry[new]), rate=_joined(old.rate, more.rate[new]),
        dividends=_joined(old.dividends, more.dividends[new]),
    )  # fmt: skip
    both = replace(
        table, series=(*table.series, *later), expiries=expiries,
        expiry=np.concatenate([table.expiry, places[made.expiry]]),
        sigma=_joined(table.sigma, made.sigma), smile=_joined(table.smile, made.smile),
        volume=_joined(table.volume, made.volume),
        open_interest=_joined(table.open_interest, made.open_interest),
    )  # fmt: skip
    return replace(chain, table=both)


def _joined(one: Floats, other: Floats) -> Floats:
    return np.concatenate([one, other])


__all__ = ["Listing", "Listings", "grown"]
