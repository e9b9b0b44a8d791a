"""Where benchmarks put their figures, and how they print them."""

import json
import resource
from pathlib import Path
from typing import Final

FOLDER: Final = Path("runs/bench")


def report(name: str, rows: list[dict[str, object]]) -> None:
    """Print rows as a table and keep them as JSON under `runs/bench`."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = [[_text(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(c), *(len(line[n]) for line in shown)) for n, c in enumerate(columns)]
    print("  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True)))
    for line in shown:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")


def _text(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def peak_mib() -> float:
    """Return the largest resident size of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
