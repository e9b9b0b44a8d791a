"""The daemon on real processes: what is killed comes back, and nothing is lost, doubled or unowned.

One daemon lives through all of it, as one does; a longer storm is `make chaos`.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.daemon import Processes
from tests.process.soundness import assert_sound
from tests.process.venue_record import assert_halted


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Processes, str]]:
    """A daemon whose swarm died as an order left, and what `outcry status` said of it then."""
    processes = Processes(tmp_path_factory.mktemp("daemon"))
    try:
        processes.add_person()
        processes.start_to_die("after_send", 2)  # All steps of an order: test_kills, slow.
        shown = processes.command("status", str(processes.file)).stdout
        processes.start()
        yield processes, shown
    finally:
        processes.close()


@pytest.fixture(scope="module")
def daemon(died: tuple[Processes, str]) -> Processes:
    """The same, trading again."""
    processes, _ = died
    found = assert_sound(processes)
    assert found["swarm"]["epoch"] == 2
    processes.lift()  # It was silent for more than 3 s.
    processes.wait_traded(4)
    return processes


def test_status_of_a_dead_swarm_is_not_its_last_words(died: tuple[Processes, str]) -> None:
    assert "swarm: DEAD" in died[1]
    assert "as the desk sees" not in died[1]


def test_swarm_killed_as_its_order_left_comes_back_and_knows_what_it_has(
    daemon: Processes,
) -> None:
    found = assert_sound(daemon)
    assert found["swarm"]["desk"] == "active"
    shown = json.loads(daemon.command("status", str(daemon.file), "--json").stdout)
    assert shown.keys() == found.keys()
    assert shown["swarm"]["process"] == daemon.process_of("swarm")


def test_metrics_count_and_name_no_money(daemon: Processes) -> None:
    status, page = daemon.get("/metrics")
    assert status == 200
    assert 'outcry_desk_state{state="active"} 1.0' in page
    assert 'outcry_handled_total{actor="desk/custodian"}' in page
    assert float(page.split("outcry_tick_to_order_seconds_count ")[1].split()[0]) > 0
    words = {"price", "pnl", "profit", "position", "cash", "notional", "aapl"}
    assert not words & set(page.lower().replace("_", " ").replace('"', " ").split())
    assert float(page.split("\noutcry_journal_lag_bytes ")[1].split()[0]) >= 0
    assert float(page.split("\noutcry_journal_steps_total ")[1].split()[0]) > 0
    assert daemon.get("/health") == (200, "ok\n")
    assert daemon.get("/ready") == (200, "ready\n")


def test_second_instance_is_refused(daemon: Processes) -> None:
    done = daemon.command("live", str(daemon.file))
    assert done.returncode == 2
    assert "another swarm runs from this folder" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_killed_venue_is_started_again_and_its_orders_are_over(daemon: Processes) -> None:
    before = daemon.wait_agreed()
    daemon.kill("venue")
    daemon.wait(lambda: daemon.status()["account"], "a venue again")
    found = daemon.wait_agreed()
    assert found["account"]["sequence"] >= before["account"]["sequence"]
    daemon.lift()
    daemon.wait_traded(2)


@pytest.mark.slow
def test_killed_watchdog_is_started_again(daemon: Processes) -> None:
    old = daemon.kill("watchdog")
    daemon.wait(lambda: daemon.status()["account"], "a watchdog again")
    assert daemon.process_of("watchdog") != old


def test_halt_stops_a_swarm_that_hangs_and_it_stays_stopped(daemon: Processes) -> None:
    daemon.wait_agreed()
    swarm = daemon.stop_with_orders()
    done = daemon.command("halt", str(daemon.file))
    assert done.returncode == 0, done.stderr
    assert "0 orders work at the venue" in done.stdout
    assert_halted(daemon)
    os.kill(swarm, signal.SIGCONT)
    daemon.wait_state("halted")  # It woke up, sent what it had, and was told.
    assert_halted(daemon)
    assert daemon.get("/ready")[0] == 503
    assert daemon.status()["halted"] == "outcry halt"


@pytest.mark.slow
def test_only_a_person_with_a_password_resumes_a_step_at_a_time(daemon: Processes) -> None:
    assert daemon.command("halt", str(daemon.file)).returncode == 0
    assert daemon.resume(password="wrong").returncode == 1
    (daemon.folder / "HALT").unlink()
    time.sleep(1)
    assert daemon.status()["halted"]  # Deleting the file resumes nothing.
    daemon.wait_agreed()
    for state in ("reducing", "active"):  # One step each.
        done = daemon.resume()
        assert done.returncode == 0, done.stdout
        daemon.wait_state(state)
    daemon.wait_traded(2)


@pytest.mark.slow
def test_halt_file_stops_as_well(daemon: Processes) -> None:
    (daemon.folder / "HALT").touch()
    daemon.wait(lambda: daemon.status()["halted"], "a halt")
    daemon.wait(lambda: not daemon.status()["account"]["orders"], "no order at the venue", 10)


def test_term_ends_all_three_in_order(daemon: Processes) -> None:
    others = [daemon.process_of(name) for name in ("venue", "watchdog")]
    daemon.kill("swarm", signal.SIGTERM)
    assert daemon.swarm is not None
    assert daemon.swarm.wait(30) == 0
    daemon.wait(lambda: not any(Path(f"/proc/{number}").exists() for number in others), "the end")
    chain = json.loads(daemon.command("audit", "verify", str(daemon.folder), "--json").stdout)
    assert (chain["fault"], chain["subject"]) == ("", "floor")
    assert chain["records"] > 0
    assert daemon.command("journal", "stats", str(daemon.folder)).returncode == 0
