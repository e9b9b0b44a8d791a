"""Without uvloop the daemon's processes run on asyncio's own loop."""

import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.places import PROJECT_ROOT
from tests.process.daemon import Processes
from tests.process.soundness import assert_sound

# Python imports this by itself at its start, wherever PYTHONPATH has it.
NO_UVLOOP = 'import sys\nsys.modules["uvloop"] = None  # Importing it raises ImportError.\n'
TALK = """
import asyncio, sys
from pathlib import Path
from brokers.frames import Frames, connect, serve
from brokers.wire import Listen, server_decoder
from scenarios.live.event_loop import loop_name, run_loop

async def talk(path):
    heard = asyncio.get_running_loop().create_future()
    make = lambda: Frames(server_decoder(), lambda _, said: heard.set_result(said), lambda *_: None)
    server = await serve(path, make)
    (await connect(path, make)).send(Listen(topic="market/AAPL/quotes"))
    return (await asyncio.wait_for(heard, 10)).topic

print(loop_name(), run_loop(talk(Path(sys.argv[1]) / "door.sock")))
"""


@pytest.fixture
def without(tmp_path: Path) -> Path:
    """A folder that hides uvloop from every Python that has it on its path."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NO_UVLOOP)
    return folder


def test_frames_travel_on_asyncio_s_own_loop(without: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-c", TALK, str(tmp_path)], cwd=PROJECT_ROOT, capture_output=True,
        text=True, env={"PYTHONPATH": str(without)}, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "asyncio market/AAPL/quotes\n", done.stderr


@pytest.mark.slow
def test_daemon_lives_and_comes_back_without_uvloop(without: Path, tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.environment["PYTHONPATH"] = str(without)
    try:
        processes.add_person()
        processes.start()
        processes.wait_traded(2)
        processes.kill("swarm")
        processes.wait_ended()
        processes.start()
        assert_sound(processes)
        processes.lift()
        processes.wait_traded(2)
        log = (processes.folder / "log" / "swarm.jsonl").read_text()
        assert log.count(", on asyncio, ") == 2
    finally:
        processes.close()
