"""A small options market with every kind of option trader, compiled or as actors, beside a stock's.

Thirty series of three expiries, the nearest this evening's; three dealers, some trader of every
other role, and a stock whose price follows a path, with a crowd in it.
"""

import hashlib
from datetime import date
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.crowd import dealer_rows as dealer, option_survey, reference as ref
from agents.crowd.actors import (
    account_numbers,
    as_actors,
    draw_arrival,
    owner_ranges,
    spawn_crowd,
    thinking_ns,
    trader_numbers,
)
from agents.crowd.option_roles import O_AGGRESSIVE, O_FEE, O_OPENING, ROLES, U_ROLE
from agents.crowd.option_rows import (
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    WIDTH_POINTS,
    X_YEARS,
)
from agents.crowd.option_seats import (
    CurveErrors,
    DealerTerms,
    Survey,
    dealer_memory,
    read_survey,
    seat_dealers,
    seat_survey,
    seat_users,
    survey_memory,
)
from agents.crowd.option_table import (
    PRICE_STEPS,
    Expiries,
    OptionTable,
    role_number,
    weights_of,
)
from agents.crowd.option_traders.spawn import keep_report
from agents.crowd.population import Crowd, Population
from environment.actors import Ports, Settings, SimulationKernel
from environment.actors.ports import NoRecorder, Recorder
from environment.instruments import Right, make_option
from environment.market import layout as at, option_rows
from environment.market.exchange import ADDRESS, Exchange
from environment.market.market import Market
from environment.market.publication import Publisher
from tests.conformance.twin_world import OPENS_NS, POPULATIONS, SECOND_NS, CrowdLink

DAY_NS = 24 * 3_600 * SECOND_NS
SPOT, TICKS = 100.0, 10_000
EXPIRIES = (date(2021, 2, 5), date(2021, 2, 19), date(2021, 3, 19))
YEARS = np.array([6.5 / 24.0 / 365.0, 14.0 / 365.0, 42.0 / 365.0])
STRIKES = (96, 98, 100, 102, 104)
DEALERS = 3
# The stock's crowd, much busier than an hour's: its price is there, and moves, from the start.
HURRIED = {
    at.NOISE: {ref.F_WAKES: 1_800.0},
    at.VALUE: {ref.F_RATE: 5e-10},
    at.ADAPTIVE_MAKER: {ref.F_RATE: 3e9},
}
TERMS = DealerTerms(bias=0.01, contracts=60, window_ns=SECOND_NS, size_min=5)
_GAP = 7
_PATH_SECONDS = 3_601


