"""What `offline` answers: written rules and the shipped classifier, and no language model.

The rules know nothing beyond the parts of the question, claim little, and say of themselves that
they are rules. They exist so that everything runs and repeats without a model server; that they
earn money is not claimed.
"""

import re
from typing import Final

from agents.analysts.forms import (
    Argument,
    CitedNumber,
    Point,
    Ruling,
    Stance,
    View,
    VolatilityView,
)
from llm.messages import AskModel, Part
from llm.providers.offline import Rule
from llm.sentiment import shipped_classifier

_NUMBER: Final = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_GROWTH: Final = re.compile(r"([-+]\d+\.\d) % from a year before")
_LEAST_GROWTH: Final = 2.0  # Percent.
_LEAST_MOOD: Final = 0.25  # Bullish less bearish, from which on the classifier takes a side.
_LEAST_STRENGTH: Final = 12.0  # Points of relative strength away from 50.
_GAIN: Final = 0.15  # What a rule adds to 1/2 when it could not be surer.


def view(ask: AskModel) -> View:
    """Reported growth where there is some; quoted items by mood; else the price's own momentum."""
    quoted = [part for part in ask.parts if part.kind == "quoted"]
    grown = [part for part in ask.parts if _GROWTH.search(part.text)]
    if grown:
        return _growth_view(grown)
    return _mood_view(quoted) if quoted else _momentum_view(ask.parts)


def _growth_view(grown: list[Part]) -> View:
    """A company that reported more than a year before is worth a little more, and the reverse."""
    changes = [float(match[1]) for part in grown if (match := _GROWTH.search(part.text))]
    mean = sum(changes) / len(changes)
    if abs(mean) < _LEAST_GROWTH:
        return _abstention(f"reported figures changed by {mean:+.1f} % from a year before")
    share = min(abs(mean), 20.0) / 20.0
    numbers = tuple(
        CitedNumber(words="change from a year before", number=change, source=part.source)
        for part, change in zip(grown, changes, strict=True)
    )
    return View(
        direction="up" if mean > 0 else "down", probability=0.5 + _GAIN * share / 3.0,
        move_bp=5.0 * share * (1 if mean > 0 else -1), horizon_minutes=240,
        sources=tuple(part.source for part in grown), numbers=numbers,
        words=f"rules: {len(grown)} reported figures changed by {mean:+.1f} % from a year before",
    )  # fmt: skip


def _mood_view(quoted: list[Part]) -> View:
    moods = [(part, shipped_classifier().mood(part.text)) for part in quoted]
    leans = [(part, mood["bullish"] - mood["bearish"]) for part, mood in moods]
    lean = sum(value for _, value in leans) / len(leans)
    if abs(lean) < _LEAST_MOOD:
        return _abstention("the classifier finds no mood that is clear enough")
    sign = 1 if lean > 0 else -1
    sources = tuple(part.source for part, value in leans if value * sign >= _LEAST_MOOD)
    return View(
        direction="up" if sign > 0 else "down", probability=0.5 + _GAIN * min(abs(lean), 1.0),
        move_bp=sign * 10.0 * abs(lean), horizon_minutes=30, sources=sources, numbers=(),
        words=f"rules: the classifier's mood of {len(quoted)} items is {lean:+.2f}",
    )  # fmt: skip


def _momentum_view(parts: tuple[Part, ...]) -> View:
    # Known by its words: in disguise its id is another.
    strength = next((part for part in parts if "relative strength" in part.text), None)
    if strength is None or abs(_last_number(strength) - 50.0) < _LEAST_STRENGTH:
        return _abstention("no part of the price's past is clear enough")
    away = (_last_number(strength) - 50.0) / 50.0
    sign = 1 if away > 0 else -1
    number = CitedNumber(
        words="relative strength", number=_last_number(strength), source=strength.source
    )
    return View(
        direction="up" if sign > 0 else "down", probability=0.5 + _GAIN * min(abs(away), 1.0) / 2,
        move_bp=sign * 8.0 * abs(away), horizon_minutes=30, sources=(strength.source,),
        numbers=(number,), words=f"rules: relative strength is {away * 50 + 50:.0f}",
    )  # fmt: skip


def _last_number(part: Part) -> float:
    """Return the last number of a part: "over 14 minutes is 63.2" means 63.2."""
    found = _NUMBER.findall(part.text)
    return float(found[-1].replace(",", "")) if found else 0.0


def _abstention(words: str) -> View:
    return View(
        direction="abstain", probability=0.5, move_bp=0.0, horizon_minutes=1, sources=(),
        numbers=(), words=f"rules: {words}",
    )  # fmt: skip


def volatility_view(ask: AskModel) -> VolatilityView:
    """The mean of the realised figures shown, the shortest counting twice."""
    figures = [(part, _last_number(part)) for part in ask.parts]
    figures = [(part, figure) for part, figure in figures if figure > 0.0]
    if not figures:
        return VolatilityView(
            abstains=True, volatility=0.0, probability=0.5, horizon_minutes=60, sources=(),
            numbers=(), words="rules: no figure to go by",
        )  # fmt: skip
    weights = [2.0, *([1.0] * (len(figures) - 1))]
    mean = sum(w * f for w, (_, f) in zip(weights, figures, strict=True)) / sum(weights)
    numbers = tuple(
        CitedNumber(words="realised volatility", number=figure, source=part.source)
        for part, figure in figures
    )
    return VolatilityView(
        abstains=False, volatility=min(mean / 100.0, 5.0), probability=0.6, horizon_minutes=60,
        sources=tuple(part.source for part, _ in figures), numbers=numbers,
        words=f"rules: a weighted mean of {len(figures)} realised figures",
    )  # fmt: skip


def _lean(part: Part) -> float:
    """Return which way a piece of evidence leans, by its own words: its probability beyond 1/2."""
    match = re.search(r": (up|down), probability (\d\.\d+)", part.text)
    if match is None:
        return 0.0
    return (float(match[2]) - 0.5) * (1.0 if match[1] == "up" else -1.0)


def argument(ask: AskModel) -> Argument:
    """Each piece of evidence that leans to one's own side is a point."""
    sign = 1.0 if "will rise" in ask.question else -1.0
    leaning = [(part, _lean(part) * sign) for part in ask.parts]
    points = tuple(
        Point(words=f"rules: it leans {lean:+.2f} this way", evidence=part.source)
        for part, lean in leaning
        if lean > 0.0
    )[:8]
    strength = min(0.5 + sum(lean for _, lean in leaning) / max(len(leaning), 1), 1.0)
    return Argument(strength=max(strength, 0.0), points=points, concedes=not points)


def ruling(ask: AskModel) -> Ruling:
    """The mean lean of all evidence, citing what leans the same way."""
    leans = {part.source: _lean(part) for part in ask.parts}
    told = {source: lean for source, lean in leans.items() if lean}
    mean = sum(told.values()) / len(told) if told else 0.0
    direction: Stance = "abstain" if not told else "flat" if not mean else (
        "up" if mean > 0 else "down"
    )  # fmt: skip
    cited = tuple(source for source, lean in told.items() if lean * mean >= 0.0)[:20]
    return Ruling(
        direction=direction, probability=0.5 + abs(mean), move_bp=60.0 * mean, horizon_minutes=30,
        evidence=cited, numbers=(), words=f"rules: the mean lean of {len(told)} pieces is "
        f"{mean:+.2f}",
    )  # fmt: skip


RULES: Final[dict[str, Rule]] = {
    "View": view, "VolatilityView": volatility_view, "Argument": argument, "Ruling": ruling,
}  # fmt: skip
