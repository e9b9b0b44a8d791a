"""The configuration's populations as the core wants them: integers, floats, hours, delays."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from agents.crowd import flow, reference as ref
from agents.crowd.population import Population
from agents.crowd.rows import U_BEFORE
from environment.errors import ConfigError
from environment.market import layout as at
from environment.market.calendar import Session
from environment.market.market import Market
from scenarios.builders.delays import class_of
from scenarios.builders.floor import CROWD, Factory
from scenarios.builders.option_crowd import option_population, survey_population
from scenarios.builders.paths import clock_ns
from scenarios.builders.surface import ListedOptions
from scenarios.config import world as told
from scenarios.config.scenario import Scenario

KINDS = {
    "noise": at.NOISE, "value": at.VALUE, "momentum": at.MOMENTUM,
    "adaptive_maker": at.ADAPTIVE_MAKER, "hawkes": at.HAWKES, "spoofer": at.SPOOFER,
    "ignition": at.IGNITION, "option_dealer": at.OPTION_DEALER, "option_user": at.OPTION_USER,
}  # fmt: skip
_MIXTURE = (0, 0)
_SLOWER = 0.25  # How much longer the delays of the k-th dealer are than the first's, times k.


def populations_of(
    scenario: Scenario,
    market_classes: dict[str, tuple[int, int, int, int]],
    numbers: dict[str, int],
    session: Session,
    centres: dict[str, float],
    options: tuple[ListedOptions, ...] = (),
    *,
    days: int = 1,
) -> tuple[Population, ...]:
    """Return every population; `market_classes` are as `classes_of` gives them.

    Each stock with listed options has a survey of them besides, for so many days.
    """
    found = []
    for name, crowd in scenario.crowds.items():
        if crowd.count == 0:
            continue
        listed = [o for o in options if not crowd.instruments or o.symbol in crowd.instruments]
        chosen = crowd.instruments or tuple(numbers)
        if isinstance(crowd, told.OptionDealer | told.OptionUser):
            chosen = _one_with_options(name, listed)
        order, feed, acknowledgement, fill = market_classes[name]
        opens, closes = hours_of(crowd, session)
        common = Population(
            name=name,
            kind=KINDS[tag_of(crowd)],
            count=crowd.count,
            instruments=tuple(numbers[symbol] for symbol in chosen),
            cash_micros=int(crowd.cash),
            holding=crowd.holding,
            order_latency=order,
            feed_latency=feed,
            acknowledgement_latency=acknowledgement,
            fill_latency=fill,
            busy_ns=int(scenario.latency.thinking.get(tag_of(crowd), 0)),
            opens_ns=opens,
            closes_ns=closes,
            remote=scenario.crowd == "actors",
        )
        if isinstance(crowd, told.OptionDealer | told.OptionUser):
            found.append(option_population(crowd, listed[0], common))
            continue
        integers, floats, size, memory = _settings(crowd, centres[chosen[0]])
        integers[U_BEFORE] = max(session.open_ns - opens, 0)
        found.append(
            msgspec.structs.replace(
                common, size=size, integers=integers, floats=floats, memory=memory
            )
        )
    found += [survey_population(o, session.open_ns, session.close_ns, days) for o in options]
    return tuple(found)


def _one_with_options(name: str, listed: list[ListedOptions]) -> tuple[str, ...]:
    """Return the one stock whose options a population trades."""
    if len(listed) != 1:
        raise ConfigError(
            f"crowds.{name}: expected one stock with options, found {len(listed)}; name it in "
            "instruments, and give it options"
        )
    return (listed[0].symbol,)


def without_crowd(agents: Mapping[str, Factory]) -> dict[str, Factory]:
    """Return the agents made in Python that stand on the floor, not in the crowd."""
    return {address: make for address, make in agents.items() if not address.startswith(CROWD)}


def classes_of_crowd(
    scenario: Scenario, agents: Mapping[str, Callable[..., Any]]
) -> dict[str, Callable[..., Any]]:
    """Return, by population, the reader's own classes of traders: what stands at `crowd/NAME`.

    Each takes what this package's class for that kind takes.

    Raises
    ------
    ConfigError
        If there is no such population, or the crowd does not run as actors.
    """
    found = {}
    for address, make in agents.items():
        if not address.startswith(CROWD):
            continue
        name = address.removeprefix(CROWD)
        if name not in scenario.crowds:
            known = ", ".join(scenario.crowds)
            raise ConfigError(f"agents: no population is called {name}; there are {known}")
        if scenario.crowd != "actors":
            raise ConfigError(f'agents: {address} is made in Python; set crowd = "actors"')
        found[name] = make
    return found


def tag_of(crowd: told.Crowd) -> str:
    """Return the kind of a crowd as the configuration spells it."""
    return str(crowd.__struct_config__.tag)


def hours_of(crowd: told.Crowd, session: Session) -> tuple[int, int]:
    """Return from when to when a population acts on a day."""
    if isinstance(crowd, told.Noise) and crowd.active is not None:
        return clock_ns(session, crowd.active[0]), clock_ns(session, crowd.active[1])
    opens = session.open_ns
    if isinstance(crowd, told.Noise | told.Value | told.AdaptiveMaker):
        opens = session.phases[0].time_ns  # They are there before the opening auction.
    return opens, session.close_ns


def classes_of(scenario: Scenario, market: Market) -> dict[str, tuple[int, int, int, int]]:
    """Add the crowds' delays to the core; return order, feed, acknowledgement and fill classes."""
    delays = scenario.latency
    ways = (delays.order, delays.feed, delays.acknowledgement, delays.fill)
    shared = tuple(class_of(market, way or delays.network) for way in ways)
    found = {}
    for name, crowd in scenario.crowds.items():
        own = None if crowd.latency is None else class_of(market, crowd.latency)
        order, feed, acknowledgement, fill = shared if own is None else (own, own, own, own)
        if isinstance(crowd, told.OptionDealer):
            order, feed = (_apart(market, way, crowd.count) for way in (order, feed))
        found[name] = (order, feed, acknowledgement, fill)
    return found


