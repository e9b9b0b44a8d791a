"""The timers of one incarnation."""

import msgspec


class Timer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A timer that is set: its name, and the envelope that was in hand when it was."""

    timer_id: int
    name: str
    due_ns: int
    cause: int
    chain: int


class Timers:
    """Timers that have not fired. The queue's entry of a cancelled one finds nothing here."""

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending: dict[int, Timer] = {}

    def set(self, timer: Timer) -> None:
        """Add one."""
        self.pending[timer.timer_id] = timer

    def take(self, timer_id: int) -> Timer | None:
        """Return and forget a timer that is due or cancelled; None if it is gone already."""
        return self.pending.pop(timer_id, None)

    def end_incarnation(self) -> None:
        """Forget all."""
        self.pending.clear()
