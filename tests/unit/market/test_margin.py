"""Margin of stock accounts and the length of settlement."""

from datetime import date

import numpy as np
import pytest

from environment.instruments import make_equity, to_micros
from environment.market.margin import (
    equity_and_requirement,
    initial_micros,
    maintenance_per_lot,
    settlement_sessions,
)

STOCK = make_equity("AAPL")


@pytest.mark.parametrize(
    ("traded", "sessions"),
    [
        (date(2014, 6, 6), 3),
        (date(2017, 9, 4), 3),
        (date(2017, 9, 5), 2),
        (date(2024, 5, 27), 2),
        (date(2024, 5, 28), 1),
    ],
)
def test_settlement_shortens_on_its_dates(traded: date, sessions: int) -> None:
    assert settlement_sessions(traded) == sessions


def test_initial_margin_is_half_of_either_side() -> None:
    assert initial_micros(to_micros(100)) == initial_micros(to_micros(-100)) == to_micros(50)


@pytest.mark.parametrize(
    ("price", "long", "short"),
    [("100", "25", "30"), ("10", "2.50", "5"), ("4", "1", "4"), ("2", "0.50", "2.50")],
)
def test_maintenance_has_floors_for_cheap_shorts(price: str, long: str, short: str) -> None:
    ticks = STOCK.price_from(price)
    assert maintenance_per_lot(STOCK, ticks, short=False) == to_micros(long)
    assert maintenance_per_lot(STOCK, ticks, short=True) == to_micros(short)


def test_equity_counts_shorts_against_cash() -> None:
    cash = np.array([to_micros(1_000), to_micros(1_000)], np.int64)
    position = np.array([[10], [-10]], np.int64)
    equity, required = equity_and_requirement(cash, position, (STOCK,), (5_000,))
    assert equity.tolist() == [to_micros(1_500), to_micros(500)]
    assert required.tolist() == [to_micros(125), to_micros(150)]


def test_position_too_large_for_the_books_is_an_overflow() -> None:
    with pytest.raises(OverflowError, match="AAPL"):
        equity_and_requirement(
            np.zeros(1, np.int64), np.array([[1 << 50]], np.int64), (STOCK,), (10_000,)
        )
