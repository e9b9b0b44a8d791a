"""Single rules of matching, each where a long history meets it only now and then."""

import pytest

from environment.market import layout as at
from environment.market.market import Market
from tests.unit.market.day_driver import Day


def trading(*, width: int = 1024, last: int = 0) -> Day:
    """Return a stock in continuous trading, perhaps after one print."""
    day = Day(width=width)
    day.phase(at.CONTINUOUS)
    if last:
        day.order(at.SELL, last, 1, account=3)
        day.order(at.BUY, last, 1, account=2)
        day.rows.clear()
    return day


def filled(day: Day) -> list[int]:
    """Return the ids of the orders that were met, in turn."""
    return [row[at.T_ORDER] for row in day.of(at.K_FILL)]


@pytest.mark.parametrize(("quantity", "reason"), [(10, None), (11, at.R_FOK)])
def test_fok_counts_the_reserve_of_an_iceberg(quantity: int, reason: int | None) -> None:
    day = trading()
    day.order(at.SELL, 10_000, 10, account=1, display=2)
    order = day.order(at.BUY, 10_000, quantity, tif=at.FOK)
    assert day.ended(order) == reason
    assert sum(lots for _, lots in day.fills()) == (0 if reason else 10)


@pytest.mark.parametrize(("mode", "reason"), [
    (at.ALLOW, None), (at.CANCEL_OLDEST, None), (at.CANCEL_NEWEST, at.R_FOK),
    (at.CANCEL_BOTH, at.R_FOK), (at.DECREMENT, at.R_FOK),
])  # fmt: skip
def test_fok_and_own_orders_in_its_way(mode: int, reason: int | None) -> None:
    day = trading()
    own = day.order(at.SELL, 10_000, 5)
    day.order(at.SELL, 10_000, 5, account=1)
    order = day.order(at.BUY, 10_000, 5, tif=at.FOK, mode=mode)
    assert day.ended(order) == reason
    assert day.ended(own) == (at.R_SELF_TRADE if mode == at.CANCEL_OLDEST else None)


def test_fok_reaches_orders_outside_the_window() -> None:
    day = trading(width=64)
    day.order(at.SELL, 10_000, 5, account=1)
    day.order(at.SELL, 10_500, 5, account=1)
    day.order(at.BUY, 10_500, 10, tif=at.FOK)
    assert day.fills() == [(10_000, 5), (10_500, 5)]


def test_fok_meets_own_hidden_orders_last_outside_the_window() -> None:
    day = trading(width=64)
    day.order(at.SELL, 10_000, 5, account=1)
    day.order(at.SELL, 10_500, 5, flags=at.F_HIDDEN)
    day.order(at.SELL, 10_500, 5, account=1)
    day.order(at.BUY, 10_500, 10, tif=at.FOK, mode=at.CANCEL_NEWEST)
    assert day.fills() == [(10_000, 5), (10_500, 5)]


def test_fok_counts_midpoint_orders_that_its_own_trades_bring_into_reach() -> None:
    day = trading()
    day.order(at.BUY, 10_000, 1, account=2)
    day.order(at.SELL, 10_002, 5, account=1)
    day.order(at.SELL, 10_010, 5, account=1)
    day.order(at.SELL, 10_004, 5, account=1, kind=at.MIDPOINT)
    day.order(at.BUY, 10_006, 10, tif=at.FOK)
    assert day.fills() == [(10_002, 5), (10_005, 5)]


def test_hidden_orders_trade_after_displayed_ones_wherever_they_wait() -> None:
    day = trading(width=64)
    day.order(at.SELL, 10_000, 1, account=1)
    hidden = day.order(at.SELL, 10_500, 1, account=1, flags=at.F_HIDDEN)
    shown = day.order(at.SELL, 10_500, 1, account=1)
    day.order(at.BUY, 10_500, 3)
    assert filled(day)[1:] == [shown, hidden]


def test_displayed_touch_is_found_behind_a_window_of_hidden_orders() -> None:
    day = trading(width=64)
    day.order(at.SELL, 10_000, 1, flags=at.F_HIDDEN)
    day.order(at.SELL, 10_500, 7)
    assert day.word(at.I_SHOWN_ASK) == 10_500
    assert day.word(at.I_SHOWN_ASK_QUANTITY) == 7


def test_trailing_buy_stop_from_before_the_first_print_waits_for_it() -> None:
    day = trading()
    order = day.order(at.BUY, None, 1, kind=at.TRAILING_STOP, stop=5)
    for price in (10_000, 10_004):
        day.order(at.SELL, price, 1, account=1)
        day.order(at.BUY, price, 1, account=2)
    assert day.of(at.K_TRIGGER) == []
    day.order(at.SELL, 10_005, 1, account=1)
    day.order(at.BUY, 10_005, 1, account=2)
    assert [row[at.T_ORDER] for row in day.of(at.K_TRIGGER)] == [order]


