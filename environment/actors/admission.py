"""The one queue by which anything comes into a live process: gateways, effects, other threads."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from environment.actors.envelope import is_control
from environment.actors.inbox import Pressure

_AT_ONCE: Final = 1_024  # Data in one turn.

Entrant = tuple[Any, ...]  # (kind, message, …), taken apart by the kernel.


class Admission:
    """Appended to from any thread, emptied by the kernel's task; control goes before data.

    While an inbox is above its high-water mark data stays here, in order: whoever reads from
    outside sees the pressure and stops, and what it had in hand is not lost. Nor does more than a
    part of it come in at once, which could fill an inbox that has just emptied.
    """

    __slots__ = ("_held", "_incoming", "_pressure", "admitted", "handle", "wake")

    def __init__(self, pressure: Pressure) -> None:
        self._incoming: deque[Entrant] = deque()  # A deque's append is safe from any thread.
        self._held: deque[Entrant] = deque()
        self._pressure = pressure
        self.admitted = 0
        self.wake: Callable[[], None] | None = None  # Rouses the kernel's task.
        self.handle: Callable[[], None] | None = None  # Does a turn of it now.

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
        held = self._held
        taken: list[Entrant] = []
        room = 0 if self._pressure.is_on() else _AT_ONCE
        while held and room:
            taken.append(held.popleft())
            room -= 1
        for _ in range(len(self._incoming)):
            entrant = self._incoming.popleft()
            if is_control(entrant[1]):
                taken.append(entrant)
            elif room and not held:
                taken.append(entrant)
                room -= 1
            else:
                held.append(entrant)
        self.admitted += len(taken)
        return taken
