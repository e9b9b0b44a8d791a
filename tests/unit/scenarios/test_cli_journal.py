"""`outcry journal`: lines, filters, counts, and one line for a mistake."""

import json
from pathlib import Path

import pytest

from environment.errors import ConfigError
from environment.record.faulty_disk import FaultyDisk
from scenarios.cli.journal import moment_of, time_text
from scenarios.cli.main import run_command
from tests.unit.record.durable import Desk


@pytest.fixture(name="place")
def state_folder(tmp_path: Path) -> str:
    """Return a state folder with a journal inside."""
    desk = Desk(FaultyDisk()).say("1", "out")
    (tmp_path / "journal").mkdir()
    for name, file in desk.disk.files.items():
        (tmp_path / "journal" / name).write_bytes(file.data)
    return str(tmp_path)


def test_show_prints_a_line_for_each_entry(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["journal", "show", place, "--actor", "door"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1970-01-01T00:00:00.0000000")
    assert "first > door: Note text=1" in out
    assert "no End" in err


def test_grep_and_json_and_limit(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["journal", "grep", "text=1", place, "--json", "--limit", "1"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["message"]["text"] == "1"
    assert "more than 1 lines" in err


def test_stats_counts_as_json_and_as_text(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["journal", "stats", place, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kinds"]["Step"], found["epochs"]) == (4, 1)
    assert run_command(["journal", "stats", place]) == 0
    assert "epochs    1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "nowhere"],
        ["grep", "(", "PLACE"],
        ["show", "PLACE", "--from", "soon"],
        ["show", "PLACE", "--chain", "77"],
    ],
)
def test_mistake_is_one_line_and_exit_status_two(
    place: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [place if word == "PLACE" else word for word in arguments]
    assert run_command(["journal", *given]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_moments_are_read_and_written_in_utc() -> None:
    assert time_text(moment_of("2026-03-02T14:30", 0)) == "2026-03-02T14:30:00.000000000Z"
    assert moment_of("2026-03-02T14:30+01:00", 0) == moment_of("2026-03-02T13:30", 0)
    assert (moment_of("17", 0), moment_of("", 5)) == (17, 5)
    with pytest.raises(ConfigError, match="soon"):
        moment_of("soon", 0)
