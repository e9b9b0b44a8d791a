"""The one queue by which anything comes into a live process: gateways, effects, other threads."""

from collections import deque
from collections.abc import Callable
from typing import Any

from environment.actors.envelope import is_control
from environment.actors.inbox import Pressure

Entrant = tuple[Any, ...]  # (kind, message, …), taken apart by the kernel.


class Admission:
    """Appended to from any thread, emptied by the kernel's task; control goes before data.

    While an inbox is above its high-water mark data stays here, in order: whoever reads from
    outside sees the pressure and stops, and what it had in hand is not lost.
    """

    __slots__ = ("_held", "_incoming", "_pressure", "admitted", "wake")

    def __init__(self, pressure: Pressure) -> None:
        self._incoming: deque[Entrant] = deque()  # A deque's append is safe from any thread.
        self._held: deque[Entrant] = deque()
        self._pressure = pressure
        self.admitted = 0
        self.wake: Callable[[], None] | None = None  # Rouses the kernel's task.

    def __len__(self) -> int:
        return len(self._incoming) + len(self._held)

    def is_waiting(self) -> bool:
        """Return whether `take` would return anything now."""
        return bool(self._incoming) or bool(self._held and not self._pressure.is_on())

    def put(self, entrant: Entrant) -> None:
        """Let something in; it is looked at in the kernel's next turn."""
        self._incoming.append(entrant)
        if self.wake is not None:
            self.wake()

    def take(self) -> list[Entrant]:
        """Return what may come in now."""
        taken = list[Entrant]()
        if self._held and not self._pressure.is_on():
            taken += self._held
            self._held.clear()
        for _ in range(len(self._incoming)):
            entrant = self._incoming.popleft()
            if self._pressure.is_on() and not is_control(entrant[1]):
                self._held.append(entrant)
            else:
                taken.append(entrant)
        self.admitted += len(taken)
        return taken
