"""Why an order was sent: the graph from evidence to fill, read out of a run's or desk's record.

Every envelope names its cause, and what else it rests on; so from anything that was said of an
order the way leads back to the tick, view, verdict and answer behind it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from agents.human.panel_text import shown
from environment.errors import ConfigError
from environment.record.chronicle import Chronicle

_LONGEST: Final = 110
_EXAMPLES: Final = 3
_QUIET: Final = frozenset({"type", "order", "verdict", "decision", "card", "figures", "previous"})


class Told(msgspec.Struct, frozen=True):
    """One envelope: who told whom what, when, and because of which others."""

    id: int
    at_ns: int
    sender: str
    recipient: str
    causes: tuple[int, ...]
    message: dict[str, Any]


class Clock:
    """Writes times in one zone; with the date, where a record goes over more than one day."""

    def __init__(self, zone: str, graph: Iterable[Told]) -> None:
        self.zone = ZoneInfo(zone)
        self.days = sorted({self._at(told.at_ns).date() for told in graph})

    def text(self, at_ns: int) -> str:
        """Return the time of day, to the microsecond."""
        told = self._at(at_ns)
        day = f"{told:%Y-%m-%d} " if len(self.days) > 1 else ""
        return f"{day}{told:%H:%M:%S}.{at_ns % 1_000_000_000 // 1000:06d}"

    def _at(self, at_ns: int) -> datetime:
        return datetime.fromtimestamp(at_ns // 1_000_000_000, self.zone)


def _orders_like(chronicle: Chronicle, order_id: str) -> list[str]:
    """Return the first orders of the same agent, or of any where it has none."""
    agent, found = order_id.rpartition("/")[0], dict[str, None]()
    for entry in chronicle:
        if entry.message_class == "OrderRequest":
            found[str(entry.message.get("order_id"))] = None
    own = [name for name in found if name.rpartition("/")[0] == agent]
    return (own or list(found))[:_EXAMPLES]


def why(chronicle: Chronicle, order_id: str) -> list[Told]:
    """Return every envelope about an order and all that led to it, oldest first.

    Raises
    ------
    ConfigError
        If the record says nothing of the order.
    OperatingError, CorruptRecord
        If the record cannot be read.
    """
    causes: dict[int, tuple[int, ...]] = {}
    wanted: set[int] = set()
    beats: set[int] = set()
    for entry in chronicle:
        if not entry.id:
            continue
        causes[entry.id] = tuple(dict.fromkeys(i for i in (entry.cause, *entry.evidence) if i))
        if entry.message_class == "TimerFired":
            beats.add(entry.id)
        if is_about(entry.message, order_id):
            wanted.add(entry.id)
    if not wanted:
        place = chronicle.files[0].parent
        known = _orders_like(chronicle, order_id)
        mend = f"it knows for instance {', '.join(known)}" if known else "it knows no order"
        raise ConfigError(f'{place} says nothing of an order "{order_id}"; {mend}')
    open_ids = list(wanted)
    while open_ids:
        number = open_ids.pop()
        for cause in causes.get(number, ()):
            # A beat was set by the beat before it, back to the start: one of them says enough.
            if cause not in wanted and not (number in beats and cause in beats):
                wanted.add(cause)
                open_ids.append(cause)
    found: dict[int, Told] = {}
    for entry in chronicle:  # What a durable actor handled stands twice: sent, and in its step.
        if entry.id in wanted and entry.id not in found:
            found[entry.id] = Told(
                entry.id, entry.at_ns, entry.sender, entry.recipient, causes[entry.id],
                entry.message,
            )  # fmt: skip
    return [found[number] for number in sorted(found)]


def lines_of(graph: Iterable[Told], clock: Clock) -> Iterator[str]:
    """Yield the graph as lines, one an envelope: time, who to whom, what, and because of which."""
    for told in graph:
        because = f"  <- {', '.join(map(str, told.causes))}" if told.causes else ""
        said = _said(told.message)
        way = f"{told.sender} > {told.recipient}"
        yield f"{clock.text(told.at_ns)}  {told.id:>9}  {way}: {said}{because}"


def is_about(message: Any, order_id: str) -> bool:  # noqa: ANN401  as MessagePack gives it
    """Return whether a message names an order, or one that carries out a part of it."""
    if not isinstance(message, dict):
        return False
    if order_id in (message.get("order_id"), message.get("client_order_id"), message.get("parent")):
        return True
    order = message.get("order") or (message.get("card") or {}).get("order") or message.get("event")
    return isinstance(order, dict) and order_id in (order.get("order_id"), order.get("parent"))


def _said(message: dict[str, Any]) -> str:
    inner = message.get("order") or (message.get("card") or {}).get("order") or {}
    told = {k: v for k, v in (inner | message).items() if k not in _QUIET and v not in ("", None)}
    plain = " ".join(f"{k}={v}" for k, v in told.items() if isinstance(v, str | int | float))
    # Words of others go to a terminal, which would obey what is hidden in them.
    text = shown(f"{message['type']} {plain}").replace("\n", "[U+000A]")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
