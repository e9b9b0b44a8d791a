"""What a finished run's journal says about its messages: how many of each, and how long on the way.

Publications of market data are not in the journal, and so not in here.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec
import numpy as np

_SENT: Final = "Sent"
_STEP: Final = "Step"


class LinkLatency(msgspec.Struct, frozen=True, kw_only=True):
    """Simulated time from sending to arrival, between two kinds of actors."""

    link: str
    count: int
    median_ns: int
    p99_ns: int
    max_ns: int


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages by kind of recipient and class, and latencies by link, the busiest first."""

    messages: dict[tuple[str, str], int]
    latencies: tuple[LinkLatency, ...]


def message_facts(journal: Path, kinds: Mapping[str, str]) -> MessageFacts:
    """Return the facts of a journal.

    Parameters
    ----------
    kinds : mapping of address to kind of actor
        An address that is not in it stands for itself.
    """
    messages: Counter[tuple[str, str]] = Counter()
    travelled: defaultdict[str, list[int]] = defaultdict(list)
    with journal.open("rb") as file:
        for record in msgpack.Unpacker(file, max_buffer_size=0, strict_map_key=False):
            for sent in _envelopes(record):
                sender, recipient = kinds.get(sent[2], sent[2]), kinds.get(sent[3], sent[3])
                messages[recipient, str(sent[8]["type"])] += 1
                travelled[f"{sender} > {recipient}"].append(sent[5] - sent[4])
    links = [_latency_of(link, times) for link, times in travelled.items() if max(times) > 0]
    return MessageFacts(
        messages=dict(messages),
        latencies=tuple(sorted(links, key=lambda row: (-row.count, row.link))),
    )


def _envelopes(record: Any) -> list[Any]:  # noqa: ANN401  # As MessagePack gives it.
    """Return the envelopes that a record is the first to hold: itself, or a durable outbox."""
    if isinstance(record, dict):
        return []
    return [record] if record[0] == _SENT else record[4] if record[0] == _STEP else []


def _latency_of(link: str, times: list[int]) -> LinkLatency:
    ordered = np.sort(np.asarray(times, np.int64))
    last = len(ordered) - 1
    return LinkLatency(
        link=link, count=len(ordered), median_ns=int(ordered[last // 2]),
        p99_ns=int(ordered[-(-last * 99 // 100)]), max_ns=int(ordered[last]),
    )  # fmt: skip
