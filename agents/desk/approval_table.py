"""Which tier an order falls under, and which of two tables is stricter for any order at all.

A table asks of an order only what kinds of instruments it trades and how large it is, so two tables
are compared exactly: at every kind, at and beside every bound that either names.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from agents.desk.limits import ApprovalPolicy, ApprovalRule, RuleTable
from environment.approval_messages import TIERS, Tier

_KINDS: Final = (frozenset({"stock"}), frozenset({"option"}), frozenset({"stock", "option"}))


def tier_for(policy: ApprovalPolicy, kinds: frozenset[str], micros: int) -> tuple[Tier, str]:
    """Return the strictest tier of all tables that hold, and the name of its rule."""
    found = [_tier_in(table, kinds, micros) for table in tables_of(policy)]
    return max(found, key=lambda one: TIERS.index(one[0]))


def tables_of(policy: ApprovalPolicy) -> tuple[RuleTable, ...]:
    """Return the policy's own table, and those that hold besides."""
    return RuleTable(policy.default, policy.rules), *policy.besides


def is_looser(table: RuleTable, held: tuple[RuleTable, ...]) -> bool:
    """Return whether any order would fall under a lower tier than it does now."""
    return any(_rank(table, at) < _strictest(held, at) for at in _points((table, *held)))


def joined(held: tuple[RuleTable, ...], table: RuleTable) -> tuple[RuleTable, ...]:
    """Return the tables that hold once another holds besides; none that adds nothing."""
    kept = held
    for one in (table, *held[1:]):
        others = tuple(other for other in kept if other != one)
        adds = any(_rank(one, at) > _strictest(others, at) for at in _points((one, *others)))
        kept = tuple(dict.fromkeys((*kept, one))) if adds else tuple(o for o in kept if o != one)
    return kept


def _tier_in(table: RuleTable, kinds: frozenset[str], micros: int) -> tuple[Tier, str]:
    matching = [rule for rule in table.rules if _matches(rule, kinds, micros)]
    if not matching:
        return table.default, "no rule names it"
    strictest = max(matching, key=lambda rule: TIERS.index(rule.tier))
    return strictest.tier, strictest.name


def _matches(rule: ApprovalRule, kinds: frozenset[str], micros: int) -> bool:
    if rule.opens and not kinds <= set(rule.opens):
        return False
    over, under = rule.notional_over_micros, rule.notional_under_micros
    return (over is None or micros > over) and (under is None or micros < under)


def _points(tables: tuple[RuleTable, ...]) -> Iterator[tuple[frozenset[str], int]]:
    """Yield kinds and sizes between which no table changes its answer."""
    bounds = {
        bound
        for table in tables
        for rule in table.rules
        for bound in (rule.notional_over_micros, rule.notional_under_micros)
        if bound is not None
    }
    sizes = {0} | {max(bound + step, 0) for bound in bounds for step in (-1, 0, 1)}
    yield from product(_KINDS, sorted(sizes))


def _rank(table: RuleTable, at: tuple[frozenset[str], int]) -> int:
    return TIERS.index(_tier_in(table, *at)[0])


def _strictest(tables: tuple[RuleTable, ...], at: tuple[frozenset[str], int]) -> int:
    return max(_rank(table, at) for table in tables)
