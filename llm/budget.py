"""What an agent may spend on its model: hard, in simulated time, and part of the agent's state.

Each call is reserved before it is asked, with the most it can cost, and settled by what it did
cost, so that no answer can carry an agent past its limit. All of it is arithmetic on messages that
the agent handles; so a budget never makes two runs differ.
"""

from typing import Final

import msgspec

from llm.messages import ModelAnswer

_MINUTE_NS: Final = 60_000_000_000
_DAY_NS: Final = 86_400_000_000_000


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Limits: calls in any minute, tokens and millionths of a dollar in a day (UTC)."""

    calls_per_minute: int = 1_000_000
    tokens_per_day: int = 1 << 62
    usd_micros_per_day: int = 1 << 62


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one call can cost."""

    tokens: int
    usd_micros: int = 0


class Spending(msgspec.Struct):
    """What was spent and is reserved; lives in its agent's state."""

    day: int = -1
    tokens: int = 0
    usd_micros: int = 0
    reserved_tokens: int = 0
    reserved_usd_micros: int = 0
    calls: int = 0
    abstentions: int = 0
    refused: int = 0
    recent_ns: list[int] = []

    def reserve(self, now_ns: int, budget: Budget, wanted: Reservation) -> str:
        """Reserve one call; return "" or, changing nothing, the limit that forbids it."""
        self._turn(now_ns)
        tokens = self.tokens + self.reserved_tokens + wanted.tokens
        usd_micros = self.usd_micros + self.reserved_usd_micros + wanted.usd_micros
        reason = ""
        if len(self.recent_ns) >= budget.calls_per_minute:
            reason = "budget: calls_per_minute is used up"
        elif tokens > budget.tokens_per_day:
            reason = "budget: tokens_per_day is used up"
        elif usd_micros > budget.usd_micros_per_day:
            reason = "budget: usd_per_day is used up"
        if reason:
            self.refused += 1
            return reason
        self.recent_ns.append(now_ns)
        self.reserved_tokens += wanted.tokens
        self.reserved_usd_micros += wanted.usd_micros
        self.calls += 1
        return ""

    def settle(self, wanted: Reservation, answer: ModelAnswer) -> None:
        """Put what a call did cost in the place of what was reserved for it."""
        self.release(wanted)
        self.tokens += answer.tokens_in + answer.tokens_out
        self.usd_micros += answer.usd_micros
        self.abstentions += answer.abstains

    def release(self, wanted: Reservation) -> None:
        """Give a reservation back: its call will not be answered."""
        self.reserved_tokens -= wanted.tokens
        self.reserved_usd_micros -= wanted.usd_micros

    def _turn(self, now_ns: int) -> None:
        """Forget what is older than a minute, and at midnight what the day before cost."""
        self.recent_ns = [at for at in self.recent_ns if at > now_ns - _MINUTE_NS]
        if now_ns // _DAY_NS != self.day:
            self.day = now_ns // _DAY_NS
            self.tokens = self.usd_micros = 0
