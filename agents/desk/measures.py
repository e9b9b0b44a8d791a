"""What an account is exposed to: exposures, greeks, worst case, margin; before and after an order.

All lots count as `exposure.DeskBook` counts them: every working and approved order as filled.
"""

from datetime import date

import msgspec
import numpy as np

from agents.desk.grid import DOWN, STILL, UP
from agents.desk.lazy import lazy
from agents.desk.market_facts import Fact, Market
from agents.desk.sheet import GREEKS, Ints, day_number
from environment.instruments import half_even
from environment.options.margin import MarginFigures


class Worst(msgspec.Struct, frozen=True):
    """The largest loss on the grid of some underlying, micros, and its scenario's number."""

    loss_micros: int = 0
    scenario: int = STILL
    is_unbounded: bool = False


def _worst_of_stock(value: int) -> Worst:
    """Stock alone loses in a straight line: the grid's ends say it, without arrays."""
    return Worst(half_even(abs(value), 5), DOWN if value > 0 else UP, value < 0)


def sum_of(found: list[Worst]) -> Worst:
    """Return several underlyings' worst cases together, by the scenario of the largest."""
    if len(found) < 2:
        return found[0] if found else Worst()
    largest = max(found, key=lambda worst: worst.loss_micros)
    return Worst(
        sum(worst.loss_micros for worst in found), largest.scenario,
        any(worst.is_unbounded for worst in found),
    )  # fmt: skip


