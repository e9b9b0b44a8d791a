"""The exchange's own tape, told in LOBSTER's events."""

import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at
from environment.market.recording import TAPE_PHASE, tape_to_lobster

Rows = NDArray[np.int64]


def row(
    time: int, kind: int, order: int, *, side: int = at.BUY, price: int = 100, quantity: int = 5,
    leaves: int = 0, liquidity: int = at.LIQ_NONE, other: int = at.NONE, flags: int = 0,
    form: int = at.LIMIT,
) -> list[int]:  # fmt: skip
    made = [at.NONE] * len(at.TAPE_COLUMNS)
    made[at.T_TIME], made[at.T_KIND], made[at.T_ORDER], made[at.T_SIDE] = time, kind, order, side
    made[at.T_PRICE], made[at.T_QUANTITY], made[at.T_LEAVES] = price, quantity, leaves
    made[at.T_LIQUIDITY], made[at.T_COUNTERPARTY], made[at.T_INSTRUMENT] = liquidity, other, 0
    made[at.T_TYPE] = form | flags << 8
    return made


def told(*rows: list[int], levels: int = 2, start: int = 0) -> tuple[Rows, Rows]:
    tape = np.array(rows, np.int64)
    return tape_to_lobster(tape, instrument=0, start_ns=start, end_ns=1_000, levels=levels)


def kinds(*rows: list[int], levels: int = 2, start: int = 0) -> list[list[int]]:
    """Type, size, price and direction of every message."""
    messages, _ = told(*rows, levels=levels, start=start)
    return [[m[1], *m[3:]] for m in messages.tolist()]


def test_iceberg_refill_is_a_new_order_at_the_back() -> None:
    assert kinds(
        row(1, at.K_REST, 7, quantity=9, leaves=5),
        row(2, at.K_FILL, 7, quantity=5, leaves=4, liquidity=at.LIQ_DISPLAYED),
        row(2, at.K_REFILL, 7, quantity=4, leaves=4),
    ) == [[1, 5, 10_000, 1], [4, 5, 10_000, 1], [1, 4, 10_000, 1]]


def test_hidden_match_has_no_order_id_and_shows_half_ticks() -> None:
    messages, _ = told(
        row(1, at.K_REST, 7, leaves=5, flags=at.F_HIDDEN),
        row(2, at.K_FILL, 7, quantity=2, liquidity=at.LIQ_MIDPOINT + at.HALF_TICK),
    )
    assert messages.tolist() == [[2, 5, 0, 2, 10_050, 1]]


def test_replaced_order_is_deleted_and_entered_again() -> None:
    assert kinds(
        row(1, at.K_REST, 7, leaves=5),
        row(2, at.K_MOVE, 7),
        row(2, at.K_REST, 7, price=99, leaves=5),
    ) == [[1, 5, 10_000, 1], [3, 5, 10_000, 1], [1, 5, 9_900, 1]]


def test_reduced_order_is_a_partial_cancel() -> None:
    rows = kinds(row(1, at.K_REST, 7, leaves=5), row(2, at.K_REDUCE, 7, quantity=2, leaves=3))
    assert rows[1] == [2, 2, 10_000, 1]


def test_orders_wait_for_an_auction_unseen() -> None:
    assert kinds(row(1, at.K_REST, 7, leaves=5, form=at.ON_CLOSE)) == []


def test_auction_match_is_a_cross_trade_and_two_withdrawals() -> None:
    assert kinds(
        row(1, at.K_REST, 7, leaves=5),
        row(1, at.K_REST, 8, side=at.SELL, price=101, leaves=9),
        row(2, at.K_FILL, 7, quantity=5, liquidity=at.LIQ_AUCTION, other=8),
    )[2:] == [[6, 5, 10_000, -1], [3, 5, 10_000, 1], [2, 5, 10_100, -1]]


def test_events_outside_the_window_are_left_out() -> None:
    rows = [row(1, at.K_REST, 7 + n, price=100 - n, leaves=5) for n in range(3)]
    messages, books = told(*rows, row(2, at.K_CANCEL, 9, price=98))
    assert len(messages) == 2
    assert books[-1].reshape(-1, 4)[:, 2:].tolist() == [[10_000, 5], [9_900, 5]]


def test_rows_before_the_start_build_the_book() -> None:
    messages, books = told(row(1, at.K_REST, 7, leaves=5), row(5, at.K_REST, 8, leaves=1), start=5)
    assert len(messages) == 1
    assert books[0, 2:4].tolist() == [10_000, 6]


def test_nothing_is_told_outside_continuous_trading() -> None:
    phase = row(1, at.K_PHASE, at.NONE)
    phase[TAPE_PHASE] = at.PRE_OPEN
    assert kinds(phase, row(2, at.K_REST, 7, leaves=5)) == []
