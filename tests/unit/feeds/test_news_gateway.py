"""The gateway of a web feed: what it polls is admitted once, and troubles are said once."""

import asyncio
import itertools
from collections.abc import Callable

from environment.actors.gateway import Side
from environment.actors.ports import AnyEnvelope
from environment.actors.testing import RecordingContext
from environment.feeds.ingest import Ingest
from environment.feeds.news_gateway import NewsGateway, ToNewsGateway
from environment.feeds.poller import FeedPoller, rss_source
from environment.feeds.web import WebReader
from environment.messages import Message
from environment.text_messages import NewsItem, Notice
from tests.servers.web import Site, serve
from tests.unit.feeds.test_web_feeds import RSS


class Door:
    """An entrance that keeps what came in."""

    def __init__(self) -> None:
        self.admitted: list[Message] = []
        self._clock = itertools.count(10)

    def admit(
        self, sender: str, recipient: str, message: Message, cause: AnyEnvelope | None = None,
        answers: int = 0,
    ) -> None:  # fmt: skip
        assert sender == recipient == "feeds/wire"
        self.admitted.append(message)

    def admit_topic(self, sender: str, topic: str, message: Message) -> None:
        raise AssertionError("items are no market data")

    def is_pressed(self) -> bool:
        return False

    def handle_now(self) -> None:
        pass

    def now_ns(self) -> int:
        return next(self._clock)


def polled(site: Site, path: str, wall_ns: Callable[[], int] | None = None) -> list[Message]:
    """Return what a gateway admits until it has polled five times or more."""
    door = Door()

    async def whole() -> None:
        async with serve(site) as url:

            def make() -> tuple[FeedPoller, WebReader]:
                web = WebReader("tests a@b.c", per_second=1_000, wait_unit_s=0.001)
                return FeedPoller(Ingest("wire"), rss_source(web, url + path), web), web

            side: Side[ToNewsGateway] = Side("feeds/wire", door)
            gateway = NewsGateway("wire", make, every_s=0.001, wall_ns=wall_ns)
            task = asyncio.create_task(gateway.serve(side))
            while len(site.heard) < 5:  # noqa: ASYNC110  # A site's list has no event.
                await asyncio.sleep(0.005)
            side.close()
            await task

    asyncio.run(whole())
    return door.admitted


def test_each_item_is_admitted_once_and_dated_by_its_arrival() -> None:
    admitted = polled(Site(pages={"/rss": RSS}), "/rss")
    assert [type(message) for message in admitted] == [NewsItem, NewsItem]
    item = admitted[0]
    assert isinstance(item, NewsItem)
    assert item.available_ns == max(item.published_ns, 10)


def test_items_of_today_reach_a_market_of_another_day_at_their_age() -> None:
    # The market's clock stands at 10 ns, and the wall's in 2033: both items are years old.
    admitted = polled(Site(pages={"/rss": RSS}), "/rss", lambda: 2 * 10**18)
    times = [(one.published_ns, one.available_ns) for one in admitted if isinstance(one, NewsItem)]
    assert times == [(0, 10), (0, 10)]


def test_an_item_dated_ahead_of_the_wall_stays_ahead_of_the_market() -> None:
    admitted = polled(Site(pages={"/rss": RSS}), "/rss", lambda: 0)
    assert all(one.available_ns > 10 for one in admitted if isinstance(one, NewsItem))


def test_a_trouble_is_said_once() -> None:
    [notice] = polled(Site(), "/none")
    assert isinstance(notice, Notice)
    assert "404" in notice.text


def test_what_is_admitted_is_published() -> None:
    item = NewsItem(
        item_id="wire:1", feed="wire", kind="headline", symbols=(), text="t", published_ns=1,
        available_ns=1,
    )  # fmt: skip
    ctx = RecordingContext("feeds/wire")
    ctx.handle(NewsGateway("wire", lambda: (_ for _ in ()).throw(AssertionError), 1.0), item)
    assert [sent.to for sent in ctx.published] == ["news/wire"]
