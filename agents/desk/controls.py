"""The list of controls: what the risk desk asks of every order, by name, with figures.

A control that is added to `CONTROLS` is in force, and is listed wherever controls are listed. Each
looks at one case: the order as it would stand, counting every approved order as filled.
"""

from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec

from agents.desk.exposure import Exposure
from environment.instruments import Instrument
from environment.messages import Side

Unit = Literal["lots", "micros", "symbols"]


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """All that an agent may propose. A scope is a symbol, or `AAPL/options` for a whole chain."""

    instruments: tuple[str, ...]
    notional_micros: int  # Position plus working orders, over all instruments.

    def covers(self, instrument: Instrument) -> bool:
        """Return whether an instrument lies inside."""
        if instrument.kind == "option":
            return f"{instrument.underlying}/options" in self.instruments
        return instrument.symbol in self.instruments


def join_mandates(mandates: Iterable[Mandate]) -> Mandate:
    """Return what several agents may do together: the mandate of a desk that trades for them."""
    given = tuple(mandates)
    scopes = dict.fromkeys(scope for mandate in given for scope in mandate.instruments)
    return Mandate(
        instruments=tuple(scopes),
        notional_micros=sum(mandate.notional_micros for mandate in given),
    )


class HardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that refuse, of the account; None does not limit."""

    order_quantity: int | None = None  # Lots of one order.
    order_notional_micros: int | None = None
    position: int | None = None  # Lots per instrument, long or short.
    restricted: tuple[str, ...] = ()  # Symbols that nobody may trade, as stock or underlying.


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it would stand if it were approved.

    `account` and `owner` are exposures in its instrument without this order; `leaves_lots` is what
    it could still trade; `value_ticks` its limit or the mark, whichever is higher.
    """

    instrument: Instrument
    side: Side
    quantity_lots: int
    leaves_lots: int
    value_ticks: int
    account: Exposure
    owner: Exposure
    owner_elsewhere_micros: int  # The owner's exposure in all other instruments.
    mandate: Mandate


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """The figure that the order would bring, and the limit that it would break."""

    figure: int
    limit: int


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One named control. Soft ones ask a person, hard ones refuse."""

    name: str
    unit: Unit
    kind: Literal["hard", "soft"]
    check: Callable[[Case, HardLimits], Breach | None]


def find_breach(case: Case, limits: HardLimits) -> tuple[Control, Breach] | None:
    """Return the first control that an order breaks, with its figures, or None."""
    for control in CONTROLS:
        breach = control.check(case, limits)
        if breach is not None:
            return control, breach
    return None


def _over(figure: int, limit: int | None) -> Breach | None:
    if limit is None or figure <= limit:
        return None
    return Breach(figure=figure, limit=limit)


def _mandate_instruments(case: Case, limits: HardLimits) -> Breach | None:  # noqa: ARG001  one signature
    return None if case.mandate.covers(case.instrument) else Breach(figure=1, limit=0)


def _mandate_notional(case: Case, limits: HardLimits) -> Breach | None:  # noqa: ARG001  one signature
    lots = case.owner.reach(case.side) + case.leaves_lots
    if lots <= 0:
        return None  # It only brings the owner nearer to nothing.
    here_micros = case.instrument.notional_micros(case.value_ticks, lots)
    return _over(here_micros + case.owner_elsewhere_micros, case.mandate.notional_micros)


def _restricted(case: Case, limits: HardLimits) -> Breach | None:
    names = {case.instrument.symbol, case.instrument.underlying}
    return _over(len(names.intersection(limits.restricted)), 0)


def _order_quantity(case: Case, limits: HardLimits) -> Breach | None:
    return _over(case.quantity_lots, limits.order_quantity)


def _order_notional(case: Case, limits: HardLimits) -> Breach | None:
    notional = case.instrument.notional_micros(case.value_ticks, case.leaves_lots)
    return _over(notional, limits.order_notional_micros)


def _position(case: Case, limits: HardLimits) -> Breach | None:
    return _over(case.account.reach(case.side) + case.leaves_lots, limits.position)


CONTROLS: Final[tuple[Control, ...]] = (
    Control(name="mandate_instruments", unit="symbols", kind="hard", check=_mandate_instruments),
    Control(name="mandate_notional", unit="micros", kind="hard", check=_mandate_notional),
    Control(name="restricted", unit="symbols", kind="hard", check=_restricted),
    Control(name="order_quantity", unit="lots", kind="hard", check=_order_quantity),
    Control(name="order_notional", unit="micros", kind="hard", check=_order_notional),
    Control(name="position", unit="lots", kind="hard", check=_position),
)
