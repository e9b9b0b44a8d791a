"""The books that clearing reads and changes between two days."""

from typing import Protocol

from environment.market.margin import Ints


class Ledger(Protocol):
    """Views of the books that clearing reads and changes in place; all int64.

    Rows are accounts, contra accounts first, numbered as in `layout`. `settled` may be spent by
    accounts that cannot trade on credit; `proceeds` is what the present day's sales brought.
    """

    @property
    def cash(self) -> Ints:
        """Micros per account, by trade date."""

    @property
    def settled(self) -> Ints:
        """Micros per account that have settled."""

    @property
    def proceeds(self) -> Ints:
        """Micros per account from today's sales, not settled."""

    @property
    def option_proceeds(self) -> Ints:
        """Micros per account from options sold today, not settled: they are the next morning."""

    @property
    def position(self) -> Ints:
        """Lots, of shape (accounts, instruments)."""
