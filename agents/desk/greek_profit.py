"""What moved the profit: spot, its curvature, volatility, time, the unexplained rest, and trading.

From one mark to the next what was held gains its greeks times what has moved; what is left of the
gain is the rest. What a fill paid against the mark of its time, and fees, is trading. The parts add
up to the profit, to the last micro.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from environment.instruments import MICROS, Instrument
from environment.options.black_scholes import price_and_greeks
from environment.options.implied_volatility import implied_volatility

_DAY_S: Final = 86_400
_YEAR_S: Final = 365 * _DAY_S
_EPOCH: Final = 719_163  # Ordinal of 1970-01-01.
_LEAST_YEARS: Final = 60.0 / _YEAR_S


class GreekProfit(msgspec.Struct):
    """Profit by cause, micros."""

    delta: int = 0
    gamma: int = 0
    vega: int = 0
    theta: int = 0
    rest: int = 0
    trading: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.delta + self.gamma + self.vega + self.theta + self.rest + self.trading


class Seen(msgspec.Struct):
    """One instrument when it was last marked. Mark: of a lot, micros; spot: of a share, micros."""

    mark: int
    spot: int
    at_ns: int
    sigma: float
    lots: int
    profit: int
    underlying: str


class GreekBook(msgspec.Struct):
    """Profit by underlying and cause, and where every instrument stood."""

    profits: dict[str, GreekProfit] = {}
    seen: dict[str, Seen] = {}

    def mark(
        self, instrument: Instrument, *, lots: int, profit_micros: int, mark_micros: int,
        spot_micros: int, now_ns: int,
    ) -> None:  # fmt: skip
        """Take a mark in.

        Parameters
        ----------
        lots, profit_micros : int
            Held now, and all that this instrument has made by now, fees taken off.
        mark_micros : int
            What one lot is worth.
        spot_micros : int
            What one share of the underlying is worth; of stock, its own price.
        """
        before = self.seen.get(instrument.symbol)
        if before is None and not lots and not profit_micros:
            return  # Nobody has traded it.
        underlying = instrument.underlying or instrument.symbol
        told = self.profits.setdefault(underlying, GreekProfit())
        sigma = _sigma(instrument, mark_micros, spot_micros, now_ns)
        if before is None:
            told.trading += profit_micros
        else:
            moved = before.lots * (mark_micros - before.mark)
            told.trading += profit_micros - before.profit - moved
            if instrument.kind != "option":
                told.delta += moved
            elif moved:
                _explain(told, instrument, before, moved, spot_micros, now_ns, sigma)
            if not math.isfinite(sigma):
                sigma = before.sigma
        self.seen[instrument.symbol] = Seen(
            mark_micros, spot_micros, now_ns, sigma, lots, profit_micros, underlying
        )

    def rest(self, symbol: str, lots: int, profit_micros: int) -> None:
        """Take in that a night has changed a position: no move of its price explains what follows.

        What is gone for good (expired, delivered) has made what it has made.
        """
        before = self.seen.get(symbol)
        if before is None:
            return
        before.lots = 0
        if not lots:
            self.profits[before.underlying].trading += profit_micros - before.profit
            before.profit = profit_micros


def share_out(
    book: GreekBook, traded: Callable[[str, int], tuple[int, int]],
    instruments: Mapping[str, Instrument], marks: Mapping[str, int], named: set[str], now_ns: int,
) -> None:  # fmt: skip
    """Share out what some instruments have gained since they were marked.

    `traded` gives lots and profit of a symbol whose lot is worth so much; `marks` are micros a lot.
    """
    for symbol in sorted(named & marks.keys()):
        instrument = instruments[symbol]
        stock = instruments.get(instrument.underlying or symbol)
        if stock is None or stock.symbol not in marks:
            continue
        lots, profit = traded(symbol, marks[symbol])
        book.mark(
            instrument, lots=lots, profit_micros=profit, mark_micros=marks[symbol],
            spot_micros=marks[stock.symbol] // (stock.lot_units * stock.multiplier), now_ns=now_ns,
        )  # fmt: skip


def _explain(
    told: GreekProfit, instrument: Instrument, before: Seen, moved: int, spot_micros: int,
    now_ns: int, sigma: float,
) -> None:  # fmt: skip
    """Share out what an option position has gained."""
    if not math.isfinite(before.sigma) or before.sigma <= 0.0 or not before.spot:
        told.rest += moved
        return
    spot, strike = before.spot / MICROS, (instrument.strike_micros or 0) / MICROS
    found = price_and_greeks(
        spot, strike, _years(instrument, before.at_ns), before.sigma, 0.0, 0.0,
        instrument.right == "call",
    )  # fmt: skip
    shares = before.lots * instrument.lot_units * instrument.multiplier * MICROS
    step = spot_micros / MICROS - spot
    passed = (now_ns - before.at_ns) / 1e9 / _YEAR_S
    wider = sigma - before.sigma if math.isfinite(sigma) else 0.0
    delta = round(float(found.delta) * step * shares)
    gamma = round(0.5 * float(found.gamma) * step * step * shares)
    vega = round(float(found.vega_per_unit_vol) * wider * shares)
    theta = round(float(found.theta_per_year) * passed * shares)
    told.delta += delta
    told.gamma += gamma
    told.vega += vega
    told.theta += theta
    told.rest += moved - delta - gamma - vega - theta


def _sigma(instrument: Instrument, mark_micros: int, spot_micros: int, now_ns: int) -> float:
    """Return the volatility of an option's mark; NaN where it has none, and for stock."""
    if instrument.kind != "option" or not spot_micros or instrument.strike_micros is None:
        return math.nan
    price = mark_micros / (instrument.lot_units * instrument.multiplier * MICROS)
    sigma, _ = implied_volatility(
        price, spot_micros / MICROS, instrument.strike_micros / MICROS,
        _years(instrument, now_ns), 0.0, 0.0, instrument.right == "call",
    )  # fmt: skip
    return float(sigma)


def _years(instrument: Instrument, now_ns: int) -> float:
    """Return the time to the evening of the expiry day, UTC; never 0."""
    assert instrument.expiry is not None, "an option has an expiry"
    ends_s = (instrument.expiry.toordinal() - _EPOCH) * _DAY_S + _DAY_S * 3 // 4
    return max((ends_s - now_ns / 1e9) / _YEAR_S, _LEAST_YEARS)
