"""What was asked for lately by agent, strategy and desk: rates, repeats and executions."""

from typing import Final

import msgspec

from agents.desk.case import Activity
from environment.messages import OrderRequest

_WINDOW_NS: Final = 1_000_000_000


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """One order or replacement: when, and what it was like ("" for a replacement)."""

    at_ns: int
    alike: str


class ActivityBook(msgspec.Struct):
    """Part of risk's state; nothing in it is older than its window."""

    asked: dict[str, list[Asked]] = {}  # Oldest first.
    counts: dict[str, dict[str, int]] = {}  # Of those, how many are alike.
    executions: dict[str, list[int]] = {}  # Times, by scope.
    sent: list[Asked] = []  # Of the whole desk, oldest first; `alike` is the strategy.
    by_strategy: dict[str, int] = {}  # How many of those.

    def ask(
        self, owner: str, request: OrderRequest, now_ns: int, *, is_new: bool = True
    ) -> Activity:  # fmt: skip
        """Count an order, or a replacement of it, and return what there was with it."""
        alike = _likeness(request) if is_new else ""
        in_desk, in_strategy = self._send(request.strategy or owner, now_ns)
        recent = self.asked.setdefault(owner, [])
        counts = self.counts.setdefault(owner, {})
        if recent and recent[0].at_ns <= now_ns - _WINDOW_NS:
            _forget(recent, counts, now_ns - _WINDOW_NS)
        recent.append(Asked(now_ns, alike))
        repeats = counts[alike] = counts.get(alike, 0) + 1
        return Activity(
            orders_in_second=len(recent), repeats=repeats if is_new else 1,
            strategy_in_second=in_strategy, desk_in_second=in_desk,
        )  # fmt: skip

    def work(self, owner: str, strategy: str, now_ns: int) -> Activity:
        """Count a child of an order: a message of the desk, but not one more of its agent."""
        in_desk, in_strategy = self._send(strategy or owner, now_ns)
        return Activity(
            orders_in_second=1, repeats=1, strategy_in_second=in_strategy, desk_in_second=in_desk
        )

    def _send(self, strategy: str, now_ns: int) -> tuple[int, int]:
        """Count for the desk and for a strategy; who names none is a strategy of its own."""
        sent, counts = self.sent, self.by_strategy
        if sent and sent[0].at_ns <= now_ns - _WINDOW_NS:
            _forget(sent, counts, now_ns - _WINDOW_NS)
        sent.append(Asked(now_ns, strategy))
        count = counts[strategy] = counts.get(strategy, 0) + 1
        return len(sent), count

    def execute(self, scope: str, now_ns: int, within_ns: int) -> int:
        """Count an execution of a scope, and return how many there were within a time."""
        recent = [at_ns for at_ns in self.executions.get(scope, ()) if at_ns > now_ns - within_ns]
        recent.append(now_ns)
        self.executions[scope] = recent
        return len(recent)

    def executed(self, scope: str, now_ns: int, within_ns: int) -> int:
        """Return how many executions of a scope there were within a time."""
        return sum(at_ns > now_ns - within_ns for at_ns in self.executions.get(scope, ()))


def _forget(recent: list[Asked], counts: dict[str, int], until_ns: int) -> None:
    """Take out what has left the window."""
    old = 0
    for asked in recent:
        if asked.at_ns > until_ns:
            break
        old += 1
        counts[asked.alike] -= 1
        if not counts[asked.alike]:
            del counts[asked.alike]
    del recent[:old]


def _likeness(request: OrderRequest) -> str:
    one = f"{request.instrument} {request.side} {request.quantity} {request.price} "
    if not request.legs:
        return one
    return one + ",".join([f"{leg.side}{leg.ratio}{leg.instrument}" for leg in request.legs])
