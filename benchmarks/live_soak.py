"""Ten minutes at 1,000 ticks a second: memory's slope after warm-up, stalls, and latencies.

The floor and the stub venue are those of `benchmarks.live_orders`. Run with
`python -m benchmarks.live_soak`; `--seconds` makes it shorter.
"""

import argparse
import sys

from benchmarks.figures import report
from benchmarks.live_orders import measure


def main() -> int:
    """Print and keep what one long run showed; 1 if the loop stalled for more than 50 ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    row = measure("write", parser.parse_args().seconds)
    report("live_soak", [row])
    return int(bool(row["stalls over 50 ms"]))


if __name__ == "__main__":
    sys.exit(main())
