"""The core's own books as clearing sees them."""

from environment.market import layout as at
from environment.market.arena import view
from environment.market.margin import Ints
from environment.market.market import Market


class MarketLedger:
    """Views into a market's arena, taken anew each time, since the arena moves when it grows."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def _account_word(self, word: int) -> Ints:
        arena = self._market.arena
        return view(arena, at.S_ACCOUNT)[: int(arena[at.H_ACCOUNTS]), word]

    @property
    def cash(self) -> Ints:
        """Micros per account, by trade date."""
        return self._account_word(at.A_CASH)

    @property
    def settled(self) -> Ints:
        """Micros per account that have settled."""
        return self._account_word(at.A_SETTLED)

    @property
    def proceeds(self) -> Ints:
        """Micros per account from today's sales, not settled."""
        return self._account_word(at.A_PROCEEDS)

    @property
    def option_proceeds(self) -> Ints:
        """Micros per account from options sold today, not settled."""
        return self._account_word(at.A_OPTION_PROCEEDS)

    @property
    def position(self) -> Ints:
        """Lots, of shape (accounts, instruments)."""
        arena = self._market.arena
        accounts, instruments = int(arena[at.H_ACCOUNTS]), int(arena[at.H_INSTRUMENTS])
        rows = view(arena, at.S_POSITION)[: accounts * instruments, at.P_QUANTITY]
        return rows.reshape(accounts, instruments)
