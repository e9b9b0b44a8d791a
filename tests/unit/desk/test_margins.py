"""The desk's margin is the clearing house's, and its exact form is asked for at a breach only."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings as told, strategies as st

from agents.desk.case import Case
from agents.desk.controls import CONTROLS, Limit, Rulebook, breaches
from agents.desk.frozen import Frozen
from agents.desk.limits import Mandate
from agents.desk.margins import Margins
from agents.desk.risk_case import CaseMaker
from agents.desk.risk_state import RiskSettings, first_state
from environment.instruments import Instrument, make_equity, make_option
from environment.messages import OrderRequest
from environment.options.margin import MarginFigures, make_view, margin_of
from environment.options.margin_book import make_margin_table
from environment.options.margin_portfolio import implied_sigmas, make_risk_array
from tests.unit.desk.factories import DOLLAR

Kind = Literal["reg_t", "portfolio", "cash"]
TODAY = date(2014, 6, 6)
OPTIONS = tuple(
    make_option("AAPL", date(2014, 7, 19), right, strike)
    for right in ("call", "put") for strike in ("620", "645", "670")
)  # fmt: skip
INSTRUMENTS = {i.symbol: i for i in (make_equity("AAPL"), make_equity("MSFT"), *OPTIONS)}
MARKS = {"AAPL": 64_500, "MSFT": 450} | {one.symbol: 1_500 for one in OPTIONS}
LOTS = st.dictionaries(
    st.sampled_from(sorted(INSTRUMENTS)), st.integers(-5, 5).map(lambda n: 100 * n), max_size=8
)


@pytest.mark.parametrize("kind", ["reg_t", "portfolio", "cash"])
@told(max_examples=25, deadline=None)
@given(lots=LOTS, cash=st.integers(-(10**12), 10**13))
def test_account_has_the_margin_that_clearing_asks_of_it(
    kind: Kind, lots: dict[str, int], cash: int
) -> None:
    frozen = Frozen(version=1, marks=dict(MARKS), today=TODAY)
    found = Margins(INSTRUMENTS, kind).follow(frozen).figures(MARKS, cash, lots)
    table = make_margin_table(INSTRUMENTS.values())
    risk = None
    if kind == "portfolio":
        marks = table.vector(MARKS)
        day = TODAY.toordinal()
        sigmas = implied_sigmas(table, marks, table.spots(marks), day)
        risk = make_risk_array(table, table.spots(marks), sigmas, day)
    expected = margin_of(make_view(table, kind, MARKS, risk=risk), cash, table.vector(lots))
    names = ("equity_micros", "initial_micros", "maintenance_micros", "uncovered")
    assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]


def case_of(kind: Kind = "reg_t", **order: Any) -> tuple[Case, RiskSettings]:
    mandate = Mandate(instruments=("AAPL", "AAPL/options", "MSFT"), notional_micros=1 << 60)
    settings = RiskSettings(
        account="swarm", instruments=tuple(INSTRUMENTS.values()), today=TODAY, margin=kind,
        rules=Rulebook(mandates={"quant/a": mandate}), reference_ticks=MARKS,
        cash_micros=100_000 * DOLLAR,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "order_id": "quant/a/1", "instrument": "AAPL", "side": "buy", "quantity": 100,
        "price": 64_500,
    }  # fmt: skip
    state = first_state(settings)
    return CaseMaker(settings).case(state, OrderRequest(**(fields | order)), 0), settings


class Bounds:
    """Margin whose bound is twice what it comes to; it counts how often it was asked exactly."""

    def __init__(self) -> None:
        self.exactly = 0

    def figures(
        self, marks: dict[str, int], cash_micros: int, lots: Mapping[str, int], *,
        exact: bool | None = None,
    ) -> MarginFigures:  # fmt: skip
        self.exactly += exact is True
        required = (50_000 if exact else 100_000) * DOLLAR if lots else 0
        return MarginFigures(
            equity_micros=100_000 * DOLLAR, initial_micros=required, maintenance_micros=required,
            is_exact=exact is True,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "asked", "found"), [(1.0, 0, []), (0.6, 1, []), (0.4, 1, [("margin_used", 0.5)])]
)
def test_exact_margin_is_sought_at_a_breach_and_then_decides(
    limit: float, asked: int, found: list[tuple[str, float]]
) -> None:
    case, settings = case_of()
    bounds = Bounds()
    case.market = msgspec.structs.replace(case.market, margins=bounds)
    rules = msgspec.structs.replace(settings.rules, limits={"margin_used": Limit(hard=limit)})
    broken = [(one.control.name, one.figure) for one in breaches(case, rules)]
    assert broken == found
    assert bounds.exactly == asked


def test_cash_account_may_not_be_short_whatever_it_has() -> None:
    control = next(one for one in CONTROLS if one.name == "margin_used")
    case, _ = case_of("cash", instrument="MSFT", side="sell", quantity=1, price=450)
    assert control.figure(case) == float("inf")
    case, _ = case_of("cash", instrument="MSFT", quantity=1, price=450)
    assert control.figure(case) == pytest.approx(4.5 / 100_000)


def test_working_orders_are_paid_for_and_make_nobody_richer() -> None:
    settings = case_of()[1]
    state = first_state(settings)
    for number in range(3):
        state.book.account_in("AAPL").buying += 100 * number
    order = OrderRequest(
        order_id="quant/a/1", instrument="AAPL", side="buy", quantity=1, price=64_500
    )
    case = CaseMaker(settings).case(state, order, 0)
    assert case.before.equity_micros == case.after.equity_micros == 100_000 * DOLLAR
    assert case.before.margin_micros == 300 * 645 * DOLLAR // 2


def test_order_whose_margin_only_seems_to_fall_is_not_reducing() -> None:
    """The bound of the account after falls below that before, what both must hold rises."""
    near, far = date(2014, 6, 13), date(2014, 9, 19)
    held: dict[Instrument, tuple[int, int]] = {  # Mark in cents, and contracts.
        make_option("AAPL", near, "put", "90"): (1, 3),
        make_option("AAPL", near, "call", "100"): (172, -1),
        make_option("AAPL", near, "call", "105"): (23, 2),
        make_option("AAPL", near, "call", "110"): (1, 2),
        make_option("AAPL", far, "put", "90"): (223, 3),
        make_option("AAPL", far, "call", "100"): (641, 1),
        make_option("AAPL", far, "call", "110"): (283, -2),
    }
    instruments = (make_equity("AAPL"), *held)
    settings = RiskSettings(
        account="swarm", instruments=instruments, cash_micros=5_000 * DOLLAR, today=TODAY,
        reference_ticks={"AAPL": 10_000} | {one.symbol: mark for one, (mark, _) in held.items()},
    )  # fmt: skip
    state = first_state(settings)
    state.book.account_in("AAPL").position = 100
    for series, (_, contracts) in held.items():
        state.book.account_in(series.symbol).position = contracts
    request = OrderRequest(
        order_id="quant/maker/1", instrument=make_option("AAPL", far, "call", "100").symbol,
        side="sell", quantity=1, price=641,
    )  # fmt: skip
    case = CaseMaker(settings).case(state, request, 0)
    assert case.after.margin_micros < case.before.margin_micros
    assert case.after.exact_margin.initial_micros > case.before.exact_margin.initial_micros
    assert case.after.worst.loss_micros <= case.before.worst.loss_micros
    assert not case.is_reducing
