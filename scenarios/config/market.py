"""The market half of a scenario: session, instruments, prices, factors and shocks."""

import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from environment.instruments import TickRuleName
from scenarios.config.types import ClockTime, Duration, Period, Price

Name = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_]{0,59}$", description="a lower-case name such as noise_2")
]
Symbol = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Z0-9.]{0,14}$", description="a symbol such as AAPL")
]
Endpoint = Annotated[
    str, Meta(pattern=r"^[^:\s]+:[0-9]{1,5}$", description="HOST:PORT such as 127.0.0.1:8750")
]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Rate = Annotated[float, Meta(ge=0.0, le=1e9)]
Above0 = Annotated[float, Meta(gt=0.0, le=1e12)]
JumpRate = Annotated[float, Meta(ge=0.0, le=1e-7)]  # A hundred a second: each is drawn by itself.
Volatility = Annotated[float, Meta(ge=0.0, le=20.0)]
Lots = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Calendar = Annotated[
    str,
    Meta(pattern=r"^[A-Z0-9_]{2,12}$|^always$", description="a calendar such as XNYS, or always"),
]
BY_RULE: Final = "rule"  # In place of a chain's file: weekly and monthly expiries around the price.
Correlation = Annotated[float, Meta(ge=-1.0, le=1.0)]


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limit-up/limit-down; left out, there are none."""

    tier: Literal[1, 2] = 1


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days, and when the market is open on them; a recording brings its own day."""

    date: datetime.date | None = None
    dates: tuple[datetime.date, datetime.date] | None = None
    calendar: Calendar = "XNYS"
    auctions: tuple[Literal["opening", "closing"], ...] = ("opening", "closing")
    bands: Bands | None = None
    market_halts: bool = False
    opens: ClockTime | None = None
    closes: ClockTime | None = None
    until: ClockTime | None = None

    def __post_init__(self) -> None:
        """Refuse sessions with two answers to a question, or that end before they begin."""
        if self.date is not None and self.dates is not None:
            raise ValueError("expected either date = 2014-06-06 or dates = [first, last]")
        if self.dates is not None and self.dates[1] < self.dates[0]:
            raise ValueError("expected the last of dates at or after the first")
        named = (*(() if self.date is None else (self.date,)), *(self.dates or ()))
        if not all(1950 <= day.year <= 2100 for day in named):
            raise ValueError("expected dates from 1950 to 2100")
        if self.opens is not None and self.closes is not None and self.closes <= self.opens:
            raise ValueError("expected closes after opens")
        if self.opens is not None and self.until is not None and self.until <= self.opens:
            raise ValueError("expected until after opens")
        if len(set(self.auctions)) != len(self.auctions):
            raise ValueError("expected each auction once")

    @property
    def first_day(self) -> datetime.date:
        """The first trading day asked for."""
        day = self.date if self.date is not None else self.dates[0] if self.dates else None
        if day is None:
            raise ValueError("expected either date = 2014-06-06 or dates = [first, last]")
        return day

    @property
    def last_day(self) -> datetime.date:
        """The last trading day asked for."""
        return self.dates[1] if self.dates is not None else self.first_day


class MeanReverting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                    tag_field="kind", tag="mean_reverting"):  # fmt: skip
    """Ornstein-Uhlenbeck around `mean`, with jumps; rates per nanosecond as ABIDES gives them."""

    mean: Price
    reversion_per_ns: Rate = 1.67e-16
    volatility_ticks_per_sqrt_ns: Rate = 5e-5
    jumps_per_ns: JumpRate = 2.77778e-18
    jump_mean_ticks: Annotated[float, Meta(ge=-1e9, le=1e9)] = 1_000.0
    jump_variance_ticks: Rate = 50_000.0


class Heston(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
             tag_field="kind", tag="heston"):  # fmt: skip
    """A Heston path; volatilities and rates per year."""

    start: Price
    volatility: Volatility = 0.25
    long_run_volatility: Volatility = 0.25
    reversion: Rate = 3.0
    volatility_of_variance: Rate = 0.5
    correlation: Correlation = -0.6
    drift: Annotated[float, Meta(ge=-10.0, le=10.0)] = 0.0


class Bars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
           tag_field="kind", tag="bars"):  # fmt: skip
    """A real day: the path goes through the recorded bars of this file."""

    path: Text


