"""Packages: implied legs first, then the package book; all legs or none."""

import numpy as np
import pytest

from environment.market import layout as at, option_rows
from tests.unit.market.option_floor import STOCK, OptionFloor

Legs = tuple[tuple[int, int], ...]
VERTICAL: Legs = ((0, 1), (1, -1))
MULTIPLIER = 100


class PackageFloor(OptionFloor):
    """Three calls quoted 195-205, 95-105 and 45-55, and a stock at 99.99 to 100.01."""

    def __init__(self, *, quoted: bool = True) -> None:
        super().__init__()
        if quoted:
            self.quote((0, 195, 10, 205, 10), (1, 95, 10, 105, 10), (2, 45, 10, 55, 10))

    def package(self, account: int, side: int, quantity: int, price: int,
                legs: Legs = VERTICAL, *, tif: int = at.DAY) -> int:  # fmt: skip
        """Send a package whose legs name series by place, the stock by -1."""
        rows = [(STOCK if k < 0 else self.series[k], ratio) for k, ratio in legs]
        identity = option_rows.post_package(
            self.market, self.tick(), self.accounts[account], side, price, quantity,
            np.array(rows, np.int64), tif=tif,
        )  # fmt: skip
        self.run()
        return identity

    def shares(self, side: int, quantity: int, price: int) -> None:
        """Send an order in the stock."""
        self.market.post_order(
            self.tick(), STOCK, self.accounts[2], side, at.LIMIT, at.DAY, 0, 0, price, quantity, 0,
            0, 0, -1, 0,
        )  # fmt: skip
        self.run()

    def prints(self) -> list[tuple[int, int, int]]:
        """Return (series by place, price, lots) of every fill."""
        return [
            (self.series.index(r[at.T_INSTRUMENT]) if r[at.T_INSTRUMENT] else -1, r[at.T_PRICE],
             r[at.T_QUANTITY])
            for r in self.tape() if r[at.T_KIND] == at.K_FILL
        ]  # fmt: skip

    def waiting(self) -> list[tuple[int, int, int]]:
        """Return (side, net price, units) of the packages that wait."""
        return [one[1:] for one in option_rows.packages_waiting(self.market)]


def test_a_package_trades_against_its_legs_books() -> None:
    floor = PackageFloor()
    floor.package(0, at.BUY, 4, 110)
    assert floor.prints() == [(0, 205, 4), (1, 95, 4)]
    assert [floor.held(floor.accounts[0], k) for k in (0, 1)] == [4, -4]
    paid = floor.market.section(at.S_ACCOUNT)[floor.accounts[0], at.A_CASH] - 10**15
    assert paid == -4 * 110 * 10_000 * MULTIPLIER
    floor.check()


def test_a_package_that_its_legs_do_not_meet_waits_whole() -> None:
    floor = PackageFloor()
    floor.package(0, at.BUY, 4, 109)
    assert floor.prints() == []
    assert floor.waiting() == [(at.BUY, 109, 4)]
    assert floor.touch(0) == (195, 10, 205, 10)


def test_a_waiting_package_trades_when_its_legs_come_to_it() -> None:
    floor = PackageFloor()
    floor.package(0, at.BUY, 4, 109)
    floor.quote((0, 194, 10, 204, 3))
    assert floor.prints() == [(0, 204, 3), (1, 95, 3)]
    assert floor.waiting() == [(at.BUY, 109, 1)]
    floor.check()


def test_no_leg_changes_unless_all_can() -> None:
    floor = PackageFloor()
    floor.quote((1, 95, 1, 105, 10))
    floor.package(0, at.BUY, 3, 150, ((0, 1), (1, -2)))
    assert floor.prints() == []
    assert floor.touch(0) == (195, 10, 205, 10)


