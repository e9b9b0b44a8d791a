"""Supervision as data: who restarts when something failed, how soon, and how often.

A supervisor has ordered children, actors or supervisors. One that is out of restarts fails itself,
and its own supervisor decides; when the root is out of restarts the run, or the desk, stops.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from environment.actors.envelope import Envelope
from environment.errors import ConfigError, RestartsExhausted

Policy = Literal["one_for_one", "rest_for_one"]


class Supervisor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node of the tree. At most `restarts` in any `within_ns`; a back-off that doubles."""

    name: str = "root"
    policy: Policy = "one_for_one"
    restarts: int = 3
    within_ns: int = 60_000_000_000
    back_off_ns: int = 1_000_000_000
    back_off_ns_max: int = 30_000_000_000
    children: "tuple[Supervisor | str, ...]" = ()

    def __post_init__(self) -> None:
        if self.restarts < 0 or self.within_ns < 1 or self.back_off_ns < 1:
            raise ValueError(
                f"Supervisor {self.name}: expected restarts of at least 0 and within_ns and "
                "back_off_ns of at least 1."
            )


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose handler raised, and how."""

    now_ns: int
    address: str
    incarnation: int
    envelope: Envelope[Any]
    error: str
    traceback: str


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """Who goes down now, in order, and when they come back."""

    addresses: tuple[str, ...]
    at_ns: int


class _Node:
    def __init__(self, supervisor: Supervisor, parent: "_Node | None") -> None:
        self.supervisor = supervisor
        self.parent = parent
        self.children: list[_Node | str] = []
        self.restarts: deque[int] = deque()

    def actors(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child.actors()

    def affected_by(self, child: "_Node | str") -> Iterator[str]:
        first = self.children.index(child)
        last = first + 1 if self.supervisor.policy == "one_for_one" else len(self.children)
        for affected in self.children[first:last]:
            if isinstance(affected, str):
                yield affected
            else:
                yield from affected.actors()

    def restart_delay(self, now_ns: int) -> int | None:
        """Count a restart and return its back-off, or None when there is none left."""
        rule = self.supervisor
        while self.restarts and self.restarts[0] <= now_ns - rule.within_ns:
            self.restarts.popleft()
        if len(self.restarts) >= rule.restarts:
            return None
        self.restarts.append(now_ns)
        return min(rule.back_off_ns << (len(self.restarts) - 1), rule.back_off_ns_max)


class Tree:
    """The supervisors of a run, and the restarts each has counted."""

    def __init__(self, root: Supervisor) -> None:
        self._parents: dict[str, _Node] = {}
        self._nodes: dict[str, _Node] = {}
        self._root = self._grow(root, None)

    def _grow(self, supervisor: Supervisor, parent: _Node | None) -> _Node:
        if supervisor.name in self._nodes:
            raise ConfigError(f"Two supervisors are named {supervisor.name!r}; rename one.")
        node = self._nodes[supervisor.name] = _Node(supervisor, parent)
        for child in supervisor.children:
            if isinstance(child, Supervisor):
                node.children.append(self._grow(child, node))
            elif child in self._parents:
                raise ConfigError(f"{child} has two supervisors; name it in one.")
            else:
                node.children.append(child)
                self._parents[child] = node
        return node

    def add(self, address: str) -> None:
        """Put an actor that the tree does not name under its root, after those before it."""
        if address not in self._parents:
            self._root.children.append(address)
            self._parents[address] = self._root

    def failed(self, address: str, now_ns: int) -> Restart:
        """Return what must restart because this actor failed.

        Raises
        ------
        RestartsExhausted
            If no supervisor up to the root has a restart left.
        """
        child: _Node | str = address
        node: _Node | None = self._parents[address]
        while node is not None:
            delay_ns = node.restart_delay(now_ns)
            if delay_ns is not None:
                addresses = tuple(node.affected_by(child))
                return Restart(addresses=addresses, at_ns=now_ns + delay_ns)
            node.restarts.clear()  # It begins anew with the restart that its parent decides.
            child, node = node, node.parent
        raise RestartsExhausted(
            f"{address} failed at {now_ns} ns, and no supervisor up to "
            f"{self._root.supervisor.name!r} has a restart left; see the dead letters, or raise "
            "`restarts`."
        )

    def counted(self) -> dict[str, tuple[int, ...]]:
        """Return the times of the restarts each supervisor still counts."""
        return {name: tuple(node.restarts) for name, node in self._nodes.items() if node.restarts}

    def take_counted(self, counted: dict[str, tuple[int, ...]]) -> None:
        """Put recorded restart times back."""
        for name, node in self._nodes.items():
            node.restarts = deque(counted.get(name, ()))
