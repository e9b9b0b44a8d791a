"""From a request and the desk's state to the case that controls look at."""

from functools import lru_cache
from typing import Final

import msgspec

from agents.desk.case import Activity, Case, CaseLeg
from agents.desk.exposure import owner_of
from agents.desk.frozen import Frozen
from agents.desk.limits import Limit, Mandate
from agents.desk.margins import Margins
from agents.desk.market_facts import Market, facts_of
from agents.desk.market_view import DeskView
from agents.desk.risk_state import RiskSettings, RiskState
from agents.desk.sheet import Sheet
from agents.desk.states import scope_name
from agents.desk.tails import Tails
from agents.orders import Terms, TrackedOrder, alone
from environment.instruments import Instrument
from environment.messages import Leg, OrderRequest
from environment.options.revaluation import Lines

_TAILS: Final = ("value_at_risk", "expected_shortfall")
NO_ACTIVITY = Activity(orders_in_second=1, repeats=1)
_NOTHING = Mandate(instruments=(), notional_micros=0)
_UNSEEN: Final = DeskView()


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
        self._market: Market | None = None  # As it was last made: it mostly holds the next time.
        self._heavy: tuple[dict[str, Limit], bool] = ({}, False)
        self.stocks = tuple(s for s, i in self.instruments.items() if i.kind != "option")

    def learn(self, state: RiskState) -> None:
        """Take in the series that were listed since the start."""
        new = state.listed.keys() - self.instruments.keys()
        if new:
            self.instruments.update(state.listed)
            self._facts = facts_of(self.instruments, state.today)

    def scopes_of(self, request: OrderRequest) -> tuple[str, ...]:
        """Return every scope that an order lies in."""
        return self._scopes_of(owner_of(request.order_id), request)

    def _scopes_of(self, owner: str, request: OrderRequest) -> tuple[str, ...]:
        facts = self._facts
        if not request.legs:
            return _scopes(owner, request.strategy, (facts[request.instrument].underlying,))
        names = [facts[leg.instrument].underlying for leg in request.legs]
        return _scopes(owner, request.strategy, tuple(names))

    def case(
        self, state: RiskState, request: OrderRequest, now_ns: int, *,
        activity: Activity = NO_ACTIVITY, known: TrackedOrder | None = None, is_child: bool = False,
    ) -> Case:  # fmt: skip
        """Return the case of a request; `known` is the open order whose terms it changes.

        A child is a part of the known order: its own quantity counts, in the place of the whole.
        """
        owner, traded = owner_of(request.order_id), legs_of(request)
        self._freeze_first(state, traded)
        net, cash_micros, has_options = self._net_and_cash(state)
        if known is not None:
            for leg in known.each_leg():
                units = known.at_most() * leg.ratio
                worth = self._worth(state, leg.instrument, units)
                cash_micros += worth if leg.side == "buy" else -worth
        filled = 0 if known is None or is_child else known.filled
        units, marks = max(request.quantity - filled, 0), self._marks(state, request, traded)
        limit, scopes = None if request.legs else request.price, self._scopes_of(owner, request)
        legs = []
        for leg in traded:
            symbol = leg.instrument
            mark, fact = marks[symbol], self._facts[symbol]
            has_options = has_options or bool(fact.is_option)
            account, owned = state.book.account_in(symbol), state.book.owner_in(owner, symbol)
            if known is not None:
                account, owned = account.without(known, leg), owned.without(known, leg)
                net[symbol] = account.position + account.buying - account.selling
            legs.append(CaseLeg(
                self.instruments[symbol], fact, leg.side, units * leg.ratio,
                mark if limit is None else max(limit, mark), account, owned,
                state.views.get(symbol) or _UNSEEN,
            ))  # fmt: skip
        return Case(
            request=request,
            owner=owner,
            legs=tuple(legs),
            market=self.market(state, marks),
            views=state.views,
            mandate=state.rules.mandates.get(owner, _NOTHING),
            net=net,
            cash_micros=cash_micros,
            owner_elsewhere_micros=self._elsewhere(state, owner, traded),
            activity=activity,
            state=state.states.strictest(scopes),
            scopes=scopes,
            now_ns=now_ns,
            restricted=state.rules.restricted,
            book=state.book,
            known=known,
            has_options=has_options,
        )

    def _net_and_cash(self, state: RiskState) -> tuple[dict[str, int], int, bool]:
        """Return lots and cash once all that works has traded, and whether options are among them.

        All is valued at its marks.
        """
        net: dict[str, int] = {}
        cash, facts, has_options = state.cash_micros, self._facts, False
        for symbol, held in state.book.account.items():
            has_options = has_options or bool(facts[symbol].is_option)
            pending = held.buying - held.selling
            net[symbol] = held.position + pending
            if pending:
                cash -= self._worth(state, symbol, pending)
        return net, cash, has_options

    def _worth(self, state: RiskState, symbol: str, lots: int) -> int:
        return lots * state.marks.get(symbol, 0) * self._facts[symbol].lot_tick_micros

    def market(self, state: RiskState, marks: dict[str, int]) -> Market:
        """Return what everything is valued by."""
        if self._facts_day != state.today:
            self._facts, self._facts_day = facts_of(self.instruments, state.today), state.today
            self._sheet = Sheet(self.instruments, self._facts)
        frozen, kept = state.frozen, self._market
        margins, tails = self._margins.follow(frozen), self._tails.follow(frozen)
        if kept is None or kept.marks is not marks or kept.facts is not self._facts:
            kept = self._market = Market(
                self.instruments,
                marks,
                self._facts,
                state.today,
                self._sheet,
                margins,
                tails,
                self._settings.day_micros,
            )
        return kept

    def needs_frozen(self, state: RiskState) -> bool:
        """Return whether anything heavy is to be reckoned beside."""
        limits, is_heavy = self._heavy
        if limits is not state.rules.limits:
            limits = state.rules.limits
            is_heavy = self._settings.margin == "portfolio" or any(
                name in limits for name in _TAILS
            )
            self._heavy = limits, is_heavy
        return is_heavy

    def _freeze_first(self, state: RiskState, traded: tuple[Leg, ...]) -> None:
        """Set the market aside where nothing was yet, or not of what the order trades."""
        if not self.needs_frozen(state):
            return
        names = {self._facts[leg.instrument].underlying for leg in traded}
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

    def _marks(
        self, state: RiskState, request: OrderRequest, traded: tuple[Leg, ...]
    ) -> dict[str, int]:
        """Return marks of all instruments of the order; one without stands at its limit."""
        marks = state.marks
        for leg in traded:
            if leg.instrument not in marks:
                marks = marks | {leg.instrument: request.price or 0}
        return marks

    def _elsewhere(self, state: RiskState, owner: str, traded: tuple[Leg, ...]) -> int:
        """Return what an owner's exposures in all other instruments are worth at their marks."""
        held, total = state.book.owners[owner], 0
        if len(held) > 1:  # What is traded stands among it.
            touched = [leg.instrument for leg in traded]
            for other, exposure in held.items():
                if other not in touched:
                    total += self._worth(state, other, exposure.largest())
        return total

    def lacks_price(self, state: RiskState, request: OrderRequest) -> str:
        """Return the first instrument of an order that nothing values, or ""."""
        if not request.legs:
            has_one = request.price is not None or request.instrument in state.marks
            return "" if has_one else request.instrument
        for leg in request.legs:
            if leg.instrument not in state.marks:
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
    return request.legs or alone(request.instrument, request.side)


def tracked(request: OrderRequest) -> TrackedOrder:
    """Return a request as the order that it would be."""
    return TrackedOrder(
        request.order_id, request.instrument, request.side,
        Terms(request.quantity, request.price), legs=request.legs,
    )  # fmt: skip


def with_quantity(request: OrderRequest, quantity: int) -> OrderRequest:
    """Return the same request for fewer."""
    return msgspec.structs.replace(request, quantity=quantity)
