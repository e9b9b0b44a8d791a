"""Phases, auctions, pauses and halts of one day."""

import pytest

from environment.market import layout as at
from environment.market.session import BY_MARKET, BY_ORDER
from tests.unit.market.day_driver import SECOND, Day

OUTSIDE = at.NO_BID  # The price of an auction that found none.


def open_at(day: Day, price: int, quantity: int = 10) -> Day:
    """Open with one match at a price."""
    day.phase(at.PRE_OPEN)
    day.order(at.BUY, price, quantity)
    day.order(at.SELL, price, quantity, account=1)
    day.phase(at.CONTINUOUS)
    return day


def banded(price: int = 10_000) -> Day:
    """Return a tier 1 stock, open at a price, with its bands 5 % away."""
    return open_at(Day(tier=1), price)


def auction(day: Day) -> tuple[int, int, int]:
    """Return price, volume and imbalance of the last auction."""
    row = day.of(at.K_AUCTION)[-1]
    return row[at.T_PRICE], row[at.T_QUANTITY], row[at.T_LEAVES]


def test_auction_prefers_market_orders_then_better_limits_then_time() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    early = day.order(at.BUY, 10_000, 5)
    late = day.order(at.BUY, 10_000, 5)
    better = day.order(at.BUY, 10_001, 5)
    first = day.order(at.BUY, None, 5, kind=at.ON_OPEN)
    day.order(at.SELL, 10_000, 17, account=1)
    day.phase(at.CONTINUOUS)
    filled = [(row[at.T_ORDER], row[at.T_QUANTITY]) for row in day.of(at.K_FILL)]
    assert filled == [(first, 5), (better, 5), (early, 5), (late, 2)]
    assert auction(day) == (10_000, 17, 3)


def test_auction_takes_the_price_nearest_the_reference_where_imbalances_are_mixed() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    for side, price, quantity in (
        (at.BUY, 10_010, 5), (at.BUY, 9_999, 2), (at.SELL, 9_990, 5), (at.SELL, 10_000, 2),
    ):  # fmt: skip
        day.order(side, price, quantity, account=side)
    day.phase(at.CONTINUOUS)
    assert auction(day) == (10_000, 5, -2)  # All of 9,990 to 10,010 trade 5 and leave 2.


def test_unfilled_on_open_orders_are_cancelled_and_limits_stay() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    unfilled = day.order(at.SELL, 10_010, 5, kind=at.ON_OPEN)
    market = day.order(at.SELL, None, 5, kind=at.MARKET)
    resting = day.order(at.SELL, 10_020, 5)
    day.phase(at.CONTINUOUS)
    assert day.ended(unfilled) == day.ended(market) == at.R_AUCTION_UNFILLED
    assert day.ended(resting) is None
    assert auction(day) == (OUTSIDE, 0, 0)


def test_market_order_before_the_open_can_be_cancelled() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    kept, gone = (day.order(at.BUY, None, 5, kind=at.MARKET) for _ in range(2))
    day.cancel(gone)
    day.order(at.SELL, 9_990, 20, account=1)
    day.phase(at.CONTINUOUS)
    assert day.ended(gone) == at.R_REQUESTED
    assert [row[at.T_ORDER] for row in day.of(at.K_FILL)] == [kept]


def test_opening_collar_gives_way_where_the_book_would_stay_crossed() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    day.order(at.BUY, 12_000, 50)
    day.order(at.SELL, 10_500, 10, account=1)
    day.order(at.SELL, 11_500, 10, account=1)
    day.phase(at.CONTINUOUS)
    assert auction(day) == (12_000, 20, 30)


def test_better_limits_that_limit_on_open_orders_passed_meet_in_a_second_round() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    day.order(at.BUY, 10_900, 3, kind=at.ON_OPEN)
    day.order(at.SELL, 10_001, 2, account=1, kind=at.ON_OPEN)
    day.order(at.SELL, 9_500, 2, account=1)
    day.order(at.BUY, 9_500, 3)
    day.order(at.SELL, 10_001, 1, account=1)
    day.phase(at.CONTINUOUS)
    assert day.fills() == [(10_001, 2), (10_001, 1), (9_500, 1)]
    assert day.word(at.I_OPEN_PRICE) == 10_001


