"""What risk and people have put their name under, as values that messages carry.

`authority` makes and checks them; here are only the fields, so that messages can name them.
"""

from typing import Literal

import msgspec

Side = Literal["buy", "sell"]


class SignedVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Risk's yes to one order or replacement, under a MAC with risk's key.

    `parent` is the order that a person approved and this one belongs to; "" where none was needed.
    """

    order_hash: bytes
    verdict_id: int
    limits_version: int
    issued_ns: int
    expires_ns: int
    needs_decision: bool
    parent: str = ""
    mac: bytes = b""


class BoundLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg that an approval covers: `ratio` lots of it a unit."""

    instrument: str
    side: Side
    ratio: int = 1


class SignedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """People's yes to one parent order, under an Ed25519 signature of the panel's key.

    It covers the record that they saw (`record_hash`), and binds what may be sent for it: these
    legs, at most `quantity` units in all, at `worst_price` (ticks; net for structures; None: at
    market) or better, not after `send_until_ns`.
    """

    record_hash: bytes
    parent: str
    legs: tuple[BoundLeg, ...]
    quantity: int
    worst_price: int | None
    people: tuple[str, ...]
    decided_ns: int
    send_until_ns: int
    signature: bytes = b""
