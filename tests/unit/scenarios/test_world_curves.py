"""What a scenario says of borrowing, as the curve that forwards are made of."""

from datetime import date

import numpy as np
import pytest

from environment.errors import ConfigError
from environment.market.calendar import TradingCalendar
from environment.options.curves import forward_price
from scenarios.builders.curves import WorldCurves, world_curves
from scenarios.config.load import load_config

DAY = date(2014, 6, 6)


def curves(*settings: str) -> WorldCurves:
    return world_curves(load_config("options_day", settings), DAY, TradingCalendar("XNYS"))


def test_one_cost_of_borrowing_holds_for_all_times() -> None:
    borrow = curves("curves.borrow.AAPL=0.03").borrowing("AAPL")
    assert borrow.rate([0.1, 1.0, 5.0]).tolist() == pytest.approx([0.03, 0.03, 0.03])


def test_costs_by_years_are_averages_to_each_of_them() -> None:
    borrow = curves("curves.borrow.AAPL=[[0.25, 0.01], [1.0, 0.04]]").borrowing("AAPL")
    assert borrow.rate([0.25, 1.0]).tolist() == pytest.approx([0.01, 0.04])
    assert 0.01 < float(borrow.rate(0.5)) < 0.04


def test_a_forward_of_each_term_bears_its_own_cost() -> None:
    plain, dear = curves(), curves("curves.borrow.AAPL=[[0.25, 0.0], [1.0, 0.04]]")
    due = plain.dividends("AAPL", DAY)
    near, far = (
        np.log(
            forward_price(645.0, years, dear.zero, due, dear.borrowing("AAPL"))
            / forward_price(645.0, years, plain.zero, due, plain.borrowing("AAPL"))
        )
        for years in (0.2, 1.0)
    )
    assert near == pytest.approx(0.0, abs=1e-9)
    assert far == pytest.approx(-0.04, abs=1e-3)


def test_nothing_said_costs_nothing() -> None:
    assert float(curves().borrowing("AAPL").rate(1.0)) == 0.0


@pytest.mark.parametrize("told", ["[]", "[[1.0, 0.01], [0.5, 0.02]]", "[[1.0, -0.1]]"])
def test_costs_that_make_no_curve_are_refused(told: str) -> None:
    with pytest.raises(ConfigError, match="borrow"):
        curves(f"curves.borrow.AAPL={told}")


def test_the_real_dividend_is_told_in_shares_of_the_day_that_asks() -> None:
    """AAPL's 47 cents of 2014-08-07 were 3.29 dollars a share before its seven for one."""
    before, after = (
        curves().due_dividends("AAPL", day)[0] for day in (DAY, date(2014, 6, 9))
    )  # fmt: skip
    assert (before.ex_date, before.micros_per_share) == (date(2014, 8, 7), 3_290_000)
    assert (after.ex_date, after.micros_per_share) == (date(2014, 8, 7), 470_000)
