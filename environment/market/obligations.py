"""A dealer's obligations, measured: two sides, large enough and no wider than allowed, for long.

A quote meets them from the moment when both its sides stand in the book until one is gone, too
small or too far from the other. Time counts while the series trades and its stock is in no limit
state: prices are not free to follow it there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from environment.compiled import inner
from environment.market import layout as at
from environment.market.arena import Arena, view
from environment.market.ladder import instrument_row, order_row, state_of

SHARE_OF_TIME = SHARE_OF_SERIES = 0.9


@inner
def width_allowed(price, ticks_per_unit):
    """Return the widest spread in ticks that a quote may have at a bid: also the drill-through.

    $0.25 below $2, $0.40 to $5, $0.50 to $10, $0.80 to $20, then $1.00: the bid-ask differentials
    that the Cboe's rule 8.7(b)(iv) gave its market makers.
    """
    if price < 2 * ticks_per_unit:
        hundredths = 25
    elif price <= 5 * ticks_per_unit:
        hundredths = 40
    elif price <= 10 * ticks_per_unit:
        hundredths = 50
    elif price <= 20 * ticks_per_unit:
        hundredths = 80
    else:
        hundredths = 100
    return hundredths * ticks_per_unit // 100


@inner
def duty_clock(arena, ins):
    """Return the time by which duty in a series counts: it stands still in a limit state."""
    stock = instrument_row(arena, arena[ins + at.I_UNDERLYING])
    limited, since = arena[stock + at.I_LIMITED_NS], arena[stock + at.I_LIMIT_SINCE]
    if since > 0:
        limited += arena[at.H_NOW] - since
    return arena[at.H_NOW] - limited


@inner
def _meets(arena, ins, q):
    bid = order_row(arena, arena[q + at.QU_BID_SLOT])
    ask = order_row(arena, arena[q + at.QU_ASK_SLOT])
    for side in (bid, ask):
        state = state_of(arena[side + at.O_META])
        if state != at.RESTING and state != at.FAR:
            return False
    d = arena[at.H_OFFSET + at.S_DEALER] + arena[q + at.QU_DEALER] * 64
    smallest = arena[d + at.DE_SIZE_MIN]
    if arena[bid + at.O_LEAVES] < smallest or arena[ask + at.O_LEAVES] < smallest:
        return False
    widest = width_allowed(arena[bid + at.O_PRICE], arena[ins + at.I_TICKS_PER_UNIT])
    widest = widest * arena[d + at.DE_WIDTH_PERCENT] // 100
    return arena[ask + at.O_PRICE] - arena[bid + at.O_PRICE] <= widest


@inner
def measure(arena, ins, q):
    """Look again whether a changed quote (row `q`) meets its dealer's obligations."""
    meets = arena[ins + at.I_PHASE] == at.CONTINUOUS and _meets(arena, ins, q)
    if meets == (arena[q + at.QU_MET] != 0):
        return
    if meets:
        arena[q + at.QU_MET] = 1
        arena[q + at.QU_MET_SINCE] = duty_clock(arena, ins)
    else:
        arena[q + at.QU_MET] = 0
        arena[q + at.QU_MET_NS] += duty_clock(arena, ins) - arena[q + at.QU_MET_SINCE]
        stock = instrument_row(arena, arena[ins + at.I_UNDERLYING])
        if arena[ins + at.I_PHASE] == at.CONTINUOUS and arena[stock + at.I_LIMIT_SINCE] == 0:
            arena[q + at.QU_BREACHES] += 1


@dataclass(frozen=True, kw_only=True)
class Obligation:
    """How one dealer kept his obligations since the day began.

    Attributes
    ----------
    share_of_time : array of shape (series,)
        Of the time in which each series traded, the part with a quote that met them; NaN where
        it did not trade.
    breaches : int
        How often a quote that met them ceased to while its series traded, in no limit state.
    """

    dealer: int
    series: NDArray[np.int64]
    share_of_time: NDArray[np.float64]
    breaches: int

    @property
    def share_of_series(self) -> float:
        """Return the part of the assigned series quoted for long enough; NaN without trading."""
        known = self.share_of_time[np.isfinite(self.share_of_time)]
        return float((known >= SHARE_OF_TIME).mean()) if len(known) else float("nan")

    @property
    def is_kept(self) -> bool:
        """Return whether enough series were quoted for long enough."""
        return self.share_of_series >= SHARE_OF_SERIES


def obligations(arena: Arena) -> list[Obligation]:
    """Return each dealer's record as of the core's present moment."""
    dealers = view(arena, at.S_DEALER)[: int(arena[at.H_DEALERS])]
    quotes, instruments = view(arena, at.S_QUOTE), view(arena, at.S_INSTRUMENT)
    found = []
    for number, dealer in enumerate(dealers):
        first = int(dealer[at.DE_FIRST])
        rows = quotes[first : first + int(dealer[at.DE_COUNT])]
        series = instruments[rows[:, at.QU_INSTRUMENT]]
        clock = _duty_clocks(int(arena[at.H_NOW]), instruments[series[:, at.I_UNDERLYING]])
        met = rows[:, at.QU_MET_NS] + rows[:, at.QU_MET] * (clock - rows[:, at.QU_MET_SINCE])
        trades = series[:, at.I_PHASE] == at.CONTINUOUS
        open_ns = series[:, at.I_OPEN_NS] + trades * (clock - series[:, at.I_OPEN_SINCE])
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(open_ns > 0, met / open_ns, np.nan)
        found.append(
            Obligation(
                dealer=number, series=rows[:, at.QU_INSTRUMENT].copy(), share_of_time=share,
                breaches=int(rows[:, at.QU_BREACHES].sum()),
            )
        )  # fmt: skip
    return found


def _duty_clocks(now: int, stocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what `duty_clock` is for series of these stocks, one row each."""
    since = stocks[:, at.I_LIMIT_SINCE]
    return np.asarray(now - stocks[:, at.I_LIMITED_NS] - (since > 0) * (now - since))


def forget_day(arena: Arena) -> None:
    """Begin a new day's record."""
    quotes = view(arena, at.S_QUOTE)[: int(arena[at.H_QUOTES])]
    quotes[:, [at.QU_MET, at.QU_MET_NS, at.QU_BREACHES, at.QU_UPDATES]] = 0
    first = int(arena[at.H_INSTRUMENTS])
    series = view(arena, at.S_INSTRUMENT)[first : first + int(arena[at.H_SERIES])]
    series[:, at.I_OPEN_NS] = 0
