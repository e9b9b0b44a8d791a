"""The tape does not depend on where the loop returns or how large anything is, and tells all."""

from collections.abc import Callable, Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from environment.draws import Stream, stream_key
from environment.market import layout as at, market as market_module
from environment.market.market import Market
from environment.record.rebuild import BookRebuild
from environment.record.tape import Rows
from tests.models.core_view import CoreView

SECOND = 1_000_000_000
PHASES = ((1, at.PRE_OPEN), (3, at.CONTINUOUS), (9, at.CLOSING_AUCTION), (10, at.POST_CLOSE))
PRICES = (9_400, 9_960, 9_990, 9_995, 10_000, 10_005, 10_010, 10_040, 10_700)
TINY = dict.fromkeys(market_module._FIRST_ROWS, 2) | {"stopnode": 4, "latency": 8, "fee": 8}


def make_day(seed: int, orders: int = 150) -> tuple[Market, list[Rows]]:
    """Return a market to which a whole day has been posted, and where its tape goes."""
    blocks, draws = list[Rows](), Stream(stream_key(seed, "day"))
    market = Market(instruments=2, accounts=4, width=64, on_tape=blocks.append)
    for number in range(2):
        market.add_instrument(value_micros=10_000, last_close=10_000, tier=number)
        market.add_feed(number, at.FEED_QUOTES, 0, 0)
        market.add_feed(number, at.FEED_DEPTH, SECOND // 10, 1, levels=3)
        market.add_feed(number, at.FEED_STATUS, 0, 2)
    slow = market.add_latency(at.LAT_LOGNORMAL, 50_000_000, 500_000)
    accounts = [market.add_account(owner=k, acknowledgement=slow, key=k) for k in range(4)]
    for second, phase in PHASES:
        market.post_event(second * SECOND, at.E_PHASE, (1 << 40) - 1, phase)
    known = list[int]()
    for _ in range(orders):
        post_anything(market, draws, accounts, known)
    return market, blocks


def post_anything(market: Market, draws: Stream, accounts: list[int], known: list[int]) -> None:
    """Post one order, cancel or replace that arrives some time of the day."""

    def pick(values: Sequence[int]) -> int:
        return values[draws.integer(0, len(values))]

    when, account, side = draws.integer(SECOND, 10 * SECOND), pick(accounts), pick((0, 1))
    kind = pick((at.LIMIT,) * 6 + tuple(range(8)))
    stop = {at.STOP: pick(PRICES), at.STOP_LIMIT: pick(PRICES), at.TRAILING_STOP: 5}.get(kind, 0)
    unpriced = kind in {at.MARKET, at.STOP, at.TRAILING_STOP, at.ON_OPEN}
    price = pick(PRICES) if not unpriced else at.NO_ASK if side == 0 else at.NO_BID
    flags = pick((0, 0, 0, at.F_HIDDEN, at.F_POST_SLIDE)) if kind == at.LIMIT else 0
    display = pick((0, 0, 2)) if flags == 0 else 0
    known.append(market.post_order(
        when, pick((0, 1)), account, side, kind, pick((at.DAY, at.DAY, at.GTC, at.GTD)),
        draws.integer(0, 5), flags, price, draws.integer(1, 30), display, stop,
        when + draws.integer(1, 2 * SECOND), -1, 0,
    ))  # fmt: skip
    later = when + draws.integer(1, SECOND)
    if draws.uniform() < 0.4:
        market.post_cancel(later, account, known[-1])
    elif draws.uniform() < 0.4:
        market.post_replace(later, account, known[-1], draws.integer(0, 40), pick((0, *PRICES)))


def until(market: Market, moment: int) -> None:
    """Run to a moment and forget what actors are told."""
    while market.advance(moment) != at.DONE:
        market.take_out()


def in_one_go(market: Market) -> None:
    until(market, 20 * SECOND)


def by_the_second(market: Market) -> None:
    for second in range(1, 21):
        until(market, second * SECOND)


def by_the_event(market: Market) -> None:
    while (moment := market.next_ns()) is not None and moment <= 20 * SECOND:
        until(market, moment)


def told_at_the_end(market: Market) -> None:
    while market.advance(20 * SECOND) != at.DONE:
        assert market.arena[at.H_OUT_NEXT] >= market.now_ns - 1
        market.take_out()


def tape_of(seed: int, run: Callable[[Market], None]) -> bytes:
    market, blocks = make_day(seed)
    run(market)
    market.flush_tape()
    return np.concatenate(blocks).tobytes()


@settings(max_examples=10)
@given(st.integers(0, 1_000_000))
def test_where_the_loop_returns_changes_nothing(seed: int) -> None:
    tape = tape_of(seed, in_one_go)
    assert tape == tape_of(seed, by_the_second)
    assert tape == tape_of(seed, by_the_event)
    assert tape == tape_of(seed, told_at_the_end)


@pytest.mark.parametrize("seed", range(5))
def test_growing_in_mid_run_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = tape_of(seed, in_one_go)
    for section, rows in TINY.items():
        monkeypatch.setitem(market_module._FIRST_ROWS, section, rows)
    assert tape == tape_of(seed, in_one_go)
    assert tape == tape_of(seed, by_the_event)


@pytest.mark.parametrize("seed", range(5))
def test_every_queue_can_be_rebuilt_from_the_tape(seed: int) -> None:
    market, blocks = make_day(seed)
    rebuild = BookRebuild()
    for half_second in range(1, 21):
        until(market, half_second * SECOND // 2)
        market.flush_tape()
        for block in blocks:
            rebuild.apply(block)
        blocks.clear()
        assert rebuild.contradictions == []
        for instrument in range(2):
            view = CoreView(market, instrument)
            for side in (at.BUY, at.SELL):
                core = {
                    price: [view.identity(slot) for slot in slots]
                    for price, slots in view.book(side).items()
                }
                rebuilt = {
                    price: [identity for identity, _ in rebuild.queue(number, which, price)]
                    for number, which, price in rebuild.queues
                    if (number, which) == (instrument, side) and price > 0
                }
                assert core == {price: queue for price, queue in rebuilt.items() if queue}


def test_an_old_id_never_finds_the_new_order() -> None:
    market, _ = make_day(0, orders=0)
    seen, account = set[int](), at.FIRST_ACCOUNT
    for k in range(300):
        arrival = 3 * SECOND + 10 * k + 1
        identity = market.post_order(
            arrival, 0, account, at.BUY, at.LIMIT, at.DAY, at.ALLOW, 0, 9_000, 1, 0, 0, 0, -1, 0
        )
        assert identity not in seen
        for old in list(seen)[-3:]:
            market.post_cancel(arrival + 1, account, old)
        until(market, arrival + 2)
        assert market.section(at.S_ACCOUNT)[account, at.A_LIVE] == 1
        market.post_cancel(arrival + 3, account, identity)
        until(market, arrival + 4)
        assert market.section(at.S_ACCOUNT)[account, at.A_LIVE] == 0
        seen.add(identity)
