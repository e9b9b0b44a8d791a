"""Ticks, lots, option symbols and money."""

from datetime import date

import pytest

from environment.instruments import (
    Instrument,
    format_money,
    format_occ,
    half_even,
    make_crypto,
    make_equity,
    make_option,
    parse_occ,
    to_micros,
)

STOCK = make_equity("AAPL")
FINE = make_equity("AAPL", tick="0.0001")
EXPIRY = date(2014, 6, 6)


def test_half_even_rounds_a_half_to_the_even_neighbour() -> None:
    assert [half_even(n, 2) for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


def test_half_even_refuses_a_denominator_of_zero() -> None:
    with pytest.raises(ValueError, match="positive"):
        half_even(1, 0)


@pytest.mark.parametrize("text", ["0.0000001", "NaN", "ten"])
def test_money_is_refused_when_it_is_no_whole_number_of_millionths(text: str) -> None:
    with pytest.raises(ValueError, match=r"millionths|amount"):
        to_micros(text)


def test_money_is_written_for_people() -> None:
    assert format_money(-1_234_500_000) == "-1,234.50"
    assert format_money(-1) == "0.00"
    assert format_money(1_500_000, decimals=0) == "2"


def test_stock_increment_is_a_cent_from_a_dollar_and_a_hundredth_of_it_below() -> None:
    assert FINE.increment(10_000) == 100
    assert FINE.increment(9_999) == 1
    assert not FINE.is_legal_price(10_001)


@pytest.mark.parametrize(
    ("rule", "below", "above"),
    [("option_penny", 1, 5), ("option_other", 5, 10), ("option_etf", 1, 1)],
)
def test_option_increments_change_at_three_dollars(rule: str, below: int, above: int) -> None:
    option = make_option("AAPL", EXPIRY, "call", "645", tick_rule=rule)  # type: ignore[arg-type]  # parametrised
    assert (option.increment(299), option.increment(300)) == (below, above)


def test_package_price_may_be_negative() -> None:
    package = Instrument(symbol="P", tick_rule="package")
    assert package.is_legal_price(-125)


def test_rounding_into_the_next_band_lands_on_its_first_price() -> None:
    option = make_option("AAPL", EXPIRY, "put", "645", tick_rule="option_other")
    assert option.round_price(299, up=True) == 300
    assert option.round_price(309, up=False) == 300


def test_notional_of_an_option_counts_the_multiplier() -> None:
    option = make_option("AAPL", EXPIRY, "call", "645")
    assert option.notional_micros(125, 2) == to_micros("250")


def test_half_tick_is_rounded_once_to_the_even_micro() -> None:
    coin = make_crypto("BTCUSD")
    assert [coin.notional_micros(1, lots, half_tick=True) for lots in (1, 2, 3)] == [2, 3, 4]


def test_instrument_is_refused_when_its_products_do_not_fit() -> None:
    with pytest.raises(ValueError, match="63 bits"):
        Instrument(symbol="X", price_ticks_max=1 << 40, quantity_lots_max=1 << 20)


def test_instrument_is_refused_when_its_tick_does_not_divide_the_increment() -> None:
    with pytest.raises(ValueError, match="divide"):
        make_equity("X", tick="0.003")


def test_coin_is_refused_when_a_tick_of_a_lot_is_below_a_millionth() -> None:
    with pytest.raises(ValueError, match="larger lot"):
        make_crypto("BTCUSD", lot="0.00000001")


def test_option_is_refused_without_its_terms() -> None:
    with pytest.raises(ValueError, match="an option needs underlying"):
        Instrument(symbol="X", kind="option")


def test_prices_are_written_for_people() -> None:
    assert STOCK.format_price(64557) == "645.57"
    assert STOCK.format_price(64557, half_tick=True) == "645.575"
    assert FINE.format_price(123_456) == "12.3456"


def test_prices_are_read_only_on_the_grid() -> None:
    assert STOCK.price_from("645.57") == 64557
    with pytest.raises(ValueError, match="multiple"):
        STOCK.price_from("645.575")


def test_option_symbol_is_the_one_of_the_clearing_house() -> None:
    symbol = make_option("AAPL", EXPIRY, "call", "92.14").symbol
    assert symbol == "AAPL  140606C00092140"
    assert parse_occ("AAPL140606C00092140") == parse_occ(symbol)


@pytest.mark.parametrize("symbol", ["AAPL", "AAPL  140632C00092140", "AAPL  140606X00092140"])
def test_option_symbol_is_refused_when_it_is_none(symbol: str) -> None:
    with pytest.raises(ValueError, match=r"option symbol|no day"):
        parse_occ(symbol)


def test_strike_is_refused_when_thousandths_do_not_hold_it() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        format_occ("AAPL", EXPIRY, "call", to_micros("92.14287"))


def test_quantities_are_written_in_priced_units() -> None:
    assert make_crypto("BTCUSD").format_quantity(17_886) == "1.7886"
    assert STOCK.format_quantity(1_000) == "1,000"