def test_on_close_order_cannot_be_cancelled_after_the_lock() -> None:
    day = open_at(Day(), 10_000)
    day.set_word(at.I_LOCK_CLOSE, 100 * SECOND + 1)
    free, locked = (day.order(at.BUY, None, 5, kind=at.ON_CLOSE) for _ in range(2))
    day.until(99).cancel(free)
    day.until(100).cancel(locked)  # It arrives a nanosecond later: just at the hour.
    assert day.ended(free) == at.R_REQUESTED
    assert day.ended(locked) is None


def test_continuous_book_takes_part_in_the_close() -> None:
    day = open_at(Day(), 10_000)
    day.order(at.SELL, 10_002, 3, account=1)
    unfilled = day.order(at.BUY, 10_005, 5, kind=at.ON_CLOSE)
    day.phase(at.CLOSING_AUCTION)
    day.phase(at.POST_CLOSE)
    assert auction(day) == (10_005, 3, 2)
    assert day.ended(unfilled) == at.R_AUCTION_UNFILLED
    assert day.word(at.I_CLOSE_PRICE) == 10_005


def test_day_orders_end_with_the_day_and_others_stay() -> None:
    day = open_at(Day(), 10_000)
    ends, stays = day.order(at.BUY, 9_000, 1), day.order(at.BUY, 9_000, 1, tif=at.GTC)
    day.phase(at.POST_CLOSE)
    assert day.ended(ends) == at.R_DAY_END
    assert day.ended(stays) is None


def test_indicative_price_is_published_each_second() -> None:
    day = Day()
    day.phase(at.PRE_OPEN)
    day.order(at.BUY, 10_000, 5)
    day.order(at.SELL, 9_990, 3, account=1)
    day.phase(at.OPENING_AUCTION)
    day.until(15)
    told = [
        (row[at.T_PRICE], row[at.T_QUANTITY], row[at.T_LEAVES]) for row in day.of(at.K_INDICATIVE)
    ]
    assert told == [(10_000, 3, 2)] * 4


def test_limit_state_of_15_seconds_brings_a_pause_of_5_minutes() -> None:
    day = banded()
    day.until(20).order(at.BUY, 10_500, 1)  # At the upper band.
    day.until(34.999)
    assert day.word(at.I_PHASE) == at.CONTINUOUS
    day.until(36)
    assert day.word(at.I_PHASE) == at.REOPENING_AUCTION
    day.until(334)
    assert day.word(at.I_PHASE) == at.REOPENING_AUCTION
    assert day.until(336).word(at.I_PHASE) == at.CONTINUOUS


def test_limit_state_that_ends_in_time_brings_no_pause() -> None:
    day = banded()
    order = day.until(20).order(at.BUY, 10_500, 1)
    day.until(30).cancel(order)
    assert day.until(60).word(at.I_PHASE) == at.CONTINUOUS


def test_order_beyond_the_band_is_moved_to_it_or_refused_by_flag() -> None:
    day = banded()
    refused = day.order(at.BUY, 10_600, 1, flags=at.F_BAND_REFUSE)
    moved = day.order(at.BUY, 10_600, 1)
    assert day.ended(refused) == at.R_BANDS
    assert [(r[at.T_ORDER], r[at.T_PRICE]) for r in day.of(at.K_MOVE)] == [(moved, 10_500)]


def test_nothing_trades_outside_the_bands() -> None:
    day = banded()
    day.order(at.SELL, 10_501, 5, account=1)
    market = day.order(at.BUY, None, 5, kind=at.MARKET)
    assert day.ended(market) == at.R_NO_LIQUIDITY
    assert day.fills() == [(10_000, 10)]


def paused_day() -> Day:
    """Return a day paused at 36 s, its reference 10,000; the first reopening is due at 335 s."""
    day = banded()
    limit = day.until(20).order(at.BUY, 10_500, 1)
    day.until(36).cancel(limit)
    return day


def test_reopening_widens_its_collar_until_the_price_fits() -> None:
    day = paused_day()
    day.order(at.BUY, 11_200, 5)
    day.order(at.SELL, 11_200, 5, account=1)
    for minutes in (5, 10):
        day.until(36 + 60 * minutes)
        assert day.word(at.I_PHASE) == at.REOPENING_AUCTION
        assert day.word(at.I_COLLAR_UPPER) == 10_500 + 100 * minutes
    day.until(36 + 900)
    assert day.word(at.I_PHASE) == at.CONTINUOUS
    assert day.fills()[-1] == (11_200, 5)
    assert day.word(at.I_BAND_REFERENCE) == 11_200


