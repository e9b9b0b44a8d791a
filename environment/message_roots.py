"""The roots of every message, and what the kernel itself says; `messages` has all the others."""

from typing import ClassVar, Generic, Literal, TypeVar

import msgspec

R = TypeVar("R", covariant=True)


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Root of every message. Who sent it, and when, is on the envelope."""

    LANE: ClassVar[Literal["control", "data"]] = "data"  # Inboxes serve control first.
    MONEY: ClassVar[bool] = False  # Whether a dead letter of this class stops the opening of risk.

    def covering(self, earlier: "Message") -> "Message":  # noqa: ARG002  most stand for themselves
        """Return this value as the one that takes the place of an earlier one not delivered."""
        return self


class Sequenced(Message, frozen=True, kw_only=True, tag=True):
    """A value of a feed, with the numbers of its first and last change that it stands for."""

    def covering(self, earlier: Message) -> Message:
        """Return this value, from the first change that the earlier one stood for."""
        first = getattr(earlier, "first_sequence", None)
        return self if first is None else msgspec.structs.replace(self, first_sequence=first)


class MoneyMessage(Message, frozen=True, kw_only=True, tag=True):
    """A message about an order, fill, verdict, decision or cancel.

    Orders share the control lane with their cancels, so that no cancel overtakes its order.
    """

    LANE: ClassVar[Literal["control", "data"]] = "control"
    MONEY: ClassVar[bool] = True


class Request(Message, Generic[R], frozen=True, kw_only=True, tag=True):
    """A message that is answered by exactly one R, or by RequestExpired at its deadline."""


class Effect(Message, Generic[R], frozen=True, kw_only=True, tag=True):
    """Something slow or outside, said as data; its result returns as EffectDone."""


# --- what the kernel itself says -------------------------------------------------------------


class TimerFired(Message, frozen=True, kw_only=True):
    """A timer set by `after` is due. `name` is the one given there."""

    timer_id: int
    name: str
    late: bool = False


class RequestExpired(Message, frozen=True, kw_only=True):
    """A request of this actor had no reply by its deadline."""

    request_id: int


class EffectDone(Message, frozen=True, kw_only=True):
    """An effect of this actor has its result."""

    effect_id: int
    result: msgspec.Raw


class EffectFailed(Message, frozen=True, kw_only=True):
    """An effect of this actor failed, was voided, or was lost in a crash."""

    effect_id: int
    reason: str


class ClockStepped(Message, frozen=True, kw_only=True):
    """The wall clock of a live process was set; published on the topic `kernel/clock`.

    Where it now lies behind what was already said, time stands still for `behind_ns`: orders wait.
    """

    LANE: ClassVar[Literal["control", "data"]] = "control"

    by_ns: int
    behind_ns: int = 0


class SideFailed(Message, frozen=True, kw_only=True):
    """The asynchronous side of a gateway raised; never delivered, it stands in the dead letter."""

    error: str
