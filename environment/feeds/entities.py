"""Which stocks a text is about: cash tags, and company names as whole words."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from environment.feeds.files import FeedError, read_bytes

_CASH_TAG: Final = re.compile(r"\$\s?([A-Za-z]{1,5}(?:\.[A-Za-z])?)\b")
_WORD: Final = re.compile(r"[A-Za-z0-9&]+(?:['.-][A-Za-z0-9]+)*")
_LEGAL: Final = frozenset(
    {"inc", "corp", "corporation", "co", "company", "ltd", "limited", "plc", "llc", "lp", "group",
     "holdings", "holding", "trust", "the", "sa", "nv", "ag", "se", "class", "com", "international",
     "industries", "enterprises", "technologies", "platforms", "de", "new", "cl", "a", "b"}
)  # fmt: skip
# Names that are words: only beside a legal form, or as a cash tag, are they companies.
_AMBIGUOUS: Final = frozenset(
    {"gap", "target", "visa", "block", "match", "best", "general", "first", "american", "united",
     "national", "southern", "progressive", "key", "ball", "chart", "frontier", "global", "energy",
     "capital", "financial", "home", "east", "west", "north", "south", "life", "core", "next",
     "digital", "data", "power", "public", "royal", "simply", "square", "unity", "upstart", "wave",
     "world", "zoom", "news", "fox", "snap", "root", "open", "on", "now", "live", "real", "five",
     "service", "services", "dow", "waters", "carnival", "sun", "sea", "stem", "spring", "state"}
)  # fmt: skip
_LONGEST: Final = 5


def aliases_of(title: str) -> tuple[str, ...]:
    """Return the names under which a company of this registered title is written about."""
    words = [word.lower() for word in _WORD.findall(title)]
    kept = list(words)
    while len(kept) > 1 and kept[-1] in _LEGAL:
        kept.pop()
    while len(kept) > 1 and kept[0] == "the":
        kept.pop(0)
    short, whole = " ".join(kept), " ".join(words)
    if len(kept) == 1 and (kept[0] in _AMBIGUOUS or len(kept[0]) < 3):
        return (whole,) if whole != short else ()
    return (short,) if short == whole else (short, whole)


class EntityLinker:
    """Finds the stocks of a text.

    Parameters
    ----------
    names
        Names by symbol; a name of two companies counts for neither.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        self._symbols = frozenset(names)
        self._by_name: dict[str, str | None] = {}
        for symbol, given in names.items():
            for name in given:
                known = self._by_name.setdefault(name.lower(), symbol)
                if known != symbol:
                    self._by_name[name.lower()] = None

    def link(self, text: str) -> tuple[str, ...]:
        """Return the symbols that a text names, in order of appearance, each once."""
        found = {
            tag.upper(): None for tag in _CASH_TAG.findall(text) if tag.upper() in self._symbols
        }
        words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
        at = 0
        while at < len(words):
            for length in range(min(_LONGEST, len(words) - at), 0, -1):
                symbol = self._by_name.get(" ".join(words[at : at + length]))
                if symbol is not None:
                    found[symbol] = None
                    at += length - 1
                    break
            at += 1
        return tuple(found)


def read_linker(path: Path, symbols: frozenset[str] | None = None) -> EntityLinker:
    """Return a linker from a table of ticker and title, as the SEC publishes one.

    Raises
    ------
    FeedError
        If the file is damaged, or not such a table.
    """
    rows = csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8", "replace")))
    if not {"ticker", "title"} <= set(rows.fieldnames or ()):
        raise FeedError(path, "not a table of companies", "give columns ticker and title")
    wanted = [row for row in rows if symbols is None or row["ticker"] in symbols]
    return EntityLinker({row["ticker"]: aliases_of(row["title"] or "") for row in wanted})
