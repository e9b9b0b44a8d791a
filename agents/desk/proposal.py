"""What the coordinator says to the portfolio: one view made of many, and who said what in it."""

from typing import Final, Literal

import msgspec

from environment.messages import Leg, Message

PROPOSALS: Final = "desk/proposals"  # The topic of every Proposal.


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """One source in a proposal: what it said, and what that weighed.

    `weight` is the share of the pooled log-odds that it speaks for; the weights of one proposal sum
    to 1. `belief` is its record's verdict on its words: 1 takes them as they are, 0 ignores them.
    """

    source: str
    signal: int  # Id of the envelope that brought it.
    direction: Literal["up", "down"]
    probability: float
    expected_return: float
    horizon_ns: int
    belief: float
    weight: float
    hit_rate: float
    brier_score: float
    information_coefficient: float
    outcomes: int
    reasons: tuple[str, ...] = ()


class Proposal(Message, frozen=True, kw_only=True):
    """Fact: what the desk as a whole now thinks of an instrument or a structure on it.

    "flat" withdraws the proposal before it. `conviction`, 0 to 1, falls with disagreement
    (`dispersion`) and with silence (`heard` of `known` sources); size is proportional to it.
    """

    instrument: str
    direction: Literal["up", "down", "flat"]
    probability: float
    expected_return: float  # Over `holding_ns`, as a fraction, believed as far as the record goes.
    edge_error: float  # Standard error of 2 * probability - 1.
    holding_ns: int
    conviction: float
    dispersion: float
    heard: int
    known: int
    expected_volatility: float | None = None
    structure: str = ""
    legs: tuple[Leg, ...] = ()
    voices: tuple[Voice, ...] = ()
    explanation: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()  # Signals and what these rest on.


PROTOCOL: Final = (Proposal,)
