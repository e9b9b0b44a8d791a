"""What an account is exposed to: exposures, greeks, worst case, margin; before and after an order.

All lots count as `exposure.DeskBook` counts them: every working and approved order as filled.
"""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.instruments import MICROS, Instrument, half_even
from environment.market.margin import initial_micros
from environment.options.implied_volatility import implied_volatility
from environment.options.revaluation import (
    LineGreeks,
    Lines,
    Scenarios,
    chosen,
    gains,
    greeks,
    heston_scenarios,
    tail,
    values,
)

Floats = NDArray[np.float64]

SPOT_MOVES: Final = (-0.20, -0.15, -0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10, 0.15, 0.20)
SIGMA_FACTORS: Final = (0.75, 1.0, 1.25)
DAYS: Final = (0.0, 5.0)
CONFIDENCE: Final = 0.99
# The farthest moves at an unchanged volatility, at once: what stock alone can lose.
_DOWN: Final = len(SPOT_MOVES)
_UP: Final = 2 * len(SPOT_MOVES) - 1
_USUAL_SIGMA: Final = 0.30  # Per year, of an option that no mark says anything of.
_YEAR_DAYS: Final = 365.0
_DAY_END: Final = 0.5  # An option lives to the end of its last day: half a day more than dates say.


def _grid() -> Scenarios:
    points = [(1.0 + s, v, d) for d in DAYS for v in SIGMA_FACTORS for s in SPOT_MOVES]
    columns = np.array(points, np.float64).T
    return Scenarios(*(np.ascontiguousarray(column) for column in columns))


GRID: Final = _grid()


class Fact(NamedTuple):
    """What of an instrument never changes within a day, looked up once."""

    underlying: str
    expiry: date | None
    is_option: int  # 1 or 0.
    units: float  # Of the underlying in a lot.
    tick: float  # In the currency.
    lot_tick_micros: int  # What a tick of a lot is worth.
    strike: float
    years: float
    is_call: float


def facts_of(instruments: Mapping[str, Instrument], today: date) -> dict[str, Fact]:
    """Return the facts of a day, by symbol."""
    return {symbol: _fact(instrument, today) for symbol, instrument in instruments.items()}


def _fact(instrument: Instrument, today: date) -> Fact:
    units = instrument.lot_units * instrument.multiplier / instrument.unit_scale
    tick, value = instrument.tick_micros / MICROS, instrument.notional_micros(1, 1)
    if instrument.expiry is None or instrument.strike_micros is None:
        return Fact(underlying_of(instrument), None, 0, units, tick, value, 1.0, 1.0, 1.0)
    days = (instrument.expiry - today).days + _DAY_END
    return Fact(
        underlying_of(instrument), instrument.expiry, 1, units, tick, value,
        instrument.strike_micros / MICROS, max(days, 0.0) / _YEAR_DAYS,
        float(instrument.right == "call"),
    )  # fmt: skip


class Market(msgspec.Struct, frozen=True):
    """What everything is valued by: marks in ticks by symbol, today's date, past daily returns."""

    instruments: dict[str, Instrument]
    marks: dict[str, int]
    today: date
    facts: dict[str, Fact]
    returns: dict[str, tuple[float, ...]] = msgspec.field(default_factory=dict)
    key: int = 0  # Of the draws of Heston scenarios.
    margin: str = "reg_t"

    def spot_micros(self, underlying: str) -> int:
        """Return what one unit of an underlying is worth; 0 where nothing says it."""
        instrument = self.instruments.get(underlying)
        return 0 if instrument is None else self.marks.get(underlying, 0) * instrument.tick_micros


def underlying_of(instrument: Instrument) -> str:
    """Return the name under which an instrument's risks are added up."""
    return instrument.underlying or instrument.symbol


class Worst(msgspec.Struct, frozen=True):
    """The largest loss on the grid of some underlying, micros, and its scenario's number."""

    loss_micros: int = 0
    scenario: int = 16  # Nothing moves.
    is_unbounded: bool = False


