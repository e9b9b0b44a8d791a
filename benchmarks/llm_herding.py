"""What happens to a market when much of its flow follows one model: `llm_herding` over seeds.

Arms: a share of the followers does as the one analyst says, or (0, the control) none does; orders
are as many, as large and at the same times. Prints means over seeds with the standard error of the
paired difference from the control; run with `python -m benchmarks.llm_herding [SEEDS]`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.figures import report
from environment.record.market_day import of_tape
from scenarios.config.load import load_config
from scenarios.run.result import RunResult
from scenarios.run.runner import run_scenario

SHARES: Final = (0.0, 0.25, 0.5, 0.75)
KEY: Final = 'actors."world/followers".herd'


def figures_of(share: float, seed: int) -> dict[str, float]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as place:
        config = load_config("llm_herding", [f"{KEY}={share}"], seed)
        result: RunResult = run_scenario(config, Path(place))
        realism = result.realism
        day = of_tape(result.day, result.main_instrument)
        mids = np.asarray(day.minute_mid, float)
        shown = result.quotes.select("bid_quantity", "ask_quantity").mean().row(0)
        returns = np.diff(np.log(mids[np.isfinite(mids)]))
        return {
            "volatility, bps a minute": float(realism["volatility"]["minute_bps"]),
            "spread, bps": float(realism["spread"]["median_bps"]),
            "depth at the touch, lots": float(sum(float(side) for side in shown)),
            "largest minute, bps": float(np.abs(returns).max() * 1e4),
            "trades": float(len(result.day.trades.time)),
        }


def main() -> int:
    seeds = range(1, 1 + (int(sys.argv[1]) if len(sys.argv) > 1 else 3))
    found: dict[float, list[dict[str, float]]] = {share: [] for share in SHARES}
    for seed in seeds:
        for share in SHARES:
            found[share].append(figures_of(share, seed))
            shown = {name: round(value, 3) for name, value in found[share][-1].items()}
            print(f"seed {seed}, {share:.0%} follow: {shown}", flush=True)
    rows: list[dict[str, object]] = []
    for share in SHARES:
        row: dict[str, object] = {"follow the model": f"{share:.0%}"}
        for name in found[share][0]:
            values = np.array([run[name] for run in found[share]])
            apart = values - np.array([run[name] for run in found[0.0]])
            error = apart.std(ddof=1) / len(apart) ** 0.5 if len(apart) > 1 else float("nan")
            row[name] = f"{values.mean():.2f} ({apart.mean():+.2f} ± {error:.2f})"
        rows.append(row)
    report("llm_herding", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
