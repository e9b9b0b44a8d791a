"""What the desk and people decided, out of a run's audit chain: table, counts, the gate's cost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import msgspec
import numpy as np

from environment.approval_messages import Outcome
from environment.record.audit import AuditLog, AuditRecord
from environment.record.day import DayTape
from environment.record.facts import MICROS, TapeFacts
from environment.record.tables import DECISION_COLUMNS
from environment.record.touches import Q_ASK, Q_ASK_LOTS, Q_BID, Q_BID_LOTS, Q_INSTRUMENT, Q_TIME
from scenarios.run.paper_structures import structure_gain

Fact = tuple[int, str, dict[str, Any]]  # Time, sender, message.
_NORMAL_95 = 1.96
_NET_TICK = 0.01  # Structures trade in cents.
_ROW: dict[str, object] = dict.fromkeys(DECISION_COLUMNS)
_EXPIRED = ("expired_unseen", "expired_seen")
# Why an order that a person was asked about was not sent, or not all of it; else a rule's name.
_BY_PEOPLE = frozenset(get_args(Outcome)) | {"smaller"}


def facts_of(log: AuditLog | None) -> Iterator[Fact]:
    """Yield every fact of a chain in memory."""
    for data in () if log is None else log.records:
        record = msgspec.msgpack.decode(data, type=AuditRecord)
        yield record.at_ns, record.sender, msgspec.msgpack.decode(record.message)


def decision_rows(facts: Iterable[Fact], names: TapeFacts, account: str) -> list[dict[str, object]]:
    """Return rows of the table of decisions: each verdict, and each card that ended."""
    ticks = {told.symbol: told.tick_micros / MICROS for told in names.instruments}
    rows: list[dict[str, object]] = []
    for at_ns, _, message in facts:
        if message["type"] == "Verdict":
            told = _verdict_row(at_ns, message) | _terms(message, ticks)
        elif message["type"] == "CardChanged" and message.get("outcome"):
            told = _card_row(at_ns, message) | _terms(message["card"]["order"], ticks)
        else:
            continue
        rows.append(told | {"account": account})
    return rows


def approval_counts(facts: Iterable[Fact]) -> dict[str, Any]:
    """Return how many orders people were asked about, and what became of them."""
    ended: dict[str, str] = {}
    asked: set[str] = set()
    again, waits = 0, list[int]()
    for _, _, message in facts:
        if message["type"] != "CardChanged":
            continue
        card = message["card"]
        order_id = card["order"]["order_id"]
        asked.add(order_id)
        again += message["state"] == "waiting" and card.get("changed_because") == "drift" and not (
            message.get("is_seen", False)
        )  # fmt: skip
        outcome = message.get("outcome")
        if outcome and ended.get(order_id) != outcome:
            if outcome in {"approved", "rejected"}:
                waits.append(message["changed_ns"] - card["proposed_ns"])
            ended[order_id] = outcome
    counts = Counter(ended.values())
    expired = sum(counts[name] for name in _EXPIRED)
    return {
        "asked": len(asked),
        "yes": counts["approved"],
        "no": len(ended) - counts["approved"] - expired,
        "expired": expired,
        "outcomes": dict(sorted(counts.items())),
        "share_unseen": counts["expired_unseen"] / len(asked) if asked else 0.0,
        "median_wait_seconds": float(np.median(waits)) / 1e9 if waits else None,
    }


def account_moves(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Return what nights and the broker changed in the account, in the order it was heard.

    Lots are signed, cash is in the account's currency; `by` and `why` say who closed a position.
    The statements at a night's end are left out: they sum up.
    """
    return [
        {
            "heard_ns": at_ns, "session": moved["session"], "what": moved["reason"],
            "instrument": moved["instrument"], "lots": moved["change"],
            "into": moved.get("into", ""), "into_lots": moved.get("into_change", 0),
            "cash": moved.get("cash_micros", 0) / MICROS, "by": moved.get("by", ""),
            "why": moved.get("why") or "", "order_id": moved.get("order_id", ""),
        }
        for at_ns, _, moved in facts
        if moved["type"] == "PositionMoved" and moved["reason"] != "statement"
    ]  # fmt: skip


