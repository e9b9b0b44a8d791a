"""A reversible disguise of names, dates and price scale, so that a model cannot recall the future.

Names become invented ones, dates move by whole weeks, prices are multiplied by one factor. What is
left is the shape of things: moves in percent, their order, and what was written. Whoever knows the
seed has the map, and can turn an answer back.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from environment.draws import Stream, stream_key
from llm.messages import AskModel, Part

_LETTERS: Final = "BCDFGHKLMNPRSTVWXZ"
_WEEKS: Final = (260, 1_300)  # Back by 5 to 25 years.
_FACTORS: Final = (0.5, 5.0)
_WEEK_NS: Final = 7 * 86_400_000_000_000
_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_ROUNDING: Final = 5e-3
_PRICE: Final = re.compile(r"\b(\d[\d,]*\.?\d*) USD\b")


class Disguise(msgspec.Struct, frozen=True, kw_only=True):
    """One map: alias by name, longest first; weeks that dates go back; factor of prices."""

    aliases: tuple[tuple[str, str], ...]
    weeks: int
    factor: float

    def hide(self, ask: AskModel) -> AskModel:
        """Return a question in which nothing can be recognised by name, date or price."""
        back_ns = self.weeks * _WEEK_NS
        parts = tuple(
            Part(
                text=self.hide_text(part.text), as_of_ns=part.as_of_ns - back_ns, kind=part.kind,
                source=f"s{number}",  # An id may hold a name or a date.
            )
            for number, part in enumerate(ask.parts, 1)
        )  # fmt: skip
        return msgspec.structs.replace(
            ask, parts=parts, question=self.hide_text(ask.question), asked_ns=ask.asked_ns - back_ns
        )

    def reveal_answer(self, text: str, ask: AskModel) -> str:
        """Return an answer to the hidden form of a question as one to the question itself.

        Names, dates and prices in its words come back, and so do ids of sources, and cited numbers
        that are prices of their source.
        """
        sources = {f"s{n}": part.source for n, part in enumerate(ask.parts, 1)}
        prices = {part.source: _prices(part.text) for part in ask.parts}
        answer = self._revealed(msgspec.json.decode(text), sources)
        for cited in answer.get("numbers", ()) if isinstance(answer, dict) else ():
            for price in prices.get(cited["source"], ()):
                hidden = price * self.factor
                if abs(cited["number"] - hidden) <= _ROUNDING * hidden:
                    cited["number"] = price
        return msgspec.json.encode(answer).decode()

    def _revealed(self, value: Any, sources: dict[str, str]) -> Any:  # noqa: ANN401  # JSON.
        if isinstance(value, str):
            return sources[value] if value in sources else self.reveal_text(value)
        if isinstance(value, list):
            return [self._revealed(item, sources) for item in value]
        if isinstance(value, dict):
            return {key: self._revealed(item, sources) for key, item in value.items()}
        return value

    def hide_text(self, text: str) -> str:
        """Return a text in disguise."""
        hidden = _swap(text, self.aliases)
        hidden = _DATE.sub(lambda match: _moved(match, -self.weeks), hidden)
        return _PRICE.sub(lambda match: _scaled(match, self.factor, 3), hidden)

    def reveal_text(self, text: str) -> str:
        """Return a text without its disguise."""
        shown = _swap(text, tuple((alias, name) for name, alias in self.aliases))
        shown = _DATE.sub(lambda match: _moved(match, self.weeks), shown)
        return _PRICE.sub(lambda match: _scaled(match, 1.0 / self.factor, 2), shown)


def make_disguise(names: Sequence[str], seed: int) -> Disguise:
    """Return a map for some names, drawn from a seed; equal letters do not become equal letters.

    A name in capitals becomes a ticker; any other an invented word with a capital.
    """
    stream = Stream(stream_key(seed, "disguise"))
    used = {name.upper() for name in names}
    aliases: list[tuple[str, str]] = []
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        alias = name
        while alias.upper() in used:
            alias = "".join(_LETTERS[stream.integer(0, len(_LETTERS))] for _ in range(4))
        used.add(alias)
        aliases.append((name, alias if name.isupper() else f"{alias.capitalize()}o Company"))
    low, high = _FACTORS
    return Disguise(
        aliases=tuple(aliases), weeks=stream.integer(*_WEEKS),
        factor=round(low * (high / low) ** stream.uniform(), 4),
    )  # fmt: skip


def _swap(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    if not pairs:
        return text
    table = {name.lower(): alias for name, alias in pairs}
    names = "|".join(re.escape(name) for name, _ in pairs)
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", re.IGNORECASE)
    return pattern.sub(lambda match: table[match[0].lower()], text)


def _prices(text: str) -> list[float]:
    return [float(match[1].replace(",", "")) for match in _PRICE.finditer(text)]


def _moved(match: re.Match[str], weeks: int) -> str:
    try:
        day = date(int(match[1]), int(match[2]), int(match[3])) + timedelta(weeks=weeks)
    except (ValueError, OverflowError):
        return match[0]
    return day.isoformat()


def _scaled(match: re.Match[str], factor: float, decimals: int) -> str:
    """Return a scaled price; with a decimal more in disguise, every cent comes back."""
    return f"{float(match[1].replace(',', '')) * factor:.{decimals}f} USD"
