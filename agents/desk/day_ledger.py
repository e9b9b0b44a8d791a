"""Profit of the day by scope: the desk, each agent, strategy and underlying; for the breakers."""

from collections.abc import Iterator

import msgspec

from agents.desk.allocation import allocated, shared_moves, weights_of
from environment.instruments import Instrument
from environment.messages import OrderFilled
from environment.venue_messages import PositionMoved


class ScopeBook(msgspec.Struct):
    """What one scope has paid and holds. Profit counts from the start of the day."""

    cash_micros: int = 0
    lots: dict[str, int] = {}
    base_micros: int = 0
    peak_micros: int = 0  # Highest profit of the day so far.

    def value(self, marks: dict[str, int], instruments: dict[str, Instrument]) -> int:
        """Return cash and holdings at their marks, micros."""
        return self.cash_micros + sum(
            lots * instruments[symbol].notional_micros(marks.get(symbol, 0), 1)
            for symbol, lots in self.lots.items()
            if lots
        )


class DayLedger(msgspec.Struct):
    """Part of risk's state: one book a scope, named `agent:quant/trend` or `desk:`."""

    scopes: dict[str, ScopeBook] = {}

    def fill(self, names: tuple[str, ...], event: OrderFilled, instrument: Instrument) -> None:
        """Count a fill in every scope that it belongs to."""
        signed = event.quantity if event.side == "buy" else -event.quantity
        paid = instrument.notional_micros(event.price, event.quantity, half_tick=event.half_tick)
        for name in names:
            book = self.scopes.setdefault(name, ScopeBook())
            book.cash_micros -= (paid if signed > 0 else -paid) + event.fee_micros
            book.lots[event.instrument] = book.lots.get(event.instrument, 0) + signed

    def mark(
        self, symbol: str, marks: dict[str, int], instruments: dict[str, Instrument]
    ) -> Iterator[tuple[str, int, int]]:
        """Yield (scope, loss of the day, fall from its best) of all that hold an instrument."""
        for name, book in self.scopes.items():
            if symbol in book.lots:
                profit = book.value(marks, instruments) - book.base_micros
                book.peak_micros = max(book.peak_micros, profit)
                yield name, -profit, book.peak_micros - profit

    def standing(
        self, name: str, marks: dict[str, int], instruments: dict[str, Instrument]
    ) -> tuple[int, int]:
        """Return a scope's loss of the day and fall from its best, as they stand now."""
        book = self.scopes.get(name)
        if book is None:
            return 0, 0
        profit = book.value(marks, instruments) - book.base_micros
        return -profit, max(book.peak_micros, profit) - profit

    def move(self, event: PositionMoved) -> None:
        """Take in what a night changed, in every scope by its share: no profit by itself."""
        kinds: dict[str, dict[str, dict[str, int]]] = {}
        for name, book in self.scopes.items():
            kinds.setdefault(name.partition(":")[0], {})[name] = book.lots
        for held in kinds.values():
            had = {name: lots.get(event.instrument, 0) for name, lots in held.items()}
            for name, paid in allocated(event.cash_micros, weights_of(event, had)).items():
                if name:
                    self.scopes[name].cash_micros += paid
            for name, changes in shared_moves(event, held).items():
                lots = self.scopes[name].lots
                for symbol, change in changes.items():
                    lots[symbol] = lots.get(symbol, 0) + change

    def start_day(self, marks: dict[str, int], instruments: dict[str, Instrument]) -> None:
        """Let profit count from here."""
        for book in self.scopes.values():
            book.base_micros = book.value(marks, instruments)
            book.peak_micros = 0
