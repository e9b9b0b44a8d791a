"""What everything is valued by: instruments, their facts of a day, and marks."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from environment.instruments import MICROS, Instrument
from environment.options.margin import MarginFigures

if TYPE_CHECKING:
    from agents.desk.sheet import Sheet

_YEAR_DAYS = 365.0
_DAY_END = 0.5  # An option lives to the end of its last day: half a day more than dates say.


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


class MarginPort(Protocol):
    """What an account must hold, by the rules that the clearing house and the broker keep."""

    def figures(
        self, marks: dict[str, int], cash_micros: int, lots: Mapping[str, int], *,
        exact: bool | None = None,
    ) -> MarginFigures:  # fmt: skip
        """Return equity and requirements; `exact` seeks the cheapest grouping of options."""


class TailPort(Protocol):
    """What an account could lose within a day."""

    def figures(self, lots: Mapping[str, int]) -> tuple[int, int]:
        """Return value at risk and expected shortfall, micros."""


class Market(msgspec.Struct, frozen=True):
    """Marks in ticks by symbol, today's facts, and whoever reckons margin and tails."""

    instruments: dict[str, Instrument]
    marks: dict[str, int]
    facts: dict[str, Fact]
    today: date
    sheet: "Sheet"
    margins: MarginPort
    tails: TailPort
    day_micros: Mapping[str, float]  # What of each stock is traded on a mean day, in money.

    def spot_micros(self, underlying: str) -> int:
        """Return what one unit of an underlying is worth; 0 where nothing says it."""
        instrument = self.instruments.get(underlying)
        return 0 if instrument is None else self.marks.get(underlying, 0) * instrument.tick_micros


def underlying_of(instrument: Instrument) -> str:
    """Return the name under which an instrument's risks are added up."""
    return instrument.underlying or instrument.symbol
