"""Delays of the configuration as the core's latency classes and as the kernel's models."""

from environment.actors.latency import (
    Constant as ConstantModel,
    HeavyTailed as HeavyTailedModel,
    LatencySetting,
    Lognormal as LognormalModel,
    Normal as NormalModel,
)
from environment.errors import ConfigError
from environment.market import layout as at
from environment.market.market import Market
from llm.cassette import fitted_delay, read_entries
from scenarios.config.delays import (
    Constant,
    Delay,
    EffectDelay,
    HeavyTailed,
    LogNormal,
    Measured,
    Normal,
)
from scenarios.config.load import Config

_MILLION = 1_000_000


def model_of(delay: Delay) -> LatencySetting:
    """Return the kernel's model of a delay."""
    match delay:
        case Constant(value=value):
            return ConstantModel(nanoseconds=max(int(value), 1))
        case Normal(mean=mean, deviation=deviation, longest=longest):
            return NormalModel(
                mean_ns=int(mean), deviation_ns=int(deviation), longest_ns=int(longest)
            )
        case LogNormal(median=median, sigma=sigma, longest=longest):
            return LognormalModel(median_ns=int(median), sigma=sigma, longest_ns=int(longest))
        case HeavyTailed(shortest=shortest, tail_index=tail, longest=longest):
            return HeavyTailedModel(
                shortest_ns=int(shortest), tail_index=tail, longest_ns=int(longest)
            )


def effect_model(config: Config, delay: EffectDelay) -> LatencySetting:
    """Return the kernel's model of when an answer is there.

    Raises
    ------
    ConfigError
        If it is to be measured, and a cassette cannot be read or holds fewer than two answers.
    """
    if not isinstance(delay, Measured):
        return model_of(delay)
    fitted = fitted_delay(read_entries(config.find(delay.path)))
    if fitted is None:
        raise ConfigError(
            f"{delay.path}: expected at least two answers to measure, found fewer; record more, or "
            'give kind = "lognormal"'
        )
    return LognormalModel(
        median_ns=round(fitted["median_ms"] * _MILLION), sigma=fitted["sigma"],
        longest_ns=int(delay.longest),
    )  # fmt: skip


def class_of(market: Market, delay: Delay) -> int:
    """Add a delay to the core as a latency class and return its number."""
    match delay:
        case Constant(value=value):
            return market.add_latency(at.LAT_CONSTANT, max(int(value), 1))
        case Normal(mean=mean, deviation=deviation, longest=longest):
            return market.add_latency(at.LAT_NORMAL, int(mean), int(deviation), int(longest))
        case LogNormal(median=median, sigma=sigma, longest=longest):
            spread = round(sigma * _MILLION)
            return market.add_latency(at.LAT_LOGNORMAL, int(median), spread, int(longest))
        case HeavyTailed(shortest=shortest, tail_index=tail, longest=longest):
            median = round(int(shortest) * 2.0 ** (1.0 / tail))
            return market.add_latency(at.LAT_PARETO, median, round(tail * _MILLION), int(longest))
