"""Calling people who do not look: a signed webhook that says neither size nor price."""

import hashlib
import hmac
from typing import Final

import msgspec

from environment.approval_messages import Tier
from environment.messages import Effect

SIGNATURE: Final = "X-Outcry-Signature"


class Notified(msgspec.Struct, frozen=True):
    """What the other side said: an HTTP status."""

    status: int


class NotifyPeople(Effect[Notified], frozen=True, kw_only=True):
    """Effect: tell whoever listens that a card waits. No size, no price, no instrument."""

    code: str
    tier: Tier
    left_ns: int


def webhook_body(notice: NotifyPeople, link: str) -> bytes:
    """Return the JSON that is posted."""
    return msgspec.json.encode({
        "code": notice.code,
        "tier": notice.tier,
        "seconds_left": max(notice.left_ns, 0) // 1_000_000_000,
        "link": link,
    })  # fmt: skip


def signature_of(body: bytes, key: bytes) -> str:
    """Return the header that proves the body: `sha256=` and the HMAC, in hexadecimal digits."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
