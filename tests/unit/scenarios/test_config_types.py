"""Durations, times of day, prices and money keep exactly what was written."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from scenarios.config.types import ClockTime, Duration, Money, Period, Price


@pytest.mark.parametrize(
    ("text", "length_ns"),
    [("300us", 300_000), ("5m", 300_000_000_000), ("0s", 0), ("1.5s", 1_500_000_000), ("7ns", 7)],
)
def test_duration_is_read_to_the_nanosecond(text: str, length_ns: int) -> None:
    assert Duration.parse(text) == length_ns


@pytest.mark.parametrize("text", ["5", "s", "-1s", "1.5ns", "1 s", "1e3s", "9" * 18 + "d", "٣s", 5])
def test_duration_is_refused_when_it_has_no_exact_meaning(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Duration.parse(text)


@given(st.integers(0, 10**17))
def test_duration_survives_being_written(length_ns: int) -> None:
    assert Duration.parse(Duration(length_ns).written()) == length_ns


def test_period_refuses_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Period.parse("0s")


@given(st.integers(0, 86_399))
def test_clock_time_survives_being_written(seconds: int) -> None:
    moment = ClockTime(seconds * 1_000_000_000)
    assert ClockTime.parse(moment.written()) == moment


@pytest.mark.parametrize("text", ["24:00", "9:30", "09:60", "", 930])
def test_clock_time_is_refused_when_no_clock_shows_it(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        ClockTime.parse(text)


@given(st.integers(-(2**61), 2**61))
def test_money_survives_being_written(micros: int) -> None:
    assert Money.parse(Money(micros).written()) == micros


@pytest.mark.parametrize("number", [Decimal("0.0000001"), True, "5", 10**13])
def test_money_is_refused_when_it_cannot_be_booked(number: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Money.parse(number)


@pytest.mark.parametrize("number", [0, -1, Decimal("1e-11"), "1", True])
def test_price_is_refused_when_no_instrument_has_it(number: object) -> None:
    with pytest.raises(ValueError, match="expected a price"):
        Price.parse(number)
