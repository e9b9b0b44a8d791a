"""`options_day`: how long a day of 400 series takes, and how well its market is made.

Spreads stand beside the real chain's at its close, by delta. Run with
`python -m benchmarks.options_day`.
"""

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import polars as pl

from benchmarks.figures import peak_mib, report
from scenarios.config.load import load_config
from scenarios.run.option_results import CHAIN, DELTA_BUCKETS
from scenarios.run.runner import run_scenario


def spreads(chain: pl.DataFrame) -> list[dict[str, object]]:
    """Return median spreads by delta, and their ratio to the real ones."""
    rows: list[dict[str, object]] = []
    for low, high in pairwise(DELTA_BUCKETS):
        part = chain.filter(pl.col("delta").abs().is_between(low, high, closed="left"))
        two_sided = part.filter(pl.col("is_two_sided"))
        simulated = float((two_sided["ask"] - two_sided["bid"]).median() or 0.0)  # type: ignore[arg-type]  # a float
        quoted = part.unique("series").filter(pl.col("real_ask_close") > pl.col("real_bid_close"))
        real = float((quoted["real_ask_close"] - quoted["real_bid_close"]).median() or 0.0)  # type: ignore[arg-type]  # a float
        rows.append({
            "what": f"spread, delta {low:.2f} to {high:.2f}", "simulated": simulated,
            "real_close": real, "ratio": simulated / real if real else float("nan"),
        })  # fmt: skip
    return rows


def main() -> int:
    """Print and keep the figures."""
    config = load_config("options_day")
    with tempfile.TemporaryDirectory() as folder:
        summary = run_scenario(config, Path(folder) / "day").summary
        chain = pl.read_parquet(Path(folder) / "day" / CHAIN)
    options = summary["options"]
    rows: list[dict[str, object]] = [{
        "what": "options_day", "wall_s": float(summary["wall_seconds"]),
        "quote_updates": options["quote_updates"], "option_trades": options["trades"],
        "contracts": options["contracts"], "two_sided": options["two_sided_share"],
        "violations": options["arbitrage"]["found"],
        "life_p99_s": options["arbitrage"]["life_p99_seconds"], "peak_mib": peak_mib(),
    }]  # fmt: skip
    report("options_day", rows + spreads(chain))
    return 0


if __name__ == "__main__":
    sys.exit(main())
