"""A card as the page draws it: every figure in the words of people, and nothing left to compute.

Ticks, lots and millionths end here. What other agents wrote is spelled out by `shown`, and the page
puts all of it on screen as text.
"""

import hashlib
from typing import Any, Final

import msgspec

from agents.human.panel_text import grouped, in_unit, money, shown
from environment.approval_messages import (
    CardChanged,
    CardFigures,
    CardGreeks,
    CardLeg,
    CardReason,
    Change,
    OrderCard,
    Outcome,
)

View = dict[str, Any]  # A card as JSON.

_EFFECTS: Final = {"open": "opens", "close": "closes", "both": "closes and opens"}
_OUTCOMES: Final[dict[Outcome, str]] = {
    "approved": "Approved",
    "rejected": "Rejected: not sent",
    "expired_unseen": "No answer, and nobody saw it: not sent",
    "expired_seen": "Seen, no answer: not sent",
    "drifted": "The market moved away: not sent",
    "market_closed": "Market closed: not sent",
    "halted": "Desk halted: not sent",
    "refused_again": "Risk refused it on a second look: not sent",
    "withdrawn": "Its proposer took it back: not sent",
    "failed": "Something failed: not sent",
}
_STATES: Final = {
    "waiting": "Waits for an answer",
    "one_of_two": "One yes, waits for a second person",
    "redrawing": "Risk rules on the smaller order",
    "sent": "Sent",
    "withheld": "Out of the market, asked again at the next open",
    "done": "Done",
    "not_sent": "Not sent",
}


def card_view(change: CardChanged) -> View:
    """Return all that a page shows of a card."""
    card, figures = change.card, change.figures
    view = {
        "code": card.code,
        "record_hash": card.record_hash,
        "sequence": figures.sequence,
        "state": change.state,
        "tier": card.tier,
        "can_answer": change.state in {"waiting", "one_of_two"},
        "status": _status(change),
        "reason": shown(change.reason, 300),
        "people": list(change.people),
        "title": title(card),
        "verb": card.verb,
        "quantity": card.quantity,
        "unit": unit(card),
        "effect": _EFFECTS[card.effect],
        "limit": _limit(card),
        "total": _total(card),
        "legs": [_leg(leg) for leg in card.legs],
        "is_structure": len(card.legs) > 1,
        "why": [_reason(reason) for reason in card.reasons],
        "near": [_reason(reason) for reason in card.near],
        "proposer": shown(card.proposer, 80),
        "asked": _asked(card),
        "answer_until_ns": card.answer_until_ns,
        "proposed_ns": card.proposed_ns,
        "send_within_s": card.send_within_ns // 1_000_000_000,
        "score": round(card.score),
        "score_parts": [
            {
                "name": shown(part.name, 80),
                "points": round(part.points, 1),
                "text": shown(part.text, 300),
            }
            for part in card.score_parts
        ],
        "depth": _depth(card),
        "doubt": f"{100 * card.order.dispersion:.0f} %" if card.order.dispersion else "",
        "words": [shown(word) for word in card.words],
        "changed": _changed(change),
        "filled": change.filled,
        "order_id": card.order.order_id,
        **_figures(card, figures),
    }
    view["figures_hash"] = figures_hash(view)
    return view


def figures_hash(view: View) -> str:
    """Return the hash of what a card shows, as 64 hexadecimal digits."""
    told = {name: value for name, value in view.items() if name != "figures_hash"}
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def title(card: OrderCard) -> str:
    """Return an order in one line: verb, quantity, instrument."""
    verb = {"buy": "Buy", "sell": "Sell", "trade": "Trade"}[card.verb]
    if len(card.legs) == 1:
        return f"{verb} {grouped(card.quantity)} {shown(card.legs[0].title, 80)}"
    names = {leg.instrument.split()[0][:12] for leg in card.legs}
    return f"{verb} {grouped(card.quantity)} × {len(card.legs)}-leg {'/'.join(sorted(names))}"  # noqa: RUF001


def unit(card: OrderCard) -> str:
    """Return what the quantity counts."""
    if len(card.legs) > 1:
        return "structures"
    return "contracts" if card.legs[0].units_per_lot > 1 else "shares"


def price_text(ticks: int, leg: CardLeg) -> str:
    """Return a price per share as money."""
    return money(ticks * leg.tick_micros)


def _status(change: CardChanged) -> str:
    words = _OUTCOMES[change.outcome] if change.outcome else _STATES[change.state]
    if change.state == "waiting" and change.card.changed_because == "smaller":
        words = "Made smaller: asks again"
    if change.state == "waiting" and change.card.changed_because == "next_open":
        words = "The market has opened: asks again"
    if change.state == "waiting" and change.card.changed_because == "replacement":
        words = "Other terms for an order that works"
    if change.state in {"sent", "withheld", "done"}:
        filled = f"{grouped(change.filled)} of {grouped(change.card.quantity)} filled"
        return f"{_STATES[change.state]}: {filled}"
    return words


