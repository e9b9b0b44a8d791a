"""An analyst in an open market, its items, and answers to what it asks."""

import json
from typing import Any

import msgspec

from agents.analysts import PROMPTS
from agents.analysts.analyst import ANALYSTS, Analyst, AnalystSettings
from agents.analysts.beats import BeatSettings
from agents.analysts.consultation import AskingSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.instruments import make_equity
from environment.messages import EffectDone, Resumed
from environment.text_messages import Consulted, Evidence, NewsItem, Notice
from llm.messages import AskModel, ModelAnswer
from llm.prompts import load_prompt
from tests.unit.desk.factories import phase, quote

SECOND_NS = 1_000_000_000
START_NS = 1_000 * SECOND_NS
APPLE = make_equity("AAPL", tick="0.01", lot=1)


def make_analyst(kind: str = "news", every_ns: int = 30 * SECOND_NS, **asking: Any) -> Analyst:
    beat = BeatSettings(name=kind, every_ns=every_ns, by_clock=kind in {"technical", "volatility"})
    settings = AnalystSettings(
        instruments=(APPLE,), beat=beat, asking=AskingSettings(role="quick", **asking),
        feeds=("posts",),
    )  # fmt: skip
    return ANALYSTS[kind](ActorRef("desk/coordinator"), settings, load_prompt(PROMPTS, kind))


def opened(analyst: Analyst) -> RecordingContext:
    """Return the context of an analyst that has heard the market open at 100.00."""
    ctx = RecordingContext("analysts/news", now_ns=START_NS)
    ctx.handle(analyst, Resumed())
    ctx.handle(analyst, phase("continuous"))
    ctx.handle(analyst, quote(9_999, 10_001))
    return ctx


def make_item(
    text: str = "Apple beats expectations", item_id: str = "posts:1", **more: Any
) -> NewsItem:
    given: dict[str, Any] = {
        "item_id": item_id, "feed": "posts", "kind": "post", "symbols": ("AAPL",), "text": text,
        "published_ns": START_NS, "available_ns": START_NS,
    }  # fmt: skip
    return NewsItem(**(given | more))


def view_text(**changed: Any) -> str:
    """Return an answer that fits the form."""
    given = {
        "direction": "up", "probability": 0.7, "move_bp": 20.0, "horizon_minutes": 30,
        "sources": ["posts:1"], "numbers": [], "words": "because",
    }  # fmt: skip
    return json.dumps(given | changed)


def answer(ctx: RecordingContext, analyst: Any, said: ModelAnswer | str, n: int = -1) -> None:
    """Let effect number `n` of those started come back."""
    made = (
        said if isinstance(said, ModelAnswer) else ModelAnswer(text=said, provider="p", model="m")
    )
    raw = msgspec.Raw(msgspec.msgpack.encode(made))
    ctx.handle(analyst, EffectDone(effect_id=ctx.started[n][0], result=raw))


def asked(ctx: RecordingContext) -> list[AskModel]:
    return [effect for _, effect in ctx.started if isinstance(effect, AskModel)]


def published(ctx: RecordingContext, kind: type[Any]) -> list[Any]:
    return [sent.message for sent in ctx.published if isinstance(sent.message, kind)]


__all__ = ["Consulted", "Evidence", "Notice"]
