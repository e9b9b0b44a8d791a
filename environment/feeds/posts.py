"""Recorded posts: JSON lines of symbol, time and text, and the actor that tells them again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, assert_never

import msgspec

from environment.actors import Actor, ActorContext
from environment.feeds.files import FeedError, read_bytes
from environment.feeds.ingest import Ingest, RawItem
from environment.messages import Resumed, TimerFired
from environment.text_messages import NewsItem, news_topic

_SECOND_NS: Final = 1_000_000_000


class Post(msgspec.Struct, frozen=True):
    """One line of a recording."""

    symbol: str
    created_at: str
    text: str


def read_posts(
    path: Path, feed: str, *, first_ns: int = 0, last_ns: int = 1 << 62, shift_ns: int = 0
) -> tuple[NewsItem, ...]:
    """Return the posts of a file between two moments, in order, copies left out.

    A post that names several stocks stands in such files once for each; here it is one item with
    all their symbols. `shift_ns` is added to every time.

    Raises
    ------
    FeedError
        If the file is damaged, or a line is no post.
    """
    told: dict[tuple[int, str], list[str]] = {}
    decoder = msgspec.json.Decoder(Post)
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        try:
            post = decoder.decode(line)
            at_ns = _moment_ns(post.created_at) + shift_ns
        except (msgspec.MsgspecError, ValueError) as error:
            raise FeedError(
                path, f"line {number} is no post ({error})", "give symbol, created_at and text"
            ) from error
        if first_ns <= at_ns <= last_ns:
            told.setdefault((at_ns, post.text), []).append(post.symbol)
    ingest, items = Ingest(feed), []
    for number, ((at_ns, text), symbols) in enumerate(sorted(told.items()), 1):
        raw = RawItem(
            item_id=str(number), kind="post", text=text, published_ns=at_ns,
            symbols=tuple(dict.fromkeys(symbols)),
        )  # fmt: skip
        item = ingest.take(raw, at_ns)
        if item is not None:
            items.append(item)
    return tuple(items)


def _moment_ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found {text!r}")
    return round(moment.astimezone(UTC).timestamp()) * _SECOND_NS


class RecordedFeedState(msgspec.Struct):
    """How far the recording was told."""

    told: int = 0


class RecordedFeed(Actor[Resumed | TimerFired]):
    """Publishes recorded items on `news/NAME`, each when it could first be known."""

    KIND: ClassVar[str] = "recorded_feed"

    def __init__(self, feed: str, items: tuple[NewsItem, ...]) -> None:
        self._feed, self._items = feed, items
        self.state: RecordedFeedState = RecordedFeedState()

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired) -> None:
        """Handle one message."""
        match message:
            case Resumed() | TimerFired():
                self._tell(ctx)
            case never:
                assert_never(never)

    def _tell(self, ctx: ActorContext) -> None:
        """Publish what is due, and wake for the next; items from before the start stay unsaid."""
        now_ns, state = ctx.now_ns(), self.state
        while state.told < len(self._items):
            item = self._items[state.told]
            if item.available_ns > now_ns:
                ctx.after(item.available_ns - now_ns, "next")
                return
            if item.available_ns == now_ns:
                ctx.publish(news_topic(self._feed), item)
            state.told += 1
