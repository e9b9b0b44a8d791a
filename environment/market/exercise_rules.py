"""Who exercises tonight: by exception, by instruction, and what the background's holders do.

The background knows what is on the screen: closing marks, the next ex-date, the interest of one
night. A configured share of its accounts forgets.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

import msgspec
import numpy as np

from environment.clearing_messages import ExerciseReason
from environment.draws import draw_uniform
from environment.instruments import Instrument
from environment.market.clearing_contracts import Holdings, ListedSeries
from environment.market.margin import Ints

EXCEPTION_MICROS: Final = 10_000  # In the money by a cent on the official close.

Background = Callable[[Ints], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]


class DueDividend(msgspec.Struct, frozen=True, kw_only=True):
    """Cash per share of one underlying, and the day on which it trades without it."""

    ex_date: date
    micros_per_share: int


class ExerciseTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What decides of exercise on one night.

    Attributes
    ----------
    session, following : date
        The day that was traded, and the next one.
    marks : mapping of series number to ticks
        Closing marks of options; a series without a quote has none.
    twins : mapping of series number to series number
        The put of each call and the call of each put, of the same strike and expiry.
    dividends : mapping of stock number to dividends still to come, by ex-date
    discount : callable
        Present value of one unit paid so many calendar days from the session.
    forget_ppm : int
        Share of background accounts that overlook an early exercise, in millionths.
    forget_key : int
        Key of the stream that draws who forgets.
    instructions : mapping of (account, series number) to contracts
        As told until the cut-off.
    """

    session: date
    following: date
    marks: Mapping[int, int] = {}
    twins: Mapping[int, int] = {}
    dividends: Mapping[int, tuple[DueDividend, ...]] = {}
    discount: Callable[[int], float] = lambda _: 1.0
    forget_ppm: int = 0
    forget_key: int = 0
    instructions: Mapping[tuple[int, int], int] = {}


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """Contracts of one series that accounts exercise tonight for one reason."""

    reason: ExerciseReason
    accounts: Ints
    contracts: Ints


def inside_micros(instrument: Instrument, spot_micros: int) -> int:
    """Return by how much an option is in the money per share; below 0 out of it."""
    strike = instrument.strike_micros or 0
    return spot_micros - strike if instrument.right == "call" else strike - spot_micros


def at_expiry(
    series: ListedSeries, held: Holdings, spot_micros: int, terms: ExerciseTerms
) -> list[Exercise]:
    """Return what is exercised on a series' last day: by exception unless told otherwise.

    Cash-settled options pay whatever they are worth, and take no instructions.
    """
    longs = held.longs()
    inside = inside_micros(series.instrument, spot_micros)
    if series.instrument.settlement != "physical":
        by_exception = longs.contracts if inside > 0 else np.zeros_like(longs.contracts)
        return _exercises(longs.accounts, [("expiry", by_exception)])
    instructed = _instructed(series, longs, terms)
    is_told = instructed >= 0
    told = np.where(is_told, np.minimum(instructed, longs.contracts), 0)
    by_exception = longs.contracts if inside >= EXCEPTION_MICROS else 0 * longs.contracts
    return _exercises(
        longs.accounts,
        [("instruction", told), ("expiry", np.where(is_told, 0, by_exception))],
    )


def before_expiry(
    series: ListedSeries, held: Holdings, spot_micros: int, terms: ExerciseTerms,
    is_background: Background,
) -> list[Exercise]:  # fmt: skip
    """Return what is exercised early: American options, by instruction or by the background."""
    instrument = series.instrument
    if instrument.style != "american":
        return []
    longs = held.longs()
    instructed = _instructed(series, longs, terms)
    told = np.clip(instructed, 0, longs.contracts)
    parts: list[tuple[ExerciseReason, Ints]] = [("instruction", told)]
    reason = early_reason(series, spot_micros, terms)
    if reason is not None:
        acts = is_background(longs.accounts) & (instructed < 0)
        draws = np.array([draw_uniform(terms.forget_key, int(a)) for a in longs.accounts])
        acts &= draws >= terms.forget_ppm / 1e6
        parts.append((reason, np.where(acts, longs.contracts, 0)))
    return _exercises(longs.accounts, parts)


def early_reason(
    series: ListedSeries, spot_micros: int, terms: ExerciseTerms
) -> ExerciseReason | None:
    """Return why a holder of an American option exercises tonight, or None.

    A call on the last day with the dividend, if the time value that is left without it is less than
    the dividend. By parity that is the put of the same strike and the interest on the strike, less
    later dividends; where no put is quoted, the call itself must be at its intrinsic value. A put,
    if the interest of tonight on its strike exceeds its time value, and the interest until expiry
    the call of the same strike and the dividends that it would forgo.
    """
    instrument = series.instrument
    inside = inside_micros(instrument, spot_micros)
    mark = terms.marks.get(series.number)
    if inside <= 0 or mark is None or instrument.expiry is None:
        return None
    strike, life = instrument.strike_micros or 0, (instrument.expiry - terms.session).days
    coming = [d for d in terms.dividends.get(series.stock, ()) if d.ex_date <= instrument.expiry]
    due = sum(d.micros_per_share for d in coming if d.ex_date == terms.following)
    later = sum(d.micros_per_share for d in coming) - due
    twin = terms.marks.get(terms.twins.get(series.number, -1))
    other = None if twin is None else twin * instrument.tick_micros
    time_value = mark * instrument.tick_micros - inside
    interest = _interest(strike, life, terms)
    if instrument.right == "call":
        if due == 0:
            return None
        is_less = time_value <= 0 if other is None else other + interest - later < due
        return "dividend" if is_less else None
    tonight = _interest(strike, (terms.following - terms.session).days, terms)
    if time_value >= tonight or (other is not None and other + due + later >= interest):
        return None
    return "interest"


def _interest(strike_micros: int, days: int, terms: ExerciseTerms) -> int:
    """Return what a strike earns in so many days, micros a share."""
    return round(strike_micros * (1.0 - terms.discount(days)))


def _instructed(series: ListedSeries, longs: Holdings, terms: ExerciseTerms) -> Ints:
    """Return the contracts each holder asked for, -1 where he said nothing."""
    told = [terms.instructions.get((a, series.number), -1) for a in longs.accounts.tolist()]
    return np.array(told, np.int64)


def _exercises(accounts: Ints, parts: list[tuple[ExerciseReason, Ints]]) -> list[Exercise]:
    return [
        Exercise(reason=reason, accounts=accounts[count > 0], contracts=count[count > 0])
        for reason, count in parts
        if count.any()
    ]
