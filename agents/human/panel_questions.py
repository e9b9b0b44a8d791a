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
from agents.human.panel_what_if import asks_what_if, read_moves
from environment.approval_messages import OrderCard

_WHY: Final = re.compile(r"\bwhy\b", re.IGNORECASE)
_WHO: Final = re.compile(r"\bwho\b.*\b(disagree|against|agree|other)", re.IGNORECASE)
_ASKABLE: Final = (
    "I answer from the record only. Ask: why now? · who disagrees? · what if vol falls 5 points? · "
    "what if spot falls 3 %? · or /explain ORDER. Nothing was changed."
)
_NEUTRAL: Final = 0.05  # Delta of so little of all the shares behind it takes no side.
_NO_SUCH_MOVE: Final = (
    "I do not know which move you mean, so nothing was computed. Say for instance: what if the "
    "stock falls 3 %, or $5, or to 140? · what if vol falls 5 points, or to 20? · what if spot "
    "falls 3 % and vol rises 5 points and 2 days pass?"
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
    if asks_what_if(text):
        return _what_if(room, laid, text)
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
    wanted = _wanted(room, card)
    symbols = {leg.instrument for leg in card.legs} | underlyings_of(room, card)
    agree, against = list[str](), list[str]()
    for name, said in sorted(room.live.agents.items()):
        if said.instrument in symbols and said.direction and name != card.proposer:
            (agree if said.direction == wanted else against).append(f"{name} ({said.text})")
    if not agree and not against:
        return Answered("No other agent has a recorded view on this instrument.")
    if not wanted:
        views = ", ".join(agree + against)
        return Answered(f"The order takes no side of the market. Views on it: {views}.")
    return Answered(
        f"Against: {', '.join(against) or 'nobody'}. With it: {', '.join(agree) or 'nobody'}."
    )


def _wanted(room: Room, card: OrderCard) -> str:
    """Return which way the stock must go for the order to gain; "" where it hardly matters."""
    if all(leg.units_per_lot == 1 for leg in card.legs):
        return {"buy": "up", "sell": "down"}.get(card.verb, "")
    spot = max(room.spots().values(), default=0.0)
    shares = sum(card.quantity * leg.ratio * leg.units_per_lot for leg in card.legs)
    if card.greeks is None or not spot:
        return ""
    delta = (card.greeks.delta.after - card.greeks.delta.before) / 1e6
    if abs(delta) < _NEUTRAL * shares * spot:
        return ""
    return "up" if delta > 0 else "down"


def underlyings_of(room: Room, card: OrderCard) -> set[str]:
    """Return the stock, or stocks, that an order is about."""
    known = room.live.instruments
    legs = [known[leg.instrument] for leg in card.legs if leg.instrument in known]
    return {leg.underlying or leg.symbol for leg in legs}


def _what_if(room: Room, laid: Laid, text: str) -> Answered:
    card = laid.change.card
    moves = read_moves(text, underlyings_of(room, card))
    if moves is None:
        return Answered(_NO_SUCH_MOVE, is_of_figures=True)
    valued = value_card(card, room.live.instruments, room.spots())
    if valued is None:
        missing = "A price is missing to value this order; nothing was guessed."
        return Answered(missing, is_of_figures=True)
    if valued.lasts_days is not None and moves.days > valued.lasts_days:
        days = f"{valued.lasts_days:.1f} days"
        late = f"An option of this order expires in {days}: ask about a time before that."
        return Answered(late, is_of_figures=True)
    gain = money(round(revalue(valued, moves) * 1e6))
    answer = f"If {moves.words()} and all else stays, this order alone makes {gain}."
    return Answered(answer.replace("-", "\u2212"), "revalued", is_of_figures=True)
