"""The broker's books: how accounts stand in a live market, and which orders margin stops."""

from datetime import date

import numpy as np
import pytest

from environment.clearing_messages import QueryHolders, QueryStanding
from environment.instruments import Instrument, make_equity, make_option, to_micros
from environment.market import layout as at
from environment.market.market import Market
from environment.market.option_rows import move_contracts, post_package
from environment.options.broker_books import BrokerBooks
from environment.options.margin import MarginKind

JUNE = date(2014, 6, 20)
STOCK = make_equity("A")
CALL, FAR = make_option("A", JUNE, "call", "100"), make_option("A", JUNE, "call", "105")


class Desk:
    """One stock at 100 and two calls at 2.00; one account with cash."""

    def __init__(self, cash: int, kind: MarginKind = "reg_t") -> None:
        self.market = Market(instruments=1, accounts=2)
        stock = self.market.add_instrument(value_micros=10_000, last_close=10_000)
        self.account = self.market.add_account(cash_micros=to_micros(cash))
        self.other = self.market.add_account(cash_micros=to_micros(1_000_000))
        self.series: dict[int, Instrument] = {
            self.market.add_series(told, stock=stock, last_close=200): told for told in (CALL, FAR)
        }
        self.market.post_event(1, at.E_PHASE, stock, at.CONTINUOUS)
        self.market.advance(2)
        self.books = BrokerBooks(
            self.market, (STOCK,), self.series, {self.account: kind},
            gated=frozenset({self.account}), staff=frozenset({"clearing/liquidation"}),
        )  # fmt: skip
        self.working: list[int] = []
        self.books.day = date(2014, 6, 6).toordinal()

    def work(self, side: int, quantity: int, price: int, number: int = 0) -> None:
        """Let an order of the account rest."""
        now_ns = self.market.now_ns
        identity = self.market.post_order(
            now_ns + 1, number, self.account, side, at.LIMIT, at.DAY, at.ALLOW, 0, price, quantity,
            0, 0, 0, at.NONE, 0,
        )  # fmt: skip
        self.working.append(identity)
        self.market.advance(self.market.now_ns + 2)

    def allows(self, lots: int, symbol: str = "A", price: int | None = None) -> bool:
        found = self.books.refusal(self.account, {symbol: lots}, price, self.working)
        return found is None


def test_order_beyond_half_of_its_value_is_refused() -> None:
    desk = Desk(5_000)
    assert desk.allows(100, price=10_000)
    assert not desk.allows(101, price=10_000)
    assert not desk.allows(100, price=10_100)  # What it pays above the mark is gone.


def test_accounts_that_are_not_gated_are_not_judged() -> None:
    desk = Desk(1)
    assert desk.books.refusal(desk.other, {"A": 100_000}, None) is None


def test_working_orders_of_the_same_side_count_as_filled() -> None:
    desk = Desk(5_000)
    desk.work(at.BUY, 60, 9_900)
    assert desk.allows(40, price=10_000)
    assert not desk.allows(45, price=10_000)
    assert desk.allows(-40, price=10_000)


def test_written_call_needs_its_margin_and_a_spread_less() -> None:
    desk = Desk(600)
    assert not desk.allows(-1, CALL.symbol, 200)
    both = {CALL.symbol: -1, FAR.symbol: 1}
    assert desk.books.refusal(desk.account, both, None) is None


def test_order_that_closes_is_never_refused() -> None:
    desk = Desk(100)
    desk.market.give_shares(desk.account, 0, -50)
    assert not desk.allows(-1)
    assert desk.allows(20, price=10_000)


@pytest.mark.parametrize(("kind", "allowed"), [("reg_t", False), ("portfolio", True)])
def test_kind_of_account_is_what_counts(kind: MarginKind, allowed: bool) -> None:
    assert Desk(2_000, kind).allows(100) == allowed


def test_standing_names_holdings_marks_and_figures() -> None:
    desk = Desk(5_000)
    desk.market.give_shares(desk.account, 0, 10)
    told = desk.books.answer(QueryStanding(account=desk.account))
    assert told == desk.books.standing(desk.account)
    found = desk.books.standing(desk.account)
    assert (found.positions, found.marks) == ({"A": 10}, {"A": 10_000})
    assert (found.equity_micros, found.required_micros) == (to_micros(6_000), to_micros(250))


def test_holders_are_found_by_expiry() -> None:
    desk = Desk(5_000)
    number = next(iter(desk.series))
    move_contracts(desk.market, desk.other, desk.account, number, 2)
    assert desk.books.holders(date(2014, 6, 19)).accounts == ()
    found = desk.books.answer(QueryHolders(expiring_by=JUNE))
    assert found == desk.books.holders(JUNE)
    assert desk.books.holders(JUNE).accounts == (desk.account, desk.other)


def spreads(desk: Desk, units: int, packages: tuple[int, ...] = ()) -> bool:
    """Return whether so many spreads may be written beside packages that wait."""
    legs = {CALL.symbol: -units, FAR.symbol: units}
    return desk.books.refusal(desk.account, legs, None, desk.working, packages) is None


def waiting_spread(desk: Desk, side: int) -> int:
    """Let a spread wait: sold, it writes the nearer call; at a price that nobody meets."""
    net = 1_000 if side == at.SELL else -1_000
    legs = np.array([[1, 1], [2, -1]], np.int64)
    now_ns = desk.market.now_ns
    identity = post_package(desk.market, now_ns + 1, desk.account, side, net, 1, legs)
    desk.market.advance(desk.market.now_ns + 2)
    return identity


def test_packages_that_wait_count_as_the_position_they_may_make() -> None:
    desk = Desk(1_200)
    assert spreads(desk, 2)
    assert not spreads(desk, 3)
    package = waiting_spread(desk, at.SELL)
    assert spreads(desk, 1, (package,))
    assert not spreads(desk, 2, (package,))


def test_a_package_that_waits_to_close_makes_no_room_before_it_trades() -> None:
    desk = Desk(1_200)
    package = waiting_spread(desk, at.BUY)
    assert spreads(desk, 2, (package,))
    assert not spreads(desk, 3, (package,))
