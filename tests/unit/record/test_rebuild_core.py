"""Books and queue positions rebuilt from the tape are those in the compiled core's arena."""

from collections import defaultdict

import numpy as np
import pytest

from environment.draws import Stream, stream_key
from environment.market import layout as at
from environment.market.market import Market
from environment.record.rebuild import BookRebuild
from environment.record.tape import Rows

ACCOUNTS = 6
CENTRE = 10_000
QueueKey = tuple[int, int]


def make_market(blocks: list[Rows], phase: int = at.CONTINUOUS) -> Market:
    market = Market(
        instruments=1,
        accounts=ACCOUNTS,
        width=1024,
        on_tape=lambda rows: blocks.append(rows.copy()),
    )
    market.add_instrument(value_micros=10_000, last_close=CENTRE)
    for _ in range(ACCOUNTS):
        market.add_account(cash_micros=10**15)
    market.post_event(1, at.E_PHASE, 0, phase)
    market.advance(1)
    return market


def post_anything(market: Market, draws: Stream, now: int, known: list[tuple[int, int]]) -> None:
    """Post one random order, cancel or replace that arrives at `now`."""
    choice, account = draws.uniform(), at.FIRST_ACCOUNT + draws.integer(0, ACCOUNTS)
    side, quantity = draws.integer(0, 2), draws.integer(1, 40)
    price = CENTRE + draws.integer(-8, 9) - (3 if side == 0 else -3)
    if choice < 0.6 or not known:
        form, tif, flags, display, stop = at.LIMIT, at.DAY, 0, 0, 0
        kind = draws.uniform()
        if kind < 0.1:
            flags = at.F_HIDDEN
        elif kind < 0.2:
            display = draws.integer(1, 6)
        elif kind < 0.3:
            form = at.MIDPOINT
        elif kind < 0.4:
            form, tif = at.MARKET, at.IOC
            price = at.MAX_PRICE if side == 0 else -at.MAX_PRICE
        elif kind < 0.5:
            form, stop = at.STOP_LIMIT, CENTRE + (4 if side == 0 else -4)
        elif kind < 0.6:
            flags = at.F_POST_SLIDE
        elif kind < 0.65:
            form = at.ON_OPEN
        mode = draws.integer(0, 5)
        identity = market.post_order(
            now, 0, account, side, form, tif, mode, flags, price, quantity, display, stop, 0, -1, 0
        )
        known.append((account, identity))
        return
    account, identity = known[draws.integer(max(len(known) - 60, 0), len(known))]
    if choice < 0.8:
        market.post_cancel(now, account, identity)
    else:
        market.post_replace(now, account, identity, quantity, price if choice < 0.9 else 0)


def core_queues(market: Market) -> dict[QueueKey, list[tuple[int, int]]]:
    """Return the shown orders of the core as (id, shown), by (side, price), first come first."""
    orders, cold = market.section(at.S_ORDER), market.section(at.S_COLD)
    found: dict[QueueKey, list[tuple[int, int, int]]] = defaultdict(list)
    for slot in range(int(market.arena[at.H_ORDER_BUMP])):
        meta = int(orders[slot, at.O_META])
        state, hidden = meta >> at.STATE_SHIFT & 15, meta >> at.FLAG_SHIFT & at.F_HIDDEN
        if state in {at.RESTING, at.FAR} and not hidden:
            identity = int(cold[slot, at.C_GENERATION]) << 32 | slot
            key = (meta >> at.SIDE_SHIFT & 1, int(orders[slot, at.O_PRICE]))
            place = int(orders[slot, at.O_SEQUENCE])
            found[key].append((place, identity, int(orders[slot, at.O_LEAVES])))
    return {key: [one[1:] for one in sorted(queue)] for key, queue in found.items()}


def rebuilt_queues(rebuild: BookRebuild) -> dict[QueueKey, list[tuple[int, int]]]:
    return {
        (side, price): [(order.order_id, order.shown) for order in queue.displayed.values()]
        for (_, side, price), queue in rebuild.queues.items()
        if queue.displayed
    }


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("opens_at", [0, 8])
def test_rebuilt_books_equal_the_cores(seed: int, opens_at: int) -> None:
    blocks: list[Rows] = []
    market = make_market(blocks, at.OPENING_AUCTION if opens_at else at.CONTINUOUS)
    draws = Stream(stream_key(seed, "rebuild"))
    rebuild, known = BookRebuild(), list[tuple[int, int]]()
    for step in range(40):
        if step == opens_at > 0:
            market.post_event(1_000 + step * 1_000, at.E_PHASE, 0, at.CONTINUOUS)
        for i in range(50):
            post_anything(market, draws, 1_000 + step * 1_000 + 7 * i, known)
        while market.advance(1_000 + step * 1_000 + 999) != at.DONE:
            market.take_out()
        market.flush_tape()
        for block in blocks:
            rebuild.apply(block)
        blocks.clear()
        assert rebuild.contradictions == []
        assert rebuilt_queues(rebuild) == core_queues(market)
    assert rebuild.out_of_turn == 0
    assert len(known) > 500


def test_the_tape_is_numbered_without_a_gap() -> None:
    blocks: list[Rows] = []
    market, draws = make_market(blocks), Stream(stream_key(3, "rebuild"))
    known = list[tuple[int, int]]()
    for i in range(500):
        post_anything(market, draws, 1_000 + i, known)
    market.advance(2_000)
    market.flush_tape()
    sequence = np.concatenate(blocks)[:, at.T_SEQUENCE]
    assert (np.diff(sequence) == 1).all()
