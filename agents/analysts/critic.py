"""The critic: looks each cited number up in the source it is said to stand in."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from agents.analysts.forms import CitedNumber
from environment.text_messages import Claim

_NUMBER: Final = re.compile(
    r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s*(%|bp\b|thousand\b|million\b|billion\b|[kmb]\b)?",
    re.IGNORECASE,
)
_SCALES: Final[dict[str, float]] = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "b": 1e9,
}  # fmt: skip
_ROUNDING: Final = 5e-3  # As people round: "45.6 billion" stands for 45,646 million.


def numbers_in(text: str) -> list[float]:
    """Return every number of a text, and those with a scale or a percent sign in both readings."""
    found: list[float] = []
    for match in _NUMBER.finditer(text):
        unit = (match[1] or "").lower()
        written = match[0].removesuffix(match[1] or "").strip().replace(",", "")
        value = float(written)
        found.append(value)
        if unit == "%":
            found.append(value / 100.0)
        elif unit == "bp":
            found.append(value / 10_000.0)
        elif unit in _SCALES:
            found.append(value * _SCALES[unit])
    return found


def is_found(number: float, text: str) -> bool:
    """Return whether a number stands in a text, to within rounding; signs may differ.

    A fall of 3 % is cited as 3 and as -3; both are in the source.
    """
    wanted = abs(number)
    return any(abs(abs(value) - wanted) <= _ROUNDING * max(wanted, 1e-12) + 1e-12
               for value in numbers_in(text))  # fmt: skip


def unfound(words: str, text: str) -> list[str]:
    """Return the numbers of some words, as written, of which no reading stands in a text."""
    written = [match[0].strip() for match in _NUMBER.finditer(words)]
    return [one for one in dict.fromkeys(written)
            if not any(is_found(number, text) for number in numbers_in(one))]  # fmt: skip


def check_numbers(cited: Iterable[CitedNumber], sources: Mapping[str, str]) -> tuple[Claim, ...]:
    """Return each cited number as a claim that says whether its source holds it."""
    return tuple(
        Claim(
            words=one.words, number=one.number, source=one.source,
            found=is_found(one.number, sources.get(one.source, "")),
        )
        for one in cited
    )  # fmt: skip
