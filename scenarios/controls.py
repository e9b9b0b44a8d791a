"""`make controls`: breach every control and breaker on purpose, and keep the proof."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from agents.desk.control_proofs import TODAY, Proof, prove_all
from agents.desk.controls import CONTROLS
from agents.desk.limits import MEASURES, SCOPES, Breaker, Mandate, Rulebook
from agents.desk.risk import Risk
from agents.desk.risk_state import RiskSettings
from environment.actors import ActorRef, Directory
from environment.actors.testing import RecordingContext
from environment.authority import keys_of_seed
from environment.control_messages import DeskStateChanged
from environment.instruments import make_equity
from environment.messages import OrderFilled, OrderRequest, QuoteUpdate
from environment.record.files import write_whole

PROOFS: Final = "controls.json"
_OWNER: Final = "quant/tested"
_MINUTE_NS: Final = 60_000_000_000
_SCOPES: Final[dict[str, str]] = {
    "desk": "", "agent": _OWNER, "strategy": "tested", "underlying": "AAPL",
}  # fmt: skip


class BreakerProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a breaker did once its figure was reached."""

    name: str
    scope: str
    state: str
    figures: str
    fired: bool


def prove_breakers() -> list[BreakerProof]:
    """Return the proof of every breaker of every scope, at both of its figures."""
    proofs = []
    for measure in MEASURES:
        at = 1 if measure == "repeated_execution" else 900_000_000
        for scope in SCOPES:
            low = Breaker(measure=measure, scope=scope, reducing=at, within_ns=_MINUTE_NS)
            high = Breaker(measure=measure, scope=scope, halted=at, within_ns=_MINUTE_NS)
            proofs += [_prove_breaker(low, "reducing"), _prove_breaker(high, "halted")]
    return proofs


def _prove_breaker(breaker: Breaker, state: str) -> BreakerProof:
    """Buy 100 shares at 645.00, let them fall to 635.00, and see what the desk does."""
    mandate = Mandate(instruments=("AAPL",), notional_micros=1 << 60)
    rules = Rulebook(mandates={_OWNER: mandate}, breakers=(breaker,))
    settings = RiskSettings(
        account="swarm", instruments=(make_equity("AAPL"),), rules=rules, today=TODAY,
        reference_ticks={"AAPL": 64_500}, cash_micros=1_000_000_000_000,
    )  # fmt: skip
    risk = Risk(
        ActorRef("desk/custodian"), ActorRef("human/approvals"), Directory(lambda _: True),
        settings, keys_of_seed(1),
    )  # fmt: skip
    ctx = RecordingContext("desk/risk", now_ns=1_000_000_000)
    order_id = f"{_OWNER}/1"
    ctx.handle(risk, OrderRequest(
        order_id=order_id, instrument="AAPL", side="buy", quantity=100, price=64_500,
        strategy="tested",
    ), sender=_OWNER)  # fmt: skip
    ctx.handle(risk, OrderFilled(
        order_id=order_id, instrument="AAPL", side="buy", price=64_500, quantity=100, leaves=0,
        liquidity="taker", fee_micros=0, exchange_ns=1, trade_id=1,
    ), sender="desk/custodian")  # fmt: skip
    ctx.handle(risk, QuoteUpdate(
        instrument="AAPL", bid_price=63_490, bid_quantity=100, ask_price=63_510, ask_quantity=100,
        last_price=63_500, volume=100, exchange_ns=2, first_sequence=1, last_sequence=1,
    ), sender="exchange")  # fmt: skip
    changed = [p.message for p in ctx.published if isinstance(p.message, DeskStateChanged)]
    fired = any(
        (c.scope, c.name, c.after) == (breaker.scope, _SCOPES[breaker.scope], state)
        for c in changed
    )
    return BreakerProof(
        name=breaker.name, scope=breaker.scope, state=state, fired=fired,
        figures=changed[-1].figures if changed else "",
    )  # fmt: skip


def main(folder: Path = Path("runs")) -> int:
    """Breach everything, write the proofs, and return 0 if all spoke."""
    proofs, breakers = prove_all(), prove_breakers()
    folder.mkdir(parents=True, exist_ok=True)
    content = {"controls": proofs, "breakers": breakers}
    write_whole(folder / PROOFS, msgspec.json.format(msgspec.json.encode(content), indent=2))
    for proof in proofs:
        _show(proof)
    for breaker in breakers:
        word = "fired" if breaker.fired else "SILENT"
        sys.stdout.write(f"{word:<7} {breaker.name} -> {breaker.state} at {breaker.figures}\n")
    silent = [p.name for p in proofs if not p.fired] + [b.name for b in breakers if not b.fired]
    sys.stdout.write(
        f"{len(CONTROLS)} controls, {len(proofs)} breaches and {len(breakers)} of breakers;"
        f" {len(silent)} silent; proof in {folder / PROOFS}\n"
    )
    return 1 if silent else 0


def _show(proof: Proof) -> None:
    word = "fired" if proof.fired else "SILENT"
    figures = f"{proof.figure:,.4g} over {proof.limit:,.4g} {proof.unit}" if proof.fired else ""
    sys.stdout.write(f"{word:<7} {proof.name} ({proof.kind}) {figures}\n")


if __name__ == "__main__":
    sys.exit(main())
