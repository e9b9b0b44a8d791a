"""A package's replace is one event; and who of a leg's two parties had waited."""

from datetime import date

import pytest

from environment.instruments import make_option
from environment.market import layout as at, option_rows
from environment.market.exchange_office import OfficeDoor
from environment.market.fees import FeeRow
from environment.market.market_contracts import MarketContracts
from environment.messages import ReplaceOrder
from tests.unit.market.option_floor import STOCK
from tests.unit.market.test_exchange_office import Notes, Placed
from tests.unit.market.test_package import VERTICAL, Legs, PackageFloor

TURNED: Legs = ((0, -1), (1, 1))
REPLACED, REFUSED = at.M_PACKAGE_REPLACED, at.M_PACKAGE_REQUEST_REFUSED
OWNER = 5


class ReplaceFloor(PackageFloor):
    """As a package's floor, with every account told what happens to it."""

    def __init__(self, *, quoted: bool = True) -> None:
        super().__init__(quoted=quoted)
        accounts = self.market.section(at.S_ACCOUNT)
        accounts[[*self.accounts, *self.quoters], at.A_OWNER] = OWNER
        self.heard: list[list[int]] = []

    def run(self) -> None:
        """Let the core catch up, and keep what it tells."""
        while True:
            code = self.market.advance(self.now)
            heard = getattr(self, "heard", [])
            heard += self.market.take_out()
            if code == at.DONE:
                return

    def replace(self, account: int, identity: int, quantity: int, price: int | None = None) -> None:
        """Replace a package; without a price it keeps the one that it has."""
        option_rows.post_package_replace(
            self.market, self.tick(), self.accounts[account], identity, quantity,
            at.PRESENT_PRICE if price is None else price,
        )  # fmt: skip
        self.run()
        self.now += 10
        self.run()

    def told(self, kind: int) -> list[tuple[int, int, int]]:
        """Return (price, quantity, leaves) of everything of a kind that was told."""
        return [
            (row[at.X_PRICE], row[at.X_QUANTITY], row[at.X_LEAVES])
            for row in self.heard if row[at.X_KIND] == kind
        ]  # fmt: skip

    def ids(self) -> list[int]:
        """Return the ids of the packages that wait, in rows' order."""
        return [one[0] for one in option_rows.packages_waiting(self.market)]


def test_a_smaller_package_keeps_its_place() -> None:
    floor = ReplaceFloor()
    first = floor.package(0, at.BUY, 4, 100)
    floor.package(1, at.BUY, 4, 100)
    floor.replace(0, first, 3)
    assert floor.told(REPLACED) == [(100, 3, 3)]
    floor.package(2, at.SELL, 3, 100)
    assert floor.held(floor.accounts[0], 0) == 3
    assert floor.held(floor.accounts[1], 0) == 0
    floor.check()


@pytest.mark.parametrize(("quantity", "price"), [(5, None), (4, 101), (2, 99)])
def test_any_other_package_goes_to_the_back(quantity: int, price: int | None) -> None:
    floor = ReplaceFloor()
    first = floor.package(0, at.BUY, 4, 100)
    floor.package(1, at.BUY, 4, 100 if price is None else price)
    floor.replace(0, first, quantity, price)
    assert floor.ids()[0] == first  # The id stays.
    floor.package(2, at.SELL, 4, 99 if price == 99 else 100)
    assert floor.held(floor.accounts[1], 0) == 4
    assert floor.held(floor.accounts[0], 0) == 0


def test_it_may_trade_at_once_against_the_legs() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 100)
    floor.replace(0, package, 3, 110)
    assert floor.prints() == [(0, 205, 3), (1, 95, 3)]
    assert floor.waiting() == []
    assert floor.told(REPLACED) == [(110, 3, 3)]
    floor.check()


