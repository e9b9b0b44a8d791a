"""How long a fork preview of an hour takes from the card to the page, and how many pairs it has.

`python -m benchmarks.fork_preview`. Times are the wall's: a preview is beside everything at low
priority, so that on a busy machine it has fewer pairs, not more seconds.
"""

import argparse
import queue
import sys
import time

import msgspec
import numpy as np

from agents.human.preview import PreviewLeg, PreviewOrder, PreviewResult, PreviewTask
from benchmarks.figures import report
from scenarios.config.load import load_config
from scenarios.run.preview_worker import PreviewWorker

LIMIT_S = 2.0
_TASK = PreviewTask(
    record_hash="", symbol="AAPL", mid=645.2, tick_micros=10_000, shares_per_lot=1,
    sigma_annual=0.3, spread_ticks=14, bids=((64_513, 200), (64_510, 300)),
    asks=((64_527, 200), (64_530, 300)),
    held=(PreviewLeg(kind="stock", shares=100.0),),
    order=PreviewOrder(side="buy", lots=40, limit_ticks=64_560), horizon_s=3_600, first_seed=1,
)  # fmt: skip
_CALL = PreviewLeg(kind="call", shares=500.0, strike=645.0, years=0.1, sigma_annual=0.25)


def main() -> int:
    """Measure, print, and return whether the slowest kept its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--previews", type=int, default=10)
    count = parser.parse_args().previews
    worker = PreviewWorker(load_config("human_gate", (), 1).swarm)
    came: queue.SimpleQueue[PreviewResult] = queue.SimpleQueue()
    worker.start(msgspec.structs.replace(_TASK, record_hash="ready"), came.put)
    came.get()
    rows: list[dict[str, object]] = []
    longest = 0.0
    offer = 500.0 * 19.5
    options = msgspec.structs.replace(
        _TASK, order=None, legs=(_CALL,), cost=10_000.0, units=5, offer=offer
    )
    for name, task in (("an order in stock", _TASK), ("an option", options)):
        seconds, pairs, acting = [], [], []
        for number in range(count):
            began = time.perf_counter()
            worker.start(msgspec.structs.replace(task, record_hash=f"{name} {number}"), came.put)
            result = came.get()
            pairs.append(result.pairs)
            acting.append(sum(result.acting))
            seconds.append(time.perf_counter() - began)
        longest = max(longest, *seconds)
        rows.append({
            "preview": name, "count": count, "median s": float(np.median(seconds)),
            "longest s": max(seconds), "pairs (K), fewest": min(pairs),
            "pairs (K), median": float(np.median(pairs)),
            "with the swarm, median": float(np.median(acting)), "aim": "under 2 s",
        })  # fmt: skip
    worker.close()
    report("fork_preview", rows)
    return int(longest > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
