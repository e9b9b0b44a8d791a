"""The pay-off of a card's order, and its revaluation under "what if": Black-Scholes, flat rates.

The volatility of a leg is the one implied by its mid when the record was made; a leg without a
quote on both sides has none, and then nothing is drawn rather than guessed.
"""

from typing import Any, Final

import msgspec
import numpy as np

from agents.human.panel_what_if import Moves
from environment.approval_messages import CardLeg, OrderCard
from environment.instruments import MICROS, Instrument
from environment.options import strategies
from environment.options.implied_volatility import implied_volatility

_POINTS: Final = 81
_REACH: Final = 0.2  # The chart shows this share of the spot to either side.
_YEAR_NS: Final = 365 * 86_400_000_000_000
_DAY_NS: Final = 86_400_000_000_000
_YEAR_DAYS: Final = 365.0


class Valued(msgspec.Struct, frozen=True):
    """A card's order as a structure of the options library, and the spot it was made at."""

    structure: strategies.Structure
    spot: float

    @property
    def lasts_days(self) -> float | None:
        """Days to the first expiry; None for stock alone."""
        years = (leg.years for leg in self.structure.legs if leg.kind != "stock")
        first = min(years, default=None)
        return None if first is None else first * _YEAR_DAYS


def value_card(
    card: OrderCard, instruments: dict[str, Instrument], spots: dict[str, float]
) -> Valued | None:
    """Return a card's order in money terms, or None where a price is missing.

    Parameters
    ----------
    instruments
        By symbol; a leg that is not among them cannot be valued.
    spots
        Mid of each stock, in currency a share.
    """
    legs = []
    spot = None
    for leg in card.legs:
        instrument = instruments.get(leg.instrument)
        if instrument is None:
            return None
        spot = spots.get(instrument.underlying or instrument.symbol)
        made = None if spot is None else _leg(card, leg, instrument, spot)
        if made is None:
            return None
        legs.append(made)
    if spot is None:
        return None
    return Valued(strategies.Structure(name=card.code, legs=tuple(legs)), spot)


def _leg(
    card: OrderCard, leg: CardLeg, instrument: Instrument, spot: float
) -> strategies.Leg | None:
    entry = _entry(card, leg)
    shares = card.quantity * leg.ratio * leg.units_per_lot * (1 if leg.side == "buy" else -1)
    if instrument.kind != "option":
        price = spot if entry is None else entry
        return strategies.Leg(kind="stock", quantity=float(shares), entry_price=price)
    if entry is None or instrument.expiry is None or instrument.strike_micros is None:
        return None
    strike = instrument.strike_micros / MICROS
    years = _years(instrument, card.proposed_ns)
    is_call = instrument.right == "call"
    sigma, reason = implied_volatility(entry, spot, strike, years, 0.0, 0.0, is_call)
    if int(reason) != 0:
        return None
    return strategies.Leg(
        kind="call" if is_call else "put", quantity=float(shares), entry_price=entry,
        strike=strike, years=years, sigma_annual=float(sigma),
    )  # fmt: skip


def _entry(card: OrderCard, leg: CardLeg) -> float | None:
    """Return the price a share: the limit of a single leg, else the leg's mid."""
    if len(card.legs) == 1 and card.price is not None and leg.units_per_lot == 1:
        return card.price * leg.tick_micros / MICROS
    if leg.bid_price is None or leg.ask_price is None:
        return None
    return (leg.bid_price + leg.ask_price) * leg.tick_micros / MICROS / 2


def _years(instrument: Instrument, now_ns: int) -> float:
    """Return the time to the end of the expiry day, UTC, in years of 365 days; never 0."""
    assert instrument.expiry is not None
    days = instrument.expiry.toordinal() - 719_163  # 1970-01-01
    left_ns = (days + 1) * _DAY_NS - now_ns
    return max(left_ns, 60_000_000_000) / _YEAR_NS


def payoff_chart(valued: Valued) -> dict[str, Any]:
    """Return profit at the first expiry and now over the stock's price, in currency."""
    spot = np.linspace(valued.spot * (1 - _REACH), valued.spot * (1 + _REACH), _POINTS)
    structure = valued.structure
    is_stock = all(leg.kind == "stock" for leg in structure.legs)
    now = strategies.value(structure, spot) - structure.cost
    return {
        "spot": valued.spot,
        "prices": np.round(spot, 4).tolist(),
        "now": np.round(now, 2).tolist(),
        "expiry": [] if is_stock else np.round(strategies.profit(structure, spot), 2).tolist(),
        "break_evens": [round(at, 4) for at in strategies.break_evens(structure)],
    }


def revalue(valued: Valued, moves: Moves) -> float:
    """Return what the order gains, in currency, by these moves; everything else stays."""
    before = float(strategies.value(valued.structure, valued.spot))
    legs = tuple(
        leg
        if leg.kind == "stock"
        else strategies.Leg(
            kind=leg.kind, quantity=leg.quantity, entry_price=leg.entry_price, strike=leg.strike,
            years=leg.years, sigma_annual=max(moves.sigma_from(leg.sigma_annual), 1e-4),
        )
        for leg in valued.structure.legs
    )  # fmt: skip
    moved = strategies.Structure(name=valued.structure.name, legs=legs)
    spot = max(moves.spot_from(valued.spot), 0.01)
    after = strategies.value(moved, spot, years_passed=moves.days / _YEAR_DAYS)
    return float(after) - before
