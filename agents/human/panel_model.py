"""Questions of people in a model's words, where one is configured: marked so, and never an act.

A model sees what the page shows, quoted where others wrote it, and fills in a form that holds words
and ids of sources. What it says goes into the conversation and the audit, and nowhere else.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from agents.analysts.critic import unfound
from agents.human.panel_questions import Answered
from agents.human.panel_reading import by_line, words_of
from agents.human.panel_room import Room
from agents.human.panel_table import Laid
from agents.human.panel_text import shown
from llm.messages import AskModel, CallLimits, ModelAnswer, Part
from llm.prompts import Prompt, load_prompt

PROMPTS: Final = Path(__file__).parent / "prompts"
_MOST_READINGS: Final = 6
_LONGEST: Final = 1_500
_LIMITS: Final = CallLimits(max_tokens=500, seconds=20.0)

Ask = Callable[[AskModel], ModelAnswer]  # Blocks until the answer; called on a thread.


class PanelAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model may say to a person: words, and what they rest on."""

    words: Annotated[str, Meta(min_length=1, max_length=2_000)]
    sources: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=20)]


FORMS: Final[dict[str, type[msgspec.Struct]]] = {"PanelAnswer": PanelAnswer}


class ModelVoice:
    """Asks one role, in the prompt of a versioned file."""

    def __init__(self, role: str, ask: Ask) -> None:
        self.ask = ask
        self._role = role
        self._prompt: Prompt = load_prompt(PROMPTS, "panel")

    def question(self, room: Room, laid: Laid | None, text: str, recorded: Answered) -> AskModel:
        """Return a person's question with all that the record shows about it."""
        now_ns = room.floor.now_ns()
        parts = [
            _part("desk", f"the desk is {room.live.state}; {_figures(room)}", now_ns),
            _part("record", f"the record answers: {recorded.text}", now_ns, is_quoted=True),
        ]
        if laid is not None:
            parts += _of_card(laid, now_ns)
        parts += [
            _part(name, f"{said.text}. {said.words}", now_ns, is_quoted=True)
            for name, said in sorted(room.live.agents.items())
        ]
        parts += [
            _part(
                f"reading {one.number}",
                f"{one.told.agent} asked its model about {one.told.instrument}: {one.told.outcome}"
                + "".join(f"\n{words_of(answer)}" for answer in one.told.answers[:1]),
                now_ns, is_quoted=True,
            )
            for one in room.readings.all()[-_MOST_READINGS:]
        ]  # fmt: skip
        return AskModel(
            role=self._role, agent="human/panel", form="PanelAnswer", prompt=self._prompt.label,
            system=self._prompt.text, parts=tuple(parts), question=f"A person asks: {shown(text)}",
            asked_ns=now_ns, limits=_LIMITS,
        )  # fmt: skip


def read_answer(ask: AskModel, answer: ModelAnswer, recorded: Answered) -> Answered:
    """Return a model's answer marked as one, or the record's with the reason why there is none.

    An answer that cites what was not shown does not count; a number in it that stands nowhere in
    what was shown is named under it.
    """
    if answer.abstains:
        return _fallen_back(recorded, answer.reason)
    said = msgspec.json.decode(answer.text, type=PanelAnswer)
    known = {part.source for part in ask.parts}
    if strange := [source for source in said.sources if source not in known]:
        return _fallen_back(recorded, f"it cites what it was not shown: {shown(strange[0], 60)}")
    who = by_line(answer.provider, answer.model)
    rests = f" It cites: {', '.join(said.sources)}." if said.sources else " It cites nothing."
    missing = unfound(said.words, "\n".join(part.text for part in ask.parts))
    warning = f" Numbers found in nothing that it was shown: {', '.join(missing)}."
    text = f"{shown(said.words)}\n{who}, not verified.{shown(rests, 400)}"
    return Answered(text + (warning if missing else ""), "model")


def _fallen_back(recorded: Answered, reason: str) -> Answered:
    return Answered(f"{recorded.text} (The model gave no answer: {shown(reason, 200)})",
                    recorded.source)  # fmt: skip


def _of_card(laid: Laid, now_ns: int) -> list[Part]:
    view = laid.view
    why = "; ".join(f"{one['rule']} {one['figure']}, limit {one['limit']}" for one in view["why"])
    near = "; ".join(f"{one['rule']} {one['figure']} of {one['limit']}" for one in view["near"])
    worst = view["worst"]
    text = (
        f"{view['title']}, {view['limit']}. {view['total']}. {view['status']}. It waits because of "
        f"{why or 'the approval table'}. Near: {near or 'no other limit'}. Worst case: "
        f"{worst['amount']}, {worst['when']}. Risk score {view['score']} of 100."
    )
    return [
        _part("order", text, now_ns),
        _part("proposer", f"{view['proposer']}: {' '.join(view['words'])}", now_ns, is_quoted=True),
    ]  # fmt: skip


def _figures(room: Room) -> str:
    totals = ", ".join(f"{row['name']} {row['value']}" for row in room.live.totals())
    held = ", ".join(f"{row['lots']} {row['symbol']}" for row in room.live.positions())
    return f"{totals}; it holds {held or 'nothing'}"


def _part(source: str, text: str, now_ns: int, *, is_quoted: bool = False) -> Part:
    return Part(
        text=text[:_LONGEST], as_of_ns=now_ns, kind="quoted" if is_quoted else "fact",
        source=source[:200],
    )  # fmt: skip
