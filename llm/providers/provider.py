"""What every provider can do, and the ways in which it fails."""

from typing import Any, Final, Literal, Protocol

import msgspec

from environment.errors import OperatingError
from llm.messages import AskModel
from llm.prices import tokens_of

Failure = Literal[
    "unreachable", "unknown_model", "refused_key", "rate_limited", "overloaded", "too_late",
    "cut_short", "refused", "unsupported", "bad_reply",
]  # fmt: skip

# Nothing was computed or charged, so that asking again costs nothing but time.
SAFE_TO_REPEAT: Final[frozenset[Failure]] = frozenset({"unreachable", "rate_limited", "overloaded"})


class Turn(msgspec.Struct, frozen=True):
    """One thing said before: by the model, or to it."""

    role: Literal["user", "assistant"]
    text: str


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a provider: the question, its form as a schema, and what was said since."""

    ask: AskModel
    user: str
    form: str
    schema: dict[str, Any]
    turns: tuple[Turn, ...] = ()
    seconds: float = 60.0


def tokens_asked(call: Call) -> int:
    """Return an upper estimate of the tokens of all that is sent, the schema too."""
    said = "".join(turn.text for turn in call.turns)
    schema = msgspec.json.encode(call.schema).decode()
    return tokens_of(call.ask.system + call.user + said + schema)


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider wrote, and what it counted."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class ProviderFailed(OperatingError):
    """No completion came. The text is one line with the mend; `kind` says what may be done."""

    def __init__(self, kind: Failure, text: str, wait_s: float | None = None) -> None:
        super().__init__(" ".join(text.split())[:300])
        self.kind: Failure = kind
        self.wait_s = wait_s  # How long the provider asked to be left alone.


class Provider(Protocol):
    """A way to have a question answered. Called from many threads at once."""

    name: str
    model: str

    def complete(self, call: Call) -> Completion:
        """Return what the model wrote; raises ProviderFailed."""

    def trouble(self) -> str:
        """Return what keeps it from answering, with the mend, or "": for `outcry doctor`."""

    def close(self) -> None:
        """Give back what it holds."""
