"""When a market is open: sessions, half days and the phases of a day, as UTC nanoseconds.

Session days and hours are those of `exchange_calendars`; the phases around them are ours. An
auction is held when its phase ends, so a closing auction of no length is held at the close itself,
with the continuous book as it stands.
"""

import warnings
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.errors import ConfigError
from environment.market.layout import PHASES
from environment.messages import Phase

ALWAYS: Final = "always"
_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
_MARGIN: Final = timedelta(days=21)  # Longer than any holiday: both neighbours of a day are inside.

Auction = Literal["opening", "closing"]


class CalendarError(ConfigError):
    """A calendar or a date cannot be used. The text is one line with the mend."""


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    """How far around the session its phases reach.

    Attributes
    ----------
    pre_open_ns : int
        Orders are taken so long before the open: from 09:00 where trading starts at 09:30.
    opening_auction_ns, closing_auction_ns : int
        Length of the phase before the open, and of the one from the close.
    on_close_lock_ns : int
        On-close orders cannot be cancelled so long before the close: from 15:50 where it is 16:00.
    post_close_ns : int
        From the end of the closing auction to the end of the day.
    """

    pre_open_ns: int = 30 * _MINUTE_NS
    opening_auction_ns: int = 2 * _MINUTE_NS
    closing_auction_ns: int = 0
    on_close_lock_ns: int = 10 * _MINUTE_NS
    post_close_ns: int = 15 * _MINUTE_NS

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative")
        if self.opening_auction_ns > self.pre_open_ns:
            raise ValueError("the opening auction cannot be longer than the time before the open")


class PhaseStart(msgspec.Struct, frozen=True, kw_only=True):
    """A phase and when it begins."""

    time_ns: int
    phase: Phase


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day. `phases` are in order of time; the last is `closed`."""

    date: date
    calendar: str
    zone: str
    open_ns: int
    close_ns: int
    on_close_locked_ns: int
    is_half_day: bool
    phases: tuple[PhaseStart, ...]

    @property
    def start_ns(self) -> int:
        """Return when the day's first phase begins."""
        return self.phases[0].time_ns

    @property
    def end_ns(self) -> int:
        """Return when the day is closed."""
        return self.phases[-1].time_ns

    def phase_at(self, time_ns: int) -> Phase:
        """Return the phase at a time; before the day's first phase, `closed`."""
        place = bisect_right([start.time_ns for start in self.phases], time_ns)
        return self.phases[place - 1].phase if place else "closed"

    def phase_rows(self) -> NDArray[np.int64]:
        """Return the phases as rows of (time in ns, phase number of the core)."""
        rows = [(start.time_ns, PHASES.index(start.phase)) for start in self.phases]
        return np.array(rows, np.int64)


@cache
def _exchange_calendar(name: str, first: date, last: date) -> Any:  # untyped library
    # Imported here: with pandas it takes a second, which `outcry --help` must not pay.
    import exchange_calendars  # noqa: PLC0415
    from exchange_calendars.errors import CalendarError as LibraryError  # noqa: PLC0415

    if name not in exchange_calendars.get_calendar_names():
        known = sorted(exchange_calendars.get_calendar_names(include_aliases=False))
        raise CalendarError(f"there is no calendar '{name}'; known: {ALWAYS}, {', '.join(known)}")
    try:
        with warnings.catch_warnings():
            # The library reads time zones in a way that pandas announces to change.
            warnings.simplefilter("ignore", DeprecationWarning)
            return exchange_calendars.get_calendar(name, start=str(first), end=str(last))
    except (LibraryError, ValueError) as error:
        raise CalendarError(f"calendar {name} does not reach from {first} to {last}") from error


