"""Legging in: an order is judged, and shown, by the worst that its legs come to one by one."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from agents.desk.cards import worst_case
from agents.desk.case import Case
from agents.desk.measures import AccountMeasures, Worst
from agents.desk.ruling import score_of
from environment.messages import Leg, Side
from tests.unit.desk.factories import AGENT, DOLLAR, accepted, ask, limits
from tests.unit.desk.option_factories import C105, C110, P90, P95, VERTICAL, leg_fill
from tests.unit.desk.test_option_risk import Desk

BETWEEN = ", other orders unfilled"
SELL_PUT = {"instrument": P95, "side": "sell", "price": 65}


def case_of(desk: Desk, **given: Any) -> Case:
    return desk.risk._maker.case(desk.risk.state, ask(99, **({"quantity": 1} | given)), 0)


def test_written_leg_is_judged_before_the_bought_one_has_filled() -> None:
    desk = Desk(limits(worst_case_loss=600 * DOLLAR))
    assert desk.order(quantity=1, price=-40, legs=VERTICAL) == ""  # As one order it goes.
    desk = Desk(limits(worst_case_loss=600 * DOLLAR))
    assert desk.order(instrument=P90, price=25) == ""
    assert desk.order(**SELL_PUT) == "worst_case_loss"
    desk.tell(accepted(f"{AGENT}/1"), leg_fill(f"{AGENT}/1", P90, "buy", 25, 1))
    assert desk.order(**SELL_PUT) == ""


def test_bought_leg_is_judged_beside_a_written_one_that_works() -> None:
    """The order in which two working legs fill is not known: the figure is the same both ways."""
    desk, other = Desk(), Desk()
    assert desk.order(**SELL_PUT) == other.order(instrument=P90, price=25) == ""
    bought = case_of(desk, instrument=P90, price=25)
    sold = case_of(other, **SELL_PUT)
    assert bought.after.worst == sold.after.worst
    assert sold.worst.loss_micros > 2 * sold.after.worst.loss_micros
    # Filled first, the bought put only ever takes from the loss of the written one.
    assert bought.worst == bought.after.worst


def test_stock_bought_for_a_call_to_be_written_may_not_come() -> None:
    desk = Desk()
    assert desk.order(instrument="AAPL", quantity=100, price=10_000) == ""
    case = case_of(desk, instrument=C105, side="sell", price=60)
    assert not case.after.worst.is_unbounded
    gone = AccountMeasures(case.market, {C105: -1}, 0).worst
    assert case.worst.loss_micros == max(gone.loss_micros, case.after.worst.loss_micros)
    assert case.worst.is_unbounded


def test_card_shows_the_worst_leg_and_says_so() -> None:
    desk = Desk()
    alone = worst_case(case_of(desk, **SELL_PUT))
    assert not alone.when.endswith(BETWEEN)
    assert desk.order(instrument=P90, price=25) == ""
    case = case_of(desk, **SELL_PUT)
    shown = worst_case(case)
    assert shown.when.endswith(BETWEEN)
    assert shown.loss_micros == alone.loss_micros > case.after.worst.loss_micros
    vertical = worst_case(case_of(Desk(), legs=VERTICAL, price=-40))
    assert not vertical.when.endswith(BETWEEN)  # Its legs fill together.
    parts = {part.name: part.text for part in score_of(case, limits())[1]}
    assert parts["worst case"] == f"{shown.loss_micros / case.after.equity_micros:.1%} of equity"


def test_stock_alone_is_judged_as_before() -> None:
    desk = Desk()
    assert desk.order(instrument="AAPL", quantity=100, price=10_000) == ""
    case = case_of(desk, instrument="AAPL", side="sell", quantity=100, price=10_000)
    assert case.worst == case.after.worst == Worst()


SYMBOLS = ("AAPL", P90, P95, C105, C110)
PRICES = {"AAPL": 10_000, P90: 22, P95: 68, C105: 63, C110: 18}
SINGLE = st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(("buy", "sell")), st.integers(1, 3))


@settings(max_examples=30, deadline=None)
@given(
    working=st.lists(SINGLE, max_size=4), own=SINGLE, verticals=st.integers(0, 2),
    held=st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-2, 2)),
)  # fmt: skip
def test_worst_is_that_of_the_worst_choice_of_fills(
    working: list[tuple[str, Side, int]], own: tuple[str, Side, int], verticals: int,
    held: dict[str, int],
) -> None:  # fmt: skip
    desk = Desk()
    for symbol, lots in held.items():
        desk.risk.state.book.account_in(symbol).position = lots
    moves: list[dict[str, int]] = []
    for symbol, side, lots in working:
        size = lots * 100 if symbol == "AAPL" else lots
        given_ = {"instrument": symbol, "side": side, "price": PRICES[symbol], "quantity": size}
        if not desk.order(**given_):
            moves.append({symbol: size if side == "buy" else -size})
    passed = [not desk.order(legs=VERTICAL, price=-40) for _ in range(verticals)]
    moves += [{P90: 1, P95: -1}] * sum(passed)
    symbol, side, lots = own
    case = case_of(desk, instrument=symbol, side=side, quantity=lots, price=PRICES[symbol])
    filled = held | {symbol: held.get(symbol, 0) + (lots if side == "buy" else -lots)}
    worst = Worst()
    for choice in product((0, 1), repeat=len(moves)):
        account = dict(filled)
        for taken, move in zip(choice, moves, strict=True):
            for name, signed in move.items():
                account[name] = account.get(name, 0) + taken * signed
        found = AccountMeasures(case.market, account, 0).worst
        worst = max(worst, found, key=lambda one: one.loss_micros)
    kinds = {symbol, *(name for move in moves for name in move)}
    kinds |= {name for name, count in held.items() if count}
    if kinds != {"AAPL"}:
        assert case.worst.loss_micros == pytest.approx(worst.loss_micros, abs=2)
    else:
        assert case.worst == case.after.worst


def test_legs_of_one_structure_are_one_choice() -> None:
    desk = Desk()
    assert desk.order(legs=VERTICAL, price=-40) == ""
    together = (Leg(instrument=C105, side="sell"), Leg(instrument=C110, side="buy"))
    case = case_of(desk, legs=together, price=-40)
    either = AccountMeasures(case.market, {C105: -1, C110: 1}, 0).worst
    assert case.worst.loss_micros == max(either.loss_micros, case.after.worst.loss_micros)
