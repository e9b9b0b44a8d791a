"""Who may let an order through: risk's seal on a verdict, people's signature on a decision.

Both name an order by its hash, so neither can be carried over to another one. The venue's gate
holds the key of verdicts and the public half of the key of decisions; agents hold neither.
"""

import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from environment.errors import ConfigError
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    OrderRequest,
    ReplaceRequest,
)
from environment.signed import BoundLeg, SignedDecision, SignedVerdict

_KEY_BYTES: Final = 32
_FILES: Final = ("verdict.key", "decision.key", "audit.key")
_VERDICT, _DECISION, _RECORD = b"outcry verdict", b"outcry decision", b"outcry record"

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_UNKEYED: Final = hashlib.blake2b(digest_size=32)  # Made once: a copy takes half as long.


def order_hash(order: OrderRequest | ReplaceRequest) -> bytes:
    """Return the 32 bytes that name an order or replacement: any other field makes others."""
    found = _UNKEYED.copy()
    found.update(_encode(order))
    return found.digest()


def record_hash(record: msgspec.Struct) -> bytes:
    """Return the 32 bytes that name a pending record, of whatever class it is."""
    return hashlib.blake2b(_encode(record), digest_size=32, person=_RECORD).digest()


class VerdictKey:
    """Risk's secret: seals verdicts, and knows its own seal again."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigError(f"a verdict key has {_KEY_BYTES} bytes, this one {len(key)}")
        # The key taken in once: a copy of that goes on in half the time.
        self._keyed = hashlib.blake2b(key=key, digest_size=32, person=_VERDICT)

    def seal(self, verdict: SignedVerdict) -> SignedVerdict:
        """Return the verdict with its MAC."""
        return msgspec.structs.replace(verdict, mac=self._mac(verdict))

    def is_sealed(self, verdict: SignedVerdict) -> bool:
        """Return whether this key sealed the verdict as it stands."""
        return hmac.compare_digest(self._mac(verdict), verdict.mac)

    def _mac(self, verdict: SignedVerdict) -> bytes:
        mac = self._keyed.copy()
        mac.update(_encode(msgspec.structs.astuple(verdict)[:-1]))
        return mac.digest()


class DecisionKey:
    """The panel's secret: signs what people decided."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigError(f"a decision key has {_KEY_BYTES} bytes, this one {len(key)}")
        self._key = Ed25519PrivateKey.from_private_bytes(key)

    def sign(self, decision: SignedDecision) -> SignedDecision:
        """Return the decision with its signature."""
        return msgspec.structs.replace(decision, signature=self._key.sign(_signed_part(decision)))

    @property
    def public(self) -> bytes:
        """The half that only checks, 32 bytes."""
        return self._key.public_key().public_bytes_raw()


class VenueGate:
    """What stands before a venue: nothing passes that risk, or people, did not let through."""

    __slots__ = ("_people", "_verdicts")

    def __init__(self, verdicts: VerdictKey, decisions_public: bytes) -> None:
        self._verdicts = verdicts
        self._people = Ed25519PublicKey.from_public_bytes(decisions_public)

    def check(self, approved: ApprovedOrder | ApprovedReplace, now_ns: int) -> str:
        """Return "" for what may reach the venue, else the reason why not.

        How much of a decision's quantity earlier orders have used up is the business of
        `ParentDraws`, which needs to hear the venue's reports.
        """
        verdict = approved.verdict
        if verdict is None:
            return "verdict: none"
        if verdict.order_hash != order_hash(approved.order):
            return "verdict: made for another order"
        if not self._verdicts.is_sealed(verdict):
            return "verdict: not sealed by risk"
        if verdict.verdict_id != approved.verdict_id:
            return "verdict: its number is another"
        if not verdict.issued_ns <= now_ns <= verdict.expires_ns:
            return f"verdict: not valid at {now_ns} ns"
        if not verdict.needs_decision:
            return ""
        return self._decision_fault(approved, verdict, now_ns)

    def is_signed(self, decision: SignedDecision) -> bool:
        """Return whether the panel's key signed the decision as it stands."""
        try:
            self._people.verify(decision.signature, _signed_part(decision))
        except InvalidSignature:
            return False
        return True

    def _decision_fault(
        self, approved: ApprovedOrder | ApprovedReplace, verdict: SignedVerdict, now_ns: int
    ) -> str:
        decision = approved.decision
        if decision is None:
            return "decision: none, and the verdict asks for one"
        if not self.is_signed(decision):
            return "decision: not signed by the panel"
        if decision.parent != verdict.parent or not decision.people:
            return "decision: made for another order"
        if now_ns > decision.send_until_ns:
            return f"decision: to be sent until {decision.send_until_ns} ns, it is {now_ns}"
        return _terms_fault(approved.order, decision)


def bound_legs(order: OrderRequest) -> tuple[BoundLeg, ...]:
    """Return what an approval of the order covers: its legs, or its one instrument."""
    if order.legs:
        return tuple(
            BoundLeg(instrument=leg.instrument, side=leg.side, ratio=leg.ratio)
            for leg in order.legs
        )
    return (BoundLeg(instrument=order.instrument, side=order.side),)


def _terms_fault(order: OrderRequest | ReplaceRequest, decision: SignedDecision) -> str:
    if not 0 < order.quantity <= decision.quantity:
        return f"decision: covers {decision.quantity}, the order says {order.quantity}"
    if isinstance(order, OrderRequest) and bound_legs(order) != decision.legs:
        return "decision: covers other legs"
    if decision.worst_price is None or (isinstance(order, ReplaceRequest) and order.price is None):
        return ""
    if order.price is None:
        return "decision: covers a limit, the order has none"
    # A structure is bought at its net price, whichever way its legs go.
    buys = len(decision.legs) > 1 or decision.legs[0].side == "buy"
    worse = order.price > decision.worst_price if buys else order.price < decision.worst_price
    return f"decision: covers {decision.worst_price}, the order {order.price}" if worse else ""


def _signed_part(decision: SignedDecision) -> bytes:
    return _DECISION + _encode(msgspec.structs.astuple(decision)[:-1])


# --- keys ------------------------------------------------------------------------------------


class Keys(msgspec.Struct, frozen=True):
    """The three secrets of one desk; `audit` signs the heads of its audit chain."""

    verdict: bytes
    decision: bytes
    audit: bytes = b""

    def gate(self) -> VenueGate:
        """Return a gate that believes these keys."""
        return VenueGate(VerdictKey(self.verdict), DecisionKey(self.decision).public)


def keys_of_seed(seed: int) -> Keys:
    """Return the keys of a simulated run: a function of its seed, so that it repeats."""
    return Keys(_derived(seed, "verdict"), _derived(seed, "decision"), _derived(seed, "audit"))


def keys_in(folder: Path) -> Keys:
    """Return the keys of a state folder, made on first use.

    Raises
    ------
    ConfigError
        If a key file can be read by others, or is no key.
    """
    return Keys(*(_key_file(folder / name) for name in _FILES))


def _derived(seed: int, name: str) -> bytes:
    text = f"{seed}\x1fauthority/{name}".encode()
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()


def _key_file(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"{path} has mode {mode:04o}: others could read it; chmod 600 it"
            ) from None
        key = path.read_bytes()
    else:
        # As many unforeseeable bytes as either key needs.
        key = Ed25519PrivateKey.generate().private_bytes_raw()
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{path} has {len(key)} bytes, a key has {_KEY_BYTES}; take it away")
    return key
