"""Questions of "what if": which moves of the market a person means, read strictly.

A part that is not understood whole makes the question one that is not understood: an answer about
another move than was meant is worse than none.
"""

import re
from collections.abc import Collection
from typing import Final, Literal

import msgspec

Size = Literal["share", "money", "points", "to"]

_ASKED: Final = re.compile(
    r"\bwhat\s+(?:if|happens\s+if|would\s+happen\s+if)\b(?P<rest>.*)", re.IGNORECASE
)
_PARTS: Final = re.compile(r"\band\b|\bwhile\b|[,;]", re.IGNORECASE)
_DOWN: Final = r"falls?|drops?|declines?|loses?|sinks?|crashes|goes\s+down|is\s+down|down"
_UP: Final = r"rises?|gains?|climbs?|jumps?|spikes?|goes\s+up|is\s+up|up"
_MOVE: Final = re.compile(
    rf"(?P<what>.*?)\b(?:(?P<down>{_DOWN})|(?P<up>{_UP})|goes|moves|stands|is)\b"
    r"\s*(?P<how>by|to|at)?\s*(?P<dollar>\$)?\s*(?P<size>\d{1,6}(?:\.\d{1,4})?)"
    r"\s*(?P<unit>%|per\s?cent|vol(?:atility)?\s+points?|points?|pts?|dollars?)?",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(?:in\s+)?(?P<size>\d{1,3})\s+(?P<unit>days?|weeks?)(?:\s+(?:pass|go\s+by|later|from\s+now))?",
    re.IGNORECASE,
)
_VOLATILITY: Final = frozenset({"vol", "vols", "volatility", "volatilities", "iv"})
_STOCK: Final = frozenset({"spot", "stock", "price", "underlying", "shares", "market", "it"})
_FILLERS: Final = frozenset({"the", "a", "its", "all", "implied", "of"})


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about: each part by itself, None where it stays.

    `spot` and `volatility` are a kind and a figure: a share of itself, currency a share or points
    of volatility, or where it goes `to` (currency; volatility in points).
    """

    spot: tuple[Size, float] | None = None
    volatility: tuple[Size, float] | None = None
    days: int = 0

    def spot_from(self, spot: float) -> float:
        """Return where the stock goes."""
        match self.spot:
            case None:
                return spot
            case ("share", share):
                return spot * (1.0 + share)
            case ("to", price):
                return price
            case (_, more):
                return spot + more

    def sigma_from(self, sigma: float) -> float:
        """Return where a volatility goes, per year."""
        match self.volatility:
            case None:
                return sigma
            case ("share", share):
                return sigma * (1.0 + share)
            case ("to", points):
                return points / 100.0
            case (_, points):
                return sigma + points / 100.0

    def words(self) -> str:
        """Return the moves as they were understood."""
        said = []
        if self.spot is not None:
            kind, figure = self.spot
            amount = {"share": f"{figure * 100:+g} %", "to": f"to ${figure:g}"}
            said.append(f"the stock moves {amount.get(kind, f'{figure:+g} $')}")
        if self.volatility is not None:
            kind, figure = self.volatility
            amount = {"share": f"{figure * 100:+g} % of itself", "to": f"to {figure:g} %"}
            said.append(f"volatility moves {amount.get(kind, f'{figure:+g} points')}")
        if self.days:
            said.append(f"{self.days} days pass")
        return ", ".join(said)


def asks_what_if(text: str) -> bool:
    """Return whether a question is one of these at all."""
    return _ASKED.search(text) is not None


def read_moves(text: str, symbols: Collection[str]) -> Moves | None:
    """Return the moves that a question names, or None where any part of it is not understood.

    `symbols` are the names of the stock that the order on screen is about.
    """
    asked = _ASKED.search(text)
    if asked is None:
        return None
    parts = [part.strip(" ?.!") for part in _PARTS.split(asked["rest"])]
    found = Moves()
    for part in filter(None, parts):
        read = _read(part, {symbol.lower() for symbol in symbols})
        if read is None or any(
            getattr(read, name) and getattr(found, name) for name in Moves.__struct_fields__
        ):
            return None
        changed = {n: getattr(read, n) for n in Moves.__struct_fields__ if getattr(read, n)}
        found = msgspec.structs.replace(found, **changed)
    return found if found != Moves() else None


def _read(part: str, symbols: set[str]) -> Moves | None:
    time = _TIME.fullmatch(part)
    if time is not None:
        return Moves(days=int(time["size"]) * (7 if time["unit"].lower().startswith("w") else 1))
    move = _MOVE.fullmatch(part)
    if move is None:
        return None
    words = set(re.findall(r"[\w&.]+", move["what"].lower())) - _FILLERS
    unit = re.sub(r"\s+", " ", (move["unit"] or "").lower())
    if words & _VOLATILITY and not words - _VOLATILITY - symbols - _STOCK:
        amount = _of_volatility(move, unit)
        return None if amount is None else Moves(volatility=amount)
    if words and not words - _STOCK - symbols:
        amount = _of_stock(move, unit)
        return None if amount is None else Moves(spot=amount)
    return None


def _of_volatility(move: re.Match[str], unit: str) -> tuple[Size, float] | None:
    size = float(move["size"])
    if move["dollar"] or unit.startswith("dollar"):
        return None
    if move["how"] in {"to", "at"} or not (move["down"] or move["up"]):
        return ("to", size) if size > 0.0 else None
    signed = -size if move["down"] else size
    if unit in {"%", "percent", "per cent"}:
        return ("share", signed / 100.0) if signed > -100.0 else None
    return "points", signed


def _of_stock(move: re.Match[str], unit: str) -> tuple[Size, float] | None:
    size = float(move["size"])
    is_share = unit in {"%", "percent", "per cent"}
    if "vol" in unit:
        return None
    if move["how"] in {"to", "at"} or not (move["down"] or move["up"]):
        return None if is_share or size <= 0.0 else ("to", size)
    signed = -size if move["down"] else size
    if is_share:
        return ("share", signed / 100.0) if signed > -100.0 else None
    # A bare figure could be either.
    return ("money", signed) if move["dollar"] or unit.startswith(("dollar", "p")) else None
