"""The compiled options market against the obvious one, over any history that Hypothesis finds.

After every step books with each order's place, touches, stops, packages, holdings, cash and armed
dealers must be the same, and the tape alone must give the same books.
"""

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from environment.draws import Stream, stream_key
from environment.market import layout as at, mass_quote, option_rows
from environment.record.rebuild import BookRebuild
from tests.models.option_market import Dealer, OptionMarket
from tests.unit.market.option_floor import CASH, NO_LIMIT, STOCK, OptionFloor
from tests.unit.market.option_view import OptionView

PRICES = (8, 9, 10, 11, 12, 40)  # The last lies beyond the drill-through limit of the others.
NETS = (-4, -2, -1, 0, 1, 2, 3, 6)
STRATEGIES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((0, 1), (1, -1)), ((0, -1), (1, 1)), ((0, 1), (1, -2), (2, 1)), ((1, 2), (2, -1)),
)  # fmt: skip
WINDOW = 8
Choose = Callable[[Any], Any]


class Pair:
    """A core and a model that are told the same things."""

    def __init__(self) -> None:
        self.floor = OptionFloor(dealers=2)
        market = self.floor.market
        dealers = {}
        for number, account in zip(self.floor.dealers, self.floor.quoters, strict=True):
            option_rows.set_protection(
                market, number, window_ns=WINDOW, contracts=9, delta_shares=200
            )
            dealers[number] = Dealer(account, contracts_max=9, delta_max=200, window=WINDOW)
        self.model = OptionMarket(3, dealers)
        self.rebuild = BookRebuild()
        self.known: list[tuple[int, int]] = [(0, 0)]
        self.packages: list[tuple[int, int, bool]] = [(0, 0, False)]
        self.accounts = [*self.floor.accounts, self.floor.quoters[0]]
        self.halted = False

    def tick(self) -> int:
        """Let a nanosecond pass in both."""
        self.model.now = self.floor.tick()
        return self.floor.now

    def order(self, choose: Choose) -> None:
        """Send a limit or market order."""
        now, account, series = self.tick(), choose(self.accounts), choose((0, 1, 2))
        side, lots = choose((at.BUY, at.SELL)), choose((1, 2, 3, 5))
        price, tif = choose((None, *PRICES, *PRICES)), choose((at.DAY, at.DAY, at.IOC))
        kind = at.MARKET if price is None else at.LIMIT
        unpriced = NO_LIMIT if side == at.BUY else -NO_LIMIT
        identity = self.floor.market.post_order(
            now, self.floor.series[series], account, side, kind, tif, at.CANCEL_NEWEST, 0,
            unpriced if price is None else price, lots, 0, 0, 0, -1, 0,
        )  # fmt: skip
        self.known.append((account, identity))
        self.model.order(account, series, side, lots, price, tif, identity)

    def stop(self, choose: Choose) -> None:
        """Send a stop order."""
        now, account, series = self.tick(), choose(self.accounts), choose((0, 1, 2))
        side, lots, stop = choose((at.BUY, at.SELL)), choose((1, 2)), choose(PRICES)
        identity = self.floor.market.post_order(
            now, self.floor.series[series], account, side, at.STOP, at.DAY, at.CANCEL_NEWEST, 0,
            NO_LIMIT if side == at.BUY else -NO_LIMIT, lots, 0, stop, 0, -1, 0,
        )  # fmt: skip
        self.known.append((account, identity))
        self.model.stop(account, series, side, stop, lots, identity)

    def cancel(self, choose: Choose) -> None:
        """Cancel an order, perhaps one long gone."""
        account, identity = choose(self.known)
        self.floor.market.post_cancel(self.tick(), account, identity)
        self.model.cancel(account, identity)

    def quote(self, choose: Choose) -> None:
        """Send a mass quote of one to three series."""
        number, rows = choose(self.floor.dealers), []
        for series in choose(((0,), (1,), (0, 1), (1, 2), (0, 1, 2))):
            bid, ask = choose(PRICES[:-1]), choose(PRICES)
            rows.append((series, bid, choose((0, 1, 4)), ask, choose((0, 1, 4)),
                         choose((0, 300_000))))  # fmt: skip
        now = self.tick()
        full = [(*row, 0) for row in rows]
        assert mass_quote.post_mass_quote(self.floor.market.arena, number, _array(full), now)
        self.model.quote(number, rows)

    def purge(self, choose: Choose) -> None:
        """Purge one series or all."""
        number, series = choose(self.floor.dealers), choose((None, 0, 1))
        which = at.NONE if series is None else self.floor.series[series]
        self.floor.market.post_event(self.tick(), at.E_PURGE, number, which)
        self.model.purge(number, series)

    def rearm(self, choose: Choose) -> None:
        """Arm a dealer again, whether it needs that or not."""
        number = choose(self.floor.dealers)
        self.floor.market.post_event(self.tick(), at.E_REARM, number, 0)
        self.model.rearm(number)

    def package(self, choose: Choose) -> None:
        """Send a package of one of a few strategies."""
        now, account, side = self.tick(), choose(self.accounts), choose((at.BUY, at.SELL))
        legs, price, units = choose(STRATEGIES), choose(NETS), choose((1, 2))
        rows = [(self.floor.series[k], ratio) for k, ratio in legs]
        identity = option_rows.post_package(
            self.floor.market, now, account, side, price, units, _array(rows)
        )
        self.packages.append((account, identity, legs[0][1] < 0))
        self.model.package(account, side, price, units, legs, identity)

    def cancel_package(self, choose: Choose) -> None:
        """Cancel a package, perhaps one long gone."""
        account, identity, _ = choose(self.packages)
        self.floor.market.post_event(self.tick(), at.E_PACKAGE_CANCEL, account, identity)
        self.model.cancel_package(account, identity)

    def replace_package(self, choose: Choose) -> None:
        """Give a package other terms, perhaps one long gone."""
        account, identity, is_turned = choose(self.packages[-6:])
        units, price = choose((0, 1, 2, 3, 5)), choose((None, None, *NETS))
        option_rows.post_package_replace(
            self.floor.market, self.tick(), account, identity, units,
            at.PRESENT_PRICE if price is None else price,
        )  # fmt: skip
        self.model.replace_package(account, identity, units, price, turned=is_turned)

    def halt(self, _choose: Choose) -> None:
        """Halt the stock, or let it trade again."""
        self.halted = not self.halted
        if self.halted:
            self.floor.market.post_event(self.tick(), at.E_HALT, STOCK, 0)
        else:
            self.floor.market.post_event(self.tick(), at.E_HALT, STOCK, 3)
            self.floor.run()
            self.floor.now += 300_000_000_000  # A pause by order ends a halt, and itself in time.
            self.model.now = self.floor.now
        self.model.halt(halted=self.halted)

    # --- comparing -------------------------------------------------------------------------------

    def compare(self) -> None:
        """Let the core catch up, and compare everything."""
        self.floor.run()
        self.floor.market.flush_tape()
        for block in self.floor.blocks:
            self.rebuild.apply(block)
        self.floor.blocks.clear()
        assert self.rebuild.contradictions == []
        for series in range(3):
            self.compare_book(series)
        self.compare_accounts()
        waiting = sorted(
            (p.identity, p.side, p.price, p.units) for p in self.model.packages
        )  # fmt: skip
        assert sorted(option_rows.packages_waiting(self.floor.market)) == waiting
        self.floor.check()

    def compare_book(self, series: int) -> None:
        """Compare both sides of one series, and what the tape says of it."""
        view = OptionView(self.floor.market, self.floor.series[series])
        for side in (at.BUY, at.SELL):
            mine = [(e.price, e.account, e.lots) for e in self.model.queue(series, side)]
            assert view.queue(side) == mine
            rebuilt = [
                (price, order.account, order.waiting)
                for price, order in self.rebuild.resting(self.floor.series[series], side)
            ]
            assert rebuilt == mine
            touch = self.model.touch(series, side)
            shown = self.floor.touch(series)[2 * side : 2 * side + 2]
            assert shown == (touch or (0, 0))
        stops = sorted(s.identity for s in self.model.stops if s.series == series)
        assert view.stops() == stops

    def compare_accounts(self) -> None:
        """Compare holdings, cash and who is armed."""
        accounts = self.floor.market.section(at.S_ACCOUNT)
        for account in (*self.floor.accounts, *self.floor.quoters):
            paid = int(accounts[account, at.A_CASH]) - CASH
            assert paid == self.model.cash[account] * 10_000
            for series in range(3):
                assert self.floor.held(account, series) == self.model.held[account, series]
        dealers = self.floor.market.section(at.S_DEALER)
        for number, dealer in self.model.dealers.items():
            assert bool(dealers[number, at.DE_ARMED]) == dealer.armed


