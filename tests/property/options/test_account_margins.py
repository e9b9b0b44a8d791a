"""No account stands below its margin unseen: whoever lacks anything is called, and nobody else."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from hypothesis import given, settings, strategies as st

from environment.instruments import to_micros
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_books import Ledger
from environment.market.clearing_events import MarginCalled
from environment.market.layout import FIRST_ACCOUNT
from environment.options.margin import MarginKind, margin_of
from environment.options.margin_accounts import AccountMargins
from environment.options.margin_book import Ints
from tests.unit.market.contract_fixture import FRIDAY, LATER, STOCK, option
from tests.unit.market.ledger_fixture import make_ledger

SERIES = (
    option("call", "95", LATER), option("call", "100", LATER), option("put", "100", LATER),
    option("put", "95", LATER),
)  # fmt: skip
MARKS = np.array([10_000, 620, 300, 310, 120], np.int64)
KINDS: tuple[MarginKind, ...] = ("reg_t", "portfolio", "cash")
ACCOUNTS = st.tuples(
    st.integers(-9_000, 9_000), st.integers(-100, 100),
    st.lists(st.integers(-4, 4), min_size=4, max_size=4), st.sampled_from(KINDS),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ACCOUNTS, min_size=1, max_size=4))
def test_accounts_below_their_requirement_are_called_and_no_others(
    told: list[tuple[int, int, list[int], MarginKind]],
) -> None:
    ledger = make_ledger(*((cash, [shares]) for cash, shares, _, _ in told))
    numbers = range(FIRST_ACCOUNT, FIRST_ACCOUNT + len(told))
    margins = AccountMargins((STOCK, *SERIES), MARKS, FRIDAY.toordinal())
    held = {n: dict(enumerate(lots, 1)) for n, (_, _, lots, _) in zip(numbers, told, strict=True)}
    kinds = {n: kind for n, (_, _, _, kind) in zip(numbers, told, strict=True)}

    def margin(books: Ledger, marks: Mapping[str, int], _: date) -> tuple[Ints, Ints]:
        assert marks == {"A": 10_000}
        equity, required = books.cash.copy(), np.zeros_like(books.cash)
        for n, figures in margins.figures(books.cash, books.position, held, kinds).items():
            equity[n], required[n] = figures.equity_micros, figures.required_micros
        return equity, required

    by = Clearing((STOCK,), TradingCalendar("XNYS"), margin=margin)
    events = by.run(ledger, FRIDAY, {"A": 10_000}, ClearingTerms())
    called = {e.account: e.call_micros for e in events if isinstance(e, MarginCalled)}
    for n, (cash, shares, lots, kind) in zip(numbers, told, strict=True):
        figures = margin_of(
            margins.view(kind), to_micros(cash), np.array([shares, *lots], np.int64), exact=True
        )
        assert called.get(n, 0) == max(-figures.cushion_micros, 0)