def test_quantity_is_the_total_and_below_what_has_traded_it_cancels() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 109)
    floor.quote((0, 194, 10, 204, 3))
    assert floor.waiting() == [(at.BUY, 109, 1)]
    floor.replace(0, package, 6)
    assert floor.waiting() == [(at.BUY, 109, 3)]
    floor.replace(0, package, 3)
    assert floor.waiting() == []
    ends = [row for row in floor.heard if row[at.X_KIND] == at.M_PACKAGE_CANCELLED]
    assert [at.REASONS[row[at.X_EXTRA]] for row in ends] == ["replaced_below_filled"]


def test_a_package_written_the_other_way_round_is_replaced_so() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.SELL, 4, -100, TURNED)
    assert floor.waiting() == [(at.BUY, 100, 4)]
    floor.replace(0, package, 4, -103)
    assert floor.waiting() == [(at.BUY, 103, 4)]
    assert floor.told(REPLACED) == [(-103, 4, 4)]


def test_a_net_price_of_nothing_is_a_price() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 3)
    floor.replace(0, package, 4, 0)
    assert floor.waiting() == [(at.BUY, 0, 4)]


@pytest.mark.parametrize("halted", [False, True])
def test_what_is_refused_changes_nothing(halted: bool) -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 100)
    if halted:
        floor.event(at.E_HALT, 0)
    before = [row for row in floor.tape() if row[at.T_KIND] == at.K_PACKAGE]
    floor.replace(0, package, 5 if halted else 1 << 30, 101)
    assert floor.waiting() == [(at.BUY, 100, 4)]
    assert floor.told(REPLACED) == []
    assert len(floor.told(REFUSED)) == 1
    assert [row for row in floor.tape() if row[at.T_KIND] == at.K_PACKAGE] == before


def test_nobody_elses_package_is_replaced_and_one_that_is_over_has_no_name() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 100)
    floor.replace(1, package, 2)
    floor.event(at.E_PACKAGE_CANCEL, floor.accounts[0], package)
    floor.replace(0, package, 2)
    refused = [row for row in floor.heard if row[at.X_KIND] == at.M_REFUSED]
    assert [(row[at.X_ORDER], row[at.X_TAG]) for row in refused] == [(package, -1)] * 2
    assert floor.told(REFUSED) == []


def test_a_refusal_never_goes_to_an_order_of_the_same_number() -> None:
    floor = ReplaceFloor(quoted=False)
    numbers = {floor.order(0, 0, at.BUY, 1, 50) for _ in range(8)}
    package = next(iter(numbers))  # An order has this number, and no package has.
    floor.replace(0, package, 2)
    assert {row[at.X_TAG] for row in floor.heard if row[at.X_KIND] == at.M_REFUSED} == {-1}


# --- who waited ------------------------------------------------------------------------------


def liquidity(floor: ReplaceFloor) -> dict[str, set[int]]:
    """Return the liquidity flags that legs and quotes were told."""
    kinds = {"leg": at.M_LEG_FILLED, "quote": at.M_QUOTE_FILLED}
    return {
        name: {row[at.X_LIQUIDITY] for row in floor.heard if row[at.X_KIND] == kind}
        for name, kind in kinds.items()
    }


def test_the_legs_of_an_arriving_package_take() -> None:
    floor = ReplaceFloor()
    floor.package(0, at.BUY, 4, 110)
    floor.now += 10
    floor.run()
    assert liquidity(floor) == {"leg": {at.LIQ_NONE}, "quote": {at.LIQ_DISPLAYED}}


def test_of_two_packages_the_waiting_one_makes() -> None:
    floor = ReplaceFloor()
    floor.package(0, at.BUY, 4, 100)
    floor.package(1, at.SELL, 4, 100)
    floor.now += 10
    floor.run()
    sides = {(row[at.X_SIDE], row[at.X_INSTRUMENT]): row[at.X_LIQUIDITY]
             for row in floor.heard if row[at.X_KIND] == at.M_LEG_FILLED}  # fmt: skip
    low, high = floor.series[:2]
    assert sides == {
        (at.BUY, low): at.LIQ_PACKAGE, (at.SELL, high): at.LIQ_PACKAGE,
        (at.SELL, low): at.LIQ_NONE, (at.BUY, high): at.LIQ_NONE,
    }  # fmt: skip


