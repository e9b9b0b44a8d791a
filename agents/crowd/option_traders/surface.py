"""A dealer's surface: the chain's, moved by a level, a skew and a curvature of each expiry.

`dealer_surface.move_surface` and its neighbours are the same surface compiled, on the same draws.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

import msgspec

from agents.crowd import dealer_rows as compiled, dealer_shapes as shapes
from agents.crowd.option_traders.chain import Chain
from agents.crowd.option_value import log_move, value_series, years_left
from environment.option_messages import SeriesTouch


class ExpiryShift(msgspec.Struct):
    """How far one expiry's surface is from the chain's, in volatility; and the greeks held in it.

    `bias` is this dealer's opinion and stays; `vega` is money per point, `vega_before` that of the
    step before, `gamma` shares per 1 of price.
    """

    bias: float = 0.0
    level: float = 0.0
    skew: float = 0.0
    curve: float = 0.0
    vega: float = 0.0
    vega_before: float = 0.0
    gamma: float = 0.0


class Value(msgspec.Struct, frozen=True, array_like=True):
    """What a series is worth on the surface, and its greeks, all per share.

    Gamma is per 1 of price, vega per 1.00 of volatility.
    """

    value: float = 0.0
    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    sigma: float = 0.0


class SurfaceState(msgspec.Struct):
    """All that moves: the step in hand (-1: the day's first is to come), the stock then, shifts.

    `realised` is the running variance of the stock's steps, 1 at a volatility of 25 %.
    """

    shifts: list[ExpiryShift]
    bucket: int = -1
    bucket_spot: float = 0.0
    realised: float = 1.0


class Beliefs(NamedTuple):
    """How wrong a trader's own curves are: see `option_value.value_series`."""

    rate: float = 0.0
    growth: float = 0.0
    dividend: float = 0.0


RIGHT = Beliefs()


class Surface:
    """The surface of one dealer.

    Parameters
    ----------
    settings
        The population's numbers by the D_ names of `dealer`, as they hold on the day in hand.
    common_key, own_key
        The streams of the shocks: shared with the population's other dealers, and its own.
    beliefs
        What this dealer takes rates, growth and dividends to be, against the truth.
    """

    def __init__(
        self, chain: Chain, settings: "memoryview[float]", common_key: int, own_key: int,
        beliefs: Beliefs = RIGHT,
    ) -> None:  # fmt: skip
        self._chain, self._settings = chain, settings
        self._common_key, self._own_key = common_key, own_key
        self._beliefs = beliefs

    def catch_up(self, state: SurfaceState, seconds: float, spot: float) -> bool:
        """Let the surface come to now, so many seconds after the open; return whether it moved."""
        now, last = int(seconds / shapes.BUCKET_S), state.bucket
        if state.bucket_spot <= 0.0:
            state.bucket_spot = spot
        # After a halt the buckets that passed are one step: nobody watched them one by one.
        for bucket in range(max(last + 1, now - shapes.MOST_BUCKETS + 1), now + 1):
            self._step(state, bucket, spot)
        state.bucket = now
        return now > last

    def _step(self, state: SurfaceState, bucket: int, spot: float) -> None:
        told = self._settings
        moved = shapes.stock_step(spot, state.bucket_spot)
        state.bucket_spot = spot
        state.realised = shapes.next_realised(state.realised, moved)
        keep = shapes.keep_share(told[compiled.D_REVERSION])
        level, skew, curve = shapes.shocks(
            self._common_key, self._own_key, bucket, moved, told[compiled.D_CORRELATION]
        )
        for expiry, shift in enumerate(state.shifts):
            weight = shapes.step_weight(self._chain.years(expiry))
            sold = shift.vega_before - shift.vega
            shift.vega_before = shift.vega
            shift.level = (
                shapes.stepped(shift.level, keep, weight, told[compiled.D_VOLATILITY], level)
                + shapes.realised_drift(
                    told[compiled.D_REALISED], weight, state.realised, shift.level
                )
                + told[compiled.D_FLOW] * sold
            )
            shift.skew = shapes.stepped(shift.skew, keep, weight, told[compiled.D_SKEW], skew)
            shift.curve = shapes.stepped(shift.curve, keep, weight, told[compiled.D_CURVE], curve)

    def learn(
        self, state: SurfaceState, values: list[Value], seen: Mapping[int, SeriesTouch], spot: float
    ) -> None:
        """Let each expiry's level come closer to what the market's middles say of it.

        The gap is that of the sums of middles and own values over the sum of vegas: series with
        much vega say most. A dealer that is alone in its opinion gives way to the others.
        """
        chain = self._chain
        # Series stand in order of their expiries.
        for expiry, places in groupby(range(chain.count), chain.expiry):
            gap = vega = 0.0
            for place in places:
                touch = seen.get(place)
                if not shapes.tells_volatility(values[place].delta):
                    continue
                if touch is None or touch.bid_quantity <= 0 or touch.ask_quantity <= 0:
                    continue
                middle = 0.5 * (touch.bid_price + touch.ask_price) * chain.tick(place)
                gap += middle - values[place].value
                vega += values[place].vega
            if shapes.may_learn(vega, spot, chain.years(expiry)):
                share = self._settings[compiled.D_LEARN]
                state.shifts[expiry].level += shapes.learnt(share, gap, vega)

    def keep_calendar(self, state: SurfaceState, seconds: float) -> None:
        """Let no expiry have less variance to come than one before it."""
        chain, told = self._chain, self._settings
        most = latest = 0.0
        for expiry, shift in enumerate(state.shifts):
            first, sigma = chain.years(expiry), chain.at_the_money(expiry)
            # Rows of what was listed later are not in order.
            if sigma <= 0.0 or first <= 0.0 or first < latest:
                continue
            years, latest = years_left(chain.table, chain.row_of_expiry(expiry), seconds), first
            is_after = first * 365.0 > told[compiled.D_EVENT_DAYS]
            ahead, own = self._announced() if is_after else 0.0, sigma + shift.bias
            shift.level = max(shift.level, shapes.lowest_level(most, own, years, ahead))
            sigma = own + shift.level
            most = max(most, sigma * sigma * years + ahead)

    def _announced(self) -> float:
        is_over = self._settings[compiled.D_EVENT_OVER] > 0.5
        return 0.0 if is_over else self._settings[compiled.D_EVENT]

    def values(self, state: SurfaceState, spot: float, seconds: float) -> list[Value]:
        """Return what every series is worth at a price, so many seconds after the open."""
        told, chain = self._settings, self._chain
        first_spot = told[compiled.D_FIRST_SPOT]
        event = self._announced()
        days, moved, made = told[compiled.D_EVENT_DAYS], log_move(spot, first_spot), []
        for place in range(chain.count):
            expiry = chain.expiry(place)
            shift = state.shifts[expiry]
            found = value_series(
                chain.table, chain.row(place), chain.row_of_expiry(expiry), spot, first_spot, moved,
                seconds, shift.bias + shift.level, shift.skew, shift.curve, event, days,
                *self._beliefs,
            )  # fmt: skip
            made.append(Value(*found))
        return made
