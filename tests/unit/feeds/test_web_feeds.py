"""Real clients against a server of our own: conditional, patient, bounded; RSS, Atom, the SEC."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from environment.feeds.ingest import Ingest
from environment.feeds.markup import BadMarkup, plain_text, read_xml
from environment.feeds.poller import FeedPoller, rss_source, sec_source
from environment.feeds.rss import read_feed
from environment.feeds.sec import SecClient, available_ns, facts_known, read_company_facts
from environment.feeds.web import SourceFailed, WebReader
from tests.servers.web import Site, serve
from tests.shared_data import shared

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>
<item><guid>2</guid><title>Later &amp; longer</title>
<description>&lt;p&gt;Body&lt;/p&gt;</description>
<pubDate>Fri, 06 Jun 2014 10:00:00 -0400</pubDate><link>http://x/2</link></item>
<item><guid>1</guid><title>First story</title>
<pubDate>Fri, 06 Jun 2014 09:00:00 -0400</pubDate></item>
<item><guid>0</guid><title>No time</title></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title>One</title>
<updated>2014-06-06T13:00:00Z</updated><link href="http://x/a"/></entry></feed>"""

Use = Callable[[WebReader, str], Awaitable[None]]


def run(site: Site, use: Use, **options: float) -> None:
    """Let something use a reader of a served site."""

    async def whole() -> None:
        web = WebReader("tests a@b.c", per_second=1_000, wait_unit_s=0.001, **options)  # type: ignore[arg-type]  # Options differ.
        async with serve(site) as url:
            await use(web, url)
            await web.close()

    asyncio.run(whole())


def test_a_page_is_read_once_until_it_changes() -> None:
    site = Site(pages={"/a": b"x" * 50})

    async def use(web: WebReader, url: str) -> None:
        assert await web.read(f"{url}/a") == b"x" * 50
        assert await web.read(f"{url}/a") is None
        site.pages["/a"] = b"y" * 51
        assert await web.read(f"{url}/a") == b"y" * 51

    run(site, use)
    assert [status for _, status in site.heard] == [200, 304, 200]


@pytest.mark.parametrize("faults", [[503, 500], ["cut", "cut"], [429]])
def test_a_passing_fault_is_waited_out(faults: list[int | str]) -> None:
    site = Site(pages={"/a": b"x" * 5_000}, faults=faults)

    async def use(web: WebReader, url: str) -> None:
        assert await web.read(f"{url}/a") == b"x" * 5_000

    run(site, use)


@pytest.mark.parametrize(
    ("path", "faults", "problem"),
    [("/a", ["cut"] * 4, "broke off"), ("/a", [500] * 4, "answered 500, 4 times"),
     ("/b", [], "answered 404")],
)  # fmt: skip
def test_a_lasting_fault_is_refused_with_its_address(
    path: str, faults: list[int | str], problem: str
) -> None:
    async def use(web: WebReader, url: str) -> None:
        with pytest.raises(SourceFailed, match=problem):
            await web.read(url + path)

    run(Site(pages={"/a": b"x" * 100}, faults=faults), use)


def test_a_server_that_asks_for_quiet_gets_it() -> None:
    site = Site(pages={"/a": b"x"}, faults=[429], retry_after="30")

    async def use(web: WebReader, url: str) -> None:
        for _ in range(3):
            with pytest.raises(SourceFailed, match=r"quiet|30 s"):
                await web.read(f"{url}/a")

    run(site, use)
    assert len(site.heard) == 1


def test_a_page_without_end_is_refused() -> None:
    async def use(web: WebReader, url: str) -> None:
        with pytest.raises(SourceFailed, match="longer than"):
            await web.read(f"{url}/a")

    run(Site(pages={"/a": b"x" * 200_000}), use, most_bytes=100_000)


def test_rss_and_atom_become_items() -> None:
    first, second = read_feed(RSS)
    assert (first.text, second.text) == ("First story", "Later & longer\nBody")
    assert second.published_ns - first.published_ns == 3_600_000_000_000
    assert [item.link for item in read_feed(ATOM)] == ["http://x/a"]


@pytest.mark.parametrize(
    "document",
    [b"", b"<html></html>", RSS[:200], b"<a>" * 60,
     b'<!DOCTYPE r [<!ENTITY a "b">]><rss>&a;</rss>'],
)  # fmt: skip
def test_what_is_no_feed_is_refused(document: bytes) -> None:
    with pytest.raises(BadMarkup):
        read_feed(document)


def test_html_becomes_its_visible_text() -> None:
    page = "<html><head><title>t</title></head><p>One &amp; <b>two</b></p><script>x()</script><p>3"
    assert plain_text(page) == "One & two\n3"
    assert read_xml(b"<a>\xe2\x82\xac</a>").text == "€"


