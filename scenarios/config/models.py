"""The language half of the swarm file: models by role, their budget, and what agents read."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scenarios.config.market import Name, Symbol, Text
from scenarios.config.secret import Secret
from scenarios.config.types import Money, Period

Parallel = Annotated[int, Meta(ge=1, le=1_000)]
PerMinute = Annotated[int, Meta(ge=0, le=1_000_000)]
Usd = Annotated[float, Meta(ge=0.0, le=1e6)]


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars for a million tokens of the prompt and of the answer."""

    input: Usd
    output: Usd


class Offline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
              tag_field="provider", tag="offline"):  # fmt: skip
    """The embedded default: rules and a small classifier; no language model."""


class Ollama(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
             tag_field="provider", tag="ollama"):  # fmt: skip
    """A model served by Ollama."""

    model: Text
    url: Text = "http://127.0.0.1:11434"
    parallel: Parallel = 1
    per_minute: PerMinute = 0
    keep_alive: Period = Period(600_000_000_000)
    fallback: Name | None = None


class OpenAI(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
             tag_field="provider", tag="openai"):  # fmt: skip
    """A model behind the OpenAI protocol."""

    model: Text
    key: Secret
    url: Text | None = None
    parallel: Parallel = 1
    per_minute: PerMinute = 0
    price: Price | None = None
    fallback: Name | None = None


LanguageModel = Offline | Ollama | OpenAI


class RunBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hard limits on what all agents together may spend on models, in a run and in a UTC day."""

    tokens_per_run: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] | None = None
    usd_per_run: Money | None = None
    usd_per_day: Money | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
               tag_field="kind", tag="recorded"):  # fmt: skip
    """Posts read from a file, told again at their own times."""

    path: Text


class CompanyFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                   tag_field="kind", tag="company_facts"):  # fmt: skip
    """What a company has reported, from a file as the SEC publishes it."""

    path: Text
    symbol: Symbol


class Rss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
          tag_field="kind", tag="rss"):  # fmt: skip
    """An RSS or Atom address, read while the daemon runs."""

    url: Text
    every: Period = Period(60_000_000_000)


class Sec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
          tag_field="kind", tag="sec"):  # fmt: skip
    """Filings and facts from the SEC, read while the daemon runs; `contact` says who asks."""

    companies: Annotated[dict[Symbol, Annotated[int, Meta(ge=1)]], Meta(min_length=1)]
    contact: Text
    every: Period = Period(300_000_000_000)


FeedKind = Recorded | CompanyFacts | Rss | Sec


class Cassette(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers of models kept in a file: recorded, or given again without a network."""

    path: Text
    mode: Literal["record", "replay", "strict"] = "replay"
