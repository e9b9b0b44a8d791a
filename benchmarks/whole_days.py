"""Whole days of shipped scenarios from the command to the report: wall time and memory.

Each runs in a process of its own, so that its peak of memory is its own: `loop_mib` when its market
has closed (the aim for a day of 1,200 traders), `peak_mib` when its report is written. Run with
`python -m benchmarks.whole_days [NAME ...]`.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.figures import peak_mib, report
from scenarios.config.load import load_config
from scenarios.run.runner import run_scenario
from scenarios.run.session_loop import SessionLoop

NAMES: Final = ("opening_bell", "correlated", "flash_crash")
AIM_MIB: Final = 500.0


def measure(name: str) -> dict[str, object]:
    """Run one day and return its figures."""
    peaks: list[float] = []

    @contextmanager
    def watched(_loop: SessionLoop) -> Iterator[None]:
        yield
        peaks.append(peak_mib())

    with tempfile.TemporaryDirectory() as folder:
        found = run_scenario(load_config(name), Path(folder), seat=watched).summary
    wall, phases = float(found["wall_seconds"]), found["phases"]
    return {
        "what": name, "wall_s": wall, "write_s": phases["write"], "messages": found["messages"],
        "messages_per_s": found["messages"] / wall, "book_events": found["book_events"],
        "trades": found["trades"], "loop_mib": peaks[0], "peak_mib": peak_mib(),
        "aim_mib": AIM_MIB if name == "opening_bell" else "",
    }  # fmt: skip


def main() -> int:
    """Measure one day, or each in a process of its own."""
    names = sys.argv[1:] or list(NAMES)
    if len(names) == 1:
        report(f"whole_day_{names[0]}", [measure(names[0])])
        return 0
    command = [sys.executable, "-m", "benchmarks.whole_days"]
    return max(subprocess.run([*command, name], check=False).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())
