"""A truly full file system under a live daemon; `full_disk` tells what must hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.places import PROJECT_ROOT

WAYS = (("unshare", "-m"), ("unshare", "-Urm"))  # As root, and as anybody where that is allowed.
TRIAL = ("sh", "-c", "mount -t tmpfs -o size=64k small /mnt")


def namespace() -> tuple[str, ...]:
    """Return the command before which a file system may be mounted without harm to others."""
    for way in WAYS:
        try:
            if subprocess.run([*way, *TRIAL], capture_output=True, check=False).returncode == 0:
                return way
        except FileNotFoundError:
            break
    pytest.skip("nobody may mount a file system in a mount namespace of its own here")


@pytest.mark.slow
def test_full_disk_takes_the_desk_down_and_nothing_is_lost(tmp_path: Path) -> None:
    command = [*namespace(), sys.executable, "-m", "tests.process.full_disk", str(tmp_path)]
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "went on" in done.stdout