def gate_ledger(facts: Iterable[Fact], day: DayTape) -> dict[str, Any]:
    """Return what the gate cost and saved: all that it kept back, filled on paper.

    A paper order takes the far touch at once where its price reaches it, as far as it is shown;
    the rest fills at its own price once the far touch comes there before the close. It is worth
    what the close makes of it; a structure fills whole (see `structure_gain`). `saved` is what its
    losses would have been, `cost` its gains; `band` is the 95 per cent interval of the sum, from
    the spread of single orders. `people` is the same of what people kept back (no, fewer, too late,
    away), `limits` of what rules refused.
    """
    orders = [(at_ns, m) for at_ns, _, m in facts if m["type"] == "PaperOrder"]
    symbols = {one.symbol: code for code, one in enumerate(day.facts.instruments)}
    gains = [
        (structure_gain if m.get("legs") else _paper_gain)(at_ns, m, day, symbols)
        for at_ns, m in orders
    ]
    by_people = [m["because"] in _BY_PEOPLE for _, m in orders]
    return {
        "orders": len(orders),
        "because": dict(sorted(Counter(str(m["because"]) for _, m in orders).items())),
        **_tally(gains),
        "people": _tally([gain for gain, is_so in zip(gains, by_people, strict=True) if is_so]),
        "limits": _tally([gain for gain, is_so in zip(gains, by_people, strict=True) if not is_so]),
    }


def _tally(gains: list[float | None]) -> dict[str, Any]:
    """Return what orders would have come to together, with the interval of it."""
    known = np.array([gain for gain in gains if gain is not None])
    total = float(known.sum()) if len(known) else 0.0
    spread = float(known.std(ddof=1)) * float(np.sqrt(len(known))) if len(known) > 1 else 0.0
    half = _NORMAL_95 * spread
    return {
        "kept_back": len(gains),
        "filled_on_paper": int((known != 0.0).sum()),
        "cost": round(float(known[known > 0].sum()), 2) if len(known) else 0.0,
        "saved": round(float(-known[known < 0].sum()), 2) if len(known) else 0.0,
        "net_cost": round(total, 2),
        "band": [round(total - half, 2), round(total + half, 2)],
    }


def _paper_gain(
    at_ns: int, order: dict[str, Any], day: DayTape, symbols: dict[str, int]
) -> float | None:
    """Return what an order would have made by the close, in the currency; None: no market."""
    code = symbols.get(order["instrument"])
    if code is None:
        return None
    quotes = day.touches.quotes
    quotes = quotes[quotes[:, Q_INSTRUMENT] == code]
    first = int(np.searchsorted(quotes[:, Q_TIME], at_ns, side="right")) - 1
    close = float(day.closing_ticks[code])
    if first < 0 or not np.isfinite(close):
        return None
    is_buy = order["side"] == "buy"
    touch, lots = (Q_ASK, Q_ASK_LOTS) if is_buy else (Q_BID, Q_BID_LOTS)
    limit, wanted = order.get("price"), int(order["quantity"])
    far = quotes[first:, touch].astype(np.float64)
    far[quotes[first:, lots] == 0] = np.inf if is_buy else -np.inf
    reached = np.isfinite(far) if limit is None else far <= limit if is_buy else far >= limit
    if not reached.any():
        return 0.0
    sign = 1.0 if is_buy else -1.0
    if reached[0]:
        at_once = min(wanted, int(quotes[first, lots]))
        gain = sign * (close - far[0]) * at_once
        rest = wanted - at_once
    else:
        gain, rest = 0.0, wanted
    if rest and reached[1:].any():
        later = 1 + int(np.argmax(reached[1:]))
        gain += sign * (close - (far[later] if limit is None else float(limit))) * rest
    return float(gain * day.money_per_tick_lot[code])


def _terms(order: dict[str, Any], ticks: dict[str, float]) -> dict[str, object]:
    """Return what an order was for, as far as it was well formed."""
    symbol, price, legs = order.get("instrument", ""), order.get("price"), order.get("legs", ())
    tick = _NET_TICK if legs else ticks.get(symbol)
    told = "; ".join(f"{leg['side']} {leg.get('ratio', 1)} {leg['instrument']}" for leg in legs)
    return {
        "instrument": symbol or None, "side": order.get("side") or None, "legs": told or None,
        "price": None if price is None or tick is None else round(price * tick, 4),
    }  # fmt: skip


def _verdict_row(at_ns: int, message: dict[str, Any]) -> dict[str, object]:
    row = _ROW | {
        "time": at_ns,
        "kind": "verdict",
        "order_id": message["order_id"],
        "agent": message["owner"],
        "answer": message.get("became", "passed"),
        "reason": message.get("detail", ""),
        "control": message.get("rule", ""),
        "verdict_id": message["verdict_id"],
    }
    if message.get("score"):
        row["score"] = float(message["score"])
    if message.get("quantity"):
        row["quantity"] = int(message["quantity"])
    return row


def _card_row(at_ns: int, message: dict[str, Any]) -> dict[str, object]:
    card = message["card"]
    order = card["order"]
    return _ROW | {
        "time": at_ns,
        "kind": "decision",
        "order_id": order["order_id"],
        "agent": card["proposer"],
        "quantity": card["quantity"],
        "answer": message["outcome"],
        "reason": message.get("reason", ""),
        "control": card["reasons"][0]["rule"] if card["reasons"] else "",
        "person": ", ".join(message.get("people", ())),
        "score": float(card.get("score", 0.0)),
        "asked": card["proposed_ns"],
    }