class AccountMeasures:
    """The measures of one set of holdings, each reckoned when it is first asked for."""

    def __init__(self, market: Market, lots: dict[str, int], cash_micros: int) -> None:
        self._market = market
        self._cash_micros = cash_micros
        self._held = [
            (market.instruments[symbol], quantity) for symbol, quantity in lots.items() if quantity
        ]
        self._facts = [market.facts[instrument.symbol] for instrument, _ in self._held]
        self._has_any_option = any(fact.is_option for fact in self._facts)

    @cached_property
    def underlyings(self) -> list[str]:
        """The underlyings held, in the order in which they were first traded."""
        return list(dict.fromkeys(fact.underlying for fact in self._facts))

    @cached_property
    def lines(self) -> Lines:
        """The holdings as arrays; money in units of the currency."""
        market, marks = self._market, self._market.marks
        spots = {name: market.spot_micros(name) / MICROS for name in self.underlyings}
        rows = np.array(
            [
                (
                    spots[fact.underlying], fact.strike, fact.years, fact.is_call,
                    quantity * fact.units, marks.get(instrument.symbol, 0) * fact.tick,
                )
                for (instrument, quantity), fact in zip(self._held, self._facts, strict=True)
            ]
        ).T  # fmt: skip
        spot, strike, years, is_call, weight, mark = np.ascontiguousarray(rows)
        is_option = np.array([fact.is_option for fact in self._facts], np.bool_)
        spot = np.maximum(spot, 1e-6)
        sigma = _sigmas((spot, strike, years, is_call), mark, is_option)
        lines = Lines(spot, strike, years, sigma, is_call, is_option, weight, np.zeros(len(spot)))
        held = np.where(is_option & (mark > 0.0), mark - values(lines), 0.0)
        return lines._replace(held=held)

    @cached_property
    def greeks(self) -> LineGreeks:
        """Greeks of each line in units of the currency."""
        return greeks(self.lines)

    @cached_property
    def _gains(self) -> Floats:
        return gains(self.lines, GRID)

    @cached_property
    def _sums(self) -> dict[tuple[str, str, date | None], float]:
        """Greeks by name, underlying and expiry; those of whole underlyings under no expiry."""
        found: dict[tuple[str, str, date | None], float] = {}
        for greek, column in zip(LineGreeks._fields, self.greeks, strict=True):
            for fact, value in zip(self._facts, column.tolist(), strict=True):
                for expiry in {None, fact.expiry}:
                    key = greek, fact.underlying, expiry
                    found[key] = found.get(key, 0.0) + value
        return found

    def by_underlying(self, greek: str, underlying: str, expiry: date | None = None) -> int:
        """Return a greek of one underlying (of one expiry), micros."""
        if not self._held:
            return 0
        return _micros(self._sums.get((greek, underlying, expiry), 0.0))

    def _rows_of(self, underlying: str) -> list[int]:
        return [i for i, fact in enumerate(self._facts) if fact.underlying == underlying]

    def worst_of(self, underlying: str) -> Worst:
        """Return the worst case of one underlying over the grid."""
        rows = self._rows_of(underlying)
        if not rows:
            return Worst()
        if not self._has_options(underlying):
            # Stock alone loses in a straight line: the grid's ends say it, without arrays.
            held = [self._held[row] for row in rows]
            value = sum(quantity * self._value(one) for one, quantity in held)
            at = _DOWN if value > 0 else _UP
            return Worst(half_even(abs(value), 5), at, value < 0)
        gain = self._gains[rows].sum(axis=0)
        scenario = int(np.argmin(gain))
        return Worst(max(-_micros(float(gain[scenario])), 0), scenario, self._is_open(underlying))

    @cached_property
    def worst(self) -> Worst:
        """The sum of all underlyings' worst cases: none is held to offset another."""
        found = [self.worst_of(name) for name in self.underlyings]
        if not found:
            return Worst()
        largest = max(found, key=lambda worst: worst.loss_micros)
        return Worst(
            sum(worst.loss_micros for worst in found), largest.scenario,
            any(worst.is_unbounded for worst in found),
        )  # fmt: skip

    def _is_open(self, underlying: str) -> bool:
        """Return whether losses have no bound: more is sold than can ever be delivered."""
        upward = 0
        for instrument, quantity in self._held:
            if instrument.right != "put" and underlying_of(instrument) == underlying:
                upward += quantity * instrument.lot_units * instrument.multiplier
        return upward < 0

    def uncovered_in(self, underlying: str) -> int:
        """Return short option contracts that neither stock nor a bought option covers."""
        calls, puts, shares, shares_per_contract = 0, 0, 0, 100
        for instrument, quantity in self._held:
            if underlying_of(instrument) != underlying:
                continue
            if instrument.kind != "option":
                shares += quantity * instrument.lot_units
                continue
            shares_per_contract = instrument.multiplier
            if instrument.right == "call":
                calls += quantity
            else:
                puts += quantity
        calls += max(shares, 0) // shares_per_contract
        puts += max(-shares, 0) // shares_per_contract
        return max(-calls, 0) + max(-puts, 0)

    @cached_property
    def uncovered(self) -> int:
        """Short option contracts that nothing covers, over all underlyings."""
        return sum(self.uncovered_in(name) for name in self.underlyings)

    @cached_property
    def deltas(self) -> dict[str, int]:
        """Delta times spot by underlying, micros."""
        if self._has_any_option:
            return {name: self.by_underlying("delta", name) for name in self.underlyings}
        # Stock alone needs no model.
        found: dict[str, int] = {}
        for instrument, quantity in self._held:
            value = quantity * self._value(instrument)
            found[instrument.symbol] = found.get(instrument.symbol, 0) + value
        return found

    @cached_property
    def gross_micros(self) -> int:
        """Sum of the sizes of all underlyings' deltas."""
        return sum(abs(delta) for delta in self.deltas.values())

    @cached_property
    def net_micros(self) -> int:
        """Size of the sum of all underlyings' deltas."""
        return abs(sum(self.deltas.values()))

    @cached_property
    def equity_micros(self) -> int:
        """Cash and the market value of all holdings."""
        return self._cash_micros + sum(
            quantity * self._value(instrument) for instrument, quantity in self._held
        )

    def _value(self, instrument: Instrument) -> int:
        """Return what one lot is worth at its mark."""
        fact = self._market.facts[instrument.symbol]
        return self._market.marks.get(instrument.symbol, 0) * fact.lot_tick_micros

    @cached_property
    def margin_micros(self) -> int:
        """What the account must have: half of all stock, and of options their worst case.

        Under "portfolio" and "cash": the worst case of each underlying within 15 per cent, or the
        whole value of all stock.
        """
        if self._market.margin == "portfolio":
            return sum(self._worst_within(name, 0.15) for name in self.underlyings)
        total = 0
        for instrument, quantity in self._held:
            if instrument.kind != "option":
                value = abs(quantity) * self._value(instrument)
                total += value if self._market.margin == "cash" else initial_micros(value)
        if self._has_any_option:
            total += sum(self._worst_within(name, 0.20) for name in self.underlyings
                         if self.uncovered_in(name) or self._has_options(name))  # fmt: skip
        return total

    def _has_options(self, underlying: str) -> bool:
        return self._has_any_option and any(
            fact.is_option and fact.underlying == underlying for fact in self._facts
        )

    def _worst_within(self, underlying: str, reach: float) -> int:
        rows = self._rows_of(underlying)
        inside = np.abs(GRID.spot_factor - 1.0) <= reach + 1e-9
        gain = self._gains[rows].sum(axis=0)[inside & (GRID.days == 0.0)]
        return max(-_micros(float(gain.min())), 0)

    @cached_property
    def _tail(self) -> tuple[int, int]:
        """Value at risk and shortfall over one day, micros: the worse of history and Heston."""
        if not self._held:
            return 0, 0
        found = [tail(self._loss_scenarios(None), CONFIDENCE)]
        if any(self._market.returns.get(name) for name in self.underlyings):
            found.append(tail(self._loss_scenarios(self._market.returns), CONFIDENCE))
        worst = max(found)
        return max(_micros(worst[0]), 0), max(_micros(worst[1]), 0)

    def _loss_scenarios(self, returns: dict[str, tuple[float, ...]] | None) -> Floats:
        total = np.zeros(0)
        for name in self.underlyings:
            rows = np.array(self._rows_of(name))
            lines = chosen(self.lines, rows)
            if returns is None:
                options = lines.sigma_annual[lines.is_option]
                sigma = float(options[0]) if len(options) else _USUAL_SIGMA
                moves = heston_scenarios(self._market.key, 500, 1.0, sigma_annual=sigma)
            else:
                past = np.array(returns.get(name, ()) or (0.0,))
                moves = Scenarios(1.0 + past, np.ones(len(past)), np.full(len(past), 1.0))
            gain = gains(lines, moves).sum(axis=0)
            size = min(len(gain), len(total)) if len(total) else len(gain)
            total = gain[-size:] + (total[-size:] if len(total) else 0.0)
        return total

    @property
    def value_at_risk_micros(self) -> int:
        """Loss of one day that is exceeded once in a hundred."""
        return self._tail[0]

    @property
    def expected_shortfall_micros(self) -> int:
        """Mean loss of the days that are worse than that."""
        return self._tail[1]


def describe(scenario: int, underlying: str) -> str:
    """Return a scenario of the grid in words."""
    move = GRID.spot_factor[scenario] - 1.0
    sigma, days = GRID.sigma_factor[scenario] - 1.0, int(GRID.days[scenario])
    parts = [f"{underlying} {move:+.0%}"]
    if sigma:
        parts.append(f"volatility {sigma:+.0%}")
    parts.append(f"in {days} days" if days else "at once")
    return ", ".join(parts)


def _sigmas(
    terms: tuple[Floats, Floats, Floats, Floats], marks: Floats, is_option: NDArray[np.bool_]
) -> Floats:
    """Return each option's volatility as its mark has it; a usual one where it has none."""
    found = np.full(len(marks), _USUAL_SIGMA)
    if is_option.any():
        spot, strike, years, is_call = (column[is_option] for column in terms)
        implied, _ = implied_volatility(marks[is_option], spot, strike, years, 0.0, 0.0, is_call)
        found[is_option] = np.where(np.isfinite(implied) & (implied > 0.01), implied, _USUAL_SIGMA)
    return found


def _micros(money: float) -> int:
    return round(money * MICROS)
