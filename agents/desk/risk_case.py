"""From a request and the desk's state to the case that controls look at."""

from functools import lru_cache
from typing import Final

import msgspec

from agents.desk.case import Activity, Case, CaseLeg
from agents.desk.exposure import Exposure, owner_of
from agents.desk.frozen import Frozen
from agents.desk.limits import Mandate
from agents.desk.margins import Margins
from agents.desk.market_facts import Market, facts_of, underlying_of
from agents.desk.risk_state import RiskSettings, RiskState
from agents.desk.sheet import Sheet
from agents.desk.states import scope_name
from agents.desk.tails import Tails
from agents.orders import Terms, TrackedOrder
from environment.instruments import Instrument
from environment.messages import Leg, OrderRequest
from environment.options.revaluation import Lines

_TAILS: Final = ("value_at_risk", "expected_shortfall")
NO_ACTIVITY = Activity(orders_in_second=1, repeats=1)
_NOTHING = Mandate(instruments=(), notional_micros=0)


class CaseMaker:
    """Makes cases out of risk's state; holds settings only."""

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        self.first_day = settings.today
        self.instruments: dict[str, Instrument] = {i.symbol: i for i in settings.instruments}
        self._facts, self._facts_day = facts_of(self.instruments, settings.today), settings.today
        self._sheet = Sheet(self.instruments, self._facts)
        self._margins = Margins(self.instruments, settings.margin)
        self._tails = Tails(settings.key, self._frozen_lines)
        self.stocks = tuple(s for s, i in self.instruments.items() if i.kind != "option")

    def learn(self, state: RiskState) -> None:
        """Take in the series that were listed since the start."""
        new = state.listed.keys() - self.instruments.keys()
        if new:
            self.instruments.update(state.listed)
            self._facts = facts_of(self.instruments, state.today)

    def scopes_of(self, request: OrderRequest) -> tuple[str, ...]:
        """Return every scope that an order lies in."""
        traded = [leg.instrument for leg in request.legs] or [request.instrument]
        names = [underlying_of(self.instruments[symbol]) for symbol in traded]
        return _scopes(owner_of(request.order_id), request.strategy, tuple(names))

    def case(
        self, state: RiskState, request: OrderRequest, now_ns: int, *,
        activity: Activity = NO_ACTIVITY, known: TrackedOrder | None = None, is_child: bool = False,
    ) -> Case:  # fmt: skip
        """Return the case of a request; `known` is the open order whose terms it changes.

        A child is a part of the known order: its own quantity counts, in the place of the whole.
        """
        owner = owner_of(request.order_id)
        self._freeze_first(state, request)
        net = state.book.net()
        cash_micros = self._cash(state, known)
        filled = 0 if known is None or is_child else known.filled
        marks = self._marks(state, request)
        legs = []
        for leg in legs_of(request):
            account = state.book.account_in(leg.instrument)
            owned = state.book.owner_in(owner, leg.instrument)
            if known is not None:
                account, owned = account.without(known, leg), owned.without(known, leg)
                net[leg.instrument] = account.position + account.buying - account.selling
            legs.append(self._leg(request, leg, filled, account, owned, marks))
        return Case(
            request=request,
            owner=owner,
            legs=tuple(legs),
            market=self.market(state, marks),
            views=state.views,
            mandate=state.rules.mandates.get(owner, _NOTHING),
            net=net,
            cash_micros=cash_micros,
            owner_elsewhere_micros=self._elsewhere(state, owner, request),
            activity=activity,
            state=state.states.strictest(self.scopes_of(request)),
            now_ns=now_ns,
            restricted=state.rules.restricted,
        )

    def _cash(self, state: RiskState, known: TrackedOrder | None) -> int:
        """Return the cash there is once all that works has traded, at its marks."""
        cash = state.cash_micros
        for symbol, held in state.book.account.items():
            pending = held.buying - held.selling
            if pending:
                cash -= self._worth(state, symbol, pending)
        if known is not None:
            for leg in known.each_leg():
                units = known.at_most() * leg.ratio
                cash += self._worth(state, leg.instrument, units if leg.side == "buy" else -units)
        return cash

    def _worth(self, state: RiskState, symbol: str, lots: int) -> int:
        return lots * state.marks.get(symbol, 0) * self._facts[symbol].lot_tick_micros

    def market(self, state: RiskState, marks: dict[str, int]) -> Market:
        """Return what everything is valued by."""
        if self._facts_day != state.today:
            self._facts, self._facts_day = facts_of(self.instruments, state.today), state.today
            self._sheet = Sheet(self.instruments, self._facts)
        frozen = state.frozen
        return Market(
            self.instruments, marks, self._facts, state.today, self._sheet,
            self._margins.follow(frozen), self._tails.follow(frozen),
        )  # fmt: skip

    def needs_frozen(self, state: RiskState) -> bool:
        """Return whether anything heavy is to be reckoned beside."""
        return self._settings.margin == "portfolio" or any(
            name in state.rules.limits for name in _TAILS
        )

    def _freeze_first(self, state: RiskState, request: OrderRequest) -> None:
        """Set the market aside where nothing was yet, or not of what the order trades."""
        if not self.needs_frozen(state):
            return
        names = {underlying_of(self.instruments[leg.instrument]) for leg in legs_of(request)}
        known = state.frozen.marks
        if not state.frozen.version or any(n in state.marks and n not in known for n in names):
            state.frozen.renew(state.marks, state.today)

    def renew(self, state: RiskState) -> None:
        """Set the present market aside, and reckon the account by it before an order comes."""
        state.frozen.renew(state.marks, state.today)
        if any(name in state.rules.limits for name in _TAILS):
            self._tails.follow(state.frozen).prepare(state.book.net())

    def _frozen_lines(
        self, frozen: Frozen, symbols: tuple[str, ...]
    ) -> tuple[Lines, tuple[str, ...]]:
        sheet = self._sheet
        if frozen.today != self._facts_day:
            told = self.instruments
            sheet = Sheet(told, facts_of(told, frozen.today))
        lines = sheet.lines(list(symbols), frozen.marks)
        return lines, tuple(self._facts[symbol].underlying for symbol in symbols)

    def _leg(
        self, request: OrderRequest, leg: Leg, filled: int, account: Exposure, owned: Exposure,
        marks: dict[str, int],
    ) -> CaseLeg:  # fmt: skip
        instrument = self.instruments[leg.instrument]
        mark = marks[leg.instrument]
        price = request.price if not request.legs and request.price is not None else mark
        return CaseLeg(
            instrument=instrument,
            side=leg.side,
            lots=max(request.quantity - filled, 0) * leg.ratio,
            value_ticks=max(price, mark),
            account=account,
            owner=owned,
        )

    def _marks(self, state: RiskState, request: OrderRequest) -> dict[str, int]:
        """Return marks of all instruments of the order; one without stands at its limit."""
        missing = [leg.instrument for leg in legs_of(request) if leg.instrument not in state.marks]
        if not missing:
            return state.marks
        return state.marks | dict.fromkeys(missing, request.price or 0)

    def _elsewhere(self, state: RiskState, owner: str, request: OrderRequest) -> int:
        """Return what an owner's exposures in all other instruments are worth at their marks."""
        held = state.book.owners.get(owner, {})
        touched = {leg.instrument for leg in legs_of(request)}
        return sum(
            self.instruments[other].notional_micros(
                state.marks.get(other, 0), held[other].largest()
            )
            for other in held
            if other not in touched
        )

    def lacks_price(self, state: RiskState, request: OrderRequest) -> str:
        """Return the first instrument of an order that nothing values, or ""."""
        for leg in legs_of(request):
            if leg.instrument not in state.marks and (request.legs or request.price is None):
                return leg.instrument
        return ""


@lru_cache(maxsize=1_024)  # Asked twice of every order.
def _scopes(owner: str, strategy: str, underlyings: tuple[str, ...]) -> tuple[str, ...]:
    found = [scope_name("desk"), scope_name("agent", owner)]
    if strategy:
        found.append(scope_name("strategy", strategy))
    found += [scope_name("underlying", name) for name in underlyings]
    return tuple(dict.fromkeys(found))


def legs_of(request: OrderRequest) -> tuple[Leg, ...]:
    """Return what one unit of an order trades."""
    return request.legs or (Leg(instrument=request.instrument, side=request.side),)


def tracked(request: OrderRequest) -> TrackedOrder:
    """Return a request as the order that it would be."""
    return TrackedOrder(
        request.order_id, request.instrument, request.side,
        Terms(request.quantity, request.price), legs=request.legs,
    )  # fmt: skip


def with_quantity(request: OrderRequest, quantity: int) -> OrderRequest:
    """Return the same request for fewer."""
    return msgspec.structs.replace(request, quantity=quantity)
