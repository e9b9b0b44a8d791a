"""A scenario file: one market, one day or several, and who answers for the swarm in it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scenarios.config.clearing import Clearing, Curves
from scenarios.config.delays import Constant, Delay, EffectDelay
from scenarios.config.market import (
    Factor,
    Instrument,
    Name,
    Replay,
    Session,
    Share,
    Shock,
    Text,
)
from scenarios.config.models import Cassette
from scenarios.config.types import ClockTime, Duration, Money, Period, Setting
from scenarios.config.world import Address, Crowds, WorldActors

Pair = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_/]*>[a-z][a-z0-9_/]*$", description="SENDER>RECIPIENT")
]


class Fees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the account pays; a rebate is negative. Regulatory fees come from dated tables."""

    maker_per_share: Money = Money(0)
    taker_per_share: Money = Money(0)
    per_contract: Money = Money(0)
    regulatory: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The swarm's one account. It is gated: only the venue enters its orders.

    `exercised_by` are agents whose exercise instructions the clearing house takes for it.
    """

    cash: Money = Money(1_000_000_000_000)
    fees: Fees = Fees()
    margin: Literal["portfolio", "reg_t", "cash"] = "reg_t"
    exercised_by: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an account that owes at the start."""
        if self.cash < 0:
            raise ValueError("expected cash of 0 or more")


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays: `network` is the default of the four ways to and from the exchange."""

    network: Delay = Constant(value=Period(300_000))
    order: Delay | None = None
    acknowledgement: Delay | None = None
    fill: Delay | None = None
    feed: Delay | None = None
    pairs: dict[Pair, Delay] = {}
    thinking: dict[Name, Duration] = {}
    effects: dict[Name, EffectDelay] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a scripted person answers; the risk score runs from 0 to 100."""

    approve_score_under: Annotated[float, Meta(ge=0.0, le=100.0)] = 70.0
    shrink_to: Share = 1.0
    error_rate: Share = 0.0


class Approver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers in simulation: a script, or nobody (every question counts as yes at once).

    `person` is what `--panel` puts in their place, with the pace of the run: what a person has in
    wall time, the desk counts in market time.
    """

    kind: Literal["scripted", "none", "person"]
    pace: Annotated[float, Meta(gt=0.0, le=1_000.0)] = 1.0
    people: tuple[Name, ...] = ()
    hours: tuple[ClockTime, ClockTime] | None = None
    delay: Delay | None = None
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        """Refuse a script that nobody speaks."""
        if self.kind == "scripted" and (not self.people or self.delay is None):
            raise ValueError('expected people and delay with kind = "scripted"')


class Compare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arms of one table; each is a set of overrides, and runs every seed."""

    seeds: tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]]
    arms: Annotated[dict[Text, dict[Text, Setting]], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Refuse an empty range of seeds."""
        if self.seeds[1] < self.seeds[0]:
            raise ValueError("expected seeds = [first, last]")


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario file, resolved."""

    version: Literal[1]
    name: Name
    about: Text
    session: Session
    instruments: Annotated[tuple[Instrument, ...], Meta(min_length=1, max_length=10_000)]
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1
    ties: Literal["sequence", "seeded"] = "sequence"
    swarm: Text | None = None
    crowd: Literal["compiled", "actors"] = "compiled"
    recording: Text | None = None
    history: Text | None = None
    replay: Replay | None = None
    factors: dict[Name, Factor] = {}
    crowds: Crowds = {}
    actors: WorldActors = {}
    account: Account = Account()
    curves: Curves = Curves()
    clearing: Clearing = Clearing()
    latency: Latency = Latency()
    shock: tuple[Shock, ...] = ()
    approver: Approver | None = None
    cassette: Cassette | None = None
    compare: Compare | None = None
