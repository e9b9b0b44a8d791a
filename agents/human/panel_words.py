"""The closed grammar of the chat: words that decide, commands, and everything else.

No model reads or writes a deciding word. A line decides only when it is, from its first letter to
its last, one of the forms below; whatever else is typed is a question, and changes nothing.

    approve CODE             approve CODE QUANTITY
    reject CODE              reject CODE because REASON
"""

import re
from typing import Final, Literal

import msgspec

CommandName = Literal["positions", "risk", "halt", "resume", "limits", "agents", "explain"]

_CODE: Final = r"(?P<code>[0-9A-Fa-f]{4})"
_APPROVE: Final = re.compile(
    rf"approve {_CODE}(?: (?P<quantity>[1-9][0-9]{{0,8}}))?", re.IGNORECASE | re.ASCII
)
_REJECT: Final = re.compile(
    rf"reject {_CODE}(?: because (?P<reason>\S.{{0,499}}))?", re.IGNORECASE | re.ASCII
)
_COMMAND: Final = re.compile(
    r"/(?P<name>positions|risk|halt|resume|limits|agents|explain)(?: (?P<rest>.{1,500}))?"
)


class Deciding(msgspec.Struct, frozen=True, kw_only=True):
    """A line that decides about the card with this code. Quantity None is all of it."""

    word: Literal["approve", "reject"]
    code: str
    quantity: int | None = None
    reason: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A line that asks the panel itself for something."""

    name: CommandName
    rest: str = ""


class UnknownCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A line that begins as a command, and is none."""

    text: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Anything else."""

    text: str


Line = Deciding | Command | UnknownCommand | Question


def read_line(typed: str) -> Line:
    """Return what a typed line is; blanks around it do not count, blanks inside do."""
    text = typed.strip()
    if found := _APPROVE.fullmatch(text):
        quantity = found["quantity"]
        return Deciding(
            word="approve",
            code=found["code"].upper(),
            quantity=int(quantity) if quantity else None,
        )
    if found := _REJECT.fullmatch(text):
        return Deciding(word="reject", code=found["code"].upper(), reason=found["reason"] or "")
    if text.startswith("/"):
        command = _COMMAND.fullmatch(text)
        if command is None:
            return UnknownCommand(text=text)
        name: CommandName = command["name"]  # type: ignore[assignment]  # the pattern's own list
        return Command(name=name, rest=(command["rest"] or "").strip())
    return Question(text=text)
