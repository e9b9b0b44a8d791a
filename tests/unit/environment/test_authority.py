"""What the venue's gate lets pass, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from environment.authority import (
    DecisionKey,
    VerdictKey,
    bound_legs,
    keys_in,
    keys_of_seed,
    order_hash,
)
from environment.errors import ConfigError
from environment.messages import ApprovedOrder, Leg, OrderRequest, ReplaceRequest
from environment.signed import SignedDecision, SignedVerdict

KEYS = keys_of_seed(1)
NOW_NS = 1_000


def request(**changes: Any) -> OrderRequest:
    fields = {"order_id": "a/1", "instrument": "AAPL", "side": "buy", "quantity": 10, "price": 100}
    return OrderRequest(**{**fields, **changes})


def verdict_of(order: OrderRequest | ReplaceRequest, **changes: Any) -> SignedVerdict:
    verdict = SignedVerdict(
        order_hash=order_hash(order), verdict_id=1, limits_version=1, issued_ns=NOW_NS,
        expires_ns=NOW_NS + 100, needs_decision=False, parent="",
    )  # fmt: skip
    return VerdictKey(KEYS.verdict).seal(msgspec.structs.replace(verdict, **changes))


def decision_of(order: OrderRequest, **changes: Any) -> SignedDecision:
    decision = SignedDecision(
        record_hash=b"r" * 32, parent=order.order_id, legs=bound_legs(order),
        quantity=order.quantity, worst_price=order.price, people=("ana",), decided_ns=NOW_NS,
        send_until_ns=NOW_NS + 50,
    )  # fmt: skip
    return DecisionKey(KEYS.decision).sign(msgspec.structs.replace(decision, **changes))


def approved(order: OrderRequest, **changes: Any) -> ApprovedOrder:
    made = ApprovedOrder(
        order=order, owner="a", account="swarm", verdict_id=1, verdict=verdict_of(order)
    )
    return msgspec.structs.replace(made, **changes)


def decided(order: OrderRequest, **changes: Any) -> ApprovedOrder:
    verdict = verdict_of(order, needs_decision=True, parent="a/1")
    return approved(order, verdict=verdict, decision=decision_of(request(**changes)))


def check(order: ApprovedOrder, now_ns: int = NOW_NS) -> str:
    return KEYS.gate().check(order, now_ns)


def test_gate_passes_what_risk_sealed() -> None:
    assert check(approved(request())) == ""


def test_gate_passes_what_people_signed() -> None:
    assert check(decided(request())) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: msgspec.structs.replace(a, verdict=None), "verdict: none"),
        (lambda a: msgspec.structs.replace(a, order=request(quantity=11)), "another order"),
        (lambda a: msgspec.structs.replace(a, verdict_id=2), "its number"),
        (
            lambda a: msgspec.structs.replace(
                a, verdict=msgspec.structs.replace(a.verdict, expires_ns=1 << 60)
            ),
            "not sealed",
        ),
        (
            lambda a: msgspec.structs.replace(
                a, verdict=VerdictKey(b"x" * 32).seal(verdict_of(request()))
            ),
            "not sealed",
        ),
    ],
)
def test_gate_refuses_what_risk_did_not_seal(
    change: Callable[[ApprovedOrder], ApprovedOrder], said: str
) -> None:
    assert said in check(change(approved(request())))


@pytest.mark.parametrize("now_ns", [NOW_NS - 1, NOW_NS + 101])
def test_gate_refuses_a_verdict_out_of_its_time(now_ns: int) -> None:
    assert "not valid" in check(approved(request()), now_ns)


def test_gate_refuses_an_order_that_waits_for_people() -> None:
    verdict = verdict_of(request(), needs_decision=True, parent="a/1")
    assert "asks for one" in check(approved(request(), verdict=verdict))


def test_gate_refuses_a_decision_of_another_key() -> None:
    forged = DecisionKey(b"x" * 32).sign(decision_of(request()))
    verdict = verdict_of(request(), needs_decision=True, parent="a/1")
    assert "not signed" in check(approved(request(), verdict=verdict, decision=forged))


@pytest.mark.parametrize(
    ("order", "binds", "said"),
    [
        (request(), {"order_id": "a/2"}, "another order"),
        (request(), {"side": "sell"}, "other legs"),
        (request(), {"quantity": 9}, "covers 9"),
        (request(), {"price": 99}, "covers 99"),
        (request(order_type="market", price=None), {}, "covers a limit"),
        (request(side="sell"), {"side": "sell", "price": 101}, "covers 101"),
    ],
)
def test_gate_refuses_what_people_did_not_see(
    order: OrderRequest, binds: dict[str, Any], said: str
) -> None:
    assert said in check(decided(order, **binds))


def test_gate_refuses_a_child_after_its_time_to_send() -> None:
    assert "to be sent until" in check(decided(request()), NOW_NS + 51)


def test_gate_takes_a_structure_at_its_net_price_or_better() -> None:
    legs = (Leg(instrument="C1", side="buy"), Leg(instrument="C2", side="sell"))
    order = request(legs=legs, side="buy", price=-40)
    assert "covers other legs" in check(decided(order, price=-40))
    assert check(decided(order, legs=legs, price=-40)) == ""
    assert "covers -50" in check(decided(order, legs=legs, price=-50))


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    assert keys == keys_in(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    keys_in(tmp_path)
    (tmp_path / "verdict.key").chmod(0o640)
    with pytest.raises(ConfigError, match="mode 0640"):
        keys_in(tmp_path)


def test_keys_of_a_seed_are_its_own() -> None:
    assert keys_of_seed(1) == keys_of_seed(1) != keys_of_seed(2)
