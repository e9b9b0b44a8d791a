"""How fast the market core takes orders, beside a plain compiled book on the same stream.

Prints a table and writes it as JSON; run with `python -m benchmarks.order_book`.
"""

import argparse
import gc
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
from environment.market.stream import CANCEL, MARKET_ORDER, apply_event, replay_stream
from tests.shared_data import shared_folder

OUTPUT = Path("runs/bench/order_book.json")
STREAM: Final = "data/orderbook/synthetic_stream_1m.npz"
TRADES, LIVE = 294_012, 5_210
COLUMNS: Final = ("typ", "side", "price", "qty", "oid")
Column = NDArray[np.int64]
Columns = tuple[Column, Column, Column, Column, Column]
Result = tuple[float, int, int]  # Seconds, trades, live orders.


def read_stream() -> Columns:
    """Return kind, side, price, quantity and order number of each event."""
    with np.load(shared_folder() / STREAM) as data:
        kind, side, price, quantity, number = (data[name].astype(np.int64) for name in COLUMNS)
    return kind, side, price, quantity, number


def first_events(columns: Columns, count: int) -> Columns:
    """Return the beginning of a stream."""
    kind, side, price, quantity, number = (column[:count] for column in columns)
    return kind, side, price, quantity, number


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
    slot_of = np.full(int(columns[4].max()) + 1, -1)
    ring = np.zeros((RING, 4), np.int64)
    started = time.perf_counter()
    trades, live = replay_plain(*columns, slot_of, ring)
    return time.perf_counter() - started, trades, live


def run_core(columns: Columns) -> Result:
    """Replay the stream in the core, in one call (but for flushing its tape)."""
    market, known = make_market(), np.zeros(int(columns[4].max()) + 1, np.int64)
    started = time.perf_counter()
    market.replay(replay_stream, 0, at.FIRST_ACCOUNT, *columns, known)
    seconds = time.perf_counter() - started
    return seconds, int(market.arena[at.H_TRADES]), int(market.arena[at.H_LIVE_ORDERS])


def run_core_by_event(columns: Columns) -> Result:
    """Apply each event by a call from Python."""
    market, known = make_market(), [0] * (int(columns[4].max()) + 1)
    events = list(zip(*(column.tolist() for column in columns), strict=True))
    gc.collect()
    apply: Callable[..., int] = apply_event
    arena = market.arena
    started = time.perf_counter()
    for kind, side, price, quantity, number in events:
        account = at.FIRST_ACCOUNT + side
        identity = apply(arena, 0, account, kind, side, price, quantity, known[number])
        while identity < 0:
            market.flush_tape()
            market.make_room()
            arena = market.arena
            identity = apply(arena, 0, account, kind, side, price, quantity, known[number])
        known[number] = identity
    seconds = time.perf_counter() - started
    return seconds, int(arena[at.H_TRADES]), int(arena[at.H_LIVE_ORDERS])


def run_core_by_post(columns: Columns) -> Result:
    """Post each event into the heap and advance to it, as an actor's orders come in."""
    market, known = make_market(), [0] * (int(columns[4].max()) + 1)
    events = list(zip(*(column.tolist() for column in columns), strict=True))
    gc.collect()
    now = market.now_ns
    started = time.perf_counter()
    for kind, side, price, quantity, number in events:
        now += 1
        account = at.FIRST_ACCOUNT + side
        if kind == CANCEL:
            market.post_cancel(now, account, known[number])
        else:
            form, limit = at.LIMIT, price
            if kind == MARKET_ORDER:
                form, limit = at.MARKET, at.NO_ASK if side == 0 else at.NO_BID
            known[number] = market.post_order(
                now, 0, account, side, form, at.DAY, at.ALLOW, 0, limit, quantity, 0, 0, 0, -1, 0
            )
        market.advance(now)
    seconds = time.perf_counter() - started
    return seconds, int(market.arena[at.H_TRADES]), int(market.arena[at.H_LIVE_ORDERS])


RUNS: Final[dict[str, tuple[Callable[[Columns], Result], int]]] = {
    "plain book, one call": (run_plain, 1),
    "core, every order type, one call": (run_core, 1),
    "core, a call an event from Python": (run_core_by_event, 1),
    "core, post and advance an event from Python": (run_core_by_post, 10),  # A tenth of the stream.
}


def measure(columns: Columns, repeats: int) -> list[dict[str, object]]:
    """Return rates of all ways; they take turns, so that a busy machine slows all alike."""
    rates: dict[str, list[float]] = {name: [] for name in RUNS}
    results = dict[str, Result]()
    for _ in range(repeats):
        for name, (run, share) in RUNS.items():
            part = first_events(columns, len(columns[0]) // share)
            results[name] = run(part)
            rates[name].append(len(part[0]) / results[name][0])
    return [
        {
            "what": name, "best": max(found), "median": statistics.median(found),
            "worst": min(found), "trades": results[name][1], "live": results[name][2],
        }
        for name, found in rates.items()
    ]  # fmt: skip


def main() -> None:
    """Measure all, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    columns = read_stream()
    measure(first_events(columns, 10_000), 1)
    rows = measure(columns, repeats)
    print(f"{'million events per second':<44} {'worst':>8} {'median':>8} {'best':>8}"
          f" {'trades':>9} {'live':>7}")  # fmt: skip
    for row in rows:
        speed = " ".join(f"{float(str(row[k])) / 1e6:8.3f}" for k in ("worst", "median", "best"))
        print(f"{row['what']:<44} {speed} {row['trades']:9,} {row['live']:7,}")
    for row in rows[:3]:
        assert (row["trades"], row["live"]) == (TRADES, LIVE), row
    ratio = {k: float(str(rows[1][k])) / float(str(rows[0][k])) for k in ("median", "best")}
    print(
        f"core / plain book, one call: {ratio['median']:.2f} (median), {ratio['best']:.2f} (best)"
    )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"rows": rows, "core_over_plain": ratio}, indent=1) + "\n")


if __name__ == "__main__":
    main()
