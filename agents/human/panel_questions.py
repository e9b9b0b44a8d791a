"""Questions of people, answered from what was recorded, and by revaluation; nothing is invented.

A question changes nothing. What none of the forms below fits is answered with what can be asked.
"""

import re
from typing import Final

import msgspec

from agents.human.panel_chat import Source
from agents.human.panel_payoff import revalue, value_card
from agents.human.panel_room import Room
from agents.human.panel_table import Laid
from agents.human.panel_text import money

_WHAT_IF: Final = re.compile(
    r"what if\b.*?(?P<what>vol|volatility|iv|spot|stock|price|it|[A-Z]{1,6})\b.*?"
    r"(?P<way>falls?|drops?|rises?|gains?|goes up|goes down|up|down)\D*?"
    r"(?P<size>\d{1,3}(?:\.\d{1,3})?)\s*(?P<unit>%|points?|per ?cent)?",
    re.IGNORECASE,
)
_WHY: Final = re.compile(r"\bwhy\b", re.IGNORECASE)
_WHO: Final = re.compile(r"\bwho\b.*\b(disagree|against|agree|other)", re.IGNORECASE)
_VOLATILITY: Final = {"vol", "volatility", "iv"}
_DOWNWARD: Final = ("fall", "drop", "goes down", "down")
_ASKABLE: Final = (
    "I answer from the record only. Ask: why now? · who disagrees? · what if vol falls 5 points? · "
    "what if spot falls 3 %? · or /explain ORDER. Nothing was changed."
)


class Answered(msgspec.Struct, frozen=True):
    """An answer, and where it comes from. One of figures is no model's to word."""

    text: str
    source: Source = "recorded"
    is_of_figures: bool = False


def answer_question(room: Room, laid: Laid | None, text: str) -> Answered:
    """Return the answer to a question about the card on screen, if there is one."""
    if laid is None:
        return Answered("No card is open, so there is nothing to ask about. " + _ASKABLE)
    if found := _WHAT_IF.search(text):
        return _what_if(room, laid, found)
    if _WHO.search(text):
        return _who(room, laid)
    if _WHY.search(text):
        return Answered(why(laid))
    return Answered(_ASKABLE)


def why(laid: Laid) -> str:
    """Return why a card's order was proposed, and why it waits: rules, figures, words."""
    view = laid.view
    asked = "; ".join(
        f"{reason['rule']} {reason['figure']}, limit {reason['limit']}" for reason in view["why"]
    )
    words = " ".join(f"“{words}”" for words in view["words"]) or "nothing"
    parts = ", ".join(f"{part['name']} {part['points']}" for part in view["score_parts"])
    score = f" Risk score {view['score']} of 100 ({parts})." if parts else ""
    evidence = len(laid.change.card.evidence)
    return (
        f"{view['title']} waits for a person because of {asked or 'the approval table'}.{score} "
        f"{view['proposer']} proposed it, resting on {evidence} recorded messages, and said, not "
        f"verified: {words}"
    )


def _who(room: Room, laid: Laid) -> Answered:
    card = laid.change.card
    symbols = {leg.instrument for leg in card.legs}
    wanted = {"buy": "up", "sell": "down"}.get(card.verb, "")
    agree, against = list[str](), list[str]()
    for name, said in sorted(room.live.agents.items()):
        if said.instrument in symbols and said.direction and name != card.proposer:
            (agree if said.direction == wanted else against).append(f"{name} ({said.text})")
    if not agree and not against:
        return Answered("No other agent has a recorded view on this instrument.")
    return Answered(
        f"Against: {', '.join(against) or 'nobody'}. With it: {', '.join(agree) or 'nobody'}."
    )


def _what_if(room: Room, laid: Laid, found: re.Match[str]) -> Answered:
    valued = value_card(laid.change.card, room.live.instruments, room.spots())
    if valued is None:
        text = "A price is missing to value this order; nothing was guessed."
        return Answered(text, is_of_figures=True)
    size = float(found["size"]) * (-1 if found["way"].lower().startswith(_DOWNWARD) else 1)
    if found["what"].lower() in _VOLATILITY:
        gain = revalue(valued, vol_points=size)
        moved = f"volatility moves {size:+g} points"
    else:
        gain = revalue(valued, spot_move=size / 100)
        moved = f"the stock moves {size:+g} %"
    text = f"If {moved} and all else stays, this order alone makes {money(round(gain * 1e6))}."
    return Answered(text.replace("-", "\u2212"), "revalued", is_of_figures=True)
