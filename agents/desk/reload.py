"""A rulebook read again: what is tighter holds at once, what is looser waits for an admin."""

import msgspec

from agents.desk.approval_table import is_looser, joined, tables_of
from agents.desk.limit_words import limit_rows
from agents.desk.limits import ApprovalPolicy, Breaker, Limit, Mandate, Rulebook
from agents.desk.risk_state import RiskState
from environment.actors import ActorContext
from environment.control_messages import (
    AUDIT_TOPIC,
    RULES_TOPIC,
    Audited,
    ControlMessage,
    RulesDiffer,
)


class RulesRead(ControlMessage, frozen=True, kw_only=True):
    """Whoever watches the file to risk: this is what it says now. `source` is its SHA-256."""

    rules: Rulebook
    source: str = ""


class AllowLooser(ControlMessage, frozen=True, kw_only=True):
    """An admin, password entered for it, to risk: what waits of this source may hold."""

    person: str
    source: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that is looser in the new file than in force."""

    name: str
    now: str
    asked: str


def merged(held: Rulebook, read: Rulebook) -> tuple[Rulebook, tuple[Difference, ...]]:
    """Return the rules that hold from now on, and what of the new ones is looser and waits.

    Approval rules are compared for every order that they tell apart: a table that is looser for
    some and stricter for others holds where it is stricter.
    """
    waits: list[Difference] = []
    limits = _limits(held, read, waits)
    mandates = _mandates(held, read, waits)
    breakers = _breakers(held, read, waits)
    approval = _approval(held.approval, read.approval, waits)
    restricted = tuple(dict.fromkeys((*read.restricted, *held.restricted)))
    waits += [
        Difference(name="restricted", now=symbol, asked="free")
        for symbol in held.restricted
        if symbol not in read.restricted
    ]
    found = msgspec.structs.replace(
        held, limits=limits, mandates=mandates, breakers=breakers, approval=approval,
        restricted=restricted,
    )  # fmt: skip
    if found != held:
        found = msgspec.structs.replace(found, version=held.version + 1)
    return found, tuple(waits)


def read_again(ctx: ActorContext, state: RiskState, message: RulesRead) -> None:
    """Let the tighter part hold at once, keep the looser for an admin, and record both."""
    before = state.rules
    state.rules, waits = merged(before, message.rules)
    state.pending = message.rules if waits else None
    state.pending_source = message.source if waits else ""
    if state.rules != before:
        _audit(ctx, "limits", "", message.source, {
            "old": str(before), "new": str(state.rules),
        })  # fmt: skip
    if waits:
        figures = {wait.name: f"{wait.now} -> {wait.asked}" for wait in waits}
        _audit(ctx, "limits_waiting", "", message.source, figures)
    ctx.publish(RULES_TOPIC, RulesDiffer(
        version=state.rules.version, source=message.source,
        waits=tuple((wait.name, wait.now, wait.asked) for wait in waits),
        limits=limit_rows(state.rules),
    ))  # fmt: skip


def allow_looser(ctx: ActorContext, state: RiskState, message: AllowLooser) -> bool:
    """Put the looser rules in force that were shown; return whether there were such."""
    if state.pending is None or state.pending_source != message.source or not message.person:
        return False
    before = state.rules
    state.rules = msgspec.structs.replace(state.pending, version=before.version + 1)
    state.pending, state.pending_source = None, ""
    _audit(ctx, "limits", message.person, message.source, {
        "old": str(before), "new": str(state.rules),
    })  # fmt: skip
    ctx.publish(RULES_TOPIC, RulesDiffer(
        version=state.rules.version, source=message.source, person=message.person,
        limits=limit_rows(state.rules),
    ))  # fmt: skip
    return True


def _audit(
    ctx: ActorContext, kind: str, person: str, subject: str, figures: dict[str, str]
) -> None:
    ctx.publish(AUDIT_TOPIC, Audited(kind=kind, person=person, subject=subject, figures=figures))


PROTOCOL = (RulesRead, AllowLooser)


def _limits(held: Rulebook, read: Rulebook, waits: list[Difference]) -> dict[str, Limit]:
    found: dict[str, Limit] = {}
    for name in dict.fromkeys((*held.limits, *read.limits)):
        old, new = held.limits.get(name, Limit()), read.limits.get(name, Limit())
        kept = Limit(
            _tighter(old.soft, new.soft), _tighter(old.hard, new.hard),
            max(old.within_ns, new.within_ns),  # A longer time holds more prices against it.
        )  # fmt: skip
        if kept != new:
            waits.append(Difference(name=f"limits.{name}", now=_shown(old), asked=_shown(new)))
        found[name] = kept
    return found


def _tighter(old: float | None, new: float | None) -> float | None:
    if old is None or new is None:
        return new if old is None else old
    return min(old, new)


def _shown(limit: Limit) -> str:
    within = f", within {limit.within_ns / 1e9:g} s" if limit.within_ns else ""
    return f"soft {limit.soft}, hard {limit.hard}{within}"


def _mandates(held: Rulebook, read: Rulebook, waits: list[Difference]) -> dict[str, Mandate]:
    found: dict[str, Mandate] = {}
    for name, new in read.mandates.items():
        old = held.mandates.get(name)
        if old is None:
            waits.append(Difference(name=f"agents.{name}.mandate", now="none", asked=str(new)))
            continue
        kept = Mandate(
            instruments=tuple(scope for scope in old.instruments if scope in new.instruments),
            notional_micros=min(old.notional_micros, new.notional_micros),
        )
        if set(kept.instruments) != set(new.instruments) or kept.notional_micros != (
            new.notional_micros
        ):
            waits.append(Difference(name=f"agents.{name}.mandate", now=str(old), asked=str(new)))
        found[name] = kept
    return found  # An agent that the new file leaves out may propose nothing more.


def _breakers(held: Rulebook, read: Rulebook, waits: list[Difference]) -> tuple[Breaker, ...]:
    old = {breaker.name: breaker for breaker in held.breakers}
    new = {breaker.name: breaker for breaker in read.breakers}
    found: list[Breaker] = []
    for name in dict.fromkeys((*old, *new)):
        if name not in old:
            found.append(new[name])
            continue
        before, after = old[name], new.get(name)
        if after is None:
            waits.append(Difference(name=f"breakers.{name}", now=str(before), asked=str(after)))
            found.append(before)
            continue
        kept = msgspec.structs.replace(
            before, reducing=_tighter_whole(before.reducing, after.reducing),
            halted=_tighter_whole(before.halted, after.halted),
            within_ns=max(before.within_ns, after.within_ns),  # A longer time counts more.
        )  # fmt: skip
        if kept != after:
            waits.append(Difference(name=f"breakers.{name}", now=str(before), asked=str(after)))
        found.append(kept)
    return tuple(found)


def _tighter_whole(old: int | None, new: int | None) -> int | None:
    if old is None or new is None:
        return new if old is None else old
    return min(old, new)


def _approval(old: ApprovalPolicy, new: ApprovalPolicy, waits: list[Difference]) -> ApprovalPolicy:
    held, (asked, *_) = tables_of(old), tables_of(new)
    first, *besides = joined(held, asked) if is_looser(asked, held) else (asked,)
    kept = msgspec.structs.replace(
        old,
        default=first.default,
        rules=first.rules,
        besides=tuple(besides),
        answer_within_ns=min(old.answer_within_ns, new.answer_within_ns),
        send_within_ns=min(old.send_within_ns, new.send_within_ns),
        drift=min(old.drift, new.drift),
        ask_again=min(old.ask_again, new.ask_again),
    )
    if kept != new:
        waits.append(Difference(name="approval", now=str(old), asked=str(new)))
    return kept
