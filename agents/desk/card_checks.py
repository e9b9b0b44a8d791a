"""Whether people's yes still fits: it binds the record, the price stood still, nothing is new."""

from agents.desk.cards import drift_of
from agents.desk.case import Case
from agents.desk.risk_state import Waiting
from agents.desk.ruling import Ruling
from environment.approval_messages import TIERS
from environment.authority import VenueGate, bound_legs
from environment.signed import SignedDecision


def decision_fault(waiting: Waiting, signed: SignedDecision | None, gate: VenueGate) -> str:
    """Return why a decision does not let the waiting order out, or ""."""
    card = waiting.card
    if signed is None or not gate.is_signed(signed):
        return "the decision is not signed by the panel"
    bound = (
        signed.record_hash.hex() == card.record_hash
        and signed.parent == card.order.order_id
        and signed.legs == bound_legs(card.order)
        and signed.quantity == card.done + card.quantity
        and signed.worst_price == card.worst_price
    )
    needed = 2 if card.tier == "two" else 1
    if not bound or len(set(signed.people)) < needed:
        return "the decision binds something else than the record"
    return ""


def has_drifted(case: Case, waiting: Waiting) -> bool:
    """Return whether the price has left the band around the one that the card shows."""
    drift = drift_of(case, waiting.card.twice_mid)
    return drift is not None and abs(drift) > waiting.card.drift


def is_more(ruling: Ruling, waiting: Waiting) -> bool:
    """Return whether it needs more people, or breaks what they did not see."""
    seen = {reason.rule for reason in waiting.card.reasons}
    new = any(breach.control.name not in seen for breach in ruling.soft)
    return new or TIERS.index(ruling.tier) > TIERS.index(waiting.card.tier)
