"""The figure of each control, for one case; None where it has nothing to say."""

from collections.abc import Callable

from agents.desk.case import Case, CaseLeg
from agents.desk.measures import AccountMeasures
from environment.control_messages import STATES
from environment.messages import Phase
from environment.options.black_scholes import price
from environment.options.implied_volatility import implied_volatility
from environment.options.margin import MarginFigures
from environment.structures import weight_of

_CLOSED = frozenset({"halted", "closed", "post_close"})
_MICROS = 1_000_000


def desk_state(case: Case) -> int:
    """0 where the state lets it through: REDUCING takes what only reduces, HALTED nothing."""
    if case.state == "active" or (case.state == "reducing" and case.is_reducing):
        return 0
    return STATES.index(case.state)


def mandate_instruments(case: Case) -> int:
    """How many legs lie outside the mandate."""
    outside = 0
    for leg in case.legs:
        outside += not case.mandate.covers(leg.instrument)
    return outside


def mandate_notional(case: Case) -> int | None:
    """The owner's exposure with this order, all working orders of its side filled."""
    total = case.owner_elsewhere_micros
    grows = False
    for leg in case.legs:
        lots = leg.owner.reach(leg.side) + leg.lots
        if lots > 0:  # Otherwise it only brings the owner nearer to nothing.
            grows = True
            total += leg.value_ticks * leg.fact.lot_tick_micros * lots
    return total if grows else None


def restricted(case: Case) -> int:
    """How many restricted names it touches."""
    if not case.restricted:
        return 0
    names = {leg.instrument.symbol for leg in case.legs} | set(case.underlyings)
    return len(names.intersection(case.restricted))


def trading_phase(case: Case) -> int:
    """How many legs are halted or closed."""
    closed = 0
    for leg in case.legs:
        closed += _phase(case, leg) in _CLOSED
    return closed


def order_quantity(case: Case) -> int:
    """Its whole quantity, filled lots included."""
    return case.request.quantity


def order_notional(case: Case) -> int:
    """What it may still trade, in money."""
    return case.notional_micros


def order_share_of_depth(case: Case) -> float | None:
    """Its lots by those shown on the side that it takes from; the largest of its legs."""
    limit = case.request.price if len(case.legs) == 1 else None
    largest = None
    for leg in case.legs:
        view, is_buy = leg.view, leg.side == "buy"
        shown, touch = (
            (view.ask_depth, view.ask_price) if is_buy else (view.bid_depth, view.bid_price)
        )
        # Without a limit it takes what there is; with one that misses the touch it rests.
        takes = limit is None or (
            touch is not None and (limit >= touch if is_buy else limit <= touch)
        )
        if shown is not None and takes:
            share = leg.lots / shown if shown else float("inf")
            largest = share if largest is None else max(largest, share)
    return largest


def price_collar(case: Case) -> float | None:
    """By how much it may trade worse than what it is worth, as a share of that.

    Of a structure: its net price, as a share of what all its legs come to, whichever way they go.
    """
    if len(case.legs) > 1:
        return max(_net_worse(case), default=None)
    found = _range_worse(case)
    return None if found is None else found[1]


def resting_collar(case: Case) -> float | None:
    """How far it rests from the mid, on its own side, as a share of the mid."""
    if len(case.legs) > 1:
        return max((-worse for worse in _net_worse(case)), default=None)
    found = _range_worse(case)
    return None if found is None else -found[0]


def duplicate_orders(case: Case) -> int:
    """Orders alike of this agent within the window."""
    return case.activity.repeats


def orders_per_second(case: Case) -> int:
    """Orders of this agent in the last second."""
    return case.activity.orders_in_second


def data_age(case: Case) -> int | None:
    """Time since the eldest of its markets was heard of."""
    now_ns, eldest = case.now_ns, None
    for name in case.underlyings:
        view = case.views.get(name)
        age = now_ns if view is None or view.heard_ns < 0 else now_ns - view.heard_ns
        eldest = age if eldest is None else max(eldest, age)
    return eldest


def model_dispersion(case: Case) -> float:
    """As its proposer said."""
    return case.request.dispersion


