"""The swarm file's limits, breakers and approval table as the risk desk holds them."""

from collections.abc import Iterable
from typing import Final

import msgspec

from agents.desk.controls import NAMES, Limit, Mandate, Rulebook
from agents.desk.limits import ApprovalPolicy, ApprovalRule, Breaker
from agents.human.approval_state import ApprovalSettings
from agents.human.script import ScriptSettings
from environment.actors.latency import LatencySetting, Lognormal, Normal
from environment.market.calendar import Session
from scenarios.builders.delays import model_of
from scenarios.builders.paths import clock_ns
from scenarios.config.desk import (
    Approval,
    Breakers,
    ExecutionBreaker,
    Limits,
    Rule,
    WindowLimit,
)
from scenarios.config.load import Config

SCRIPT: Final = "human/script"
PANEL: Final = "human/panel"


def rulebook_of(
    limits: Limits, breakers: Breakers | None, approval: Approval | None,
    mandates: dict[str, Mandate], pace: float = 1.0,
) -> Rulebook:  # fmt: skip
    """Return the rules of a desk. Without an approval table, only soft limits ask people.

    People have their time by the wall: at a `pace` above 1 it is as much more of the market's.
    """
    return Rulebook(
        limits=_limits(limits),
        restricted=limits.restricted,
        mandates=mandates,
        approval=ApprovalPolicy() if approval is None else _policy(approval, pace),
        breakers=() if breakers is None else tuple(_breakers(breakers)),
    )


def _limits(told: Limits) -> dict[str, Limit]:
    found: dict[str, Limit] = {}
    for name in told.__struct_fields__:
        limit = getattr(told, name)
        if name in NAMES and name != "restricted" and limit is not None:
            within_ns = int(limit.within) if isinstance(limit, WindowLimit) else 0
            found[name] = Limit(_plain(limit.soft), _plain(limit.hard), within_ns)
    return found


def _plain(figure: float | None) -> float | None:
    """Return a figure as a snapshot gives it back: a plain float."""
    return None if figure is None else float(figure)


def _policy(told: Approval, pace: float) -> ApprovalPolicy:
    return ApprovalPolicy(
        default=told.default,
        rules=tuple(_rule(rule) for rule in told.rules),
        answer_within_ns=round(told.answer_within * pace),
        send_within_ns=round(told.send_within * pace),
        drift=told.drift,
        ask_again=told.ask_again,
    )


def _rule(told: Rule) -> ApprovalRule:
    return ApprovalRule(
        name=told.name,
        tier=told.tier,
        opens=told.opens,
        notional_under_micros=None if told.notional_under is None else int(told.notional_under),
        notional_over_micros=None if told.notional_over is None else int(told.notional_over),
    )


def _breakers(told: Breakers) -> Iterable[Breaker]:
    for name in told.__struct_fields__:
        breaker = getattr(told, name)
        if breaker is None:
            continue
        scope, measure = "desk", name
        for prefix in ("agent", "strategy", "underlying"):
            if name.startswith(f"{prefix}_"):
                scope, measure = prefix, name.removeprefix(f"{prefix}_")
        within = int(breaker.within) if isinstance(breaker, ExecutionBreaker) else 0
        yield Breaker(
            measure=measure,  # type: ignore[arg-type]  # the struct's fields are these names
            scope=scope,  # type: ignore[arg-type]  # as above
            reducing=None if breaker.reducing is None else int(breaker.reducing),
            halted=None if breaker.halted is None else int(breaker.halted),
            within_ns=within,
        )


def approval_settings(config: Config, *, is_live: bool) -> ApprovalSettings:
    """Return how an approval agent works: for people, for a script, or for nobody at all.

    People outside are called by a live desk only.
    """
    approver = config.scenario.approver
    approval = None if config.swarm is None else config.swarm.approval
    if approver is not None and approver.kind == "person":
        seen = ApprovalSettings(speakers=frozenset({PANEL}))
        escalate = None if approval is None or not is_live else approval.escalate
        return msgspec.structs.replace(
            seen,
            figures_age_ns=round(seen.figures_age_ns * approver.pace),
            remind_ns=() if approval is None
            else tuple(round(after * approver.pace) for after in approval.remind),
            escalate_after_ns=None if escalate is None else round(escalate.after * approver.pace),
            has_channel=escalate is not None,
        )  # fmt: skip
    return ApprovalSettings(
        speakers=frozenset({SCRIPT}),
        answers_at_once=approver is None or approver.kind == "none",
        figures_age_ns=0,  # A script reads the record alone.
        remind_ns=() if approval is None else tuple(int(after) for after in approval.remind),
    )


def who_answers(config: Config) -> str:
    """Return who answers for people in a run: `people`, `script` or `nobody`."""
    approver = config.scenario.approver
    kinds = {"person": "people", "scripted": "script"}
    return "nobody" if approver is None else kinds.get(approver.kind, "nobody")


def script_settings(config: Config, sessions: tuple[Session, ...]) -> ScriptSettings | None:
    """Return the scripted approver of a scenario, with its hours on each day, or None."""
    approver = config.scenario.approver
    if approver is None or approver.kind != "scripted" or approver.delay is None:
        return None
    hours = approver.hours
    return ScriptSettings(
        people=approver.people,
        delay=_unhurried(model_of(approver.delay)),
        hours=()
        if hours is None
        else tuple((clock_ns(day, hours[0]), clock_ns(day, hours[1])) for day in sessions),
        approve_score_under=approver.policy.approve_score_under,
        shrink_to=approver.policy.shrink_to,
        error_rate=approver.policy.error_rate,
    )


def _unhurried(delay: LatencySetting) -> LatencySetting:
    """Return a delay whose longest does not cut off what people take: a minute is for networks."""
    if isinstance(delay, Lognormal):
        longest = max(delay.longest_ns, 20 * delay.median_ns)
        return msgspec.structs.replace(delay, longest_ns=longest)
    if isinstance(delay, Normal):
        longest = max(delay.longest_ns, 20 * delay.mean_ns)
        return msgspec.structs.replace(delay, longest_ns=longest)
    return delay
