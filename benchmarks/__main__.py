"""Runs every benchmark, one process each, so that none sees another's memory or compiled code."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run `python -m benchmarks.NAME` for each file beside this one; return how many failed."""
    here = Path(__file__).resolve().parent
    names = sorted(file.stem for file in here.glob("[a-z]*.py"))
    failed = 0
    for name in names:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        failed += subprocess.run(command, cwd=here.parent, check=False).returncode != 0
    print(f"== {len(names) - failed} of {len(names)} ran and kept their limits")
    return failed


if __name__ == "__main__":
    sys.exit(main())
