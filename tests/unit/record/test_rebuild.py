"""Books rebuilt from the tape are the books that wrote it."""

import numpy as np
import pytest

from environment.market import layout as at
from environment.record.rebuild import BookRebuild
from environment.record.tape import PHASE_COLUMN
from environment.record.touches import Q_ASK, Q_ASK_LOTS, Q_BID, Q_BID_LOTS, Q_TIME, read_touches
from tests.unit.record.tiny_market import TinyMarket, make_facts, simulate_day


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rebuild_has_every_queue_of_the_market(seed: int) -> None:
    market = simulate_day(seed, events=1_500)
    last = next(i for i, row in enumerate(market.rows) if row[at.T_LIQUIDITY] == at.R_DAY_END)
    rebuild = BookRebuild()
    rebuild.apply(market.array()[:last])
    assert rebuild.contradictions == []
    assert rebuild.out_of_turn == 0
    rebuild.apply(market.array()[last:])
    assert list(rebuild.live()) == []


def test_rebuild_follows_every_step() -> None:
    market, rebuild, read = TinyMarket(), BookRebuild(), 0
    full = simulate_day(4, events=300)
    orders = [market.submit(8, i % 2, 100 + (3 if i % 2 else -3), 10 + i) for i in range(6)]
    market.submit(9, 1, 0, 15, market=True)
    market.reduce(orders[3], 4)
    market.move(orders[4], 98, 30)
    market.submit(9, 1, 104, 50, display=10)
    market.submit(9, 0, 104, 30)
    for side, price in ((0, 97), (0, 98), (1, 103), (1, 104)):
        rebuild.apply(market.array()[read:])
        read = len(market.rows)
        assert rebuild.queue(0, side, price) == market.queue(side, price)
    assert rebuild.contradictions == []
    assert len(full.rows) > 300


def test_position_counts_the_shown_lots_in_front() -> None:
    market, rebuild = TinyMarket(), BookRebuild()
    market.submit(8, 0, 100, 10)
    second = market.submit(8, 0, 100, 7)
    third = market.submit(8, 0, 100, 5, hidden=True)
    fourth = market.submit(8, 0, 100, 3)
    rebuild.apply(market.array())
    assert [rebuild.position(one) for one in (second, third, fourth)] == [10, 20, 17]


@pytest.mark.parametrize("column", [at.T_AHEAD, at.T_LEAVES])
def test_a_wrong_row_is_a_contradiction(column: int) -> None:
    rows = simulate_day(1, events=200).array()
    place = int(np.flatnonzero(rows[:, at.T_KIND] == at.K_FILL)[3])
    if column == at.T_AHEAD:
        place = int(np.flatnonzero(rows[:, at.T_KIND] == at.K_REST)[3])
    rows[place, column] += 1
    rebuild = BookRebuild()
    rebuild.apply(rows)
    assert rebuild.contradictions[0].sequence == rows[place, at.T_SEQUENCE]


def test_touches_agree_with_the_rebuilt_books_at_every_moment() -> None:
    rows = simulate_day(5, events=600).array()
    touches = read_touches(rows, make_facts())
    times = touches.quotes[:, Q_TIME]
    rebuild, phase = BookRebuild(), at.CONTINUOUS
    ends = np.flatnonzero(np.diff(rows[:, at.T_TIME], append=rows[-1, at.T_TIME] + 1))
    start, compared = 0, 0
    for end in ends:
        part = rows[start : end + 1]
        start = int(end) + 1
        rebuild.apply(part)
        for row in part[part[:, at.T_KIND] == at.K_PHASE]:
            phase = int(row[PHASE_COLUMN])
        place = np.searchsorted(times, rows[end, at.T_TIME], side="right") - 1
        if phase != at.CONTINUOUS or place < 0:
            continue
        compared += 1
        quote = touches.quotes[place]
        bid = (rebuild.levels(0, at.BUY) or [(0, 0)])[0]
        ask = (rebuild.levels(0, at.SELL) or [(0, 0)])[0]
        assert (quote[Q_BID], quote[Q_BID_LOTS]) == bid
        assert (quote[Q_ASK], quote[Q_ASK_LOTS]) == ask
    assert compared > 400


def test_depth_samples_hold_the_best_levels() -> None:
    rows = simulate_day(6, events=600).array()
    touches = read_touches(rows, make_facts(), depth_levels=3)
    sample = 1_500
    rebuild = BookRebuild()
    rebuild.apply(rows[rows[:, at.T_TIME] <= touches.depth_ns[sample]])
    bids = [(int(p), int(q)) for p, q in touches.depth[sample, 0, :, :2] if q]
    asks = [(int(p), int(q)) for p, q in touches.depth[sample, 0, :, 2:] if q]
    assert bids == rebuild.levels(0, at.BUY)[:3]
    assert asks == rebuild.levels(0, at.SELL)[:3]
