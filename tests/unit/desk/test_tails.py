"""Value at risk: an account as a sum of integers, against revaluing it whole."""

from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from agents.desk.controls import Limit, Rulebook
from agents.desk.frozen import Frozen
from agents.desk.limits import Mandate
from agents.desk.risk_case import CaseMaker
from agents.desk.risk_state import RiskSettings, RiskState, first_state
from agents.desk.tails import CONFIDENCE, DRAWS, Tails, tail
from environment.instruments import make_equity, make_option
from environment.messages import OrderRequest, QuoteUpdate, Resumed, TimerFired
from environment.options.revaluation import gains, heston_scenarios
from tests.unit.desk.factories import AAPL, DOLLAR, context, make_risk, phase, quote

TODAY = date(2014, 6, 6)
OPTIONS = [
    make_option("AAPL", date(2014, 7, 19), right, strike)
    for right in ("call", "put") for strike in ("620", "645", "670")
]  # fmt: skip
STOCKS = (make_equity("AAPL"), make_equity("MSFT"))
MARKS = {"AAPL": 64_500, "MSFT": 4_100} | {one.symbol: 1_500 for one in OPTIONS}
LOTS = {one.symbol: n - 2 for n, one in enumerate(OPTIONS)} | {"AAPL": -300, "MSFT": 50}
SECOND = 1_000_000_000


def make(returns: dict[str, tuple[float, ...]] | None = None) -> tuple[CaseMaker, RiskState]:
    mandate = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1 << 60)
    rules = Rulebook(limits={"value_at_risk": Limit(hard=1e18)}, mandates={"quant/a": mandate})
    settings = RiskSettings(
        account="swarm", instruments=(*STOCKS, *OPTIONS), rules=rules, today=TODAY, key=7,
        reference_ticks=MARKS, cash_micros=1_000_000 * DOLLAR, returns=returns or {},
    )  # fmt: skip
    return CaseMaker(settings), first_state(settings)


def tails_of(maker: CaseMaker, state: RiskState) -> Tails:
    maker.renew(state)
    found = maker.market(state, state.marks).tails
    assert isinstance(found, Tails)
    return found


def whole_account(maker: CaseMaker, state: RiskState, lots: dict[str, int]) -> Any:
    """Return gains by scenario in money, line by line, as a reader would write it."""
    sheet = maker.market(state, state.marks).sheet
    total = np.zeros(DRAWS)
    for symbol, quantity in lots.items():
        lines = sheet.lines([symbol], state.marks)
        name = "MSFT" if symbol == "MSFT" else "AAPL"
        # Its volatility at the money; a stock without options has the usual one.
        sigma = 0.30
        if name == "AAPL" and len(lots) > 1:
            sigma = float(sheet.lines([OPTIONS[1].symbol], state.marks).sigma_annual[0])
        moves = heston_scenarios(7, DRAWS, 1.0, sigma_annual=sigma)
        total += quantity * gains(lines, moves)[0]
    return total


def test_account_is_revalued_whole() -> None:
    maker, state = make()
    found = tails_of(maker, state)._gain(LOTS)
    expected = whole_account(maker, state, LOTS)
    assert np.abs(found / 1e6 - expected).max() < 1e-3  # Half a millionth a lot, at most.


def test_orders_own_row_added_is_the_account_revalued_anew() -> None:
    maker, state = make()
    tails = tails_of(maker, state)
    state.book.account_in("AAPL").position = -300
    for symbol, quantity in LOTS.items():
        state.book.account_in(symbol).position = quantity
    tails.prepare(LOTS)
    more = LOTS | {OPTIONS[0].symbol: LOTS[OPTIONS[0].symbol] + 10}
    other_maker, other = make()
    assert tails.figures(more) == tails_of(other_maker, other).figures(more)
    assert tails.figures(more) != tails.figures(LOTS)


def test_restart_brings_the_same_figures_whatever_marks_are_now() -> None:
    maker, state = make({"AAPL": (0.01, -0.02, 0.005)})
    before = tails_of(maker, state).figures(LOTS)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=RiskState)
    kept.marks = {symbol: 2 * ticks for symbol, ticks in kept.marks.items()}
    again, _ = make({"AAPL": (0.01, -0.02, 0.005)})
    assert again.market(kept, kept.marks).tails.figures(LOTS) == before


@pytest.mark.parametrize(("lots", "at_least"), [(100, 0.15), (-100, 0.12)])
def test_days_of_the_past_count_where_they_are_worse_than_what_is_drawn(
    lots: int, at_least: float
) -> None:
    value = 100 * 645 * DOLLAR
    maker, state = make()
    drawn, _ = tails_of(maker, state).figures({"AAPL": lots})
    assert drawn < 0.1 * value
    maker, state = make({"AAPL": (-0.15, *[0.0] * 50, 0.12)})
    found, shortfall = tails_of(maker, state).figures({"AAPL": lots})
    assert found == pytest.approx(at_least * value, rel=1e-9)
    assert shortfall >= found


