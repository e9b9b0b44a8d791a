"""What the panel takes from outside: clocks, chance, and the floor it stands beside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from environment.messages import Message


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Clocks and chance. No outcome of a run rests on them: what they lead to is an input of it.

    `wall_ns` is UTC since 1970; `steady_ns` never goes back; `token` returns that many random bytes
    which nobody can guess.
    """

    wall_ns: Callable[[], int]
    steady_ns: Callable[[], int]
    token: Callable[[int], bytes]


class FloorPort(Protocol):
    """The panel's way in: what people say enters the run as an input, and is journalled there."""

    def admit(self, recipient: str, message: Message) -> None:
        """Let a message in. It may be called from the panel's thread, and returns at once."""

    def now_ns(self) -> int:
        """Return the market's time."""

    def left_ns(self, until_ns: int) -> int:
        """Return the wall time until a moment of the market's time: less where it runs faster."""
