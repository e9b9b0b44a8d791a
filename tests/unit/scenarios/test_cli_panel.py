import json
import stat
from pathlib import Path

import pytest

from scenarios.cli.main import run_command
from scenarios.places import PROJECT_ROOT

AGENTS = str(PROJECT_ROOT / "agents.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "outcry" / "floor"


def user(*words: str) -> int:
    return run_command(["panel", "user", *words, "--file", AGENTS])


def test_new_person_gets_a_link_in_a_private_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user("add", "ana", "--role", "approver", "--role", "admin") == 0
    place = folder / "link-ana"
    assert str(place) in capsys.readouterr().out
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert place.read_text().startswith("http://127.0.0.1:8750/#link=")
    assert user("list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["people"]
    assert row == {
        "name": "ana", "roles": ["approver", "admin"], "disabled": False, "password": False
    }  # fmt: skip


def test_disabled_person_is_listed_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    user("add", "ana", "--role", "viewer")
    assert user("disable", "ana") == 0
    user("list")
    assert capsys.readouterr().out.splitlines()[-1].split() == ["ana", "viewer", "disabled"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("add", "ana", "--role", "boss"), '"boss" is not a role'),
        (("add", "Ana", "--role", "viewer"), "is no name"),
        (("disable", "ben"), "nobody is called ben"),
        (("link", "ben"), "nobody is called ben"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user(*words) == 2
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1


def test_loose_state_folder_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    assert user("list") == 2
    assert "chmod 700" in capsys.readouterr().err
