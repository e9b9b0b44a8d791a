"""Portfolio margin: the largest loss of each class over ten moves of its underlying.

A risk array holds, for each instrument, what one lot would gain or lose in each move; it is made
once for a set of prices and volatilities, and a whole account is then a product of matrices.

References
----------
FINRA Rule 4210(g); 17 CFR 240.15c3-1a.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.options import black_scholes
from environment.options.implied_volatility import implied_volatility
from environment.options.margin_book import (
    ROW_EXPIRY,
    ROW_KIND,
    ROW_SHARES,
    ROW_STRIKE,
    ROW_TICK,
    Ints,
    MarginTable,
)
from environment.options.margin_rules import CALL, INDEX_PERCENT, STOCK

Floats = NDArray[np.float64]

MOVES: Final = 10
EQUITY_REACH: Final = (-0.15, 0.15)
INDEX_REACH: Final = (-0.08, 0.06)
FLOOR_PER_SHARE: Final = 375_000  # Micros: $37.50 for a contract on a hundred shares.
_DAYS: Final = 365.0
_MICROS: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class RiskArray:
    """Gains of one lot of each instrument, micros, shape (instruments, moves or twice as many).

    With a volatility shock the moves stand twice, under higher and under lower volatility.
    """

    gains: Ints


def moves_of(percent: int) -> Floats:
    """Return the ten moves of a class: ±3, ±6 ... ±15 %; a broad index from -8 % to +6 %."""
    low, high = INDEX_REACH if percent == INDEX_PERCENT else EQUITY_REACH
    steps = np.arange(1, MOVES // 2 + 1) / (MOVES // 2)
    return np.concatenate([low * steps[::-1], high * steps])


def implied_sigmas(table: MarginTable, marks: Ints, spots: Ints, day: int) -> Floats:
    """Return the volatility of each option's mark; NaN for stock and where none gives the mark.

    Without rates and dividends: both valuations of a move carry them alike.

    Parameters
    ----------
    day : int
        The proleptic ordinal of the present day; an option has a day more to live than its expiry
        is away, so that one of the same day still has value.
    """
    rows, sigma = table.rows, np.full(len(table.rows), np.nan)
    is_option = rows[:, ROW_KIND] != STOCK
    if not is_option.any():
        return sigma
    spot, strike, years = _terms(table, spots, day)
    price = marks * rows[:, ROW_TICK] * _MICROS
    sigma[is_option], _ = implied_volatility(
        price[is_option], spot[is_option], strike[is_option], years[is_option], 0.0, 0.0,
        rows[is_option, ROW_KIND] == CALL,
    )  # fmt: skip
    return sigma


def make_risk_array(
    table: MarginTable, spots: Ints, sigmas: Floats, day: int, *, volatility_shock: float = 0.0
) -> RiskArray:  # fmt: skip
    """Return what a lot of each instrument gains in each move.

    Options are revalued at their own volatility; one without a volatility moves with its intrinsic
    value, and no option is worth less than that.

    Parameters
    ----------
    sigmas : float array of shape (instruments,)
        Annual volatilities, from `implied_sigmas` or a surface; NaN where there is none.
    volatility_shock : float
        Share by which volatilities are also raised and lowered, 0 for the ten moves alone.
    """
    shifts = (0.0,) if volatility_shock == 0.0 else (volatility_shock, -volatility_shock)
    spot, strike, years = _terms(table, spots, day)
    moves = np.zeros((len(table.rows), MOVES))
    for place, percent in enumerate(table.percents.tolist()):
        members = table.order[table.first[place] : table.first[place + 1]]
        moves[members] = moves_of(percent)
    kinds, shares = table.rows[:, ROW_KIND], table.rows[:, ROW_SHARES]
    after = spot[:, None] * (1.0 + moves)
    blocks = []
    for shift in shifts:
        gains = after - spot[:, None]
        is_option = kinds != STOCK
        if is_option.any():
            now = _worth(spot[is_option, None], strike, years, sigmas, kinds, is_option)
            then = _worth(after[is_option], strike, years, sigmas * (1.0 + shift), kinds, is_option)
            gains[is_option] = then - now
        blocks.append(np.rint(gains * shares[:, None] / _MICROS).astype(np.int64))
    return RiskArray(np.concatenate(blocks, axis=1))


def _terms(table: MarginTable, spots: Ints, day: int) -> tuple[Floats, Floats, Floats]:
    """Return spot, strike and years of each row."""
    spot = np.zeros(len(table.rows))
    for place in range(len(table.classes)):
        spot[table.order[table.first[place] : table.first[place + 1]]] = spots[place] * _MICROS
    years = np.maximum(table.rows[:, ROW_EXPIRY] - day + 1, 1) * (1.0 / _DAYS)
    strike = np.asarray(table.rows[:, ROW_STRIKE] * _MICROS, np.float64)
    return spot, strike, np.asarray(years, np.float64)


def _worth(
    spot: Floats, strike: Floats, years: Floats, sigmas: Floats, kinds: Ints,
    rows: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    """Return option values per share, shape (options, columns of spot)."""
    is_call = (kinds[rows] == CALL)[:, None]
    at = strike[rows, None]
    inside = np.maximum(np.where(is_call, spot - at, at - spot), 0.0)
    sigma = np.nan_to_num(sigmas[rows, None])  # Without one, the intrinsic value.
    priced = black_scholes.price(spot, at, years[rows, None], sigma, 0.0, 0.0, is_call)
    return np.maximum(priced, inside)


def worst_losses(table: MarginTable, risk: RiskArray, lots: Ints) -> Ints:
    """Return the requirement of each class, micros: its worst loss, and at least the floor."""
    held = np.flatnonzero(lots)
    found = np.zeros(len(table.classes), np.int64)
    if not len(held):
        return found
    gains = lots[held, None] * risk.gains[held]
    contracts = np.abs(lots[held]) * table.rows[held, ROW_SHARES] * FLOOR_PER_SHARE
    contracts[table.rows[held, ROW_KIND] == STOCK] = 0
    place = _classes_of(table)[held]
    by_class = np.zeros((len(table.classes), gains.shape[1]), np.int64)
    np.add.at(by_class, place, gains)
    floors = np.zeros(len(table.classes), np.int64)
    np.add.at(floors, place, contracts)
    return np.maximum(-by_class.min(axis=1), floors)


def _classes_of(table: MarginTable) -> Ints:
    """Return the class of each instrument."""
    found = np.empty(len(table.order), np.int64)
    found[table.order] = np.repeat(np.arange(len(table.classes)), np.diff(table.first))
    return found
