"""A run as a Mesa model, with Mesa as it comes."""

import subprocess
import sys
from typing import Any

import mesa  # type: ignore[import-untyped]  # Mesa ships neither types nor a marker.
import pytest

from environment.market import layout as at
from scenarios.world import ActorView, PopulationView, World
from tests.conformance.scenarios.runs import SHORT, SMALL_ACTORS, finished

CLOSES: dict[str, Any] = {"session.closes": "09:35"}


@pytest.mark.parametrize("step", ["1s", "61s", "90m"])
def test_any_step_gives_the_journal_of_the_run(step: str) -> None:
    world = World("rmsc04", step=step, **CLOSES)
    world.run_model()
    assert world.journal_sha256 == finished("rmsc04").journal_sha256


def test_swarm_in_the_world_gives_the_journal_of_the_run() -> None:
    world = World("opening_bell", step="37s", **CLOSES)
    world.run_model()
    assert world.journal_sha256 == finished("opening_bell").journal_sha256


def test_actors_and_populations_are_agents_that_only_look() -> None:
    world = World("opening_bell", step="20m", **CLOSES)
    world.step()
    views = {view.address: view for view in world.agents}
    assert {"venue", "quant/trend", "crowd/noise"} <= set(views)
    assert isinstance(views["quant/trend"], ActorView)
    assert isinstance(views["crowd/noise"], PopulationView)
    assert views["venue"].cash == 1_000_000
    with pytest.raises(AttributeError):
        views["venue"].cash = 0


def test_crowd_of_actors_is_seen_one_by_one() -> None:
    overrides: dict[str, Any] = dict(setting.split("=") for setting in SMALL_ACTORS)
    world = World("rmsc04", step="90m", **overrides)
    world.step()
    traders = [view for view in world.agents if view.address.startswith("crowd/value/")]
    population = next(view for view in world.agents if view.address == "crowd/value")
    assert len(traders) == 20
    assert population.handled == sum(view.handled for view in traders) > 0
    assert population.position == sum(view.position for view in traders)


def test_datacollector_collects_a_row_a_step() -> None:
    world = World("rmsc04", step="4m", **CLOSES)
    world.run_model()
    frame = world.datacollector.get_model_vars_dataframe()
    assert len(frame) == world.steps + 1
    assert frame["trades"].is_monotonic_increasing
    assert frame["trades"].iloc[-1] == world.trades > 0
    agents = world.datacollector.get_agent_vars_dataframe()
    assert set(agents.columns) == set(World.AGENT_REPORTERS)


def test_batch_run_runs_every_seed_and_setting() -> None:
    parameters = {
        "scenario": "rmsc04", "seed": [1, 2], "step": "30m", "crowds.noise.count": [50, 100],
        **CLOSES,
    }  # fmt: skip
    rows = mesa.batch_run(World, parameters, display_progress=False)
    ends = {(row["seed"], row["crowds.noise.count"]): row["trades"] for row in rows}
    assert len(ends) == 4
    assert len(set(ends.values())) > 1
    alone = finished("rmsc04", (*SHORT, "crowds.noise.count=100"))
    assert ends[1, 100] == alone.world.market.arena[at.H_TRADES]


def test_command_line_loads_neither_mesa_nor_compiler_nor_frames() -> None:
    code = "import scenarios.cli.main, sys\n"
    code += "print(sorted({'mesa', 'numba', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_run_loads_no_mesa() -> None:
    code = "import scenarios.notebook, sys; print('mesa' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
