"""What the nights between the days of a run did to its accounts: lots and cash that they moved.

The night after the last day is not counted: profit is that of trading up to the last close.
"""

from functools import reduce

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at
from environment.record.facts import MICROS, NightFacts, TapeFacts
from environment.record.tape import Rows

Floats = NDArray[np.float64]


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """Moves of lots and of cash, one place each; `night` counts from 0.

    Stock that an account brought into the run is left out, with all that became of it: it moves by
    itself, and neither its rise nor its dividends are profit of trading.
    """

    night: NDArray[np.int64]
    account: Rows
    instrument: Rows
    lots: Floats
    cash_night: NDArray[np.int64]
    cash_account: Rows
    cash: Floats  # In currency.


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What accounts held when the run began, one place for each account and instrument."""

    account: Rows
    instrument: Rows
    lots: Rows


def nights_between(facts: TapeFacts) -> tuple[NightFacts, ...]:
    """Return the nights that a later day followed."""
    return tuple(night for night in facts.nights if night.time_ns < facts.close_ns)


def day_of(facts: TapeFacts, time: Rows) -> NDArray[np.int64]:
    """Return the number of the day that a time lies in, from 0; a night ends its day."""
    ends = np.array([night.time_ns for night in nights_between(facts)], np.int64)
    return np.searchsorted(ends, time, side="left")


def brought(facts: TapeFacts, kind: str) -> Brought:
    """Return what was brought of one kind of instrument, "stock" or "option"."""
    told = np.array(facts.brought, np.int64).reshape(-1, 3)
    chosen = [code for code, one in enumerate(facts.instruments) if one.kind == kind]
    told = told[np.isin(told[:, 1], chosen)]
    return Brought(account=told[:, 0], instrument=told[:, 1], lots=told[:, 2])


def scaled(night: NightFacts, closing: Floats) -> Floats:
    """Return closing prices in ticks as they stand after a night's splits."""

    def apply(prices: Floats, action: tuple[int, int, int, int]) -> Floats:
        code, numerator, denominator, _ = action
        prices[code] *= denominator / numerator
        return prices

    return reduce(apply, night.actions, closing.copy())


def carried(rows: Rows, facts: TapeFacts) -> Carried:
    """Return what the nights moved, from the tape's rows."""
    ends = {night.time_ns: number for number, night in enumerate(nights_between(facts))}
    told = rows[rows[:, at.T_KIND] == at.K_CLEARING]
    told = told[np.isin(told[:, at.T_TIME], list(ends))]
    night = day_of(facts, told[:, at.T_TIME])
    is_cash = told[:, at.T_INSTRUMENT] == at.NONE
    kept = brought(facts, "stock")
    moves = [(night[~is_cash], told[~is_cash, at.T_ACCOUNT], told[~is_cash, at.T_INSTRUMENT],
              told[~is_cash, at.T_QUANTITY].astype(np.float64))]  # fmt: skip
    paid = [(night[is_cash], told[is_cash, at.T_ACCOUNT], told[is_cash, at.T_LEAVES] / MICROS)]
    held = kept.lots.astype(np.float64)
    for number, facts_of_night in enumerate(nights_between(facts)):
        for code, numerator, denominator, micros in facts_of_night.actions:
            own = kept.instrument == code
            here = np.full(int(own.sum()), number, np.int64)
            grown = held[own] * (numerator / denominator)
            moves.append((here, kept.account[own], kept.instrument[own], held[own] - grown))
            paid.append((here, kept.account[own], -held[own] * micros / MICROS))
            held[own] = grown
    nights, accounts, instruments, lots = (
        np.concatenate(parts) for parts in zip(*moves, strict=True)
    )
    cash_nights, cash_accounts, cash = (np.concatenate(parts) for parts in zip(*paid, strict=True))
    return Carried(
        night=nights, account=accounts, instrument=instruments, lots=lots,
        cash_night=cash_nights, cash_account=cash_accounts, cash=cash,
    )  # fmt: skip
