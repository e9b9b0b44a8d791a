"""What the test server says where a model would: read from the prompt's text, by a written rule.

It is no language model. It answers as one of middling manners does: mostly in the form, sometimes
in a fence, now and then beside the form (and rightly when asked again), sometimes with a number
that stands nowhere, and it declines where it has nothing to go by. Equal prompts get equal answers.
"""

import hashlib
import json
import re
from typing import Any, Final

from tests.servers.models import Asked

Fields = dict[str, Any]

_FACT: Final = re.compile(r"^\[([^\]]+)\] (.*?) \(as of ", re.MULTILINE)
_QUOTED: Final = re.compile(r"<<<QUOTED (.+?) as of [^\n]*\n(.*?)\nEND QUOTED>>>", re.DOTALL)
_LAST_NUMBER: Final = re.compile(r"(-?\d+(?:\.\d+)?)(?!.*\d)")
_VIEW: Final = re.compile(r": (up|down), probability (\d\.\d+)")
_RISES: Final = ("buy", "long", "bull", "higher", "break", "up", "calls", "strong", "beat", "nice")
_FALLS: Final = ("sell", "short", "bear", "lower", "drop", "down", "puts", "weak", "miss", "fade")


def stand_in(asked: Asked) -> str:
    """Return the answer to one request."""
    user = next(str(m["content"]) for m in asked["messages"] if m["role"] == "user")
    is_asked_again = any(m["role"] == "assistant" for m in asked["messages"])
    seed = asked.get("seed", asked.get("options", {}).get("seed"))  # Ollama's stand in options.
    draw = hashlib.sha256(f"{user}|{seed}".encode()).digest()
    answer = json.dumps(_answer(user, draw))
    if not is_asked_again and draw[0] < 12:
        return f"Certainly! Here is my analysis:\n{answer}"
    return f"```json\n{answer}\n```" if draw[1] < 40 else answer


def _answer(user: str, draw: bytes) -> Fields:
    facts, quoted = dict(_FACT.findall(user)), dict(_QUOTED.findall(user))
    if "Argue that" in user:
        return _argument(quoted, 1 if "will rise" in user else -1)
    if "Rule where" in user:
        return _ruling(quoted)
    if "What will the volatility" in user:
        return _volatility(facts)
    posts = {source: text for source, text in quoted.items() if source not in facts}
    return _of_posts(posts, facts, draw) if posts else _of_facts(facts, draw)


def _view(lean: float, words: str, sources: list[str], numbers: list[Fields]) -> Fields:
    side = "abstain" if abs(lean) < 0.15 else "up" if lean > 0 else "down"
    return {
        "direction": side, "probability": round(0.5 + min(abs(lean), 1.0) * 0.2, 2),
        "move_bp": round(12 * lean, 1), "horizon_minutes": 30, "sources": sources,
        "numbers": numbers, "words": words,
    }  # fmt: skip


def _of_posts(posts: Fields, facts: Fields, draw: bytes) -> Fields:
    leans = {}
    for source, text in posts.items():
        words = re.findall(r"[a-z]+", text.lower())
        leans[source] = sum(w in _RISES for w in words) - sum(w in _FALLS for w in words)
    told = {source: lean for source, lean in leans.items() if lean}
    if not told:
        return _view(0.0, "The posts say nothing about the price.", [], [])
    lean = sum(max(-1, min(1, lean)) for lean in told.values()) / len(posts)
    # Samples beside the first differ a little, as those of a model do.
    lean += (draw[2] - 128) / 600
    return _view(lean, f"{len(told)} of {len(posts)} posts take a side.", [*told, *_price(facts)],
                 _numbers(facts, "price", draw))  # fmt: skip


def _of_facts(facts: Fields, draw: bytes) -> Fields:
    grown = [source for source, text in facts.items() if "from a year before" in text]
    if grown:
        numbers = [one for source in grown[:3] for one in _numbers(facts, source, draw)]
        return _view(0.3, "Reported figures grew over the year.", grown[:3], numbers)
    move = next((s for s in ("move_15m", "move_5m") if s in facts), "")
    if not move:
        return _view(0.0, "Nothing that is shown points either way.", [], [])
    percent = float(facts[move].partition(" moved ")[2].split(" ")[0])
    words = f"The price moved {percent:+.2f} %, and such moves go on for a while."
    return _view(max(-1.0, min(1.0, 3 * percent)), words, [move], [
        {"words": "move in percent", "number": percent, "source": move}])  # fmt: skip


def _volatility(facts: Fields) -> Fields:
    numbers = [one for source in facts for one in _numbers(facts, source, bytes(8))]
    figures = [one["number"] / 100 for one in numbers]
    return {
        "abstains": not figures, "volatility": round(sum(figures) / max(len(figures), 1), 4),
        "probability": 0.6, "horizon_minutes": 60, "sources": list(facts), "numbers": numbers,
        "words": "The mean of what was realised.",
    }  # fmt: skip


def _argument(quoted: Fields, side: int) -> Fields:
    points = [
        {"words": f"{source} leans this way.", "evidence": source}
        for source, lean in _leans(quoted).items()
        if lean * side > 0
    ]
    return {"strength": 0.6 if points else 0.3, "points": points[:8], "concedes": not points}


def _ruling(quoted: Fields) -> Fields:
    leans = _leans(quoted)
    mean = sum(leans.values()) / len(leans) if leans else 0.0
    ruling = _view(8 * mean, "The evidence leans this way on the whole.", [], [])
    del ruling["sources"]
    return ruling | {"evidence": [source for source, lean in leans.items() if lean * mean > 0]}


def _leans(quoted: Fields) -> dict[str, float]:
    found = {source: _VIEW.search(text) for source, text in quoted.items()}
    return {
        source: (float(view[2]) - 0.5) * (1 if view[1] == "up" else -1)
        for source, view in found.items()
        if view is not None
    }


def _price(facts: Fields) -> list[str]:
    return [source for source in facts if source == "price"]


def _numbers(facts: Fields, source: str, draw: bytes) -> list[Fields]:
    """Return the last number of a fact as cited; one in ten is cited wrongly."""
    found = _LAST_NUMBER.search(facts.get(source, "").partition(" % from")[0].partition(" % a ")[0])
    if found is None:
        return []
    wrong = 1.07 if draw[3] < 26 else 1.0
    number = round(float(found[1]) * wrong, 2)
    return [{"words": "as shown", "number": number, "source": source}]
