"""The compiled core against the obvious order book, over any history that Hypothesis finds.

Both tell what happened in the words of the tape; after every step the tellings, the queues with
each order's place, the touch, stops, auction lists, cash and shares must be the same.
"""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from environment.draws import Stream, stream_key
from environment.market import layout as at
from environment.market.market import Market
from tests.models.core_view import CoreView, limit, tape_event
from tests.models.order import BOOK, CLOSE_LIST, OPEN_LIST, PEG, STOP, Order
from tests.models.trading_day import TradingDay

VALUE = 10_000  # Micros a tick and lot.
CASH = 10**12
PHASES = (at.PRE_OPEN, at.CONTINUOUS, at.CLOSING_AUCTION, at.POST_CLOSE)
NEAR = (99, 100, 101, 102, 103, 104)
WIDE = (3, 60, 95, 100, 101, 240)  # Past a window of 64 levels on both sides, and past the collar.
BANDED = (90, 95, 99, 101, 105, 110)  # Bands of 5 % around 100 or so.
FLAGS = (0, 0, 0, 0, at.F_HIDDEN, at.F_POST_REFUSE, at.F_POST_SLIDE, at.F_BAND_REFUSE)
KINDS = (
    at.LIMIT, at.LIMIT, at.LIMIT, at.LIMIT, at.MARKET, at.MIDPOINT, at.STOP, at.STOP_LIMIT,
    at.TRAILING_STOP, at.ON_OPEN, at.ON_CLOSE,
)  # fmt: skip
UNPRICED = {at.MARKET, at.STOP, at.TRAILING_STOP}
MAY_BE_UNPRICED = {at.ON_OPEN, at.ON_CLOSE, at.MIDPOINT}
TIMES_IN_FORCE = (at.DAY, at.DAY, at.IOC, at.FOK, at.GTC, at.GTD)
LISTS = {PEG: at.I_PEG, OPEN_LIST: at.I_ON_OPEN, CLOSE_LIST: at.I_ON_CLOSE}
Choose = Callable[[Any], Any]


class Pair:
    """A core and a model that are told the same things."""

    def __init__(self, prices: tuple[int, ...], *, tier: int = 0) -> None:
        self.prices, self.blocks = prices, list[np.ndarray[Any, Any]]()
        self.market = Market(instruments=1, accounts=3, width=64, on_tape=self.blocks.append)
        self.market.add_instrument(value_micros=VALUE, ticks_per_unit=1, last_close=100, tier=tier)
        fee = self.market.add_fee(maker=-2, taker=3, auction=1, sell_rate=12_345, sell_per_lot=7)
        a = self.market.add_account(cash_micros=CASH, fee=fee, owner=1)
        b = self.market.add_account(cash_micros=CASH, group=a)
        c = self.market.add_account(cash_micros=CASH, fee=fee)
        self.model = TradingDay({a: a, b: a, c: c}, last_close=100, tier=tier)
        self.accounts, self.known = (a, b, c), [0]
        self.phase(at.CONTINUOUS)

    @property
    def now(self) -> int:
        """Return the time of the next step."""
        return self.model.now

    def tick(self) -> None:
        """Let a nanosecond pass."""
        self.model.now += 1
        self.model.expire_due()

    def submit(self, choose: Choose) -> None:
        """Send an order of any kind."""
        self.tick()
        kind = choose(KINDS)
        price = None
        if kind not in UNPRICED and not (kind in MAY_BE_UNPRICED and choose((False, True))):
            price = choose(self.prices)
        stop = 0
        if kind in {at.STOP, at.STOP_LIMIT}:
            stop = choose(self.prices)
        elif kind == at.TRAILING_STOP:
            stop = choose((1, 2, 5))
        side, tif, quantity = choose((at.BUY, at.SELL)), choose(TIMES_IN_FORCE), choose(range(1, 6))
        order = Order(
            0, choose(self.accounts), side, kind, tif, choose(range(5)), choose(FLAGS), price,
            quantity, choose((0, 0, 1, 2)), stop,
            self.now + choose(range(12)) if tif == at.GTD else 0,
        )  # fmt: skip
        unpriced = at.MAX_PRICE if side == at.BUY else -at.MAX_PRICE
        order.identity = self.market.post_order(
            self.now, 0, order.account, side, kind, tif, order.mode, order.flags,
            unpriced if price is None else price, quantity, order.display, stop, order.expire,
            -1, 0,
        )  # fmt: skip
        assert order.identity not in self.known
        self.known.append(order.identity)
        self.model.submit(order)

    def withdraw(self, choose: Choose) -> None:
        """Cancel an order, live or long gone, perhaps another's."""
        self.tick()
        account, identity = choose(self.accounts), self.some_order(choose)
        self.market.post_cancel(self.now, account, identity)
        self.model.cancel_request(account, identity)

    def withdraw_all(self, choose: Choose) -> None:
        """Cancel all of an account's orders."""
        self.tick()
        account = choose(self.accounts)
        self.market.post_cancel_all(self.now, account)
        self.model.cancel_all(account)

    def replace(self, choose: Choose) -> None:
        """Replace an order, live or long gone."""
        self.tick()
        account, identity = choose(self.accounts), self.some_order(choose)
        order = self.model.orders.get(identity)
        if order is not None and choose((True, True, False)):
            account = order.account
        quantity, price = choose(range(8)), choose((0, 0, *self.prices))
        self.market.post_replace(self.now, account, identity, quantity, price)
        self.model.replace(account, identity, quantity, price)

    def phase(self, phase: int) -> None:
        """Enter a phase of the day."""
        self.tick()
        self.market.post_event(self.now, at.E_PHASE, 0, phase)
        self.model.change_phase(phase)

    def next_phase(self, choose: Choose) -> None:
        """Enter the next phase of the day."""
        self.phase(PHASES[(PHASES.index(self.model.phase) + 1) % len(PHASES)])

    def some_order(self, choose: Choose) -> int:
        """Return an order's id, mostly a live one."""
        live = list(self.model.orders) or self.known
        return int(choose(live if choose((True, True, True, False)) else self.known))

    def compare(self) -> None:
        """Let the core catch up, and compare everything."""
        while self.market.advance(self.now) != at.DONE:
            self.market.take_out()
        self.market.flush_tape()
        rows = [row for block in self.blocks for row in block.tolist()]
        self.blocks.clear()
        told = [event for row in rows if (event := tape_event(row)) is not None]
        mine = self.model.events
        for k, event in enumerate(told[: len(mine)]):
            if event[0] == "rest" and event[-1] == -1:  # Far away, where no queue is counted.
                mine[k] = (*mine[k][:-1], -1)
        assert told == mine
        self.model.events.clear()
        view = CoreView(self.market)
        view.check()
        self.compare_places(view)
        self.compare_accounts()

    def compare_places(self, view: CoreView) -> None:
        """Compare where every order is and what it shows."""
        model = self.model
        for side in (at.BUY, at.SELL):
            for place, which in (
                (PEG, at.I_PEG),
                (OPEN_LIST, at.I_ON_OPEN),
                (CLOSE_LIST, at.I_ON_CLOSE),
            ):
                found = [view.identity(slot) for slot in view.listed(which, side)]
                assert found == [order.identity for order in model.at_place(place, side)]
            shown = {
                price: [
                    (view.identity(s), *view.orders[s][at.O_LEAVES : at.O_ACCOUNT]) for s in queue
                ]
                for price, queue in view.book(side).items()
            }
            prices = {o.price for o in model.at_place(BOOK, side) if o.price is not None}
            assert shown == {
                p: [(o.identity, o.leaves, o.reserve) for o in model.queue(side, p)] for p in prices
            }
            touch = limit(view.ins[at.I_SHOWN_BID + 2 * side])
            assert touch == model.touch(side)
        stops = {
            view.identity(s) for s in range(len(view.orders)) if view.state(s) == at.STOP_WAITING
        }
        assert stops == {o.identity for o in model.orders.values() if o.place == STOP}
        bid, ask = model.touch(at.BUY), model.touch(at.SELL)
        if model.phase == at.CONTINUOUS and bid is not None and ask is not None:
            assert bid < ask

    def compare_accounts(self) -> None:
        """Compare cash before fees, and shares."""
        for number in self.accounts:
            row = self.market.section(at.S_ACCOUNT)[number]
            before_fees = int(row[at.A_CASH] + row[at.A_FEES_PAID]) - CASH
            assert before_fees == self.model.half_ticks.get(number, 0) * VALUE // 2
            position = self.market.section(at.S_POSITION)[number, at.P_QUANTITY]
            assert position == self.model.shares.get(number, 0)


