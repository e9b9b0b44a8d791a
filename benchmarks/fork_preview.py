"""How long a fork preview of an hour takes from the card to the page, and how many pairs it has.

`python -m benchmarks.fork_preview`. Times are the wall's: a preview is beside everything at low
priority, so that on a busy machine it has fewer pairs, not more seconds. Pairs without the swarm's
agents come first; then the same seeds with them, which take their place.
"""

import argparse
import queue
import sys
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from agents.human.preview import PreviewLeg, PreviewOrder, PreviewResult, PreviewTask
from benchmarks.figures import report
from scenarios.config.load import load_config
from scenarios.run.preview_worker import PreviewWorker

LIMIT_S = 2.0
TASK: Final = PreviewTask(
    record_hash="", symbol="AAPL", mid=645.2, tick_micros=10_000, shares_per_lot=1,
    sigma_annual=0.3, spread_ticks=14, bids=((64_513, 200), (64_510, 300)),
    asks=((64_527, 200), (64_530, 300)),
    held=(PreviewLeg(kind="stock", shares=100.0),),
    order=PreviewOrder(side="buy", lots=40, limit_ticks=64_560), horizon_s=3_600, first_seed=1,
)  # fmt: skip
_CALL = PreviewLeg(kind="call", shares=500.0, strike=645.0, years=0.1, sigma_annual=0.25)


class Drawn(NamedTuple):
    """One preview as it came."""

    first_s: float  # Until it is on the card.
    last_s: float  # Until nothing is added any more.
    first: PreviewResult
    within: PreviewResult  # The newest within the limit; where none came, the first.
    last: PreviewResult


def draw(worker: PreviewWorker, task: PreviewTask) -> Drawn:
    """Ask for a preview, and wait until it is whole."""
    came: queue.SimpleQueue[PreviewResult] = queue.SimpleQueue()
    began = time.perf_counter()
    worker.start(task, came.put)
    told: list[tuple[float, PreviewResult]] = []
    while not told or told[-1][1].more:
        result = came.get()
        told.append((time.perf_counter() - began, result))
    within = [result for second, result in told if second <= LIMIT_S] or [told[0][1]]
    return Drawn(told[0][0], told[-1][0], told[0][1], within[-1], told[-1][1])


def row(name: str, drawn: list[Drawn]) -> dict[str, object]:
    """Return a line of the table."""
    return {
        "preview": name, "count": len(drawn),
        "shown after s, median": float(np.median([one.first_s for one in drawn])),
        "longest": max(one.first_s for one in drawn), "aim": f"under {LIMIT_S:g} s",
        "pairs (K), fewest": min(one.first.pairs for one in drawn),
        "with the swarm by then": _acting(one.within for one in drawn),
        "of it all": _acting(one.last for one in drawn),
        "whole after s, median": float(np.median([one.last_s for one in drawn])),
    }  # fmt: skip


def _acting(results: Iterable[PreviewResult]) -> str:
    """Return in how many pairs the agents act, the middle one and the fewest."""
    counts = [sum(result.acting) for result in results]
    return f"{np.median(counts):g} ({min(counts)})"


def main() -> int:
    """Measure, print, and return whether the slowest kept its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--previews", type=int, default=10)
    count = parser.parse_args().previews
    worker = PreviewWorker(load_config("human_gate", (), 1).swarm)
    draw(worker, msgspec.structs.replace(TASK, record_hash="ready"))
    options = msgspec.structs.replace(
        TASK, order=None, legs=(_CALL,), cost=10_000.0, units=5, offer=500.0 * 19.5
    )
    rows: list[dict[str, object]] = []
    longest = 0.0
    for name, task in (("an order in stock", TASK), ("an option", options)):
        drawn = [
            draw(worker, msgspec.structs.replace(task, record_hash=f"{name} {number}"))
            for number in range(count)
        ]
        longest = max(longest, *(one.first_s for one in drawn))
        rows.append(row(name, drawn))
    worker.close()
    report("fork_preview", rows)
    return int(longest > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
