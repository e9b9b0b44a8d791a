"""A small options market: a stock, twelve series of two expiries, dealers and end users."""

from datetime import date
from typing import Any

import msgspec
import numpy as np

from agents.crowd import dealer_rows as dealer, option_survey
from agents.crowd.option_roles import O_AGGRESSIVE, O_FEE, O_OPENING, U_ROLE
from agents.crowd.option_rows import (
    PREMIUM_POINTS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    WIDTH_POINTS,
)
from agents.crowd.option_seats import (
    DealerTerms,
    dealer_memory,
    seat_dealers,
    seat_survey,
    survey_memory,
)
from agents.crowd.option_table import Expiries, OptionTable, role_number, weights_of
from agents.crowd.population import Crowd, Population
from environment.instruments import Right, make_option
from environment.market import layout as at, option_rows
from environment.market.market import Market

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
SPOT, TICKS = 100.0, 10_000
NEAR, FAR = date(2024, 1, 19), date(2024, 3, 15)
GAP = 7


def table() -> OptionTable:
    """Return a flat surface of 30 % over three strikes and two expiries."""
    rights: tuple[Right, Right] = ("call", "put")
    series = tuple(
        make_option("ABC", expiry, right, str(strike))
        for expiry in (NEAR, FAR)
        for strike in (95, 100, 105)
        for right in rights
    )
    count = len(series)
    years = np.array([15 / 365, 71 / 365])
    return OptionTable(
        series=series,
        expiries=Expiries(
            days=(NEAR.toordinal(), FAR.toordinal()), years=years, carry=0.02 * years,
            rate=np.full(2, 0.02), dividends=np.zeros(2),
        ),
        expiry=np.repeat([0, 1], count // 2), spot=SPOT, sigma=np.full(count, 0.3),
        smile=np.full((count, PREMIUM_POINTS), 0.3), widths=np.full(WIDTH_POINTS, 0.05),
        volume=np.full(count, 10.0),
        open_interest=np.full(count, 100.0), dividend_years=np.array([]),
        dividend_amounts=np.array([]),
    )  # fmt: skip


class World:
    """The market with a stock that somebody quotes, and the option crowd in it."""

    def __init__(self, *, dealers: int = 1, role: str | None = None, users: int = 0,
                 settings: dict[int, float] | None = None, terms: DealerTerms | None = None,
                 seed: int = 1) -> None:  # fmt: skip
        self.table = table()
        self.floats = self.table.floats()
        self.rows: list[Any] = []
        populations = [self._dealers(dealers, settings or {})]
        if role is not None:
            populations.append(self._users(role, users))
        populations.append(self._survey())
        self.crowd = Crowd(seed, tuple(populations), 0)
        traders = sum(p.count for p in populations)
        self.market = Market(
            instruments=1, accounts=traders + 1, traders=traders, populations=len(populations),
            advance=self.crowd.advance, on_tape=lambda rows: self.rows.append(rows.copy()),
        )  # fmt: skip
        self.market.add_instrument(value_micros=10_000, centre=TICKS)
        for series in self.table.series:
            self.market.add_series(series, stock=0, last_close=500)
        self.crowd.fill(self.market)
        self.account = self.market.add_account(cash_micros=10**15)
        self.market.give_all(self.account, np.array([0]), 1_000_000)
        self.dealers = seat_dealers(self.market, self.crowd, 0, terms or DealerTerms(bias=0.0))
        seat_survey(self.market, self.crowd, len(populations) - 1)
        self.market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
        self.crowd.start_day(self.market)

    def _common(self, kind: int, name: str, count: int, **given: Any) -> Population:
        integers = {U_SERIES_FIRST: 1, U_SERIES: len(self.table.series), U_EXPIRIES: 2}
        return Population(
            name=name, kind=kind, count=count, instruments=(0,), cash_micros=10**13,
            opens_ns=0, closes_ns=3_600 * SECOND_NS, tables=(self.floats,),
            **(given | {"integers": integers | given.get("integers", {})}),
        )  # fmt: skip

    def _dealers(self, count: int, settings: dict[int, float]) -> Population:
        floats = {
            GAP: float(SECOND_NS), dealer.D_DELTA_MAX: 1e6, dealer.D_GAMMA_MAX: 1e6,
            dealer.D_VEGA_MAX: 1e6, dealer.D_EXPIRY_SHARE: 1.0, dealer.D_WIDTH: 1.0,
            dealer.D_FIRST_SPOT: SPOT,
        }  # fmt: skip
        return self._common(
            at.OPTION_DEALER, "dealers", count, size=(10, 10), floats=floats | settings,
            integers={dealer.U_HEDGE_BAND: 50, dealer.U_HEDGE_EVERY: 5 * SECOND_NS},
            memory=dealer_memory(len(self.table.series), 2),
        )  # fmt: skip

    def _users(self, role: str, count: int) -> Population:
        floats = {GAP: 5.0 * SECOND_NS, O_AGGRESSIVE: 1.0, O_OPENING: 1.0, O_FEE: 0.02}
        return msgspec.structs.replace(
            self._common(at.OPTION_USER, role, count, size=(1, 5), floats=floats,
                         integers={U_ROLE: role_number(role)}),
            tables=(self.floats, weights_of(self.table, role)),
        )  # fmt: skip

    def _survey(self) -> Population:
        integers = {option_survey.U_MINUTES: 60, option_survey.U_LOG: 100}
        return self._common(
            at.OPTION_SURVEY, "survey", 1, floats={option_survey.S_FEE: 0.02, GAP: 1e9},
            integers=integers, memory=survey_memory(len(self.table.series), 100, 60),
        )  # fmt: skip

    def give_dealer(self, series: int, contracts: int) -> None:
        """Let the first dealer begin with contracts of a series, by its place in the table."""
        dealer_account = self.crowd.first_account[0]
        option_rows.move_contracts(self.market, self.account, dealer_account, 1 + series, contracts)

    def quote_stock(self, at_ns: int, bid: int = 9_999, ask: int = 10_001) -> None:
        """Renew the stock's touch at a moment."""
        self.market.post_event(at_ns, at.E_CANCEL_ALL, self.account, 0)
        for side, price in ((at.BUY, bid), (at.SELL, ask)):
            self.market.post_order(
                at_ns + 1, 0, self.account, side, at.LIMIT, at.DAY, at.CANCEL_NEWEST, 0, price,
                5_000, 0, 0, 0, 0, 0,
            )  # fmt: skip

    def run(self, until_ns: int) -> "World":
        while (next_ns := self.market.next_ns()) is not None and next_ns <= until_ns:
            self.market.advance(until_ns)
        self.market.flush_tape()
        return self

    def tape(self, kind: int) -> Any:
        """Return all rows of a kind."""
        rows = np.concatenate(self.rows) if self.rows else np.zeros((0, 16), np.int64)
        return rows[rows[:, at.T_KIND] == kind]

    def touch(self, series: int) -> tuple[int, int]:
        """Return best bid and ask of a series, by its place in the table."""
        row = self.market.section(at.S_INSTRUMENT)[1 + series]
        return int(row[at.I_BEST]), int(row[at.I_BEST_ASK])
