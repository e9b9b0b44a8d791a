"""A plain book of contracts, and a small world of one stock and its series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from environment.instruments import Instrument, Right, Settlement, make_equity, make_option
from environment.market.clearing_contracts import Holdings, ListedSeries, gather
from environment.market.layout import WORLD

STOCK = make_equity("A")
FRIDAY, MONDAY = date(2014, 6, 6), date(2014, 6, 9)
LATER = date(2014, 7, 18)


@dataclass
class PlainBook:
    """Contracts by account and series in a dictionary."""

    series: list[ListedSeries]
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    factors: list[float] = field(default_factory=list)

    def listed(self) -> Sequence[ListedSeries]:
        return self.series

    def holdings(self) -> Mapping[int, Holdings]:
        rows = [(account, number, count) for (account, number), count in self.held.items()]
        table = np.array(rows, np.int64).reshape(-1, 3)
        return gather(table[:, 0], table[:, 1], table[:, 2])

    def move(self, giver: int, taker: int, number: int, contracts: int) -> None:
        for account, count in ((giver, -contracts), (taker, contracts)):
            self.held[account, number] = self.held.get((account, number), 0) + count

    def retire(self, numbers: Sequence[int]) -> None:
        assert not any(count for (_, number), count in self.held.items() if number in numbers)
        self.series = [series for series in self.series if series.number not in numbers]

    def change(self, series: ListedSeries, *, factor: float, contracts: int) -> None:
        self.series = [series if old.number == series.number else old for old in self.series]
        self.factors.append(factor)

    def give(self, account: int, number: int, contracts: int) -> None:
        """Give contracts out of the world's hands."""
        self.move(WORLD, account, number, contracts)

    def count(self, account: int, number: int) -> int:
        return self.held.get((account, number), 0)


def option(
    right: Right = "call", strike: str = "100", expiry: date = FRIDAY,
    settlement: Settlement = "physical",
) -> Instrument:  # fmt: skip
    return make_option(
        "A", expiry, right, strike, settlement=settlement,
        style="american" if settlement == "physical" else "european",
    )  # fmt: skip


def book_of(*instruments: Instrument) -> PlainBook:
    """Return a book of some series on the stock, numbered from 1."""
    return PlainBook(
        [ListedSeries(number=n, instrument=i, stock=0) for n, i in enumerate(instruments, 1)]
    )
