"""The swarm file, `agents.toml`: who is on the floor, with which models and limits."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scenarios.config.desk import Approval, Breakers, Limits, Portfolio
from scenarios.config.market import Calendar, Endpoint, Lots, Name, Text
from scenarios.config.models import FeedKind, LanguageModel, RunBudget
from scenarios.config.secret import Secret
from scenarios.config.types import ClockTime, Duration, Money, Period, Price
from scenarios.config.world import Address

_SPIN_MOST = 1_000_000_000

Scope = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Z0-9.]{0,14}(/options)?$", description="AAPL, or AAPL/options")
]


class Venue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the daemon trades; a research run takes its market from the scenario."""

    kind: Literal["simulated", "paper", "shadow", "alpaca", "interactive_brokers", "ccxt"]
    world: Text | None = None
    pace: Annotated[float, Meta(gt=0.0, le=1_000.0)] = 1.0
    hours: Calendar = "always"
    warm_up: Duration = Duration(0)


class Mandate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an agent may propose; `notional` counts its position plus working orders."""

    instruments: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    notional: Money
    structures: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a mandate that allows nothing."""
        if self.notional <= 0:
            raise ValueError("expected notional above 0")


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
            tag_field="kind"):  # fmt: skip
    """What every agent has."""

    mandate: Mandate


class Metronome(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="metronome"):
    """Asks on a beat, sides in turn."""

    every: Period
    quantity: Lots


class MarketMaker(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                  tag="market_maker"):  # fmt: skip
    """Quotes both sides of each instrument at `half_spread` from the mid.

    After a fill it waits `refill` before it quotes again.
    """

    quantity: Lots
    half_spread: Price
    refill: Period = Period(2_000_000_000)


class Trend(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="trend"):
    """Signals the direction of a fast average of the mid against a slow one."""

    fast: Period
    slow: Period

    def __post_init__(self) -> None:
        """Refuse averages the wrong way round."""
        if self.slow <= self.fast:
            raise ValueError("expected slow above fast")


class MeanReversion(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                    tag="mean_reversion"):  # fmt: skip
    """Signals towards the average of the mid when that is `entry` deviations away."""

    length: Period
    entry: Annotated[float, Meta(gt=0.0, le=100.0)] = 2.0
    leave: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.5

    def __post_init__(self) -> None:
        """Refuse a band that is left where it is entered."""
        if self.leave >= self.entry:
            raise ValueError("expected leave below entry")


class FlowImbalance(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                    tag="flow_imbalance"):  # fmt: skip
    """Signals the move that this interval's order-flow imbalance says of the next one."""

    interval: Period = Period(10_000_000_000)
    entry: Annotated[float, Meta(gt=0.0, le=100.0)] = 2.0


class VolatilityPremium(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                        tag="volatility_premium"):  # fmt: skip
    """Sells option structures where implied volatility stands above the expected one.

    It begins where implied volatility is `entry` above the forecast, as a share of that, and ends
    at `leave`; it takes the expiry nearest to `days` ahead, and looks every `every`. `history` is a
    file of daily bars.
    """

    history: Text = "scenarios/data/ten_stocks_daily_2013-06_2014-06.csv.gz"
    entry: Annotated[float, Meta(gt=-1.0, le=10.0)] = 0.15
    leave: Annotated[float, Meta(gt=-1.0, le=10.0)] = 0.05
    days: Annotated[int, Meta(ge=1, le=700)] = 30
    every: Period = Period(300_000_000_000)

    def __post_init__(self) -> None:
        """Refuse a band that is left where it is entered, and structures that it does not know."""
        if self.leave >= self.entry:
            raise ValueError("expected leave below entry")
        unknown = {*self.mandate.structures} - {"vertical", "condor"}
        if unknown or not self.mandate.structures:
            raise ValueError('expected mandate.structures to name "vertical", "condor" or both')


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hard limits on what an agent may spend on its model."""

    calls_per_minute: Annotated[int, Meta(ge=0, le=1_000_000)]
    tokens_per_day: Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
    usd_per_day: Money


class LanguageAgent(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every agent has that asks a language model."""

    model: Name
    second_opinions: tuple[Name, ...] = ()
    samples: Annotated[int, Meta(ge=1, le=100)] = 1
    deadline: Period
    budget: Budget
    disguise: tuple[Text, ...] = ()


class News(LanguageAgent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="news"):
    """Reads what others wrote; asks again after `every` at the earliest."""

    feeds: Annotated[tuple[Name, ...], Meta(min_length=1)]
    every: Period = Period(30_000_000_000)


class Fundamentals(LanguageAgent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                   tag="fundamentals"):  # fmt: skip
    """Reads what companies have reported."""

    feeds: Annotated[tuple[Name, ...], Meta(min_length=1)]
    every: Period = Period(1_800_000_000_000)


class Technical(LanguageAgent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                tag="technical"):  # fmt: skip
    """Reads the price's own past, every `every`."""

    every: Period = Period(600_000_000_000)


class Volatility(LanguageAgent, frozen=True, kw_only=True, forbid_unknown_fields=True,
                 tag="volatility"):  # fmt: skip
    """Says how much a price will move, every `every`."""

    every: Period = Period(900_000_000_000)


class Debate(LanguageAgent, frozen=True, kw_only=True, forbid_unknown_fields=True,
             tag="debate"):  # fmt: skip
    """A bull and a bear before a judge, over others' evidence: every `every`, or once `at`."""

    every: Period = Period(1_800_000_000_000)
    at: ClockTime | None = None
    rounds: Annotated[int, Meta(ge=1, le=10)] = 2


AgentKind = (
    Metronome | MarketMaker | Trend | MeanReversion | FlowImbalance | VolatilityPremium | News
    | Fundamentals | Technical | Volatility | Debate
)  # fmt: skip


def _is_loopback(endpoint: str) -> bool:
    host = endpoint.rpartition(":")[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


class Daemon(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the live process keeps its record and shows its metrics."""

    durability: Literal["write", "sync"] = "write"
    metrics: Endpoint | None = None
    spin: Duration = Duration(0)

    def __post_init__(self) -> None:
        """Refuse a long spin, and metrics that others could read: they say how busy a desk is."""
        if self.spin > _SPIN_MOST:
            raise ValueError(f"expected a spin of at most 1s, found {self.spin.written()}")
        if self.metrics is not None and not _is_loopback(self.metrics):
            port = self.metrics.rpartition(":")[2]
            raise ValueError(
                f"expected metrics on loopback, such as 127.0.0.1:{port}, with a proxy where "
                f"others must read it, found {self.metrics}"
            )


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The panel's certificate."""

    cert: Text
    key: Secret


class Panel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where people answer; elsewhere than on loopback only with a certificate."""

    listen: Endpoint = "127.0.0.1:8750"
    tls: Tls | None = None
    model: Name | None = None

    def __post_init__(self) -> None:
        """Refuse plain HTTP that others could read."""
        if self.tls is None and not _is_loopback(self.listen):
            raise ValueError("expected tls = { cert, key } for an address that is not loopback")


class Swarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One swarm file. `swarm` names who starts; other agents are only defined."""

    version: Literal[1]
    name: Name
    swarm: tuple[Address, ...]
    agents: dict[Address, AgentKind]
    venue: Venue | None = None
    models: dict[Name, LanguageModel] = {}
    budget: RunBudget | None = None
    feeds: dict[Name, FeedKind] = {}
    portfolio: Portfolio = Portfolio()
    limits: Limits = Limits()
    breakers: Breakers | None = None
    approval: Approval | None = None
    daemon: Daemon | None = None
    panel: Panel | None = None
