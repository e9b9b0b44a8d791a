"""What the desk knows of days gone by, before the first one that it trades."""

from datetime import date

from environment.feeds.daily_closes import read_daily_returns
from scenarios.config.load import Config


def past_returns(config: Config, today: date) -> dict[str, tuple[float, ...]]:
    """Return each stock's past daily returns; no day from `today` on is looked at.

    Raises
    ------
    FeedError
        If the file holds something else.
    """
    told = config.scenario.history
    if told is None:
        return {}
    symbols = frozenset(one.symbol for one in config.scenario.instruments)
    return read_daily_returns(config.find(told), symbols, today)
