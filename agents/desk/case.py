"""One order as it would stand if it were approved: what every control looks at."""

import msgspec

from agents.desk.cover import reach_of, uncovered_by_underlying
from agents.desk.exposure import DeskBook, Exposure
from agents.desk.lazy import lazy
from agents.desk.legging import Lots, apart_of
from agents.desk.limits import Mandate
from agents.desk.market_facts import Fact, Market
from agents.desk.market_view import DeskView
from agents.desk.measures import AccountMeasures, Worst, sum_of
from agents.orders import TrackedOrder
from environment.control_messages import DeskState
from environment.instruments import Instrument
from environment.messages import OrderRequest, Side


class CaseLeg(msgspec.Struct, frozen=True):
    """One leg: `lots` that could still trade, beside exposures without this order.

    `value_ticks` is the limit or the mark, whichever is higher; `view` what is known of its market.
    """

    instrument: Instrument
    fact: Fact
    side: Side
    lots: int
    value_ticks: int
    account: Exposure
    owner: Exposure
    view: DeskView

    @property
    def signed(self) -> int:
        """Lots bought, or minus lots sold."""
        return self.lots if self.side == "buy" else -self.lots

    @property
    def value_micros(self) -> int:
        """What its lots cost at the valuing price."""
        return self.value_ticks * self.fact.lot_tick_micros * self.lots

    def closeable(self) -> int:
        """Return the lots that could trade this way before a position turned or grew.

        Working orders of this side count as filled, those of the other side do not: they may fail.
        """
        if self.side == "sell":
            return max(self.account.position - self.account.selling, 0)
        return max(-self.account.position - self.account.buying, 0)

    @property
    def closes(self) -> bool:
        """Whether its lots only bring a position nearer to nothing."""
        return 0 < self.lots <= self.closeable()


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent has asked for lately."""

    orders_in_second: int  # This one included.
    repeats: int  # Orders alike within the window, this one included.
    strategy_in_second: int = 1  # Of its strategy, children of worked orders included.
    desk_in_second: int = 1  # Of all agents and strategies.


class Case:
    """Everything about one order. Measures of the account are reckoned when a control asks."""

    def __init__(
        self, *, request: OrderRequest, owner: str, legs: tuple[CaseLeg, ...], market: Market,
        views: dict[str, DeskView], mandate: Mandate, net: dict[str, int], cash_micros: int,
        owner_elsewhere_micros: int, activity: Activity, state: DeskState,
        scopes: tuple[str, ...], now_ns: int, restricted: tuple[str, ...],
        book: DeskBook, known: TrackedOrder | None = None, has_options: bool = True,
    ) -> None:  # fmt: skip
        self.request = request
        self.owner = owner
        self.legs = legs
        if len(legs) == 1:
            self.underlyings: tuple[str, ...] = (legs[0].fact.underlying,)
        else:
            self.underlyings = tuple(dict.fromkeys([leg.fact.underlying for leg in legs]))
        self.market = market
        self.views = views
        self.mandate = mandate
        self.owner_elsewhere_micros = owner_elsewhere_micros
        self.activity = activity
        self.state = state
        self.scopes = scopes
        self.now_ns = now_ns
        self.restricted = restricted
        self.is_flatten = False
        self.worse: tuple[float, float] | tuple[()] | None = None  # Once a collar has asked.
        self._net = net
        self._cash_micros = cash_micros
        self._book, self._known = book, known
        self._has_options = has_options  # Whether the book or the order may know any.

    @property
    def quantity(self) -> int:
        """Lots, or structures."""
        return self.request.quantity

    @lazy
    def before(self) -> AccountMeasures:
        """The account as it stands, every approved order counted as filled."""
        return AccountMeasures(self.market, self._net, self._cash_micros)

    @lazy
    def after(self) -> AccountMeasures:
        """The account with this order filled too, at its valuing prices."""
        lots, marks = dict(self._net), self.market.marks
        cash = self._cash_micros
        for leg in self.legs:
            symbol, signed = leg.instrument.symbol, leg.signed
            lots[symbol] = lots.get(symbol, 0) + signed
            cash -= marks.get(symbol, leg.value_ticks) * leg.fact.lot_tick_micros * signed
        return AccountMeasures(self.market, lots, cash)

    @lazy
    def _apart(self) -> dict[str, list[Lots]]:
        if not self._has_options:
            return {}  # Stock alone makes no structure.
        traded = [leg.instrument.symbol for leg in self.legs]
        return apart_of(self._book, self._known, self.market, traded)

    def worst_of(self, name: str) -> Worst:
        """Return the worst case of an underlying with this order filled, and any of the others."""
        apart = self._apart.get(name)
        return self.after.worst_without(name, apart) if apart else self.after.worst_of(name)

    @lazy
    def worst(self) -> Worst:
        """The worst case of the account with this order filled, and any of the others."""
        if not self._has_options or not self._apart:
            return self.after.worst
        names = dict.fromkeys([*self.after.underlyings, *self._apart])
        return sum_of([self.worst_of(name) for name in names])

    @lazy
    def uncovered_before(self) -> dict[str, int]:
        """Short options by underlying that nothing covers, as the account stands."""
        return self._uncovered(())

    @lazy
    def uncovered_after(self) -> dict[str, int]:
        """Short options by underlying that nothing covers once this order trades too."""
        return self._uncovered(self.legs)

    def _uncovered(self, legs: tuple[CaseLeg, ...]) -> dict[str, int]:
        if not self._has_options:
            return {}
        reach = reach_of(self._book, self._known)
        for leg in legs:
            is_whole = len(self.legs) > 1
            reach.add(leg.instrument.symbol, leg.side, leg.lots, is_whole=is_whole)
        return uncovered_by_underlying(reach, self.market.instruments, self.market.facts)

    def mark_of(self, leg: CaseLeg) -> int:
        """Return a leg's mark, or its limit where nothing has said one."""
        return self.market.marks.get(leg.instrument.symbol, leg.value_ticks)

    @lazy
    def notional_micros(self) -> int:
        """What is at stake: of stock its value, of an option the larger of premium and delta."""
        total = 0
        for leg in self.legs:
            fact = leg.fact
            if fact.is_option:
                total += self._option_notional(leg)
            else:
                total += leg.value_ticks * fact.lot_tick_micros * leg.lots
        return total

    def _option_notional(self, leg: CaseLeg) -> int:
        if not leg.lots:
            return leg.value_micros
        alone = AccountMeasures(self.market, {leg.instrument.symbol: leg.lots}, 0)
        delta = alone.by_underlying("delta", leg.instrument.underlying or "")
        return max(leg.value_micros, abs(delta))

    @lazy
    def is_reducing(self) -> bool:
        """Whether it only lowers risk (see docs/decisions/0027)."""
        if not self.legs:
            return False
        for leg in self.legs:
            if not 0 < leg.lots <= leg.closeable():
                return False
        if self.is_flatten:
            return True  # A person has decided that all goes; on the way a hedge may go first.
        for name in self.underlyings:
            if self.uncovered_after.get(name, 0) > self.uncovered_before.get(name, 0):
                return False
            if self.after.worst_of(name).loss_micros > self.before.worst_of(name).loss_micros:
                return False
        # A bound of what is before says nothing: only the account after may be taken from above.
        least = self.before.exact_margin.initial_micros
        if self.after.margin_micros <= least:
            return True
        return self.after.exact_margin.initial_micros <= least

    @lazy
    def closeable_units(self) -> int:
        """How many units could close something, each leg within what is left of its position."""
        return min((leg.closeable() * self.quantity // leg.lots for leg in self.legs if leg.lots),
                   default=0)  # fmt: skip
