"""Orders that nobody sees meet each other at the midpoint; orders of one group never do."""

import pytest

from environment.market import layout as at
from tests.unit.market.day_driver import SECOND, Day
from tests.unit.market.test_matching import filled, trading


def spread(bid: int, ask: int) -> Day:
    """Return a stock in continuous trading with a displayed bid and ask."""
    day = trading()
    day.order(at.BUY, bid, 10, account=2)
    day.order(at.SELL, ask, 10, account=3)
    return day


def test_hidden_order_meets_a_resting_midpoint_order_once_the_midpoint_reaches_it() -> None:
    day = spread(9_990, 10_010)
    pegged = day.order(at.BUY, None, 5, kind=at.MIDPOINT)
    day.order(at.SELL, 10_003, 5, account=1, flags=at.F_HIDDEN)
    assert day.fills() == []
    day.order(at.BUY, 9_996, 1, account=2)
    assert (day.fills(), filled(day)) == ([(10_003, 5)], [pegged])


def test_younger_midpoint_order_takes_a_hidden_one_at_its_better_price() -> None:
    day = spread(9_990, 10_010)
    hidden = day.order(at.SELL, 10_003, 5, account=1, flags=at.F_HIDDEN)
    day.order(at.BUY, None, 5, kind=at.MIDPOINT)
    day.order(at.BUY, 9_998, 1, account=2)
    assert (day.fills(), filled(day)) == ([(10_003, 5)], [hidden])


def test_arriving_midpoint_order_takes_a_hidden_one_that_is_no_worse() -> None:
    day = spread(9_990, 10_010)
    hidden = day.order(at.SELL, 9_998, 5, account=1, flags=at.F_HIDDEN)
    day.order(at.BUY, None, 7, kind=at.MIDPOINT)
    assert (day.fills(), filled(day)) == ([(9_998, 5)], [hidden])
    assert len(day.of(at.K_REST)) == 4  # What is left of it waits at the midpoint.


def test_midpoint_order_leaves_alone_what_others_see() -> None:
    day = spread(9_990, 10_010)
    day.order(at.BUY, 10_020, 5, kind=at.MIDPOINT)
    assert day.fills() == []


@pytest.mark.parametrize(("mode", "first", "second"), [
    (at.CANCEL_NEWEST, None, at.R_SELF_TRADE), (at.CANCEL_OLDEST, at.R_SELF_TRADE, None),
    (at.CANCEL_BOTH, at.R_SELF_TRADE, at.R_SELF_TRADE), (at.ALLOW, None, None),
])  # fmt: skip
def test_own_orders_do_not_meet_in_an_auction(
    mode: int, first: int | None, second: int | None
) -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    buy = day.order(at.BUY, 10_010, 5)
    sell = day.order(at.SELL, 9_990, 5, mode=mode)
    day.phase(at.CONTINUOUS)
    assert (day.ended(buy), day.ended(sell)) == (first, second)
    assert day.fills() == ([(10_000, 5)] if mode == at.ALLOW else [])


def test_auction_finds_its_price_anew_without_what_may_not_meet() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    day.order(at.SELL, 9_990, 5, account=1)
    day.order(at.BUY, 10_020, 8)
    own = day.order(at.SELL, 9_980, 8, mode=at.DECREMENT)
    day.order(at.BUY, 9_995, 5, account=2)
    day.phase(at.CONTINUOUS)
    assert day.ended(own) == at.R_SELF_TRADE
    assert day.fills() == [(9_995, 5)]  # Between 9,990 and 9,995 the nearest to 10,000.


def closing() -> Day:
    """Return a stock in its closing auction whose last trade was at 10,000."""
    day = trading(last=10_000)
    day.phase(at.CLOSING_AUCTION)
    day.order(at.BUY, 10_050, 5, account=2)
    day.order(at.SELL, 10_050, 5, account=3)
    return day


@pytest.mark.parametrize("tif", [at.DAY, at.GTC])
def test_stop_that_the_close_sets_off_waits_for_the_open_if_it_lasts(tif: int) -> None:
    day = closing()
    stop = day.order(at.BUY, None, 5, kind=at.STOP, stop=10_020, tif=tif)
    day.phase(at.POST_CLOSE)
    assert day.ended(stop) == (at.R_DAY_END if tif == at.DAY else None)
    assert len(day.of(at.K_TRIGGER)) == (tif == at.GTC)
    day.phase(at.PRE_OPEN)
    offer = day.order(at.SELL, 10_040, 5, account=1)
    day.phase(at.CONTINUOUS)
    assert (offer in [row[at.T_COUNTERPARTY] for row in day.of(at.K_FILL)]) == (tif == at.GTC)


def test_stop_limit_that_the_close_sets_off_rests_at_its_limit() -> None:
    day = closing()
    day.order(at.BUY, 10_030, 5, kind=at.STOP_LIMIT, stop=10_020, tif=at.GTC)
    day.phase(at.POST_CLOSE)
    assert day.word(at.I_BEST) == 10_030


@pytest.mark.parametrize(("lock", "reason"), [(0, at.R_EXPIRED), (15, at.R_AUCTION_UNFILLED)])
def test_on_close_order_that_must_stay_does_not_expire(lock: int, reason: int) -> None:
    day = trading()
    day.set_word(at.I_LOCK_CLOSE, lock * SECOND)
    order = day.order(at.BUY, 9_000, 5, kind=at.ON_CLOSE, tif=at.GTD, expire=20 * SECOND)
    day.until(30).phase(at.CLOSING_AUCTION)
    day.phase(at.POST_CLOSE)
    assert day.ended(order) == reason


def test_depth_shows_levels_that_wait_outside_the_window() -> None:
    day = Day(width=64)
    day.market.add_feed(0, at.FEED_DEPTH, 0, 0, levels=4)
    day.phase(at.CONTINUOUS)
    for price, quantity in ((10_000, 1), (10_500, 2), (10_400, 3), (10_400, 4)):
        day.order(at.SELL, price, quantity)
    day.now += 1
    day.market.post_order(
        day.now, 0, at.FIRST_ACCOUNT, at.BUY, at.LIMIT, at.DAY, at.ALLOW, 0, 9_000, 1, 0, 0, 0, -1,
        0,
    )  # fmt: skip
    while day.market.advance(day.now + SECOND) != at.DELIVER:
        pass
    rows = day.market.take_out()
    asks = [(r[at.X_PRICE], r[at.X_QUANTITY]) for r in rows if r[at.X_SIDE] == at.SELL][-4:]
    assert asks[:3] == [(10_000, 1), (10_400, 7), (10_500, 2)]
