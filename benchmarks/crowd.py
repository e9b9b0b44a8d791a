"""Wake-ups a second of the compiled crowd, of 10,000 and of a million traders.

Self-exciting flow with a day-shaped rate, thinned so that every second wake-up acts; tape rows are
written and dropped. Run with `python -m benchmarks.crowd`; `--traders N` runs one size alone.
"""

import argparse
import subprocess
import sys
import time

from agents.crowd import reference as ref
from agents.crowd.flow import U_LONGEST_DEPTH
from agents.crowd.population import Crowd, Population
from benchmarks.figures import peak_mib, report
from environment.market import layout as at
from environment.market.market import Market

SECOND = 1_000_000_000
WAKE_UPS = 4_000_000


def build(traders: int) -> tuple[Market, Crowd, int]:
    """Return a market whose crowd would wake about four million times in its hour."""
    hour = 3_600 * SECOND
    rate = WAKE_UPS / 2 / traders / hour
    flow = Population(
        name="flow", kind=at.HAWKES, count=traders, instruments=(0,), cash_micros=10**12,
        order_latency=1, feed_latency=1, opens_ns=SECOND, closes_ns=hour + SECOND, size=(1, 5),
        integers={U_LONGEST_DEPTH: 400},
        floats={ref.F_RATE: rate, ref.F_DECAY: 1e-9, ref.F_MARKET: 0.5, ref.F_SHARE: 0.05,
                ref.F_U_WEIGHT: 0.5, ref.F_DEPTH_TAIL: 1.5, ref.F_DEPTH_SCALE: 5.0,
                ref.F_PASSIVE: 0.3},
    )  # fmt: skip
    crowd = Crowd(1, (flow,), 0)
    market = Market(
        instruments=1, accounts=traders + 1, traders=traders, populations=1, advance=crowd.advance
    )
    market.add_latency(at.LAT_LOGNORMAL, 300_000, 500_000)
    market.add_instrument(value_micros=10_000, last_close=10_000)
    crowd.fill(market)
    maker = market.add_account(cash_micros=10**12)
    market.post_event(SECOND // 2, at.E_PHASE, 0, at.CONTINUOUS)
    for k in range(400):
        # A book to begin with.
        for side, price in ((at.BUY, 9_999 - k), (at.SELL, 10_001 + k)):
            market.post_order(SECOND // 2 + 1 + k, 0, maker, side, at.LIMIT, at.GTC, 0, 0, price,
                              100, 0, 0, 0, 0, 0)  # fmt: skip
    crowd.start_day(market)
    return market, crowd, hour


def measure(traders: int) -> dict[str, object]:
    """Return wake-ups a second and memory of one size."""
    began = time.perf_counter()
    market, _, hour = build(traders)
    built = time.perf_counter() - began
    market.advance(60 * SECOND)  # Compiled and warm.
    woken, entered = int(market.arena[at.H_WAKES]), int(market.arena[at.H_BOOK_EVENTS])
    # Processor time: other work on the machine must not count as ours.
    began = time.process_time()
    market.advance(SECOND + hour // 2)
    past = time.process_time() - began
    woken = int(market.arena[at.H_WAKES]) - woken
    entered = int(market.arena[at.H_BOOK_EVENTS]) - entered
    return {
        "traders": traders, "wake_ups_per_s": woken / past, "wake_ups": woken,
        "orders_per_wake_up": entered / woken, "build_s": built, "peak_mib": peak_mib(),
        "target_per_s": 2e6 if traders <= 10_000 else 0.8e6,
    }  # fmt: skip


def main() -> int:
    """Measure each size in a process of its own, so that memory is its own too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--traders", type=int, default=0)
    asked = parser.parse_args()
    if asked.traders:
        report(f"crowd_{asked.traders}", [measure(asked.traders)])
        return 0
    command = [sys.executable, "-m", "benchmarks.crowd", "--traders"]
    return max(
        subprocess.run([*command, str(count)], check=False).returncode
        for count in (10_000, 1_000_000)
    )


if __name__ == "__main__":
    sys.exit(main())
