"""A recording in the matching market: alone, and with an agent in its way."""

import numpy as np
import pytest

from environment.market import layout as at
from environment.market.market import Market
from environment.market.replay_flow import ReplayFlow
from tests.unit.market.replay_driver import (
    CROSS,
    DELETE,
    EXECUTE,
    FIRST,
    HALT,
    HIDDEN,
    NEW,
    REDUCE,
    Message,
    assert_conserved,
    day_of,
    order,
    play,
)

# A bid of 50 at 10,000, executed in full at 30.
EXECUTED: list[Message] = [*FIRST, (10, NEW, 3, 50, 10_000, 1), (30, EXECUTE, 3, 50, 10_000, 1)]


def test_alone_the_recorded_execution_takes_the_recorded_order() -> None:
    played = play(day_of(EXECUTED))
    fill = played.rows(at.K_FILL)[0]
    assert fill[[at.T_TIME, at.T_PRICE, at.T_QUANTITY, at.T_SIDE]].tolist() == [30, 10_000, 50, 0]
    assert played.counts == {
        "rows": 4, "executed": 50, "taken_from_agents": 0, "displaced": 0, "consumed": 0,
        "printed": 0,
    }  # fmt: skip
    assert_conserved(played)


def test_agent_in_front_is_taken_and_the_recorded_remainder_is_displaced() -> None:
    played = play(day_of(EXECUTED), lambda m, a: void(order(m, a, 7, at.BUY, 10_000, 20)))
    assert (played.position(), played.counts["taken_from_agents"]) == (20, 20)
    assert (played.counts["displaced"], played.counts["consumed"]) == (20, 0)
    gone = played.rows(at.K_CANCEL)[-1]
    assert gone[[at.T_TIME, at.T_QUANTITY, at.T_LIQUIDITY]].tolist() == [30, 20, at.R_DISPLACED]
    assert_conserved(played)


def test_agent_behind_is_left_alone() -> None:
    played = play(day_of(EXECUTED), lambda m, a: void(order(m, a, 12, at.BUY, 10_000, 20)))
    assert (played.position(), played.counts["displaced"]) == (0, 0)


def test_agent_with_the_better_price_trades_at_it() -> None:
    played = play(day_of(EXECUTED), lambda m, a: void(order(m, a, 12, at.BUY, 10_001, 60)))
    assert played.position() == 50
    assert played.rows(at.K_FILL)[:, at.T_PRICE].tolist() == [10_001]
    assert played.counts["displaced"] == 50


def test_displaced_remainder_stands_until_the_delay_is_over() -> None:
    late: list[Message] = [*EXECUTED, (100, NEW, 9, 1, 9_000, 1)]
    played = play(
        day_of(late), lambda m, a: void(order(m, a, 7, at.BUY, 10_000, 20)), delay=40
    )  # fmt: skip
    gone = played.rows(at.K_CANCEL)[-1]
    assert gone[[at.T_TIME, at.T_QUANTITY, at.T_LIQUIDITY]].tolist() == [70, 20, at.R_DISPLACED]
    assert played.flow.log.tolist() == [[70, 0, 20]]


def test_lingering_remainder_can_be_taken_and_is_then_not_displaced() -> None:
    late: list[Message] = [*EXECUTED, (100, NEW, 9, 1, 9_000, 1)]

    def act(market: Market, agent: int) -> None:
        order(market, agent, 7, at.BUY, 10_000, 20)
        order(market, agent, 50, at.SELL, 10_000, 5)

    played = play(day_of(late), act, delay=40)
    assert (played.position(), played.counts["displaced"]) == (15, 15)


@pytest.mark.parametrize(("kind", "size"), [(DELETE, 50), (REDUCE, 45), (EXECUTE, 50)])
def test_what_an_agent_has_taken_is_consumed(kind: int, size: int) -> None:
    messages: list[Message] = [*FIRST, (10, NEW, 3, 50, 10_000, 1), (30, kind, 3, size, 10_000, 1)]
    played = play(day_of(messages), lambda m, a: void(order(m, a, 20, at.SELL, 10_000, 15)))
    assert played.counts["consumed"] == size - 35
    assert played.counts["executed"] == (35 if kind == EXECUTE else 0)
    assert played.position() == -15
    assert_conserved(played)


def test_recorded_order_arriving_across_an_agent_trades_with_it() -> None:
    played = play(day_of(EXECUTED), lambda m, a: void(order(m, a, 7, at.SELL, 9_999, 30)))
    fill = played.rows(at.K_FILL)[0]
    assert fill[[at.T_TIME, at.T_PRICE, at.T_QUANTITY]].tolist() == [10, 9_999, 30]
    assert (played.counts["executed"], played.counts["consumed"]) == (20, 30)


