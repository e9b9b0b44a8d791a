"""Any small recording replayed alone is the recording; with an agent in it nothing gets lost."""

import numpy as np
from hypothesis import given, strategies as st

from environment.market import layout as at
from environment.market.market import Market
from environment.market.mirror_book import Ints
from environment.market.recording import tape_to_lobster
from environment.market.replay_rows import FILL, lobster_rows
from tests.unit.market.replay_driver import assert_conserved, assert_same, order, play

# What somebody does: side, price beside the middle, quantity, and 0 to 5: limit order, hidden one,
# iceberg, midpoint peg, cancel of an earlier order, replace of one.
ACTIONS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(1, 9), st.integers(0, 5)),
    min_size=3, max_size=40,
)  # fmt: skip
AGENT = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 1), st.integers(-3, 3), st.integers(1, 15)),
    max_size=12,
)
MIDDLE, STEP_NS = 10_000, 10


def recorded(actions: list[tuple[int, int, int, int]], levels: int) -> tuple[Ints, Ints]:
    """A day of these actions, as LOBSTER would publish it."""
    blocks: list[Ints] = []
    market = Market(instruments=1, accounts=2, on_tape=blocks.append)
    market.add_instrument(value_micros=10_000, last_close=MIDDLE)
    account = market.add_account()
    market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
    sent: list[int] = []
    for number, (side, offset, quantity, kind) in enumerate(actions, 1):
        time_ns, price = number * STEP_NS, MIDDLE + offset
        if kind == 4 and sent:
            market.post_cancel(time_ns, account, sent[quantity % len(sent)])
        elif kind == 5 and sent:
            market.post_replace(time_ns, account, sent[quantity % len(sent)], quantity, price)
        else:
            sent.append(market.post_order(
                time_ns, 0, account, side, at.MIDPOINT if kind == 3 else at.LIMIT, at.DAY, at.ALLOW,
                at.F_HIDDEN if kind == 1 else 0, price, quantity, 1 if kind == 2 else 0, 0, 0, 0, 0,
            ))  # fmt: skip
    market.advance((len(actions) + 1) * STEP_NS)
    market.flush_tape()
    return tape_to_lobster(
        np.concatenate(blocks), instrument=0, start_ns=0, end_ns=1 << 62, levels=levels
    )


@given(actions=ACTIONS, levels=st.sampled_from([1, 2, 5]))
def test_alone_the_tape_equals_the_recording(
    actions: list[tuple[int, int, int, int]], levels: int
) -> None:
    messages, books = recorded(actions, levels)
    if len(messages):
        day = lobster_rows(messages, books, price_unit=100)
        if len(day.rows):
            played = play(day)
            assert_same(played, messages, books, unit=100)
            assert played.counts["displaced"] == played.counts["consumed"] == 0


@given(actions=ACTIONS, agent=AGENT, delay=st.sampled_from([0, 1, 25]))
def test_with_an_agent_every_share_is_accounted_for(
    actions: list[tuple[int, int, int, int]], agent: list[tuple[int, int, int, int]], delay: int
) -> None:
    messages, books = recorded(actions, 3)
    if not len(messages):
        return
    day = lobster_rows(messages, books, price_unit=100)

    def act(market: Market, account: int) -> None:
        for time_ns, side, offset, quantity in agent:
            order(market, account, 20 + time_ns, side, MIDDLE + offset, quantity)

    if len(day.rows):
        played = play(day, act, delay=delay)
        assert_conserved(played)
        fills = int(day.rows[day.rows[:, 1] == FILL, 5].sum())
        assert (
            played.counts["executed"]
            <= fills
            <= (played.counts["executed"] + played.counts["consumed"])
        )
        assert played.counts["displaced"] <= played.counts["taken_from_agents"] or delay > 0
        row = played.market.section(at.S_INSTRUMENT)[0]
        assert row[at.I_BEST] < row[at.I_BEST_ASK]
