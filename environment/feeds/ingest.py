"""From raw items to news: when it could be known, whether it is a copy, and what it is about."""

from typing import Literal

import msgspec

from environment.feeds.dedupe import DedupeState, Deduplicator
from environment.feeds.entities import EntityLinker
from environment.text_messages import NewsItem

_LONGEST_TEXT = 20_000


class RawItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item as its source gives it; `symbols` are those that the source itself names."""

    item_id: str
    kind: Literal["post", "headline", "filing", "facts"]
    text: str
    published_ns: int
    symbols: tuple[str, ...] = ()
    link: str = ""


class IngestState(msgspec.Struct):
    """All that ingestion remembers over a restart, and its counts."""

    dedupe: DedupeState
    ids: dict[str, int] = {}  # By item: when it was taken.
    taken: int = 0
    repeated: int = 0
    exact: int = 0
    near: int = 0
    empty: int = 0


class Ingest:
    """Takes items of one feed in order of arrival.

    Nobody can know an item before it was published, nor before it was fetched: `available_ns` is
    the later of the two, so that a source which dates its items back or ahead moves nothing.
    """

    def __init__(
        self, feed: str, linker: EntityLinker | None = None, dedupe: Deduplicator | None = None,
        keep_ids_ns: int = 30 * 86_400_000_000_000,
    ) -> None:  # fmt: skip
        self.feed, self._linker = feed, linker
        self._dedupe = dedupe if dedupe is not None else Deduplicator()
        self._keep_ids_ns = keep_ids_ns
        self.counts = IngestState(dedupe=DedupeState())

    def take(self, raw: RawItem, arrived_ns: int) -> NewsItem | None:
        """Return the item as news, or None where it is a copy, known, or says nothing."""
        counts = self.counts
        text = raw.text.strip()[:_LONGEST_TEXT]
        if not text:
            counts.empty += 1
            return None
        if raw.item_id in counts.ids:
            counts.repeated += 1
            return None
        counts.ids[raw.item_id] = arrived_ns
        copy = self._dedupe.judge(text, arrived_ns)
        if copy == "exact":
            counts.exact += 1
            return None
        if copy == "near":
            counts.near += 1
            return None
        counts.taken += 1
        linked = self._linker.link(text) if self._linker is not None else ()
        return NewsItem(
            item_id=f"{self.feed}:{raw.item_id}", feed=self.feed, kind=raw.kind,
            symbols=tuple(dict.fromkeys((*raw.symbols, *linked))), text=text, link=raw.link,
            published_ns=raw.published_ns, available_ns=max(raw.published_ns, arrived_ns),
        )  # fmt: skip

    def save(self) -> bytes:
        """Return all that must survive a restart."""
        self.counts.dedupe = self._dedupe.state()
        latest = max(self.counts.ids.values(), default=0)
        kept = {k: at for k, at in self.counts.ids.items() if at > latest - self._keep_ids_ns}
        self.counts.ids = kept
        return msgspec.msgpack.encode(self.counts)

    def restore(self, data: bytes) -> None:
        """Go on where `save` stood; raises msgspec.MsgspecError for what it did not write."""
        self.counts = msgspec.msgpack.decode(data, type=IngestState)
        self._dedupe.restore(self.counts.dedupe)