def test_stock_without_a_past_is_not_made_safe_by_the_past_of_another() -> None:
    maker, state = make({"AAPL": (-0.01, 0.01)})
    found, _ = tails_of(maker, state).figures({"MSFT": 1_000})
    assert found > 0.02 * 1_000 * 41 * DOLLAR


def test_tail_is_the_loss_exceeded_once_in_a_hundred_and_the_mean_beyond() -> None:
    gain = np.arange(-3, 197, dtype=np.int64)  # 200 of them: two may be worse.
    assert tail(gain, CONFIDENCE) == (1, 2)
    assert tail(np.array([5], np.int64), CONFIDENCE) == (-5, -5)


def test_desk_renews_each_minute_only_where_a_limit_asks() -> None:
    idle = make_risk()
    ctx = context("desk/risk")
    ctx.handle(idle, Resumed(), sender="kernel")
    assert ctx.timers_set == []
    risk = make_risk(Rulebook(limits={"expected_shortfall": Limit(hard=1e18)}))
    ctx.handle(risk, Resumed(), sender="kernel")
    assert [(timer.name, timer.due_ns) for timer in ctx.timers_set] == [
        ("renew figures", 60 * SECOND)
    ]
    ctx.handle(risk, quote(10_999, 11_001), sender="exchange")
    ctx.handle(risk, TimerFired(timer_id=1, name="renew figures"), sender="kernel")
    assert risk.state.frozen.version == 1
    assert risk.state.frozen.marks["AAPL"] == 11_000
    assert len(ctx.timers_set) == 2


def test_end_of_a_day_becomes_the_past_and_a_split_does_not() -> None:
    risk = make_risk(Rulebook(limits={"value_at_risk": Limit(hard=1e18)}))
    ctx = context("desk/risk")
    for mids, expected in (((10_000, 10_500), [0.05]), ((10_500, 1_500), [0.05])):
        ctx.handle(risk, phase("continuous"), sender="exchange")
        for mid in mids:
            ctx.handle(risk, quote(mid - 1, mid + 1), sender="exchange")
        ctx.handle(risk, phase("closed"), sender="exchange")
        ctx.handle(risk, phase("pre_open"), sender="exchange")
        assert risk.state.frozen.returns["AAPL"] == pytest.approx(expected)


def test_volatility_comes_from_the_past_until_marks_have_moved() -> None:
    frozen = Frozen(returns={"AAPL": [0.02, -0.02] * 20})
    frozen.hear("AAPL", 10_000, 0)
    frozen.renew({"AAPL": 10_000}, TODAY)
    assert frozen.sigmas["AAPL"] == pytest.approx(0.02 * 252**0.5)
    for minute in range(1, 200):
        frozen.hear("AAPL", 10_000 + minute % 2, minute * 61 * SECOND)
    frozen.renew({"AAPL": 10_000}, TODAY)
    assert frozen.sigmas["AAPL"] < 0.2


def test_order_beyond_the_limit_is_refused_by_name() -> None:
    risk = make_risk(Rulebook(limits={"value_at_risk": Limit(hard=1_000.0 * DOLLAR)}))
    ctx = context("desk/risk")
    ctx.handle(risk, quote(), sender="exchange")
    order = OrderRequest(
        order_id="quant/maker/1", instrument="AAPL", side="buy", quantity=1_000, price=10_000
    )
    ctx.handle(risk, order, sender="quant/maker")
    refused = [sent.message for sent in ctx.sent]
    assert refused[0].reason.startswith("value_at_risk: ")
    small = msgspec.structs.replace(order, order_id="quant/maker/2", quantity=10)
    ctx.handle(risk, small, sender="quant/maker")
    assert risk.state.book.account["AAPL"].buying == 10


def test_new_stock_is_not_reckoned_from_marks_that_did_not_know_it() -> None:
    risk = make_risk(
        Rulebook(limits={"value_at_risk": Limit(hard=1_000.0 * DOLLAR)}), reference_ticks={}
    )
    ctx = context("desk/risk")
    ctx.handle(risk, Resumed(), sender="kernel")
    ctx.handle(risk, TimerFired(timer_id=1, name="renew figures"), sender="kernel")
    told = QuoteUpdate(
        instrument="AAPL", bid_price=9_999, bid_quantity=100, ask_price=10_001, ask_quantity=100,
        last_price=None, volume=0, exchange_ns=0, first_sequence=0, last_sequence=0,
    )  # fmt: skip
    ctx.handle(risk, told, sender="exchange")
    order = OrderRequest(
        order_id="quant/maker/1", instrument=AAPL.symbol, side="buy", quantity=1_000, price=10_000
    )
    ctx.handle(risk, order, sender="quant/maker")
    assert "value_at_risk" in risk.state.refused
