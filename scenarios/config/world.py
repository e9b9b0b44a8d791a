"""Who is in the market besides the swarm: background crowds and scenario actors."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scenarios.config.delays import Delay
from scenarios.config.market import (
    Above0,
    Correlation,
    Lots,
    Name,
    Rate,
    Share,
    Symbol,
    Volatility,
)
from scenarios.config.types import ClockTime, Duration, Money, Period

Address = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]*(/[a-z0-9_]+){0,5}$",
        max_length=120,
        description="an address such as quant/trend",
    ),
]
Ticks = Annotated[int, Meta(ge=0, le=1_000_000)]
ArrivalRate = Annotated[float, Meta(gt=0.0, le=1e-8)]  # Of one trader: ten times a second at most.


class Crowd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
            tag_field="kind"):  # fmt: skip
    """What every population has: how many, with what, in which instruments, how far away.

    `count` is the number of traders in all; they are dealt to `instruments` in turn (empty: to all
    of the scenario's). `cash` and `holding` (lots at the start) are of each trader.
    """

    count: Annotated[int, Meta(ge=0, le=5_000_000)]
    cash: Money
    holding: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    instruments: tuple[Symbol, ...] = ()
    latency: Delay | None = None

    def __post_init__(self) -> None:
        """Refuse traders who owe at the start."""
        if self.cash < 0:
            raise ValueError("expected cash of 0 or more")


class Noise(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="noise"):
    """Trades for reasons of its own; `wakes` times a day between `active`, mostly at its ends.

    `passive_share` of its orders rest at a power-law depth (tail and scale in ticks); the others
    take the far touch. With `refresh` it first cancels what it had. Above 0,
    `opening_share` of its orders before the open are for the opening auction, and the others rest;
    in the last half hour `closing_share` are for the closing auction.
    """

    wakes: Above0 = 1.0
    active: tuple[ClockTime, ClockTime] | None = None
    shape: Literal["u", "flat"] = "u"
    size: Literal["mixture"] | Lots = "mixture"
    passive_share: Share = 0.0
    depth_tail: Above0 = 1.5
    depth_scale: Above0 = 3.0
    longest_depth: Ticks = 500
    refresh: bool = False
    opening_share: Share = 0.0
    closing_share: Share = 0.0

    def __post_init__(self) -> None:
        """Refuse an empty day."""
        super().__post_init__()
        if self.active is not None and self.active[1] <= self.active[0]:
            raise ValueError("expected the end of active after its start")


class Value(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="value"):
    """Sees the fundamental through noise, updates its belief, trades towards it.

    With a `wander_variance` (squared ticks a second) it believes in a value that wanders, instead
    of one that reverts. With an `edge` it takes the far touch only where its belief is at least so
    many ticks beyond that; else it rests, `passive_share` of the time, as far from its belief. It
    orders up to `conviction` times its size, once for each edge by which the price is wrong, and
    then takes all that leaves it its edge. While trading is paused it leaves a limit for the
    reopening, and in the last half hour, `closing_share` of the time, one for the closing auction.
    """

    observation_variance: Rate = 1_000.0
    reversion_per_ns: Rate = 1.67e-15
    arrivals_per_ns: ArrivalRate = 5.7e-12
    aggressive_share: Share = 0.1
    depth: Ticks = 2
    wander_variance: Rate = 0.0
    edge: Ticks = 0
    conviction: Annotated[int, Meta(ge=1, le=1_000)] = 1
    closing_share: Share = 0.0
    passive_share: Share = 0.1
    size: Literal["mixture"] | Lots = "mixture"


class Momentum(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="momentum"):
    """Buys when the fast average of the mid is above the slow one, and sells when below."""

    every: Period = Period(37_000_000_000)
    size: tuple[Lots, Lots] = (1, 10)
    fast: Annotated[int, Meta(ge=1, le=10_000)] = 20
    slow: Annotated[int, Meta(ge=2, le=10_000)] = 50

    def __post_init__(self) -> None:
        """Refuse averages and sizes the wrong way round."""
        super().__post_init__()
        if self.slow <= self.fast:
            raise ValueError("expected slow above fast")
        if self.size[1] < self.size[0]:
            raise ValueError("expected size = [smallest, largest]")


class AdaptiveMaker(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True,
                    tag="adaptive_maker"):  # fmt: skip
    """Cancels and requotes a ladder around the mid, sized by its share of recent volume."""

    share: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.025
    levels: Annotated[int, Meta(ge=1, le=100)] = 10
    spacing: Annotated[int, Meta(ge=1, le=10_000)] = 5
    every: Period = Period(60_000_000_000)
    minimum_size: Lots = 1
    backstop: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    spread_weight: Share = 0.75
    skew: Rate = 0.0
    spacing_ticks: Ticks = 0  # Above 0 it replaces `spacing`, which counts in running spreads.
    first_spread: Annotated[int, Meta(ge=1, le=100_000)] = 50


class Hawkes(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="hawkes"):
    """Order flow that excites itself: `branching` children an event, dying out with `decay`."""

    rate_per_second: Above0
    branching: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.6
    decay: Period = Period(1_000_000_000)
    market_share: Share = 0.3
    cancel_share: Share = 0.3
    depth: Ticks = 10
    size: Literal["mixture"] | Lots = "mixture"
    u_weight: Share = 0.0
    depth_tail: Above0 = 1.5
    depth_scale: Above0 = 3.0
    inside_share: Share = 0.3

    def __post_init__(self) -> None:
        """Refuse shares that leave less than nothing for limit orders."""
        super().__post_init__()
        if self.market_share + self.cancel_share > 1.0:
            raise ValueError("expected market_share plus cancel_share of at most 1")


class Spoofer(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="spoofer"):
    """Layers orders it will cancel on one side, and trades on the other."""

    every: Period = Period(120_000_000_000)
    layers: Annotated[int, Meta(ge=1, le=50)] = 4
    layer_size: Lots = 500
    distance: Ticks = 2
    hold: Duration = Duration(2_000_000_000)
    size: Lots = 50


class Ignition(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ignition"):
    """Starts a move with a burst of market orders, and unwinds into those who follow."""

    every: Period = Period(1_800_000_000_000)
    burst: Annotated[int, Meta(ge=1, le=1_000)] = 10
    gap: Duration = Duration(100_000_000)
    size: Lots = 100
    unwind_after: Period = Period(30_000_000_000)


class Hedge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a dealer hedges its delta: on a beat, and outside a band of shares."""

    every: Period
    band: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class DealerLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a dealer may hold: shares of delta, shares per dollar of gamma, money per point of vega.

    `expiry_share` is the most of the vega limit that one expiry may take, `series` the contracts
    that it holds or has written of one series (0: no limit).
    """

    delta: Above0 = 50_000.0
    gamma: Above0 = 60_000.0
    vega: Money = Money(250_000_000_000)
    expiry_share: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.6
    series: Annotated[int, Meta(ge=0, le=1_000_000)] = 2_000


class DealerSurface(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a dealer's surface moves: each in volatility per square-root year of trading.

    `correlation` is that of its level with the stock; `reversion` per year; `realised` how fast the
    level follows what the stock realises, per year; `flow` how far it rises with each currency unit
    of vega (per point) sold; `learn` the share of its distance from the market's middles that it
    gives up every ten seconds.
    """

    volatility: Volatility = 0.15
    skew: Volatility = 0.03
    curvature: Volatility = 0.01
    correlation: Correlation = -0.6
    reversion: Rate = 20.0
    realised: Rate = 10.0
    flow: Rate = 2e-8
    learn: Share = 0.1


class Protection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """After so much traded within `window` the venue pulls a dealer's quotes; 0 is no limit."""

    window: Period = Period(1_000_000_000)
    contracts: Annotated[int, Meta(ge=0, le=1_000_000)] = 300
    delta: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    vega: Money = Money(0)


class ExpiryDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a dealer narrows on a series' last day.

    By the last trade `left` of its limits is left, linearly from the open: of the expiry's share of
    vega and gamma, and of `contracts` in each series (0: no limit). With all of those it quotes
    `lean` of its half-width towards what lowers them, with fewer in proportion.
    """

    left: Share = 0.25
    contracts: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    lean: Share = 0.5


class Beliefs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How wrong each trader's curves are, in deviations, drawn once for a run.

    Of rates and of the stock's borrowing, per year; of dividends, as a share of them.
    """

    rate_sd: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    dividend_sd: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    borrow_sd: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0


class Announcement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event that dealers price: a move of `move` (a fraction), `days` after the first open."""

    move: Annotated[float, Meta(gt=0.0, le=2.0)]
    days: Annotated[float, Meta(ge=0.0, le=1_000.0)]


class OptionDealer(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True,
                   tag="option_dealer"):  # fmt: skip
    """Quotes listed options around a surface of its own, and hedges in the stock.

    `width` is how wide it quotes, against half of the chain's own spreads at the open; at its
    limits it is wider by `widen` times that, and with as much vega as it may hold it quotes `lean`
    of its half-width towards what lowers that. It looks at the market every `every` on average,
    quotes `size` contracts a side, and must quote `obligation`.
    """

    every: Period = Period(1_000_000_000)
    size: Lots = 20
    obligation: Lots = 5
    width: Above0 = 1.0
    widen: Rate = 1.0
    lean: Annotated[float, Meta(ge=0.0, le=0.75)] = 0.5
    hedge: Hedge = Hedge(every=Period(30_000_000_000), band=500)
    limits: DealerLimits = DealerLimits()
    surface: DealerSurface = DealerSurface()
    protection: Protection = Protection()
    event: Announcement | None = None
    expiry_day: ExpiryDay = ExpiryDay()
    beliefs: Beliefs = Beliefs()


Role = Literal[
    "overwriter",
    "protective",
    "lottery",
    "same_day",
    "volatility_seller",
    "parity",
    "calendar",
    "relative_value",
]


class OptionUser(Crowd, frozen=True, kw_only=True, forbid_unknown_fields=True,
                 tag="option_user"):  # fmt: skip
    """Comes to the options market for a reason, its `role`, every `every` on average.

    `opening_share` of its orders open on its role's side, the others close; `aggressive_share` take
    the far touch. With a `right` it trades calls or puts alone. Arbitrageurs trade where something
    impossible pays more than `fee` per share. `beliefs` are each one's own curves.
    """

    role: Role
    right: Literal["both", "call", "put"] = "both"
    every: Period = Period(600_000_000_000)
    size: tuple[Lots, Lots] = (1, 10)
    aggressive_share: Share = 0.7
    opening_share: Share = 0.7
    fee: Money = Money(20_000)
    beliefs: Beliefs = Beliefs()

    def __post_init__(self) -> None:
        """Refuse a range the wrong way round."""
        super().__post_init__()
        if self.size[1] < self.size[0]:
            raise ValueError("expected size = [smallest, largest]")


CrowdKind = (
    Noise | Value | Momentum | AdaptiveMaker | Hawkes | Spoofer | Ignition | OptionDealer
    | OptionUser
)  # fmt: skip


class ProgrammeSeller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                      tag_field="kind", tag="programme_seller"):  # fmt: skip
    """Sells `quantity` lots from `at` on, as a share of the volume just traded, at any price."""

    instrument: Symbol
    quantity: Lots
    at: ClockTime
    cash: Money = Money(0)
    participation: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.09
    every: Period = Period(60_000_000_000)
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1

    def __post_init__(self) -> None:
        """Refuse a seller who owes at the start."""
        if self.cash < 0:
            raise ValueError("expected cash of 0 or more")


class Followers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                tag_field="kind", tag="followers"):  # fmt: skip
    """Traders of whom the share `herd` does as the analysts say; the others draw their side.

    Each acts every `every` on average, with `size` lots. `follow` names analysts; empty: all.
    """

    instrument: Symbol
    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    size: Lots
    herd: Share
    every: Period = Period(600_000_000_000)
    follow: tuple[Address, ...] = ()
    cash: Money = Money(0)
    day: Annotated[int, Meta(ge=1, le=10_000)] = 1

    def __post_init__(self) -> None:
        """Refuse traders who owe at the start."""
        if self.cash < 0:
            raise ValueError("expected cash of 0 or more")


WorldActor = ProgrammeSeller | Followers
Crowds = dict[Name, CrowdKind]
WorldActors = dict[Address, WorldActor]
