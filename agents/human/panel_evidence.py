"""What the panel heard, by envelope: the graph from an order back to the headline or tick."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agents.desk.proposal import Proposal, Voice
from agents.human.panel_reading import words_of
from agents.human.panel_text import shown
from environment.messages import Message, QuoteUpdate, Signal, TradePrint
from environment.text_messages import Consulted, Evidence as Held, NewsItem

_KEPT: Final = 20_000
_DEEPEST: Final = 6
_WIDEST: Final = 12

View = dict[str, Any]


class Heard(msgspec.Struct, frozen=True):
    """One envelope: who said what, not verified in what words, and what it rests on."""

    who: str
    what: str
    words: str = ""
    rests_on: tuple[int, ...] = ()


class Evidence:
    """The last envelopes that were heard, by id."""

    def __init__(self) -> None:
        self._heard: OrderedDict[int, Heard] = OrderedDict()
        self._consulted: OrderedDict[str, int] = OrderedDict()  # By the view that came of it.

    def hear(self, number: int, sender: str, message: Message, rests_on: Iterable[int]) -> None:
        """Keep one envelope; number 0 is one without."""
        told = _told(sender, message, tuple(rests_on))
        if number and told is not None:
            self._keep(number, told)
        if isinstance(message, Consulted) and message.evidence_id:
            self._consulted[message.evidence_id] = number
            if len(self._consulted) > _KEPT:
                self._consulted.popitem(last=False)
        if isinstance(message, Proposal):
            for voice in message.voices:
                # An analyst's view names itself in its reasons; what its model said is behind it.
                names = (reason.partition(": ")[0] for reason in voice.reasons)
                behind = tuple(self._consulted[name] for name in names if name in self._consulted)
                self._keep(voice.signal, _of_voice(message.instrument, voice, behind))

    def _keep(self, number: int, told: Heard) -> None:
        self._heard[number] = told
        if len(self._heard) > _KEPT:
            self._heard.popitem(last=False)

    def graph(self, numbers: Iterable[int], depth: int = _DEEPEST) -> list[View]:
        """Return what stands behind some envelopes, as a tree; one that was not heard says so."""
        found = list(dict.fromkeys(numbers))
        rows = [self._node(number, depth) for number in found[:_WIDEST]]
        if len(found) > _WIDEST:
            more = f"and {len(found) - _WIDEST} more, in the journal"
            rows.append({"who": "…", "what": more, "words": "", "from": []})
        return rows

    def _node(self, number: int, depth: int) -> View:
        heard = self._heard.get(number)
        if heard is None:
            what = "stands in the journal under this number"
            return {"who": f"message {number}", "what": what, "words": "", "from": []}
        behind = self.graph(heard.rests_on, depth - 1) if depth > 1 else []
        return {
            "who": shown(heard.who, 80), "what": heard.what, "words": heard.words, "from": behind,
        }  # fmt: skip

    def known(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return those envelopes that were heard."""
        return tuple(number for number in numbers if number in self._heard)


def _of_voice(instrument: str, voice: Voice, behind: tuple[int, ...]) -> Heard:
    what = f"view on {instrument}: {voice.direction}, {100 * voice.probability:.0f} % sure"
    return Heard(voice.source, shown(what, 160), shown("; ".join(voice.reasons), 400), behind)


def _told(sender: str, message: Message, rests_on: tuple[int, ...]) -> Heard | None:
    match message:
        case Signal():
            said = "abstains" if message.abstains else message.direction
            what = f"view on {message.instrument}: {said}, {100 * message.probability:.0f} % sure"
            words = shown("; ".join(message.reasons), 400)
            return Heard(sender, shown(what, 160), words, (*rests_on, *message.evidence))
        case Proposal():
            what = f"view of the desk on {message.instrument}: {message.direction}"
            words = shown("; ".join(message.explanation), 400)
            return Heard(sender, shown(what, 160), words, (*rests_on, *message.evidence))
        case NewsItem():
            about = ", ".join(message.symbols) or "no instrument of ours"
            what = f"{message.kind} {message.item_id}, on {about}"
            return Heard(sender, shown(what, 200), shown(message.text, 400))
        case Held():
            on = message.direction if message.about == "direction" else "volatility"
            what = f"view {message.evidence_id} on {message.instrument}: {on}"
            return Heard(sender, shown(what, 200), shown(message.words, 400), rests_on)
        case Consulted():
            what = f"asked its model about {message.instrument}: {message.outcome}"
            words = words_of(message.answers[0]) if message.answers else ""
            return Heard(sender, shown(what, 300), shown(words, 400), rests_on)
        case QuoteUpdate():
            what = f"quote of {message.instrument}, {message.bid_price} / {message.ask_price} ticks"
            return Heard(sender, shown(what, 120))
        case TradePrint():
            what = f"trade of {message.quantity} {message.instrument} at {message.price} ticks"
            return Heard(sender, shown(what, 120))
        case _:
            return None
