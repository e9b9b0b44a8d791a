"""Margin as the clearing house and the broker reckon it, for the account as it would stand."""

from collections.abc import Mapping

import numpy as np

from agents.desk.frozen import Frozen
from agents.desk.lazy import lazy
from environment.instruments import Instrument
from environment.options.margin import MarginFigures, MarginKind, MarginView, margin_of
from environment.options.margin_book import Ints, MarginTable, make_margin_table
from environment.options.margin_portfolio import RiskArray, implied_sigmas, make_risk_array
from environment.options.margin_rules import INITIAL, MAINTENANCE, stock_requirement


class Margins:
    """Margin of one account, by the rules of `environment.options.margin`.

    What a move of the market would bring (under "portfolio") is reckoned from frozen marks: once a
    minute, as the broker does.
    """

    def __init__(self, instruments: Mapping[str, Instrument], kind: MarginKind) -> None:
        self.kind = kind
        self._instruments = instruments
        self._frozen = Frozen()
        self._risk: tuple[int, RiskArray] | None = None

    def follow(self, frozen: Frozen) -> "Margins":
        """Reckon moves from these marks on."""
        if frozen is not self._frozen:
            self._frozen, self._risk = frozen, None
        return self

    def figures(
        self, marks: dict[str, int], cash_micros: int, lots: Mapping[str, int], *,
        exact: bool | None = None,
    ) -> MarginFigures:  # fmt: skip
        """Return equity and requirements, micros."""
        if self.kind == "reg_t" and self._stocks.keys() >= lots.keys():
            return _of_stock(self._stocks, marks, cash_micros, lots)
        table = self.table
        held = table.vector(lots)
        ticks = self._marks(table, marks, lots)
        view = MarginView(
            table=table, kind=self.kind, marks=ticks, spots=table.spots(ticks, {}),
            risk=self._risk_array(table) if self.kind == "portfolio" else None,
        )  # fmt: skip
        return margin_of(view, cash_micros, held, exact=exact)

    @lazy
    def table(self) -> MarginTable:
        """The instruments as margin sees them."""
        return make_margin_table(self._instruments.values())

    @lazy
    def _stocks(self) -> dict[str, tuple[int, int, int]]:
        """By symbol of what is no option: shares of a lot, a tick's worth, and the tick."""
        found: dict[str, tuple[int, int, int]] = {}
        for one, row in zip(self.table.instruments, self.table.rows.tolist(), strict=True):
            if one.kind != "option":
                _, _, _, shares, value, tick = row
                found[one.symbol] = shares, value, tick
        return found

    def _marks(self, table: MarginTable, marks: dict[str, int], lots: Mapping[str, int]) -> Ints:
        """Return the marks of what is held and of what that is written on."""
        found = np.zeros(len(table.instruments), np.int64)
        numbers, instruments = table.number, table.instruments
        stocks: dict[str, None] = {}
        for symbol in lots:
            place = numbers[symbol]
            found[place] = marks.get(symbol, 0)
            stock = instruments[place].underlying
            if stock is not None:
                stocks[stock] = None
        for stock in stocks:
            if stock in numbers:
                found[numbers[stock]] = marks.get(stock, 0)
        return found

    def _risk_array(self, table: MarginTable) -> RiskArray:
        frozen = self._frozen
        if self._risk is None or self._risk[0] != frozen.version:
            marks = table.vector({s: t for s, t in frozen.marks.items() if s in table.number})
            spots = table.spots(marks)
            day = frozen.today.toordinal()
            sigmas = implied_sigmas(table, marks, spots, day)
            self._risk = frozen.version, make_risk_array(table, spots, sigmas, day)
        return self._risk[1]


def _of_stock(
    stocks: Mapping[str, tuple[int, int, int]], marks: Mapping[str, int], cash_micros: int,
    lots: Mapping[str, int],
) -> MarginFigures:  # fmt: skip
    """Return what stock alone must have: the same rule, share by share, without arrays."""
    equity, initial, maintenance = cash_micros, 0, 0
    for symbol, quantity in lots.items():
        shares, value, tick = stocks[symbol]
        mark = marks.get(symbol, 0)
        equity += quantity * mark * value
        held, spot = quantity * shares, mark * tick
        initial += stock_requirement(held, spot, INITIAL)
        maintenance += stock_requirement(held, spot, MAINTENANCE)
    return MarginFigures(
        equity_micros=equity, initial_micros=initial, maintenance_micros=maintenance
    )
