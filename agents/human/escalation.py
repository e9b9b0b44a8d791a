"""Calling people who do not look: the effect, its words, and when the approval agent asks for it.

A card that comes while no page of an approver is open calls at once; one that nobody has answered
by the time that the file names calls, whoever sits there.
"""

import hashlib
import hmac
from typing import Final, Literal

import msgspec

from agents.human.approval_state import ApprovalSettings, ApprovalState, Entry
from environment.actors import ActorContext, effect_result
from environment.approval_messages import Tier
from environment.control_messages import AUDIT_TOPIC, Audited
from environment.messages import Effect, EffectDone, EffectFailed

SIGNATURE: Final = "X-Outcry-Signature"
Because = Literal["new", "escalate"]


class Notified(msgspec.Struct, frozen=True):
    """What took the call, in words: `webhook 200`, `mail`."""

    taken_by: tuple[str, ...]


class NotifyPeople(Effect[Notified], frozen=True, kw_only=True):
    """Effect: tell whoever listens that a card waits. No size, no price, no instrument."""

    code: str
    tier: Tier
    left_ns: int  # Of the market's time.
    because: Because = "escalate"


def webhook_body(notice: NotifyPeople, link: str, seconds_left: int, sent_ms: int) -> bytes:
    """Return the JSON that is posted. `sent_ms` is the wall's, so that an old one can be told."""
    return msgspec.json.encode({
        "kind": "card",
        "code": notice.code,
        "tier": notice.tier,
        "because": notice.because,
        "seconds_left": max(seconds_left, 0),
        "link": link,
        "sent_ms": sent_ms,
    })  # fmt: skip


def signature_of(body: bytes, key: bytes) -> str:
    """Return the header that proves the body: `sha256=` and the HMAC, in hexadecimal digits."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


class Caller:
    """The approval agent's half: whom it called about what. All that changes is its state."""

    def __init__(self, settings: ApprovalSettings) -> None:
        self._settings = settings

    def at_first(self, ctx: ActorContext, state: ApprovalState, entry: Entry) -> None:
        """Call about a record that wants an answer, once, where no approver has a page open."""
        if entry.is_open and not state.approvers and not entry.is_called:
            self.call(ctx, state, entry, "new")

    def call(self, ctx: ActorContext, state: ApprovalState, entry: Entry, because: Because) -> None:
        """Start one call, where there is anything to call by."""
        if not self._settings.has_channel:
            return
        entry.is_called = True
        card = entry.card
        number = ctx.start(NotifyPeople(
            code=card.code, tier=card.tier, left_ns=card.answer_until_ns - ctx.now_ns(),
            because=because,
        ))  # fmt: skip
        state.calls[number] = card.code

    def hear(
        self, ctx: ActorContext, state: ApprovalState, told: EffectDone | EffectFailed
    ) -> None:
        """Record what became of a call. It changes nothing else: no answer is a no."""
        code = state.calls.pop(told.effect_id, "")
        if isinstance(told, EffectDone):
            text = ", ".join(effect_result(told, Notified).taken_by)
            audited = Audited(kind="called", subject=code, text=text)
        else:
            state.calls_failed += 1
            audited = Audited(kind="not_called", subject=code, text=told.reason[:300])
        ctx.publish(AUDIT_TOPIC, audited)
