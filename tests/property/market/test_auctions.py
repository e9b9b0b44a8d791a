"""Auctions against every tick of their collar."""

import math

import hypothesis.strategies as st
from hypothesis import given

from environment.market import layout as at
from tests.models.auction import auction_price
from tests.unit.market.day_driver import Day

STEP = 5
# Reference 1,000: a collar of 900 to 1,100. None stands for a market order.
orders = st.lists(
    st.tuples(
        st.sampled_from((at.BUY, at.SELL)),
        st.one_of(
            st.none(),
            st.one_of(st.integers(197, 203), st.integers(180, 220)).map(lambda k: STEP * k),
        ),
        st.integers(1, 5),
        st.sampled_from((0, 2)),
    ),
    max_size=14,
)


def opened(found: list[tuple[int, int | None, int, int]], last_close: int = 1_000) -> Day:
    day = Day(last_close=last_close, width=64, step_high=STEP)
    day.phase(at.PRE_OPEN)
    for number, (side, price, quantity, display) in enumerate(found):
        kind = at.ON_OPEN if price is None else at.LIMIT
        day.order(side, price, quantity, account=number % 4, kind=kind, display=display)
    day.phase(at.CONTINUOUS)
    return day


@given(orders)
def test_price_and_volume_are_those_of_brute_force(
    found: list[tuple[int, int | None, int, int]],
) -> None:
    sides = [
        [
            ((math.inf if side == at.BUY else -math.inf) if price is None else price, quantity)
            for side, price, quantity, _ in found
            if side == wanted
        ]
        for wanted in (at.BUY, at.SELL)
    ]
    best = auction_price(sides[0], sides[1], range(900, 1_101, STEP), 1_000)
    row = opened(found).of(at.K_AUCTION)[-1]
    assert (row[at.T_PRICE], row[at.T_QUANTITY]) == (best or (at.NO_BID, 0))


@given(orders)
def test_book_is_not_crossed_and_nobody_waits_for_the_auction_any_more(
    found: list[tuple[int, int | None, int, int]],
) -> None:
    day = opened(found)
    assert day.word(at.I_BEST) < day.word(at.I_BEST_ASK)
    assert day.word(at.I_ON_OPEN) == day.word(at.I_ON_OPEN + 2) == 0
    assert int(day.market.section(at.S_ACCOUNT)[:, at.A_CASH].sum()) == 0


@given(orders, st.sampled_from((0, 100, 1_050, 5_000)))
def test_book_is_not_crossed_wherever_the_reference_lies(
    found: list[tuple[int, int | None, int, int]], last_close: int
) -> None:
    day = opened(found, last_close)
    assert day.word(at.I_BEST) < day.word(at.I_BEST_ASK)


CENTS = st.integers(96, 104).map(lambda k: 10 * k if k >= 100 else 1_000 - (100 - k) * 3)


@given(st.lists(
    st.tuples(st.sampled_from((at.BUY, at.SELL)), CENTS, st.integers(1, 5), st.just(0)),
    max_size=14,
))  # fmt: skip
def test_every_legal_tick_of_the_collar_counts_on_both_sides_of_a_change_of_increment(
    found: list[tuple[int, int | None, int, int]],
) -> None:
    """Below 1,000 any tick is legal, from there on every tenth one; the collar holds both."""
    day = Day(last_close=1_000, width=64, step_low=1, step_high=10, threshold=1_000)
    day.phase(at.PRE_OPEN)
    for number, (side, price, quantity, _) in enumerate(found):
        day.order(side, price, quantity, account=number % 4)
    day.phase(at.CONTINUOUS)
    sides = [
        [(float(price or 0), quantity) for side, price, quantity, _ in found if side == wanted]
        for wanted in (at.BUY, at.SELL)
    ]
    ticks = [*range(900, 1_000), *range(1_000, 1_101, 10)]
    best = auction_price(sides[0], sides[1], ticks, 1_000)
    row = day.of(at.K_AUCTION)[-1]
    assert (row[at.T_PRICE], row[at.T_QUANTITY]) == (best or (at.NO_BID, 0))