def test_trailing_sell_stop_follows_the_highest_print() -> None:
    day = trading(last=10_000)
    day.order(at.SELL, None, 1, kind=at.TRAILING_STOP, stop=5)
    for price in (10_020, 10_016, 10_015):
        assert day.of(at.K_TRIGGER) == []
        day.order(at.SELL, price, 1, account=1)
        day.order(at.BUY, price, 1, account=2)
    assert len(day.of(at.K_TRIGGER)) == 1


def test_stops_go_off_in_rounds_nearest_price_first_then_time() -> None:
    day = trading(last=10_000)
    late = day.order(at.BUY, None, 1, kind=at.STOP, stop=10_002)
    early = day.order(at.BUY, None, 1, kind=at.STOP, stop=10_001)
    same = day.order(at.BUY, None, 1, kind=at.STOP, stop=10_001)
    for price in (10_002, 10_003, 10_004, 10_005):
        day.order(at.SELL, price, 1, account=1)
    day.order(at.BUY, 10_002, 1, account=2)
    assert [row[at.T_ORDER] for row in day.of(at.K_TRIGGER)] == [early, same, late]
    assert [price for price, _ in day.fills()] == [10_002, 10_003, 10_004, 10_005]


def test_midpoint_print_carries_half_a_tick_and_rounds_its_notional_to_even() -> None:
    day = trading()
    day.order(at.BUY, 10_000, 1)
    day.order(at.SELL, 10_001, 1, account=1)
    day.order(at.BUY, None, 3, account=2, kind=at.MIDPOINT)
    day.order(at.SELL, None, 3, account=3, kind=at.MIDPOINT)
    row = day.of(at.K_FILL)[-1]
    assert row[at.T_PRICE] == 10_000
    assert row[at.T_LIQUIDITY] == at.LIQ_MIDPOINT + at.HALF_TICK
    cash = day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT + 3, at.A_CASH] - 10**12
    assert cash == 3 * (10_000 * 10_000 + 5_000)


@pytest.mark.parametrize(("quantity", "micros"), [(5, 0), (15, 2), (25, 2), (35, 4)])
def test_fee_of_half_a_micro_goes_to_the_even_one(quantity: int, micros: int) -> None:
    day = trading()
    fee = day.market.add_fee(sell_rate=1)  # A billionth of 10,000 ticks at a cent each.
    day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT, at.A_FEE] = fee
    day.order(at.SELL, 10_000, quantity)
    day.order(at.BUY, 10_000, quantity, account=1)
    assert day.market.section(at.S_ACCOUNT)[at.REGULATOR, at.A_CASH] == micros


@pytest.mark.parametrize(("quantity", "micros"), [(1, 0), (3, 2), (5, 2)])
def test_fee_per_share_of_half_a_micro_goes_to_the_even_one(quantity: int, micros: int) -> None:
    day = trading()
    fee = day.market.add_fee(sell_per_lot=500)  # Thousandths of a micro.
    day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT, at.A_FEE] = fee
    day.order(at.SELL, 10_000, quantity)
    day.order(at.BUY, 10_000, quantity, account=1)
    assert day.market.section(at.S_ACCOUNT)[at.REGULATOR, at.A_CASH] == micros


@pytest.mark.parametrize(("price", "micros"), [(100, 100), (101, 102)])
def test_notional_of_half_a_micro_goes_to_the_even_one(price: int, micros: int) -> None:
    day = trading()
    day.set_word(at.I_VALUE, 1)
    day.order(at.BUY, price, 1)
    day.order(at.SELL, price + 1, 1, account=1)
    day.order(at.BUY, None, 1, account=2, kind=at.MIDPOINT)
    day.order(at.SELL, None, 1, account=3, kind=at.MIDPOINT)
    assert day.word(at.I_NOTIONAL) == micros


def test_post_only_refuses_or_slides_one_increment_behind_the_touch() -> None:
    day = trading()
    day.order(at.SELL, 10_000, 1, account=1)
    refused = day.order(at.BUY, 10_003, 1, flags=at.F_POST_REFUSE)
    day.order(at.BUY, 10_003, 1, flags=at.F_POST_SLIDE)
    assert day.ended(refused) == at.R_POST_ONLY
    assert day.word(at.I_SHOWN_BID) == 9_999


