"""Short runs of shipped scenarios, as the tests of this folder want them."""

from collections.abc import Iterable
from typing import Any, Final, assert_never

import numpy as np
from numpy.typing import NDArray

from environment.actors import Actor, ActorContext, Envelope
from environment.actors.ports import MemoryDisk
from environment.messages import Message, QuoteUpdate, Resumed
from environment.record.journal import JournalReader
from scenarios.builders.floor import Factory
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import load_config
from scenarios.protocol import PROTOCOL
from scenarios.run.session_loop import JOURNAL, SessionLoop

Rows = NDArray[np.int64]
Agents = dict[str, Factory]
# Five minutes of trading, between auctions where the scenario has them.
SHORT: Final = ("session.closes=09:35",)
SMALL_ACTORS: Final = (
    "session.closes=10:00", "crowd=actors", "crowds.noise.count=100", "crowds.value.count=20",
)  # fmt: skip


class Idle(Actor[Resumed | QuoteUpdate]):
    """Listens and says nothing."""

    def receive(self, ctx: ActorContext, message: Resumed | QuoteUpdate) -> None:
        match message:
            case Resumed():
                ctx.subscribe("market/AAPL/quotes", 1_000_000_000)
            case QuoteUpdate():
                ctx.rng.integer(0, 10)
            case never:
                assert_never(never)


def ready(
    scenario: str, settings: Iterable[str] = SHORT, *, seed: int | None = None,
    agents: Agents | None = None, disk: MemoryDisk | None = None,
) -> SessionLoop:  # fmt: skip
    """Return a run before its first event, its record in memory."""
    compile_all()
    config = load_config(scenario, settings, seed)
    return SessionLoop.build(config, MemoryDisk() if disk is None else disk, agents=agents)


def finished(scenario: str, settings: Iterable[str] = SHORT, **named: Any) -> SessionLoop:
    """Return a run that came to its end."""
    loop = ready(scenario, settings, **named)
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    assert loop.is_over
    return loop


def tape(loop: SessionLoop) -> Rows:
    """Return the tape of a finished run."""
    return np.concatenate(blocks_of(loop))


def blocks_of(loop: SessionLoop) -> list[Rows]:
    """Return the same in blocks, as they were handed over."""
    assert loop.recording.rows is not None, "the tape was kept"
    return list(loop.recording.rows.blocks())


def sent_by(disk: MemoryDisk, sender: str, kind: type[Message]) -> list[Envelope[Any]]:
    """Return what an actor sent of one class of message, from the journal."""
    return [
        record for record in JournalReader(disk.read(JOURNAL), PROTOCOL)
        if isinstance(record, Envelope) and record.sender == sender
        and isinstance(record.message, kind)
    ]  # fmt: skip


def same_tape(one: SessionLoop, other: SessionLoop) -> bool:
    """Return whether two runs wrote the same rows, wherever their blocks end."""
    return np.array_equal(tape(one), tape(other))


__all__ = ["JOURNAL", "SHORT", "SMALL_ACTORS", "Agents", "Idle", "finished", "ready", "same_tape",
           "sent_by", "tape"]  # fmt: skip
