"""What a run tells whoever watches it, and the one thing it asks back: whether to go on."""

from typing import Literal, Protocol

Phase = Literal["import", "compile", "build", "loop", "write"]


class Progress(Protocol):
    """A watcher of one run. Nothing in a run's outcome depends on it, except where it stops."""

    def phase(self, phase: Phase, detail: str = "") -> None:
        """Take note of the phase that begins; `detail` says what takes its time there."""

    def span(self, start_ns: int, end_ns: int, zone: str) -> None:
        """Take note that the loop will run from start to end; people read its times in `zone`."""

    def tick(self, now_ns: int, events: int, deliveries: int) -> bool:
        """Return whether to go on past `now_ns`, or to end cleanly here; counts are of the loop.

        Called often (every few milliseconds of wall time), so an implementation returns at once.
        """


class Silent:
    """Watches nothing and never stops a run: for tests and notebooks."""

    def phase(self, phase: Phase, detail: str = "") -> None:
        """Ignore it."""

    def span(self, start_ns: int, end_ns: int, zone: str) -> None:
        """Ignore it."""

    def tick(self, now_ns: int, events: int, deliveries: int) -> bool:  # noqa: ARG002  # protocol
        """Go on."""
        return True
