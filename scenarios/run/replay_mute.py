"""What changes in a recorded run without one of its agents."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import polars as pl

from environment.errors import ConfigError, OperatingError
from environment.record.files import RunFolder
from scenarios.builders.floor import Factory
from scenarios.builders.warm_up import compile_all, compile_replay, compiling
from scenarios.config.built import check_built
from scenarios.config.errors import did_you_mean
from scenarios.config.load import Config
from scenarios.run.outcomes import MuteResult
from scenarios.run.progress import Progress, Silent
from scenarios.run.replay import Recorded
from scenarios.run.result import RunResult
from scenarios.run.runner import run_loop, write_tape


def mute(
    folder: str | Path, agent: str, agents: Mapping[str, Factory] | None = None,
    progress: Progress | None = None,
) -> MuteResult:  # fmt: skip
    """Run a journal's inputs again without one agent and return the figures of both runs.

    Parameters
    ----------
    agent : str
        Address of an agent of the swarm, of a scenario's actor, or of an agent made in Python.

    Raises
    ------
    ConfigError
        If no such agent was in the run.
    OperatingError
        If the run ended early, or its folder cannot be read: there is nothing to compare with.
    """
    recorded = Recorded(Path(folder))
    if recorded.is_partial:
        raise OperatingError(
            f"{recorded.folder} holds a run that ended early, which says nothing about its whole "
            f"day; run the scenario to its end first"
        )
    given = dict(agents or {})
    recorded.check_agents(given)
    config = without(recorded.config(), agent, tuple(given))
    check_built(config)
    others = {address: factory for address, factory in given.items() if address != agent}
    watched = progress or Silent()
    with tempfile.TemporaryDirectory(prefix="outcry-mute-") as place:
        watched.phase("compile", compiling())
        compile_all()
        if config.scenario.recording is not None:
            compile_replay()
        watched.phase("build")
        output = RunFolder(Path(place))
        loop = recorded.prepare(config, output.path, others, without=agent)
        watched.phase("loop")
        if not run_loop(loop, watched):
            loop.abandon()
            raise KeyboardInterrupt
        loop.finish()
        watched.phase("write")
        write_tape(loop, output)
        muted = figures_of(RunResult(output.path, {}))
    before = figures_of(RunResult.open(recorded.folder))
    names = [*before, *(name for name in muted if name not in before)]
    return MuteResult(
        agent=agent,
        figures={name: (before.get(name, 0.0), muted.get(name, 0.0)) for name in names},
    )


def without(config: Config, agent: str, in_python: tuple[str, ...] = ()) -> Config:
    """Return a configuration without one agent.

    Raises
    ------
    ConfigError
        If nobody of that address is in it.
    """
    swarm, scenario = config.swarm, config.scenario
    if swarm is not None and agent in swarm.swarm:
        left = tuple(address for address in swarm.swarm if address != agent)
        return msgspec.structs.replace(config, swarm=msgspec.structs.replace(swarm, swarm=left))
    if agent in scenario.actors:
        actors = {address: told for address, told in scenario.actors.items() if address != agent}
        scenario = msgspec.structs.replace(scenario, actors=actors)
        return msgspec.structs.replace(config, scenario=scenario)
    if agent in in_python:
        return config
    known = [*(swarm.swarm if swarm is not None else ()), *scenario.actors, *in_python]
    if not known:
        raise ConfigError(f"--mute {agent}: this run has no agents, only its crowd")
    raise ConfigError(f"--mute {agent}: no such agent in this run; {did_you_mean(agent, known)}")


def figures_of(result: RunResult) -> dict[str, float]:
    """Return what a run came to: trades, lots, last prices, and each population's profit."""
    figures = {
        "trades": float(result.trades.height),
        "lots traded": float(result.trades["quantity"].sum()),
    }
    closes = result.trades.group_by("instrument", maintain_order=True).agg(pl.last("price"))
    for row in closes.iter_rows(named=True):
        figures[f"last price of {row['instrument']}"] = float(row["price"])
    for row in result.populations.iter_rows(named=True):
        figures[f"profit of {row['population']}"] = float(row["pnl"])
        figures[f"position of {row['population']}"] = float(row["position"])
    return figures
