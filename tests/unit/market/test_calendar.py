"""Sessions, half days and phases."""

from datetime import UTC, date, datetime

import pytest

from environment.market.calendar import CalendarError, SessionRules, TradingCalendar
from environment.market.layout import CONTINUOUS, PRE_OPEN

NEW_YORK = TradingCalendar("XNYS")
DAY = date(2014, 6, 6)


def utc_ns(day: date, hour: int, minute: int = 0) -> int:
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def test_day_runs_through_every_phase() -> None:
    session = NEW_YORK.session(DAY)
    assert [(start.phase, start.time_ns) for start in session.phases] == [
        ("pre_open", utc_ns(DAY, 13)),
        ("opening_auction", utc_ns(DAY, 13, 28)),
        ("continuous", utc_ns(DAY, 13, 30)),
        ("closing_auction", utc_ns(DAY, 20)),
        ("post_close", utc_ns(DAY, 20)),
        ("closed", utc_ns(DAY, 20, 15)),
    ]


def test_auctions_can_be_left_out() -> None:
    session = NEW_YORK.session(DAY, auctions=())
    assert [start.phase for start in session.phases] == [
        "pre_open", "continuous", "post_close", "closed",
    ]  # fmt: skip


def test_phase_at_a_time_is_the_last_that_began() -> None:
    session = NEW_YORK.session(DAY)
    assert session.phase_at(utc_ns(DAY, 13, 30) - 1) == "opening_auction"
    assert session.phase_at(utc_ns(DAY, 13, 30)) == "continuous"
    assert session.phase_at(utc_ns(DAY, 20)) == "post_close"
    assert session.phase_at(0) == "closed"


def test_phase_rows_are_what_the_core_takes() -> None:
    rows = NEW_YORK.session(DAY).phase_rows()
    assert rows[[0, 2], 1].tolist() == [PRE_OPEN, CONTINUOUS]


def test_winter_time_moves_the_open_by_an_hour() -> None:
    assert NEW_YORK.session(date(2014, 1, 6)).open_ns == utc_ns(date(2014, 1, 6), 14, 30)


def test_half_day_closes_early_and_locks_early() -> None:
    day = date(2015, 12, 24)
    session = NEW_YORK.session(day)
    assert session.is_half_day
    assert session.close_ns == utc_ns(day, 18)
    assert session.on_close_locked_ns == utc_ns(day, 17, 50)


def test_day_without_a_session_is_refused_with_its_neighbours() -> None:
    with pytest.raises(CalendarError, match="nearest are 2014-06-06 and 2014-06-09"):
        NEW_YORK.session(date(2014, 6, 7))


@pytest.mark.parametrize(("name", "line"), [("XNYX", "no calendar 'XNYX'"), ("XHKG", "midday")])
def test_calendar_is_refused_when_it_cannot_be_used(name: str, line: str) -> None:
    with pytest.raises(CalendarError, match=line):
        TradingCalendar(name)


def test_sessions_of_a_range_skip_holidays_and_weekends() -> None:
    days = [s.date.day for s in NEW_YORK.sessions(date(2014, 7, 3), date(2014, 7, 8))]
    assert days == [3, 7, 8]
    with pytest.raises(CalendarError, match="no trading day"):
        NEW_YORK.sessions(date(2014, 7, 4), date(2014, 7, 6))


def test_following_sessions_are_counted_over_the_end_of_a_year() -> None:
    assert NEW_YORK.following(date(2014, 12, 31), 3) == date(2015, 1, 6)
    assert NEW_YORK.following(date(2014, 7, 4), 0) == date(2014, 7, 7)
    assert NEW_YORK.preceding(date(2015, 1, 2)) == date(2014, 12, 31)


def test_market_without_hours_is_continuous_all_day() -> None:
    session = TradingCalendar("always").session(date(2015, 5, 2))
    assert session.phase_at(utc_ns(date(2015, 5, 2), 3)) == "continuous"
    assert session.end_ns - session.start_ns == 86_400 * 10**9


def test_rules_are_refused_when_the_auction_begins_before_the_day() -> None:
    with pytest.raises(ValueError, match="opening auction"):
        SessionRules(pre_open_ns=1, opening_auction_ns=2)
