"""What an agent asks of a language model, and what comes back: an effect and its typed answer."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from environment.messages import Effect, Message

Unit = Annotated[float, Meta(ge=0.0, le=2.0)]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of what a model is shown, and when it could first be known.

    "fact" is text of our own; "quoted" was written by others and is shown as data. `source` is the
    id by which an answer cites it.
    """

    text: str
    as_of_ns: int
    kind: Literal["fact", "quoted"] = "fact"
    source: str = ""


class CallLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long an answer may be, and how much wall time one question may take in all."""

    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 600
    seconds: Annotated[float, Meta(gt=0.0, le=3_600.0)] = 60.0
    temperature: Unit = 0.0


class ModelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a question came to. An abstention has a `reason` and no text.

    `text` is JSON that fits the question's form; `said` is what the model wrote where that did not
    fit. Tokens and money are of all attempts together. How long it took on the wall stands in the
    cassette and in telemetry only, so that a run from a cassette is equal byte for byte.
    """

    text: str = ""
    reason: str = ""
    said: str = ""
    provider: str = ""
    model: str = ""
    repaired: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    usd_micros: int = 0

    @property
    def abstains(self) -> bool:
        """Return whether nothing was answered."""
        return not self.text


class AskModel(Effect[ModelAnswer], frozen=True, kw_only=True):
    """One typed question: `form` names the struct that the answer must fit.

    `role` is a name of `[models]`, never a vendor. `system` is the content of the versioned prompt
    file that `prompt` names. `sample` numbers the samples of one question; `asked_ns` is the now
    that no part may be later than. With `disguise`, names that nothing shown may hold, the question
    is asked in disguise and its answer comes back without.
    """

    role: str
    agent: str
    form: str
    prompt: str
    system: str
    parts: tuple[Part, ...]
    question: str
    asked_ns: int
    sample: int = 0
    limits: CallLimits = CallLimits()
    disguise: tuple[str, ...] = ()


PROTOCOL: tuple[type[Message], ...] = (AskModel,)