def test_a_feed_goes_on_after_a_restart(tmp_path: Path) -> None:
    site, state = Site(pages={"/rss": RSS}), tmp_path / "feed.state"

    async def use(web: WebReader, url: str) -> None:
        def make(reader: WebReader) -> FeedPoller:
            return FeedPoller(Ingest("wire"), rss_source(reader, f"{url}/rss"), reader, state)

        assert len(await make(web).poll(10)) == 2
        fresh = WebReader("tests a@b.c", per_second=1_000)
        again = make(fresh)
        assert await again.poll(20) == ()
        site.pages["/rss"] = RSS.replace(
            b"<guid>0</guid><title>No time",
            b"""<guid>9</guid><pubDate>
            Fri, 06 Jun 2014 11:00:00 -0400</pubDate><title>Something new""",
        )
        assert [item.item_id for item in await again.poll(30)] == ["wire:9"]
        await fresh.close()

    run(site, use)
    assert [status for _, status in site.heard] == [200, 304, 200]


def test_a_damaged_state_is_set_aside_and_a_failed_poll_says_why(tmp_path: Path) -> None:
    state = tmp_path / "feed.state"
    state.write_bytes(b"\xc1")

    async def use(web: WebReader, url: str) -> None:
        poller = FeedPoller(Ingest("wire"), rss_source(web, f"{url}/none"), web, state)
        assert "set aside" in poller.problem
        assert await poller.poll(1) == ()
        assert "404" in poller.problem
        assert poller.failures == 1

    run(Site(), use)


FACTS = {"cik": 1, "entityName": "X", "facts": {"us-gaap": {"Revenues": {"label": "", "units": {
    "USD": [
        {"start": "2013-01-01", "end": "2013-12-31", "val": 100, "accn": "a-1", "fy": 2013,
         "fp": "FY", "form": "10-K", "filed": "2014-02-01"},
        {"start": "2013-01-01", "end": "2013-12-31", "val": 90, "accn": "a-2", "fy": 2013,
         "fp": "FY", "form": "10-K/A", "filed": "2014-05-01"},
    ]}}}}}  # fmt: skip
FILINGS = {"filings": {"recent": {
    "accessionNumber": ["a-2", "a-1"], "form": ["8-K", "4"], "filingDate": ["2014-05-01"] * 2,
    "acceptanceDateTime": ["2014-05-01T20:30:00.000Z"] * 2, "primaryDocument": ["d.htm", "e.htm"],
}}}  # fmt: skip


def sec_site() -> Site:
    return Site(needs_agent=True, pages={
        "/api/xbrl/companyfacts/CIK0000000001.json": json.dumps(FACTS).encode(),
        "/submissions/CIK0000000001.json": json.dumps(FILINGS).encode(),
        "/edgar/data/1/a2/d.htm": b"<html><body><p>Results were restated.</p></body></html>",
    })  # fmt: skip


def test_a_restatement_is_known_only_once_filed() -> None:
    facts = read_company_facts(json.dumps(FACTS).encode())
    filed = available_ns(date(2014, 5, 1))
    assert facts_known(facts, filed - 1)["Revenues"].value == 100
    assert facts_known(facts, filed)["Revenues"].value == 90
    assert facts_known(facts, 0) == {}


def test_filings_and_facts_come_from_the_sec() -> None:
    async def use(web: WebReader, url: str) -> None:
        client = SecClient(web, data=url, archives=url)
        poller = FeedPoller(Ingest("sec"), sec_source(client, {"X": 1}, ("Revenues",)), web)
        facts, filing = await poller.poll(available_ns(date(2014, 6, 1)))
        if facts.kind != "facts":
            facts, filing = filing, facts
        assert filing.text == "X files 8-K\nResults were restated."
        assert facts.text.startswith("X Revenues 90 USD")
        assert await poller.poll(available_ns(date(2014, 6, 2))) == ()

    run(sec_site(), use)


def test_a_reader_who_does_not_say_who_asks_is_refused() -> None:
    async def use(web: WebReader, url: str) -> None:
        nameless = WebReader("nobody")
        with pytest.raises(SourceFailed, match="403"):
            await SecClient(nameless, data=url).company_facts(1)
        await nameless.close()

    run(sec_site(), use)


def test_real_company_facts_are_read() -> None:
    import gzip

    path = shared("data/fundamentals/companyfacts_AAPL_CIK0000320193.json.gz")
    facts = read_company_facts(gzip.decompress(path.read_bytes()))
    known = facts_known(facts, available_ns(date(2014, 6, 5)))
    assert len(facts) == 24_579
    assert known["NetIncomeLoss"].filed <= date(2014, 6, 5)
    assert known["NetIncomeLoss"].value == 10_223_000_000
