"""The touches of series against books rebuilt row by row."""

import numpy as np
import pytest

from environment.draws import Stream, stream_key
from environment.market import layout as at
from environment.record.rebuild import BookRebuild
from environment.record.series_quotes import series_quotes
from environment.record.tape import Rows
from tests.unit.market.option_floor import STOCK, OptionFloor

SECOND = 1_000_000_000


def some_day(seed: int, steps: int = 300) -> Rows:
    """Return the tape of a few minutes in which two dealers, orders and a halt meet."""
    floor, draws = OptionFloor(dealers=2), Stream(stream_key(seed, "touches"))
    for step in range(steps):
        floor.now += draws.integer(1, SECOND // 2)
        k, price, lots = draws.integer(0, 3), draws.integer(8, 16), draws.integer(0, 4)
        dealer = draws.integer(0, 2)
        choice = draws.integer(0, 10)
        if choice < 6:
            floor.quote((k, price, lots, price + 2, draws.integer(0, 4)), dealer=dealer)
        elif choice < 9:
            floor.order(draws.integer(0, 3), k, draws.integer(0, 2), lots + 1, price)
        else:
            which = (at.NONE, floor.series[k])[draws.integer(0, 2)]
            floor.event(at.E_PURGE, floor.dealers[dealer], which)
        if step == steps // 2:
            floor.event(at.E_HALT, STOCK)
            floor.event(at.E_HALT, STOCK, 3)
            floor.now += 300 * SECOND
    return np.array(floor.tape(), np.int64)


@pytest.mark.parametrize("seed", range(3))
def test_touches_of_series_agree_with_the_rebuilt_books(seed: int) -> None:
    rows = some_day(seed)
    found = series_quotes(lambda: iter([rows]), 1, 4)
    rebuild, compared = BookRebuild(), 0
    seconds = rows[:, at.T_TIME] // SECOND
    shown = dict.fromkeys((1, 2, 3), (0, 0, 0, 0))
    for second in np.unique(seconds):
        part = rows[seconds == second]
        rebuild.apply(part)
        for quote in found[found[:, 0] // SECOND == second].tolist():
            shown[quote[1]] = tuple(quote[2:])
            assert quote[0] in part[:, at.T_TIME]
        for number in part[(part[:, at.T_INSTRUMENT] > 0), at.T_INSTRUMENT].tolist():
            bid = (rebuild.levels(number, at.BUY) or [(0, 0)])[0]
            ask = (rebuild.levels(number, at.SELL) or [(0, 0)])[0]
            if part[(part[:, at.T_KIND] == at.K_PHASE)].size == 0:
                assert shown[number] == (*bid, *ask)
                compared += 1
    assert compared > 100


def test_a_tape_without_series_has_no_touches_of_them() -> None:
    assert len(series_quotes(lambda: iter([np.empty((0, 16), np.int64)]), 1, 1)) == 0
    assert len(series_quotes(lambda: iter([]), 1, 1)) == 0


@pytest.mark.parametrize("size", [1, 7, 100])
def test_touches_are_the_same_however_the_tape_is_cut_into_blocks(size: int) -> None:
    rows = some_day(3)
    cuts = range(0, len(rows), size)
    whole = series_quotes(lambda: iter([rows]), 1, 4)
    parts = series_quotes(lambda: iter([rows[cut : cut + size] for cut in cuts]), 1, 4)
    assert len(whole) > 50
    assert parts.tolist() == whole.tolist()