def table() -> OptionTable:
    """Return a smile over five strikes and three expiries, two series of it far too dear.

    They are this evening's, the lowest put and a call: whoever looks along strikes and dates finds
    them.
    """
    rights: tuple[Right, Right] = ("call", "put")
    series = tuple(
        make_option("ABC", expiry, right, str(strike))
        for expiry in EXPIRIES
        for strike in STRIKES
        for right in rights
    )
    count = len(series)
    strikes = np.array([(one.strike_micros or 0) / 1e6 for one in series])
    sigma = 0.25 + 0.2 * np.log(SPOT / strikes)
    sigma[series.index(make_option("ABC", EXPIRIES[0], "put", "96"))] = 2.6
    sigma[series.index(make_option("ABC", EXPIRIES[0], "call", "102"))] = 0.75
    return OptionTable(
        series=series,
        expiries=Expiries(
            days=tuple(day.toordinal() for day in EXPIRIES), years=YEARS, carry=0.02 * YEARS,
            rate=np.full(3, 0.02), dividends=np.zeros(3),
        ),
        expiry=np.repeat([0, 1, 2], count // 3), spot=SPOT,
        sigma=sigma, smile=sigma[:, None] + 0.1 * PRICE_STEPS,
        widths=np.full(WIDTH_POINTS, 0.03), volume=np.linspace(5.0, 50.0, count),
        open_interest=np.linspace(200.0, 100.0, count), dividend_years=np.array([]),
        dividend_amounts=np.array([]),
    )  # fmt: skip


class OptionTwinWorld:
    """One market; `run` trades until a time, `tape_sha256` is what happened.

    `remote` are the kinds that are actors: all of them, some, or none. `evening_s` is when the
    nearest series trade last, in seconds after the open; `errors` are those of users' curves.
    """

    def __init__(
        self, *, remote: tuple[int, ...] = (), seed: int = 1, users: int = 3,
        floats: dict[int, float] | None = None, recorder: Recorder | None = None,
        classes: dict[str, Any] | None = None, open_s: int = 3_600, evening_s: float = 0.0,
        terms: DealerTerms = TERMS, errors: CurveErrors | None = None,
    ) -> None:  # fmt: skip
        self.table, self._open_ns = table(), open_s * SECOND_NS
        self._floats = self.table.floats()
        if evening_s:
            of_first = len(self.table.series) * SERIES_FLOATS
            self._floats[of_first + X_YEARS] = evening_s / (365.0 * 86_400.0)
        self._terms, self._errors = terms, errors
        populations = self._populations(users, floats or {})
        populations = tuple(as_actors([p])[0] if p.kind in remote else p for p in populations)
        self.blocks: list[NDArray[np.int64]] = []
        self.crowd = Crowd(seed, populations, _PATH_SECONDS)
        traders = self.crowd.traders
        self.market = Market(
            instruments=1, accounts=traders + 1, traders=traders, populations=len(populations),
            advance=self.crowd.advance, on_tape=self.blocks.append,
        )  # fmt: skip
        for median_ns, spread in ((300_000, 500_000), (500_000, 300_000), (250_000, 400_000)):
            self.market.add_latency(at.LAT_LOGNORMAL, median_ns, spread)
        self._add_instruments(seed)
        owners: list[str] = []
        self.crowd.fill(self.market, owner_ranges(populations, owners))
        self._seat()
        self._anchor = self.market.add_account(cash_micros=10**15)
        self.market.give_shares(self._anchor, 0, 10**9)
        self.market.arena[at.H_NOW] = OPENS_NS - SECOND_NS
        self.start_day(OPENS_NS)
        self.kernel = self._kernel(owners, seed, recorder, classes) if owners else None

    # --- building ---------------------------------------------------------------------------------

    def _populations(self, users: int, floats: dict[int, float]) -> tuple[Population, ...]:
        flow = tuple(
            msgspec.structs.replace(
                POPULATIONS[kind], instruments=(0,), count=6,
                floats=POPULATIONS[kind].floats | hurry,
            )
            for kind, hurry in HURRIED.items()
        )  # fmt: skip
        survey = self._common(
            at.OPTION_SURVEY, "survey", 1, floats={option_survey.S_FEE: 0.02, _GAP: 1e9},
            integers={option_survey.U_MINUTES: 60, option_survey.U_LOG: 500},
            memory=survey_memory(len(self.table.series), 500, 60),
        )  # fmt: skip
        return (
            *flow, self._dealers(floats), *(self._users(role, users) for role in ROLES), survey
        )  # fmt: skip

    def _common(self, kind: int, name: str, count: int, **given: Any) -> Population:
        integers = {U_SERIES_FIRST: 1, U_SERIES: len(self.table.series), U_EXPIRIES: 3}
        return Population(
            name=name, kind=kind, count=count, instruments=(0,), cash_micros=10**13,
            order_latency=1, feed_latency=2, acknowledgement_latency=3, fill_latency=3, busy_ns=50,
            opens_ns=OPENS_NS, closes_ns=OPENS_NS + self._open_ns,
            **({"tables": (self._floats,)} | given
               | {"integers": integers | given.get("integers", {})}),
        )  # fmt: skip

    def _dealers(self, settings: dict[int, float]) -> Population:
        floats = {
            _GAP: 0.7 * SECOND_NS, dealer.D_VOLATILITY: 0.3, dealer.D_CORRELATION: -0.6,
            dealer.D_REVERSION: 20.0, dealer.D_SKEW: 0.05, dealer.D_CURVE: 0.02,
            dealer.D_REALISED: 10.0, dealer.D_FLOW: 2e-6, dealer.D_LEARN: 0.1,
            dealer.D_DELTA_MAX: 4_000.0, dealer.D_GAMMA_MAX: 3_000.0, dealer.D_VEGA_MAX: 1_500.0,
            dealer.D_EXPIRY_SHARE: 0.6, dealer.D_WIDTH: 1.0, dealer.D_WIDEN: 1.0,
            dealer.D_FIRST_SPOT: SPOT, dealer.D_EVENT: 0.0004, dealer.D_EVENT_DAYS: 3.0,
            dealer.D_SERIES: 60.0, dealer.D_VEGA_LEAN: 0.5,
        }  # fmt: skip
        return self._common(
            at.OPTION_DEALER, "option_dealer", DEALERS, size=(10, 10), floats=floats | settings,
            integers={dealer.U_HEDGE_BAND: 100, dealer.U_HEDGE_EVERY: 5 * SECOND_NS},
            memory=dealer_memory(len(self.table.series), 3),
        )  # fmt: skip

    def _users(self, role: str, count: int) -> Population:
        floats = {
            _GAP: 2.0 * SECOND_NS, O_AGGRESSIVE: 0.6, O_OPENING: 0.7,
            O_FEE: 0.01,
        }  # fmt: skip
        return self._common(
            at.OPTION_USER, role, count, size=(1, 8), floats=floats,
            integers={U_ROLE: role_number(role)},
            tables=(self._floats, weights_of(self.table, role)),
        )  # fmt: skip

    def _add_instruments(self, seed: int) -> None:
        self.market.add_instrument(value_micros=10_000, last_close=TICKS)
        row = self.market.section(at.S_INSTRUMENT)[0]
        steps = np.random.default_rng(seed).integers(-4, 5, _PATH_SECONDS)
        first = self.crowd.first_path
        self.crowd.beliefs[first : first + _PATH_SECONDS] = TICKS + np.cumsum(steps)
        row[at.I_PATH_FIRST], row[at.I_PATH_COUNT] = first, _PATH_SECONDS
        row[at.I_PATH_START] = OPENS_NS
        for series in self.table.series:
            self.market.add_series(series, stock=0, last_close=300)

    def _seat(self) -> None:
        index = len(HURRIED)
        seat_dealers(self.market, self.crowd, index, self._terms)
        seat_survey(self.market, self.crowd, len(self.crowd.populations) - 1)
        if self._errors is not None:
            for user in range(index + 1, index + 1 + len(ROLES)):
                seat_users(self.market, self.crowd, user, self._errors)
        own, writer = self.crowd.first_account[index], self.crowd.first_account[index + 1]
        for place, contracts in ((4, 30), (17, -20)):
            option_rows.move_contracts(self.market, writer, own, 1 + place, contracts)

    def start_day(self, opens_ns: int) -> None:
        """Open at a moment, and close when the day is over."""
        for second in range(1, self._open_ns // SECOND_NS, 2):
            self._quote_stock(opens_ns + second * SECOND_NS, second)
        # Somebody empties one side of the stock's book: for a while it has no price.
        emptied_ns = opens_ns + 61 * SECOND_NS + 1_000_000
        self.market.post_event(emptied_ns, at.E_CANCEL_ALL, self._anchor, 0)
        self.market.post_order(
            emptied_ns + 1, 0, self._anchor, at.SELL, at.LIMIT, at.IOC, at.CANCEL_NEWEST, 0, 1,
            10**6, 0, 0, 0, 0, 0,
        )  # fmt: skip
        self.market.post_event(opens_ns, at.E_PHASE, 0, at.CONTINUOUS)
        self.market.post_event(opens_ns + self._open_ns, at.E_PHASE, 0, at.CLOSED)
        for index in range(len(self.crowd.populations)):
            self.crowd.set_day(self.market, index, opens_ns, opens_ns + self._open_ns)
        self.crowd.start_day(self.market)

    def _quote_stock(self, at_ns: int, second: int) -> None:
        """Let somebody who is no trader of the crowd quote around the path."""
        value = int(self.crowd.beliefs[self.crowd.first_path + second])
        self.market.post_event(at_ns, at.E_CANCEL_ALL, self._anchor, 0)
        for away, size in ((2, 300), (6, 3_000)):
            for side, price in ((at.BUY, value - away), (at.SELL, value + away)):
                self.market.post_order(
                    at_ns + 1, 0, self._anchor, side, at.LIMIT, at.DAY, at.CANCEL_NEWEST, 0, price,
                    size, 0, 0, 0, 0, 0,
                )  # fmt: skip

    def _kernel(
        self, owners: list[str], seed: int, recorder: Recorder | None,
        classes: dict[str, Any] | None,
    ) -> SimulationKernel:  # fmt: skip
        series = {one.symbol: one for one in self.table.series}
        symbols = {"ABC": 0} | {symbol: n for n, symbol in enumerate(series, 1)}
        exchange = Exchange(
            self.market, symbols=symbols, accounts=account_numbers(self.crowd), owners=owners,
            publisher=Publisher(list(symbols), ADDRESS, series), arrivals=draw_arrival,
            traders=trader_numbers(self.crowd), reports=keep_report,
        )  # fmt: skip
        kernel = SimulationKernel(
            Settings(seed=seed, start_ns=OPENS_NS - SECOND_NS,
                     thinking_ns=thinking_ns(self.crowd.populations)),
            Ports(link=CrowdLink(), engine=exchange, recorder=recorder or NoRecorder()),
        )  # fmt: skip
        exchange.bind(kernel)
        spawn_crowd(kernel, self.market, self.crowd, exchange.names, classes)
        return kernel

    # --- running ----------------------------------------------------------------------------------

    def run(self, seconds: int) -> "OptionTwinWorld":
        """Trade until so many seconds after the first open, and hand out what the tape holds."""
        until_ns = OPENS_NS + seconds * SECOND_NS
        if self.kernel is None:
            self.market.advance(until_ns)
        else:
            self.kernel.run_until(until_ns)
        self.market.flush_tape()
        return self

    def tape(self) -> NDArray[np.int64]:
        """Return every row so far, of the stock and of the series."""
        return np.concatenate(self.blocks)

    def tape_sha256(self) -> str:
        """Return the hash of every row so far."""
        return hashlib.sha256(self.tape().tobytes()).hexdigest()

    def survey(self) -> Survey:
        """Return what the survey has found."""
        return read_survey(self.market, self.crowd, len(self.crowd.populations) - 1)
