"""What each agent has asked for lately: rates, repeats and executions, in sliding windows."""

from typing import Final

import msgspec

from agents.desk.case import Activity
from environment.messages import OrderRequest

_WINDOW_NS: Final = 1_000_000_000


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """One order or replacement: when, and what it was like (0 for a replacement)."""

    at_ns: int
    alike: str


class ActivityBook(msgspec.Struct):
    """Part of risk's state; nothing in it is older than its window."""

    asked: dict[str, list[Asked]] = {}  # Oldest first.
    counts: dict[str, dict[str, int]] = {}  # Of those, how many are alike.
    executions: dict[str, list[int]] = {}  # Times, by scope.

    def ask(self, owner: str, request: OrderRequest | None, now_ns: int) -> Activity:
        """Count a request (None: a replacement), and return what there was with it."""
        alike = "" if request is None else _likeness(request)
        recent = self.asked.setdefault(owner, [])
        counts = self.counts.setdefault(owner, {})
        if recent and recent[0].at_ns <= now_ns - _WINDOW_NS:
            _forget(recent, counts, now_ns - _WINDOW_NS)
        recent.append(Asked(now_ns, alike))
        repeats = counts[alike] = counts.get(alike, 0) + 1
        if request is None:
            repeats = 1
        return Activity(orders_in_second=len(recent), repeats=repeats)

    def execute(self, scope: str, now_ns: int, within_ns: int) -> int:
        """Count an execution of a scope, and return how many there were within a time."""
        recent = [at_ns for at_ns in self.executions.get(scope, ()) if at_ns > now_ns - within_ns]
        recent.append(now_ns)
        self.executions[scope] = recent
        return len(recent)


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
