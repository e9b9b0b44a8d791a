"""Messages about text: what feeds publish, and what those who read it conclude and cite.

All text in here was written by others. It is data: nothing in it is ever carried out.
"""

from typing import Literal

import msgspec

from environment.message_roots import Message

Direction = Literal["up", "down", "flat"]

EVIDENCE_TOPIC = "analysts/evidence"
CONSULTED_TOPIC = "analysts/consulted"
NOTICE_TOPIC = "analysts/notices"


def news_topic(feed: str) -> str:
    """Return the topic on which a feed publishes its items."""
    return f"news/{feed}"


class NewsItem(Message, frozen=True, kw_only=True):
    """Fact: a feed has an item. `available_ns` is when anybody could first know it."""

    item_id: str
    feed: str
    kind: Literal["post", "headline", "filing", "facts"]
    symbols: tuple[str, ...]
    text: str
    published_ns: int
    available_ns: int
    link: str = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One number that an analyst cites, and whether its source holds it (None: not a number)."""

    words: str
    number: float | None
    source: str
    found: bool | None = None


class Evidence(Message, frozen=True, kw_only=True):
    """A view with its sources; `evidence_id` is what a judge cites.

    `expected_return` is a fraction over the horizon; with `about` "volatility" the view is on
    `expected_volatility` (per year) and says nothing of direction.
    """

    evidence_id: str
    analyst: str
    instrument: str
    about: Literal["direction", "volatility"] = "direction"
    direction: Direction = "flat"
    probability: float = 0.5
    expected_return: float = 0.0
    expected_volatility: float | None = None
    horizon_ns: int
    dispersion: float = 0.0
    words: str = ""
    claims: tuple[Claim, ...] = ()
    sources: tuple[str, ...] = ()
    asked_ns: int
    model: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One answer within a consultation, as it came; `reason` is empty where it counted."""

    text: str
    reason: str
    provider: str
    model: str
    tokens_in: int
    tokens_out: int
    usd_micros: int
    repaired: bool


class Consulted(Message, frozen=True, kw_only=True):
    """Fact: an agent asked its model and closed the question, with all that was said.

    `prompt` names a versioned file and `prompt_sha256` its content; `asked` is the whole text that
    the model saw after it. `outcome` is what came of it in one line; `step` names its place in an
    argument, such as "bull 1".
    """

    agent: str
    instrument: str
    step: str = ""
    prompt: str
    prompt_sha256: str
    asked: str
    asked_ns: int
    answers: tuple[Heard, ...]
    outcome: str
    abstained: bool
    evidence_id: str = ""


class Notice(Message, frozen=True, kw_only=True):
    """Fact worth telling a person once: why an agent cannot do its work, and the mend."""

    agent: str
    text: str


PROTOCOL: tuple[type[Message], ...] = (NewsItem, Evidence, Consulted, Notice)
