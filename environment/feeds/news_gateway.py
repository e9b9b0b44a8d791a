"""A web feed as an actor: polled while the process lives, its items admitted and published."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, assert_never

from environment.actors.context import ActorContext
from environment.actors.gateway import Gateway, Side
from environment.feeds.poller import FeedPoller
from environment.feeds.web import WebReader
from environment.messages import Resumed
from environment.text_messages import NOTICE_TOPIC, NewsItem, Notice, news_topic

ToNewsGateway = Resumed | NewsItem | Notice


class NewsGateway(Gateway[ToNewsGateway]):
    """Publishes what a feed has that is new, on `news/NAME`; says once why it has nothing.

    Items are admitted to this actor itself, so that each stands in the journal as input, once, and
    is published from there. While inboxes are above their mark it does not poll. With `wall_ns`,
    the world's clock, items of today reach a market of another day at their age.
    """

    KIND: ClassVar[str] = "news_gateway"

    def __init__(
        self, feed: str, make: Callable[[], tuple[FeedPoller, WebReader]], every_s: float,
        wall_ns: Callable[[], int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._feed, self._make, self._every_s = feed, make, every_s
        self._wall_ns = wall_ns

    def receive(self, ctx: ActorContext, message: ToNewsGateway) -> None:
        """Publish what the asynchronous side let in."""
        match message:
            case NewsItem():
                ctx.publish(news_topic(self._feed), message)
            case Notice():
                ctx.publish(NOTICE_TOPIC, message)
            case Resumed():
                pass
            case never:
                assert_never(never)

    async def serve(self, side: Side[ToNewsGateway]) -> None:
        """Poll until cancelled."""
        poller, web = self._make()
        said = ""
        try:
            while not side.is_closing:
                await side.wait_for_room()
                wall_ns = None if self._wall_ns is None else self._wall_ns()
                for item in await poller.poll(side.now_ns(), wall_ns):
                    side.admit(side.address, item)
                if poller.problem and poller.problem != said:
                    text = f"{self._feed}: {poller.problem}"
                    side.admit(side.address, Notice(agent=side.address, text=text))
                said = poller.problem
                await asyncio.sleep(self._every_s)
        finally:
            await web.close()