def test_price_pinned_at_the_collar_with_an_imbalance_does_not_reopen() -> None:
    day = paused_day()
    day.order(at.BUY, 10_600, 9)
    day.order(at.SELL, 10_400, 5, account=1)
    assert day.until(336).word(at.I_PHASE) == at.REOPENING_AUCTION
    assert day.until(636).word(at.I_PHASE) == at.CONTINUOUS
    assert day.fills()[-1] == (10_600, 5)


def test_market_orders_take_part_in_the_reopening() -> None:
    day = paused_day()
    day.order(at.SELL, 10_100, 5, account=1)
    day.order(at.BUY, None, 3, kind=at.MARKET)
    day.until(336)
    assert day.fills()[-1] == (10_100, 3)


def test_pause_past_the_lock_goes_to_the_closing_auction() -> None:
    day = paused_day()
    day.set_word(at.I_LOCK_CLOSE, 300 * SECOND)
    day.order(at.BUY, 10_001, 5)
    day.order(at.SELL, 10_001, 5, account=1)
    assert day.until(500).word(at.I_PHASE) == at.REOPENING_AUCTION
    day.phase(at.CLOSING_AUCTION)
    day.phase(at.POST_CLOSE)
    assert day.fills()[-1] == (10_001, 5)


def test_orders_that_moved_bands_leave_outside_are_moved_too() -> None:
    day = banded()
    day.order(at.BUY, 10_500, 1, account=2)
    for second in range(11, 45):
        day.until(second)
        day.order(at.SELL, 9_800, 1, account=1)
        day.order(at.BUY, 10_000, 1)
        if day.word(at.I_PHASE) != at.CONTINUOUS:
            break
    assert all(price <= 10_500 for price, _ in day.fills())


def test_halt_refuses_orders_until_an_order_resumes_trading() -> None:
    day = open_at(Day(), 10_000)
    resting = day.order(at.BUY, 9_990, 1)
    day.event(at.E_HALT, 0)
    refused = day.order(at.BUY, 9_990, 1)
    assert day.ended(refused) == at.R_HALTED
    day.cancel(resting)
    assert day.ended(resting) == at.R_REQUESTED
    day.phase(at.CONTINUOUS)
    assert day.word(at.I_PHASE) == at.HALTED
    day.event(at.E_HALT, BY_ORDER)
    assert day.word(at.I_PHASE) == at.REOPENING_AUCTION
    assert day.until(400).word(at.I_PHASE) == at.CONTINUOUS


def test_halted_stock_has_no_closing_auction() -> None:
    day = open_at(Day(), 10_000)
    order = day.order(at.BUY, None, 5, kind=at.ON_CLOSE)
    day.event(at.E_HALT, 0)
    day.phase(at.CLOSING_AUCTION)
    assert day.word(at.I_PHASE) == at.HALTED
    day.phase(at.POST_CLOSE)
    assert day.ended(order) == at.R_DAY_END
    assert day.word(at.I_CLOSE_PRICE) == 10_000


@pytest.mark.parametrize(("price", "phase"), [
    (9_301, at.CONTINUOUS), (9_300, at.REOPENING_AUCTION), (8_700, at.REOPENING_AUCTION),
    (8_000, at.POST_CLOSE),
])  # fmt: skip
@pytest.mark.parametrize("tier", [0, 2])  # Without bands, and with the 20 % of a dollar stock.
def test_market_wide_halt_at_7_13_and_20_percent(price: int, phase: int, tier: int) -> None:
    day = Day(tier=tier, ticks_per_unit=10_000)
    day.market.post_event(day.now + 1_000_000_000, at.E_SURVEY, 0, 0)
    open_at(day, 10_000)
    day.order(at.SELL, price, 1, account=1)
    day.order(at.BUY, price, 1)
    assert day.until(15).word(at.I_PHASE) == phase


def test_market_wide_halt_prolongs_a_pause() -> None:
    day = paused_day()
    day.event(at.E_HALT, BY_MARKET)
    assert day.until(330).word(at.I_PHASE) == at.REOPENING_AUCTION
    assert day.until(340).word(at.I_PHASE) == at.CONTINUOUS