def test_packages_meet_inside_their_legs_by_price_then_time() -> None:
    floor = PackageFloor()
    floor.package(0, at.SELL, 2, 105)
    floor.package(1, at.SELL, 2, 104)
    floor.package(2, at.SELL, 2, 104)
    floor.package(0, at.BUY, 3, 105)
    fills = [r for r in floor.tape() if r[at.T_KIND] == at.K_PACKAGE and r[at.T_TYPE] & 7 == 2]
    assert [(r[at.T_ACCOUNT], r[at.T_PRICE], r[at.T_QUANTITY]) for r in fills[::2]] == [
        (floor.accounts[1], 104, 2), (floor.accounts[2], 104, 1),
    ]  # fmt: skip
    floor.check()


def test_a_print_between_packages_lies_inside_its_legs_touches() -> None:
    floor = PackageFloor()
    floor.package(0, at.SELL, 2, 93)
    floor.package(1, at.BUY, 2, 93)
    (first, price, lots), (second, other, _) = floor.prints()
    assert (first, second, lots, price - other) == (0, 1, 2, 93)
    assert 195 <= price <= 205
    assert 95 <= other <= 105
    liquidity = {r[at.T_LIQUIDITY] for r in floor.tape() if r[at.T_KIND] == at.K_FILL}
    assert liquidity == {at.LIQ_PACKAGE}


def test_the_legs_come_before_a_package_of_the_same_price() -> None:
    floor = PackageFloor()
    floor.package(0, at.SELL, 2, 110)
    floor.package(1, at.BUY, 12, 110)
    assert floor.prints()[0] == (0, 205, 10)
    assert floor.held(floor.accounts[0], 0) == -2
    floor.check()


def test_packages_do_not_trade_through_their_legs() -> None:
    floor = PackageFloor()
    floor.quote((0, 195, 1, 205, 1))
    floor.package(0, at.SELL, 1, 112, ((0, 2), (1, -2), (2, -1)))
    before = floor.prints()
    # Two at 205 less two at 95 less one at 45 would be 175; only one is there, and none is passed.
    floor.package(0, at.SELL, 1, 180, ((0, 2), (1, -2), (2, -1)))
    floor.package(1, at.BUY, 1, 180, ((0, 2), (1, -2), (2, -1)))
    assert floor.prints() == before


@pytest.mark.parametrize(("price", "trades"), [(110, False), (109, True)])
def test_packages_better_the_legs_by_a_cent_where_an_order_is_displayed(
    price: int, trades: bool
) -> None:  # fmt: skip
    floor = PackageFloor()
    floor.quote((0, 195, 10, 0, 0), (1, 95, 1, 105, 10))
    floor.order(2, 0, at.SELL, 10, 205)
    legs = ((0, 1), (1, -1))
    floor.quote((1, 95, 10, 105, 10))
    floor.accounts[2], floor.accounts[1] = floor.accounts[1], floor.accounts[2]
    # The buyer's own order is the one displayed, so that he cannot take it himself.
    floor.package(0, at.SELL, 1, price, legs)
    floor.package(1, at.BUY, 1, price, legs)
    assert bool(floor.prints()) is trades
    floor.check()


def test_a_package_may_hold_stock() -> None:
    floor = PackageFloor()
    floor.shares(at.SELL, 250, 10_001)
    floor.package(0, at.BUY, 5, 10_001 - 195, ((-1, 100), (0, -1)))
    assert floor.prints() == [(-1, 10_001, 200), (0, 195, 2)]
    assert floor.waiting() == [(at.BUY, 9_806, 3)]
    assert int(floor.market.section(at.S_POSITION)[floor.accounts[0], at.P_QUANTITY]) == 200
    floor.check()


def test_a_package_written_the_other_way_round_is_the_same_strategy() -> None:
    floor = PackageFloor()
    floor.package(0, at.SELL, 2, 105)
    floor.package(1, at.SELL, 2, -105, ((1, 1), (0, -1)))
    assert floor.held(floor.accounts[1], 0) == 2
    assert floor.waiting() == []


@pytest.mark.parametrize(
    "legs",
    [
        ((0, 1),),
        ((0, 2), (1, -2)),  # Not in lowest terms.
        ((0, 1), (0, -1)),
        ((0, 1), (1, 0)),
        ((-1, 100), (-1, -100)),
        ((-1, 150), (0, -1)),
        ((-1, 200), (0, -2)),
        tuple((k % 3, 1) for k in range(7)),
        ((0, 1), (7, -1)),
    ],
)
def test_legs_that_make_no_package_are_refused(legs: tuple[tuple[int, int], ...]) -> None:
    floor = PackageFloor()
    floor.series += [99] * 5
    assert floor.package(0, at.BUY, 1, 300, legs) == 0


