"""Clearing over the core's own books."""

from datetime import date

import numpy as np

from environment.instruments import make_equity, to_micros
from environment.market import layout as at
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_ledger import MarketLedger
from environment.market.corporate_actions import Split
from environment.market.market import Market

FRIDAY = date(2014, 6, 6)


def traded_market() -> tuple[Market, int, int]:
    """One account has sold 20 of its 50 shares of the first of two stocks at 100.00."""
    market = Market(instruments=2, accounts=2)
    stock = market.add_instrument(value_micros=10_000, last_close=10_000)
    market.add_instrument(value_micros=10_000, last_close=5_000)
    seller, buyer = (market.add_account(cash_micros=to_micros(10_000)) for _ in range(2))
    market.give_shares(seller, stock, 50)
    market.post_event(1, at.E_PHASE, stock, at.CONTINUOUS)
    for time_ns, account, side in ((2, seller, at.SELL), (3, buyer, at.BUY)):
        market.post_order(time_ns, stock, account, side, at.LIMIT, at.DAY, at.ALLOW, 0, 10_000, 20,
                          0, 0, 0, at.NONE, 0)  # fmt: skip
    market.advance(10)
    return market, seller, buyer


def test_views_show_and_change_the_books_of_the_core() -> None:
    market, seller, buyer = traded_market()
    ledger = MarketLedger(market)
    assert ledger.position[[seller, buyer], 0].tolist() == [30, 20]
    assert ledger.proceeds[seller] == to_micros(2_000)
    ledger.cash[seller] += 7
    assert market.section(at.S_ACCOUNT)[seller, at.A_CASH] == to_micros(12_000) + 7


def test_night_splits_positions_and_queues_sales_in_the_core() -> None:
    market, seller, buyer = traded_market()
    ledger = MarketLedger(market)
    instruments = (make_equity("A"), make_equity("B"))
    split = Split(symbol="A", ex_date=date(2014, 6, 9), numerator=7, denominator=1)
    by = Clearing(instruments, TradingCalendar("XNYS"))
    by.run(ledger, FRIDAY, {"A": 10_000, "B": 5_000}, ClearingTerms(actions=(split,)))
    assert ledger.position[[seller, buyer], 0].tolist() == [210, 140]
    assert not ledger.position.sum(axis=0).any()
    assert np.count_nonzero(ledger.proceeds) == 0
    assert by.state.pending[0].micros == [to_micros(2_000)]
