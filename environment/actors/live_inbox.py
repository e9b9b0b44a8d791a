"""The inbox of a live actor: at its hard cap data is dropped and said, control is still taken."""

from collections.abc import Callable
from typing import Any

from environment.actors.envelope import Envelope, is_control
from environment.actors.inbox import Inbox, InboxLimits, Pressure
from environment.errors import InboxOverflow

Overflow = Callable[[InboxOverflow], None]


class LiveInbox(Inbox):
    """As the simulation's, but the process goes on when it is full."""

    __slots__ = ("_on_overflow", "dropped", "is_full", "mark")

    def __init__(
        self, address: str, limits: InboxLimits, pressure: Pressure, on_overflow: Overflow
    ) -> None:
        super().__init__(address, limits, pressure)
        self._on_overflow = on_overflow
        self.dropped = 0
        self.is_full = False  # Said once, until it has emptied.
        self.mark = limits.high_water  # Whoever adds mail calls `grown` above this depth.

    def grown(self, envelope: Envelope[Any]) -> None:
        """Take note of a depth above the mark."""
        super().grown(envelope)
        self.mark = self._limits.hard_cap - 1 if self.is_pressed else self._limits.high_water

    def _overflow(self, depth: int, envelope: Envelope[Any]) -> None:
        if not is_control(envelope.message) and self.data and self.data[-1] is envelope:
            self.data.pop()
            self.dropped += 1
        if self.is_full:
            return
        self.is_full = True
        try:
            super()._overflow(depth, envelope)
        except InboxOverflow as overflow:
            self._on_overflow(overflow)

    def ease(self) -> None:
        """Take note that mail was taken from an inbox that presses."""
        self._shrunk()
        if not self.is_pressed:
            self.mark = self._limits.high_water
            self.is_full = False
