"""What the clearing house knows of an account between two nights: its lots, and what it must keep.

Whoever carries out a margin call or a buy-in reads it, as a broker reads its customers' accounts;
prices it has to hear on the feeds, like everybody else.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from environment.instruments import Instrument
from environment.market.clearing_ledger import MarketLedger
from environment.market.margin import equity_and_requirement, maintenance_per_lot
from environment.market.market import Market


class Holding(msgspec.Struct, frozen=True):
    """Lots of one instrument (negative: short), and the margin that each must keep, in micros."""

    symbol: str
    lots: int
    margin_micros: int


class Books(Protocol):
    """What may be asked. Prices are ticks by symbol."""

    def name(self, account: int) -> str | None:
        """Return the name that orders of an account carry; None: nobody but the venue trades it."""

    def lots(self, account: int, symbol: str) -> int:
        """Return what an account holds."""

    def holdings(self, account: int, prices: Mapping[str, int]) -> list[Holding]:
        """Return all that an account holds of the priced instruments."""

    def shortfall_micros(self, account: int, prices: Mapping[str, int]) -> int:
        """Return by how much equity falls short of the requirement; 0 or less: it does not."""


class AccountBooks:
    """The core's books, account by account.

    Parameters
    ----------
    names
        Name by account number, gated accounts left out: their orders come from the venue alone.
    """

    def __init__(
        self, market: Market, instruments: tuple[Instrument, ...], names: Mapping[int, str]
    ) -> None:
        self._ledger, self._instruments, self._names = MarketLedger(market), instruments, names
        self._columns = {instrument.symbol: n for n, instrument in enumerate(instruments)}

    def name(self, account: int) -> str | None:
        """Return the name that orders of an account carry; None: nobody but the venue trades it."""
        return self._names.get(account)

    def lots(self, account: int, symbol: str) -> int:
        """Return what an account holds."""
        return int(self._ledger.position[account, self._columns[symbol]])

    def holdings(self, account: int, prices: Mapping[str, int]) -> list[Holding]:
        """Return all that an account holds of the priced instruments."""
        found = list[Holding]()
        for instrument in self._instruments:
            price, lots = prices.get(instrument.symbol), self.lots(account, instrument.symbol)
            if price is not None and lots:
                margin = maintenance_per_lot(instrument, price, short=lots < 0)
                found.append(Holding(instrument.symbol, lots, margin))
        return found

    def shortfall_micros(self, account: int, prices: Mapping[str, int]) -> int:
        """Return by how much equity falls short of the requirement; 0 or less: it does not.

        An instrument without a price must not be held.
        """
        ledger, row = self._ledger, slice(account, account + 1)
        marks = tuple(prices.get(i.symbol, 1) for i in self._instruments)
        equity, required = equity_and_requirement(
            ledger.cash[row], ledger.position[row], self._instruments, marks
        )
        return int(required[0] - equity[0])
