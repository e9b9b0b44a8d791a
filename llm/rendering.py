"""From a question to the text that a model sees: facts plain, the words of others quoted as data.

Quoted text stands between markers that it cannot contain, each line behind a bar, with invisible
and bidirectional characters shown by their numbers. That a model believes it all the same must be
harmless too: an answer can only fill in a form, and no form holds an order or a tool.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from llm.messages import AskModel, Part

_SECOND_NS: Final = 1_000_000_000
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_LONGEST_QUOTE: Final = 4_000


class LookAhead(ValueError):
    """A part is later than the moment of the question."""


def check_times(parts: Iterable[Part], now_ns: int) -> None:
    """Raise LookAhead if any part could not be known at `now_ns`."""
    for part in parts:
        if part.as_of_ns > now_ns:
            raise LookAhead(
                f"{part.source or 'a part'} is as of {moment(part.as_of_ns)}, later than "
                f"{moment(now_ns)}"
            )


def known_parts(parts: Iterable[Part], now_ns: int) -> tuple[Part, ...]:
    """Return the parts that could be known at `now_ns`."""
    return tuple(part for part in parts if part.as_of_ns <= now_ns)


def moment(ns: int) -> str:
    """Return a time as people write it, UTC, to the second."""
    return datetime.fromtimestamp(ns // _SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def visible(text: str) -> str:
    """Return a text with every invisible, bidirectional or control character shown as ⟨U+…⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _HIDDEN and c != "\n" else c for c in text
    )


def quoted(part: Part) -> str:
    """Return the words of others as a block that cannot end itself."""
    text = visible(part.text[:_LONGEST_QUOTE]).replace("<<<", "< < <").replace(">>>", "> > >")
    lines = "\n".join(f"| {line}" for line in text.split("\n"))
    return f"<<<QUOTED {part.source} as of {moment(part.as_of_ns)}\n{lines}\nEND QUOTED>>>"


def user_text(ask: AskModel) -> str:
    """Return all that a model sees after its prompt file: the parts, then the question."""
    shown = [
        quoted(part)
        if part.kind == "quoted"
        else f"[{part.source or 'fact'}] {part.text} (as of {moment(part.as_of_ns)})"
        for part in ask.parts
    ]
    return "\n".join([f"It is {moment(ask.asked_ns)}.", *shown, ask.question])
