"""What surrounds a message: who, when, and because of what.

An envelope is also the journal's record of itself, so its tag is the record's name and no wrapper
is made per message.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec

M = TypeVar("M")

CONTROL: Final = 0
DATA: Final = 1


class Envelope(msgspec.Struct, Generic[M], frozen=True, array_like=True, tag="Sent", gc=False):
    """One message on its way. A publication has one envelope, whose recipient is the topic.

    `id` is an integer of the run, `cause` the id of the message being handled when this was sent
    (0: none), `chain` the id at the root of its causes, `evidence` the ids it rests on besides.
    `request_id` marks a question of the sender, `answers` a reply to that question of the
    recipient. Kept out of garbage collection: its parts are immutable and cannot form a cycle.
    """

    id: int
    sender: str
    recipient: str
    sent_ns: int
    delivered_ns: int
    cause: int
    chain: int
    message: M
    evidence: tuple[int, ...] = ()
    request_id: int = 0
    answers: int = 0


def newest(earlier: Envelope[Any], later: Envelope[Any]) -> Envelope[Any]:
    """Return the later of two values of one thing, which says that it stands for both."""
    message = later.message.covering(earlier.message)
    return later if message is later.message else msgspec.structs.replace(later, message=message)


def is_control(message: object) -> bool:
    """Return whether messages of this class go before data: halts, cancels, fills, verdicts."""
    return getattr(message, "LANE", "data") == "control"
