"""What holds for every price and symbol."""

from datetime import date
from fractions import Fraction

from hypothesis import given, strategies as st

from environment.instruments import (
    Instrument,
    Right,
    format_occ,
    half_even,
    make_equity,
    make_option,
    parse_occ,
)

RIGHTS: tuple[Right, ...] = ("call", "put")
INSTRUMENTS = [
    make_equity("A"),
    make_equity("A", tick="0.0001"),
    make_option("A", date(2014, 6, 6), "call", "5"),
    make_option("A", date(2014, 6, 6), "put", "5", tick_rule="option_other"),
]


@given(st.sampled_from(INSTRUMENTS), st.integers(-30_000, 30_000), st.booleans())
def test_rounded_price_is_legal_and_nearest(instrument: Instrument, price: int, up: bool) -> None:
    rounded = instrument.round_price(price, up=up)
    between = range(price, rounded) if up else range(rounded + 1, price + 1)
    assert instrument.is_legal_price(rounded)
    assert not any(instrument.is_legal_price(other) for other in between)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9))
def test_half_even_is_pythons_own_rounding(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(
    st.from_regex(r"[A-Z0-9]{1,6}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(RIGHTS),
    st.integers(1, 99_999_999),
)
def test_option_symbols_survive_a_round_trip(
    root: str, expiry: date, right: Right, thousandths: int
) -> None:
    symbol = format_occ(root, expiry, right, thousandths * 1_000)
    told = parse_occ(symbol)
    assert len(symbol) == 21
    assert format_occ(told.root, told.expiry, told.right, told.strike_micros) == symbol


@given(st.sampled_from(INSTRUMENTS), st.integers(0, 100_000), st.booleans())
def test_formatted_price_reads_back(instrument: Instrument, price: int, half: bool) -> None:
    text = instrument.format_price(price, half_tick=half).replace(",", "")
    assert Fraction(text) == Fraction(instrument.price_decimal(price, half_tick=half))
