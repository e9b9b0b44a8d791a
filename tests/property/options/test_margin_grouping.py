"""The integer program against a search of every grouping; the fast bound against both."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from environment.instruments import make_equity, make_option, to_micros
from environment.options.margin_book import ClassBook, class_book, make_margin_table
from environment.options.margin_bound import bound_of_class
from environment.options.margin_groups import cheapest_grouping
from environment.options.margin_rules import INITIAL, MAINTENANCE
from tests.models.margin_search import Option, cheapest

FIRST = date(2014, 6, 20)

STRIKES = st.sampled_from([80, 90, 95, 100, 105, 110, 120])
LOTS = st.integers(-3, 3).filter(bool)


# Shapes whose parts alone cost more: (right, place of the strike, sign times contracts).
SHAPES = (
    (("call", 0, 1), ("call", 1, -2), ("call", 2, 1)),
    (("put", 0, 1), ("put", 1, -2), ("put", 2, 1)),
    (("call", 0, 1), ("call", 1, -1), ("call", 2, -1), ("call", 3, 1)),
    (("put", 0, 1), ("put", 1, -1), ("put", 2, -1), ("put", 3, 1)),
    (("put", 0, 1), ("put", 1, -1), ("call", 2, -1), ("call", 3, 1)),
    (("put", 0, 1), ("put", 1, -1), ("call", 1, -1), ("call", 3, 1)),
    (("call", 1, -1), ("call", 2, 1), ("put", 2, -1), ("put", 1, 1)),
    (("put", 1, -1), ("call", 2, -1)),
)


@st.composite
def books(draw: st.DrawFn, *, legs: int = 6) -> tuple[tuple[Option, ...], int, int]:
    """Draw options, hundreds of shares and a spot; a whole structure is often among them."""
    held: dict[tuple[str, int, int], int] = {}
    days = draw(st.sampled_from([0, 28]))
    for kind, place, count in draw(st.sampled_from([(), *SHAPES])):
        held[kind, 90 + 5 * place, days] = count
    for kind, strike, later in draw(st.lists(
        st.tuples(st.sampled_from(["call", "put"]), STRIKES, st.sampled_from([0, 28])),
        min_size=not held, max_size=legs - len(held), unique=True,
    )):  # fmt: skip
        held.setdefault((kind, strike, later), draw(LOTS))
    spot = draw(st.sampled_from([4, 78, 100, 101, 130]))
    options = tuple(
        Option(kind, strike, later, quantity, draw(st.integers(0, 900)))
        for (kind, strike, later), quantity in held.items()
    )
    return options, draw(st.sampled_from([0, 0, 1, 2, -1])), spot


def as_book(options: tuple[Option, ...], hundreds: int, spot: int) -> ClassBook:
    """Return the same account as margin sees it."""
    series = [
        make_option("A", FIRST + timedelta(days=o.expiry), "call" if o.kind == "call" else "put",
                    str(o.strike))
        for o in options
    ]  # fmt: skip
    table = make_margin_table([make_equity("A"), *series])
    lots = np.array([100 * hundreds, *(option.quantity for option in options)], np.int64)
    marks = np.array([100 * spot, *(option.premium for option in options)], np.int64)
    return class_book(table, 0, lots, marks, to_micros(spot))


@settings(max_examples=60, deadline=None)
@given(books())
def test_grouping_is_the_cheapest_of_all(told: tuple[tuple[Option, ...], int, int]) -> None:
    options, hundreds, spot = told
    book = as_book(options, hundreds, spot)
    for basis in (INITIAL, MAINTENANCE):
        expected = cheapest(options, hundreds, spot, maintenance=basis == MAINTENANCE)
        assert cheapest_grouping(book, basis).required_micros == expected * 1_000_000


@settings(max_examples=150, deadline=None)
@given(books(legs=10))
def test_bound_is_never_below_the_cheapest(told: tuple[tuple[Option, ...], int, int]) -> None:
    book = as_book(*told)
    bounds = bound_of_class(book.legs, book.shares, book.spot, book.percent)
    for basis in (INITIAL, MAINTENANCE):
        assert bounds[basis] >= cheapest_grouping(book, basis).required_micros


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(0, 5), st.integers(1, 3))
def test_buying_an_option_never_asks_for_more(
    told: tuple[tuple[Option, ...], int, int], which: int, more: int
) -> None:
    options, hundreds, spot = told
    at = which % len(options)
    bought = options[at]._replace(quantity=options[at].quantity + more)
    after = tuple(o for o in (*options[:at], bought, *options[at + 1 :]) if o.quantity)
    before = cheapest_grouping(as_book(options, hundreds, spot), MAINTENANCE)
    later = cheapest_grouping(as_book(after, hundreds, spot), MAINTENANCE)
    assert later.required_micros <= before.required_micros


@pytest.mark.parametrize("basis", [INITIAL, MAINTENANCE])
def test_grouping_shares_out_every_contract(basis: int) -> None:
    options = (
        Option("call", 100, 0, -3, 200), Option("call", 105, 0, 2, 90), Option("put", 95, 0, -2, 80)
    )  # fmt: skip
    found = cheapest_grouping(as_book(options, 1, 100), basis)
    used = [0, 0, 0]
    for column, count in found.groups:
        for leg, contracts in column.parts:
            used[leg] += contracts * count
    assert used == [3, 2, 2]
