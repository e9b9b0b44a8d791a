"""Dated charges and schedules, to the last micro."""

from datetime import date
from decimal import Decimal

import pytest

from environment.errors import ConfigError
from environment.instruments import make_crypto, make_equity, make_option, to_micros
from environment.market.fees import SECTION_31, FeeRow, FeeSchedule, FeeTier, fee_row, rate_on

STOCK = make_equity("AAPL")
OPTION = make_option("AAPL", date(2014, 6, 20), "call", "645")
DAY = date(2014, 6, 6)
US = FeeSchedule(
    maker_per_unit=Decimal("-0.0020"), taker_per_unit=Decimal("0.0030"), regulatory=True
)


def row(schedule: FeeSchedule = US, *, day: date = DAY, volume_lots: int = 0) -> FeeRow:
    return fee_row(schedule, STOCK, day, volume_lots=volume_lots)


@pytest.mark.parametrize(
    ("day", "per_million"),
    [
        (date(2014, 3, 17), "17.40"),
        (date(2014, 3, 18), "22.10"),
        (date(2018, 5, 21), "23.10"),
        (date(2018, 5, 22), "13.00"),
        (date(2021, 2, 25), "5.10"),
        (date(2025, 5, 14), "0"),
    ],
)
def test_sales_pay_the_rate_of_their_day(day: date, per_million: str) -> None:
    million = to_micros("1000000")
    sale = fee_row(US, STOCK, day).sale_micros(million, 0)
    assert sale == to_micros(per_million)


def test_day_before_the_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="before 2012-04-01"):
        rate_on(SECTION_31, date(2012, 3, 31))


def test_rebate_is_a_negative_fee() -> None:
    assert row().fee_micros(0, 100, "maker") == to_micros("-0.20")
    assert row().fee_micros(0, 100, "taker") == to_micros("0.30")


def test_activity_fee_is_capped_per_trade() -> None:
    no_section_31 = FeeRow(sell_per_lot=row().sell_per_lot, sell_cap=row().sell_cap)
    assert no_section_31.sale_micros(0, 100) == to_micros("0.0119")
    assert no_section_31.sale_micros(0, 1_000_000) == to_micros("5.95")


def test_rate_is_rounded_once_to_the_even_micro() -> None:
    half = FeeRow(taker_rate=500_000_000)
    assert [half.fee_micros(n, 0, "taker") for n in (1, 2, 3, -1)] == [0, 1, 2, 0]


def test_coin_venue_charges_basis_points() -> None:
    schedule = FeeSchedule(taker_basis_points=Decimal(25), regulatory=True)
    coin = fee_row(schedule, make_crypto("BTCUSD"), DAY)
    assert coin.fee_micros(to_micros("236.47"), 10_000, "taker") == to_micros("0.591175")
    assert coin.sell_rate == 0


def test_option_pays_per_contract_with_clearing() -> None:
    schedule = FeeSchedule(
        maker_per_unit=Decimal("0.65"), taker_per_unit=Decimal("0.65"),
        clearing_per_unit=Decimal("0.02"), regulatory=True,
    )  # fmt: skip
    told = fee_row(schedule, OPTION, DAY)
    assert told.fee_micros(0, 3, "maker") == to_micros("2.01")
    assert (told.sell_per_lot, told.sell_cap) == (2_000_000, 0)


def test_tier_replaces_the_charges_from_its_volume_on() -> None:
    tier = FeeTier(
        from_lots=1_000, maker_per_unit=Decimal("-0.0030"), taker_per_unit=Decimal("0.0025")
    )
    schedule = FeeSchedule(taker_per_unit=Decimal("0.0030"), tiers=(tier,))
    assert row(schedule, volume_lots=999).taker == 3_000
    assert row(schedule, volume_lots=1_000).taker == 2_500


@pytest.mark.parametrize(
    "schedule",
    [
        FeeSchedule(maker_per_unit=Decimal("0.00000015")),
        FeeSchedule(taker_basis_points=Decimal("0.000001")),
    ],
)
def test_fee_finer_than_the_books_is_refused(schedule: FeeSchedule) -> None:
    with pytest.raises(ConfigError, match=r"whole number|billionth"):
        row(schedule)


def test_tiers_must_rise() -> None:
    tier = FeeTier(from_lots=5, maker_per_unit=Decimal(0), taker_per_unit=Decimal(0))
    with pytest.raises(ConfigError, match="rise"):
        FeeSchedule(tiers=(tier, tier))
