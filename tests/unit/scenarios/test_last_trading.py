"""When series trade last."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from environment.instruments import Settlement, make_option
from environment.market.calendar import TradingCalendar
from scenarios.builders.options import last_trading_ns

CALENDAR = TradingCalendar("XNYS")
SESSIONS = CALENDAR.sessions(date(2014, 7, 1), date(2014, 7, 18), auctions=())


@pytest.mark.parametrize(
    ("expiry", "settlement", "day"),
    [
        (date(2014, 7, 18), "physical", date(2014, 7, 18)),
        (date(2014, 7, 18), "cash_pm", date(2014, 7, 18)),
        (date(2014, 7, 18), "cash_am", date(2014, 7, 17)),  # On its opening print, the day after.
        (date(2014, 7, 19), "physical", date(2014, 7, 18)),  # A Saturday.
        (date(2014, 7, 4), "physical", date(2014, 7, 3)),  # A holiday, after a half day.
    ],
)
def test_series_trade_last_at_the_close_of_a_session(
    expiry: date, settlement: Settlement, day: date
) -> None:
    series = make_option("XYZ", expiry, "call", "100", settlement=settlement)
    at_ns = last_trading_ns(series, SESSIONS, CALENDAR)
    moment = datetime.fromtimestamp(at_ns / 1e9, ZoneInfo("America/New_York"))
    assert moment.date() == day
    assert moment.hour == (13 if day == date(2014, 7, 3) else 16)


def test_a_series_beyond_the_run_has_no_last_moment_in_it() -> None:
    series = make_option("XYZ", date(2014, 8, 15), "call", "100")
    assert last_trading_ns(series, SESSIONS, CALENDAR) == 0
