"""The daemon's other processes: started apart from the swarm, so that they outlive it."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from brokers.frames import is_served
from environment.errors import OperatingError
from scenarios.live.control_wire import control_socket
from scenarios.live.venue_market import file_of
from scenarios.places import PROJECT_ROOT

VENUE: Final = "scenarios.live.venue_process"
WATCHDOG: Final = "scenarios.live.watchdog"
_LONGEST_START_S: Final = 900.0  # The market core may have to be compiled first.
Said = Callable[[dict[str, Any]], None]


async def ensure_venue(file: Path, folder: Path, said: Said) -> bool:
    """Have the venue's process run; returns whether it had to be started.

    Raises
    ------
    OperatingError
        With the line that it said, if it does not come up.
    """
    if await is_served(file_of(folder)):
        return False
    await _start(VENUE, file, folder, said)
    return True


async def ensure_watchdog(file: Path, folder: Path) -> bool:
    """Have the watchdog run; returns whether it had to be started."""
    if await is_served(control_socket(folder)):
        return False
    await _start(WATCHDOG, file, folder, lambda _: None)
    await _until_served(control_socket(folder))
    return True


async def _start(module: str, file: Path, folder: Path, said: Said) -> None:
    name = module.rpartition(".")[2].removesuffix("_process")
    (folder / "log").mkdir(mode=0o700, exist_ok=True)
    log = folder / "log" / f"{name}.txt"
    with log.open("a", encoding="utf-8") as errors:
        log.chmod(0o600)
        process = await asyncio.to_thread(_spawn, module, file, errors)
    assert process.stdout is not None, "its output is a pipe"
    began_s = time.monotonic()
    while time.monotonic() - began_s < _LONGEST_START_S:
        line = await asyncio.to_thread(process.stdout.readline)
        if not line:
            break
        told = json.loads(line)
        said(told)
        if told.get("ready"):
            return
        if "error" in told:
            raise OperatingError(str(told["error"]))
    raise OperatingError(f"the {name} did not start; its last words are in {log}")


def _spawn(module: str, file: Path, errors: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  a text file
    # A session of its own: neither Ctrl-C in the terminal nor the swarm's death reaches it.
    return subprocess.Popen(  # noqa: S603  our own module
        [sys.executable, "-m", module, str(file.resolve())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=PROJECT_ROOT,
        start_new_session=True,
    )  # fmt: skip


async def _until_served(path: Path) -> None:
    for _ in range(200):
        if await is_served(path):
            return
        await asyncio.sleep(0.05)
    raise OperatingError(f"{path}: nobody serves there 10 s after the start")
