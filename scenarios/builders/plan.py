"""What a configuration comes to on its first day, before anything is compiled or allocated."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument, make_equity
from environment.market.calendar import Session
from scenarios.builders import options as build_options
from scenarios.builders.calendars import calendar_of
from scenarios.builders.checks import planned_sessions
from scenarios.builders.curves import world_curves
from scenarios.builders.floor import Factory
from scenarios.builders.options import OptionsPlan
from scenarios.builders.paths import PathState, paths_of_day
from scenarios.builders.replay import Recorded, as_recorded
from scenarios.builders.surface import ListedOptions, listed_options
from scenarios.config.load import Config


@dataclass(frozen=True)
class Plan:
    """What the configuration says of the first day, before anything is compiled or allocated."""

    config: Config
    recorded: Recorded | None
    sessions: tuple[Session, ...]
    instruments: tuple[Instrument, ...]
    state: PathState
    paths: dict[str, NDArray[np.float64]]
    agents: dict[str, Factory]
    options: OptionsPlan = field(default_factory=OptionsPlan)
    chains: tuple[ListedOptions, ...] = ()

    @property
    def numbers(self) -> dict[str, int]:
        """Return the core's number of each name: the stocks, then the series and their reserve."""
        stocks = {instrument.symbol: n for n, instrument in enumerate(self.instruments)}
        return stocks | self.options.names

    @property
    def starts(self) -> dict[str, int]:
        """Return where each instrument's price begins, in ticks."""
        found = {symbol: round(float(path[0])) for symbol, path in self.paths.items()}
        if self.recorded is not None:
            found[self.recorded.instrument.symbol] = self.recorded.first_mid_ticks
        return found


def make_plan(config: Config, agents: dict[str, Factory]) -> Plan:
    """Return what a configuration comes to; raises ConfigError for what only data can say."""
    recorded: Recorded | None = None
    if config.scenario.recording is not None:
        config, recorded = as_recorded(config)
    scenario = config.scenario
    if recorded is not None:
        sessions: tuple[Session, ...] = (recorded.session,)
        instruments: tuple[Instrument, ...] = (recorded.instrument,)
    else:
        sessions = planned_sessions(config)
        instruments = tuple(
            make_equity(told.symbol, tick=told.tick, lot=told.lot) for told in scenario.instruments
        )
    state = PathState()
    paths = paths_of_day(config, sessions[0], 1, state)
    plan = Plan(config, recorded, sessions, instruments, state, paths, agents)
    if recorded is not None:
        return plan
    options = build_options.plan_options(config, sessions, instruments, plan.starts)
    if not options.series:
        return plan
    calendar = calendar_of(scenario.session.calendar)
    curves = world_curves(config, sessions[0].date, calendar)
    chains = listed_options(config, sessions[0], calendar, plan.starts, curves, options)
    return dataclasses.replace(plan, options=options, chains=chains)
