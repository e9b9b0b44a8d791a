"""A core with a margined account before the broker's rule: what its tests stand on."""

from datetime import date

from environment.instruments import Instrument, make_equity, make_option, to_micros
from environment.market import layout as at
from environment.market.market import Market
from environment.options.broker_books import BrokerBooks

JUNE = date(2014, 6, 20)
CALL, FAR = make_option("A", JUNE, "call", "100"), make_option("A", JUNE, "call", "105")
PUT = make_option("A", JUNE, "put", "100")
MARKET = at.MAX_PRICE


class Door:
    """A stock at 100 and three options at 2.00; a margined account, and one with all there is."""

    def __init__(self, cash: int, shares: int = 0) -> None:
        self.market = market = Market(instruments=1, accounts=3)
        self.stock = market.add_instrument(value_micros=10_000, last_close=10_000)
        self.series = dict[int, Instrument]()
        for told in (CALL, FAR, PUT):
            self.series[market.add_series(told, stock=self.stock, last_close=200)] = told
        self.call, self.far, self.put = self.series
        self.account = market.add_account(cash_micros=to_micros(cash), flags=at.ACCOUNT_MARGINED)
        self.other = market.add_account(cash_micros=10**15)
        self.maker = market.add_account(cash_micros=10**15)
        market.give_shares(self.account, self.stock, shares)
        market.post_event(1, at.E_PHASE, self.stock, at.CONTINUOUS)
        self.books = BrokerBooks(market, (make_equity("A"),), self.series, {})
        market.judge = self.books.judge
        self.run()

    def run(self) -> None:
        """Let the core catch up."""
        while self.market.advance(self.market.now_ns + 10) != at.DONE:
            self.market.take_out()

    def send(
        self, number: int, lots: int, price: int = MARKET, *, account: int = -1, flags: int = 0
    ) -> int:
        """Send an order, bought above 0; return its public id."""
        side = at.BUY if lots > 0 else at.SELL
        kind = at.LIMIT if abs(price) < MARKET else at.MARKET
        limit = price if kind == at.LIMIT else (price if lots > 0 else -price)
        found = self.market.post_order(
            self.market.now_ns + 1, number, self.account if account < 0 else account, side, kind,
            at.DAY, at.ALLOW, flags, limit, abs(lots), 0, 0, 0, at.NONE, 0,
        )  # fmt: skip
        self.run()
        return found

    def enters(self, number: int, lots: int, price: int = MARKET) -> bool:
        """Return whether an order is let in."""
        before = int(self.market.arena[at.H_REFUSED])
        self.send(number, lots, price)
        return int(self.market.arena[at.H_REFUSED]) == before

    def fill(self, number: int, lots: int, price: int) -> None:
        """Let the account trade with somebody who asks no questions of his own."""
        self.send(number, -lots, price, account=self.other)
        assert self.enters(number, lots, price)

    def flag(self, bit: int) -> None:
        """Give the account a flag."""
        self.market.section(at.S_ACCOUNT)[self.account, at.A_FLAGS] |= bit

    @property
    def refused(self) -> int:
        """Return how many orders of the account margin has kept out."""
        return int(self.market.section(at.S_ACCOUNT)[self.account, at.A_MARGIN_REFUSED])
