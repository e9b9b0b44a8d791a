"""The shared posts, whole: every line is read, and copies are told from news."""

import msgspec
import pytest

from environment.feeds.files import read_bytes
from environment.feeds.posts import Post, read_posts
from environment.text_messages import NewsItem
from tests.shared_data import shared

pytestmark = pytest.mark.slow

POSTS = "data/text/stocknet_tweets_15_tickers_2014_2016.jsonl.gz"
LINES = 62_772


@pytest.fixture(scope="module")
def lines() -> list[Post]:
    decode = msgspec.json.Decoder(Post).decode
    return [decode(line) for line in read_bytes(shared(POSTS)).splitlines()]


@pytest.fixture(scope="module")
def items() -> tuple[NewsItem, ...]:
    return read_posts(shared(POSTS), "posts")


def test_every_stock_has_its_posts_in_order(lines: list[Post], items: tuple[NewsItem, ...]) -> None:
    assert len(lines) == LINES
    assert {s for item in items for s in item.symbols} == {one.symbol for one in lines}
    times = [item.available_ns for item in items]
    assert times == sorted(times)
    assert len({item.item_id for item in items}) == len(items)


def test_copies_are_left_out_and_news_is_not(
    lines: list[Post], items: tuple[NewsItem, ...]
) -> None:
    told = {one.text for one in lines}
    assert {item.text for item in items} <= told
    assert len(told) / 2 < len(items) < LINES
