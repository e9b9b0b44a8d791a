"""Messages and actors of the desk, with defaults that pass."""

from typing import Any

import msgspec

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.exposure import owner_of
from agents.desk.risk import Risk, RiskSettings
from environment.actors import ActorRef, Directory
from environment.actors.testing import RecordingContext
from environment.approval_messages import Decision, MakeSmaller
from environment.authority import VerdictKey, keys_of_seed, order_hash
from environment.control_messages import FlattenDesk, LowerDesk, RaiseDesk
from environment.instruments import make_equity
from environment.messages import (
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    PhaseChanged,
    QuoteUpdate,
    ReplaceRequest,
)
from environment.signed import SignedVerdict

AAPL, MSFT = make_equity("AAPL"), make_equity("MSFT")
AGENT, OTHER = "quant/maker", "quant/other"
DOLLAR = 1_000_000


KEYS = keys_of_seed(1)


def limits(*, restricted: tuple[str, ...] = (), **hard: float) -> Rulebook:
    """Return rules with hard limits by name."""
    return Rulebook(
        limits={name: Limit(hard=figure) for name, figure in hard.items()}, restricted=restricted
    )


def make_risk(rules: Rulebook | None = None, **given: Any) -> Risk:
    """Return a desk with wide mandates for two agents."""
    mandate = Mandate(instruments=("AAPL", "MSFT"), notional_micros=1_000_000 * DOLLAR)
    mandates = given.pop("mandates", {AGENT: mandate, OTHER: mandate})
    values: dict[str, Any] = {
        "account": "swarm",
        "instruments": (AAPL, MSFT),
        "rules": msgspec.structs.replace(rules or Rulebook(), mandates=mandates),
        "reference_ticks": {"AAPL": 10_000, "MSFT": 5_000},
        "cash_micros": 10_000_000 * DOLLAR,
    }
    owners = given.pop("owners", Directory(lambda _: True))
    execution = given.pop("execution", None)
    return Risk(
        ActorRef("venue"), ActorRef("human/approvals"), owners, RiskSettings(**(values | given)),
        KEYS, execution,
    )  # fmt: skip


def sender_of(message: Any) -> str:
    """Return who would send a message to risk: an order's owner, or whoever reports."""
    if isinstance(message, OrderRequest | ReplaceRequest | CancelRequest):
        return owner_of(str(message.order_id))
    if isinstance(message, Decision | MakeSmaller):
        return "human/approvals"
    if isinstance(message, RaiseDesk | FlattenDesk | LowerDesk):
        return "human/panel"
    return "venue"


def ask(number: int = 1, owner: str = AGENT, **given: Any) -> OrderRequest:
    """Return a request to buy 10 AAPL at 100.00."""
    values: dict[str, Any] = {
        "order_id": f"{owner}/{number}", "instrument": "AAPL", "side": "buy", "quantity": 10,
        "price": 10_000,
    }  # fmt: skip
    return OrderRequest(**(values | given))


def accepted(order_id: str, price: int | None = None) -> OrderAccepted:
    return OrderAccepted(order_id=order_id, instrument="AAPL", exchange_ns=1, price=price)


def refused(order_id: str, reason: str = "phase_closed") -> OrderRefused:
    return OrderRefused(order_id=order_id, reason=reason, exchange_ns=1)


def filled(order_id: str, quantity: int, leaves: int = 0, **given: Any) -> OrderFilled:
    values: dict[str, Any] = {
        "order_id": order_id, "instrument": "AAPL", "side": "buy", "price": 10_000,
        "quantity": quantity, "leaves": leaves, "liquidity": "taker", "fee_micros": 0,
        "exchange_ns": 1, "trade_id": 1,
    }  # fmt: skip
    return OrderFilled(**(values | given))


def cancelled(order_id: str, left: int, reason: str = "requested") -> OrderCancelled:
    return OrderCancelled(
        order_id=order_id, instrument="AAPL", quantity=left, reason=reason, exchange_ns=1
    )


def replaced(order_id: str, price: int, leaves: int) -> OrderReplaced:
    return OrderReplaced(
        order_id=order_id, instrument="AAPL", price=price, leaves=leaves, exchange_ns=1
    )


def quote(bid: int | None = 9_999, ask: int | None = 10_001, **given: Any) -> QuoteUpdate:
    values: dict[str, Any] = {
        "instrument": "AAPL", "bid_price": bid, "bid_quantity": 100, "ask_price": ask,
        "ask_quantity": 100, "last_price": None, "volume": 0, "exchange_ns": 0,
        "first_sequence": 0, "last_sequence": 0,
    }  # fmt: skip
    return QuoteUpdate(**(values | given))


def phase(name: Any) -> PhaseChanged:
    return PhaseChanged(instrument="AAPL", phase=name, reason="", exchange_ns=0, sequence=0)


def sealed(approved: Any) -> Any:
    """Return an approved order or replace under risk's seal, valid for ever."""
    verdict = SignedVerdict(
        order_hash=order_hash(approved.order), verdict_id=approved.verdict_id, limits_version=1,
        issued_ns=0, expires_ns=1 << 62, needs_decision=False,
    )  # fmt: skip
    seal = VerdictKey(KEYS.verdict).seal(verdict)
    return msgspec.structs.replace(approved, verdict=seal)


def context(address: str = AGENT, now_ns: int = 0) -> RecordingContext:
    return RecordingContext(address, now_ns=now_ns)
