"""Trading calendars by name, each made once: that takes longer than the rest of a small world."""

from functools import cache

from environment.market.calendar import TradingCalendar


@cache
def calendar_of(name: str) -> TradingCalendar:
    """Return an exchange's calendar; raises CalendarError for an unknown name."""
    return TradingCalendar(name)
