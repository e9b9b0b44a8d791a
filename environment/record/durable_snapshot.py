"""The durable actors of a process as bytes: where recovery begins instead of at the first step."""

import zlib
from collections.abc import Iterable
from typing import Final

import msgspec

from environment.actors.cell import Cell
from environment.actors.durable import Memory, remember
from environment.actors.durable_mail import Mail
from environment.actors.ports import AnyEnvelope
from environment.actors.protocol import Protocol
from environment.actors.requests import OpenRequest
from environment.actors.timers import Timer
from environment.errors import CorruptRecord

FORMAT: Final = "outcry-state/1"


class KeptActor(msgspec.Struct, frozen=True, kw_only=True):
    """One durable actor between two messages."""

    address: str
    steps: int
    memory: Memory
    timers: list[Timer] = []
    requests: list[OpenRequest] = []
    effects: list[int] = []
    subscriptions: dict[str, int] = {}


class StateSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All durable actors, and the mail between them that was not handled."""

    format: str = FORMAT
    run: str
    epoch: int
    segment: int
    now_ns: int
    code: str
    actors: list[KeptActor]
    mail: list[tuple[str, msgspec.Raw]] = []
    unanswered: list[msgspec.Raw] = []  # Sends to gateways without a recorded answer.


class _Sealed(msgspec.Struct, frozen=True, array_like=True, tag="Snapshot"):
    crc: int
    content: bytes


def keep_actor(cell: Cell, held_effects: Iterable[int] = ()) -> KeptActor:
    """Return all of a durable actor that changes; `held_effects` have not begun yet."""
    assert cell.history is not None, f"{cell.address} is not durable"
    return KeptActor(
        address=cell.address,
        steps=cell.history.number,
        memory=remember(cell.actor, cell.context),
        timers=list(cell.timers.pending.values()),
        requests=list(cell.requests.open.values()),
        effects=[*cell.effects.underway, *held_effects],
        subscriptions=dict(cell.subscriptions),
    )


def raw_mail(mail: Iterable[Mail]) -> list[tuple[str, msgspec.Raw]]:
    """Return mail as it stands in a snapshot."""
    return [(address, raw(envelope)) for address, envelope in mail]


def raw(item: object) -> msgspec.Raw:
    """Return one item encoded."""
    return msgspec.Raw(msgspec.msgpack.encode(item))


def seal(snapshot: StateSnapshot) -> bytes:
    """Return a snapshot as the bytes of its file."""
    content = msgspec.msgpack.encode(snapshot)
    return msgspec.msgpack.encode(_Sealed(zlib.crc32(content), content))


def unseal(name: str, data: bytes) -> StateSnapshot:
    """Return what `seal` wrote, or raise CorruptRecord."""
    try:
        sealed = msgspec.msgpack.decode(data, type=_Sealed)
        if zlib.crc32(sealed.content) != sealed.crc:
            raise CorruptRecord(
                f"{name}: damaged, its checksum is another than was written; put it back from a "
                "copy, or begin a new state folder and reconcile."
            )
        snapshot = msgspec.msgpack.decode(sealed.content, type=StateSnapshot)
    except msgspec.MsgspecError as error:
        raise CorruptRecord(
            f"{name}: expected a snapshot of format {FORMAT!r}: {error}."
        ) from error
    if snapshot.format != FORMAT:
        raise CorruptRecord(f"{name}: expected format {FORMAT!r}, found {snapshot.format!r}.")
    return snapshot


def decode_envelope(protocol: Protocol, content: msgspec.Raw) -> AnyEnvelope:
    """Return one envelope of a snapshot."""
    envelope: AnyEnvelope = protocol.envelopes.decode(content)
    return envelope
