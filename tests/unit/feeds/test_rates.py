"""Par yields by day, and the zero curve of a day."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.feeds.files import FeedError
from environment.feeds.rates import read_par_yields, zero_curve_on
from environment.options.curves import cash_flows

SHIPPED = Path("scenarios/data/us_treasury_par_yields_2014.csv.gz")


def test_curve_of_a_day_prices_its_par_bonds_at_one() -> None:
    curve = zero_curve_on(SHIPPED, date(2014, 6, 6))
    row = read_par_yields(SHIPPED).row(by_predicate=pl.col("date") == date(2014, 6, 6), named=True)
    for tenor, years in (("3m", 0.25), ("2y", 2.0), ("10y", 10.0)):
        times, amounts = cash_flows(years, row[tenor] / 100.0, 2)
        assert float(np.sum(amounts * curve.discount_factor(times))) == pytest.approx(
            1.0, abs=1e-12
        )


def test_weekend_takes_the_yields_of_the_day_before() -> None:
    friday, sunday = (zero_curve_on(SHIPPED, date(2014, 6, day)) for day in (6, 8))
    assert friday.log_discounts.tolist() == sunday.log_discounts.tolist()


def test_day_before_the_table_is_refused() -> None:
    with pytest.raises(FeedError, match="no yields of 2013"):
        zero_curve_on(SHIPPED, date(2013, 1, 1))


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "rates.csv"
    other.write_text("day,yield\n2014-01-02,0.1\n")
    with pytest.raises(FeedError, match="not a table of yields"):
        read_par_yields(other)