def _array(rows: Sequence[tuple[int, ...]]) -> Any:
    return np.array(rows, np.int64)


ACTIONS = ("order", "quote", "quote", "package", "stop", "cancel", "purge", "rearm",
           "cancel_package", "replace_package")  # fmt: skip


class OptionMarketMachine(RuleBasedStateMachine):
    """Near prices and few lots, so that nearly everything meets."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule(data=st.data(), action=st.sampled_from(ACTIONS))
    def act(self, data: st.DataObject, action: str) -> None:
        getattr(self.pair, action)(lambda values: data.draw(st.sampled_from(values)))

    @rule()
    def halt(self) -> None:
        self.pair.halt(lambda values: values[0])

    @invariant()
    def same(self) -> None:
        self.pair.compare()


TestOptionMarket = OptionMarketMachine.TestCase
TestOptionMarket.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize("seed", range(4))
def test_a_long_history_agrees(seed: int) -> None:
    pair = Pair()
    draws = Stream(stream_key(seed, "options"))
    choose: Choose = lambda values: values[draws.integer(0, len(values))]  # noqa: E731
    weights = [pair.order] * 6 + [pair.quote] * 6 + [pair.package] * 4 + [pair.stop, pair.cancel]
    weights += [pair.purge, pair.rearm, pair.rearm, pair.cancel_package, pair.cancel_package]
    weights += [pair.replace_package] * 3
    for step in range(1_500):
        (pair.halt if step % 70 in {68, 69} else choose(weights))(choose)
        pair.compare()
