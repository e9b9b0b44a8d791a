"""A gateway: its actor side hands over, its asynchronous side takes, admits and answers."""

import asyncio
from typing import Any

import pytest

from environment.actors import Envelope, Gateway, Side
from environment.actors.testing import RecordingContext
from environment.messages import CancelOrder, Resumed, TimerFired


class Entry:
    """Keeps what is let in."""

    def __init__(self) -> None:
        self.admitted: list[tuple[Any, ...]] = []

    def admit(
        self, sender: str, recipient: str, message: Any, cause: Any = None, answers: int = 0
    ) -> None:
        self.admitted.append((sender, recipient, message, cause, answers))

    def admit_topic(self, sender: str, topic: str, message: Any) -> None:
        self.admitted.append((sender, topic, message))

    def is_pressed(self) -> bool:
        return False

    def handle_now(self) -> None:
        pass

    def now_ns(self) -> int:
        return 7


class Door(Gateway[CancelOrder | TimerFired]):
    """Hands all over."""


def open_door() -> tuple[Door, Side[Any], RecordingContext, Entry]:
    """Return a gateway with its side open."""
    entry = Entry()
    door, side = Door(), Side[Any]("door", entry)
    door.open(side)
    return door, side, RecordingContext("door"), entry


def test_side_takes_control_before_data() -> None:
    door, side, ctx, _ = open_door()
    ctx.handle(door, TimerFired(timer_id=1, name="beat"))
    ctx.handle(door, CancelOrder(order_id="a/1"))
    assert [type(envelope.message) for envelope in side.take()] == [CancelOrder, TimerFired]
    assert len(side) == 0


def test_side_waits_for_the_next_message() -> None:
    door, side, ctx, _ = open_door()

    async def wait() -> Envelope[Any]:
        waiting = asyncio.create_task(side.next())
        await asyncio.sleep(0)
        ctx.handle(door, CancelOrder(order_id="a/1"), sender="desk/custodian")
        return await waiting

    assert asyncio.run(wait()).sender == "desk/custodian"


def test_admission_names_the_gateway_and_its_cause() -> None:
    door, side, ctx, entry = open_door()
    ctx.handle(door, CancelOrder(order_id="a/1"))
    (cause,) = side.take()
    side.admit("desk/custodian", Resumed(), cause)
    assert entry.admitted == [("door", "desk/custodian", Resumed(), cause, 0)]


def test_only_a_request_can_be_answered() -> None:
    door, side, ctx, entry = open_door()
    ctx.handle(door, CancelOrder(order_id="a/1"), request_id=5, sender="asker")
    ctx.handle(door, CancelOrder(order_id="a/2"))
    request, order = side.take()
    side.reply(request, Resumed())
    assert entry.admitted == [("door", "asker", Resumed(), request, 5)]
    with pytest.raises(ValueError, match="no request"):
        side.reply(order, Resumed())
