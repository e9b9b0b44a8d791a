"""Small recordings, and a market that replays them with or without an agent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from environment.market import layout as at
from environment.market.market import Market
from environment.market.mirror_book import Ints
from environment.market.recording import tape_to_lobster
from environment.market.replay_flow import ReplayFlow
from environment.market.replay_rows import RecordedDay, lobster_rows

NEW, REDUCE, DELETE, EXECUTE, HIDDEN, CROSS, HALT = range(1, 8)
Message = tuple[int, int, int, int, int, int]
FIRST: list[Message] = [(5, NEW, 1, 100, 9_990, 1), (6, NEW, 2, 100, 10_010, -1)]


@dataclass(frozen=True)
class Played:
    """What a replay came to; `agent` is the account of whoever acted beside the recording."""

    market: Market
    flow: ReplayFlow
    tape: Ints
    agent: int

    @property
    def counts(self) -> dict[str, int]:
        return self.flow.counts()

    def rows(self, kind: int) -> Ints:
        found: Ints = self.tape[self.tape[:, at.T_KIND] == kind]
        return found

    def position(self) -> int:
        return int(self.market.section(at.S_POSITION)[self.agent, at.P_QUANTITY])


def day_of(messages: Iterable[Message], *, unit: int = 1) -> RecordedDay:
    """A recording without a book file: the events alone make the book."""
    return lobster_rows(np.array(list(messages), np.int64), None, price_unit=unit)


def play(
    day: RecordedDay, act: Callable[[Market, int], None] | None = None, *, delay: int = 0,
    slice_ns: int | None = None,
) -> Played:  # fmt: skip
    """Replay a day, `act` posting an agent's messages before it begins."""
    blocks: list[Ints] = []
    flow = ReplayFlow(day, withdraw_after_ns=delay)
    market = Market(instruments=1, accounts=3, advance=flow.advance, on_tape=blocks.append)
    centre = int(np.median(day.rows[:, 4]))
    instrument = market.add_instrument(value_micros=10_000, centre=max(centre, 4096))
    flow.attach(market, instrument, market.add_account(), market.add_account())
    agent = market.add_account(cash_micros=10**12)
    first, last = int(day.rows[0, 0]), int(day.rows[-1, 0]) + delay + 1
    market.post_event(first - 1, at.E_PHASE, instrument, at.CONTINUOUS)
    flow.start(market)
    if act is not None:
        act(market, agent)
    for until in range(first, last, slice_ns) if slice_ns else ():
        market.advance(until)
    market.advance(last)
    market.flush_tape()
    return Played(market, flow, np.concatenate(blocks), agent)


def order(market: Market, agent: int, time_ns: int, side: int, price: int, quantity: int) -> int:
    """A plain limit order of the agent."""
    return market.post_order(
        time_ns, 0, agent, side, at.LIMIT, at.DAY, at.CANCEL_NEWEST, 0, price, quantity, 0, 0, 0,
        0, 0,
    )  # fmt: skip


def assert_conserved(played: Played) -> None:
    """Cash and shares over all accounts sum to nothing."""
    assert played.market.section(at.S_ACCOUNT)[:, at.A_CASH].sum() == 0
    assert played.market.section(at.S_POSITION)[:, at.P_QUANTITY].sum() == 0


def assert_same(played: Played, messages: Ints, books: Ints, *, unit: int) -> None:
    """The tape tells the recording: every message, and every row of the book.

    An order's message only seeds where it is the first; the end of an order unknown to the mirror
    is a partial cancel of a nameless one.
    """
    told, windows = tape_to_lobster(
        played.tape, instrument=0, start_ns=0, end_ns=1 << 62, levels=books.shape[1] // 4,
        price_unit=unit,
    )  # fmt: skip
    first = 1 if messages[0, 1] < HIDDEN else 0
    expected = messages[first:]
    assert len(told) == len(expected)
    assert (told[:, [0, 3, 4, 5]] == expected[:, [0, 3, 4, 5]]).all()
    kinds = [np.where(rows[:, 1] == DELETE, REDUCE, rows[:, 1]) for rows in (told, expected)]
    assert (kinds[0] == kinds[1]).all()
    assert (windows == books[first:]).all()
