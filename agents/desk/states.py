"""ACTIVE, REDUCING, HALTED: of the desk and of each agent, strategy and underlying."""

from typing import Final

import msgspec

from environment.control_messages import STATES, DeskState, Scope

_BELOW: Final[tuple[Scope, ...]] = ("agent", "strategy", "underlying")
FLATTEN: Final = "desk/flatten"  # Whose orders pass in every state: a named person started them.


def scope_name(scope: Scope, name: str = "") -> str:
    """Return the key of a scope: `desk:`, `agent:quant/trend`."""
    return f"{scope}:{name}"


class ScopeStates(msgspec.Struct):
    """Part of risk's state. What is not named is ACTIVE; `reasons` says why the others are not."""

    found: dict[str, DeskState] = {}
    reasons: dict[str, str] = {}

    def of(self, key: str) -> DeskState:
        """Return the state of one scope alone."""
        return self.found.get(key, "active")

    def stopped(self) -> list[tuple[Scope, str, DeskState, str]]:
        """Return scope, name, state and reason of all that is not ACTIVE, the desk left out."""
        found: list[tuple[Scope, str, DeskState, str]] = []
        for scope in _BELOW:
            for key, state in self.found.items():
                kind, _, name = key.partition(":")
                if kind == scope and state != "active":
                    found.append((scope, name, state, self.reasons.get(key, "")))
        return found

    def down(self) -> list[tuple[str, Scope, str]]:
        """Return key, scope and name of all that is not ACTIVE."""
        found: list[tuple[str, Scope, str]] = []
        for key, state in self.found.items():
            kind, _, name = key.partition(":")
            scope = next((scope for scope in ("desk", *_BELOW) if scope == kind), None)
            if state != "active" and scope is not None:
                found.append((key, scope, name))
        return found

    def strictest(self, keys: tuple[str, ...]) -> DeskState:
        """Return what holds for an order that lies in all of these scopes."""
        if not self.found:
            return "active"
        return max((self.of(key) for key in keys), key=STATES.index)

    def lower(self, key: str, to: DeskState, reason: str = "") -> DeskState | None:
        """Go down, never up; return the state before, or None if nothing changed."""
        before = self.of(key)
        if STATES.index(to) <= STATES.index(before):
            return None
        self.found[key] = to
        self.reasons[key] = reason
        return before

    def lift(self, key: str) -> DeskState | None:
        """Go up one step; return the state before, or None if it was ACTIVE."""
        before = self.of(key)
        if before == "active":
            return None
        self.found[key] = STATES[STATES.index(before) - 1]
        if self.found[key] == "active":
            self.reasons.pop(key, None)
        return before
