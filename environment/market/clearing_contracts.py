"""Who holds which contracts, as clearing sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from environment.instruments import Instrument
from environment.market.margin import Ints


class ListedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One listed series: its number in the core, its terms, and its underlying's number."""

    number: int
    instrument: Instrument
    stock: int


class Holdings(msgspec.Struct, frozen=True):
    """Contracts by account, in order of account; negative where it has written them."""

    accounts: Ints
    contracts: Ints

    def longs(self) -> "Holdings":
        """Return the holders alone."""
        return self._of(self.contracts > 0)

    def shorts(self) -> "Holdings":
        """Return the writers alone, with the contracts they have written as positive numbers."""
        chosen = self._of(self.contracts < 0)
        return Holdings(chosen.accounts, -chosen.contracts)

    def _of(self, chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> "Holdings":
        return Holdings(self.accounts[chosen], self.contracts[chosen])


class ContractBook(Protocol):
    """The options part of the books, which clearing reads and changes."""

    def listed(self) -> Sequence[ListedSeries]:
        """Return every series that is not retired, in order of its number."""

    def holdings(self) -> Mapping[int, Holdings]:
        """Return who holds each series that anybody holds, by its number."""

    def move(self, giver: int, taker: int, number: int, contracts: int) -> None:
        """Move contracts between two accounts, without money."""

    def retire(self, numbers: Sequence[int]) -> None:
        """Take series off the list; nobody holds them any more."""

    def change(self, series: ListedSeries, *, factor: float, contracts: int) -> None:
        """Write a series' new terms, before every contract of it becomes `contracts`.

        Its remembered prices are multiplied by `factor`, and what rests in it ends.
        """


def totals(book: ContractBook) -> dict[int, int]:
    """Return the contracts of each held series summed over all accounts: 0 in books that add up."""
    return {number: int(held.contracts.sum()) for number, held in book.holdings().items()}


def gather(accounts: Ints, numbers: Ints, contracts: Ints) -> dict[int, Holdings]:
    """Return holdings by series from three columns in any order; empty ones are left out."""
    held = contracts != 0
    accounts, numbers, contracts = accounts[held], numbers[held], contracts[held]
    order = np.lexsort((accounts, numbers))
    accounts, numbers, contracts = accounts[order], numbers[order], contracts[order]
    found, first = np.unique(numbers, return_index=True)
    ends = [*first[1:], len(numbers)][: len(first)]
    return {
        int(number): Holdings(accounts[start:end], contracts[start:end])
        for number, start, end in zip(found.tolist(), first.tolist(), ends, strict=True)
    }