def _asked(card: OrderCard) -> str:
    told = {"next_open": "asked again at the open, ", "replacement": "other terms asked "}
    again = told.get(card.changed_because, "asked ")
    return f"{again}{card.asked} of {card.asked_at_most}"


def _limit(card: OrderCard) -> str:
    if card.price is None:
        return "at market"
    net = "net " if len(card.legs) > 1 else ""
    return f"{net}limit {price_text(card.price, card.legs[0])}"


def _total(card: OrderCard) -> str:
    if card.total_micros is None:
        return "No bound on the price"
    if card.total_micros >= 0:
        return f"Pay at most {money(card.total_micros)}"
    return f"Receive at least {money(-card.total_micros)}"


def _leg(leg: CardLeg) -> View:
    sides = (leg.bid_price, leg.ask_price)
    quote = " / ".join("none" if p is None else price_text(p, leg) for p in sides)
    return {
        "side": leg.side,
        "word": "Buy" if leg.side == "buy" else "Sell",
        "ratio": leg.ratio,
        "title": shown(leg.title, 80),
        "instrument": shown(leg.instrument, 40),
        "effect": _EFFECTS[leg.effect],
        "position": _change(leg.position),
        "quote": quote,
    }


def _reason(reason: CardReason) -> View:
    return {
        "rule": shown(reason.rule.replace("_", " "), 80),
        "scope": shown(reason.scope, 80),
        "figure": in_unit(reason.figure, reason.unit),
        "limit": in_unit(reason.limit, reason.unit),
        "kind": reason.kind,
        "text": shown(reason.text, 300),
        "share": round(reason.figure / reason.limit, 3) if reason.limit else None,
    }


def _depth(card: OrderCard) -> str:
    if card.share_of_depth is None:
        return ""
    return f"{100 * card.share_of_depth:.0f} % of the depth shown"


def _change(change: Change) -> View:
    return {"before": grouped(change.before), "after": grouped(change.after)}


def _money_change(change: Change) -> View:
    return {
        "before": money(change.before, decimals=0),
        "after": money(change.after, decimals=0),
    }


def _figures(card: OrderCard, figures: CardFigures) -> View:
    return {
        "as_of_ns": figures.as_of_ns,
        "drift": _drift(card, figures),
        "worst": {
            "amount": "without bound"
            if figures.worst_case.is_unbounded
            else f"lose {money(figures.worst_case.loss_micros, decimals=0)}",
            "when": shown(figures.worst_case.when, 120),
        },
        "changes": [
            {"name": "Position", **_change(figures.position)},
            {"name": "Margin", **_money_change(figures.margin_micros)},
            {"name": "Buying power", **_money_change(figures.buying_power_micros)},
        ],
        "greeks": _greeks(figures.greeks or card.greeks),
    }


def _drift(card: OrderCard, figures: CardFigures) -> str:
    if figures.drift is None:
        return "drift unknown"
    signed = f"{round(100 * figures.drift, 2) + 0.0:+.2f}".replace("-", "\u2212")
    return f"{signed} % since proposed (void at ±{100 * card.drift:.2f} %)"


def _greeks(greeks: CardGreeks | None) -> list[View]:
    if greeks is None:
        return []
    named = (
        ("Delta", greeks.delta, "times spot"),
        ("Gamma", greeks.gamma, "delta for 1 % of spot"),
        ("Vega", greeks.vega, "per volatility point"),
        ("Theta", greeks.theta, "per day"),
    )
    return [{"name": name, "unit": unit, **_money_change(change)} for name, change, unit in named]


def _changed(change: CardChanged) -> list[View]:
    """Return what is new against the record before, old and new side by side."""
    before, card = change.previous, change.card
    if before is None:
        return []
    pairs = (
        ("Quantity", grouped(before.quantity), grouped(card.quantity)),
        ("Limit", _limit(before), _limit(card)),
        ("Total", _total(before), _total(card)),
        ("Mid", _mid(before), _mid(card)),
        ("Worst case", money(before.worst_case.loss_micros, decimals=0),
         money(card.worst_case.loss_micros, decimals=0)),
    )  # fmt: skip
    rows = [{"name": n, "before": old, "after": new} for n, old, new in pairs if old != new]
    if card.changed_because in {"next_open", "replacement"}:
        rows.append({"name": "Traded before", "before": "", "after": grouped(card.done)})
    if card.dropped:
        rows.append(
            {"name": "Dropped", "before": "", "after": f"{grouped(card.dropped)}, sent by nobody"}
        )
    return rows


def _mid(card: OrderCard) -> str:
    if card.twice_mid is None:
        return "unknown"
    return money(card.twice_mid * card.legs[0].tick_micros // 2)
