"""Quote updates a second through the core: three dealers in 400 series, every series requoted.

Each mass quote follows a random walk of the stock, so that nearly every side of every series moves
by a tick or two. Once with the tape off, and once with every row hashed as a run does. The limit is
what `options_day` needs, 5 million updates well inside its 60 s. Run with
`python -m benchmarks.option_quotes`.
"""

import hashlib
import sys
import time
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import peak_mib, report
from environment.instruments import make_option
from environment.market import layout as at, mass_quote, option_rows
from environment.market.market import Market, TapeSink

SERIES, DEALERS, MESSAGES = 400, 3, 4_000
LEAST_A_SECOND: Final = 250_000  # 5 million in 20 s: a third of the day's wall time.
_FIRST_STRIKE, _SPOT = 500, 60_000


def make_floor(tell: TapeSink) -> tuple[Market, list[int], NDArray[np.int64]]:
    """Return a market in continuous trading, its dealers, and the series' strikes in ticks."""
    market = Market(
        instruments=1, accounts=DEALERS,
        on_tape=tell,
    )  # fmt: skip
    market.add_instrument(value_micros=10_000, last_close=_SPOT)
    strikes = _FIRST_STRIKE + np.arange(SERIES // 10)
    series = [
        market.add_series(
            make_option("XYZ", date(2014, 6, 20) + timedelta(weeks=week), "call", str(strike)),
            stock=0, last_close=_SPOT - 100 * int(strike) + 500,
        )
        for week in range(10) for strike in strikes
    ]  # fmt: skip
    dealers = [
        option_rows.add_dealer(market, market.add_account(cash_micros=10**15), series)
        for _ in range(DEALERS)
    ]
    market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
    market.advance(1)
    return market, dealers, np.tile(strikes * 100, 10)


def run(*, tape: bool) -> dict[str, object]:
    """Return what a day of mass quotes took."""
    digest = hashlib.sha256()
    market, dealers, strikes = make_floor(
        lambda rows: digest.update(np.ascontiguousarray(rows).data)
    )
    market.arena[at.H_TAPE_MODE] = at.TAPE_ALL if tape else at.TAPE_OFF
    walk = np.random.default_rng(1)
    rows = np.zeros((SERIES, 7), np.int64)
    rows[:, 0], rows[:, 2], rows[:, 4] = np.arange(SERIES), 20, 20
    spot, started = float(_SPOT), time.perf_counter()
    for message in range(MESSAGES):
        spot += walk.normal(0.0, 6.0)
        dealer = dealers[message % DEALERS]
        fair = spot - strikes + 500
        rows[:, 1] = (fair - 20 - dealer) // 5 * 5
        rows[:, 3] = rows[:, 1] + 40
        rows[:, 2] = 20 + message % 7
        assert mass_quote.post_mass_quote(market.arena, dealer, rows, market.now_ns + 1_000)
        market.advance(market.now_ns + 1_000)
    seconds = time.perf_counter() - started
    market.flush_tape()
    updates = int(market.arena[at.H_QUOTE_UPDATES])
    return {
        "tape": "hashed" if tape else "off", "mass quotes": MESSAGES, "updates": updates,
        "seconds": seconds, "updates/s": updates / seconds,
        "trades": int(market.arena[at.H_TRADES]), "peak MiB": peak_mib(),
    }  # fmt: skip


def main() -> int:
    """Print both runs; fail if either is too slow."""
    run(tape=False)  # Compiles.
    rows = [run(tape=False), run(tape=True)]
    report("option_quotes", rows)
    return int(any(float(str(row["updates/s"])) < LEAST_A_SECOND for row in rows))


if __name__ == "__main__":
    sys.exit(main())
