"""What analysts read, said and cited: a line for each question, and the whole of an opened one."""

from collections import Counter, OrderedDict, deque
from typing import Any, Final

import msgspec

from agents.human.panel_text import grouped, shown
from environment.text_messages import Consulted, Evidence, Heard

_KEPT: Final = 200
_LONGEST_ASKED: Final = 20_000
_LONGEST_SAID: Final = 4_000
_RULES: Final = "offline"

View = dict[str, Any]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model, closed; `rests_on` are the envelopes of what was read."""

    number: int
    at_ns: int
    told: Consulted
    view: Evidence | None
    rests_on: tuple[int, ...]


class Readings:
    """The last questions of all analysts, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Reading] = deque(maxlen=_KEPT)
        self._views: OrderedDict[str, Evidence] = OrderedDict()
        self._numbered = 0

    def hear_view(self, view: Evidence) -> None:
        """Keep a view until its question is told of, which is at once."""
        self._views[view.evidence_id] = view
        if len(self._views) > _KEPT:
            self._views.popitem(last=False)

    def hear(self, told: Consulted, at_ns: int, rests_on: tuple[int, ...]) -> Reading:
        """Keep a closed question, and return it with its number here."""
        self._numbered += 1
        reading = Reading(
            number=self._numbered, at_ns=at_ns, told=told,
            view=self._views.get(told.evidence_id), rests_on=rests_on,
        )  # fmt: skip
        self._kept.append(reading)
        return reading

    def all(self) -> list[Reading]:
        """Return every question that is kept, oldest first."""
        return list(self._kept)

    def find(self, number: int) -> Reading | None:
        """Return one by its number here."""
        return next((one for one in self._kept if one.number == number), None)


def row_of(reading: Reading) -> View:
    """Return the line of a question."""
    told = reading.told
    return {
        "number": reading.number,
        "at_ns": reading.at_ns,
        "agent": shown(told.agent, 80),
        "instrument": shown(told.instrument, 40),
        "step": shown(told.step, 40),
        "outcome": shown(told.outcome, 300),
        "abstained": told.abstained,
        "by": answered_by(told),
    }


def content_of(reading: Reading) -> View:
    """Return all of a question: what was shown, each answer, and what they cite."""
    told, view = reading.told, reading.view
    claims = () if view is None else view.claims
    return {
        "prompt": f"{shown(told.prompt, 60)}, {told.prompt_sha256[:16]}",
        "took_s": f"{(reading.at_ns - told.asked_ns) / 1e9:.1f}",
        "read": shown(told.asked, _LONGEST_ASKED),
        "said": [_answer(answer, count) for answer, count in Counter(told.answers).items()],
        "cited": [
            [
                shown(claim.words, 200),
                "" if claim.number is None else f"{claim.number:g}",
                shown(claim.source, 120),
                "found" if claim.found else "NOT FOUND",
            ]
            for claim in claims
        ],
        "sources": [] if view is None else [shown(source, 120) for source in view.sources],
    }


def words_of(answer: Heard) -> str:
    """Return what an answer says in words, or all of it where it has none."""
    said = _fields(answer.text)
    words = said.get("words") if said is not None else None
    return words if isinstance(words, str) else answer.text


def answered_by(told: Consulted) -> str:
    """Return who answered; rules are never called a model."""
    for answer in told.answers:
        if answer.provider:
            return by_line(answer.provider, answer.model)
    return "nobody answered"


def by_line(provider: str, model: str) -> str:
    """Return who answered in people's words."""
    if provider == _RULES:
        return "written rules, no language model"
    return shown(f"{provider}/{model}", 120)


def _answer(answer: Heard, count: int) -> View:
    """Return one answer; samples that were answered alike, tokens and all, are one."""
    said = _fields(answer.text)
    fields = [] if said is None else [
        [shown(str(name), 60), _value(value)] for name, value in said.items() if name != "words"
    ]  # fmt: skip
    who = by_line(answer.provider, answer.model) if answer.provider else "nobody answered"
    tokens = f"{grouped(answer.tokens_in + answer.tokens_out)} tokens"
    twice = ", asked twice" if answer.repaired else ""
    alike = f"{count} equal answers of " if count > 1 else ""
    return {
        "by": f"{alike}{who}, {tokens}{twice}",
        "words": shown(words_of(answer), _LONGEST_SAID),
        "fields": fields,
        "reason": shown(answer.reason, 400),
    }


def _fields(text: str) -> dict[str, Any] | None:
    """Return an answer that is a JSON object, or None."""
    try:
        said = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return said if isinstance(said, dict) else None


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str | int):
        return shown(str(value), 300)
    return shown(msgspec.json.encode(value).decode(), 600)
