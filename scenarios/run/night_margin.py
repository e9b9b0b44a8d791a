"""What every account of a world must hold at the close."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument
from environment.market.clearing_books import Ledger
from environment.market.layout import FIRST_ACCOUNT
from environment.market.margin import equity_and_requirement
from environment.market.market_contracts import MarketContracts
from environment.options.margin import MarginKind
from environment.options.margin_accounts import AccountMargins
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.builders.world import World
from scenarios.config.world import OptionDealer

Ints = NDArray[np.int64]


class NightMargin:
    """Equity and maintenance requirement of every account, by the kind of each.

    The swarm's account is of the configured kind, option dealers' are margined as portfolios, and
    all others by Regulation T.
    """

    def __init__(self, world: World, contracts: MarketContracts | None) -> None:
        self._world, self._contracts = world, contracts
        self._kinds = margin_kinds(world)

    def __call__(
        self, ledger: Ledger, marks: Mapping[str, int], session: date
    ) -> tuple[Ints, Ints]:
        """Return (equity, requirement) of each account at the night's marks, micros."""
        world = self._world
        ticks = tuple(marks[instrument.symbol] for instrument in world.instruments)
        equity, required = equity_and_requirement(
            ledger.cash, ledger.position, world.instruments, ticks
        )
        if self._contracts is None and not self._kinds:
            return equity, required
        places, instruments = self._table()
        told = AccountMargins(
            instruments, self._vector(instruments, ticks), session.toordinal(),
            volatility_shock=world.config.scenario.clearing.volatility_shock,
        )  # fmt: skip
        held: dict[int, dict[int, int]] = {}
        for number, owned in (
            {} if self._contracts is None else self._contracts.holdings()
        ).items():
            for account, count in zip(
                owned.accounts.tolist(), owned.contracts.tolist(), strict=True
            ):
                if account >= FIRST_ACCOUNT:
                    held.setdefault(account, {})[places[number]] = count
        for account, figures in told.figures(
            ledger.cash, ledger.position, held, self._kinds
        ).items():
            equity[account] = figures.equity_micros
            required[account] = figures.required_micros
        return equity, required

    def _table(self) -> tuple[dict[int, int], list[Instrument]]:
        """Return the place of each listed series among stocks and series, and these."""
        instruments = list(self._world.instruments)
        places: dict[int, int] = {}
        for series in [] if self._contracts is None else self._contracts.listed():
            places[series.number] = len(instruments)
            instruments.append(series.instrument)
        return places, instruments

    def _vector(self, instruments: list[Instrument], ticks: tuple[int, ...]) -> Ints:
        """Return marks in ticks; an option without one is worth what it is in the money."""
        stocks = {i.symbol: t * i.tick_micros for i, t in zip(instruments, ticks, strict=False)}
        found = list(ticks)
        marks = {} if self._contracts is None else self._contracts.marks()
        for series in [] if self._contracts is None else self._contracts.listed():
            mark = marks.get(series.number)
            if mark is None:
                instrument = series.instrument
                spot, strike = stocks[instrument.underlying or ""], instrument.strike_micros or 0
                inside = spot - strike if instrument.right == "call" else strike - spot
                mark = max(inside, 0) // instrument.tick_micros
            found.append(mark)
        return np.array(found, np.int64)


def margin_kinds(world: World) -> dict[int, MarginKind]:
    """Return the kind of each account that is not margined by Regulation T."""
    scenario = world.config.scenario
    dealers = {n for n, crowd in scenario.crowds.items() if isinstance(crowd, OptionDealer)}
    found: dict[int, MarginKind] = {
        number: "portfolio" for number, account in enumerate(world.facts.accounts)
        if account.population in dealers
    }  # fmt: skip
    swarm = world.floor.accounts.get(SWARM_ACCOUNT)
    if swarm is not None and scenario.account.margin != "reg_t":
        found[swarm] = scenario.account.margin
    return found