def test_of_a_leg_the_older_of_package_and_order_makes_and_pays_as_maker() -> None:
    floor = ReplaceFloor()
    option_rows.set_option_fees(floor.market, 0, FeeRow(maker=300, taker=500))
    floor.package(0, at.BUY, 4, 109)
    floor.quote((0, 194, 10, 204, 10))  # This leg comes to the package; the other was there first.
    floor.now += 10
    floor.run()
    fills = {row[at.T_INSTRUMENT]: row for row in floor.tape() if row[at.T_KIND] == at.K_FILL}
    low, high = (fills[floor.series[k]] for k in (0, 1))
    assert low[at.T_LIQUIDITY] == at.LIQ_DISPLAYED + at.OLDER_PACKAGE
    assert high[at.T_LIQUIDITY] == at.LIQ_DISPLAYED
    # The book's order is in `ahead`, the leg of the package in `parent`.
    assert [low[at.T_AHEAD], low[at.T_PARENT]] == [4 * 500, 4 * 300]
    assert [high[at.T_AHEAD], high[at.T_PARENT]] == [4 * 300, 4 * 500]
    flags = {row[at.X_INSTRUMENT]: row[at.X_LIQUIDITY]
             for row in floor.heard if row[at.X_KIND] == at.M_LEG_FILLED}  # fmt: skip
    assert flags == {floor.series[0]: at.LIQ_PACKAGE, floor.series[1]: at.LIQ_NONE}
    floor.check()


def test_a_moved_package_has_waited_no_longer() -> None:
    floor = ReplaceFloor()
    package = floor.package(0, at.BUY, 4, 100)
    floor.replace(0, package, 4, 110)
    assert liquidity(floor) == {"leg": {at.LIQ_NONE}, "quote": {at.LIQ_DISPLAYED}}


def test_of_two_waiting_packages_the_younger_comes_to_the_older() -> None:
    floor = ReplaceFloor(quoted=False)
    floor.quote((0, 100, 1, 101, 1), (1, 100, 5, 101, 5))  # One lot is no unit of two.
    ratio: Legs = ((0, 2), (1, -1))
    floor.package(0, at.BUY, 2, 105, ratio)
    floor.package(1, at.SELL, 2, 104, ratio)
    assert len(floor.waiting()) == 2  # Through the legs: no more than 102 may be paid.
    floor.quote((0, 100, 1, 110, 1))
    nets = [row[at.T_PRICE] for row in floor.tape()
            if row[at.T_KIND] == at.K_PACKAGE and row[at.T_TYPE] == at.PR_FILL]  # fmt: skip
    assert nets == [105, 105]
    floor.now += 10
    floor.run()
    makers = {row[at.X_SIDE] for row in floor.heard
              if row[at.X_KIND] == at.M_LEG_FILLED and row[at.X_INSTRUMENT] == floor.series[0]
              and row[at.X_LIQUIDITY] == at.LIQ_PACKAGE}  # fmt: skip
    assert makers == {at.BUY}
    floor.check()


# --- at the broker's door ----------------------------------------------------------------------


@pytest.mark.parametrize("legs", [VERTICAL, TURNED])
def test_the_office_judges_what_a_replace_leaves_of_all_legs(legs: Legs) -> None:
    floor = ReplaceFloor()
    sign = 1 if legs == VERTICAL else -1
    package = floor.package(0, at.BUY if sign > 0 else at.SELL, 4, sign * 109, legs)
    floor.quote((0, 194, 10, 204, 3))
    made, notes = OfficeDoor(floor.market, {"swarm": floor.accounts[0]}), Notes()
    made.office = notes
    order = Placed(package, floor.accounts[0], is_package=True)
    live = [order, Placed(7, floor.accounts[0]), Placed(8, floor.accounts[1])]
    change = ReplaceOrder(order_id="a/1", quantity=9, price=None)
    assert made.replace_fault(order, change, ["AAPL", "X", "Y", "Z"], live) == "margin"
    assert notes.asked == [(floor.accounts[0], {"X": 6, "Y": -6}, None, [7])]
    floor.event(at.E_PACKAGE_CANCEL, floor.accounts[0], package)
    assert made.replace_fault(order, change, ["AAPL", "X", "Y", "Z"], live) is None


