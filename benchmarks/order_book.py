"""How fast the market core takes orders, beside a plain compiled book on the same stream.

Prints a table and writes it as JSON; run with `python -m benchmarks.order_book`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.plain_book import RING, replay_plain
from environment.market import layout as at
from environment.market.market import Market
from environment.market.stream import CANCEL, replay_stream
from tests.shared_data import shared_folder

OUTPUT = Path("runs/bench/order_book.json")
STREAM: Final = "data/orderbook/synthetic_stream_1m.npz"
TRADES, LIVE = 294_012, 5_210
COLUMNS: Final = ("typ", "side", "price", "qty", "oid")
Columns = tuple[NDArray[np.int64], ...]
Result = tuple[float, int, int]  # Seconds, trades, live orders.


def read_stream(events: int) -> Columns:
    """Return kind, side, price, quantity and order number of each event."""
    with np.load(shared_folder() / STREAM) as data:
        return tuple(data[name][:events].astype(np.int64) for name in COLUMNS)


def make_market() -> Market:
    """Return a market in continuous trading that keeps only the fills of its tape."""
    market = Market(instruments=1, accounts=2, width=1 << 14)
    market.add_instrument(value_micros=10_000, last_close=8_192)
    for _ in range(2):
        market.add_account(cash_micros=10**15)
    market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
    market.advance(1)
    market.arena[at.H_TAPE_MODE] = at.TAPE_FILLS
    return market


def run_plain(columns: Columns) -> Result:
    """Replay the stream in the plain book, in one call."""
    orders = np.zeros((int(columns[4].max()) + 1, 4), np.int64)
    ring = np.zeros((RING, 4), np.int64)
    started = time.perf_counter()
    trades, live = replay_plain(*columns, orders, ring)
    return time.perf_counter() - started, trades, live


def run_core(columns: Columns) -> Result:
    """Replay the stream in the core, in one call (but for flushing its tape)."""
    market, known = make_market(), np.zeros(int(columns[4].max()) + 1, np.int64)
    started = time.perf_counter()
    market.replay(replay_stream, 0, at.FIRST_ACCOUNT, *columns, known)
    seconds = time.perf_counter() - started
    return seconds, int(market.arena[at.H_TRADES]), int(market.arena[at.H_LIVE_ORDERS])


def run_core_by_event(columns: Columns) -> Result:
    """Send each event from Python through the core's heap: post, then advance."""
    market, known = make_market(), [0] * (int(columns[4].max()) + 1)
    events = list(zip(*(column.tolist() for column in columns), strict=True))
    now = market.now_ns
    started = time.perf_counter()
    for kind, side, price, quantity, number in events:
        now += 1
        if kind == CANCEL:
            market.post_cancel(now, at.FIRST_ACCOUNT + side, known[number])
        else:
            limit = price
            if kind != 0:
                limit = at.NO_ASK if side == 0 else at.NO_BID
            known[number] = market.post_order(
                now, 0, at.FIRST_ACCOUNT + side, side, at.LIMIT if kind == 0 else at.MARKET, at.DAY,
                at.ALLOW, 0, limit, quantity, 0, 0, 0, -1, number,
            )  # fmt: skip
        market.advance(now)
    seconds = time.perf_counter() - started
    return seconds, int(market.arena[at.H_TRADES]), int(market.arena[at.H_LIVE_ORDERS])


def measure(
    name: str, run: Callable[[Columns], Result], columns: Columns, repeats: int
) -> dict[str, object]:
    """Return the best and the median rate of several runs, and print them."""
    results = [run(columns) for _ in range(repeats)]
    rates = sorted(len(columns[0]) / seconds for seconds, _, _ in results)
    _, trades, live = results[0]
    print(f"{name:<44} {rates[-1] / 1e6:8.3f} {statistics.median(rates) / 1e6:8.3f}"
          f" {trades:10,} {live:8,}", flush=True)  # fmt: skip
    return {
        "what": name, "events": len(columns[0]), "best": rates[-1],
        "median": statistics.median(rates), "trades": trades, "live": live,
    }  # fmt: skip


def main() -> None:
    """Measure all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    columns, repeats = read_stream(arguments.events), arguments.repeats
    small = tuple(column[:1_000] for column in columns)
    for warm_up in (run_plain, run_core, run_core_by_event):
        warm_up(small)
    print(f"{'million events per second':<44} {'best':>8} {'median':>8} {'trades':>10} {'live':>8}")
    rows = [
        measure("plain book, one call", run_plain, columns, repeats),
        measure("core, every order type, one call", run_core, columns, repeats),
        measure("core, called for each event from Python", run_core_by_event, columns, 3),
    ]
    if arguments.events == 1_000_000:
        for row in rows:
            assert (row["trades"], row["live"]) == (TRADES, LIVE), row
    ratio = float(str(rows[1]["best"])) / float(str(rows[0]["best"]))
    print(f"core / plain book: {ratio:.2f}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"rows": rows, "core_over_plain": ratio}, indent=1) + "\n")


if __name__ == "__main__":
    main()
