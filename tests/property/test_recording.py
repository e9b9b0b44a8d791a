"""The exchange's own day, told in LOBSTER's events, mirrored again."""

import numpy as np
import pytest

from environment.draws import Stream, stream_key
from environment.market import layout as at
from environment.market.market import Market
from environment.market.mirror import mirror
from environment.market.mirror_book import Ints
from environment.market.recording import tape_to_lobster

SECOND = 10**9
OPEN, CLOSE = 10 * SECOND, 1_000 * SECOND
ORDERS = 8_000


def post_random(market: Market, instrument: int, account: int, draw: Stream, time_ns: int) -> int:
    """Send one order: displayed, iceberg, hidden, midpoint or immediate-or-cancel."""
    side = draw.integer(0, 2)
    price = 10_000 + (1 if side else -1) * draw.integer(-3, 25)
    quantity, kind = draw.integer(1, 50), draw.integer(0, 8)
    return market.post_order(
        time_ns, instrument, account, side, at.MIDPOINT if kind == 1 else at.LIMIT,
        at.IOC if kind == 2 else at.DAY, at.CANCEL_NEWEST, at.F_HIDDEN if kind == 3 else 0, price,
        quantity, max(quantity // 3, 1) if kind == 4 else 0, 0, 0, at.NONE, 0,
    )  # fmt: skip


def recorded_day(seed: int) -> Ints:
    """The tape of a day with an opening auction and random orders, cancels and replaces."""
    blocks: list[Ints] = []
    market = Market(instruments=1, accounts=4, on_tape=blocks.append)
    instrument = market.add_instrument(value_micros=10_000, last_close=10_000)
    accounts = [market.add_account(cash_micros=10**12) for _ in range(4)]
    for time_ns, phase in ((1, at.PRE_OPEN), (2, at.OPENING_AUCTION), (OPEN, at.CONTINUOUS),
                           (CLOSE, at.CLOSING_AUCTION), (CLOSE, at.POST_CLOSE)):  # fmt: skip
        market.post_event(time_ns, at.E_PHASE, instrument, phase)
    draw, live = Stream(stream_key(seed, "orders")), list[tuple[int, int]]()
    for number in range(ORDERS):
        time_ns = 3 + number * CLOSE // ORDERS
        what = draw.uniform()
        if what < 0.7 or not live:
            account = accounts[draw.integer(0, 4)]
            live.append((account, post_random(market, instrument, account, draw, time_ns)))
        elif what < 0.95:
            market.post_cancel(time_ns, *live.pop(draw.integer(0, len(live))))
        else:
            account, order = live[draw.integer(0, len(live))]
            price = 10_000 + draw.integer(-25, 25)
            market.post_replace(time_ns, account, order, draw.integer(1, 60), price)
    market.advance(CLOSE + 1)
    market.flush_tape()
    return np.concatenate(blocks)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("levels", [1, 10])
def test_recorded_day_mirrors_without_a_difference(seed: int, levels: int) -> None:
    messages, books = tape_to_lobster(
        recorded_day(seed), instrument=0, start_ns=0, end_ns=1 << 62, levels=levels
    )
    counts = mirror(messages, books).counts
    assert (counts.different, counts.unexplained) == (0, 0)
    assert counts.executed_front == counts.executed_known > 100
    assert counts.hidden_executions > 10
    assert messages[0, 0] >= OPEN
