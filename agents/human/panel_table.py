"""The cards on the panel's table: what each shows now, and which figures were on screen when."""

from collections import OrderedDict
from typing import Final

import msgspec

from agents.human.panel_cards import View, card_view
from environment.approval_messages import CardChanged

_KEPT_ENDED: Final = 40
_KEPT_FIGURES: Final = 64  # Of one card: an answer names the figures that it saw.


class Laid(msgspec.Struct):
    """One card as it lies here."""

    change: CardChanged
    view: View
    hashes: dict[int, str]  # What was on screen, by the sequence of its figures.
    told_ns: int = 0  # Steady clock: when pages were last sent it.
    is_held: bool = False  # Only its figures moved since, and pages have not been told.


class CardTable:
    """Every card that waits, works, or ended not long ago."""

    def __init__(self) -> None:
        self._laid: OrderedDict[str, Laid] = OrderedDict()

    def lay(self, change: CardChanged) -> Laid:
        """Take a card's newest state in, and return it."""
        code = change.card.code
        view = card_view(change)
        before = self._laid.get(code)
        is_same = before is not None and view["record_hash"] == before.change.card.record_hash
        laid = Laid(change=change, view=view, hashes={})
        if before is not None:
            laid.told_ns, laid.is_held = before.told_ns, before.is_held
            laid.hashes = before.hashes if is_same else {}
        laid.hashes[change.figures.sequence] = view["figures_hash"]
        while len(laid.hashes) > _KEPT_FIGURES:
            del laid.hashes[next(iter(laid.hashes))]
        self._laid[code] = laid
        self._forget()
        return laid

    def find(self, code: str) -> Laid | None:
        """Return a card by its code."""
        return self._laid.get(code)

    def all(self) -> list[Laid]:
        """Return every card, oldest first."""
        return list(self._laid.values())

    def waiting(self) -> list[Laid]:
        """Return the cards that want an answer, oldest first."""
        return [laid for laid in self._laid.values() if laid.view["can_answer"]]

    def _forget(self) -> None:
        ended = [
            code for code, laid in self._laid.items() if laid.change.state in {"done", "not_sent"}
        ]
        for code in ended[:-_KEPT_ENDED]:
            del self._laid[code]


def only_figures_moved(before: View, after: View) -> bool:
    """Return whether two views differ in nothing that wants telling at once."""
    at_once = ("record_hash", "state", "status", "people", "filled", "reason")
    return all(before[name] == after[name] for name in at_once)
