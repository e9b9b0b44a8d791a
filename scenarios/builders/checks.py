"""What only calendar and data files can say of a configuration; its line names file and key."""

from collections.abc import Iterator
from contextlib import contextmanager

from environment.errors import ConfigError
from environment.feeds.files import FeedError
from environment.market.calendar import CalendarError, Session
from scenarios.builders.calendars import calendar_of
from scenarios.builders.crowd import hours_of
from scenarios.builders.day import sessions_of
from scenarios.config.load import Config


@contextmanager
def naming_the_file(config: Config) -> Iterator[None]:
    """Let an error inside say which scenario file is at fault, if it does not name a file."""
    try:
        yield
    except FeedError:
        raise  # It names the data file.
    except ConfigError as error:
        where = str(config.refusal((), ""))
        if str(error).startswith(where):
            raise
        raise ConfigError(f"{where} {error}") from error


def planned_sessions(config: Config) -> tuple[Session, ...]:
    """Return the days of a scenario.

    Raises
    ------
    ConfigError
        If its calendar is unknown, has no such day, or a crowd is awake on none of them.
    """
    asked = config.scenario.session
    try:
        calendar = calendar_of(asked.calendar)
    except CalendarError as error:
        raise config.refusal(("session", "calendar"), str(error)) from error
    try:
        sessions = sessions_of(config.scenario, calendar)
    except CalendarError as error:
        key = "date" if asked.date is not None else "dates"
        raise config.refusal(("session", key), f"{error}; choose one of them") from error
    _check_awake(config, sessions)
    return sessions


def _check_awake(config: Config, sessions: tuple[Session, ...]) -> None:
    """Raise ConfigError for a crowd whose hours lie outside all of the days."""
    for name, crowd in config.scenario.crowds.items():
        hours = [hours_of(crowd, session) for session in sessions]
        if all(
            closes <= session.start_ns or opens >= session.close_ns
            for (opens, closes), session in zip(hours, sessions, strict=True)
        ):
            raise config.refusal(
                ("crowds", name, "active"),
                "lies outside of every day's trading; choose hours in which the market is open",
            )
