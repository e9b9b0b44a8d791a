"""Series and holdings of the core, as clearing reads and changes them."""

from datetime import date

import pytest

from environment.instruments import Instrument, make_option, to_micros
from environment.market import layout as at
from environment.market.clearing_contracts import ListedSeries
from environment.market.market import Market
from environment.market.market_contracts import MarketContracts

JUNE, JULY = date(2014, 6, 6), date(2014, 7, 18)


def make_book() -> tuple[Market, MarketContracts, int, int]:
    """One stock with a call and a put of July and a call of June; two accounts."""
    market = Market(instruments=1, accounts=2)
    stock = market.add_instrument(value_micros=10_000, last_close=10_000)
    one, two = (market.add_account(cash_micros=to_micros(10_000)) for _ in range(2))
    series: dict[int, Instrument] = {}
    for right, expiry in (("call", JULY), ("put", JULY), ("call", JUNE)):
        told = make_option("A", expiry, "call" if right == "call" else "put", "100")
        series[market.add_series(told, stock=stock, open_interest=10)] = told
    return market, MarketContracts(market, series), one, two


def test_holdings_are_gathered_by_series_and_account() -> None:
    _, book, one, two = make_book()
    book.move(two, one, 1, 5)
    book.move(two, one, 3, 2)
    held = book.holdings()
    assert sorted(held) == [1, 3]
    assert (held[1].accounts.tolist(), held[1].contracts.tolist()) == ([one, two], [5, -5])
    assert held[1].shorts().contracts.tolist() == [5]


def test_retired_series_are_neither_listed_nor_held() -> None:
    _, book, one, two = make_book()
    book.move(two, one, 3, 2)
    book.move(one, two, 3, 2)
    book.retire([3])
    assert [series.number for series in book.listed()] == [1, 2]
    assert not book.holdings()


def test_series_with_holders_cannot_be_retired() -> None:
    _, book, one, two = make_book()
    book.move(two, one, 3, 2)
    with pytest.raises(ValueError, match="still has holders"):
        book.retire([3])


def test_put_and_call_of_one_strike_are_twins() -> None:
    _, book, _, _ = make_book()
    assert book.twins() == {1: 2, 2: 1}


def test_mark_is_the_middle_of_the_closing_quote_or_the_last_price() -> None:
    market, book, _, _ = make_book()
    rows = market.section(at.S_INSTRUMENT)
    rows[1, [at.I_CLOSE_BID, at.I_CLOSE_ASK]] = 100, 104
    rows[2, at.I_LAST_CLOSE] = 77
    assert book.marks() == {1: 102, 2: 77}


def test_change_writes_terms_prices_and_open_interest() -> None:
    market, book, one, two = make_book()
    book.move(two, one, 1, 4)
    market.section(at.S_INSTRUMENT)[1, at.I_LAST_CLOSE] = 700
    split = make_option("A", JULY, "call", "14.29")
    book.change(ListedSeries(number=1, instrument=split, stock=0), factor=1 / 7, contracts=7)
    row = market.section(at.S_INSTRUMENT)[1]
    assert (row[at.I_STRIKE], row[at.I_LAST_CLOSE]) == (14_290_000, 100)
    book.move(two, one, 1, 24)
    # Ten that stand on no account and four that do, times seven.
    assert row[at.I_OPEN_INTEREST] == 98
    assert book.series[1] == split


def test_change_cancels_what_rests_over_night() -> None:
    market, book, one, _ = make_book()
    market.post_event(1, at.E_PHASE, 0, at.CONTINUOUS)
    market.post_order(2, 1, one, at.BUY, at.LIMIT, at.GTC, at.ALLOW, 0, 100, 3, 0, 0, 0, at.NONE, 0)
    market.advance(10)
    assert market.arena[at.H_LIVE_ORDERS] == 1
    told = make_option("A", JULY, "call", "14.29")
    book.change(ListedSeries(number=1, instrument=told, stock=0), factor=1 / 7, contracts=7)
    market.advance(20)
    assert market.arena[at.H_LIVE_ORDERS] == 0
