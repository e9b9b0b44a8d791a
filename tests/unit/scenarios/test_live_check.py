"""What a daemon refuses before anything starts: one line that names file, key and mend."""

import os
import re
import socket
from pathlib import Path

import pytest

from brokers.venue import VenueClock
from environment.errors import ConfigError
from scenarios.builders.channels import channels_of
from scenarios.cli.main import run_command
from scenarios.live.check import check_ports, load_desk, lock_desk
from scenarios.run.market_time import MarketTime
from tests.conformance.venues.small_world import DAY, write_world

GOOD = """
version = 1
name = "floor"
swarm = ["quant/maker"]
[venue]
kind = "simulated"
world = "{world}"
[agents."quant/maker"]
kind = "market_maker"
mandate = {{ instruments = ["AAPL"], notional = 10_000 }}
quantity = 5
half_spread = 0.07
[limits]
order_quantity = {{ hard = 5_000 }}
[daemon]
metrics = "127.0.0.1:8751"
"""

MODEL = '[models]\na = {{ provider = "openai", model = "m", key = {key} }}\n[limits]\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "outcry" / "floor"


def write(folder: Path, change: tuple[str, str] = ("", "")) -> Path:
    text = GOOD.format(world=write_world(folder))
    assert change[0] in text
    file = folder / "agents.toml"
    file.write_text(text.replace(change[0], change[1], 1) if change[0] else text)
    return file


def test_good_file_is_taken(tmp_path: Path, home: Path) -> None:
    desk = load_desk(write(tmp_path))
    assert desk.folder == home
    assert desk.config.scenario.name == "small"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('swarm = ["quant/maker"]', 'swarm = ["quant/makr"]', "quant/makr"),
        ("half_spread = 0.07", "half_spred = 0.07", "half_spred"),
        ("quantity = 5\n", 'quantity = "five"\n', "quantity"),
        ("hard = 5_000", "hard = -5_000", "hard"),
        ('kind = "simulated"', 'kind = "alpaca"', "not in this version"),
        ('kind = "simulated"', 'kind = "simulatd"', "simulatd"),
        ('instruments = ["AAPL"]', 'instruments = ["MSFT"]', "names nothing that the venue trades"),
        ('metrics = "127.0.0.1:8751"', "metrics = 8751", "metrics"),
        ("127.0.0.1:8751", "0.0.0.0:8751", "expected metrics on loopback"),
        ('metrics = "127.0.0.1:8751"', 'spin = "2s"', "expected a spin of at most 1s, found 2s"),
        ("127.0.0.1:8751", "127.0.0.1:99999", "a port is 0 to 65535"),
        ('world = "', 'world = "no_such/', "venue.world: "),
        ("[venue]\n", "[venus]\n", "venus"),
        ("[limits]\n", MODEL.format(key='"sk-1"'), "secret"),
        ("[limits]\n", MODEL.format(key='{ env = "NO_KEY" }'), "NO_KEY is not set"),
        ('kind = "simulated"', 'kind = "simulated"\npace = 2.0\nhours = "XNYS"', "pace"),
    ],
)  # fmt: skip
def test_bad_file_is_one_line_and_exit_2(
    tmp_path: Path, old: str, new: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, (old, new))
    assert run_command(["live", str(file)]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err


def test_secret_file_that_others_can_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-1\n")
    key.chmod(0o644)
    table = f'[models]\na = {{ provider = "openai", model = "m", key = {{ file = "{key}" }} }}\n'
    file = write(tmp_path, ("[limits]\n", f"{table}[limits]\n"))
    assert run_command(["live", str(file)]) == 2
    assert "chmod 600" in capsys.readouterr().err
    key.chmod(0o600)
    load_desk(file)


def test_loose_state_folder_is_refused(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True)
    home.chmod(0o755)
    assert run_command(["live", str(write(tmp_path))]) == 2
    assert "chmod 700" in capsys.readouterr().err


def test_watchdog_that_is_away_is_told_from_nothing_at_all(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path)
    load_desk(file)
    assert run_command(["status", str(file)]) == 2
    assert "nothing runs from" in capsys.readouterr().err
    lock = lock_desk(home)
    assert run_command(["status", str(file)]) == 2
    os.close(lock)
    assert "a swarm runs, or is starting" in capsys.readouterr().err


def test_second_lock_is_refused(tmp_path: Path, home: Path) -> None:
    load_desk(write(tmp_path))
    lock_desk(home)
    with pytest.raises(ConfigError, match="another swarm runs"):
        lock_desk(home)


@pytest.mark.parametrize("key", ["daemon.metrics", "panel.listen"])
def test_port_in_use_is_refused(tmp_path: Path, key: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        old = 'metrics = "127.0.0.1:8751"'
        new = f'metrics = "127.0.0.1:{port}"'
        if key == "panel.listen":
            new = f'metrics = "127.0.0.1:0"\n[panel]\nlisten = "127.0.0.1:{port}"'
        swarm = load_desk(write(tmp_path, (old, new))).swarm
        with pytest.raises(ConfigError, match=key):
            check_ports(swarm, "agents.toml")


@pytest.mark.parametrize("command", ["status", "halt", "stop", "reconcile"])
def test_commands_without_a_daemon_say_so(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([command, str(write(tmp_path))]) == 2
    assert "nothing runs from" in capsys.readouterr().err


def test_halt_without_a_daemon_leaves_the_file(tmp_path: Path, home: Path) -> None:
    assert run_command(["halt", str(write(tmp_path))]) == 2
    assert (home / "HALT").read_text() == "outcry halt\n"


# --- the market's time ---------------------------------------------------------------------------


def test_market_time_follows_the_venue_and_not_the_wall() -> None:
    steady, wall = [1_000], [50_000]
    clock = VenueClock(market_ns=7_000, steady_ns=1_000, pace=10.0, date=DAY)
    time = MarketTime(clock, lambda: steady[0], lambda: wall[0])
    steady[0], wall[0] = 1_005, 50_005
    assert (time.wall_ns(), time.steady_ns()) == (7_050, 10_050)
    assert time.wall_step_ns() == 0
    wall[0] += 9_000
    assert time.wall_ns() == 7_050
    assert (time.wall_step_ns(), time.wall_step_ns()) == (9_000, 0)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('webhook = { env = "HOOK" }, hmac = { env = "KEY" }', ""),
        ('webhook = { env = "OPEN" }, hmac = { env = "KEY" }', "escalate.webhook: would cross"),
        ('webhook = { env = "HOOK" }, hmac = { env = "WEAK" }', "escalate.hmac: has 4 characters"),
        ('mail = "desk@example.com", mail_login = { env = "WEAK" }', "expected NAME:PASSWORD"),
        ('mail = "desk@example.com"', ""),
    ],
)
def test_channel_that_could_not_be_trusted_is_refused(
    tmp_path: Path, table: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOOK": "https://desk.example/hook", "OPEN": "http://desk.example/hook", "WEAK": "abcd",
        "KEY": "a key of the desk's own",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    approval = f'[approval]\nescalate = {{ after = "45s", {table} }}\n[limits]\n'
    desk = load_desk(write(tmp_path, ("[limits]\n", approval)))
    if told:
        with pytest.raises(ConfigError, match=re.escape(told)):
            channels_of(desk.swarm, desk.file, "agents.toml", 1.0)
        return
    channels = channels_of(desk.swarm, desk.file, "agents.toml", 1.0)
    assert channels is not None
    assert channels.settings.link == "http://127.0.0.1:8750"
