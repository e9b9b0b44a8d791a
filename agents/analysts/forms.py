"""The forms that analysts' answers must fit. None of them can hold an order, a size or a tool."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Move = Annotated[float, Meta(ge=-2_000.0, le=2_000.0)]
Minutes = Annotated[int, Meta(ge=1, le=2_000)]
Id = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=2_000)]
Stance = Literal["up", "down", "flat", "abstain"]


class CitedNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that the answer rests on, as it stands in one of the sources shown."""

    words: Words
    number: float
    source: Id


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A view on where a price goes: `move_bp` is the expected move, in hundredths of a percent."""

    direction: Stance
    probability: Probability
    move_bp: Move
    horizon_minutes: Minutes
    sources: Annotated[tuple[Id, ...], Meta(max_length=20)]
    numbers: Annotated[tuple[CitedNumber, ...], Meta(max_length=20)]
    words: Words


class VolatilityView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A view on how much a price will move: volatility per year, as a fraction."""

    abstains: bool
    volatility: Annotated[float, Meta(ge=0.0, le=5.0)]
    probability: Probability
    horizon_minutes: Minutes
    sources: Annotated[tuple[Id, ...], Meta(max_length=20)]
    numbers: Annotated[tuple[CitedNumber, ...], Meta(max_length=20)]
    words: Words


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of an argument, resting on one piece of evidence."""

    words: Words
    evidence: Id


class Argument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one side says in one round; `strength` is how strong it finds its own case."""

    strength: Probability
    points: Annotated[tuple[Point, ...], Meta(max_length=8)]
    concedes: bool


class Ruling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the judge decides, and the ids of the evidence that decided it."""

    direction: Stance
    probability: Probability
    move_bp: Move
    horizon_minutes: Minutes
    evidence: Annotated[tuple[Id, ...], Meta(max_length=20)]
    numbers: Annotated[tuple[CitedNumber, ...], Meta(max_length=20)]
    words: Words


FORMS: Final[dict[str, type[msgspec.Struct]]] = {
    "View": View, "VolatilityView": VolatilityView, "Argument": Argument, "Ruling": Ruling,
}  # fmt: skip
