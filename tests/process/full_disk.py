"""A daemon whose file system is truly full, run in a mount namespace of its own.

`unshare -m python -m tests.process.full_disk FOLDER`: the state lies on a small tmpfs, which is
filled to the last page while the desk trades. Venue, swarm and watchdog all write there. Ends with
0 if nothing was lost and all goes on once there is room again.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.process.daemon import Processes
from tests.process.soundness import assert_sound

SIZE = "size=32m,mode=0700"


def fill(file: Path) -> None:
    """Write until nothing more fits."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    block = bytes(1 << 16)
    try:
        while block:
            try:
                os.write(descriptor, block)
            except OSError:
                block = block[: len(block) // 2]
    finally:
        os.close(descriptor)


def run(processes: Processes) -> None:
    """Trade, fill the disk, see the desk go down with one line, make room, and go on."""
    processes.add_person()
    processes.start()
    processes.wait_traded(4)
    filler = processes.home / "filler"
    processes.output.write_text("")
    fill(filler)
    status = processes.wait_ended()
    said = processes.output.read_text()
    assert status == 2, f"{status}: {said}"
    assert said.count("outcry: ") == 1, said
    assert "no space left" in said.lower(), said
    assert "Traceback" not in said, said
    processes.wait_gone()
    for log in (processes.folder / "log").glob("*.txt"):
        assert "Traceback" not in log.read_text(), log.read_text()
    filler.unlink()
    processes.start()
    assert_sound(processes)
    processes.lift()
    processes.wait_traded(2)
    assert_sound(processes)


def main() -> int:
    """Mount the small disk, and run."""
    processes = Processes(Path(sys.argv[1]))
    processes.home.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", SIZE, "small", str(processes.home)], check=True)
    try:
        run(processes)
    finally:
        processes.close()
    print("went down, lost nothing, and went on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
