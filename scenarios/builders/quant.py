"""From the configuration to the quantitative agents that only say what they think."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from agents.quant.flow_imbalance import FlowImbalance, FlowImbalanceSettings
from agents.quant.mean_reversion import MeanReversion, MeanReversionSettings
from agents.quant.trend import Trend, TrendSettings
from agents.quant.volatility_forecast import DailyBar
from agents.quant.volatility_premium import PremiumSettings, VolatilityPremium
from environment.actors import Actor, ActorRef
from environment.errors import ConfigError
from environment.feeds.bars import read_bars
from environment.feeds.files import FeedError
from environment.instruments import Instrument
from scenarios.config import swarm as told
from scenarios.config.load import Config


def quant_factory(
    config: Config, agent: told.Agent, chosen: tuple[Instrument, ...], day: date,
    coordinator: ActorRef[Any],
) -> Callable[[], Actor[Any]] | None:  # fmt: skip
    """Return what makes each incarnation of an agent, or None where its kind is none of these."""
    symbols = tuple(instrument.symbol for instrument in chosen)
    match agent:
        case told.Trend():
            trend = TrendSettings(
                instruments=symbols, fast_ns=int(agent.fast), slow_ns=int(agent.slow)
            )
            return lambda: Trend(coordinator, trend)
        case told.MeanReversion():
            reversion = MeanReversionSettings(
                instruments=symbols, length_ns=int(agent.length), entry=agent.entry,
                leave=agent.leave,
            )  # fmt: skip
            return lambda: MeanReversion(coordinator, reversion)
        case told.FlowImbalance():
            flow = FlowImbalanceSettings(
                instruments=symbols, interval_ns=int(agent.interval), entry=agent.entry
            )
            return lambda: FlowImbalance(coordinator, flow)
        case told.VolatilityPremium():
            premium = _premium_settings(config, agent, symbols, day)
            return lambda: VolatilityPremium(coordinator, premium)
        case _:
            return None


def _premium_settings(
    config: Config, agent: told.VolatilityPremium, symbols: tuple[str, ...], day: date
) -> PremiumSettings:
    return PremiumSettings(
        instruments=symbols, structures=agent.mandate.structures,
        bars={symbol: daily_bars(config, agent.history, symbol, day) for symbol in symbols},
        entry=agent.entry, leave=agent.leave, days=agent.days, every_ns=int(agent.every),
    )  # fmt: skip


def daily_bars(config: Config, path: str, symbol: str, day: date) -> tuple[DailyBar, ...]:
    """Return a stock's daily bars up to the day before `day`: none where the file has none.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    try:
        frame = read_bars(config.find_for_swarm(path), last=day - timedelta(days=1)).of(symbol)
    except FeedError as error:
        raise ConfigError(f"history: {error}") from error
    columns = frame.select("date", "open", "high", "low", "close").iter_rows()
    return tuple(DailyBar(str(when), *prices) for when, *prices in columns)
