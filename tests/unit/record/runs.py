"""Makes a whole run folder from the tiny market, as a run leaves it."""

from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from environment.record.files import RunFolder
from environment.record.manifest import encode, make_manifest
from environment.record.output import TAPE, write_table, write_tables
from environment.record.tape import TapeWriter
from tests.unit.record.tiny_market import OPEN_NS, SECOND, make_facts, simulate_day


def make_run(path: Path, *, seed: int = 1, events: int = 1_500, halt: bool = True) -> Path:
    """Write tape, tables, summary and manifest of one small day; return the folder."""
    folder, market = RunFolder(path), simulate_day(seed, events, halt=halt)
    rows = market.array()
    with TapeWriter(folder / TAPE, make_facts()) as tape:
        for block in np.array_split(rows, 4):
            tape.write(block)
    day = write_tables(path)
    minutes = np.arange(OPEN_NS, OPEN_NS + 23_400 * SECOND, 60 * SECOND)
    value = 645.0 + 2.0 * np.sin(np.arange(len(minutes)) / 40.0)
    time = pl.Series(minutes).cast(pl.Datetime("ns", "UTC"))
    fundamental = pl.DataFrame({"time": time, "instrument": "AAPL", "value": value})
    write_table(folder / "fundamental.parquet", fundamental)
    summary = {
        "scenario": "tiny_day", "seed": seed, "simulated_seconds": 23_400.0, "wall_seconds": 1.25,
        "phases": {"import": 0.4, "compile": 0.0, "build": 0.1, "loop": 1.25, "write": 0.3},
        "messages": 12_345, "book_events": len(rows), "trades": len(day.trades.time),
        "journal_sha256": "0f" * 32, "configuration": {"seed": seed, "crowd": "tiny"},
        "kernel": {
            "handlers": [{"actor": "quant/trend", "message": "QuoteUpdate", "handled": 900,
                          "busy_ns": 45_000_000, "wall_ns": 9_000_000}],
            "latencies": [{"link": "quant/trend>exchange", "count": 80, "median_ns": 300_000,
                           "p99_ns": 900_000, "max_ns": 2_000_000}],
        },
    }  # fmt: skip
    folder.write("summary.json", msgspec.json.encode(summary))
    manifest = make_manifest(scenario="tiny_day", seed=seed, configuration=b"{}")
    folder.finish(encode(manifest))
    return path
