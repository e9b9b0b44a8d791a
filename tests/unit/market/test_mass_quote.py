"""Mass quotes, purges, protection and obligations on a small floor."""

import pytest

from environment.market import layout as at, obligations, option_rows
from tests.unit.market.option_floor import OptionFloor

SECOND = 1_000_000_000
QUOTE = (0, 195, 10, 205, 10)


def test_a_mass_quote_sets_both_sides_of_many_series() -> None:
    floor = OptionFloor()
    assert floor.quote((0, 195, 10, 205, 10), (2, 95, 5, 100, 7))
    assert floor.touch(0) == (195, 10, 205, 10)
    assert floor.touch(1) == (0, 0, 0, 0)
    assert floor.touch(2) == (95, 5, 100, 7)


def test_a_quote_trades_like_an_order_and_its_slot_is_used_again() -> None:
    floor = OptionFloor()
    floor.quote(QUOTE)
    floor.order(0, 0, at.BUY, 10, 205)
    assert floor.touch(0) == (195, 10, 0, 0)
    floor.quote(QUOTE)
    floor.order(1, 0, at.BUY, 4, 205)
    assert floor.touch(0) == (195, 10, 205, 6)
    assert floor.held(floor.accounts[0], 0) == 10
    assert floor.held(floor.quoters[0], 0) == -14
    assert floor.market.section(at.S_ACCOUNT)[floor.accounts[0], at.A_CASH] - 10**15 == (
        -10 * 205 * 1_000_000
    )
    floor.check()


@pytest.mark.parametrize(
    ("again", "first_filled"),
    [
        ((0, 195, 10, 205, 10), "dealer"),  # Nothing changed.
        ((0, 195, 4, 205, 4), "dealer"),  # Smaller.
        ((0, 195, 11, 205, 11), "order"),  # Larger.
        ((0, 195, 10, 206, 10), "order"),  # Elsewhere.
    ],
)
def test_a_new_quote_keeps_its_place_only_at_its_price_and_no_larger(
    again: tuple[int, ...], first_filled: str
) -> None:
    floor = OptionFloor()
    floor.quote(QUOTE)
    floor.order(1, 0, at.SELL, 10, 205)
    floor.quote(again)
    floor.order(0, 0, at.BUY, 1, 205)
    quoted = floor.last(at.K_FILL)[at.T_ACCOUNT] == floor.quoters[0]
    assert quoted == (first_filled == "dealer")


def test_a_quote_that_crosses_trades_and_the_rest_stands() -> None:
    floor = OptionFloor(dealers=2)
    floor.quote(QUOTE)
    floor.quote((0, 205, 15, 215, 10), dealer=1)
    assert floor.touch(0) == (205, 5, 215, 10)
    assert floor.held(floor.quoters[1], 0) == 10
    floor.check()


@pytest.mark.parametrize(
    "quote", [(0, 205, 1, 205, 1), (0, 195, -1, 205, 1), (0, 313, 1, 350, 1), (0, 0, 1, 205, 1)]
)
def test_a_wrong_quote_is_refused_and_the_old_one_stands(quote: tuple[int, ...]) -> None:
    floor = OptionFloor()
    floor.quote(QUOTE)
    floor.quote(quote)
    assert floor.touch(0) == (195, 10, 205, 10)
    assert int(floor.market.section(at.S_DEALER)[0, at.DE_REFUSED]) == 1


def test_a_quantity_of_nought_withdraws_that_side() -> None:
    floor = OptionFloor()
    floor.quote(QUOTE)
    floor.quote((0, 195, 10, 0, 0))
    assert floor.touch(0) == (195, 10, 0, 0)


def test_a_quote_that_meets_an_own_order_is_withdrawn() -> None:
    floor = OptionFloor()
    floor.accounts[2] = floor.quoters[0]
    floor.order(2, 0, at.SELL, 5, 200)
    floor.quote((0, 200, 10, 210, 10))
    assert floor.reasons(at.K_CANCEL) == ["self_trade"]
    assert floor.touch(0) == (0, 0, 200, 5)


def test_a_purge_withdraws_one_series_or_all() -> None:
    floor = OptionFloor()
    floor.quote(QUOTE, (1, 95, 1, 100, 1), (2, 95, 1, 100, 1))
    floor.event(at.E_PURGE, floor.dealers[0], floor.series[1])
    assert floor.touch(1) == (0, 0, 0, 0)
    assert floor.touch(2) != (0, 0, 0, 0)
    floor.event(at.E_PURGE, floor.dealers[0], at.NONE)
    assert floor.touch(0) == floor.touch(2) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "limits", [{"contracts": 8}, {"delta_shares": 400}, {"vega_micros": 80_000}]
)
def test_protection_pulls_all_quotes_until_the_dealer_arms_again(limits: dict[str, int]) -> None:
    floor = OptionFloor()
    option_rows.set_protection(floor.market, floor.dealers[0], window_ns=SECOND, **limits)
    quotes = [(k, 195, 10, 205, 10, 500_000, 10_000) for k in range(3)]
    floor.quote(*quotes)
    floor.order(0, 0, at.BUY, 7, 205)
    assert floor.touch(2) == (195, 10, 205, 10)
    floor.order(0, 1, at.BUY, 3, 205)
    assert floor.touch(0) == floor.touch(1) == floor.touch(2) == (0, 0, 0, 0)
    floor.quote(*quotes)
    assert floor.touch(2) == (0, 0, 0, 0)
    floor.event(at.E_REARM, floor.dealers[0])
    floor.quote(*quotes)
    assert floor.touch(2) == (195, 10, 205, 10)