class AccountMeasures:
    """The measures of one set of holdings, each reckoned when it is first asked for."""

    def __init__(self, market: Market, lots: dict[str, int], cash_micros: int) -> None:
        self._market = market
        self._cash_micros = cash_micros
        held: dict[str, int] = {}
        values: dict[str, int] = {}  # Of each holding at its mark, micros.
        facts, marks, has_option = market.facts, market.marks, 0
        for symbol, quantity in lots.items():
            if quantity:
                fact = facts[symbol]
                has_option |= fact.is_option
                held[symbol] = quantity
                values[symbol] = quantity * marks.get(symbol, 0) * fact.lot_tick_micros
        self._lots, self._values, self._has_any_option = held, values, bool(has_option)
        if not has_option:
            # Stock alone needs no model: what follows is reckoned together, and kept as if asked.
            total = sum(values.values())
            self.deltas = values
            self.gross_micros = sum(map(abs, values.values()))
            self.net_micros = abs(total)
            self.equity_micros = cash_micros + total

    @lazy
    def _facts(self) -> list[Fact]:
        """Facts of each holding."""
        return [self._market.facts[symbol] for symbol in self._lots]

    @lazy
    def underlyings(self) -> list[str]:
        """The underlyings held, in the order in which they were first traded."""
        return list(dict.fromkeys([fact.underlying for fact in self._facts]))

    @lazy
    def _rows(self) -> Ints:
        """Rows of the sheet, brought up to the marks."""
        return self._market.sheet.look(list(self._lots), self._market.marks)

    @lazy
    def _quantities(self) -> Ints:
        return np.fromiter(self._lots.values(), np.int64, len(self._lots))[:, None]

    @lazy
    def _greeks(self) -> Ints:
        """Greeks of each holding, micros."""
        return self._quantities * self._market.sheet.greeks[self._rows]

    @lazy
    def _gains(self) -> Ints:
        """Gains of each holding over the grid, micros."""
        return self._quantities * self._market.sheet.gains[self._rows]

    @lazy
    def _groups(self) -> Ints:
        return self._market.sheet.groups[self._rows]

    @lazy
    def _sums(self) -> dict[tuple[str, date | None], list[int]]:
        """Greeks by underlying and expiry, as they are asked for; of all expiries under None."""
        return {}

    def by_underlying(self, greek: str, underlying: str, expiry: date | None = None) -> int:
        """Return a greek of one underlying (of one expiry), micros."""
        if not self._lots:
            return 0
        key = underlying, expiry
        if key not in self._sums:
            sheet = self._market.sheet
            inside = self._groups == sheet.group_of(underlying)
            if expiry is not None:
                inside &= sheet.expiries[self._rows] == day_number(expiry)
            self._sums[key] = self._greeks[inside].sum(axis=0).tolist()
        return self._sums[key][GREEKS.index(greek)]

    def worst_of(self, underlying: str) -> Worst:
        """Return the worst case of one underlying over the grid."""
        if underlying not in self.underlyings:
            return Worst()
        if not self._has_options(underlying):
            return _worst_of_stock(
                sum(
                    value
                    for value, fact in zip(self._values.values(), self._facts, strict=True)
                    if fact.underlying == underlying
                )
            )
        inside = self._groups == self._market.sheet.group_of(underlying)
        gain = self._gains[inside].sum(axis=0)
        scenario = int(np.argmin(gain))
        return Worst(max(-int(gain[scenario]), 0), scenario, self._is_open(underlying))

    def worst_without(self, underlying: str, apart: list[dict[str, int]]) -> Worst:
        """Return the worst case of one underlying if any of these lots are missing.

        `apart` are parts of the holdings that may be missing, each by itself; see `legging`.
        """
        sheet, names = self._market.sheet, list({name: 0 for lots in apart for name in lots})
        held = np.array([[lots.get(name, 0) for name in names] for lots in apart], np.int64)
        inside = self._groups == sheet.group_of(underlying) if self._lots else []
        gain = self._gains[inside].sum(axis=0) if self._lots else 0
        rows = sheet.look(names, self._market.marks)
        gain = gain - np.maximum(held @ sheet.gains[rows], 0).sum(axis=0)
        scenario = int(np.argmin(gain))
        shares = np.array([self._shares_upward(name, 1) for name in names], np.int64)
        upward = self._upward.get(underlying, 0) - int(np.maximum(held @ shares, 0).sum())
        return Worst(max(-int(gain[scenario]), 0), scenario, upward < 0)

    @lazy
    def worst(self) -> Worst:
        """The sum of all underlyings' worst cases: none is held to offset another."""
        if self._has_any_option:
            return sum_of([self.worst_of(name) for name in self.underlyings])
        return sum_of([_worst_of_stock(value) for value in self._values.values()])

    @lazy
    def _upward(self) -> dict[str, int]:
        """By underlying the shares that a rise of it brings, each call counted as exercised."""
        found: dict[str, int] = {}
        instruments = self._market.instruments
        for (symbol, quantity), fact in zip(self._lots.items(), self._facts, strict=True):
            if fact.is_call or not fact.is_option:
                one, name = instruments[symbol], fact.underlying
                found[name] = found.get(name, 0) + quantity * one.lot_units * one.multiplier
        return found

    def _shares_upward(self, symbol: str, lots: int) -> int:
        fact, one = self._market.facts[symbol], self._market.instruments[symbol]
        return 0 if fact.is_option and not fact.is_call else lots * one.lot_units * one.multiplier

    def _is_open(self, underlying: str) -> bool:
        """Return whether losses have no bound: more is sold than can ever be delivered."""
        return self._upward.get(underlying, 0) < 0

    @lazy
    def deltas(self) -> dict[str, int]:
        """Delta times spot by underlying, micros."""
        return {name: self.by_underlying("delta", name) for name in self.underlyings}

    @lazy
    def gross_micros(self) -> int:
        """Sum of the sizes of all underlyings' deltas."""
        return sum(map(abs, self.deltas.values()))

    @lazy
    def net_micros(self) -> int:
        """Size of the sum of all underlyings' deltas."""
        return abs(sum(self.deltas.values()))

    @lazy
    def equity_micros(self) -> int:
        """Cash and the market value of all holdings."""
        return self._cash_micros + sum(self._values.values())

    @lazy
    def margin(self) -> MarginFigures:
        """Equity and requirements; upper bounds of these where they fit the equity."""
        return self._market.margins.figures(self._market.marks, self._cash_micros, self._lots)

    @lazy
    def exact_margin(self) -> MarginFigures:
        """Equity and requirements with options grouped as cheaply as the rules allow."""
        if self.margin.is_exact:
            return self.margin
        marks, cash = self._market.marks, self._cash_micros
        return self._market.margins.figures(marks, cash, self._lots, exact=True)

    @property
    def margin_micros(self) -> int:
        """What the account must have to open what it holds."""
        return self.margin.initial_micros

    def _has_options(self, underlying: str) -> bool:
        return self._has_any_option and any(
            fact.is_option and fact.underlying == underlying for fact in self._facts
        )

    @lazy
    def _tail(self) -> tuple[int, int]:
        return self._market.tails.figures(self._lots) if self._lots else (0, 0)

    @property
    def value_at_risk_micros(self) -> int:
        """Loss of one day that is exceeded once in a hundred."""
        return self._tail[0]

    @property
    def expected_shortfall_micros(self) -> int:
        """Mean loss of the days that are worse than that."""
        return self._tail[1]
