"""Gateways: actors with an asynchronous side that talks to the outside world.

The actor side is an ordinary actor: what is sent to its address it hands over. The asynchronous
side, `serve`, is a coroutine that the kernel runs beside the others for as long as the actor's
incarnation lasts; when it raises, the actor has failed and its supervisor decides.
"""

import asyncio
from collections import deque
from typing import Any, Final, Generic, Protocol, TypeVar

from environment.actors.actor import Actor
from environment.actors.context import ActorContext
from environment.actors.envelope import Envelope, is_control
from environment.actors.ports import AnyEnvelope
from environment.actors.reference import ActorRef
from environment.errors import Defect
from environment.messages import Message

M = TypeVar("M", contravariant=True)
S = TypeVar("S", bound=Message)

_MOST_WAITING: Final = 100_000


class Entrance(Protocol):
    """Where a kernel lets things in; each method may be called from any thread."""

    def admit(
        self, sender: str, recipient: str, message: Message, cause: AnyEnvelope | None = None,
        answers: int = 0,
    ) -> None:  # fmt: skip
        """Let a message to an actor in; it is stamped, and recorded as input, by the kernel."""

    def admit_topic(self, sender: str, topic: str, message: Message) -> None:
        """Let a publication in (market data, which is not recorded)."""

    def is_pressed(self) -> bool:
        """Return whether an inbox is above its high-water mark: read no more data for now."""

    def now_ns(self) -> int:
        """Return the kernel's time, UTC."""

    def handle_now(self) -> None:
        """Handle what was let in before the event loop goes on; on the loop's thread only."""


class Side(Generic[M]):
    """The asynchronous side's hands: what was sent to the gateway, and the way in."""

    def __init__(self, address: str, entrance: Entrance) -> None:
        self.address = address
        self._entrance = entrance
        self._control: deque[Envelope[Any]] = deque()
        self._data: deque[Envelope[Any]] = deque()
        self._arrived: asyncio.Event = asyncio.Event()
        self.is_closing = False  # The process stops: finish what waits, and return.

    def __len__(self) -> int:
        return len(self._control) + len(self._data)

    # --- out ---------------------------------------------------------------------------------

    def put(self, envelope: AnyEnvelope) -> None:
        """Take what the actor side hands over; called by the kernel's task only."""
        if len(self) >= _MOST_WAITING:
            raise Defect(
                f"{len(self)} messages wait for the asynchronous side of {self.address}, which "
                "does not take them; see what it is waiting for."
            )
        (self._control if is_control(envelope.message) else self._data).append(envelope)
        self._arrived.set()

    async def next(self) -> Envelope[Any]:
        """Return the first message sent to this address, control before data; wait for one."""
        while not len(self):
            self._arrived.clear()
            await self._arrived.wait()
        return (self._control or self._data).popleft()

    def take(self) -> list[Envelope[Any]]:
        """Return, without waiting, all that was sent to this address."""
        taken = [*self._control, *self._data]
        self._control.clear()
        self._data.clear()
        return taken

    # --- in ----------------------------------------------------------------------------------

    def admit(
        self, recipient: ActorRef[S] | str, message: S, cause: AnyEnvelope | None = None
    ) -> None:
        """Send from outside to an actor; recorded as input.

        `cause` is the envelope that this follows from, such as the order that a venue's report is
        about; without one a new chain begins.
        """
        address = recipient if isinstance(recipient, str) else recipient.address
        self._entrance.admit(self.address, address, message, cause)

    def reply(self, request: AnyEnvelope, message: Message) -> None:
        """Answer a request that was sent to this address; recorded as input."""
        if not request.request_id:
            raise ValueError(f"A {type(request.message).__name__} is no request: use admit.")
        self._entrance.admit(
            self.address, request.sender, message, request, answers=request.request_id
        )

    def publish(self, topic: str, message: Message) -> None:
        """Publish from outside: market data, one envelope for all who hear it."""
        self._entrance.admit_topic(self.address, topic, message)

    def is_pressed(self) -> bool:
        """Return whether to read no more data from outside for now; control is always let in."""
        return self._entrance.is_pressed()

    async def wait_for_room(self) -> None:
        """Return when no inbox is above its high-water mark."""
        while self._entrance.is_pressed():  # noqa: ASYNC110  no event, as inboxes ease without one
            await asyncio.sleep(0.001)

    def now_ns(self) -> int:
        """Return the kernel's time, UTC."""
        return self._entrance.now_ns()

    def handle_now(self) -> None:
        """Have what was let in handled before the event loop goes on, instead of a round later.

        Not within a handler, and on the loop's thread only.
        """
        self._entrance.handle_now()

    def close(self) -> None:
        """Tell the asynchronous side that the process stops: it is cancelled a moment later."""
        self.is_closing = True


class Gateway(Actor[M]):
    """Root of gateways: declare the protocol, write `serve`; `receive` hands over.

    A subclass whose actor side has more to do overrides `receive`, and calls `hand_over` for what
    concerns the outside. What the actor side hands over left with the step of whoever sent it.
    """

    KIND = "gateway"

    def __init__(self) -> None:
        self._side: Side[M] | None = None

    def open(self, side: Side[M]) -> None:
        """Take the side of this incarnation; the kernel calls it before the first message."""
        self._side = side

    def receive(self, ctx: ActorContext, message: M) -> None:  # noqa: ARG002  the root hands all over
        """Hand the message in hand over to the asynchronous side."""
        self.hand_over(ctx)

    def hand_over(self, ctx: ActorContext) -> None:
        """Give the envelope in hand to the asynchronous side."""
        envelope = ctx.envelope()
        if self._side is not None and envelope is not None:
            self._side.put(envelope)

    async def serve(self, side: Side[M]) -> None:
        """Talk to the outside until cancelled; the actor fails if this raises."""
        raise NotImplementedError(f"{type(self).__name__} has no serve")
