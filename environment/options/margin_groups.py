"""The cheapest grouping of an account's options in one underlying into recognised strategies.

An integer program: each recognised group of contracts is a column with its requirement, each
series' contracts are shared out among them in whole lots, and stock covers at most what it can.

References
----------
FINRA Rule 4210(f)(2); Cboe Rule 10.3(c)(5).
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array

from environment.errors import Defect
from environment.options import margin_rules as rules
from environment.options.margin_book import (
    EXPIRY,
    KIND,
    PREMIUM,
    QUANTITY,
    SHARES,
    STRIKE,
    ClassBook,
)
from environment.options.margin_rules import CALL, MAINTENANCE, PUT

_COLUMNS_MAX: Final = 60_000
_LEGS_MAX: Final = 60  # Beyond it one question takes up to a tenth of a second, and many are asked.
_KNOWN_MAX: Final = 4_096
_KNOWN: dict[tuple[bytes, int, int, int, int], int | None] = {}
_WHOLE: Final = 1e-7  # How near a whole number counts as one.
_MICROS: Final = 1e-6  # The solver works in whole currency: better scaled, and the cost is exact.


class Leg(NamedTuple):
    """One option position; `quantity` contracts, signed."""

    kind: int
    strike: int
    expiry: int
    shares: int
    quantity: int
    premium: int


class Column(NamedTuple):
    """One recognised group: contracts of each leg by its number, shares of stock, requirement."""

    name: str
    parts: tuple[tuple[int, int], ...]
    shares: int
    cost: int


class Grouping(NamedTuple):
    """How an account's contracts were grouped, and what the class must have, stock included."""

    required_micros: int
    groups: tuple[tuple[Column, int], ...]


class TooManyColumnsError(Exception):
    """The exact program would be too large; the bound has to do."""


def legs_of(book: ClassBook) -> list[Leg]:
    """Return the option positions of a book."""
    return [
        Leg(*map(int, row))
        for row in book.legs[:, [KIND, STRIKE, EXPIRY, SHARES, QUANTITY, PREMIUM]]
    ]


def recognised(book: ClassBook, basis: int) -> list[Column]:
    """Return every recognised group that could stand in a book.

    Raises
    ------
    TooManyColumnsError
        Above 60,000 groups, or 60 legs.
    """
    legs = legs_of(book)
    if len(legs) > _LEGS_MAX:
        raise TooManyColumnsError
    found: list[Column] = []
    for source in (_alone, _with_stock, _spreads, _strangles, _wings, _condors_of_both, _boxes):
        for column in source(book, legs, basis):
            found.append(column)
            if len(found) > _COLUMNS_MAX:
                raise TooManyColumnsError
    return found


def cheapest_requirement(book: ClassBook, basis: int) -> int | None:
    """Return what `cheapest_grouping` requires, or None where it would be too large.

    What was found last for the same holdings, marks and spot is remembered: who asks how an account
    stands, and who then decides about it, ask the same.
    """
    key = (book.legs.tobytes(), book.shares, book.spot, book.percent, basis)
    try:
        found = _KNOWN[key]
    except KeyError:
        try:
            found = cheapest_grouping(book, basis).required_micros
        except TooManyColumnsError:
            found = None
        if len(_KNOWN) >= _KNOWN_MAX:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = found
    return found


def cheapest_grouping(book: ClassBook, basis: int) -> Grouping:
    """Return the least requirement of one class, before the value of its options.

    Parameters
    ----------
    basis : INITIAL or MAINTENANCE of `margin_rules`.

    Raises
    ------
    TooManyColumnsError
        If there are too many recognised groups for the exact program.
    """
    stock = int(rules.stock_requirement(book.shares, book.spot, basis))
    if len(book.legs) == 0:
        return Grouping(stock, ())
    columns = recognised(book, basis)
    counts = _solve(book, columns)
    chosen = tuple((column, n) for column, n in zip(columns, counts, strict=True) if n)
    return Grouping(stock + sum(column.cost * n for column, n in chosen), chosen)


