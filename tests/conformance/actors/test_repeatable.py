"""Same seed, same inputs: the same run, however it is sliced, forked, paced or interrupted."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from environment.actors import Protocol
from environment.actors.simulation_kernel import fork
from environment.record.journal import Input, JournalReader
from tests.conformance.actors.cast import PROTOCOL, MakeStage, make_simulation
from tests.conformance.actors.world import CLOSE_NS, NOON_NS, World, settings


@pytest.fixture(name="make_stage")
def only_simulated(make_simulated: MakeStage) -> MakeStage:
    """Return a simulated stage: real time repeats nothing."""
    return make_simulated


TIES = pytest.mark.parametrize("ties", ["sequence", "seeded"])
HERE = Path(__file__)


def records(world: World) -> list[Any]:
    """Return the journal's records."""
    return list(JournalReader(world.disk.read("journal"), Protocol(PROTOCOL)))


@TIES
def test_world_is_busy_and_repeats(make_stage: MakeStage, ties: str) -> None:
    one, two = (World(make_stage, settings(ties=ties)) for _ in range(2))
    assert one.run(CLOSE_NS) == two.run(CLOSE_NS)
    counts = records(one)[-1].counts
    assert min(counts[kind] for kind in ("Sent", "Step", "Input", "Failed")) > 10
    assert one.stage.kernel.statistics().handled > 2_000


def test_seeds_and_ties_make_different_runs(make_stage: MakeStage) -> None:
    given = (settings(), settings(seed=4), settings(ties="seeded"))
    assert len({World(make_stage, one).run(CLOSE_NS) for one in given}) == 3


@TIES
@pytest.mark.parametrize("slice_ns", [1_000, 12_345])
def test_slicing_changes_nothing(make_stage: MakeStage, ties: str, slice_ns: int) -> None:
    whole = World(make_stage, settings(ties=ties)).run(CLOSE_NS)
    stops = [*range(0, CLOSE_NS, slice_ns), CLOSE_NS]
    assert World(make_stage, settings(ties=ties)).run(*stops) == whole


def test_slices_of_one_nanosecond_change_nothing(make_stage: MakeStage) -> None:
    assert World(make_stage).run(*range(2_001)) == World(make_stage).run(2_000)


@TIES
def test_run_forked_at_noon_goes_on_as_the_run_not_forked(make_stage: MakeStage, ties: str) -> None:
    whole = World(make_stage, settings(ties=ties))
    whole.run(CLOSE_NS)
    morning, afternoon = (World(make_stage, settings(ties=ties)) for _ in range(2))
    morning.stage.kernel.run_until(NOON_NS)
    fork(morning.stage.kernel, lambda: afternoon.stage.kernel)
    morning.run()
    afternoon.run(CLOSE_NS)
    assert records(morning)[:-1] + records(afternoon)[:-1] == records(whole)[:-1]
    assert afternoon.stage.kernel.snapshot() == whole.stage.kernel.snapshot()


def test_fork_leaves_the_first_run_as_it_was(make_stage: MakeStage) -> None:
    first, second = World(make_stage), World(make_stage)
    first.stage.kernel.run_until(NOON_NS)
    before = first.stage.kernel.snapshot()
    fork(first.stage.kernel, lambda: second.stage.kernel)
    second.run(CLOSE_NS)
    assert first.stage.kernel.snapshot() == before


def test_effects_under_way_can_end_as_lost(make_stage: MakeStage) -> None:
    first, second = World(make_stage), World(make_stage)
    first.stage.kernel.run_until(NOON_NS)
    second.stage.kernel.restore(first.stage.kernel.snapshot(), effects="lost")
    second.run(CLOSE_NS)
    reasons = {
        getattr(record.envelope.message, "reason", "")
        for record in records(second)
        if isinstance(record, Input)
    }
    assert reasons == {"", "lost"}


def test_snapshot_of_another_cast_is_refused(make_stage: MakeStage) -> None:
    data = World(make_stage, idle=1).stage.kernel.snapshot()
    with pytest.raises(Exception, match="build the run that was recorded"):
        World(make_stage).stage.kernel.restore(data)


def test_idle_actor_changes_nobody_elses_draws(make_stage: MakeStage) -> None:
    alone, watched = World(make_stage), World(make_stage, idle=3)
    alone.run(CLOSE_NS)
    watched.run(CLOSE_NS)
    heard = [[row[:2] for row in state.heard] for state in alone.histories()]
    assert [[row[:2] for row in state.heard] for state in watched.histories()] == heard
    assert [s.total for s in watched.histories()] == [s.total for s in alone.histories()]


def test_time_order_holds_for_every_actor(make_stage: MakeStage) -> None:
    world = World(make_stage)
    world.run(CLOSE_NS)
    for state in world.histories():
        assert all(one[0] <= two[0] for one, two in pairwise(state.heard))


def test_causes_lead_back_to_a_beginning(make_stage: MakeStage) -> None:
    world = World(make_stage)
    world.run(CLOSE_NS)
    kept = [r.envelope if isinstance(r, Input) else r for r in records(world)]
    by_id = {record.id: record for record in kept if hasattr(record, "chain")}
    for envelope in by_id.values():
        if envelope.cause in by_id and envelope.sender != "engine":
            assert envelope.chain == by_id[envelope.cause].chain


@pytest.mark.slow
def test_hash_seed_changes_nothing() -> None:
    """Two processes with other hash seeds write the same journal."""
    program = f"import runpy; runpy.run_path({str(HERE)!r}, run_name='__main__')"
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=HERE.parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert digests == {World(make_simulation).run(CLOSE_NS) + "\n"}


if __name__ == "__main__":
    print(World(make_simulation).run(CLOSE_NS))
