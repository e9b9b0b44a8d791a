"""The list of controls: what the risk desk asks of every order, by name, with figures.

A control that is added to `CONTROLS` is in force, and is listed wherever controls are listed. Each
returns its figure for one case, in its unit, or None where it has nothing to say of it. A figure
above the soft limit asks a person, above the hard one it refuses.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec

from agents.desk import control_figures as figures, window_figures as windows
from agents.desk.case import Case
from agents.desk.limits import Limit, Mandate, Rulebook, join_mandates

Unit = Literal["lots", "micros", "symbols", "share", "ns", "count", "contracts", "state"]
Figure = Callable[[Case], float | int | None]
# What an infinite figure means, where that is no size but a lack.
_WITHOUT: Final = {"order_share_of_daily_volume": "no day's volume is known of it"}
DESK_STATE: Final = "desk_state"
_OF_THE_MANDATE: Final = "mandate_notional"  # Its limit is each agent's own.


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One named control. `quantity` marks those that a smaller order can meet.

    A `fixed` control is always in force; any other where the limits name it. Where `figure` is a
    quick bound that is never too low, `exact` says what it comes to, and is asked at a breach only.
    """

    name: str
    unit: Unit
    about: str
    figure: Figure
    exact: Figure | None = None
    fixed: bool = False
    quantity: bool = False
    spares_reducing: bool = True  # Whether an order that only lowers risk skips it.

    def limit(self, case: Case, rules: Rulebook) -> Limit | None:
        """Return what holds for a case."""
        if self.name == _OF_THE_MANDATE:
            return Limit(hard=case.mandate.notional_micros)
        return Limit(hard=0) if self.fixed else rules.limits.get(self.name)


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """The figure that the order would bring, and the limit that it would break."""

    control: Control
    kind: Literal["soft", "hard"]
    figure: float
    limit: float

    @property
    def text(self) -> str:
        """What was found, for a refusal: `10 lots, limit 5`."""
        if self.figure == math.inf and self.control.name in _WITHOUT:
            return f"{_WITHOUT[self.control.name]}, limit {_shown(self.limit)}"
        return f"{_shown(self.figure)} {self.control.unit}, limit {_shown(self.limit)}"


def breaches(case: Case, rules: Rulebook) -> Iterator[Breach]:
    """Yield what an order breaks, in the order of the list, hard or soft, one a control."""
    reduces = case.is_reducing
    for figure_of, enough, is_spared, control, limit in _in_force(rules):
        if reduces and is_spared:
            continue
        figure = figure_of(case)
        if figure is None or figure <= enough:
            continue
        if limit is None:
            if figure <= case.mandate.notional_micros:
                continue
            limit = Limit(hard=case.mandate.notional_micros)  # noqa: PLW2901  its own for each agent
        least = limit.hard if limit.soft is None else limit.soft
        if control.exact is not None and least is not None and not figure <= least:
            figure = control.exact(case)
            if figure is None:
                continue
        # Written so that a figure that is no number breaks the limit. Floats, as the record will
        # have them: who chains what was said must say the same after a restart.
        if limit.hard is not None and not figure <= limit.hard:
            yield Breach(
                control=control, kind="hard", figure=float(figure), limit=float(limit.hard)
            )
        elif limit.soft is not None and not figure <= limit.soft:
            yield Breach(
                control=control, kind="soft", figure=float(figure), limit=float(limit.soft)
            )


# A control in force: its figure, up to which figure it is silent for certain (the rest is looked at
# more closely), whether a reducing order skips it, itself, and its limit (None: each agent's own).
_Look = tuple[Figure, float, bool, Control, Limit | None]


class _InForce:
    """The controls that one rulebook puts in force, found once: rules change seldom."""

    def __init__(self) -> None:
        self._rules: Rulebook | None = None
        self._found: tuple[_Look, ...] = ()

    def __call__(self, rules: Rulebook) -> tuple[_Look, ...]:
        if rules is not self._rules:
            zero, limits = Limit(hard=0), rules.limits
            self._found = tuple(
                _look(control, zero if control.fixed else limits.get(control.name))
                for control in CONTROLS
                if control.fixed or control.name == _OF_THE_MANDATE or control.name in limits
            )
            self._rules = rules
        return self._found


def _look(control: Control, limit: Limit | None) -> _Look:
    given = [] if limit is None else [x for x in (limit.soft, limit.hard) if x is not None]
    enough = min(given, default=-math.inf if limit is None else math.inf)
    return control.figure, enough, control.spares_reducing, control, limit


_in_force: Final = _InForce()


def use_of(case: Case, rules: Rulebook) -> Iterator[tuple[Control, float, float]]:
    """Yield each control with its figure and the limit that comes first, for what is near."""
    for control in CONTROLS:
        limit = None if control.fixed else control.limit(case, rules)
        if limit is None:
            continue
        figure = control.figure(case)
        first = limit.soft if limit.soft is not None else limit.hard
        if figure is not None and first:
            yield control, figure, first


