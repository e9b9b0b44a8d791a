"""The broker's rule at the door: what lacks margin does not enter, what asks for less does."""

import pytest

from environment.instruments import to_micros
from environment.market import layout as at, option_rows
from tests.unit.market.margin_door import Door
from tests.unit.market.option_floor import OptionFloor


def test_stock_beyond_half_of_its_value_is_kept_out() -> None:
    door = Door(5_000)
    assert not door.enters(door.stock, 101, 10_000)
    assert door.enters(door.stock, 60, 10_000)
    assert not door.enters(door.stock, 41, 10_000)  # What works counts as filled.
    assert door.enters(door.stock, -100, 10_100)  # The other side counts alone.


def test_stock_is_sold_short_within_margin_and_always_bought_back() -> None:
    door = Door(5_000)
    door.fill(door.stock, -100, 10_000)
    assert not door.enters(door.stock, -1, 10_000)
    door.market.section(at.S_ACCOUNT)[door.account, at.A_CASH] -= to_micros(4_000)
    assert not door.enters(door.stock, 201, 10_000)  # Across nothing to a longer position.
    assert door.enters(door.stock, 100, 10_000)


def test_shares_held_are_sold_without_margin() -> None:
    door = Door(-9_000, shares=100)
    assert not door.enters(door.stock, 1, 10_000)
    assert door.enters(door.stock, -60, 10_000)
    assert not door.enters(door.stock, -200, 10_000)  # With the 60 it would go short.
    assert door.enters(door.stock, -40, 10_000)


def test_written_call_needs_margin_alone_and_none_against_stock() -> None:
    assert not Door(1_500).enters(door_call := Door(1_500).call, -1, 200)
    assert Door(2_200).enters(door_call, -1, 200)
    covered = Door(-4_000, shares=100)
    assert covered.enters(covered.call, -1, 200)
    assert not covered.enters(covered.call, -1, 200)


def test_straddle_costs_what_its_dearer_side_does() -> None:
    door = Door(2_000)
    door.fill(door.call, -1, 200)
    assert door.enters(door.put, -1, 200)
    assert not door.enters(door.put, -1, 200)


def test_what_was_written_is_always_bought_back() -> None:
    door = Door(2_000)
    door.fill(door.call, -1, 200)
    door.market.section(at.S_ACCOUNT)[door.account, at.A_CASH] -= to_micros(1_900)
    assert not door.enters(door.far, -1, 200)
    assert door.enters(door.call, 1, 900)


def test_bought_leg_that_covers_another_is_not_sold_without_margin() -> None:
    door = Door(800)
    door.fill(door.far, 1, 200)
    door.fill(door.call, -1, 200)
    assert not door.enters(door.far, -1, 200)
    assert door.enters(door.call, 1, 200)


def test_account_under_call_opens_nothing_however_rich() -> None:
    door = Door(1_000_000, shares=100)
    door.fill(door.call, 2, 200)
    door.flag(at.ACCOUNT_CALLED)
    assert not door.enters(door.stock, 1, 10_000)
    assert not door.enters(door.put, 1, 200)
    assert not door.enters(door.put, -1, 200)
    assert door.enters(door.call, -2, 200)
    assert door.enters(door.stock, -100, 10_000)


def test_account_that_is_not_margined_is_not_judged() -> None:
    door = Door(0)
    door.market.judge = lambda _: False
    door.send(door.call, -5, 200, account=door.other)
    assert door.market.arena[at.H_REFUSED] == 0


def test_office_closes_what_its_customer_could_not() -> None:
    door = Door(800)
    door.fill(door.far, 1, 200)
    door.fill(door.call, -1, 200)
    door.flag(at.ACCOUNT_CALLED)
    before = door.refused
    door.send(door.far, -1, 200, flags=at.F_BROKER)
    assert door.refused == before


def test_larger_replace_is_judged_and_smaller_is_not() -> None:
    door = Door(5_000)
    resting = door.send(door.stock, 60, 9_900)
    for quantity, price, fits in ((200, 9_900, False), (100, 9_900, True), (10, 9_900, True)):
        before = door.refused
        door.market.post_replace(door.market.now_ns + 1, door.account, resting, quantity, price)
        door.run()
        assert (door.refused == before) is fits, quantity


def test_reason_is_told_on_the_tape() -> None:
    door = Door(0)
    blocks: list[object] = []
    door.market._on_tape = blocks.append
    door.send(door.stock, 1, 10_000)
    door.market.flush_tape()
    (rows,) = blocks
    refused = [row for row in rows.tolist() if row[at.T_KIND] == at.K_REFUSE]  # type: ignore[attr-defined]
    assert [at.REASONS[row[at.T_LIQUIDITY]] for row in refused] == ["margin"]


@pytest.mark.parametrize("flag", [at.ACCOUNT_CALLED, at.ACCOUNT_LACKING])
def test_dealer_that_lacks_margin_quotes_what_closes(flag: int) -> None:
    floor = OptionFloor(series=2)
    floor.quote((0, 490, 5, 500, 5), (1, 490, 5, 500, 5))
    floor.order(0, 0, at.BUY, 3, 500)
    floor.order(0, 1, at.SELL, 2, 490)
    floor.market.section(at.S_ACCOUNT)[floor.quoters[0], at.A_FLAGS] |= flag
    floor.quote((0, 495, 5, 505, 5), (1, 495, 5, 505, 5))
    assert floor.touch(0) == (495, 3, 0, 0)
    assert floor.touch(1) == (0, 0, 505, 2)
    floor.check()


def test_holdings_are_counted_anew_when_their_table_is_filled_anew() -> None:
    door = Door(100_000)
    for number in (door.call, door.far, door.put):
        door.fill(number, 1, 200)
    rows = door.market.section(at.S_ACCOUNT)
    assert rows[door.account, at.A_HOLDINGS] == 3
    option_rows.grow_holdings(door.market, 1 << 12)
    assert door.market.section(at.S_ACCOUNT)[door.account, at.A_HOLDINGS] == 3