@pytest.mark.parametrize(("kind", "price", "quantity", "display", "reason"), [
    (at.LIMIT, 10_000, 0, 0, at.R_QUANTITY), (at.LIMIT, None, 1, 0, at.R_INCREMENT),
    (at.LIMIT, 0, 1, 0, at.R_INCREMENT), (at.LIMIT, -5, 1, 0, at.R_INCREMENT),
    (at.MARKET, 10_000, 1, 0, at.R_BAD_ORDER), (at.STOP, 10_000, 1, 0, at.R_BAD_ORDER),
    (at.STOP_LIMIT, 10_000, 1, 0, at.R_INCREMENT), (at.LIMIT, 10_000, 5_000, 4, at.R_QUANTITY),
    (at.ON_OPEN, 10_000, 1, 0, at.R_AUCTION_OVER),
])  # fmt: skip
def test_order_that_cannot_be_is_refused(
    kind: int, price: int | None, quantity: int, display: int, reason: int
) -> None:
    day = trading()
    assert day.ended(day.order(at.BUY, price, quantity, kind=kind, display=display)) == reason
    assert day.market.arena[at.H_LIVE_ORDERS] == 0


def test_replace_cannot_take_the_limit_from_an_order_or_give_a_stop_one() -> None:
    day = trading(last=10_000)
    limit = day.order(at.BUY, 9_990, 1)
    stop = day.order(at.BUY, None, 1, kind=at.STOP, stop=10_100)
    for identity, price in ((limit, at.MAX_PRICE), (stop, 10_050)):
        day.now += 1
        day.market.post_replace(day.now, at.FIRST_ACCOUNT, identity, 2, price)
        day.run()
    assert day.of(at.K_MOVE) == []
    assert day.word(at.I_SHOWN_BID) == 9_990


def test_cancel_oldest_makes_room_for_all_it_may_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Market.__init__.__globals__["_FIRST_ROWS"], "tape", 16)
    day = trading()
    for _ in range(300):
        day.order(at.SELL, 10_000, 1)
    day.order(at.BUY, 10_000, 1, mode=at.CANCEL_OLDEST)
    assert len(day.of(at.K_CANCEL)) == 300
    assert day.market.arena[at.H_LIVE_ORDERS] == 1


def test_cash_account_cannot_spend_what_it_has_reserved() -> None:
    day = trading()
    account = day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT]
    account[at.A_FLAGS], account[at.A_SETTLED] = at.ACCOUNT_CASH_ONLY, 15 * 10**8
    first = day.order(at.BUY, 10_000, 10)
    assert day.ended(day.order(at.BUY, 10_000, 10)) == at.R_UNSETTLED
    day.cancel(first)
    assert day.ended(day.order(at.BUY, 10_000, 10)) is None
    assert day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT, at.A_RESERVED] == 10**9


def test_cash_reservation_shrinks_with_fills_and_self_trade_decrements() -> None:
    day = trading()
    account = day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT]
    account[at.A_FLAGS], account[at.A_SETTLED] = at.ACCOUNT_CASH_ONLY, 10**12
    day.order(at.SELL, 10_000, 2)
    day.order(at.SELL, 10_000, 3, account=1)
    day.order(at.BUY, 10_000, 10, mode=at.DECREMENT)
    assert day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT, at.A_RESERVED] == 5 * 10**8


def test_short_sale_needs_shares_to_borrow() -> None:
    day = trading()
    day.market.section(at.S_ACCOUNT)[at.FIRST_ACCOUNT, at.A_FLAGS] = at.ACCOUNT_LOCATE
    day.set_word(at.I_BORROW, 5)
    first = day.order(at.SELL, 10_000, 5)
    assert day.ended(day.order(at.SELL, 10_000, 1)) == at.R_NO_BORROW
    day.cancel(first)
    assert day.ended(day.order(at.SELL, 10_000, 1)) is None


def test_stop_limit_that_went_off_is_replaced_as_the_limit_that_it_is() -> None:
    day = Day()
    day.phase(at.CONTINUOUS)
    stop = day.order(at.SELL, 9_990, 5, kind=at.STOP_LIMIT, stop=9_995)
    day.order(at.BUY, 9_994, 1, account=1)
    day.order(at.SELL, 9_994, 1, account=2)  # It goes off, and rests at its limit.
    assert day.word(at.I_BEST_ASK) == 9_990
    day.order(at.BUY, 9_985, 1, account=1)
    day.market.post_replace(day.now + 1, at.FIRST_ACCOUNT, stop, 5, 9_998)
    day.until(day.now / 1e9 + 1)
    assert day.word(at.I_BEST_ASK) == 9_998
    assert int(day.market.arena[at.H_STOPS]) == 0


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("price", [0, 10_000])
def test_replace_with_equal_terms_neither_gains_a_place_nor_loses_one(
    which: int, price: int
) -> None:
    day = trading()
    queue = [day.order(at.SELL, 10_000, 2, account=k) for k in (1, 2, 3)]
    day.rows.clear()
    day.now += 1
    day.market.post_replace(day.now, at.FIRST_ACCOUNT + 1 + which, queue[which], 2, price)
    day.run()
    assert day.rows == []  # Nothing has changed, so that the tape has nothing to tell.
    day.order(at.BUY, 10_000, 6)
    assert filled(day) == queue
