"""From the configuration to who may be heard, and how boldly the portfolio acts on it."""

from collections.abc import Mapping
from typing import Final

from agents.desk.coordinator import CoordinatorSettings
from agents.desk.execution import ExecutionSettings
from agents.desk.portfolio import PortfolioSettings
from agents.desk.schedule import Session as Day
from agents.desk.sizing import SizingSettings
from agents.desk.structure_desk import StructureSettings
from environment.instruments import Instrument
from environment.market.calendar import Session
from scenarios.config import swarm as told
from scenarios.config.desk import Portfolio as ToldPortfolio
from scenarios.config.load import Config

# Kinds of agents that quote or ask for themselves: they have no views, and no silence.
ASK_FOR_THEMSELVES: Final = (told.Metronome, told.MarketMaker)


def coordinator_settings(
    instruments: tuple[Instrument, ...], swarm: Mapping[str, told.Agent], own: tuple[str, ...]
) -> CoordinatorSettings:
    """Return who may be heard on what: each within its mandate, a reader's own on everything."""
    sources: dict[str, tuple[str, ...]] = {}
    for instrument in instruments:
        told_ones = tuple(
            address
            for address, agent in swarm.items()
            if not isinstance(agent, ASK_FOR_THEMSELVES)
            and {instrument.symbol, f"{instrument.symbol}/options"} & {*agent.mandate.instruments}
        )
        sources[instrument.symbol] = told_ones + own
    return CoordinatorSettings(instruments=tuple(i.symbol for i in instruments), sources=sources)


def execution_settings(
    instruments: tuple[Instrument, ...], sessions: tuple[Session, ...],
    series: tuple[Instrument, ...],
) -> ExecutionSettings:  # fmt: skip
    """Return how parents are sliced over the days of a run."""
    days = tuple(Day(open_ns=s.open_ns, close_ns=s.close_ns) for s in sessions)
    return ExecutionSettings(instruments=instruments, sessions=days, series=series)


def portfolio_settings(
    config: Config, instruments: tuple[Instrument, ...], series: tuple[Instrument, ...]
) -> PortfolioSettings:
    """Return what the portfolio may hold, and how it goes about it."""
    chosen = ToldPortfolio() if config.swarm is None else config.swarm.portfolio
    sizing = SizingSettings(
        kelly_fraction=float(chosen.kelly),
        caution=float(chosen.caution),
        volatility_target=float(chosen.volatility_target),
        notional_cap_micros=1 << 60 if chosen.notional is None else int(chosen.notional),
        lots_cap=chosen.quantity,
        depth_share=float(chosen.depth_share),
        cost_multiple=float(chosen.cost_multiple),
    )
    return PortfolioSettings(
        instruments=instruments,
        cash_micros=int(config.scenario.account.cash),
        style=chosen.style,
        sizing=sizing,
        series=series,
        structures=StructureSettings(sizing=sizing),
    )