def position(case: Case) -> int:
    """The largest of its legs' positions, all working orders of that side filled."""
    if len(case.legs) == 1:
        leg = case.legs[0]
        return leg.account.reach(leg.side) + leg.lots
    return max(leg.account.reach(leg.side) + leg.lots for leg in case.legs)


def gross_exposure(case: Case) -> int:
    """After the order."""
    return case.after.gross_micros


def net_exposure(case: Case) -> int:
    """After the order."""
    return case.after.net_micros


def concentration(case: Case) -> float:
    """The largest of its underlyings' deltas after the order, by equity."""
    return _share(underlying_delta(case), case.after.equity_micros)


def underlying_delta(case: Case) -> int:
    """Size of the delta after the order, in the largest of its underlyings."""
    deltas, largest = case.after.deltas, 0
    for name in case.underlyings:
        largest = max(largest, abs(deltas.get(name, 0)))
    return largest


def underlying(greek: str) -> Callable[[Case], int]:
    """Return the figure of a greek: its size after the order, in the largest underlying."""

    def figure(case: Case) -> int:
        return max(abs(case.after.by_underlying(greek, name)) for name in case.underlyings)

    figure.__doc__ = f"The largest {greek} of its underlyings after the order."
    return figure


def expiry(greek: str) -> Callable[[Case], int | None]:
    """Return the figure of a greek in one expiry; None for an order without options."""

    def figure(case: Case) -> int | None:
        touched = {
            (leg.instrument.underlying or "", leg.instrument.expiry)
            for leg in case.legs
            if leg.instrument.kind == "option"
        }
        return max(
            (abs(case.after.by_underlying(greek, name, day)) for name, day in touched), default=None
        )

    figure.__doc__ = f"The largest {greek} of its expiries after the order."
    return figure


def uncovered_short_options(case: Case) -> int:
    """After the order."""
    return sum(case.uncovered_after.values())


def structure_loss(case: Case) -> int:
    """The worst that the order can do alone."""
    lots: dict[str, int] = {}
    for leg in case.legs:
        symbol = leg.instrument.symbol
        lots[symbol] = lots.get(symbol, 0) + leg.signed
    return AccountMeasures(case.market, lots, 0).worst.loss_micros


def worst_case_loss(case: Case) -> int:
    """After the order, whichever of the others that work have filled."""
    return case.worst.loss_micros


def margin_used(case: Case) -> float:
    """After the order, by equity: a bound, which is quick and never too low."""
    return _margin_share(case, case.after.margin)


def exact_margin_used(case: Case) -> float:
    """After the order, by equity, with options grouped as cheaply as the rules allow."""
    return _margin_share(case, case.after.exact_margin)


def _margin_share(case: Case, margin: MarginFigures) -> float:
    # A cash account may not be short of what it delivers, whatever it has.
    if margin.uncovered and margin.uncovered > case.before.margin.uncovered:
        return float("inf")
    return _share(margin.initial_micros, margin.equity_micros)


def value_at_risk(case: Case) -> int:
    """After the order."""
    return case.after.value_at_risk_micros


def expected_shortfall(case: Case) -> int:
    """After the order."""
    return case.after.expected_shortfall_micros


def _phase(case: Case, leg: CaseLeg) -> Phase | None:
    """Return a leg's phase: listed options trade and halt with their stock."""
    underlying = leg.instrument.underlying
    if underlying is None:
        return leg.view.phase
    view = case.views.get(underlying)
    return None if view is None else view.phase


def _share(part: int, whole: int) -> float:
    """Return a share; of nothing, or of debts, any part is too much."""
    if whole <= 0:
        return float("inf") if part else 0.0
    return part / whole


def _range_worse(case: Case) -> tuple[float, float] | None:
    """Return by how much an order of one leg trades worse than what it is worth, least and most.

    As shares, below 0: better; None where nothing says what it is worth. Both collars ask for it.
    """
    if case.worse is None:
        leg = case.legs[0]
        is_buy, worths = leg.side == "buy", _worths(case, leg)
        touch = leg.view.ask_price if is_buy else leg.view.bid_price
        # Without a limit of its own, the far touch is what it would pay at least.
        limit = touch if case.request.price is None else case.request.price
        found: list[float] = []
        for worth in worths:
            paid = round(worth) if limit is None else limit
            worse = paid - worth if is_buy else worth - paid
            found.append(worse / worth if worth > 0 else float("inf"))
        case.worse = (min(found), max(found)) if found else ()
    return case.worse or None