class Correlated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                 tag_field="kind", tag="correlated"):  # fmt: skip
    """Moves by its loadings on `[factors]`, and by itself with `volatility` per year."""

    start: Price
    loadings: dict[Name, Annotated[float, Meta(ge=-10.0, le=10.0)]]
    volatility: Volatility = 0.2


FundamentalPrice = MeanReverting | Heston | Bars | Correlated


class Factor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A common source of returns; volatility and drift per year."""

    volatility: Volatility
    drift: Annotated[float, Meta(ge=-10.0, le=10.0)] = 0.0


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which series are added to a list: each morning, and in the day when the stock has moved."""

    strikes: Annotated[int, Meta(ge=1, le=1_000)] = 5  # Of each expiry, on each side of the stock.
    band: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.25
    weeklies: Annotated[int, Meta(ge=0, le=52)] = 5
    monthlies: Annotated[int, Meta(ge=1, le=24)] = 4
    move: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.03
    every: Period = Period(60_000_000_000)
    room: Annotated[int, Meta(ge=0, le=10_000)] = 100


class Chain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listed options of an instrument: which chain, and how many of its series."""

    chain: Text
    date: datetime.date | None = None  # Of the file's day; None: the scenario's first.
    minutes: Text | None = None  # The same day's minute quotes, to compare with.
    series: Annotated[int, Meta(ge=1, le=60_000)] = 400
    ticks: Literal["penny", "other", "etf"] = "penny"
    open_interest: Share = 0.05  # Of the chain's, that the world's traders begin with.
    listing: Listing = Listing()

    @property
    def tick_rule(self) -> TickRuleName:
        """Which increments its prices have."""
        rules: dict[str, TickRuleName] = {
            "penny": "option_penny", "other": "option_other", "etf": "option_etf",
        }  # fmt: skip
        return rules[self.ticks]


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stock, where its fundamental price comes from, and what happens to its shares.

    `special_dividends` are ex-dates of `actions` whose dividends are no part of the usual payments.
    """

    symbol: Symbol
    price: FundamentalPrice | None = None
    tick: Price = Price("0.01")
    lot: Annotated[int, Meta(ge=1, le=10_000)] = 1
    options: Chain | None = None
    actions: Text | None = None
    special_dividends: tuple[datetime.date, ...] = ()


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a recording is read and mixed with the agents of the run."""

    format: Literal["auto", "lobster", "bitstamp"] = "auto"
    mode: Literal["matching", "mirror"] = "matching"
    withdraw_after: Duration = Duration(0)


class FundamentalJump(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                      tag_field="kind", tag="fundamental_jump"):  # fmt: skip
    """The fundamental moves at once by `size`, a fraction of itself."""

    at: ClockTime
    size: Annotated[float, Meta(gt=-1.0, le=10.0)]
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1
    instruments: tuple[Symbol, ...] = ()


class VolatilityLevel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                      tag_field="kind", tag="volatility_level"):  # fmt: skip
    """The fundamental's volatility is multiplied by `factor`, for a while or to the end."""

    at: ClockTime
    factor: Rate
    lasting: Duration | None = None
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1
    instruments: tuple[Symbol, ...] = ()


class MakerWithdrawal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                      tag_field="kind", tag="maker_withdrawal"):  # fmt: skip
    """A share of the makers cancels everything and stays away."""

    at: ClockTime
    share: Share = 1.0
    lasting: Duration | None = None
    crowds: tuple[Name, ...] = ()
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1


class BorrowRecall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                   tag_field="kind", tag="borrow_recall"):  # fmt: skip
    """Lenders ask a share of the lent stock back."""

    at: ClockTime
    share: Share = 1.0
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1
    instruments: tuple[Symbol, ...] = ()


class FeedOutage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                 tag_field="kind", tag="feed_outage"):  # fmt: skip
    """Public market data stops; subscribers see a gap in its sequence numbers afterwards."""

    at: ClockTime
    lasting: Duration
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1
    instruments: tuple[Symbol, ...] = ()


class LatencyShock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                   tag_field="kind", tag="latency"):  # fmt: skip
    """Every delay of the network is multiplied by `factor`, for a while or to the end."""

    at: ClockTime
    factor: Above0
    lasting: Duration | None = None
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1


Shock = (
    FundamentalJump | VolatilityLevel | MakerWithdrawal | BorrowRecall | FeedOutage | LatencyShock
)
