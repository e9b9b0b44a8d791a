"""Outcry in a notebook: one call runs a scenario, with agents of your own; one replays a run."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path

from scenarios.builders.floor import Factory, Floor
from scenarios.config.built import check_built
from scenarios.config.load import load_config
from scenarios.run.progress import Progress
from scenarios.run.replay import replay
from scenarios.run.result import RunResult
from scenarios.run.runner import run_scenario


def simulate(
    scenario: str,
    agents: Mapping[str, Factory] | None = None,
    *,
    seed: int | None = None,
    settings: Iterable[str] = (),
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Run a scenario and return its result.

    Parameters
    ----------
    scenario : str
        A shipped name, or a path to a .toml.
    agents : mapping of address to factory, optional
        Agents made in Python, beside those of the swarm file: each factory gets the floor, whose
        `portfolio` takes a `Signal` and whose `risk` takes an `OrderRequest`, and returns an actor.
        It is called again when the actor is restarted. Under `crowd/NAME` stands instead a class of
        your own for that population's traders (docs/crowd.md).
    seed : int, optional
        Seed of every random stream; the scenario's own by default.
    settings : strings such as "crowd=actors"
        Changes of single keys, as after --set.
    out : path, optional
        Folder for the results. Left out, they lie in a temporary one that goes with the result.
    progress : Progress, optional
        Who watches; nobody by default.

    Raises
    ------
    ConfigError
        If the configuration cannot run; one line names file, key and mend.
    OperatingError
        If the folder cannot be written.
    """
    config = load_config(scenario, settings, seed)
    check_built(config)
    folder = Path(tempfile.mkdtemp(prefix="outcry-")) if out is None else Path(out)
    try:
        result = run_scenario(config, folder, progress, dict(agents or {}))
    except BaseException:
        if out is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if out is None:
        weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


__all__ = ["Floor", "RunResult", "replay", "simulate"]