def test_protection_lets_the_series_that_set_it_off_trade_out() -> None:
    floor = OptionFloor()
    option_rows.set_protection(floor.market, floor.dealers[0], window_ns=SECOND, contracts=5)
    floor.quote(QUOTE, (1, 195, 10, 205, 10))
    floor.order(0, 0, at.BUY, 12, 205)
    assert floor.held(floor.accounts[0], 0) == 10
    assert floor.touch(1) == (0, 0, 0, 0)


def test_protection_forgets_what_left_its_window() -> None:
    floor = OptionFloor()
    option_rows.set_protection(floor.market, floor.dealers[0], window_ns=SECOND, contracts=8)
    floor.quote((0, 195, 50, 205, 50))
    for _ in range(5):
        floor.order(0, 0, at.BUY, 4, 205)
        floor.now += SECOND
    assert floor.touch(0) == (195, 50, 205, 30)


def test_opposite_fills_cancel_in_delta_but_not_in_contracts() -> None:
    floor = OptionFloor()
    option_rows.set_protection(floor.market, floor.dealers[0], window_ns=SECOND, delta_shares=300)
    floor.quote((0, 195, 50, 205, 50, 500_000, 0))
    for side, price in ((at.BUY, 205), (at.SELL, 195)) * 3:
        floor.order(0, 0, side, 5, price)
    assert floor.touch(0) == (195, 35, 205, 35)


def test_obligations_count_time_size_and_width() -> None:
    floor = OptionFloor()
    dealers = floor.market.section(at.S_DEALER)
    dealers[0, at.DE_SIZE_MIN] = 5
    floor.now = 9 * SECOND
    floor.quote((0, 195, 10, 205, 10), (1, 195, 4, 205, 10), (2, 100, 10, 126, 10))
    floor.now = 18 * SECOND - 1
    floor.quote((0, 195, 10, 205, 1))
    floor.now = 19 * SECOND
    floor.event(at.E_CALLBACK, 0)
    (found,) = obligations.obligations(floor.market.arena)
    assert found.share_of_time == pytest.approx([9 / 19, 0.0, 0.0], abs=1e-6)
    assert found.breaches == 1
    assert not found.is_kept


def test_duty_does_not_count_while_the_stock_is_in_a_limit_state() -> None:
    floor = OptionFloor(series=1)
    floor.quote((0, 195, 10, 205, 10))
    floor.now = 10 * SECOND
    floor.stock_order(0, at.SELL, 9_500)  # The best offer is at the lower band.
    floor.quote((0, 0, 0, 0, 0))
    floor.now = 20 * SECOND
    floor.stock_order(1, at.BUY, 9_500)
    floor.quote((0, 195, 10, 205, 10))
    floor.now = 25 * SECOND
    floor.quote((0, 0, 0, 0, 0))
    floor.now = 30 * SECOND
    floor.event(at.E_CALLBACK, 0)
    (found,) = obligations.obligations(floor.market.arena)
    assert found.share_of_time == pytest.approx([15 / 20], abs=1e-6)
    assert found.breaches == 1


def test_a_ring_that_is_full_takes_no_more() -> None:
    floor = OptionFloor()
    size = int(floor.market.section(at.S_DEALER)[0, at.DE_RING_SIZE])
    floor.market.section(at.S_DEALER)[0, at.DE_RING_WRITE] = size - 1
    assert not floor.quote(QUOTE, QUOTE)


def test_series_assigned_later_are_quoted_too() -> None:
    floor = OptionFloor(dealers=2)
    before, floor.series = floor.series, floor.series[:2]
    option_rows.add_dealer(floor.market, floor.accounts[0], floor.series)
    option_rows.assign_series(floor.market, floor.dealers[0], [before[2]])
    floor.series = before
    floor.quote((3, 195, 10, 205, 10), (1, 195, 10, 205, 10))
    assert floor.touch(2) == floor.touch(1) == (195, 10, 205, 10)
    floor.order(0, 1, at.BUY, 10, 205)
    floor.event(at.E_PURGE, floor.dealers[0], at.NONE)
    assert floor.touch(2) == (0, 0, 0, 0)
    floor.check()
