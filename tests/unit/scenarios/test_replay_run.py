"""A short recording from file to report, alone and with the swarm inside it."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from environment.feeds.lobster import LobsterDay, write_lobster
from environment.market import layout as at
from scenarios.builders.replay import REPLAY
from scenarios.cli.main import run_command
from scenarios.config.load import load_config
from scenarios.run.runner import run_scenario
from tests.unit.market.replay_driver import DELETE, EXECUTE, NEW
from tests.unit.scenarios.test_build_replay import OPEN_NS, SECOND


def recording(folder: Path) -> Path:
    """Four minutes: both sides quoted anew each second, and the bid executed each fifth."""
    rows = []
    for second in range(240):
        time_ns, bid = OPEN_NS + (second + 1) * SECOND, 9_990 + second % 7
        for number, price, way in ((2 * second, bid, 1), (2 * second + 1, bid + 20, -1)):
            if second:
                left = 60 if way == 1 and second % 5 == 0 else 100
                rows.append((time_ns, DELETE, number - 1, left, _price(second - 1, way), way))
            rows.append((time_ns + 1, NEW, number + 1, 100, price * 100, way))
        if second % 5 == 4:
            rows.append((time_ns + 500, EXECUTE, 2 * second + 1, 40, bid * 100, 1))
    messages = np.array(sorted(rows, key=lambda row: row[0]), np.int64)
    return write_lobster(LobsterDay("ACME", date(2012, 6, 21), messages, None), folder)


def _price(second: int, way: int) -> int:
    return (9_990 + second % 7 + (0 if way == 1 else 20)) * 100


def run(tmp_path: Path, *settings: str) -> tuple[dict[str, Any], pl.DataFrame, Any]:
    config = load_config("replay_day", [f"recording={recording(tmp_path)}", *settings])
    result = run_scenario(config, tmp_path / "run")
    return result.summary, pl.read_parquet(tmp_path / "run" / REPLAY), result


@pytest.mark.slow
def test_alone_no_mid_moves_and_nothing_is_displaced(tmp_path: Path) -> None:
    summary, table, result = run(tmp_path, "swarm=" + str(empty_swarm(tmp_path)))
    told = summary["replay"]
    assert (told["displaced"], told["consumed"], told["seconds_apart"]) == (0, 0, 0)
    assert told["executed"] == 48 * 40
    assert told["rows"] == told["recorded_rows"]
    assert table["recorded_mid"].equals(table["simulated_mid"])
    assert (result.day.rows[:, at.T_KIND] == at.K_FILL).sum() == 48


@pytest.mark.slow
def test_swarm_inside_trades_through_the_desk(tmp_path: Path) -> None:
    summary, table, result = run(
        tmp_path, 'agents."practice/metronome".every=20s', "limits.order_quantity.hard=50"
    )
    told = summary["replay"]
    assert told["consumed"] > 0
    assert summary["accounts"]["swarm"]["trades"] > 0
    assert table["consumed"].to_list()[-1] == told["consumed"]
    page = result.report.read_text()
    assert "Recording and agents" in page
    assert "recording/resting" in page


def empty_swarm(folder: Path) -> Path:
    file = folder / "agents.toml"
    file.write_text('version = 1\nname = "nobody"\nswarm = []\n[agents]\n')
    return file


def test_damaged_recording_ends_with_status_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ACME_2012-06-21_x.zip"
    file.write_bytes(b"PK\x03\x04cut")
    out = tmp_path / "run"
    status = run_command(["run", "replay_day", "--set", f"recording={file}", "--out", str(out)])
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 2
    assert "archive is damaged" in said[-1]
    assert "Traceback" not in "\n".join(said)
    assert not (out / "summary.json").exists()
