"""What becomes of an order: accepted, made smaller, refused, or put to a person, with a score."""

from collections.abc import Callable
from typing import Final

import msgspec

from agents.desk.approval_table import tier_for
from agents.desk.case import Case
from agents.desk.controls import Breach, Rulebook, breaches, use_of
from agents.desk.limits import ApprovalPolicy
from environment.approval_messages import TIERS, CardReason, ScorePart, Tier

_NEAR: Final = 0.8  # Of a limit: from here on a card names it.
_POINTS: Final = {"limits": 40.0, "worst case": 25.0, "depth": 15.0, "doubt": 10.0, "shorts": 10.0}


class Ruling(msgspec.Struct, frozen=True):
    """The first hard breach, all soft ones, and the tier with the rule that set it."""

    hard: Breach | None
    soft: tuple[Breach, ...]
    tier: Tier
    rule: str = ""


def rule_on(case: Case, rules: Rulebook) -> Ruling:
    """Return what the rules say of a case. What only reduces risk needs nobody."""
    soft: list[Breach] = []
    tier: Tier
    for breach in breaches(case, rules):
        if breach.kind == "hard":
            return Ruling(breach, (), "refuse", breach.control.name)
        soft.append(breach)
    if case.is_reducing:
        return Ruling(None, (), "auto", "reducing")
    tier, name = tier_of(case, rules.approval)
    if soft and TIERS.index(tier) < TIERS.index("one"):
        tier, name = "one", soft[0].control.name
    return Ruling(None, tuple(soft), tier, name)


def tier_of(case: Case, policy: ApprovalPolicy) -> tuple[Tier, str]:
    """Return the strictest tier of all rules that match, and that rule's name."""
    if not policy.rules and not policy.besides:
        return policy.default, "no rule names it"
    kinds = frozenset("option" if leg.instrument.kind == "option" else "stock" for leg in case.legs)
    return tier_for(policy, kinds, case.notional_micros)


def largest_within(
    quantity: int, least: int, case_of: Callable[[int], Case], rules: Rulebook
) -> int:
    """Return the largest quantity of at least `least` that breaks no hard limit, or 0."""
    fits, breaks = 0, quantity
    low = max(least, 1)
    while low < breaks:
        middle = (low + breaks) // 2 if fits else low
        if any(breach.kind == "hard" for breach in breaches(case_of(middle), rules)):
            if not fits:
                return 0
            breaks = middle
        else:
            fits, low = middle, middle + 1
    return fits


def reasons_of(case: Case, ruling: Ruling) -> tuple[CardReason, ...]:
    """Return why it needs a person: rule, figure, limit."""
    found = [
        CardReason(
            rule=breach.control.name, figure=float(breach.figure), limit=float(breach.limit),
            unit=breach.control.unit, kind=breach.kind, text=breach.control.about,
        )
        for breach in ruling.soft
    ]  # fmt: skip
    if not found:
        found.append(
            CardReason(
                rule=ruling.rule, figure=float(case.notional_micros), limit=0.0, unit="micros",
                kind="tier", text=f"the approval rules ask for {ruling.tier}",
            )
        )  # fmt: skip
    return tuple(found)


def near_limits(case: Case, rules: Rulebook) -> tuple[CardReason, ...]:
    """Return the limits that the order comes near without breaking them."""
    return tuple(
        CardReason(
            rule=control.name, figure=float(figure), limit=float(limit), unit=control.unit,
            kind="soft", text=control.about,
        )
        for control, figure, limit in use_of(case, rules)
        if _NEAR * limit <= figure <= limit
    )  # fmt: skip


def score_of(case: Case, rules: Rulebook) -> tuple[float, tuple[ScorePart, ...]]:
    """Return the risk score, 0 to 100, and the parts that add up to it."""
    uses = [(figure / limit, control.name) for control, figure, limit in use_of(case, rules)]
    most, name = max(uses, default=(0.0, "none"))
    equity = case.after.equity_micros
    worst = case.worst.loss_micros / equity if equity > 0 else 1.0
    depth = _depth(case)
    shares = {
        "limits": (most, f"{name} used {min(most, 9.99):.0%}"),
        "worst case": (worst, f"{min(worst, 9.99):.1%} of equity"),
        "depth": (depth, f"{min(depth, 9.99):.0%} of the lots shown"),
        "doubt": (case.request.dispersion, "disagreement of the views behind it"),
        "shorts": (float(bool(case.uncovered_after)), "short options that nothing covers"),
    }
    parts = tuple(
        ScorePart(name=key, points=round(_POINTS[key] * min(max(share, 0.0), 1.0), 1), text=text)
        for key, (share, text) in shares.items()
    )
    return round(sum(part.points for part in parts), 1), parts


def _depth(case: Case) -> float:
    shares = [0.0]
    for leg in case.legs:
        view = case.views.get(leg.instrument.symbol)
        shown = None if view is None else view.ask_depth if leg.side == "buy" else view.bid_depth
        if shown:
            shares.append(leg.lots / shown)
    return max(shares)
