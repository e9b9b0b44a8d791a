"""What margin sees of an account: its stock and options, underlying by underlying, in integers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument
from environment.options.margin_rules import (
    CALL,
    INDEX_PERCENT,
    NAKED_PERCENT,
    PUT,
    STOCK,
)

Ints = NDArray[np.int64]

# Words of a row of the table.
ROW_KIND, ROW_STRIKE, ROW_EXPIRY, ROW_SHARES, ROW_VALUE, ROW_TICK = range(6)
ROW_WORDS: Final = 6
# Words of a leg: one option position of an account.
KIND, STRIKE, EXPIRY, SHARES, QUANTITY, PREMIUM = range(6)
LEG_WORDS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class MarginTable:
    """The instruments that margin knows, grouped by underlying; made once for a set of series.

    Attributes
    ----------
    instruments : tuple of Instrument
        Position vectors follow their order.
    rows : int64 array of shape (instruments, 6)
        Kind (0 stock, 1 call, 2 put), strike per share (micros), expiry (day number), shares per
        lot, micros per tick and lot, micros per tick and share.
    order, first : int64 arrays
        Rows of class k are `order[first[k]:first[k + 1]]`; within a class in order of instruments.
    classes : tuple of str
        Symbol of each class's underlying.
    percents : int64 array of shape (classes,)
        Share of the underlying that a naked option must have: 20, or 15 for a broad index.
    """

    instruments: tuple[Instrument, ...]
    rows: Ints
    order: Ints
    first: Ints
    classes: tuple[str, ...]
    percents: Ints
    number: Mapping[str, int]
    class_of: Mapping[str, int]

    def vector(self, by_symbol: Mapping[str, int]) -> Ints:
        """Return numbers by symbol (lots, ticks) as a vector in the order of the instruments."""
        found = np.zeros(len(self.instruments), np.int64)
        for symbol, number in by_symbol.items():
            found[self.number[symbol]] = number
        return found

    def spots(self, marks: Ints, index_micros: Mapping[str, int] | None = None) -> Ints:
        """Return the price of each underlying in micros a share, from marks in ticks.

        Parameters
        ----------
        index_micros : mapping of symbol to micros, optional
            Underlyings that are no instrument themselves, such as an index.
        """
        told = index_micros or {}
        found = np.zeros(len(self.classes), np.int64)
        for place, symbol in enumerate(self.classes):
            row = self.number.get(symbol)
            if row is not None:
                found[place] = marks[row] * self.rows[row, ROW_TICK]
            else:
                found[place] = told[symbol]
        return found


def make_margin_table(
    instruments: Iterable[Instrument], *, broad_indices: frozenset[str] = frozenset()
) -> MarginTable:
    """Return the table of some instruments; what is no option is a class of its own."""
    listed = tuple(instruments)
    rows = np.zeros((len(listed), ROW_WORDS), np.int64)
    classes: dict[str, int] = {}
    members: list[list[int]] = []
    for number, instrument in enumerate(listed):
        underlying = instrument.underlying or instrument.symbol
        place = classes.setdefault(underlying, len(classes))
        if place == len(members):
            members.append([])
        members[place].append(number)
        rows[number] = _row(instrument)
    first = np.cumsum([0, *map(len, members)], dtype=np.int64)
    order = np.array([row for group in members for row in group], np.int64)
    percents = [INDEX_PERCENT if name in broad_indices else NAKED_PERCENT for name in classes]
    return MarginTable(
        instruments=listed, rows=rows, order=order, first=first, classes=tuple(classes),
        percents=np.array(percents, np.int64),
        number={instrument.symbol: n for n, instrument in enumerate(listed)}, class_of=classes,
    )  # fmt: skip


def _row(instrument: Instrument) -> tuple[int, int, int, int, int, int]:
    if instrument.kind == "crypto":
        # A lot may be a fraction of a coin, so lots are what margin counts.
        return STOCK, 0, 0, 1, instrument.tick_value_micros, instrument.tick_value_micros
    if instrument.kind != "option":
        tick = instrument.tick_micros
        return STOCK, 0, 0, instrument.lot_units, instrument.tick_value_micros, tick
    assert instrument.expiry is not None, f"{instrument.symbol} has no expiry"
    assert instrument.strike_micros is not None, f"{instrument.symbol} has no strike"
    return (
        CALL if instrument.right == "call" else PUT,
        instrument.strike_micros,
        _day_number(instrument.expiry),
        instrument.lot_units * instrument.multiplier,
        instrument.tick_value_micros,
        instrument.tick_micros,
    )


def _day_number(day: date) -> int:
    return day.toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class ClassBook:
    """One account's holdings in one underlying.

    Attributes
    ----------
    legs : int64 array of shape (legs, 6)
        Kind, strike, expiry, shares per contract, contracts (signed), market value of one
        contract. Only options, and none with quantity 0.
    shares : int
        Stock, signed.
    spot : int
        Micros a share.
    """

    legs: Ints
    shares: int
    spot: int
    percent: int = NAKED_PERCENT


def class_book(table: MarginTable, place: int, lots: Ints, marks: Ints, spot: int) -> ClassBook:
    """Return an account's holdings in one class."""
    members = table.order[table.first[place] : table.first[place + 1]]
    held = members[lots[members] != 0]
    rows, quantity = table.rows[held], lots[held]
    is_stock = rows[:, ROW_KIND] == STOCK
    shares = int((rows[is_stock, ROW_SHARES] * quantity[is_stock]).sum())
    options, of = rows[~is_stock], held[~is_stock]
    legs = np.empty((len(of), LEG_WORDS), np.int64)
    legs[:, :QUANTITY] = options[:, : ROW_SHARES + 1]
    legs[:, QUANTITY] = lots[of]
    legs[:, PREMIUM] = marks[of] * options[:, ROW_VALUE]
    return ClassBook(legs=legs, shares=shares, spot=spot, percent=int(table.percents[place]))
