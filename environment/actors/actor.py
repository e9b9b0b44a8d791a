"""The actor: owns its state, handles one message at a time, to completion."""

from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

import msgspec

from environment.actors.context import ActorContext

M = TypeVar("M", contravariant=True)


class Actor(Generic[M]):
    """Root of all actors; `class Trend(Actor[QuoteUpdate | TimerFired])` declares the protocol.

    `__init__` takes references and settings only; all that changes is in the struct `state`.
    `receive` matches on the message's class and ends in `assert_never`. It never waits, and asks
    for everything through the context.
    """

    KIND: ClassVar[str] = "actor"  # Costs and effect latencies are configured by kind.
    DURABLE: ClassVar[bool] = False  # Whether a restart has the state before the failed message.
    ACCEPTS: ClassVar[frozenset[type]] = frozenset()  # Filled in from the class's declaration.
    COSTLESS: ClassVar[frozenset[type]] = frozenset()  # What it hears without thinking about it.

    state: msgspec.Struct | None = None

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        declared: list[Any] = [
            get_args(base)[0] for base in cls.__dict__.get("__orig_bases__", ()) if get_args(base)
        ]
        if declared:
            members = get_args(declared[0]) or (declared[0],)
            cls.ACCEPTS = frozenset(get_origin(member) or member for member in members)

    def receive(self, ctx: ActorContext, message: M) -> None:
        """Handle one message."""
        raise NotImplementedError(f"{type(self).__name__} has no receive")
