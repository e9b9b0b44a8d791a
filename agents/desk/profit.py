"""What was earned, by whom: positions at average cost, to the last micro.

Cost is kept as the exact cash that the open lots took, so that realised and unrealised profit add
up to what the account gained. Where a part is closed, its share of the cost is rounded half-even,
and the rest stays with what remains: nothing is lost between them.
"""

import msgspec

from agents.desk.allocation import allocated, weights_of
from environment.instruments import Instrument, half_even
from environment.venue_messages import PositionMoved


class Holding(msgspec.Struct):
    """One strategy's position in one instrument.

    `cost_micros` is the cash paid for the lots still open (negative where it was received);
    `realised_micros` is net of fees, which stand apart in `fees_micros` too.
    """

    lots: int = 0
    cost_micros: int = 0
    realised_micros: int = 0
    fees_micros: int = 0
    traded_lots: int = 0

    def trade(self, lots: int, value_micros: int, fee_micros: int) -> None:
        """Book a fill.

        Parameters
        ----------
        lots : int
            Bought positive, sold negative.
        value_micros : int
            Lots times price, of the same sign as `lots`.
        fee_micros : int
            Paid positive, rebate negative.
        """
        self.realised_micros -= fee_micros
        self.fees_micros += fee_micros
        self.traded_lots += abs(lots)
        closing = 0
        if self.lots * lots < 0:
            closing = -min(abs(lots), abs(self.lots)) * (1 if self.lots > 0 else -1)
        if closing:
            cost_out = half_even(self.cost_micros * abs(closing), abs(self.lots))
            value_out = half_even(value_micros * abs(closing), abs(lots))
            self.realised_micros += -value_out - cost_out
            self.cost_micros -= cost_out
            value_micros -= value_out
        self.lots += lots
        self.cost_micros += value_micros

    def unrealised_micros(self, value_micros: int) -> int:
        """Return the profit of what is open, whose worth now (signed) is given."""
        return value_micros - self.cost_micros


class Ledger(msgspec.Struct):
    """Holdings by strategy, then by instrument."""

    holdings: dict[str, dict[str, Holding]] = {}

    def holding(self, strategy: str, symbol: str) -> Holding:
        """Return a holding, empty at first."""
        return self.holdings.setdefault(strategy, {}).setdefault(symbol, Holding())

    def fill(
        self, strategy: str, instrument: Instrument, lots: int, price_ticks: int, fee_micros: int,
        *, half_tick: bool = False,
    ) -> None:  # fmt: skip
        """Book a fill at a price in ticks; `lots` are signed."""
        value = lots * price_ticks * instrument.tick_value_micros
        if half_tick:
            value += half_even(lots * instrument.tick_value_micros, 2)
        self.holding(strategy, instrument.symbol).trade(lots, value, fee_micros)

    def move(self, event: PositionMoved) -> None:
        """Follow what a night changed, each strategy by its share of what it held.

        What is exercised, assigned or ends gives its cost up; shares that it delivers cost what was
        paid for them. What is adjusted, or split, keeps its cost.
        """
        symbol, into = event.instrument, event.into
        had = {s: held[symbol].lots for s, held in self.holdings.items() if symbol in held}
        weights = weights_of(event, had)
        gone, came = allocated(event.change, weights), allocated(event.into_change, weights)
        paid = allocated(-event.cash_micros, weights)
        gone.pop("", None)  # Others' than the portfolio's.
        for strategy, change in gone.items():
            old = self.holding(strategy, symbol)
            if event.reason == "corporate_action":
                old.lots += change
                continue
            cost = old.cost_micros
            if event.reason == "adjustment":
                old.lots, old.cost_micros = 0, 0
            else:
                old.trade(change, 0, 0)
                if not into:
                    old.realised_micros -= paid[strategy]
            if into:
                new = self.holding(strategy, into)
                if event.reason == "adjustment":
                    new.lots, new.cost_micros = new.lots + came[strategy], new.cost_micros + cost
                else:
                    new.trade(came[strategy], paid[strategy], 0)

    def position(self, symbol: str) -> int:
        """Return the lots of an instrument over all strategies."""
        return sum(held[symbol].lots for held in self.holdings.values() if symbol in held)

    def symbols(self) -> set[str]:
        """Return all that was ever traded."""
        return {symbol for held in self.holdings.values() for symbol in held}

    def traded(self, symbol: str, mark_micros: int) -> tuple[int, int]:
        """Return lots of an instrument and what it has made in all, a lot at this worth."""
        lots = profit = 0
        for held in self.holdings.values():
            if symbol in held:
                one = held[symbol]
                lots += one.lots
                profit += one.realised_micros + one.unrealised_micros(one.lots * mark_micros)
        return lots, profit

    def strategy_micros(self, strategy: str, marks: dict[str, int]) -> tuple[int, int]:
        """Return realised and unrealised profit of a strategy.

        `marks` is what one lot is worth in micros, by symbol; what has no mark counts at its cost.
        """
        realised = unrealised = 0
        for symbol, held in self.holdings.get(strategy, {}).items():
            realised += held.realised_micros
            if symbol in marks:
                unrealised += held.unrealised_micros(held.lots * marks[symbol])
        return realised, unrealised

    def total_micros(self, marks: dict[str, int]) -> int:
        """Return realised and unrealised profit of all strategies together."""
        return sum(sum(self.strategy_micros(strategy, marks)) for strategy in self.holdings)