def _solve(book: ClassBook, columns: list[Column]) -> list[int]:
    """Return how often each column stands in the cheapest grouping.

    Shares of a contract are allowed at first: mostly the cheapest such grouping is whole already,
    and is then the answer, at a third of the time.
    """
    contracts = np.abs(book.legs[:, QUANTITY]).astype(np.float64)
    rows, places, values = [], [], []
    for place, column in enumerate(columns):
        for leg, count in column.parts:
            rows.append(leg)
            places.append(place)
            values.append(count)
        if column.shares:
            rows.append(len(contracts))
            places.append(place)
            values.append(column.shares)
    matrix = csc_array((np.array(values, np.float64), (rows, places)),
                       shape=(len(contracts) + 1, len(columns)))  # fmt: skip
    low = np.append(contracts, 0.0)
    high = np.append(contracts, float(abs(book.shares)))
    cost = np.array([column.cost for column in columns], np.float64) * _MICROS
    for is_whole in (False, True):
        done = milp(
            cost, constraints=LinearConstraint(matrix, low, high), bounds=Bounds(0, np.inf),
            integrality=np.full(len(columns), int(is_whole)), options={"mip_rel_gap": 0.0},
        )  # fmt: skip
        if done.x is None:
            raise Defect(f"no grouping of {len(contracts)} legs was found: {done.message}")
        counts = np.rint(done.x)
        if is_whole or np.abs(done.x - counts).max() < _WHOLE:
            break
    used = matrix @ counts
    if np.any(used < low) or np.any(used > high):
        raise Defect("the grouping does not share out every contract")
    return [int(count) for count in counts]


def _naked(book: ClassBook, leg: Leg) -> int:
    return int(rules.naked_requirement(
        leg.kind, leg.strike, leg.shares, leg.premium, book.spot, book.percent
    ))  # fmt: skip


