"""One breach for each control and breaker: what it must catch, made on purpose.

`make controls` runs them all and keeps the proof; the tests run them too. A control without a proof
is found by name.
"""

from datetime import date
from typing import Any, Final, Literal

import msgspec

from agents.desk.case import Activity, Case
from agents.desk.controls import CONTROLS, Breach, Limit, Mandate, Rulebook, breaches
from agents.desk.exposure import DeskBook
from agents.desk.market_view import DeskView
from agents.desk.risk_case import CaseMaker
from agents.desk.risk_state import RiskSettings, RiskState
from environment.control_messages import DeskState
from environment.instruments import Instrument, make_equity, make_option
from environment.messages import Leg, OrderRequest, Phase, QuoteUpdate, Side

Kind = Literal["soft", "hard"]
NOW_NS: Final = 100_000_000_000
_MINUTE_NS: Final = 60_000_000_000
TODAY: Final = date(2014, 6, 6)
_OWNER: Final = "quant/tested"
_STOCK = make_equity("AAPL")
_CALL, _HIGHER = (
    make_option("AAPL", date(2014, 7, 19), "call", strike) for strike in ("650", "660")
)
_INSTRUMENTS: Final[tuple[Instrument, ...]] = (_STOCK, _CALL, _HIGHER)
_MARKS: Final = {"AAPL": 64_500, _CALL.symbol: 1_500, _HIGHER.symbol: 1_050}


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to one control, and what it said; `fired` is False where it said nothing."""

    name: str
    unit: str
    kind: Kind
    figure: float | None
    limit: float | None
    fired: bool


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """An order and a state in which a control must speak; `limit` is what it then breaks."""

    order: OrderRequest
    limit: float = 0.0
    state: DeskState = "active"
    phase: Phase = "continuous"
    heard_ns: int = NOW_NS
    activity: Activity = Activity(orders_in_second=1, repeats=1)
    mandate: Mandate = Mandate(
        instruments=("AAPL", "AAPL/options"), notional_micros=10_000_000_000_000
    )
    restricted: tuple[str, ...] = ()
    was_lower: int = 0  # By so many ticks every mark, half a minute before.


def _order(**changes: Any) -> OrderRequest:  # noqa: ANN401  any field of a request
    order = OrderRequest(
        order_id=f"{_OWNER}/1", instrument="AAPL", side="buy", quantity=100, price=64_510
    )
    return msgspec.structs.replace(order, **changes)


def _option(side: Side = "buy", quantity: int = 10) -> OrderRequest:
    return _order(instrument=_CALL.symbol, side=side, quantity=quantity, price=1_500)


def _quote(symbol: str, mid: int) -> QuoteUpdate:
    return QuoteUpdate(
        instrument=symbol, bid_price=mid - 10, bid_quantity=200, ask_price=mid + 10,
        ask_quantity=200, last_price=mid, volume=0, exchange_ns=0, first_sequence=0,
        last_sequence=0,
    )  # fmt: skip


_SPREAD: Final = _order(
    quantity=5, price=450,
    legs=(Leg(instrument=_CALL.symbol, side="buy"), Leg(instrument=_HIGHER.symbol, side="sell")),
)  # fmt: skip

TRIALS: Final[dict[str, Trial]] = {
    "desk_state": Trial(order=_order(), state="reducing"),
    "mandate_instruments": Trial(
        order=_order(), mandate=Mandate(instruments=("MSFT",), notional_micros=1 << 60)
    ),
    "mandate_notional": Trial(
        order=_order(), mandate=Mandate(instruments=("AAPL",), notional_micros=1_000_000)
    ),
    "restricted": Trial(order=_option(), restricted=("AAPL",)),
    "trading_phase": Trial(order=_order(), phase="halted"),
    "order_quantity": Trial(order=_order(), limit=99),
    "order_notional": Trial(order=_order(), limit=64_000_000_000),
    "order_share_of_depth": Trial(order=_order(), limit=0.4),
    "price_collar": Trial(order=_order(price=68_000), limit=0.05),
    "order_share_of_daily_volume": Trial(order=_order(), limit=0.0009),
    "window_collar": Trial(order=_order(), limit=0.05, was_lower=4_500),
    "option_window_collar": Trial(order=_option(), limit=0.25, was_lower=500),
    "resting_collar": Trial(order=_order(price=60_000), limit=0.05),
    "duplicate_orders": Trial(
        order=_order(), limit=1, activity=Activity(orders_in_second=2, repeats=2)
    ),
    "orders_per_second": Trial(
        order=_order(), limit=20, activity=Activity(orders_in_second=21, repeats=1)
    ),
    "strategy_orders_per_second": Trial(
        order=_order(strategy="tested"),
        limit=30,
        activity=Activity(orders_in_second=1, repeats=1, strategy_in_second=31),
    ),
    "desk_orders_per_second": Trial(
        order=_order(),
        limit=50,
        activity=Activity(orders_in_second=1, repeats=1, desk_in_second=51),
    ),
    "data_age": Trial(order=_order(), limit=3e9, heard_ns=NOW_NS - 3_000_000_001),
    "model_dispersion": Trial(order=_order(dispersion=0.36), limit=0.35),
    "position": Trial(order=_order(), limit=99),
    "gross_exposure": Trial(order=_order(), limit=64_000_000_000),
    "net_exposure": Trial(order=_order(side="sell", price=64_490), limit=64_000_000_000),
    "concentration": Trial(order=_order(), limit=0.05),
    "underlying_delta": Trial(order=_option(), limit=300_000_000_000),
    "underlying_gamma": Trial(order=_option(), limit=1_000_000_000),
    "underlying_vega": Trial(order=_option(), limit=500_000_000),
    "underlying_theta": Trial(order=_option(), limit=100_000_000),
    "expiry_delta": Trial(order=_option(), limit=300_000_000_000),
    "expiry_gamma": Trial(order=_option(), limit=1_000_000_000),
    "expiry_vega": Trial(order=_option(), limit=500_000_000),
    "expiry_theta": Trial(order=_option(), limit=100_000_000),
    "uncovered_short_options": Trial(order=_option("sell"), limit=9),
    "structure_loss": Trial(order=_SPREAD, limit=2_000_000_000),
    "worst_case_loss": Trial(order=_order(), limit=12_000_000_000),
    "margin_used": Trial(order=_order(), limit=0.03),
    "value_at_risk": Trial(order=_order(), limit=1_000_000_000),
    "expected_shortfall": Trial(order=_order(), limit=1_000_000_000),
}


def prove(name: str, kind: Kind = "hard", *, at_limit: bool = False) -> Proof:
    """Return what a control says to its trial; `at_limit` gives it exactly its figure as limit."""
    trial = TRIALS[name]
    control = next(one for one in CONTROLS if one.name == name)
    limit = trial.limit
    if at_limit:
        figure = control.figure(_case(trial, _rules(name, limit, kind, trial)))
        assert figure is not None, f"{name} has no figure"
        limit = float(figure)
    rules = _rules(name, limit, kind, trial)
    found: Breach | None = next(
        (breach for breach in breaches(_case(trial, rules), rules) if breach.control.name == name),
        None,
    )
    return Proof(
        name=name, unit=control.unit, kind=kind, fired=found is not None and found.kind == kind,
        figure=None if found is None else float(found.figure),
        limit=None if found is None else float(found.limit),
    )  # fmt: skip


def prove_all() -> list[Proof]:
    """Return the proof of every control: hard ones, and soft where a soft limit can stand."""
    proofs = []
    for control in CONTROLS:
        proofs.append(prove(control.name))
        if not control.fixed and control.name != "mandate_notional":
            proofs.append(prove(control.name, "soft"))
    return proofs


def _rules(name: str, limit: float, kind: Kind, trial: Trial) -> Rulebook:
    own = Limit(soft=limit) if kind == "soft" else Limit(hard=limit)
    return Rulebook(
        limits={name: own}, restricted=trial.restricted, mandates={_OWNER: trial.mandate}
    )


def _case(trial: Trial, rules: Rulebook) -> Case:
    """Return the case of a trial: an account of a million that holds nothing, in an open market."""
    settings = RiskSettings(
        account="swarm", instruments=_INSTRUMENTS, today=TODAY, key=7,
        day_micros={"AAPL": 645e6 * 100_000},
    )  # fmt: skip
    state = RiskState(
        book=DeskBook(), rules=rules, cash_micros=1_000_000_000_000,
        marks=dict(_MARKS), today=TODAY,
    )  # fmt: skip
    for symbol, mark in _MARKS.items():
        view = state.views[symbol] = DeskView(
            bid_price=mark - 10, bid_quantity=200, ask_price=mark + 10, ask_quantity=200,
            heard_ns=trial.heard_ns, last_price=mark, bid_depth=200, ask_depth=200,
        )  # fmt: skip
        if trial.was_lower:
            view.keep_window(_MINUTE_NS)
            for price, ago_ns in ((mark - trial.was_lower, _MINUTE_NS // 2), (mark, 0)):
                view.hear_quote(_quote(symbol, price), NOW_NS - ago_ns, 0)
    case = CaseMaker(settings).case(state, trial.order, NOW_NS, activity=trial.activity)
    state.views["AAPL"].phase = trial.phase
    case.state = trial.state
    return case
