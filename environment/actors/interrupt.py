"""A run that ends between two messages when a person presses Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class Stoppable(Protocol):
    """What can be told to stop."""

    def stop(self, reason: str) -> None:
        """Return from the loop soon, in a state that can be continued or written."""


@contextmanager
def stop_on_interrupt(kernel: Stoppable) -> Iterator[None]:
    """Turn the first interrupt or termination into a clean stop; the second acts as usual.

    For the main thread, where Python runs signal handlers.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  signal's signature
        kernel.stop(signal.Signals(number).name)
        signal.signal(number, before[signal.Signals(number)])

    for number in signals:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, before[number])
