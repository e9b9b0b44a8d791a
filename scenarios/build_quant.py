"""From the configuration to the quantitative agents that only say what they think."""

from collections.abc import Callable
from typing import Any

from agents.quant.flow_imbalance import FlowImbalance, FlowImbalanceSettings
from agents.quant.mean_reversion import MeanReversion, MeanReversionSettings
from agents.quant.trend import Trend, TrendSettings
from environment.actors import Actor, ActorRef
from environment.instruments import Instrument
from scenarios import config_swarm as told


def quant_factory(
    agent: told.Agent, chosen: tuple[Instrument, ...], coordinator: ActorRef[Any]
) -> Callable[[], Actor[Any]] | None:
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
        case _:
            return None
