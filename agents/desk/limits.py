"""Limits, mandates and approval rules as the desk holds them, and which of two is tighter."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from environment.approval_messages import Tier
from environment.control_messages import Scope
from environment.instruments import Instrument

Measure = Literal["daily_loss", "drawdown", "repeated_execution"]
MEASURES: Final[tuple[Measure, ...]] = ("daily_loss", "drawdown", "repeated_execution")
SCOPES: Final[tuple[Scope, ...]] = ("desk", "agent", "strategy", "underlying")


class Limit(msgspec.Struct, frozen=True):
    """A figure of one control, in its unit: above `soft` a person is asked, `hard` refuses.

    `within_ns` is how far a control looks back that has a window; 0 for the others.
    """

    soft: float | None = None
    hard: float | None = None
    within_ns: int = 0


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """All that an agent may propose. A scope is a symbol, or `AAPL/options` for a whole chain."""

    instruments: tuple[str, ...]
    notional_micros: int  # Position plus working orders, over all instruments.

    def covers(self, instrument: Instrument) -> bool:
        """Return whether an instrument lies inside."""
        if instrument.kind == "option":
            return f"{instrument.underlying}/options" in self.instruments
        return instrument.symbol in self.instruments


def join_mandates(mandates: Iterable[Mandate]) -> Mandate:
    """Return what several agents may do together: the mandate of a desk that trades for them."""
    given = tuple(mandates)
    scopes = dict.fromkeys(scope for mandate in given for scope in mandate.instruments)
    return Mandate(
        instruments=tuple(scopes),
        notional_micros=sum(mandate.notional_micros for mandate in given),
    )


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the approval table; all its conditions must hold."""

    name: str
    tier: Tier
    opens: tuple[Literal["stock", "option"], ...] = ()
    notional_under_micros: int | None = None
    notional_over_micros: int | None = None


class RuleTable(msgspec.Struct, frozen=True):
    """An approval table: the tier of what no rule names, and the rules."""

    default: Tier
    rules: tuple[ApprovalRule, ...]


class ApprovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a person must answer for, and how long things may take.

    `besides` are tables of a file read since, looser in some place and stricter in another: of all
    tables the strictest holds, until an admin allows the file's own.
    """

    default: Tier = "auto"
    rules: tuple[ApprovalRule, ...] = ()
    besides: tuple[RuleTable, ...] = ()
    answer_within_ns: int = 60_000_000_000
    send_within_ns: int = 120_000_000_000
    drift: float = 0.005
    ask_again: int = 2


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """What moves a scope down without asking: a loss in money, or executions in a time."""

    measure: Measure
    scope: Scope
    reducing: int | None = None
    halted: int | None = None
    within_ns: int = 0

    @property
    def name(self) -> str:
        """Its name in the list of controls."""
        return self.measure if self.scope == "desk" else f"{self.scope}_{self.measure}"


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """All that may be changed by a reloaded file, under one version number."""

    version: int = 1
    limits: dict[str, Limit] = msgspec.field(default_factory=dict)
    restricted: tuple[str, ...] = ()
    mandates: dict[str, Mandate] = msgspec.field(default_factory=dict)
    approval: ApprovalPolicy = ApprovalPolicy()
    breakers: tuple[Breaker, ...] = ()
