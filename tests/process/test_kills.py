"""Processes killed at every step of an order's life, on a full disk, with a clock that is set.

One daemon lives through all of it. What must hold afterwards stands in `soundness`. One of these
points is in the default run, in `test_daemon`; all of them run with `-m slow`.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.daemon import DYING, Processes
from tests.process.dying import SWARM_POINTS, VENUE_POINTS
from tests.process.soundness import assert_sound
from tests.process.venue_record import assert_halted

pytestmark = pytest.mark.slow
NTH = 3  # The first orders find an empty journal.


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    processes = Processes(tmp_path_factory.mktemp("kills"))
    try:
        processes.add_person()
        yield processes
    finally:
        processes.close()


def goes_on(daemon: Processes) -> None:
    """Start, see that all is sound, and that it trades."""
    daemon.start()
    assert_sound(daemon)
    daemon.lift()
    daemon.wait_traded(2)
    assert_sound(daemon)


def end(daemon: Processes) -> None:
    """End what runs, in order, and see that it does."""
    if daemon.swarm is not None and daemon.swarm.poll() is None:
        daemon.kill("swarm", signal.SIGTERM)
        assert daemon.swarm.wait(60) == 0


@pytest.mark.parametrize("point", SWARM_POINTS)
def test_swarm_killed_at_a_step_of_an_order_comes_back_sound(daemon: Processes, point: str) -> None:
    end(daemon)
    daemon.start_to_die(point, NTH)
    goes_on(daemon)


@pytest.mark.parametrize("point", VENUE_POINTS)
def test_venue_killed_at_a_step_of_an_order_loses_nothing(daemon: Processes, point: str) -> None:
    end(daemon)
    daemon.launch_part([*DYING, "venue", point, str(NTH), str(daemon.file)])
    daemon.start()
    log = daemon.folder / "log" / "swarm.jsonl"
    before = log.read_text().count("started again")
    daemon.wait(lambda: log.read_text().count("started again") > before, "a venue started again")
    assert_sound(daemon)
    daemon.lift()
    daemon.wait_traded(2)
    assert_sound(daemon)


def test_term_under_load_ends_in_order_and_nothing_is_unknown(daemon: Processes) -> None:
    end(daemon)
    daemon.start()
    daemon.lift()
    for _ in range(3):
        daemon.wait_traded(4)
        daemon.kill("swarm", signal.SIGTERM)  # Somewhere in an order's life.
        assert daemon.swarm is not None
        assert daemon.swarm.wait(60) == 0
        daemon.start()
        assert assert_sound(daemon)["swarm"]["unknown"] == 0


@pytest.mark.parametrize("size", [60_000, 150_000])
def test_full_disk_ends_the_swarm_with_one_line_and_it_comes_back(
    daemon: Processes, size: int
) -> None:
    end(daemon)
    daemon.wait(lambda: not daemon.status()["account"], "the end of all")
    daemon.output.write_text("")
    assert daemon.start_small(size) == 2
    said = daemon.output.read_text()
    assert said.count("outcry: ") == 1, said
    assert "file too large" in said
    assert "Traceback" not in said
    goes_on(daemon)


@pytest.mark.parametrize("by_s", [-3_600, 3_600])
def test_wall_clock_that_is_set_lowers_the_desk_until_a_person_looked(
    daemon: Processes, tmp_path: Path, by_s: int
) -> None:
    end(daemon)
    offset = tmp_path / "offset"
    offset.write_text("0")
    daemon.start_with_clock(offset)
    daemon.lift()
    offset.write_text(str(by_s * 1_000_000_000))
    daemon.wait_state("reducing")
    assert "wall clock was set" in daemon.status()["swarm"]["reason"]
    assert_sound(daemon)
    daemon.lift()
    daemon.wait_traded(2)


def test_stopped_swarm_is_halted_and_takes_part_no_more(daemon: Processes) -> None:
    end(daemon)
    daemon.start()
    daemon.lift()
    daemon.wait_traded(2)
    swarm = daemon.stop_with_orders()
    assert "0 orders work" in daemon.command("halt", str(daemon.file)).stdout
    assert_halted(daemon)
    os.kill(swarm, signal.SIGCONT)
    daemon.wait_state("halted")
    assert_halted(daemon)
    assert_sound(daemon)
    daemon.lift()
    daemon.wait_traded(2)


def test_killed_watchdog_comes_back_and_still_halts(daemon: Processes) -> None:
    end(daemon)
    daemon.start()
    daemon.lift()
    daemon.kill("watchdog")
    daemon.wait(lambda: daemon.status()["account"], "a watchdog again")
    assert daemon.command("halt", str(daemon.file)).returncode == 0
    daemon.wait_state("halted")
    assert_sound(daemon)