class TradingCalendar:
    """Sessions of one exchange, or of a market that never closes.

    Parameters
    ----------
    name : str
        A code of `exchange_calendars` (XNYS, XLON, ...), or "always".
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._years: dict[int, list[tuple[date, int, int, bool]]] = {}
        self._zone = "UTC"
        self._year(2014)  # An unknown name is refused here, not at the first question.

    @property
    def zone(self) -> str:
        """Return the exchange's time zone."""
        return self._zone

    def _year(self, year: int) -> list[tuple[date, int, int, bool]]:
        """Return (date, open, close, half day) of each session of a year."""
        if year not in self._years:
            days = self._always(year) if self.name == ALWAYS else self._listed(year)
            self._years[year] = days
        return self._years[year]

    def _listed(self, year: int) -> list[tuple[date, int, int, bool]]:
        calendar = _exchange_calendar(self.name, date(year, 1, 1), date(year, 12, 31))
        self._zone = str(calendar.tz)
        if calendar.schedule["break_start"].notna().any():
            raise CalendarError(
                f"calendar {self.name} has a break at midday, which is not in this version"
            )
        early = {day.date() for day in calendar.early_closes}
        return [
            (day.date(), int(row.open.value), int(row.close.value), day.date() in early)
            for day, row in zip(calendar.sessions, calendar.schedule.itertuples(), strict=True)
        ]

    @staticmethod
    def _always(year: int) -> list[tuple[date, int, int, bool]]:
        first = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        count = (date(year + 1, 1, 1) - date(year, 1, 1)).days
        starts = [(first + 86_400 * day) * _SECOND_NS for day in range(count)]
        return [
            (date(year, 1, 1) + timedelta(days=day), start, start + 86_400 * _SECOND_NS, False)
            for day, start in enumerate(starts)
        ]

    def days(self, first: date, last: date) -> tuple[date, ...]:
        """Return the session days from `first` to `last`, both included."""
        years = range(first.year, last.year + 1)
        return tuple(day[0] for y in years for day in self._year(y) if first <= day[0] <= last)

    def is_session(self, day: date) -> bool:
        """Return whether the market opens on a day."""
        return bool(self.days(day, day))

    def following(self, day: date, count: int = 1) -> date:
        """Return the `count`-th session after a day; with 0 the day itself or the next session."""
        reach = day + _MARGIN + timedelta(days=2 * count)
        later = [d for d in self.days(day, reach) if d > day or (count == 0 and d == day)]
        return later[max(count, 1) - 1]

    def preceding(self, day: date) -> date:
        """Return the last session before a day."""
        return self.days(day - _MARGIN, day - timedelta(days=1))[-1]

    def session(
        self, day: date, *, auctions: tuple[Auction, ...] = ("opening", "closing"),
        rules: SessionRules | None = None,
    ) -> Session:  # fmt: skip
        """Return the phases of one day.

        Raises
        ------
        CalendarError
            If the market does not open on that day; the nearest sessions are named.
        """
        found = [row for row in self._year(day.year) if row[0] == day]
        if not found:
            raise CalendarError(
                f"{day} is no trading day of {self.name};"
                f" the nearest are {self.preceding(day)} and {self.following(day)}"
            )
        _, open_ns, close_ns, is_half_day = found[0]
        told = rules or SessionRules()
        always = self.name == ALWAYS
        return Session(
            date=day, calendar=self.name, zone=self._zone, open_ns=open_ns, close_ns=close_ns,
            on_close_locked_ns=close_ns - told.on_close_lock_ns, is_half_day=is_half_day,
            phases=_around_the_clock(open_ns, close_ns) if always
            else _phases(open_ns, close_ns, auctions, told),
        )  # fmt: skip

    def sessions(
        self, first: date, last: date, *, auctions: tuple[Auction, ...] = ("opening", "closing"),
        rules: SessionRules | None = None,
    ) -> tuple[Session, ...]:  # fmt: skip
        """Return every session from `first` to `last`, both included.

        Raises
        ------
        CalendarError
            If there is none.
        """
        days = self.days(first, last)
        if not days:
            raise CalendarError(
                f"{self.name} has no trading day from {first} to {last};"
                f" the nearest are {self.preceding(first)} and {self.following(last)}"
            )
        return tuple(self.session(day, auctions=auctions, rules=rules) for day in days)


def _around_the_clock(open_ns: int, close_ns: int) -> tuple[PhaseStart, ...]:
    return (
        PhaseStart(time_ns=open_ns, phase="continuous"),
        PhaseStart(time_ns=close_ns, phase="closed"),
    )


def _phases(
    open_ns: int, close_ns: int, auctions: tuple[Auction, ...], rules: SessionRules
) -> tuple[PhaseStart, ...]:
    starts: list[tuple[int, Phase]] = [(open_ns - rules.pre_open_ns, "pre_open")]
    if "opening" in auctions:
        starts.append((open_ns - rules.opening_auction_ns, "opening_auction"))
    starts.append((open_ns, "continuous"))
    end_ns = close_ns
    if "closing" in auctions:
        starts.append((close_ns, "closing_auction"))
        end_ns += rules.closing_auction_ns
    starts += [(end_ns, "post_close"), (end_ns + rules.post_close_ns, "closed")]
    return tuple(PhaseStart(time_ns=time_ns, phase=phase) for time_ns, phase in starts)
