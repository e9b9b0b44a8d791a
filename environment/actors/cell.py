"""All that a kernel keeps about one actor."""

from collections.abc import Callable
from typing import Any

from environment.actors.actor import Actor
from environment.actors.context import ActorContext
from environment.actors.durable import History
from environment.actors.effects import Effects
from environment.actors.inbox import Inbox
from environment.actors.requests import Requests
from environment.actors.routes import Route
from environment.actors.timers import Timers
from environment.actors.topics import Held

AnyActor = Actor[Any]  # A kernel runs actors of every protocol.


class Cell:
    """One address: its actor of this incarnation, its mail, and what it is waiting for."""

    __slots__ = (
        "actor",
        "address",
        "busy_ns",
        "busy_until_ns",
        "context",
        "cost_ns",
        "costless",
        "effects",
        "factory",
        "failures",
        "handled",
        "held",
        "history",
        "inbox",
        "incarnation",
        "is_paced",
        "is_plain",
        "is_up",
        "is_woken",
        "kind",
        "receive",
        "requests",
        "restart_ns",
        "routes",
        "subscriptions",
        "timers",
        "topic_routes",
    )  # fmt: skip

    def __init__(
        self, address: str, factory: Callable[[], AnyActor], context: ActorContext, inbox: Inbox
    ) -> None:
        self.address = address
        self.factory = factory
        self.context = context
        self.inbox = inbox
        self.timers, self.requests, self.effects = Timers(), Requests(), Effects()
        self.routes: dict[str, Route] = {}
        self.topic_routes: dict[str, Route] = {}
        self.subscriptions: dict[str, int] = {}  # Topic: interval in ns.
        self.held: dict[tuple[str, str], Held] = {}  # By topic and instrument.
        self.incarnation = 1
        self.handled = self.failures = self.busy_ns = self.cost_ns = 0
        self.busy_until_ns = self.restart_ns = 0
        self.is_up = True
        self.is_woken = False  # Whether a wake-up stands in the queue.
        self.is_plain = self.is_paced = False
        self.take(factory())
        self.kind = self.actor.KIND
        self.history = History() if self.actor.DURABLE else None
        self.settle()

    def take(self, actor: AnyActor) -> None:
        """Put the actor of a new incarnation in place."""
        self.actor = actor
        self.receive = actor.receive
        self.costless = actor.COSTLESS

    def settle(self) -> None:
        """Decide whether mail may go straight to the actor: up, and nothing waiting.

        To one that is paced, whose messages cost time, only when it is not busy.
        """
        is_direct = self.is_up and self.history is None and not self.is_woken and not self.inbox
        self.is_plain = is_direct and not self.cost_ns
        self.is_paced = is_direct and self.cost_ns > 0

    def end_incarnation(self) -> None:
        """Take the actor down; its mail stays, what it was waiting for does not."""
        self.is_up = self.is_plain = self.is_paced = False
        self.timers.end_incarnation()
        self.requests.end_incarnation()
        self.effects.end_incarnation()
