"""What a split or special dividend makes of a listed series.

A split of n for 1 multiplies contracts by n and divides strikes by n, half-up to a cent. Any other
ratio keeps the contracts, and multiplies the shares that each delivers. A special dividend takes
its amount off the strike. Ordinary dividends change nothing.

References
----------
OCC By-Laws, article VI, section 11A.
"""

from typing import Final

import msgspec

from environment.errors import ConfigError
from environment.instruments import Instrument, format_occ, parse_occ
from environment.market.corporate_actions import Dividend, Split

_CENT: Final = 10_000
_THOUSANDTH: Final = 1_000


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A series' new terms: every contract becomes `contracts` of them, its price times `factor`."""

    instrument: Instrument
    contracts: int
    factor: float


def half_up(numerator: int, denominator: int) -> int:
    """Return a ratio of positive numbers rounded to the nearest integer, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def adjust_for_split(series: Instrument, split: Split) -> Adjustment:
    """Return what a split makes of a series.

    Raises
    ------
    ConfigError
        If a contract would deliver a fraction of a share.
    """
    strike, n, d = series.strike_micros or 0, split.numerator, split.denominator
    if n % d == 0:
        cents = half_up(strike * d, n * _CENT)
        return Adjustment(
            instrument=_renamed(series, cents * _CENT, series.multiplier),
            contracts=n // d, factor=d / n,
        )  # fmt: skip
    shares, rest = divmod(series.multiplier * n, d)
    if rest or not shares:
        raise ConfigError(
            f"a split of {n} for {d} leaves a contract of {series.symbol} with a fraction of a"
            " share, which is not in this version; take the options or the split out"
        )
    thousandths = half_up(strike * d, n * _THOUSANDTH)
    return Adjustment(
        instrument=_renamed(series, thousandths * _THOUSANDTH, shares), contracts=1, factor=d / n
    )


def adjust_for_dividend(series: Instrument, dividend: Dividend, price_factor: float) -> Adjustment:
    """Return what a special dividend makes of a series: its strike falls by the amount.

    Raises
    ------
    ConfigError
        If nothing would be left of the strike.
    """
    strike = (series.strike_micros or 0) - dividend.micros_per_share
    strike = half_up(max(strike, 0), _THOUSANDTH) * _THOUSANDTH
    if strike <= 0:
        raise ConfigError(
            f"a special dividend of {dividend.micros_per_share} micros a share takes the whole"
            f" strike of {series.symbol}; list it without that series"
        )
    adjusted = _renamed(series, strike, series.multiplier)
    return Adjustment(instrument=adjusted, contracts=1, factor=price_factor)


def _renamed(series: Instrument, strike_micros: int, multiplier: int) -> Instrument:
    told = parse_occ(series.symbol)
    symbol = format_occ(told.root, told.expiry, told.right, strike_micros)
    return msgspec.structs.replace(
        series, symbol=symbol, strike_micros=strike_micros, multiplier=multiplier
    )
