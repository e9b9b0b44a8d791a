"""How long `outcry --help` takes, as a shell sees it: ten starts, at most 0.4 s in the median.

Prints a table and writes it as JSON; run with `python -m benchmarks.command_line`.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

OUTPUT: Final = Path("runs/bench/command_line.json")
LIMIT_SECONDS: Final = 0.4
STARTS: Final = 10


def measure() -> dict[str, float]:
    """Return seconds for `outcry --help`: median, slowest and processor time of ten starts."""
    command = [str(Path(sys.executable).with_name("outcry")), "--help"]
    subprocess.run(command, capture_output=True, check=True)
    seconds: list[float] = []
    used = _children_cpu_seconds()
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    return {
        "median_seconds": statistics.median(seconds),
        "max_seconds": max(seconds),
        "cpu_seconds": (_children_cpu_seconds() - used) / STARTS,
    }


def _children_cpu_seconds() -> float:
    """Return the processor time that ended child processes have used: free of other load."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Print and keep the figures; return 1 where the limit is broken."""
    figures = {**measure(), "limit_seconds": LIMIT_SECONDS}
    for name, value in figures.items():
        print(f"outcry --help  {name:<16} {value:.3f}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n")
    return int(figures["median_seconds"] > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