# --- checked again before each trade, and after a night's adjustment ------------------------------


def shorting(units: int) -> tuple[ReplaceFloor, int]:
    """Return a floor where a package waits that sells shares short against calls."""
    floor = ReplaceFloor(quoted=False)
    floor.market.section(at.S_ACCOUNT)[floor.accounts[0], at.A_FLAGS] |= at.ACCOUNT_LOCATE
    floor.market.section(at.S_INSTRUMENT)[STOCK, at.I_BORROW] = 250
    floor.shares(0, 1_000, 9_990)
    floor.shares(1, 1_000, 10_010)
    package = floor.package(0, at.BUY, units, -9_800, ((0, 1), (-1, -100)))
    return floor, package


def test_a_waiting_package_finds_its_borrow_when_it_trades() -> None:
    floor, _ = shorting(2)
    assert len(floor.waiting()) == 1
    floor.quote((0, 180, 5, 190, 5))
    assert floor.held(floor.accounts[0], 0) == 2
    floor.check()


def test_a_waiting_package_whose_borrow_is_gone_does_not_trade() -> None:
    floor, _ = shorting(2)
    floor.market.section(at.S_INSTRUMENT)[STOCK, at.I_BORROW] = 50  # Somebody else has taken it.
    floor.quote((0, 180, 5, 190, 5))
    assert floor.prints() == []
    assert floor.waiting() == []
    floor.now += 10
    floor.run()
    ends = [row for row in floor.heard if row[at.X_KIND] == at.M_PACKAGE_CANCELLED]
    assert [at.REASONS[row[at.X_EXTRA]] for row in ends] == ["no_borrow"]
    floor.check()


def test_a_counterpart_without_borrow_is_put_aside_for_the_next() -> None:
    floor, _ = shorting(2)
    floor.market.section(at.S_INSTRUMENT)[STOCK, at.I_BORROW] = 50
    second = floor.package(1, at.BUY, 1, -9_800, ((0, 1), (-1, -100)))
    floor.package(2, at.SELL, 1, -9_800, ((0, 1), (-1, -100)))
    assert floor.held(floor.accounts[1], 0) == 1
    assert floor.held(floor.accounts[0], 0) == 0
    assert second not in floor.ids()


def test_packages_with_an_adjusted_series_are_cancelled_over_the_night() -> None:
    floor = ReplaceFloor()
    floor.package(0, at.BUY, 4, 100)
    kept = floor.package(1, at.BUY, 1, 30, ((1, 1), (2, -1)))
    told = {number: make_option("AAPL", date(2014, 6, 20), "call", str(90 + k))
            for k, number in enumerate(floor.series)}  # fmt: skip
    MarketContracts(floor.market, told).cancel_resting(floor.series[0])
    floor.now += 10
    floor.run()
    assert floor.ids() == [kept]


def test_a_stock_leg_counts_what_a_contract_delivers_now() -> None:
    """An adjustment changed it: packages before and after it are not of one strategy."""
    floor = ReplaceFloor()
    floor.package(0, at.BUY, 1, -9_900, ((0, 1), (-1, -100)))
    instruments = floor.market.section(at.S_INSTRUMENT)
    instruments[floor.series[0], at.I_MULTIPLIER] = 150
    package = floor.package(1, at.BUY, 1, -9_900, ((0, 1), (-1, -150)))
    told = option_rows.package_legs(floor.market, package)
    assert told is not None
    assert told[2] == {floor.series[0]: 1, STOCK: -150}
