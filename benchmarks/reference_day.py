"""`rmsc04` from 09:30 to 16:00, compiled and as Python actors, and how set-up grows with the crowd.

ABIDES, commit f9cbe51, needed 15.6 to 17.6 s for this day on such a machine (2.9 s of it set-up and
imports) and 5.8 s of set-up for 8,000 noise agents. Run with `python -m benchmarks.reference_day`.
"""

import gc
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import peak_mib, report
from environment.actors.ports import NoRecorder
from scenarios.builders.world import build
from scenarios.config.load import load_config
from scenarios.protocol import PROTOCOL
from scenarios.run.runner import run_scenario

ABIDES_SECONDS = (15.6, 17.2, 17.6)


def day(crowd: str) -> dict[str, object]:
    """Return the median of three whole runs of one way to run the crowd."""
    config = load_config("rmsc04", [f"crowd={crowd}"])
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        run_scenario(config, Path(folder) / "warm")
        found += [run_scenario(config, Path(folder) / str(number)).summary for number in range(3)]
    found.sort(key=lambda summary: float(summary["wall_seconds"]))
    summary = found[1]
    wall = float(summary["wall_seconds"])
    return {
        "what": f"rmsc04 {crowd}", "wall_s": wall, "build_s": summary["phases"]["build"],
        "messages": summary["messages"], "messages_per_s": summary["messages"] / wall,
        "book_events": summary["book_events"], "trades": summary["trades"],
        "abides_over_ours": ABIDES_SECONDS[1] / wall, "peak_mib": peak_mib(),
    }  # fmt: skip


def set_up(noise: int) -> dict[str, object]:
    """Return the seconds that building a crowd of Python actors takes."""
    config = load_config("rmsc04", ["crowd=actors", f"crowds.noise.count={noise}"])
    gc.collect()  # What other runs left is not this one's.
    began = time.perf_counter()
    world = build(config, NoRecorder(), lambda _rows: None, PROTOCOL)
    world.start_day(0)
    return {"what": f"set-up, {noise} noise agents", "wall_s": time.perf_counter() - began}


def main() -> int:
    """Print and keep the figures."""
    rows = [day("compiled"), day("actors")]
    rows += [set_up(noise) for noise in (1_000, 2_000, 4_000, 8_000)]
    report("reference_day", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
