"""A daemon of three real processes in a folder of its own, for tests that kill its parts."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from brokers.venue_log import LOG
from environment.errors import ConfigError, OperatingError
from scenarios.live.control_client import converse
from scenarios.live.control_wire import AskStatus, control_socket
from scenarios.places import PROJECT_ROOT
from tests.conformance.venues.small_world import write_world

SWARM = """
version = 1
name = "floor"
swarm = ["practice/metronome", "quant/maker", "quant/trend"]
[venue]
kind = "simulated"
world = "{world}"
warm_up = "1m"
[agents]
"practice/metronome" = {{ kind = "metronome", mandate = {{ instruments = ["AAPL"], notional = 200_000 }}, every = "1s", quantity = 300 }}
"quant/maker" = {{ kind = "market_maker", mandate = {{ instruments = ["AAPL"], notional = 50_000 }}, quantity = 5, half_spread = 0.07 }}
"quant/trend" = {{ kind = "trend", mandate = {{ instruments = ["AAPL"], notional = 40_000 }}, fast = "5s", slow = "30s" }}
[limits]
order_quantity = {{ hard = 5_000 }}
[panel]
listen = "127.0.0.1:0"
[daemon]
metrics = "127.0.0.1:{metrics}"
"""  # noqa: E501  one agent a line
DYING = (sys.executable, "-m", "tests.process.dying")
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""
OUTCRY = str(Path(sys.executable).with_name("outcry"))
PASSWORD = "correct horse"
PATIENCE_S = 240.0  # The market core may have to be compiled.


class Processes:
    """The daemon and its commands, run as a person runs them."""

    def __init__(self, folder: Path) -> None:
        self.metrics = _free_port()
        self.home = folder / "state"
        self.folder = self.home / "outcry" / "floor"
        self.file = folder / "agents.toml"
        self.file.write_text(SWARM.format(world=write_world(folder), metrics=self.metrics))
        self.environment = os.environ | {"XDG_STATE_HOME": str(self.home)}
        self.swarm: subprocess.Popen[str] | None = None
        self.output = folder / "live.out"
        self._parts: list[subprocess.Popen[str]] = []  # Those that were started by themselves.

    # --- life ------------------------------------------------------------------------------------

    def start(self, *options: str) -> None:
        """Start `outcry live`, and return once it trades."""
        swarm = self._launch([OUTCRY, "live", str(self.file), *options])
        self._wait_ready(swarm)

    def start_with_clock(self, offset: Path) -> None:
        """Start it with a wall clock that is as many nanoseconds ahead as stands in a file."""
        self._wait_ready(self._launch([*DYING, "swarm", "clock", str(offset), str(self.file)]))

    def start_to_die(self, point: str, nth: int) -> None:
        """Start a swarm that is killed at a step of its nth order; return once it is dead."""
        self._launch([*DYING, "swarm", point, str(nth), str(self.file)])
        ended = self.wait_ended()
        assert ended == -signal.SIGKILL, f"{ended}: {self.output.read_text()[-2_000:]}"

    def start_small(self, bytes_a_file: int) -> int:
        """Start a swarm whose files may not grow beyond a size; return its exit status.

        Venue and watchdog run without that limit: it is the swarm's disk that is full.
        """
        for part in ("scenarios.live.venue_process", "scenarios.live.watchdog"):
            self.launch_part([sys.executable, "-m", part, str(self.file)])
        limited = [sys.executable, "-c", LIMITED, str(bytes_a_file)]
        self._launch([*limited, OUTCRY, "live", str(self.file)])
        return self.wait_ended()

    def launch_part(self, command: list[str]) -> None:
        """Start a venue or watchdog by itself, and return once it is ready."""
        with self.output.open("a") as out:
            part = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=out, env=self.environment,
                cwd=PROJECT_ROOT, text=True, start_new_session=True,
            )  # fmt: skip
        self._parts.append(part)
        assert part.stdout is not None, "its output is a pipe"
        with part.stdout:
            if any('"ready"' in line for line in part.stdout):
                return
        raise AssertionError(f"{command} ended; it said: {self.output.read_text()[-2_000:]}")

    def _launch(self, command: list[str]) -> "subprocess.Popen[str]":
        with self.output.open("a") as out:
            self.swarm = subprocess.Popen(
                command, stdout=out, stderr=out, env=self.environment, cwd=PROJECT_ROOT, text=True
            )  # fmt: skip
        return self.swarm

    def wait_ended(self) -> int:
        """Return the exit status of the swarm once it has ended by itself."""
        assert self.swarm is not None, "no swarm was started"
        try:
            return self.swarm.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            standing, said = self.status(), self.output.read_text()[-1_000:]
            raise AssertionError(f"it lives on: {standing}; it said: {said}") from None

    def _wait_ready(self, swarm: "subprocess.Popen[str]") -> None:

        def is_ready() -> bool:
            assert swarm.poll() is None, f"it ended: {self.output.read_text()[-2_000:]}"
            return bool(self.status()["swarm"]["is_ready"])

        self.wait(is_ready, "a swarm that is ready")

    def stop_with_orders(self) -> int:
        """Stop the swarm (SIGSTOP) while orders of it work at the venue; returns its process."""
        while True:
            self.wait(self.working, "working orders")
            process = self.kill("swarm", signal.SIGSTOP)
            # On a loaded machine the watchdog may miss heartbeats before anybody looks.
            if self.working() or self.status()["halted"]:
                return process
            os.kill(process, signal.SIGCONT)

    def working(self) -> list[Any]:
        """Return the orders that work at the venue, as it says."""
        account = self.status()["account"]
        return list(account["orders"]) if account else []

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the venue, the watchdog or the swarm; returns its process."""
        process = self.process_of(name)
        os.kill(process, number)
        return process

    def process_of(self, name: str) -> int:
        """Return the process id of a part."""
        if name == "swarm":
            assert self.swarm is not None, "no swarm was started"
            return self.swarm.pid
        module = f"scenarios.live.{'venue_process' if name == 'venue' else name}"
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                words = _words(entry)
                if module in words and str(self.file) in words:
                    return int(entry.name)
        raise AssertionError(f"no {name} runs")

    def wait_gone(self) -> None:
        """Return once no venue and no watchdog of this daemon runs any more."""

        def is_gone() -> bool:
            return not any(self._runs(name) for name in ("venue", "watchdog"))

        self.wait(is_gone, "the end of venue and watchdog")

    def _runs(self, name: str) -> bool:
        try:
            return bool(self.process_of(name))
        except AssertionError:
            return False

    def close(self) -> None:
        """End everything that this daemon started."""
        for name in ("swarm", "watchdog", "venue"):
            try:
                os.kill(self.process_of(name), signal.SIGKILL)
            except (AssertionError, ProcessLookupError):
                continue
        for part in [self.swarm, *self._parts]:
            if part is not None:
                part.wait(10)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of one page of the metrics' server."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}") as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    # --- commands --------------------------------------------------------------------------------

    def command(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            [OUTCRY, *words], input=text, text=True,
            capture_output=True, env=self.environment, cwd=PROJECT_ROOT, timeout=60, check=False,
        )  # fmt: skip

    def status(self) -> dict[str, Any]:
        """Return what `outcry status --json` shows, or an empty standing while nobody answers.

        Asked of the watchdog from here: a command is a process, and this is asked all the time.
        """
        empty = {"swarm": {"is_ready": False, "orders": []}, "account": None, "halted": ""}
        try:
            standing = asyncio.run(converse(control_socket(self.folder), AskStatus()))
        except (OperatingError, ConfigError, TimeoutError):
            return empty
        told: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(standing)))
        told["swarm"] = told["swarm"] or empty["swarm"]
        return told

    def add_person(self, name: str = "ana") -> None:
        """Add an approver with a password."""
        done = self.command(
            "panel", "user", "add", name, "--role", "approver", "--password", "--file",
            str(self.file), text=f"{PASSWORD}\n",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def resume(self, name: str = "ana", password: str = PASSWORD) -> Any:
        """Resume one step."""
        return self.command(
            "resume", "--person", name, "--reason", "looked", str(self.file), text=f"{password}\n"
        )

    def lift(self) -> None:
        """Have a person resume until the desk is ACTIVE, as it would be after a look."""

        def is_active() -> bool:
            found = self.status()
            if found["swarm"].get("desk") == "active" and not found["halted"]:
                return True
            self.resume()
            return False

        self.wait(is_active, "an active desk")

    # --- waiting ---------------------------------------------------------------------------------

    def wait(self, is_so: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
        """Return once something is so."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            if is_so():
                return
            time.sleep(0.1)
        said = self.output.read_text() if self.output.exists() else ""
        raise AssertionError(f"waited {patience_s} s for {what}; it said: {said[-2_000:]}")

    def wait_state(self, state: str) -> None:
        """Return once the desk is in a state."""
        self.wait(lambda: self.status()["swarm"].get("desk") == state, f"a desk that is {state}")

    def wait_traded(self, more: int = 1) -> None:
        """Return once orders have come and gone at the venue since now."""
        first = self.reports()
        self.wait(lambda: self.reports() >= first + more, f"{more} more reports")

    def reports(self) -> int:
        """Return how many reports the venue has made."""
        account = self.status()["account"]
        return int(account["sequence"]) if account else 0

    def orders_taken(self) -> int:
        """Return how many orders the venue has written down since its start."""
        return (self.folder / LOG).read_bytes().count(b"Taken")

    def wait_agreed(self) -> dict[str, Any]:
        """Return the standing once desk and venue agree on orders and positions."""
        found: dict[str, Any] = {}

        def agrees() -> bool:
            nonlocal found
            found = self.status()
            if not found["account"] or not found["swarm"]["is_ready"]:
                return False
            swarm, account = found["swarm"], found["account"]
            ours = {order["client_order_id"] for order in swarm["orders"]}
            theirs = {order["client_order_id"] for order in account["orders"]}
            return (
                ours == theirs
                and swarm["positions"] == account["positions"]
                and not swarm["unknown"]
                and not swarm["breaks"]
            )

        self.wait(agrees, "agreement of desk and venue")
        return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _words(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_text().split("\0")
    except OSError:
        return []
