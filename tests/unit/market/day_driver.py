"""A small market that tests drive by hand: phases, orders, what the tape then says."""

from typing import Any

from environment.market import layout as at
from environment.market.market import Market

SECOND = 1_000_000_000
UNPRICED = {at.BUY: at.NO_ASK, at.SELL: at.NO_BID}


class Day:
    """One stock, some accounts, a clock that only goes where it is told."""

    def __init__(self, *, last_close: int = 10_000, width: int = 1024, **instrument: int) -> None:
        self.rows = list[list[int]]()
        self.market = Market(instruments=1, accounts=4, width=width, on_tape=self._keep)
        self.market.add_instrument(value_micros=10_000, last_close=last_close, **instrument)
        for _ in range(4):
            self.market.add_account(cash_micros=10**12)
        self.now = 10 * SECOND

    def _keep(self, rows: Any) -> None:
        self.rows += rows.tolist()

    def word(self, word: int) -> int:
        """Return one word of the instrument."""
        return int(self.market.section(at.S_INSTRUMENT)[0, word])

    def set_word(self, word: int, value: int) -> None:
        """Set one word of the instrument, as whoever makes the day does."""
        self.market.section(at.S_INSTRUMENT)[0, word] = value

    def until(self, seconds: float) -> "Day":
        """Let time pass to a moment of the day."""
        self.now = round(seconds * SECOND)
        self.run()
        return self

    def run(self) -> None:
        """Let the core catch up with the clock."""
        while self.market.advance(self.now) != at.DONE:
            self.market.take_out()
        self.market.flush_tape()

    def event(self, kind: int, b: int) -> None:
        """Let one event happen now."""
        self.now += 1
        self.market.post_event(self.now, kind, 0, b)
        self.run()

    def phase(self, phase: int) -> None:
        """Enter a phase, by schedule."""
        self.event(at.E_PHASE, phase)

    def order(
        self, side: int, price: int | None, quantity: int, *, account: int = 0,
        kind: int = at.LIMIT, tif: int = at.DAY, mode: int = at.ALLOW, flags: int = 0,
        display: int = 0, stop: int = 0, expire: int = 0,
    ) -> int:  # fmt: skip
        """Send an order; return its public id."""
        self.now += 1
        identity = self.market.post_order(
            self.now, 0, at.FIRST_ACCOUNT + account, side, kind, tif, mode, flags,
            UNPRICED[side] if price is None else price, quantity, display, stop, expire, -1, 0,
        )  # fmt: skip
        self.run()
        return identity

    def cancel(self, identity: int, account: int = 0) -> None:
        """Cancel an order."""
        self.now += 1
        self.market.post_cancel(self.now, at.FIRST_ACCOUNT + account, identity)
        self.run()

    def of(self, kind: int) -> list[list[int]]:
        """Return the rows of one kind on the tape so far."""
        return [row for row in self.rows if row[at.T_KIND] == kind]

    def fills(self) -> list[tuple[int, int]]:
        """Return (price, quantity) of each match."""
        return [(row[at.T_PRICE], row[at.T_QUANTITY]) for row in self.of(at.K_FILL)]

    def ended(self, identity: int) -> int | None:
        """Return the reason why an order was cancelled or refused, or None."""
        for row in self.of(at.K_CANCEL) + self.of(at.K_REFUSE):
            if row[at.T_ORDER] == identity:
                return row[at.T_LIQUIDITY]
        return None