def test_execution_passes_recorded_orders_that_the_recording_passed() -> None:
    messages: list[Message] = [
        *FIRST, (10, NEW, 3, 50, 10_000, 1), (11, NEW, 4, 40, 10_000, 1),
        (30, EXECUTE, 4, 40, 10_000, 1), (31, DELETE, 3, 50, 10_000, 1),
    ]  # fmt: skip
    played = play(day_of(messages))
    assert played.rows(at.K_FILL)[:, at.T_QUANTITY].tolist() == [40]
    assert (played.counts["displaced"], played.counts["consumed"]) == (0, 0)
    among = play(day_of(messages), lambda m, a: void(order(m, a, 10, at.BUY, 10_000, 7)))
    assert (among.position(), among.counts["displaced"]) == (7, 7)


def test_hidden_execution_is_a_print_half_a_tick_off_and_touches_no_queue() -> None:
    messages: list[Message] = [
        (5, NEW, 1, 100, 999_000, 1), (6, NEW, 2, 100, 1_001_000, -1),
        (9, HIDDEN, 0, 70, 1_000_050, -1), (10, CROSS, 0, 500, 1_000_000, -1),
    ]  # fmt: skip
    played = play(day_of(messages, unit=100))
    prints = played.rows(at.K_PRINT)
    assert prints[:, at.T_PRICE].tolist() == [10_000, 10_000]
    assert prints[:, at.T_LIQUIDITY].tolist() == [at.LIQ_HIDDEN + at.HALF_TICK, at.LIQ_AUCTION]
    assert len(played.rows(at.K_FILL)) == 0
    row = played.market.section(at.S_INSTRUMENT)[0]
    assert (row[at.I_VOLUME], row[at.I_LAST], played.counts["printed"]) == (570, 10_000, 570)
    assert_conserved(played)


def test_order_off_the_tick_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of the tick"):
        day_of([(5, NEW, 1, 100, 999_050, 1)], unit=100)


def test_recorded_halt_stops_agents_and_its_end_lets_them_trade() -> None:
    messages: list[Message] = [
        *FIRST, (20, HALT, 0, 0, -1, -1), (25, DELETE, 2, 100, 10_010, -1),
        (30, HALT, 0, 0, 0, -1), (40, HALT, 0, 0, 1, -1), (60, NEW, 3, 5, 10_020, -1),
    ]  # fmt: skip

    def act(market: Market, agent: int) -> None:
        order(market, agent, 22, at.SELL, 9_990, 10)
        order(market, agent, 50, at.SELL, 9_990, 10)

    played = play(day_of(messages), act)
    assert played.rows(at.K_PHASE)[1:, at.T_TYPE].tolist() == [
        at.HALTED, at.REOPENING_AUCTION, at.CONTINUOUS,
    ]  # fmt: skip
    assert played.rows(at.K_REFUSE)[:, at.T_TIME].tolist() == [22]
    assert played.rows(at.K_FILL)[:, at.T_TIME].tolist() == [50]


def test_execution_during_a_halt_is_the_recordings_own() -> None:
    messages: list[Message] = [*FIRST, (20, HALT, 0, 0, 0, -1), (25, EXECUTE, 2, 60, 10_010, -1)]
    played = play(day_of(messages))
    assert played.rows(at.K_PRINT)[:, [at.T_TIME, at.T_QUANTITY]].tolist() == [[25, 60]]
    assert played.rows(at.K_REDUCE)[:, at.T_LEAVES].tolist() == [40]


@pytest.mark.parametrize("slice_ns", [1, 7, 1_000])
def test_slices_change_nothing(slice_ns: int) -> None:
    def act(market: Market, agent: int) -> None:
        order(market, agent, 7, at.BUY, 10_000, 20)
        order(market, agent, 30, at.SELL, 9_990, 120)

    whole, sliced = (play(day_of(EXECUTED), act, slice_ns=size) for size in (None, slice_ns))
    assert (whole.tape == sliced.tape).all()


def test_state_beside_the_arena_is_all_that_a_snapshot_needs() -> None:
    day = day_of(EXECUTED)
    played = play(day, lambda m, a: void(order(m, a, 7, at.BUY, 10_000, 20)))
    floats = played.market.floats
    assert floats is not None
    copied = ReplayFlow(day)
    copied.state.view(np.float64)[:] = np.frombuffer(floats.tobytes(), np.float64)
    assert copied.counts() == played.counts


def void(_posted: int) -> None:
    """An order's id is of no interest here."""
