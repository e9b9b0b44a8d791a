"""SEC company facts and filings: what a company has reported, and when it could be read.

The SEC publishes without charge under data.sec.gov and www.sec.gov, at most ten requests a second,
to readers who say who they are. A fact counts from the end of the day it was filed on: the file
says the day and not the hour, and nothing may be known too early.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from environment.feeds.ingest import RawItem
from environment.feeds.markup import plain_text
from environment.feeds.web import SourceFailed, WebReader

_DAY_ENDS: Final = timedelta(days=1, hours=5)  # Midnight in New York, seen from UTC.
_SECOND_NS: Final = 1_000_000_000
_FORMS: Final = ("10-K", "10-Q", "8-K")


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One reported value, in the unit that was reported, for a period or (start None) a day."""

    concept: str
    unit: str
    value: float
    start: date | None
    end: date
    form: str
    filed: date
    accession: str

    @property
    def available_ns(self) -> int:
        """When anybody could have read it."""
        return available_ns(self.filed)


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """One filing, and where its main document is."""

    accession: str
    form: str
    filed: date
    accepted_ns: int
    document: str


class _Value(msgspec.Struct, frozen=True):
    end: date
    val: float
    filed: date
    form: str
    accn: str
    start: date | None = None


class _Concept(msgspec.Struct, frozen=True):
    units: dict[str, list[_Value]]


class _Facts(msgspec.Struct, frozen=True):
    facts: dict[str, dict[str, _Concept]]


class _Recent(msgspec.Struct, frozen=True, rename="camel"):
    accession_number: list[str]
    form: list[str]
    filing_date: list[date]
    acceptance_date_time: list[datetime]
    primary_document: list[str]


class _Filings(msgspec.Struct, frozen=True):
    recent: _Recent


class _Submissions(msgspec.Struct, frozen=True):
    filings: _Filings


def available_ns(filed: date) -> int:
    """Return the end of a day of filing in New York."""
    midnight = datetime(filed.year, filed.month, filed.day, tzinfo=UTC)
    return round((midnight + _DAY_ENDS).timestamp()) * _SECOND_NS


def read_company_facts(content: bytes) -> tuple[Fact, ...]:
    """Return every fact of a company-facts document, in order of filing.

    Raises
    ------
    SourceFailed
        If the document is not one.
    """
    try:
        told = msgspec.json.decode(content, type=_Facts)
    except msgspec.MsgspecError as error:
        raise SourceFailed(f"no company facts: {error}") from error
    found = [
        Fact(
            concept=name, unit=unit, value=value.val, start=value.start, end=value.end,
            form=value.form, filed=value.filed, accession=value.accn,
        )
        for concepts in told.facts.values()
        for name, concept in concepts.items()
        for unit, values in concept.units.items()
        for value in values
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda f: (f.filed, f.concept, f.end, f.accession)))


def facts_known(facts: Iterable[Fact], now_ns: int) -> dict[str, Fact]:
    """Return by concept the newest period that was known at a moment, as last restated by then."""
    known: dict[str, Fact] = {}
    for fact in facts:
        if fact.available_ns > now_ns:
            continue
        other = known.get(fact.concept)
        if other is None or (fact.end, fact.filed) >= (other.end, other.filed):
            known[fact.concept] = fact
    return known


def read_filings(content: bytes) -> Iterator[Filing]:
    """Yield the filings of a submissions document that analysts read, oldest first."""
    try:
        recent = msgspec.json.decode(content, type=_Submissions).filings.recent
    except msgspec.MsgspecError as error:
        raise SourceFailed(f"no list of filings: {error}") from error
    rows = zip(
        recent.accession_number, recent.form, recent.filing_date, recent.acceptance_date_time,
        recent.primary_document, strict=False,
    )  # fmt: skip
    for accession, form, filed, accepted, document in reversed(list(rows)):
        if form in _FORMS:
            accepted_ns = round(accepted.timestamp()) * _SECOND_NS
            yield Filing(
                accession=accession, form=form, filed=filed, accepted_ns=accepted_ns,
                document=document,
            )  # fmt: skip


class SecClient:
    """Reads the SEC's two sites; a test puts a server of its own in their place."""

    def __init__(
        self, web: WebReader, *, data: str = "https://data.sec.gov",
        archives: str = "https://www.sec.gov/Archives",
    ) -> None:  # fmt: skip
        self._web, self._data, self._archives = web, data, archives

    async def company_facts(self, cik: int) -> tuple[Fact, ...] | None:
        """Return a company's facts, or None where nothing is new since they were read last."""
        url = f"{self._data}/api/xbrl/companyfacts/CIK{cik:010d}.json"
        content = await self._web.read(url)
        return None if content is None else read_company_facts(content)

    async def filings(self, cik: int) -> tuple[Filing, ...] | None:
        """Return a company's recent filings, or None where nothing is new."""
        content = await self._web.read(f"{self._data}/submissions/CIK{cik:010d}.json")
        return None if content is None else tuple(read_filings(content))

    async def filing_item(self, cik: int, filing: Filing, symbol: str) -> RawItem | None:
        """Return a filing's text as an item, or None where it was read before."""
        folder = filing.accession.replace("-", "")
        url = f"{self._archives}/edgar/data/{cik}/{folder}/{filing.document}"
        content = await self._web.read(url)
        if content is None:
            return None
        text = plain_text(content.decode("utf-8", "replace"))
        return RawItem(
            item_id=filing.accession, kind="filing", text=f"{symbol} files {filing.form}\n{text}",
            published_ns=filing.accepted_ns, symbols=(symbol,), link=url,
        )  # fmt: skip


def shown_fact(fact: Fact) -> str:
    """Return a fact as one line, such as "Revenues 45,646 USD, 2013-12-29 to 2014-03-29"."""
    period = f"{fact.start} to {fact.end}" if fact.start is not None else f"at {fact.end}"
    return f"{fact.concept} {_number(fact.value)} {fact.unit}, {period} ({fact.form})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"