def _shown(figure: float) -> str:
    is_whole = abs(figure) < 1e15 and figure == int(figure)
    return f"{int(figure):,}" if is_whole else f"{figure:,.4g}"


def _control(
    name: str, unit: Unit, about: str, figure: Figure, exact: Figure | None = None, **more: bool
) -> Control:
    return Control(name=name, unit=unit, about=about, figure=figure, exact=exact, **more)


CONTROLS: Final[tuple[Control, ...]] = (
    _control(DESK_STATE, "state", "the desk, agent, strategy or underlying opens no risk",
             figures.desk_state, fixed=True, spares_reducing=False),
    _control("mandate_instruments", "symbols", "instruments outside the agent's mandate",
             figures.mandate_instruments, fixed=True),
    _control("mandate_notional", "micros", "the agent's position and working orders",
             figures.mandate_notional, quantity=True),
    _control("restricted", "symbols", "symbols that nobody may trade, as stock or underlying",
             figures.restricted, fixed=True),
    _control("trading_phase", "state", "the instrument is halted or closed",
             figures.trading_phase, fixed=True),
    _control("order_quantity", "lots", "lots or structures of one order",
             figures.order_quantity, quantity=True),
    _control("order_notional", "micros", "value of one order; options: premium or delta",
             figures.order_notional, quantity=True),
    _control("order_share_of_depth", "share", "of the lots shown on the side it takes from",
             figures.order_share_of_depth, quantity=True),
    _control("price_collar", "share", "how much worse than mid, last or theoretical value",
             figures.price_collar, spares_reducing=False),
    _control("order_share_of_daily_volume", "share", "of what is traded on a mean day",
             windows.order_share_of_daily_volume, quantity=True),
    _control("window_collar", "share", "how much worse than stock's best price of a while",
             windows.window_collar),
    _control("option_window_collar", "share", "the same of options and structures",
             windows.option_window_collar),
    _control("resting_collar", "share", "how far from mid an order rests", figures.resting_collar),
    _control("duplicate_orders", "count", "orders alike of one agent within a second",
             figures.duplicate_orders),
    _control("orders_per_second", "count", "new orders and replacements of one agent",
             figures.orders_per_second),
    _control("strategy_orders_per_second", "count", "the same of one strategy, of all its agents",
             windows.strategy_orders_per_second),
    _control("desk_orders_per_second", "count", "the same of the whole desk, at its venue",
             windows.desk_orders_per_second),
    _control("data_age", "ns", "since the market was last heard of", figures.data_age),
    _control("model_dispersion", "share", "disagreement of the views behind it",
             figures.model_dispersion),
    _control("position", "lots", "per instrument, all working orders of that side filled",
             figures.position, quantity=True),
    _control("gross_exposure", "micros", "sum of the sizes of all underlyings' deltas",
             figures.gross_exposure, quantity=True),
    _control("net_exposure", "micros", "size of the sum of all underlyings' deltas",
             figures.net_exposure, quantity=True),
    _control("concentration", "share", "of equity, in the largest underlying",
             figures.concentration, quantity=True),
    _control("underlying_delta", "micros", "delta times spot", figures.underlying_delta,
             quantity=True),
    _control("underlying_gamma", "micros", "change of delta for one per cent of spot",
             figures.underlying("gamma"), quantity=True),
    _control("underlying_vega", "micros", "per volatility point", figures.underlying("vega"),
             quantity=True),
    _control("underlying_theta", "micros", "per calendar day", figures.underlying("theta"),
             quantity=True),
    _control("expiry_delta", "micros", "of one expiry", figures.expiry("delta"), quantity=True),
    _control("expiry_gamma", "micros", "of one expiry", figures.expiry("gamma"), quantity=True),
    _control("expiry_vega", "micros", "of one expiry", figures.expiry("vega"), quantity=True),
    _control("expiry_theta", "micros", "of one expiry", figures.expiry("theta"), quantity=True),
    _control("uncovered_short_options", "contracts", "short options that nothing covers",
             figures.uncovered_short_options, quantity=True),
    _control("structure_loss", "micros", "worst case of the order alone, over the grid",
             figures.structure_loss, quantity=True),
    _control("worst_case_loss", "micros", "worst case of the account after each leg, over the grid",
             figures.worst_case_loss, quantity=True),
    _control("margin_used", "share", "margin after the order, of equity (buying power)",
             figures.margin_used, figures.exact_margin_used, quantity=True),
    _control("value_at_risk", "micros", "loss of one day, exceeded once in a hundred",
             figures.value_at_risk, quantity=True),
    _control("expected_shortfall", "micros", "mean loss of the days that are worse",
             figures.expected_shortfall, quantity=True),
)  # fmt: skip

NAMES: Final = frozenset(control.name for control in CONTROLS)

__all__ = [
    "CONTROLS",
    "DESK_STATE",
    "NAMES",
    "Breach",
    "Control",
    "Limit",
    "Mandate",
    "Rulebook",
    "breaches",
    "join_mandates",
    "use_of",
]
