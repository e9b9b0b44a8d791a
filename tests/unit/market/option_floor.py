"""A core with one stock, a few series and a dealer: what tests of the options market stand on."""

from datetime import date
from typing import Any

import numpy as np

from environment.instruments import make_option
from environment.market import layout as at, mass_quote, option_rows
from environment.market.market import Market

CASH = 10**15
STOCK = 0
NO_LIMIT = at.MAX_PRICE


class OptionFloor:
    """One stock in continuous trading, `series` calls on it, three accounts and `dealers` more."""

    def __init__(self, series: int = 3, dealers: int = 1, *, flags: int = 0, **listed: int) -> None:
        self.blocks: list[Any] = []
        self.market = Market(instruments=1, accounts=3 + dealers, on_tape=self.blocks.append)
        market = self.market
        market.add_instrument(value_micros=10_000, last_close=10_000, tier=1)
        self.series = [
            market.add_series(
                make_option("AAPL", date(2014, 6, 20), "call", str(90 + k)), stock=STOCK, **listed
            )
            for k in range(series)
        ]
        self.accounts = [market.add_account(cash_micros=CASH, flags=flags) for _ in range(3)]
        self.quoters = [market.add_account(cash_micros=CASH) for _ in range(dealers)]
        self.dealers = [
            option_rows.add_dealer(market, account, self.series) for account in self.quoters
        ]
        self.now = 0
        self.phase(at.CONTINUOUS)

    def phase(self, phase: int) -> None:
        """Let the stock enter a phase."""
        self.market.post_event(self.tick(), at.E_PHASE, STOCK, phase)
        self.run()

    def tick(self) -> int:
        """Return the next nanosecond."""
        self.now += 1
        return self.now

    def run(self) -> None:
        """Let the core catch up."""
        while self.market.advance(self.now) != at.DONE:
            self.market.take_out()

    def order(self, account: int, series: int, side: int, quantity: int, price: int | None = None,
              *, kind: int = at.LIMIT, tif: int = at.DAY, stop: int = 0, flags: int = 0,
              self_trade: int = 0) -> int:  # fmt: skip
        """Send an order in the n-th series and let it act; return its public id."""
        if price is None:
            price, kind = (-NO_LIMIT if side else NO_LIMIT), at.MARKET if kind == at.LIMIT else kind
        identity = self.market.post_order(
            self.tick(), self.series[series], self.accounts[account], side, kind, tif, self_trade,
            flags, price, quantity, 0, stop, 0, -1, 0,
        )  # fmt: skip
        self.run()
        return identity

    def stock_order(self, account: int, side: int, price: int, quantity: int = 10) -> int:
        """Send a limit order in the stock and let it act; return its public id."""
        identity = self.market.post_order(
            self.tick(), STOCK, self.accounts[account], side, at.LIMIT, at.DAY, 0, 0, price,
            quantity, 0, 0, 0, -1, 0,
        )  # fmt: skip
        self.run()
        return identity

    def quote(self, *rows: tuple[int, ...], dealer: int = 0) -> bool:
        """Send a mass quote of (series, bid, lots, ask, lots[, delta, vega]) and let it act."""
        full = np.array([(*row, 0, 0)[:7] for row in rows], np.int64)
        done = mass_quote.post_mass_quote(
            self.market.arena, self.dealers[dealer], full, self.tick()
        )
        self.run()
        return bool(done)

    def event(self, kind: int, a: int, b: int = 0) -> None:
        """Post an event and let it act."""
        self.market.post_event(self.tick(), kind, a, b)
        self.run()

    def touch(self, series: int) -> tuple[int, int, int, int]:
        """Return (bid, lots, ask, lots) as shown; a price of 0 where nothing is shown."""
        row = self.market.section(at.S_INSTRUMENT)[self.series[series]]
        bid, lots, ask, more = row[at.I_SHOWN_BID : at.I_SHOWN_ASK_QUANTITY + 1].tolist()
        return (bid if lots else 0, lots, ask if more else 0, more)

    def tape(self) -> list[list[int]]:
        """Return every row of the tape so far."""
        self.market.flush_tape()
        return [row for block in self.blocks for row in block.tolist()]

    def last(self, kind: int) -> list[int]:
        """Return the last tape row of a kind."""
        return [row for row in self.tape() if row[at.T_KIND] == kind][-1]

    def reasons(self, kind: int) -> list[str]:
        """Return the reasons of all cancels or refusals so far."""
        return [at.REASONS[r[at.T_LIQUIDITY]] for r in self.tape() if r[at.T_KIND] == kind]

    def held(self, account: int, series: int) -> int:
        """Return the contracts an account (number in the core) holds."""
        return option_rows.held(self.market, account, self.series[series])

    def check(self) -> None:
        """Check that neither money nor shares nor contracts came or went."""
        assert int(self.market.section(at.S_ACCOUNT)[:, at.A_CASH].sum()) == 0
        assert int(self.market.section(at.S_POSITION)[:, at.P_QUANTITY].sum()) == 0
        _, numbers, contracts, _ = option_rows.all_holdings(self.market)
        for number in self.series:
            mine = contracts[numbers == number]
            assert int(mine.sum()) == 0
            row = self.market.section(at.S_INSTRUMENT)[number]
            assert int(row[at.I_OPEN_INTEREST]) == int(mine[mine > 0].sum())
