"""One feed from outside: read, taken in, remembered over restarts. Its gateway polls it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from environment.feeds.files import write_bytes
from environment.feeds.ingest import Ingest, RawItem
from environment.feeds.markup import BadMarkup
from environment.feeds.rss import read_feed
from environment.feeds.sec import SecClient, shown_fact
from environment.feeds.web import SourceFailed, WebReader, WebState
from environment.text_messages import NewsItem

Source = Callable[[], Awaitable[tuple[RawItem, ...]]]
_FILINGS_READ: Final = 5  # The newest of a company; older ones are history.


class PollerState(msgspec.Struct, frozen=True):
    """What a feed remembers: of its items, and of its addresses."""

    ingest: bytes
    web: WebState


class FeedPoller:
    """Polls one source. A failed poll changes nothing, is counted, and says why once.

    Parameters
    ----------
    state_file
        Where it remembers what it took; a damaged file is set aside, so that items come twice
        rather than not at all.
    """

    def __init__(
        self, ingest: Ingest, source: Source, web: WebReader, state_file: Path | None = None
    ) -> None:
        self._ingest, self._source, self._web, self._file = ingest, source, web, state_file
        self.polls = self.failures = 0
        self.problem = ""
        if state_file is not None and state_file.exists():
            self._recall(state_file)

    async def poll(self, now_ns: int, wall_ns: int | None = None) -> tuple[NewsItem, ...]:
        """Return what is new, each item available from `now_ns` on.

        `wall_ns` is the world's own time, by which sources date their items, where the market's is
        another: an item keeps its age. Without it they are one.
        """
        self.polls += 1
        shift_ns = 0 if wall_ns is None else now_ns - wall_ns
        try:
            raw = await self._source()
        except (SourceFailed, BadMarkup) as error:
            self.failures += 1
            self.problem = str(error)
            return ()
        self.problem = ""
        aged = [
            msgspec.structs.replace(one, published_ns=max(one.published_ns + shift_ns, 0))
            for one in raw
        ]
        taken = [item for one in aged if (item := self._ingest.take(one, now_ns)) is not None]
        if self._file is not None:
            # After the items are taken and before anybody is told: told twice is worse than late.
            state = PollerState(self._ingest.save(), self._web.state)
            write_bytes(self._file, msgspec.msgpack.encode(state))
        return tuple(taken)

    def _recall(self, file: Path) -> None:
        try:
            state = msgspec.msgpack.decode(file.read_bytes(), type=PollerState)
            self._ingest.restore(state.ingest)
        except (OSError, msgspec.MsgspecError) as error:
            file.rename(file.with_name(file.name + ".damaged"))
            self.problem = f"{file.name} was damaged and set aside ({error})"
            return
        self._web.state = state.web


def rss_source(web: WebReader, url: str) -> Source:
    """Return a source that reads one RSS or Atom address."""

    async def read() -> tuple[RawItem, ...]:
        content = await web.read(url)
        return () if content is None else read_feed(content)

    return read


def sec_source(client: SecClient, companies: dict[str, int], concepts: tuple[str, ...]) -> Source:
    """Return a source of new filings and facts of some companies: CIK by symbol."""

    async def read() -> tuple[RawItem, ...]:
        items: list[RawItem] = []
        for symbol, cik in companies.items():
            items += await _filings(client, symbol, cik)
            items += await _facts(client, symbol, cik, concepts)
        return tuple(sorted(items, key=lambda item: item.published_ns))

    return read


async def _filings(client: SecClient, symbol: str, cik: int) -> list[RawItem]:
    filings = await client.filings(cik) or ()
    found = [await client.filing_item(cik, one, symbol) for one in filings[-_FILINGS_READ:]]
    return [item for item in found if item is not None]


async def _facts(
    client: SecClient, symbol: str, cik: int, concepts: tuple[str, ...]
) -> list[RawItem]:
    facts = await client.company_facts(cik) or ()
    newest = {fact.concept: fact for fact in facts if fact.concept in concepts}
    return [
        RawItem(
            item_id=f"{symbol}:{fact.concept}:{fact.accession}:{fact.end}", kind="facts",
            text=f"{symbol} {shown_fact(fact)}", published_ns=fact.available_ns, symbols=(symbol,),
        )
        for fact in newest.values()
    ]  # fmt: skip