def _alone(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    for n, leg in enumerate(legs):
        if leg.quantity > 0:
            yield Column("long", ((n, 1),), 0, 0)
        else:
            yield Column("naked", ((n, 1),), 0, _naked(book, leg))


def _with_stock(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:
    if book.shares == 0:
        return
    # Long stock covers calls and is protected by puts; short stock the other way round.
    sold, bought = (CALL, PUT) if book.shares > 0 else (PUT, CALL)
    writers = [(n, leg) for n, leg in enumerate(legs) if leg.kind == sold and leg.quantity < 0]
    guards = [(n, leg) for n, leg in enumerate(legs) if leg.kind == bought and leg.quantity > 0]
    for n, leg in writers:
        cost = rules.covered_requirement(leg.kind, leg.strike, leg.shares, book.spot, basis)
        yield Column("covered", ((n, 1),), leg.shares, int(cost))
    if basis != MAINTENANCE:
        return  # Regulation T asks half of the stock, protected or not.
    for n, leg in guards:
        cost = rules.protected_change(leg.kind, leg.strike, leg.shares, book.spot)
        yield Column("protected", ((n, 1),), leg.shares, int(cost))
    for n, guard in guards:
        for m, writer in writers:
            if guard.expiry != writer.expiry or guard.shares != writer.shares:
                continue
            both, shares = ((n, 1), (m, 1)), guard.shares
            if guard.strike == writer.strike:
                cost = rules.parity_change(writer.kind, writer.strike, shares, book.spot)
                name = "conversion" if sold == CALL else "reversal"
                yield Column(name, both, shares, int(cost))
            elif sold == CALL and guard.strike < writer.strike:
                cost = rules.collar_change(guard.strike, writer.strike, shares, book.spot)
                yield Column("collar", both, shares, int(cost))


def _spreads(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    for n, bought in enumerate(legs):
        if bought.quantity < 0:
            continue
        for m, sold in enumerate(legs):
            if (
                sold.quantity < 0 and sold.kind == bought.kind and sold.shares == bought.shares
                and bought.expiry >= sold.expiry
            ):  # fmt: skip
                cost = rules.spread_requirement(sold.kind, bought.strike, sold.strike, sold.shares)
                name = "vertical" if bought.expiry == sold.expiry else "calendar"
                yield Column(name, ((n, 1), (m, 1)), 0, int(cost))


def _strangles(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    naked = {n: _naked(book, leg) for n, leg in enumerate(legs) if leg.quantity < 0}
    for n, m in combinations(naked, 2):
        one, two = legs[n], legs[m]
        if one.kind != two.kind and one.shares == two.shares:
            cost = rules.strangle_requirement(naked[n], one.premium, naked[m], two.premium)
            yield Column("strangle", ((n, 1), (m, 1)), 0, int(cost))


def _verticals(legs: list[Leg]) -> Iterator[tuple[int, int]]:
    """Yield (bought, sold) of every vertical."""
    for n, bought in enumerate(legs):
        for m, sold in enumerate(legs):
            if (
                bought.quantity > 0 > sold.quantity and bought.kind == sold.kind
                and bought.expiry == sold.expiry and bought.shares == sold.shares
            ):  # fmt: skip
                yield n, m


def _wings(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    """Yield long butterflies and condors of one right: nothing beyond what was paid.

    A vertical with its sold strike above the bought one, and one as wide whose strikes lie higher
    and the other way round.
    """
    rising = [(n, m) for n, m in _verticals(legs) if legs[n].strike < legs[m].strike]
    falling: dict[tuple[int, int, int, int], list[tuple[int, int]]] = {}
    for n, m in _verticals(legs):
        width = legs[n].strike - legs[m].strike
        if width > 0:
            falling.setdefault((legs[n].kind, legs[n].expiry, legs[n].shares, width), []).append(
                (n, m)
            )
    for low, sold in rising:
        one = legs[low]
        key = (one.kind, one.expiry, one.shares, legs[sold].strike - one.strike)
        for high, other in falling.get(key, ()):
            if legs[other].strike < legs[sold].strike:
                continue
            if other == sold:
                yield Column("butterfly", ((low, 1), (sold, 2), (high, 1)), 0, 0)
            else:
                yield Column("condor", ((low, 1), (sold, 1), (other, 1), (high, 1)), 0, 0)


def _condors_of_both(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    """Yield iron condors and butterflies: the wider side, as only one can lose."""
    puts, calls = _credit_spreads(legs, PUT), _credit_spreads(legs, CALL)
    for bought, sold in puts:
        for other, written in calls:
            one, two = legs[sold], legs[written]
            if one.expiry == two.expiry and one.shares == two.shares and one.strike <= two.strike:
                width = max(one.strike - legs[bought].strike, legs[other].strike - two.strike)
                parts = ((bought, 1), (sold, 1), (written, 1), (other, 1))
                yield Column("iron condor", parts, 0, width * one.shares)


def _credit_spreads(legs: list[Leg], kind: int) -> list[tuple[int, int]]:
    sign = 1 if kind == CALL else -1
    return [
        (n, m) for n, m in _verticals(legs)
        if legs[n].kind == kind and sign * (legs[n].strike - legs[m].strike) > 0
    ]  # fmt: skip


def _boxes(book: ClassBook, legs: list[Leg], basis: int) -> Iterator[Column]:  # noqa: ARG001  one signature
    """Yield short boxes: the strikes' difference, which one side or both together always lose."""
    puts = {
        (legs[n].strike, legs[m].strike, legs[n].expiry, legs[n].shares): (n, m)
        for n, m in _credit_spreads(legs, PUT)
    }
    for bought, sold in _credit_spreads(legs, CALL):
        low, high = legs[sold].strike, legs[bought].strike
        pair = puts.get((low, high, legs[sold].expiry, legs[sold].shares))
        if pair is not None:
            parts = ((bought, 1), (sold, 1), (pair[0], 1), (pair[1], 1))
            yield Column("box", parts, 0, (high - low) * legs[sold].shares)
