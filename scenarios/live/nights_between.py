"""The nights that a venue did not see: what its account held is cleared before the market opens.

A venue that stops before a night's clearing, and starts on a later day, owes its account that night
and those after it: exercise by exception, assignment, expiry, splits and dividends, interest. They
are cleared by the rules of every other night, over books in which the account stands against the
street: whoever has the other side of its contracts exercises as the background does. Closes are the
last prices that the venue wrote down.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from brokers.evening import reports_of
from brokers.venue_log import Kept
from environment.clearing_messages import EveningStatement
from environment.errors import ConfigError
from environment.instruments import MICROS, Instrument, make_equity, make_option, parse_occ
from environment.market import layout as at, option_rows
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_events import ClearingEvent, DividendPaid, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.market.clearing_options import OptionsClearing
from environment.market.clearing_steps import InterestTerms
from environment.market.exercise_rules import ExerciseTerms
from environment.market.market import Market
from environment.market.market_contracts import MarketContracts
from environment.venue_messages import PositionMoved
from scenarios.builders.curves import WorldCurves, world_curves
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.config.load import Config
from scenarios.run.night_notices import notices_of

_STREET_CASH: Final = 10**18
_PPM: Final = 1_000_000


def clear_nights(kept: Kept, config: Config, first: date) -> Kept:
    """Return what is kept once every night before `first` is cleared, all of it reported.

    Nights whose statement the account has been sent are over; what else the calendar has from the
    day that the venue saw last is cleared in turn. Instructions of that day are forgotten.
    """
    nights = _nights(kept, TradingCalendar(config.scenario.session.calendar), first)
    if not nights:
        return kept
    books = _Books(kept, config, nights[0])
    for session in nights:
        books.clear(session)
    return msgspec.structs.replace(
        kept, prices=books.prices, cash_micros=books.cash_micros(), series=books.held_series()
    )


def _nights(kept: Kept, calendar: TradingCalendar, first: date) -> list[date]:
    if not kept.market_ns:
        return []
    seen = datetime.fromtimestamp(kept.market_ns / 1e9, UTC).date()
    days = calendar.sessions(seen - timedelta(days=14), first, auctions=())
    begun = [day for day in days if day.start_ns <= kept.market_ns]
    told = [
        report.event.session for report in kept.book.reports
        if isinstance(report.event, PositionMoved) and report.event.reason == "statement"
    ]  # fmt: skip
    last = begun[-1].date if begun else first
    return [day.date for day in days
            if last <= day.date < first and day.date > max(told, default=date.min)]  # fmt: skip


def held_series(kept: Kept, config: Config) -> tuple[Instrument, ...]:
    """Return the terms of the options that an account holds."""
    found = (terms_of(symbol, kept, config)
             for symbol, lots in kept.book.positions.items() if lots)  # fmt: skip
    return tuple(one for one in found if one is not None)


def terms_of(symbol: str, kept: Kept, config: Config) -> Instrument | None:
    """Return what a symbol of the account's stands for; None for one that is no option.

    Terms that were not written down yet are those of every new series on its underlying.
    """
    known = next((one for one in kept.series if one.symbol == symbol), None)
    if known is not None or " " not in symbol:
        return known
    occ = parse_occ(symbol)
    chains = (one.options for one in config.scenario.instruments if one.symbol == occ.root)
    chain = next((one for one in chains if one is not None), None)
    whole, part = divmod(occ.strike_micros, MICROS)
    return make_option(
        occ.root, occ.expiry, occ.right, f"{whole}.{part:06d}",
        tick_rule="option_penny" if chain is None else chain.tick_rule,
    )  # fmt: skip


class _Books:
    """The account's books, and the street's, over the nights between two days."""

    def __init__(self, kept: Kept, config: Config, session: date) -> None:
        self._config, self._book = config, kept.book
        self._calendar = TradingCalendar(config.scenario.session.calendar)
        self._stocks = tuple(
            make_equity(told.symbol, tick=told.tick, lot=told.lot)
            for told in config.scenario.instruments
        )
        self._curves: WorldCurves = world_curves(config, session, self._calendar)
        self.prices = dict(kept.prices)
        market = Market(instruments=len(self._stocks), accounts=2)
        for stock in self._stocks:
            market.add_instrument(value_micros=stock.tick_value_micros)
        cash = kept.cash_micros
        self._account = market.add_account(
            cash_micros=int(config.scenario.account.cash) if cash is None else cash
        )
        self._street = market.add_account(cash_micros=_STREET_CASH)
        self._market, self._ledger = market, MarketLedger(market)
        self._series = self._give(kept)
        self._contracts = MarketContracts(market, self._series)
        options = OptionsClearing(
            self._contracts, self._stocks, lambda accounts: accounts == self._street,
            config.scenario.seed,
        )  # fmt: skip
        nothing = np.zeros(int(market.arena[at.H_ACCOUNTS]), np.int64)
        self._clearing = Clearing(
            self._stocks, self._calendar, options, lambda *_: (nothing, nothing)
        )

    def _give(self, kept: Kept) -> dict[int, Instrument]:
        """Give the account what it holds, contracts against the street; return the series.

        Raises
        ------
        ConfigError
            If the world has no such stock.
        """
        market, series = self._market, dict[int, Instrument]()
        places = {stock.symbol: n for n, stock in enumerate(self._stocks)}
        for symbol, lots in kept.book.positions.items():
            told = terms_of(symbol, kept, self._config) if lots else None
            if lots and symbol in places:
                market.give_shares(self._account, places[symbol], lots)
            elif told is not None and told.underlying in places:
                number = market.add_series(told, stock=places[told.underlying])
                series[number] = told
                row = market.section(at.S_INSTRUMENT)[number]
                row[at.I_LAST_CLOSE] = self.prices.get(symbol, 0)
                option_rows.move_contracts(market, self._street, self._account, number, lots)
            elif lots:
                raise ConfigError(
                    f"venue.world: the account holds {symbol}, and {kept.world} trades nothing of"
                    " it; put it back in, or give the swarm another name"
                )
        return series

    def cash_micros(self) -> int:
        """Return the account's cash."""
        return int(self._ledger.cash[self._account])

    def held_series(self) -> tuple[Instrument, ...]:
        """Return the terms of the options that the account holds now."""
        return tuple(self._series[number] for number in self._held())

    def clear(self, session: date) -> None:
        """Clear one night, and report to the account what it did."""
        marks = {stock.symbol: self.prices.get(stock.symbol, 0) for stock in self._stocks}
        events = self._clearing.run(self._ledger, session, marks, self._terms(session))
        for _, notice in notices_of(events, {self._account: SWARM_ACCOUNT}):
            self._report(notice)
        self._adjust(events)
        self._report(self._statement(session))

    def _report(self, notice: object) -> None:
        for event in reports_of(notice, self._book):  # type: ignore[arg-type]  # a night's notices
            self._book.report(event)

    def _terms(self, session: date) -> ClearingTerms:
        clearing, curves = self._config.scenario.clearing, self._curves
        return ClearingTerms(
            actions=curves.actions,
            interest=InterestTerms(
                credit_ppm=round(clearing.credit_rate * _PPM),
                debit_ppm=round(clearing.debit_rate * _PPM),
            ),
            exercise=ExerciseTerms(
                session=session, following=self._calendar.following(session),
                marks=self._contracts.marks(), twins=self._contracts.twins(),
                dividends={
                    n: curves.due_dividends(stock.symbol, session)
                    for n, stock in enumerate(self._stocks)
                },
                discount=lambda days: curves.discount_days(session, days),
            ),
        )  # fmt: skip

    def _adjust(self, events: Iterable[ClearingEvent]) -> None:
        """Let prices follow what holders were given."""
        for event in events:
            if isinstance(event, SplitApplied):
                self.prices[event.symbol] = event.mark_ticks
            elif isinstance(event, DividendPaid):
                stock = next(one for one in self._stocks if one.symbol == event.symbol)
                paid = round(event.micros_per_share / stock.tick_micros)
                self.prices[event.symbol] = max(self.prices[event.symbol] - paid, 1)

    def _held(self) -> dict[int, int]:
        """Return the account's contracts by series."""
        found = dict[int, int]()
        for number, owned in self._contracts.holdings().items():
            own = owned.contracts[owned.accounts == self._account]
            if own.any():
                found[number] = int(own[0])
        return found

    def _statement(self, session: date) -> EveningStatement:
        held = self._held()
        lots = {
            stock.symbol: int(self._ledger.position[self._account, n])
            for n, stock in enumerate(self._stocks)
        }
        lots |= {self._series[number].symbol: count for number, count in held.items()}
        return EveningStatement(
            account=SWARM_ACCOUNT, session=session, cash_micros=self.cash_micros(),
            positions={symbol: count for symbol, count in lots.items() if count},
            marks={stock.symbol: self.prices.get(stock.symbol, 0) for stock in self._stocks},
            listed=self.held_series(),
        )  # fmt: skip
