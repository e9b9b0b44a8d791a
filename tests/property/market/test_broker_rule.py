"""The broker's rule, whatever is ordered: what enters fits, and the core judges as the books do."""

from hypothesis import given, settings, strategies as st

from environment.market import layout as at
from environment.market.verdicts import Asked
from environment.options.margin import margin_of
from environment.options.margin_book import ROW_VALUE
from tests.unit.market.margin_door import Door

PRICES = st.integers(9_500, 10_500)
STOCK_ORDERS = st.tuples(st.integers(-200, 200).filter(bool), PRICES)
# Place of the instrument (0 is the stock), lots, price of an option or over that of the stock.
ANY_ORDERS = st.tuples(
    st.integers(0, 3),
    st.integers(-6, 6).filter(bool),
    st.integers(1, 80).map(lambda steps: 5 * steps),
    st.booleans(),
)


def excess_after(door: Door, place: int, lots: int, price: int) -> tuple[int, int]:
    """Return equity above initial margin before an order, by the bound, and after it, exactly.

    All that works on its side counts as filled, and so does the order, at today's marks.
    """
    view = door.books.view("reg_t")
    held, _, cash = door.books._read(door.account, at.BUY if lots > 0 else at.SELL)
    before = margin_of(view, cash, held, exact=False).excess_micros
    held[place] += lots
    cash -= lots * price * int(view.table.rows[place, ROW_VALUE])
    return before, margin_of(view, cash, held, exact=True).excess_micros


@settings(deadline=None)
@given(st.integers(-4_000, 9_000), st.integers(-60, 120), st.lists(STOCK_ORDERS, max_size=6),
       st.booleans())  # fmt: skip
def test_core_judges_stock_as_the_books_do(
    cash: int, shares: int, orders: list[tuple[int, int]], is_called: bool
) -> None:
    door = Door(cash, shares)
    if is_called:
        door.flag(at.ACCOUNT_CALLED)
    for lots, price in orders:
        side = at.BUY if lots > 0 else at.SELL
        asked = Asked(door.account, door.stock, side, price, abs(lots), at.NONE)
        assert door.books.judge(asked) == door.enters(door.stock, lots, price)


@settings(deadline=None)
@given(st.integers(0, 30_000), st.integers(0, 3), st.lists(ANY_ORDERS, max_size=10))
def test_what_enters_fits_or_asks_for_less(
    cash: int, hundreds: int, orders: list[tuple[int, int, int, bool]]
) -> None:
    door = Door(cash, 100 * hundreds)
    for place, lots, cents, is_met in orders:
        price = cents if place else 9_800 + cents
        side = at.BUY if lots > 0 else at.SELL
        if is_met:
            door.send(place, -lots, price, account=door.other)
        before, after = excess_after(door, place, lots, price)
        is_closing = 0 < lots <= -int(door.books._read(door.account, side)[0][place])
        if door.enters(place, lots, price) and not is_closing and before >= 0:
            assert after >= 0
        door.market.post_cancel_all(door.market.now_ns + 1, door.other, at.NONE)
        door.run()
