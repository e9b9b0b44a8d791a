"""What agents that ask models did in a run: from its journal and its quotes, nothing else.

A view's edge is the move of the mid in its direction over its horizon. It is counted twice: from
the moment of the question and from the moment of the answer. The difference is lost to thinking.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec
import numpy as np
import polars as pl

from agents.analysts.calibration import Calibration, calibrate

_WANTED: Final = frozenset({"Consulted", "Evidence", "Notice"})
Mid = Callable[[str, int], float | None]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One consultation, when it was closed."""

    agent: str
    instrument: str
    step: str
    prompt: str
    prompt_sha256: str
    asked: str
    asked_ns: int
    closed_ns: int
    outcome: str
    abstained: bool
    evidence_id: str
    answers: tuple[dict[str, Any], ...]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A view on the direction with what became of it; moves as fractions, None if unknown."""

    evidence_id: str
    agent: str
    direction: str
    probability: float
    dispersion: float
    asked_ns: int
    held_ns: int
    horizon_ns: int
    words: str
    sources: tuple[str, ...]
    claims: tuple[dict[str, Any], ...]
    edge_from_question: float | None
    edge_from_answer: float | None


class AgentLedger(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent cost, and what its views came to."""

    agent: str
    questions: int
    abstentions: int
    repaired: int
    tokens: int
    usd: float
    delay_s: float
    views: int
    edge_bps: float
    lost_bps: float
    numbers_cited: int
    numbers_missing: int
    calibration: Calibration
    models: tuple[str, ...]


class LanguageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it: consultations and views in order of time, a ledger for each agent, notices."""

    steps: tuple[Step, ...]
    held: tuple[Held, ...]
    ledgers: tuple[AgentLedger, ...]
    notices: tuple[str, ...]


def language_facts(journal: Path, mid: Mid) -> LanguageFacts | None:
    """Return the facts of a run, or None where nobody asked a model."""
    steps: list[Step] = []
    held: list[Held] = []
    notices: list[str] = []
    for sent_ns, message in _told(journal):
        kind = message["type"]
        if kind == "Notice":
            notices.append(message["text"])
        elif kind == "Consulted":
            fields = {name: message[name] for name in Step.__struct_fields__ if name in message}
            steps.append(msgspec.convert(fields | {"closed_ns": sent_ns}, Step))
        elif message.get("about", "direction") == "direction":
            held.append(_held(message, sent_ns, mid))
    if not steps:
        return None
    agents = sorted({step.agent for step in steps})
    return LanguageFacts(
        steps=tuple(steps), held=tuple(held), notices=tuple(notices),
        ledgers=tuple(_ledger(agent, steps, held) for agent in agents),
    )  # fmt: skip


def mids_of(quotes: pl.DataFrame) -> Mid:
    """Return a function from instrument and moment to the mid that held then, or None."""
    known: dict[str, tuple[Any, Any]] = {}
    frame = quotes.select(
        pl.col("instrument").cast(pl.String), pl.col("time").cast(pl.Int64).alias("ns"),
        ((pl.col("bid_price") + pl.col("ask_price")) / 2).alias("mid"),
    ).drop_nulls()  # fmt: skip
    for (name,), rows in frame.group_by("instrument", maintain_order=True):
        known[str(name)] = (rows["ns"].to_numpy(), rows["mid"].to_numpy())

    def mid(instrument: str, at_ns: int) -> float | None:
        if instrument not in known:
            return None
        times, mids = known[instrument]
        place = int(np.searchsorted(times, at_ns, side="right")) - 1
        return float(mids[place]) if place >= 0 else None

    return mid


def _told(journal: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield time and content of each message that is wanted here."""
    with journal.open("rb") as file:
        for record in msgpack.Unpacker(file, max_buffer_size=0, strict_map_key=False):
            if isinstance(record, list) and record[0] == "Sent" and record[8]["type"] in _WANTED:
                yield int(record[4]), record[8]


def _held(message: dict[str, Any], sent_ns: int, mid: Mid) -> Held:
    direction = str(message.get("direction", "flat"))
    horizon_ns, asked_ns = int(message["horizon_ns"]), int(message["asked_ns"])
    sign = {"up": 1.0, "down": -1.0}.get(direction, 0.0)
    ends_ns = sent_ns + horizon_ns

    def edge(from_ns: int) -> float | None:
        first, last = mid(message["instrument"], from_ns), mid(message["instrument"], ends_ns)
        if not sign or first is None or last is None:
            return None
        return sign * (last / first - 1.0)

    return Held(
        evidence_id=message["evidence_id"], agent=message["analyst"], direction=direction,
        probability=float(message.get("probability", 0.5)),
        dispersion=float(message.get("dispersion", 0.0)), asked_ns=asked_ns, held_ns=sent_ns,
        horizon_ns=horizon_ns, words=message.get("words", ""),
        sources=tuple(message.get("sources", ())), claims=tuple(message.get("claims", ())),
        edge_from_question=edge(asked_ns), edge_from_answer=edge(sent_ns),
    )  # fmt: skip


def _ledger(agent: str, steps: list[Step], held: list[Held]) -> AgentLedger:
    own = [step for step in steps if step.agent == agent]
    views = [one for one in held if one.agent == agent and one.edge_from_answer is not None]
    answers = [answer for step in own for answer in step.answers]
    edges = [one.edge_from_answer or 0.0 for one in views]
    lost = [(one.edge_from_question or 0.0) - (one.edge_from_answer or 0.0) for one in views]
    claims = [claim for one in held if one.agent == agent for claim in one.claims]
    outcomes = [1.0 if edge > 0 else 0.0 if edge < 0 else 0.5 for edge in edges]
    used: dict[str, int] = defaultdict(int)
    for answer in answers:
        if answer["provider"]:
            used[f"{answer['provider']}/{answer['model']}"] += 1
    delays = [(step.closed_ns - step.asked_ns) / 1e9 for step in own]
    count = max(len(views), 1)
    return AgentLedger(
        agent=agent, questions=len(own), abstentions=sum(step.abstained for step in own),
        repaired=sum(bool(answer["repaired"]) for answer in answers),
        tokens=sum(answer["tokens_in"] + answer["tokens_out"] for answer in answers),
        usd=sum(answer["usd_micros"] for answer in answers) / 1e6,
        delay_s=sum(delays) / max(len(delays), 1), views=len(views),
        edge_bps=1e4 * sum(edges) / count, lost_bps=1e4 * sum(lost) / count,
        numbers_cited=len(claims), numbers_missing=sum(c["found"] is False for c in claims),
        calibration=calibrate([one.probability for one in views], outcomes),
        models=tuple(sorted(used, key=lambda name: -used[name])),
    )  # fmt: skip
