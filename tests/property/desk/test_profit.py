"""Profit adds up to the last micro, however a position was built, reduced and turned round."""

from hypothesis import given, strategies as st

from agents.desk.profit import Ledger
from environment.instruments import make_equity
from tests.unit.desk.factories import AAPL

FILLS = st.lists(
    st.tuples(
        st.sampled_from(["trend", "news"]),
        st.integers(-500, 500).filter(bool),
        st.integers(9_000, 11_000),
        st.integers(-50_000, 50_000),
        st.booleans(),
    ),
    max_size=40,
)


@given(FILLS, st.integers(9_000, 11_000))
def test_realised_and_unrealised_sum_to_the_cash_and_the_worth(
    fills: list[tuple[str, int, int, int, bool]], mark_ticks: int
) -> None:
    ledger, cash, lots = Ledger(), 0, 0
    for strategy, quantity, price, fee, half_tick in fills:
        ledger.fill(strategy, AAPL, quantity, price, fee, half_tick=half_tick)
        cash -= quantity * price * 10_000 + (quantity * 5_000 if half_tick else 0) + fee
        lots += quantity
    mark = mark_ticks * AAPL.tick_value_micros
    assert ledger.total_micros({"AAPL": mark}) == cash + lots * mark
    assert ledger.position("AAPL") == lots


@given(FILLS)
def test_closed_position_has_no_cost_left(fills: list[tuple[str, int, int, int, bool]]) -> None:
    ledger = Ledger()
    for strategy, quantity, price, fee, half_tick in fills:
        ledger.fill(strategy, AAPL, quantity, price, fee, half_tick=half_tick)
    for strategy in list(ledger.holdings):
        held = ledger.holding(strategy, "AAPL")
        if held.lots:
            ledger.fill(strategy, AAPL, -held.lots, 10_000, 0)
        assert (held.lots, held.cost_micros) == (0, 0)


def test_profit_is_kept_apart_by_strategy_and_instrument() -> None:
    ledger, other = Ledger(), make_equity("MSFT")
    ledger.fill("trend", AAPL, 10, 10_000, 0)
    ledger.fill("news", other, -5, 5_000, 1_000)
    ledger.fill("trend", AAPL, -10, 10_010, 0)
    assert ledger.strategy_micros("trend", {}) == (1_000_000, 0)
    assert ledger.strategy_micros("news", {"MSFT": 49_000_000}) == (-1_000, 5_000_000)