def _apart(market: Market, way: int, count: int) -> int:
    """Add a class of delays for each of `count` dealers, each slower than the one before.

    Returns the first one's number; the others follow it.
    """
    kind, median, spread, cap = market.section(at.S_LATENCY)[way, : at.L_CAP + 1].tolist()
    classes = [
        market.add_latency(kind, round(median * (1.0 + _SLOWER * k)), spread, cap)
        for k in range(count)
    ]
    return classes[0]


def _size(size: object) -> tuple[int, int]:
    if isinstance(size, int):
        return (size, size)
    return size if isinstance(size, tuple) else _MIXTURE


def _settings(
    crowd: told.Crowd, centre: float
) -> tuple[dict[int, int], dict[int, float], tuple[int, int], int]:
    match crowd:
        case told.Noise():
            integers = {ref.U_REFRESH: int(crowd.refresh), ref.U_ONCE: int(crowd.wakes == 1.0),
                        ref.U_LONGEST: crowd.longest_depth}  # fmt: skip
            floats = {ref.F_WAKES: crowd.wakes, ref.F_PASSIVE: crowd.passive_share,
                      ref.F_DEPTH_TAIL: crowd.depth_tail, ref.F_DEPTH_SCALE: crowd.depth_scale,
                      ref.F_U_WEIGHT: 1.0 if crowd.shape == "u" else 0.0,
                      ref.F_SHARE: crowd.closing_share,
                      ref.F_OPENING: crowd.opening_share}  # fmt: skip
            return integers, floats, _size(crowd.size), 0
        case told.Value():
            floats = {ref.F_REVERSION: crowd.reversion_per_ns, ref.F_BAR: centre,
                      ref.F_VARIANCE: crowd.observation_variance,
                      ref.F_RATE: crowd.arrivals_per_ns,
                      ref.F_AGGRESSIVE: crowd.aggressive_share,
                      ref.F_WANDER: crowd.wander_variance,
                      ref.F_SHARE: crowd.closing_share,
                      ref.F_PASSIVE: crowd.passive_share}  # fmt: skip
            integers = {ref.U_DEPTH: crowd.depth, ref.U_EDGE: crowd.edge,
                        ref.U_CONVICTION: crowd.conviction}  # fmt: skip
            return integers, floats, _size(crowd.size), 0
        case told.Momentum():
            integers = {ref.U_FAST: crowd.fast, ref.U_SLOW: crowd.slow}
            return integers, {ref.F_RATE: float(crowd.every)}, crowd.size, crowd.slow
        case told.AdaptiveMaker():
            integers = {ref.U_LEVELS: crowd.levels, ref.U_SPACING: crowd.spacing,
                        ref.U_MINIMUM: crowd.minimum_size, ref.U_BACKSTOP: crowd.backstop,
                        ref.U_SPACING_TICKS: crowd.spacing_ticks}  # fmt: skip
            floats = {ref.F_SHARE: crowd.share, ref.F_SPREAD_WEIGHT: crowd.spread_weight,
                      ref.F_RATE: float(crowd.every), ref.F_SKEW: crowd.skew,
                      ref.F_BAR: float(crowd.first_spread)}  # fmt: skip
            return integers, floats, _MIXTURE, 0
        case _:
            return _flow_settings(crowd)


def _flow_settings(
    crowd: told.Crowd,
) -> tuple[dict[int, int], dict[int, float], tuple[int, int], int]:
    match crowd:
        case told.Hawkes():
            rate = crowd.rate_per_second / 1e9
            floats = {ref.F_RATE: rate, ref.F_BRANCHING: crowd.branching,
                      ref.F_DECAY: 1.0 / float(crowd.decay), ref.F_MARKET: crowd.market_share,
                      ref.F_SHARE: crowd.cancel_share, ref.F_U_WEIGHT: crowd.u_weight,
                      ref.F_DEPTH_TAIL: crowd.depth_tail, ref.F_DEPTH_SCALE: crowd.depth_scale,
                      ref.F_PASSIVE: crowd.inside_share}  # fmt: skip
            return {flow.U_LONGEST_DEPTH: crowd.depth}, floats, _size(crowd.size), 0
        case told.Spoofer():
            integers = {flow.U_LAYERS: crowd.layers, flow.U_LAYER_SIZE: crowd.layer_size,
                        flow.U_DISTANCE: crowd.distance, flow.U_HOLD: int(crowd.hold)}  # fmt: skip
            return integers, {ref.F_RATE: float(crowd.every)}, _size(crowd.size), 0
        case told.Ignition():
            integers = {flow.U_BURST: crowd.burst, flow.U_GAP: int(crowd.gap),
                        flow.U_UNWIND: int(crowd.unwind_after)}  # fmt: skip
            return integers, {ref.F_RATE: float(crowd.every)}, _size(crowd.size), 0
        case _:
            raise AssertionError(f"{tag_of(crowd)} has no compiled traders")
