"""Real days replayed by the matching market, alone: trade for trade and level for level."""

import numpy as np
import pytest

from environment.feeds.bitstamp import read_bitstamp_log
from environment.feeds.lobster import read_lobster
from environment.market import layout as at
from environment.market.market import Market
from environment.market.replay_rows import (
    CANCEL,
    FILL,
    OP_KIND,
    OP_PRICE,
    OP_QUANTITY,
    OP_TIME,
    PRINT,
    RecordedDay,
    lobster_rows,
    state_rows,
)
from tests.shared_data import shared
from tests.unit.market.replay_driver import Played, assert_conserved, assert_same, order, play

BITSTAMP = "data/orderbook/bitstamp_btcusd_2015-05-01.log.xz"


@pytest.mark.parametrize(
    ("name", "executed", "hidden"),
    [("GOOG_2012-06-21_10", 492_505, 213_616), ("AAPL_2012-06-21_1", 1_845_964, 1_004_176)],
)
def test_lobster_day_alone_is_the_recording(name: str, executed: int, hidden: int) -> None:
    day = read_lobster(shared(f"data/orderbook/LOBSTER_SampleFile_{name}.zip"))
    assert day.books is not None
    played = play(lobster_rows(day.messages, day.books, price_unit=100))
    assert_same(played, day.messages, day.books, unit=100)
    assert (played.counts["executed"], played.counts["printed"]) == (executed, hidden)
    kinds, sizes = day.messages[1:, 1], day.messages[1:, 3]
    assert executed == sizes[kinds == 4].sum()
    assert hidden == sizes[kinds == 5].sum()
    assert_conserved(played)


def test_agent_at_the_touch_displaces_and_consumes_on_a_real_day() -> None:
    day = read_lobster(shared("data/orderbook/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"))
    rows = lobster_rows(day.messages, day.books, price_unit=100)
    times = np.arange(int(rows.rows[0, OP_TIME]), int(rows.rows[-1, OP_TIME]), 60_000_000_000)
    bids = rows.touches[np.searchsorted(rows.rows[:, OP_TIME], times, side="right") - 1, 0]

    def act(market: Market, agent: int) -> None:
        for minute, (time_ns, bid) in enumerate(zip(times.tolist(), bids.tolist(), strict=True)):
            price = bid - 50 if minute % 2 else bid
            order(market, agent, time_ns, minute % 2, price, 100)

    played = play(rows, act)
    assert played.counts["taken_from_agents"] == played.counts["displaced"] > 1_000
    assert played.counts["consumed"] > 1_000
    assert_conserved(played)


def bitstamp_touches(day: RecordedDay, snapshot_rows: np.ndarray) -> np.ndarray:
    place = np.searchsorted(day.rows[:, OP_TIME], snapshot_rows[:, 0], side="right") - 1
    return day.touches[np.maximum(place, 0)]


def test_bitstamp_rows_give_the_published_touch_and_uncrossed_trades() -> None:
    feed = read_bitstamp_log(shared(BITSTAMP))
    day = state_rows(feed.events)
    same = bitstamp_touches(day, feed.snapshot_rows) == feed.snapshots[:, :, 0, :].reshape(-1, 4)
    late = feed.snapshot_rows[:, 0] - feed.events[0, 0] >= 3_600_000_000_000
    assert same.all(axis=1).sum() >= 4_951
    assert (same.all(axis=1) & late).sum() >= 3_950
    two_sided = (day.touches[:, 1] > 0) & (day.touches[:, 3] > 0)
    assert (day.touches[two_sided, 0] < day.touches[two_sided, 2]).all()
    fills = day.rows[day.rows[:, OP_KIND] == FILL]
    # 575 trades were published; the few missing ones met orders older than the recording.
    assert len(fills) == 561
    traded = {(price, size) for _, price, size, *_ in feed.trades.tolist()}
    near = sum(
        any((price, size + d) in traded for d in (-1, 0, 1))
        for price, size in fills[:, [OP_PRICE, OP_QUANTITY]].tolist()
    )
    assert near >= 550


@pytest.mark.parametrize("lot", [1, 10_000])
def test_bitstamp_day_alone_trades_what_was_traded(lot: int) -> None:
    day = state_rows(read_bitstamp_log(shared(BITSTAMP)).events, lot=lot)
    played: Played = play(day)
    fills = day.rows[day.rows[:, OP_KIND] == FILL]
    told = played.rows(at.K_FILL)[:, [at.T_TIME, at.T_PRICE, at.T_QUANTITY]]
    assert (told == fills[:, [OP_TIME, OP_PRICE, OP_QUANTITY]]).all()
    assert played.counts["consumed"] == played.counts["displaced"] == 0
    assert set(np.unique(day.rows[:, OP_KIND])) <= {0, FILL, CANCEL, 3, 4, PRINT}
    assert_conserved(played)
