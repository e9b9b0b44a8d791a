"""What holds for orders in series alone: types, drill-through, stops, halts, the day."""

import pytest

from environment.market import layout as at, option_rows
from environment.market.fees import FeeRow
from tests.unit.market.option_floor import STOCK, OptionFloor


def quoted(**listed: int) -> OptionFloor:
    floor = OptionFloor(**listed)
    floor.quote((0, 195, 10, 205, 10), (1, 195, 10, 205, 10))
    return floor


@pytest.mark.parametrize("kind", [at.MIDPOINT, at.TRAILING_STOP, at.ON_OPEN, at.ON_CLOSE])
def test_some_order_types_are_refused(kind: int) -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 1, 205, kind=kind, stop=5)
    assert floor.reasons(at.K_REFUSE)[0] in {"order_type", "auction_over", "bad_order"}


def test_an_order_stops_at_the_drill_through_limit() -> None:
    floor = quoted()
    for price in (220, 245, 250):
        floor.order(1, 0, at.SELL, 5, price)
    floor.order(0, 0, at.BUY, 30)
    assert floor.held(floor.accounts[0], 0) == 20  # 205 and 40 more: 245, and not 250.
    assert floor.reasons(at.K_CANCEL) == ["drill_through"]
    floor.check()


def test_a_limit_beyond_the_drill_through_limit_does_not_rest() -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 12, 300)
    assert floor.touch(0) == (195, 10, 0, 0)
    assert floor.reasons(at.K_CANCEL) == ["drill_through"]


def test_a_limit_within_it_rests() -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 12, 206)
    assert floor.touch(0) == (206, 2, 0, 0)


@pytest.mark.parametrize(("side", "stop", "quote"), [(at.BUY, 210, 210), (at.SELL, 190, 180)])
def test_a_stop_goes_off_on_the_quote_and_not_on_a_trade(side: int, stop: int, quote: int) -> None:
    floor = quoted()
    floor.order(0, 0, side, 1, kind=at.STOP, stop=stop)
    floor.order(1, 0, 1 - side, 1, 205 if side == at.SELL else 195)
    floor.quote((0, quote, 10, quote + 10, 10))
    assert floor.last(at.K_TRIGGER)[at.T_ACCOUNT] == floor.accounts[0]
    assert floor.held(floor.accounts[0], 0) == 1 - 2 * side
    floor.check()


def test_a_stop_that_the_quote_has_passed_goes_off_at_once() -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 1, kind=at.STOP, stop=195)
    assert floor.held(floor.accounts[0], 0) == 1


def test_series_halt_with_their_stock_and_their_orders_stay() -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 3, 150)
    floor.event(at.E_HALT, STOCK)
    assert floor.touch(0) == (150, 3, 0, 0)
    floor.order(1, 0, at.SELL, 1, 150)
    floor.quote((0, 195, 10, 205, 10))
    assert floor.reasons(at.K_REFUSE) == ["halted"]
    assert floor.touch(0) == (150, 3, 0, 0)


def test_series_open_and_close_with_their_stock() -> None:
    floor = quoted()
    floor.order(0, 0, at.BUY, 3, 150)
    floor.order(0, 1, at.BUY, 3, 150, tif=at.GTC)
    floor.phase(at.CLOSING_AUCTION)
    assert floor.touch(0) == (0, 0, 0, 0)
    assert floor.touch(1) == (150, 3, 0, 0)
    row = floor.market.section(at.S_INSTRUMENT)[floor.series[0]]
    assert row[[at.I_PHASE, at.I_CLOSE_BID, at.I_CLOSE_ASK]].tolist() == [at.POST_CLOSE, 195, 205]
    floor.order(1, 1, at.SELL, 1, 150)
    assert floor.reasons(at.K_REFUSE) == ["phase_closed"]


def test_an_expired_series_ends_every_order_and_stays_shut() -> None:
    floor = quoted(last_trading_ns=1_000)
    floor.order(0, 0, at.BUY, 3, 150, tif=at.GTC)
    floor.now = 1_000
    floor.phase(at.CLOSING_AUCTION)
    floor.phase(at.POST_CLOSE)
    floor.phase(at.CLOSED)
    floor.phase(at.CONTINUOUS)
    assert floor.touch(0) == (0, 0, 0, 0)
    floor.order(1, 0, at.SELL, 1, 150)
    assert floor.reasons(at.K_CANCEL) == ["expired"]
    assert floor.reasons(at.K_REFUSE) == ["phase_closed"]


def test_market_orders_are_refused_while_the_stock_is_limited() -> None:
    floor = quoted()
    floor.market.section(at.S_INSTRUMENT)[STOCK, at.I_LIMIT_SINCE] = 1
    floor.order(0, 0, at.BUY, 1)
    floor.order(0, 0, at.BUY, 1, 205)
    assert floor.reasons(at.K_REFUSE) == ["limit_state"]
    assert floor.held(floor.accounts[0], 0) == 1


@pytest.mark.parametrize(("price", "legal"), [(299, True), (305, True), (303, False)])
def test_prices_follow_the_penny_rule(price: int, legal: bool) -> None:
    floor = OptionFloor()
    floor.order(0, 0, at.BUY, 1, price)
    assert floor.reasons(at.K_REFUSE) == ([] if legal else ["bad_price_increment"])


def test_contracts_pay_fees_of_their_own() -> None:
    floor = quoted()
    option_rows.set_option_fees(floor.market, 0, FeeRow(taker=650_000, maker=-200_000))
    floor.order(0, 0, at.BUY, 10, 205)
    accounts = floor.market.section(at.S_ACCOUNT)
    assert accounts[floor.accounts[0], at.A_FEES_PAID] == 6_500_000
    assert accounts[floor.quoters[0], at.A_FEES_PAID] == -2_000_000
    floor.check()


def test_a_cash_account_sells_what_it_holds_and_no_more() -> None:
    floor = OptionFloor(flags=at.ACCOUNT_CASH_ONLY)
    floor.quote((0, 195, 10, 205, 10))
    floor.order(0, 0, at.BUY, 3, 205)
    floor.order(0, 0, at.SELL, 2, 210)
    floor.order(0, 0, at.SELL, 2, 195)
    floor.order(0, 0, at.SELL, 1, 195)
    assert floor.reasons(at.K_REFUSE) == ["margin"]
    assert floor.held(floor.accounts[0], 0) == 2
    floor.check()


def test_the_table_of_holdings_grows_with_its_rows() -> None:
    floor = OptionFloor(series=40)
    market = floor.market
    for account in range(8, 12):
        for k, number in enumerate(floor.series):
            option_rows.move_contracts(market, at.WORLD, account, number, account * 100 + k)
    option_rows.grow_holdings(market, 5_000)
    assert len(market.section(at.S_HOLDING)) == 8192
    assert floor.held(10, 7) == 1_007
    assert floor.held(at.WORLD, 7) == -sum(account * 100 + 7 for account in range(8, 12))
    floor.check()
