"""What page and server say to each other over the socket: strict JSON, one object a frame.

A page's frame that is not exactly one of these closes its socket. `id` is the page's own number of
what it asks, so that it knows what an answer answers.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

LONGEST_FRAME: Final = 8_192  # Bytes; the longest line a person may type, several times over.

Code = Annotated[str, Meta(pattern="^[0-9A-F]{4}$")]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[A-Za-z0-9_-]+$")]
Text = Annotated[str, Meta(max_length=1_000)]
Password = Annotated[str, Meta(max_length=1_000)]
Lots = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=1 << 53)]


class PageFrame(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True, tag_field="t"
):
    """Root of what a page says."""


class Hello(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="hello"):
    """First frame: proves that the page could read its own sign-in, so that none elsewhere sent it.

    `version` is that of the page's own files.
    """

    csrf: Text
    version: Text


class Shown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which record and which figures of a card are on screen."""

    code: Code
    record_hash: Digest
    sequence: Sequence


class Answer(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="answer"):
    """A person pressed a button, or typed its words. `id` is of one press."""

    id: Name
    shown: Shown
    word: Literal["approve", "smaller", "reject"]
    quantity: Lots | None = None
    reason: Text = ""
    password: Password = ""


class Say(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="say"):
    """A person typed a line; `shown` is the card on screen, if there is one."""

    id: Name
    text: Text
    shown: Shown | None = None


class Control(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="control"):
    """A person moves the desk: halt and flatten at once, resume with a password and a reason.

    Resuming may be of one agent, strategy or underlying.
    """

    id: Name
    word: Literal["halt", "resume", "flatten"]
    reason: Text = ""
    password: Password = ""
    scope: Literal["desk", "agent", "strategy", "underlying"] = "desk"
    name: Annotated[str, Meta(max_length=200)] = ""


class Allow(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="allow"):
    """An admin lets the looser rules of a file hold that were on screen, with a password."""

    id: Name
    source: Digest
    password: Password


class Cancel(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="cancel"):
    """A person takes a working order out of the market."""

    id: Name
    order_id: Annotated[str, Meta(min_length=1, max_length=200)]


class Viewed(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="viewed"):
    """A card was on screen for so long since the last of these; what was unfolded meanwhile."""

    shown: Shown
    shown_ms: Annotated[int, Meta(ge=0, le=600_000)]
    unfolded: Annotated[tuple[Name, ...], Meta(max_length=10)] = ()


class Unfold(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unfold"):
    """A person opened a part of a card that is computed only when it is wanted."""

    shown: Shown
    part: Literal["payoff", "evidence", "preview"]


class Read(PageFrame, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="read"):
    """A person opened a question that an analyst asked its model."""

    number: Sequence


FromPage = Hello | Answer | Say | Control | Allow | Cancel | Viewed | Unfold | Read
_decoder: Final = msgspec.json.Decoder(FromPage)
_encoder: Final = msgspec.json.Encoder()


def read_frame(data: str | bytes) -> FromPage:
    """Return a page's frame.

    Raises
    ------
    msgspec.MsgspecError
        If it is anything else.
    """
    frame: FromPage = _decoder.decode(data)
    return frame


def make_frame(kind: str, /, **fields: Any) -> bytes:  # noqa: ANN401  whatever JSON can hold
    """Return a frame for pages: its kind in `t`, the rest beside it."""
    return _encoder.encode({"t": kind, **fields})
