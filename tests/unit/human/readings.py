"""Questions to models, closed, as the panel hears of them."""

from typing import Any

from environment.text_messages import Claim, Consulted, Evidence, Heard, NewsItem
from tests.unit.human.floor import SECOND, START_NS

ANSWER = (
    '{"direction":"up","probability":0.61,"sources":["p1"],"words":"Profits <b>rose</b> by 12 %"}'
)
ASKED = (
    "It is 2014-06-06 14:03:00 UTC.\n<<<QUOTED p1 as of …\n| Profits rose by 12 %\nEND QUOTED>>>"
)


def make_item(text: str = "Profits rose by 12 %") -> NewsItem:
    return NewsItem(
        item_id="p1", feed="posts", kind="post", symbols=("AAPL",), text=text,
        published_ns=START_NS, available_ns=START_NS,
    )  # fmt: skip


def make_view(number: int = 1) -> Evidence:
    claims = (
        Claim(words="growth", number=12.0, source="p1", found=True),
        Claim(words="margin", number=45.0, source="p1", found=False),
    )
    return Evidence(
        evidence_id=f"analysts/news#{number}", analyst="analysts/news", instrument="AAPL",
        direction="up", probability=0.61, horizon_ns=60 * SECOND, words="Profits rose",
        claims=claims, sources=("p1",), asked_ns=START_NS, model="openai/tiny",
    )  # fmt: skip


def make_heard(text: str = ANSWER, **changes: Any) -> Heard:
    given: dict[str, Any] = {
        "reason": "", "provider": "openai", "model": "tiny", "tokens_in": 1_000, "tokens_out": 200,
        "usd_micros": 0, "repaired": False,
    }  # fmt: skip
    return Heard(text=text, **(given | changes))


def make_consulted(number: int = 1, **changes: Any) -> Consulted:
    given: dict[str, Any] = {
        "agent": "analysts/news", "instrument": "AAPL", "prompt": "news.v1",
        "prompt_sha256": "ab" * 32, "asked": ASKED, "asked_ns": START_NS,
        "answers": (make_heard(),), "outcome": "up, 0.61", "abstained": False,
        "evidence_id": f"analysts/news#{number}",
    }  # fmt: skip
    return Consulted(**(given | changes))


def make_abstention(reason: str = "late: the deadline came before the answer") -> Consulted:
    answer = make_heard("", reason=reason, provider="", model="")
    return make_consulted(
        answers=(answer,), outcome=f"abstains: {reason}", abstained=True, evidence_id=""
    )
