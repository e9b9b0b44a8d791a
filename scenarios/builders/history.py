"""What the desk knows of days gone by, before the first one that it trades."""

from datetime import date
from typing import Final

from environment.feeds.daily_closes import read_daily_returns, read_daily_value
from scenarios.config.load import Config

_VOLUME_DAYS: Final = 20  # A month of trading, as average daily volume is mostly told.


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


def day_values(config: Config, today: date) -> dict[str, float]:
    """Return what of each stock a mean day of the last month trades, in money, micros.

    Raises
    ------
    FeedError
        If the file holds something else.
    """
    told = config.scenario.history
    if told is None:
        return {}
    symbols = frozenset(one.symbol for one in config.scenario.instruments)
    found = read_daily_value(config.find(told), symbols, today, _VOLUME_DAYS)
    return {symbol: 1e6 * value for symbol, value in found.items()}