class OrderBookMachine(RuleBasedStateMachine):
    """Near prices, so that nearly everything trades."""

    prices, tier = NEAR, 0

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(self.prices, tier=self.tier)

    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        self.pair.submit(lambda values: data.draw(st.sampled_from(values)))

    @rule(data=st.data())
    def submit_another(self, data: st.DataObject) -> None:
        self.pair.submit(lambda values: data.draw(st.sampled_from(values)))

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        self.pair.withdraw(lambda values: data.draw(st.sampled_from(values)))

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        self.pair.replace(lambda values: data.draw(st.sampled_from(values)))

    @rule(data=st.data())
    def withdraw_all(self, data: st.DataObject) -> None:
        self.pair.withdraw_all(lambda values: data.draw(st.sampled_from(values)))

    @rule()
    def next_phase(self) -> None:
        self.pair.next_phase(lambda values: values[0])

    @invariant()
    def same(self) -> None:
        self.pair.compare()


class WideBookMachine(OrderBookMachine):
    """Prices past the window: far lists, re-centring, auctions crossed past their collar."""

    prices = WIDE


class BandedBookMachine(OrderBookMachine):
    """Prices on both sides of limit-up/limit-down bands."""

    prices, tier = BANDED, 1


TestNear = OrderBookMachine.TestCase
TestWide = WideBookMachine.TestCase
TestBanded = BandedBookMachine.TestCase
TestNear.settings = TestWide.settings = TestBanded.settings = settings(
    max_examples=100, stateful_step_count=50
)


@pytest.mark.parametrize("prices", [NEAR, WIDE, BANDED], ids=["near", "wide", "banded"])
@pytest.mark.parametrize("seed", range(4))
def test_a_long_history_agrees(prices: tuple[int, ...], seed: int) -> None:
    pair = Pair(prices, tier=int(prices is BANDED))
    draws = Stream(stream_key(seed, "history"))
    choose: Choose = lambda values: values[draws.integer(0, len(values))]  # noqa: E731
    actions = [pair.submit] * 12 + [pair.withdraw] * 3 + [pair.replace] * 4 + [pair.withdraw_all]
    for step in range(3_000):
        (pair.next_phase if step % 40 == 39 else choose(actions))(choose)
        pair.compare()
