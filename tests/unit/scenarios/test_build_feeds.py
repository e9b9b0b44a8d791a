"""Feeds from the configuration: told again in research, polled while the daemon runs."""

from datetime import date
from pathlib import Path

import pytest

from environment.errors import ConfigError
from environment.feeds.news_gateway import NewsGateway
from environment.feeds.posts import RecordedFeed
from environment.market.calendar import TradingCalendar
from scenarios.builders.analysts import feed_factories
from scenarios.builders.feeds import items_of
from scenarios.config.load import Config, load_config

SESSION = TradingCalendar("XNYS").session(date(2014, 6, 6))
RSS = 'feeds.posts={kind="rss",url="http://127.0.0.1:9/rss"}'
SEC = 'feeds.posts={kind="sec",companies={AAPL=320193},contact="tests a@b.c"}'


def config_with(*settings: str) -> Config:
    return load_config("newsroom", settings)


@pytest.mark.parametrize("feed", [RSS, SEC])
def test_a_web_feed_is_polled_live_and_refused_in_research(
    feed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config = config_with(feed)
    made = feed_factories(config, SESSION, is_live=True)
    assert isinstance(made["feeds/posts"](), NewsGateway)
    with pytest.raises(ConfigError, match=r"feeds\.posts reads the network"):
        feed_factories(config, SESSION, is_live=False)


def test_recorded_feeds_are_told_again_everywhere() -> None:
    made = feed_factories(config_with(), SESSION, is_live=True)
    assert {type(make()) for make in made.values()} == {RecordedFeed}


def test_reported_figures_come_with_the_year_before_and_not_before_they_were_filed() -> None:
    items = items_of(config_with(), "facts", SESSION.start_ns)
    known = [item for item in items if item.available_ns < SESSION.start_ns]
    assert len(known) == 5
    assert any("+7.1 % from a year before" in item.text for item in known)
    assert all(item.published_ns == item.available_ns for item in items)


def test_posts_begin_after_the_last_close() -> None:
    items = items_of(config_with(), "posts", SESSION.start_ns)
    assert 0 < sum(item.available_ns < SESSION.start_ns for item in items) < 30
