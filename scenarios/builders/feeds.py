"""From the configuration to what agents read: items in order of when they could be known."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from environment.errors import ConfigError
from environment.feeds.entities import EntityLinker
from environment.feeds.files import FeedError, read_bytes
from environment.feeds.ingest import Ingest
from environment.feeds.news_gateway import NewsGateway
from environment.feeds.poller import FeedPoller, rss_source, sec_source
from environment.feeds.posts import read_posts
from environment.feeds.sec import Fact, SecClient, read_company_facts, shown_fact
from environment.feeds.web import SourceFailed, WebReader
from environment.text_messages import NewsItem
from scenarios.config.load import Config
from scenarios.config.models import CompanyFacts, FeedKind, Recorded, Rss, Sec
from scenarios.config.swarm import Fundamentals, News
from scenarios.live.state_folder import state_folder

_AGENT: Final = "outcry (feeds)"
_FEEDS: Final = "feeds"
_BEFORE_NS: Final = 18 * 3_600_000_000_000  # Read before the open: what came since the last close.
_A_YEAR: Final = timedelta(days=365)
_CONCEPTS: Final = (
    "SalesRevenueNet", "Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax",
    "GrossProfit", "OperatingIncomeLoss", "NetIncomeLoss", "EarningsPerShareDiluted",
)  # fmt: skip


def feeds_in_use(config: Config) -> dict[str, FeedKind]:
    """Return the feeds that an agent of this run reads, by name."""
    swarm = config.swarm
    if swarm is None:
        return {}
    reading = [swarm.agents[address] for address in swarm.swarm]
    names = {n for agent in reading if isinstance(agent, News | Fundamentals) for n in agent.feeds}
    return {name: swarm.feeds[name] for name in sorted(names)}


def items_of(config: Config, name: str, start_ns: int) -> tuple[NewsItem, ...]:
    """Return a feed's items from shortly before the first day on, in order.

    Raises
    ------
    ConfigError
        If the file is damaged, or the feed can only be read from the network.
    """
    assert config.swarm is not None, "feeds are named by a swarm"
    feed = config.swarm.feeds[name]
    match feed:
        case Recorded(path=path):
            return read_posts(config.find_for_swarm(path), name, first_ns=start_ns - _BEFORE_NS)
        case CompanyFacts(path=path, symbol=symbol):
            file = config.find_for_swarm(path)
            try:
                facts = read_company_facts(read_bytes(file))
            except SourceFailed as error:
                raise FeedError(file, str(error), "give a company-facts document") from error
            return _fact_items(name, symbol, facts, start_ns)
        case _:
            raise ConfigError(
                f"feeds.{name} reads the network, which a research run does not; use "
                'kind = "recorded" or run it with outcry live'
            )


def background_of(config: Config, name: str, start_ns: int) -> tuple[NewsItem, ...]:
    """Return what a feed had told before the first day; one from the network tells it again."""
    assert config.swarm is not None, "feeds are named by a swarm"
    return () if isinstance(config.swarm.feeds[name], Rss | Sec) else items_of(
        config, name, start_ns
    )  # fmt: skip


def web_feed(config: Config, name: str, feed: Rss | Sec) -> Callable[[], NewsGateway]:
    """Return what makes the gateway of a feed that is read while the daemon runs."""
    assert config.swarm is not None, "feeds are named by a swarm"
    folder = state_folder(config.swarm.name) / _FEEDS
    folder.mkdir(mode=0o700, exist_ok=True)

    def make() -> tuple[FeedPoller, WebReader]:
        agent = feed.contact if isinstance(feed, Sec) else _AGENT
        web = WebReader(agent)
        if isinstance(feed, Sec):
            source = sec_source(SecClient(web), dict(feed.companies), _CONCEPTS)
        else:
            source = rss_source(web, feed.url)
        linker = EntityLinker(_names(config))
        return FeedPoller(Ingest(name, linker), source, web, folder / f"{name}.state"), web

    return lambda: NewsGateway(name, make, int(feed.every) / 1e9, time.time_ns)


def _names(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the traded symbols, each found by its cash tag or the symbol itself as a word."""
    symbols = (told.symbol for told in config.scenario.instruments)
    return {symbol: (symbol,) if len(symbol) > 2 else () for symbol in symbols}


def _fact_items(
    name: str, symbol: str, facts: tuple[Fact, ...], start_ns: int
) -> tuple[NewsItem, ...]:
    """Return each reported period of the main concepts, with its change from a year before."""
    wanted = [fact for fact in facts if fact.concept in _CONCEPTS]
    newest: dict[str, Fact] = {}
    told: list[Fact] = []
    for fact in wanted:
        if fact.available_ns > start_ns:
            told.append(fact)
        elif fact.end >= newest.get(fact.concept, fact).end:
            newest[fact.concept] = fact
    return tuple(
        NewsItem(
            item_id=f"{name}:{fact.concept}:{fact.accession}:{fact.start}:{fact.end}", feed=name,
            kind="facts", symbols=(symbol,), text=_with_year_before(fact, wanted),
            published_ns=fact.available_ns, available_ns=fact.available_ns,
        )
        for fact in sorted((*newest.values(), *told), key=lambda fact: fact.available_ns)
    )  # fmt: skip


def _with_year_before(fact: Fact, facts: list[Fact]) -> str:
    """Return a fact as a line, with the change from the same period a year before."""
    for other in facts:
        if (
            other.concept == fact.concept and other.unit == fact.unit
            and other.start is not None and fact.start is not None
            and abs(fact.end - other.end - _A_YEAR) < timedelta(days=10)
            and abs(fact.start - other.start - _A_YEAR) < timedelta(days=10)
            and other.filed <= fact.filed and other.value
        ):  # fmt: skip
            change = (fact.value / other.value - 1.0) * 100
            return f"{shown_fact(fact)}; {change:+.1f} % from a year before"
    return shown_fact(fact)
