"""How a run ends when something is in its way: a signal, a full disk, bad data, a bad setting."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from environment.record.journal import JournalReader
from scenarios.builders.warm_up import compile_all
from scenarios.places import SHIPPED
from scenarios.protocol import PROTOCOL
from scenarios.run.result import RunResult

OUTCRY = Path(sys.executable).with_name("outcry")
SHORT = ("--set", "session.closes=09:35")


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    """Nothing here is about compilation, and a full disk has no room for its cache."""
    compile_all()


def outcry(
    *arguments: str, cwd: Path, bytes_a_file: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command, with a limit on the size of files where one is given."""

    def limit() -> None:
        if bytes_a_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))

    return subprocess.run(
        [str(OUTCRY), *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False, preexec_fn=limit,
    )  # fmt: skip


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit 2, one line, the words in it, and no traceback."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("outcry:")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in lines[0]] == [], lines[0]


def assert_looks_unfinished(folder: Path) -> None:
    """Nothing in a folder passes for a finished run, and what has its final name is whole."""
    assert not (folder / "manifest.json").exists()
    assert not (folder / "summary.json").exists()
    assert list(folder.glob(".*.part")) == []
    for table in folder.glob("*.parquet"):
        pl.read_parquet(table)


def begun(folder: Path) -> subprocess.Popen[str]:
    """Start a run and return once it has recorded something."""
    command = [str(OUTCRY), "run", "opening_bell", "--out", str(folder), "--json"]
    process = subprocess.Popen(
        command, cwd=folder.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = folder / "journal.msgpack"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 200_000):
        assert time.monotonic() < deadline, "the run has not begun"
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


# --- signals -----------------------------------------------------------------------------------


def test_ctrl_c_ends_a_run_whose_record_is_readable_and_replays(tmp_path: Path) -> None:
    process = begun(tmp_path / "run")
    process.send_signal(signal.SIGINT)
    shown, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in complaints
    result = RunResult.open(tmp_path / "run")
    assert not result.complete
    assert result.trades.height == json.loads(shown)["trades"] > 0
    assert 0 < result.summary["simulated_seconds"] < 26_000
    replayed = outcry("replay", "run", "--json", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert json.loads(replayed.stdout)["partial"]


def test_killed_run_leaves_a_journal_that_replays_as_far_as_it_goes(tmp_path: Path) -> None:
    process = begun(tmp_path / "run")
    process.kill()
    process.communicate(timeout=60)
    assert_looks_unfinished(tmp_path / "run")
    reader = JournalReader((tmp_path / "run/journal.msgpack").read_bytes(), PROTOCOL)
    kept = sum(1 for _ in reader)
    assert reader.is_partial
    replayed = json.loads(outcry("replay", "run", "--json", cwd=tmp_path).stdout)
    assert (replayed["same"], replayed["partial"], replayed["records"]) == (True, True, kept)


# --- disks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "size"), [("opening_bell", 100_000), ("rmsc04", 60_000)])
def test_full_disk_ends_a_run_with_one_line(tmp_path: Path, scenario: str, size: int) -> None:
    done = outcry(
        "run", scenario, *SHORT, "--out", "run", "--json", cwd=tmp_path, bytes_a_file=size
    )
    assert_refused(done, "cannot write", "file too large", "--out")
    assert_looks_unfinished(tmp_path / "run")


def test_full_disk_takes_away_the_look_of_an_older_whole_run(tmp_path: Path) -> None:
    assert outcry("run", "rmsc04", *SHORT, "--out", "run", "--json", cwd=tmp_path).returncode == 0
    outcry("run", "rmsc04", *SHORT, "--out", "run", "--json", cwd=tmp_path, bytes_a_file=60_000)
    assert_looks_unfinished(tmp_path / "run")


def test_file_in_the_way_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    done = outcry("run", "rmsc04", *SHORT, "--out", "run", "--json", cwd=tmp_path)
    assert_refused(done, "run", "a file is in the way")
    inside = outcry("run", "rmsc04", *SHORT, "--out", "run/below", "--json", cwd=tmp_path)
    assert_refused(inside, "a part of this path is a file")


@pytest.mark.parametrize("place", ["/proc/outcry", "/sys/outcry"])
def test_folder_that_nobody_may_write_is_one_line(tmp_path: Path, place: str) -> None:
    done = outcry("run", "rmsc04", *SHORT, "--out", place, "--json", cwd=tmp_path)
    assert_refused(done, "cannot write", place, "--out")


# --- data --------------------------------------------------------------------------------------


def scenario_with_bars(folder: Path, content: bytes) -> Path:
    """Write opening_bell with a bar file of its own beside it."""
    text = (SHIPPED / "opening_bell.toml").read_text()
    name = "scenarios/data/aapl_2014-06-06_minute.csv.gz"
    assert name in text
    (folder / "bars.csv.gz").write_bytes(content)
    shutil.copy(SHIPPED.parent / "agents.toml", folder)
    path = folder / "mine.toml"
    path.write_text(text.replace(name, "bars.csv.gz"))
    return path


def bars() -> bytes:
    """Return the shipped minute bars as they lie on disk."""
    return (SHIPPED / "data/aapl_2014-06-06_minute.csv.gz").read_bytes()


def test_truncated_data_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    path = scenario_with_bars(tmp_path, bars()[:-2_000])
    done = outcry("run", str(path), "--out", "run", "--json", cwd=tmp_path)
    assert_refused(done, "bars.csv.gz")
    assert_looks_unfinished(tmp_path / "run")


def test_missing_data_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    path = scenario_with_bars(tmp_path, bars())
    (tmp_path / "bars.csv.gz").unlink()
    assert_refused(outcry("run", str(path), "--out", "run", cwd=tmp_path), "bars.csv.gz")


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_journal_cut_short_is_refused_or_replayed_as_far_as_it_goes(
    tmp_path: Path, cut: int
) -> None:
    assert outcry("run", "rmsc04", *SHORT, "--out", "run", "--json", cwd=tmp_path).returncode == 0
    journal = tmp_path / "run/journal.msgpack"
    journal.write_bytes(journal.read_bytes()[:cut])
    done = outcry("replay", "run", "--json", cwd=tmp_path)
    if cut >= 0:
        assert_refused(done, "journal.msgpack")
    else:
        told = json.loads(done.stdout)
        assert told["partial"]
        # All that is left comes out again, and yet it is not what the finished run wrote.
        assert (done.returncode, told["same"]) == (1, False)
        assert "is not the journal that the run wrote" in told["difference"]


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("crowds.noise.count=-1", "crowds.noise.count"),
        ("crowds.noise.count=many", "crowds.noise.count"),
        ("crowds.nois.count=5", "crowds.nois"),
        ("crowd=robots", "crowd"),
        ("nonsense=1", "nonsense"),
        ("crowds.noise.count", "crowds.noise.count"),
        ("session.closes=08:00", "session"),
        ("session.date=2021-02-06", "session.date"),
        ("seed=-3", "seed"),
        ("account.margin=none", "account.margin"),
    ],
)
def test_bad_setting_is_one_line_that_names_the_key(
    tmp_path: Path, setting: str, word: str
) -> None:
    done = outcry("run", "rmsc04", "--set", setting, "--out", "run", "--json", cwd=tmp_path)
    assert_refused(done, word)
    assert not (tmp_path / "run").exists() or list((tmp_path / "run").iterdir()) == []
