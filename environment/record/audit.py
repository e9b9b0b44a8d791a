"""The audit chain: each record names the hash of the one before, and its head is signed.

A file of the chain is plain concatenated MessagePack: one header, then records. Signed heads stand
in a second file, kept elsewhere where that is possible, and the last one is printed: whoever keeps
a head can find any change before it, and a chain that was cut short of it.
"""

import hashlib
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

AUDIT, HEADS = "audit.msgpack", "audit_heads.msgpack"
FORMAT: Final = "outcry audit 1"
_START, _HEAD = b"outcry audit start", b"outcry audit head"
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class AuditHeader(msgspec.Struct, frozen=True, kw_only=True, tag="AuditHeader"):
    """First object of a chain: its format, whose it is, and the key that signs its heads."""

    format: str = FORMAT
    subject: str  # Scenario and seed, or the daemon's name and epoch.
    public_key: bytes


class AuditRecord(msgspec.Struct, frozen=True, array_like=True, tag="Audit"):
    """One fact: which, when, from whom, what; and the hash of the record before."""

    number: int
    at_ns: int
    envelope: int  # Of the fact in the journal.
    sender: str
    message: msgspec.Raw
    before: bytes


class SignedHead(msgspec.Struct, frozen=True, array_like=True, tag="Head"):
    """The hash of record `number` (0: of the header), signed at a time."""

    number: int
    at_ns: int
    hash: bytes
    signature: bytes = b""


class AuditSink(Protocol):
    """Where a chain is kept. Numbers rise by one; one that was kept is not kept again."""

    header: AuditHeader

    def keep(self, number: int, record: bytes) -> None:
        """Keep one encoded record."""

    def anchor(self, head: SignedHead) -> None:
        """Keep one signed head, elsewhere."""


class AuditLog:
    """A chain in memory, until its run writes it."""

    def __init__(self, header: AuditHeader) -> None:
        self.header = header
        self.records: list[bytes] = []
        self.heads: list[SignedHead] = []

    def keep(self, number: int, record: bytes) -> None:
        """Keep one record; a step that is run again after a crash says it a second time."""
        if number <= len(self.records):
            assert self.records[number - 1] == record, f"audit record {number} was another"
            return
        assert number == len(self.records) + 1, f"audit record {number} has no one before it"
        self.records.append(record)

    def anchor(self, head: SignedHead) -> None:
        """Keep one signed head, once."""
        if not self.heads or head.number >= self.heads[-1].number:
            self.heads.append(head)

    def close(self, key: "HeadKey", at_ns: int) -> SignedHead:
        """Sign where the chain ends."""
        before = hash_of(self.records[-1]) if self.records else start_of(self.header)
        head = key.sign(SignedHead(len(self.records), at_ns, before))
        self.heads.append(head)
        return head

    def chain(self) -> bytes:
        """Return the file of the chain."""
        return b"".join([_encode(self.header), *self.records])

    def anchors(self) -> bytes:
        """Return the file of the heads."""
        return b"".join(map(_encode, self.heads))


class HeadKey:
    """Signs heads. In a daemon made in the state folder, in a simulation from the seed."""

    def __init__(self, key: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(key)

    @property
    def public(self) -> bytes:
        """The half that checks."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, head: SignedHead) -> SignedHead:
        """Return the head with its signature."""
        return msgspec.structs.replace(head, signature=self._key.sign(_signed_part(head)))


def is_signed(head: SignedHead, public_key: bytes) -> bool:
    """Return whether the key signed the head as it stands."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(head.signature, _signed_part(head))
    except (InvalidSignature, ValueError):
        return False
    return True


def hash_of(record: bytes) -> bytes:
    """Return the 32 bytes that name an encoded record and, by its `before`, all before it."""
    return hashlib.blake2b(record, digest_size=32).digest()


def start_of(header: AuditHeader) -> bytes:
    """Return what the first record names as the one before it."""
    return hashlib.blake2b(_START + _encode(header), digest_size=32).digest()


def encode_record(
    number: int,
    at_ns: int,
    envelope: int,
    sender: str,
    message: msgspec.Struct,
    before: bytes,
) -> bytes:
    """Return one record as it stands in the file."""
    raw = msgspec.Raw(_encode(message))
    return _encode(AuditRecord(number, at_ns, envelope, sender, raw, before))


def _signed_part(head: SignedHead) -> bytes:
    return _HEAD + _encode((head.number, head.at_ns, head.hash))
