"""Copies, companies, posts: what becomes of text on its way in."""

import json
from pathlib import Path

import pytest

from environment.actors.testing import RecordingContext
from environment.feeds.dedupe import Deduplicator
from environment.feeds.entities import EntityLinker, aliases_of
from environment.feeds.files import FeedError
from environment.feeds.ingest import Ingest, RawItem
from environment.feeds.posts import RecordedFeed, read_posts
from environment.messages import Resumed, TimerFired

DAY_NS = 86_400_000_000_000
STORY = "Apple raises its dividend by ten percent and buys back more of its own shares"


def make_raw(text: str = STORY, item_id: str = "1", published_ns: int = 5) -> RawItem:
    return RawItem(item_id=item_id, kind="headline", text=text, published_ns=published_ns)


def test_copies_are_told_from_news() -> None:
    judge = Deduplicator().judge
    assert judge(STORY, 0) == "new"
    assert judge(f"RT @bob {STORY.upper()}! https://x.y/z", 1) == "exact"
    assert judge(f"Breaking: {STORY}", 2) == "near"
    assert judge("Apple cuts its dividend by ten percent and sells shares of its own", 3) == "new"


def test_an_old_copy_is_news_again() -> None:
    dedupe = Deduplicator(window_ns=DAY_NS)
    assert [dedupe.judge(STORY, at) for at in (0, DAY_NS, 3 * DAY_NS)] == ["new", "exact", "new"]


def test_near_copies_are_found_over_many_texts() -> None:
    dedupe = Deduplicator()
    texts = [" ".join(f"w{n * 31 % 997}x{k}" for k in range(14)) for n in range(300)]
    assert {dedupe.judge(text, 0) for text in texts} == {"new"}
    found = [dedupe.judge(f"{text} again", 0) for text in texts]
    assert found.count("near") >= 285  # A share of 0.98 have a band in common.


def test_a_deduplicator_goes_on_where_it_stood() -> None:
    first, second = Deduplicator(), Deduplicator()
    first.judge(STORY, 0)
    second.restore(first.state())
    assert second.judge(STORY, 1) == "exact"


@pytest.mark.parametrize(
    ("title", "aliases"),
    [("Apple Inc.", ("apple", "apple inc")), ("TARGET CORP", ("target corp",)),
     ("The Walt Disney Co", ("walt disney", "the walt disney co"))],
)  # fmt: skip
def test_a_title_has_its_names(title: str, aliases: tuple[str, ...]) -> None:
    assert aliases_of(title) == aliases


def test_a_text_is_linked_to_its_companies() -> None:
    linker = EntityLinker({
        "AAPL": ["apple"], "TGT": aliases_of("TARGET CORP"), "GS": ["goldman sachs"], "F": [],
        "A": ["twin"], "B": ["twin"],
    })  # fmt: skip
    text = "$ f and Apple's price target at Goldman Sachs; pineapple twin $xyz"
    assert linker.link(text) == ("F", "AAPL", "GS")


def test_nothing_is_known_before_it_was_published_or_fetched() -> None:
    ingest = Ingest("wire")
    early = ingest.take(make_raw(published_ns=5), 9)
    late = ingest.take(make_raw("Another story altogether", "2", published_ns=50), 9)
    assert early is not None
    assert late is not None
    assert (early.available_ns, late.available_ns) == (9, 50)


def test_ingestion_survives_a_restart() -> None:
    before, after = Ingest("wire"), Ingest("wire")
    assert before.take(make_raw(), 1) is not None
    after.restore(before.save())
    assert after.take(make_raw(), 2) is None
    assert after.take(make_raw(item_id="2"), 3) is None
    assert (after.counts.repeated, after.counts.exact, after.counts.taken) == (1, 1, 1)


def write_posts(path: Path, *rows: dict[str, str] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines))
    return path


def test_posts_are_read_in_order_with_all_their_symbols(tmp_path: Path) -> None:
    path = write_posts(
        tmp_path / "p.jsonl",
        {"symbol": "AAPL", "created_at": "1970-01-01T00:00:02Z", "text": "later words here"},
        {"symbol": "AAPL", "created_at": "1970-01-01T00:00:01Z", "text": "first words here"},
        {"symbol": "GOOG", "created_at": "1970-01-01T00:00:01Z", "text": "first words here"},
    )
    items = read_posts(path, "posts")
    assert [item.symbols for item in items] == [("AAPL", "GOOG"), ("AAPL",)]
    assert [item.available_ns for item in items] == [1_000_000_000, 2_000_000_000]


BAD_POSTS = (
    "{",
    '{"symbol":"A","created_at":"noon","text":"x"}',
    '{"symbol":"A","created_at":"2014-01-01T00:00:00","text":"x"}',
)


@pytest.mark.parametrize("line", BAD_POSTS)
def test_a_bad_post_names_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(FeedError, match="line 1 is no post"):
        read_posts(write_posts(tmp_path / "p.jsonl", line), "posts")


def test_a_recorded_feed_tells_each_item_when_it_could_be_known(tmp_path: Path) -> None:
    items = tuple(
        item for n in (3, 5)
        if (item := Ingest("posts").take(make_raw(published_ns=n), n)) is not None
    )  # fmt: skip
    actor, ctx = RecordedFeed("posts", items), RecordingContext(now_ns=3)
    ctx.handle(actor, Resumed())
    assert [sent.message for sent in ctx.published] == [items[0]]
    ctx.set_time(5)
    ctx.handle(actor, TimerFired(timer_id=1, name="next"))
    assert [sent.to for sent in ctx.published] == ["news/posts"] * 2


def test_items_from_before_the_start_stay_unsaid() -> None:
    item = Ingest("posts").take(make_raw(published_ns=3), 3)
    assert item is not None
    ctx = RecordingContext(now_ns=10)
    ctx.handle(RecordedFeed("posts", (item,)), Resumed())
    assert ctx.published == []
