"""What a live kernel is told beyond a simulated one, and what it tells."""

from collections.abc import Callable
from typing import Literal

import msgspec

Durability = Literal["write", "sync"]
AlarmKind = Literal[
    "money_dead_letter", "inbox_overflow", "restarts_exhausted", "clock_step", "undeliverable",
]  # fmt: skip


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a live kernel shares its process, and what it calls slow."""

    messages_per_turn: int = 512  # Then the event loop has its turn.
    messages_per_visit: int = 16  # Then the next actor has its turn.
    steps_per_write: int = 32  # Recorded steps whose mail may wait for one write at most.
    slow_handler_ns: int = 5_000_000
    stall_ns: int = 50_000_000
    heartbeat_ns: int = 20_000_000  # How often the event loop's lateness is measured.
    clock_look_ns: int = 100_000_000  # How often the wall clock is looked at.
    drain_ns: int = 5_000_000_000  # How long a stop may take to handle what waits.
    durability: Durability = "write"
    spin_ns: int = 0  # So long after a read it looks for the next one before it sleeps.


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something unexplained: whoever keeps the desk lowers it to REDUCING."""

    kind: AlarmKind
    text: str
    now_ns: int
    chain: int = 0  # Of the message that it is about; 0 where it is about none.


Alarmed = Callable[[Alarm], None]
