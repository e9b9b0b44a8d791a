"""Why an order was sent: the graph from evidence to fill, read back out of a run's journal.

Every envelope names its cause, and what else it rests on; so from anything that was said of an
order the way leads back to the tick, view, verdict and answer behind it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec

from agents.human.panel_text import shown
from environment.errors import OperatingError

_LONGEST: Final = 110
_QUIET: Final = frozenset({"type", "order", "verdict", "decision", "card", "figures", "previous"})


class Told(msgspec.Struct, frozen=True):
    """One envelope: who told whom what, when, and because of which others."""

    id: int
    at_ns: int
    sender: str
    recipient: str
    causes: tuple[int, ...]
    message: dict[str, Any]


def why(journal: Path, order_id: str) -> list[Told]:
    """Return every envelope about an order and all that led to it, oldest first.

    Raises
    ------
    OperatingError
        If the journal cannot be read, or says nothing of the order.
    """
    causes: dict[int, tuple[int, ...]] = {}
    wanted: set[int] = set()
    beats: set[int] = set()
    for envelope in _envelopes(journal):
        number = envelope[1]
        causes[number] = tuple(dict.fromkeys(i for i in (envelope[6], *envelope[9]) if i))
        if envelope[8]["type"] == "TimerFired":
            beats.add(number)
        if _is_about(envelope[8], order_id):
            wanted.add(number)
    if not wanted:
        raise OperatingError(f'{journal} says nothing of an order "{order_id}"; see orders.parquet')
    open_ids = list(wanted)
    while open_ids:
        number = open_ids.pop()
        for cause in causes.get(number, ()):
            # A beat was set by the beat before it, back to the start: one of them says enough.
            if cause not in wanted and not (number in beats and cause in beats):
                wanted.add(cause)
                open_ids.append(cause)
    found = {e[1]: _told(e, causes[e[1]]) for e in _envelopes(journal) if e[1] in wanted}
    return [found[number] for number in sorted(found)]


def lines_of(graph: Iterable[Told], zone_offset_ns: int = 0) -> Iterator[str]:
    """Yield the graph as lines, one an envelope: time, who to whom, what, and because of which."""
    for told in graph:
        because = f"  <- {', '.join(map(str, told.causes))}" if told.causes else ""
        said = _said(told.message)
        way = f"{told.sender} > {told.recipient}"
        yield f"{_clock(told.at_ns + zone_offset_ns)}  {told.id:>9}  {way}: {said}{because}"


def _is_about(message: Any, order_id: str) -> bool:  # noqa: ANN401  as MessagePack gives it
    if not isinstance(message, dict):
        return False
    if order_id in (message.get("order_id"), message.get("client_order_id")):
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


def _told(envelope: Any, causes: tuple[int, ...]) -> Told:  # noqa: ANN401  as above
    return Told(envelope[1], envelope[5], envelope[2], envelope[3], causes, envelope[8])


def _clock(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}.{rest // 1000:06d}"


def _envelopes(journal: Path) -> Iterator[Any]:
    """Yield the envelopes of a journal; one that a durable actor handled comes twice."""
    try:
        with journal.open("rb") as file:
            for record in msgpack.Unpacker(file, max_buffer_size=0, strict_map_key=False):
                if isinstance(record, dict):
                    continue
                if record[0] == "Sent":
                    yield record
                elif record[0] == "Input":
                    yield record[1]
                elif record[0] == "Step":
                    yield record[3]  # Perhaps a quote, which stands nowhere else.
                    yield from record[4]
    except OSError as error:
        raise OperatingError(f"{journal}: {error.strerror}; name a folder of a run") from error
