"""The swarm file read again: when it is told, when it is refused, and that nothing else happens."""

import os
from pathlib import Path

import pytest

from agents.desk.limits import Limit
from agents.desk.reload import RulesRead
from environment.errors import ConfigError
from scenarios.builders.floor import Floor, rules_of
from scenarios.live.check import load_desk
from scenarios.live.rules_watch import RulesWatch
from scenarios.live.state_folder import refuse_writable
from tests.unit.scenarios.test_live_check import write


class Watched:
    """A watch of a small desk's file, and what it told and refused."""

    def __init__(self, folder: Path) -> None:
        self.file = write(folder)
        desk = load_desk(self.file)
        floor = Floor(config=desk.config, instruments=(), sessions=(), reference_ticks={})
        self.at_start = rules_of(desk.config, floor)
        self.told: list[RulesRead] = []
        self.refused: list[str] = []
        self.watch = RulesWatch(self.file, floor, self.told.append, self.refused.append)

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))
        os.utime(self.file, ns=(0, len(self.told) + len(self.refused) + 1))
        self.watch.look()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Watched(tmp_path)


def test_first_look_tells_what_the_file_says_and_the_next_nothing(watched: Watched) -> None:
    watched.watch.look()
    watched.watch.look()
    (read,) = watched.told
    assert read.rules == watched.at_start
    assert len(read.source) == 64


def test_changed_limit_is_told_once(watched: Watched) -> None:
    watched.watch.look()
    watched.change("hard = 5_000", "hard = 4_000")
    watched.watch.look()
    first, second = watched.told
    assert second.rules.limits["order_quantity"] == Limit(hard=4_000.0)
    assert first.source != second.source


def test_file_that_is_no_configuration_changes_nothing_and_is_said_once(watched: Watched) -> None:
    watched.watch.look()
    watched.change("hard = 5_000", "hard = -5_000")
    watched.watch.look()
    (refused,) = watched.refused
    assert "the limits stay as they were" in refused
    assert "order_quantity" in refused
    watched.change("hard = -5_000", "hard = 6_000")
    assert watched.told[-1].rules.limits["order_quantity"] == Limit(hard=6_000.0)


def test_file_that_is_gone_or_that_others_can_write_is_refused(watched: Watched) -> None:
    watched.watch.look()
    watched.file.chmod(0o646)
    watched.watch.look()
    assert "has mode 0646" in watched.refused[-1]
    watched.file.unlink()
    watched.watch.look()
    assert "No such file" in watched.refused[-1]
    assert len(watched.told) == 1


@pytest.mark.parametrize(("mode", "is_fine"), [(0o600, True), (0o644, True), (0o602, False)])
def test_daemon_does_not_start_from_a_file_that_others_can_write(
    tmp_path: Path, mode: int, is_fine: bool
) -> None:
    file = write(tmp_path)
    file.chmod(mode)
    if is_fine:
        refuse_writable(file)
        return
    with pytest.raises(ConfigError, match="chmod go-w"):
        load_desk(file)
