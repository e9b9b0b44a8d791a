"""The labelled headlines that the classifier is trained and judged on.

Twitter Financial News Sentiment (MIT), in the folder of shared data. Which part a headline belongs
to is a function of its words alone, so that no copy of a training headline is in another part.
"""

import csv
import hashlib
import io
from pathlib import Path
from typing import Final, Literal, NamedTuple

from environment.feeds.files import read_bytes
from llm.sentiment.features import words_of

Section = Literal["train", "tune", "test"]

SOURCE: Final = "data/text/twitter_financial_news_sentiment_train.csv.gz"
LEXICON: Final = "data/text/Loughran_and_McDonald_2014.cat"


class Headline(NamedTuple):
    """A text and its mood, as a column of MOODS."""

    text: str
    mood: int


def headlines(shared: Path, section: Section) -> list[Headline]:
    """Return one part of the headlines: 70 % to train, 10 % to tune, 20 % to test."""
    rows = csv.DictReader(io.StringIO(read_bytes(shared / SOURCE).decode()))
    seen: set[str] = set()
    found: list[Headline] = []
    for row in rows:
        words = " ".join(words_of(row["text"]))
        if words in seen:
            continue
        seen.add(words)
        if section_of(words) == section:
            found.append(Headline(row["text"], int(row["label"])))
    return found


def section_of(words: str) -> Section:
    """Return the part that a headline of these words belongs to."""
    share = hashlib.blake2b(words.encode(), digest_size=1).digest()[0] / 256
    return "train" if share < 0.7 else "tune" if share < 0.8 else "test"


def lexicon_moods(shared: Path, texts: list[str]) -> list[int]:
    """Return the mood by counting the positive and negative words of Loughran and McDonald.

    References
    ----------
    Loughran and McDonald (2011), "When is a liability not a liability?", Journal of Finance 66.
    Their list is for individual researchers: it is read where it lies, and does not ship.
    """
    lists: dict[str, set[str]] = {}
    words: set[str] = set()
    for line in read_bytes(shared / LEXICON).decode("latin-1").splitlines():
        if line.startswith("\t"):
            words.add(line.split()[0].lower())
        elif line.strip():
            words = lists.setdefault(line.strip().lower(), set())
    good, bad = lists["positive"], lists["negative"]
    found: list[int] = []
    for text in texts:
        told = words_of(text)
        score = sum(word in good for word in told) - sum(word in bad for word in told)
        found.append(1 if score > 0 else 0 if score < 0 else 2)
    return found