def _net_worse(case: Case) -> list[float]:
    """Return by how much a structure's limit is worse than the net of its legs' mids, and values.

    A leg without a figure of one kind counts at its mark.
    """
    limit = case.request.price
    found: list[float] = []
    if limit is None:
        return [float("inf")]
    for kind in (_mid, theoretical_ticks):
        net, gross = _net_of(case, kind)
        found.append((limit - net) / gross if gross > 0.0 else float("inf"))
    return found


def _net_of(case: Case, kind: Callable[[Case, CaseLeg], float | None]) -> tuple[float, float]:
    """Return what a unit of a structure is worth net, and what all its legs come to, in ticks."""
    net = gross = 0.0
    multiplier = max(leg.instrument.multiplier for leg in case.legs)
    for leg, told in zip(case.legs, case.request.legs, strict=True):
        worth = kind(case, leg)
        worth = float(case.mark_of(leg)) if worth is None else worth
        value = worth * abs(weight_of(told, leg.instrument, multiplier))
        gross += value
        net += value if leg.side == "buy" else -value
    return net, gross


def net_at_marks(case: Case) -> tuple[float, float]:
    """Return what a unit of a structure comes to at the last marks, and all its legs, in ticks."""
    return _net_of(case, lambda _case, _leg: None)


def unit_worth(case: Case) -> tuple[float | None, float]:
    """Return what one unit of an order is worth now, and what a drift of it is a share of; ticks.

    Stock is worth its mid, an option its theoretical value, a structure the net of its legs: as
    that may be next to nothing, its drift is a share of what all legs come to.
    """
    if len(case.legs) > 1:
        return _net_of(case, _worth)
    worth = _worth(case, case.legs[0])
    return worth, 0.0 if worth is None else worth


def _worth(case: Case, leg: CaseLeg) -> float | None:
    mid, instrument = _mid(case, leg), leg.instrument
    if instrument.kind == "option":
        spot = case.market.spot_micros(instrument.underlying or "")
        if mid is not None and spot == leg.view.spot_micros:
            return mid  # To the half tick, which the mark that a value comes of is rounded to.
        theory = theoretical_ticks(case, leg)
        mid = mid if theory is None else theory
    mark = case.market.marks.get(instrument.symbol)
    return float(mark) if mid is None and mark is not None else mid


def _mid(_case: Case, leg: CaseLeg) -> float | None:
    view = leg.view
    return None if view.twice_mid is None else view.twice_mid / 2.0


def _worths(case: Case, leg: CaseLeg) -> list[float]:
    """Return what a leg is worth: its mid; of stock the last print, of an option its value.

    An option's last print may be of another hour: it counts where nothing else does.
    """
    view, symbol, is_option = leg.view, leg.instrument.symbol, leg.fact.is_option
    found: list[float] = []
    if (twice_mid := view.twice_mid) is not None:
        found.append(twice_mid / 2.0)
    if view.last_price is not None and not (is_option and found):
        found.append(float(view.last_price))
    if is_option:
        theory = theoretical_ticks(case, leg)
        found += [] if theory is None else [theory]
    if not found and symbol in case.market.marks:
        found.append(float(case.market.marks[symbol]))
    return found


def theoretical_ticks(case: Case, leg: CaseLeg) -> float | None:
    """Return an option's value at the spot of now and the volatility of its last mark, in ticks."""
    instrument, view = leg.instrument, leg.view
    mark = case.market.marks.get(instrument.symbol)
    spot = case.market.spot_micros(instrument.underlying or "")
    then = view.spot_micros or spot
    if mark is None or not spot or instrument.expiry is None or instrument.strike_micros is None:
        return None
    years = max((instrument.expiry - case.market.today).days + 0.5, 0.5) / 365.0
    strike, tick = instrument.strike_micros / _MICROS, instrument.tick_micros / _MICROS
    is_call = float(instrument.right == "call")
    sigma, _ = implied_volatility(mark * tick, then / _MICROS, strike, years, 0.0, 0.0, is_call)
    if not float(sigma) > 0.0:
        return None
    value = price(spot / _MICROS, strike, years, float(sigma), 0.0, 0.0, is_call)
    return float(value) / tick