def test_a_package_meets_none_of_its_own_account() -> None:
    floor = PackageFloor()
    floor.package(0, at.SELL, 1, 105)
    floor.package(0, at.BUY, 1, 105)
    assert floor.prints() == []
    assert floor.waiting() == [(at.SELL, 105, 1)]


def test_a_leg_behind_an_own_order_is_not_there() -> None:
    floor = PackageFloor()
    floor.quote((0, 195, 10, 0, 0))
    floor.order(0, 0, at.SELL, 10, 205)
    floor.package(0, at.BUY, 1, 110)
    assert floor.prints() == []
    floor.package(1, at.BUY, 1, 110)
    assert floor.prints() == [(0, 205, 1), (1, 95, 1)]


def test_what_ioc_leaves_is_cancelled() -> None:
    floor = PackageFloor()
    floor.package(0, at.BUY, 12, 110, tif=at.IOC)
    assert floor.waiting() == []
    assert floor.held(floor.accounts[0], 0) == 10


def test_packages_are_cancelled_one_by_one_and_with_the_day() -> None:
    floor = PackageFloor()
    first = floor.package(0, at.BUY, 1, 100)
    floor.package(1, at.BUY, 1, 101)
    floor.package(1, at.BUY, 1, 102, tif=at.GTC)
    floor.event(at.E_PACKAGE_CANCEL, floor.accounts[1], first)
    assert len(floor.waiting()) == 3
    floor.event(at.E_PACKAGE_CANCEL, floor.accounts[0], first)
    assert len(floor.waiting()) == 2
    floor.phase(at.CLOSING_AUCTION)
    assert floor.waiting() == [(at.BUY, 102, 1)]


def test_packages_wait_while_their_legs_are_halted() -> None:
    floor = PackageFloor()
    floor.package(0, at.BUY, 1, 109)
    floor.event(at.E_HALT, STOCK)
    floor.package(1, at.BUY, 1, 120)
    assert floor.waiting() == [(at.BUY, 109, 1)]
    assert floor.prints() == []


def test_protection_is_carried_out_after_the_last_leg() -> None:
    floor = PackageFloor()
    option_rows.set_protection(floor.market, floor.dealers[0], window_ns=10**9, contracts=1)
    floor.package(0, at.BUY, 4, 110)
    assert floor.prints() == [(0, 205, 4), (1, 95, 4)]
    assert floor.touch(2) == (0, 0, 0, 0)
    floor.check()


def test_every_leg_print_names_its_package() -> None:
    floor = PackageFloor()
    identity = floor.package(0, at.BUY, 4, 110)
    entered = {
        r[at.T_ORDER]: r[at.T_PARENT] for r in floor.tape() if r[at.T_KIND] == at.K_ENTER
    }  # fmt: skip
    fills = [r for r in floor.tape() if r[at.T_KIND] == at.K_FILL]
    assert {entered[r[at.T_COUNTERPARTY]] for r in fills} == {-identity}


@pytest.mark.parametrize("net", range(-12, 46))
def test_odd_ratios_find_prices_that_add_up(net: int) -> None:
    floor = PackageFloor(quoted=False)
    floor.quote((0, 10, 9, 14, 9), (1, 12, 9, 18, 9))
    legs = ((0, 3), (1, -2))
    floor.package(0, at.SELL, 1, net, legs)
    floor.package(1, at.BUY, 1, net, legs)
    prints = floor.prints()
    if 3 * 10 - 2 * 18 < net < 3 * 14 - 2 * 12:
        found = {(p, q) for p in range(10, 15) for q in range(12, 19) if 3 * p - 2 * q == net}
        assert bool(prints) == bool(found)  # Some nets no whole ticks give.
        assert not prints or (prints[0][1], prints[1][1]) in found
    floor.check()
