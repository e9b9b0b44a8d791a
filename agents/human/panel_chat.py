"""What was said at the panel: people's lines, and what the desk and the panel answered."""

from collections import deque
from typing import Final, Literal

import msgspec

_KEPT: Final = 300

Speaker = Literal["person", "panel", "desk", "card"]
# Where an answer's figures come from; a model's words are never anything else than that.
Source = Literal["", "recorded", "revalued", "model"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the conversation; `rows` is a table under it, its headings first."""

    number: int
    at_ns: int  # Market time.
    speaker: Speaker
    who: str
    text: str
    code: str = ""
    source: Source = ""
    rows: tuple[tuple[str, ...], ...] = ()


class Chat:
    """The last lines of the conversation, shared by everyone at the panel."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._numbered = 0

    def add(
        self, at_ns: int, speaker: Speaker, who: str, text: str, *, code: str = "",
        source: Source = "", rows: tuple[tuple[str, ...], ...] = (),
    ) -> Entry:  # fmt: skip
        """Keep a line, and return it with its number."""
        self._numbered += 1
        entry = Entry(
            number=self._numbered, at_ns=at_ns, speaker=speaker, who=who, text=text, code=code,
            source=source, rows=rows,
        )  # fmt: skip
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget every line; their numbers go on."""
        self._entries.clear()

    def last(self) -> list[Entry]:
        """Return the lines kept, oldest first."""
        return list(self._entries)
