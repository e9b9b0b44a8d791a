"""Approved orders that outlive a day: taken out at its end, and asked again at the next open.

The venue has of such an order only what works today, as a child for the day: when the day ends it
ends there too, whatever has become of the desk. Nothing can trade in the next day's auctions. Once
the stock trades continuously again, and a price of the new day is known, people see the rest on a
new card, old and new side by side; only their yes sends another child.
"""

from collections.abc import Callable

import msgspec

from agents.desk.cards import twice_mid
from agents.desk.controls import DESK_STATE
from agents.desk.order_form import Fault
from agents.desk.risk_cards import CardDesk, nights_until
from agents.desk.risk_case import CaseMaker, legs_of, with_quantity
from agents.desk.risk_state import RiskSettings, RiskState, Ticket
from agents.desk.risk_voice import Voice
from agents.desk.ruling import rule_on
from agents.desk.working_order import ParentWithheld
from environment.actors import ActorContext
from environment.messages import OrderRequest

_NO_NIGHT = -1  # Of an order that is asked again without one.


class Resting:
    """Takes orders out, and asks about them anew. All that changes is risk's state."""

    def __init__(
        self, maker: CaseMaker, cards: CardDesk, voice: Voice, settings: RiskSettings
    ) -> None:
        self._maker = maker
        self._cards = cards
        self._voice = voice
        self._settings = settings

    def take_out(
        self, ctx: ActorContext, state: RiskState, which: Callable[[str, Ticket], bool], *,
        for_good: bool = False, until_reopening: bool = False,
    ) -> None:  # fmt: skip
        """Cancel the rest of working orders, and withhold what was approved for longer than today.

        A flatten is `for_good`: nothing of before it may come back. What the market itself stopped
        is asked again when it opens next, else on the next day.
        """
        for order_id, ticket in state.tickets.items():
            order = state.book.orders.get(order_id)
            if order is None or ticket.is_cancelled or not which(order_id, ticket):
                continue
            if ticket.rests and not for_good:
                self._cards.withhold(ctx, state, order_id, ticket)
                ticket.night = _NO_NIGHT if until_reopening else ticket.night
            else:
                self._cards.cancel(ctx, state, order_id, ticket)

    def ask_again(self, ctx: ActorContext, state: RiskState, symbol: str) -> None:
        """Put what rests from an earlier day to people, now that its stock trades again."""
        for order_id in list(state.resting):
            ticket = state.tickets.get(order_id)
            if ticket is None:
                del state.resting[order_id]  # It is over.
                continue
            order = state.book.orders[order_id]
            if ticket.is_ending or order.is_cancelling or order_id in state.waiting:
                continue
            if nights_until(state, ctx.now_ns()) <= ticket.night:
                continue  # It was asked about today.
            if not self._is_open(state, ticket.request, symbol, ctx.now_ns()):
                continue
            # Whatever went wrong overnight: nothing of yesterday's may work while people think.
            self._cards.withhold(ctx, state, order_id, ticket)
            if not ticket.children:
                self._ask(ctx, state, order_id, ticket)

    def resume(self, ctx: ActorContext, state: RiskState) -> None:
        """Say once more what a crash may have kept from execution: what ended, and what is out."""
        for order_id in state.resting:
            ticket = state.tickets.get(order_id)
            if ticket is None:
                continue
            if state.book.orders[order_id].is_cancelling:
                self._voice.end_parent(ctx, order_id, "cancelled before a restart")
            elif ticket.is_withheld:
                self._voice.withhold(ctx, state, order_id)

    def withheld(self, ctx: ActorContext, state: RiskState, message: ParentWithheld) -> None:
        """Hear from execution that a resting order is out of the market: its day has ended."""
        order_id = message.order_id
        ticket = state.tickets.get(order_id)
        if ctx.sender() not in self._settings.executors:
            state.unbelieved += 1
        elif ticket is None:
            self._voice.end_parent(ctx, order_id, "it is over")
        elif self._cards.changes.hear_out(ticket):
            self._cards.go_on(ctx, state, order_id)
        elif ticket.rests and not ticket.is_cancelled:
            self._cards.withhold(ctx, state, order_id, ticket)
            self.ask_again(ctx, state, legs_of(ticket.request)[0].instrument)

    def _ask(self, ctx: ActorContext, state: RiskState, order_id: str, ticket: Ticket) -> None:
        order = state.book.orders[order_id]
        rest = order.terms.quantity - order.filled
        request, now_ns = with_quantity(ticket.request, rest), ctx.now_ns()
        if request.expire_ns is not None and request.expire_ns <= now_ns:
            self._cards.end_rest(ctx, state, order_id, Fault(rule="expired", found="its date"))
            return
        case = self._maker.case(state, request, now_ns, known=order, is_child=True)
        ruling = rule_on(case, state.rules)
        if ruling.hard is not None and ruling.hard.control.name == DESK_STATE:
            return  # It opens nothing now: asked about once a person has resumed.
        if ruling.hard is not None:
            fault = Fault(rule=ruling.hard.control.name, found=ruling.hard.text)
            self._voice.kept(ctx, request, rest, fault.rule, twice_mid(case))
            self._cards.end_rest(ctx, state, order_id, fault)
            return
        if ruling.tier not in {"one", "two"}:
            ruling = msgspec.structs.replace(ruling, tier="one", rule="next_open")
        self._cards.ask_next_day(ctx, state, case, ruling, order)

    def _is_open(self, state: RiskState, request: OrderRequest, symbol: str, now_ns: int) -> bool:
        """Return whether `symbol` is of the order, and its stocks trade at prices of today."""
        named = self._maker.instruments
        stocks = [named[leg.instrument].underlying or leg.instrument for leg in legs_of(request)]
        if symbol not in stocks and all(leg.instrument != symbol for leg in legs_of(request)):
            return False
        views = [state.views.get(stock) for stock in stocks]
        today = nights_until(state, now_ns)
        return all(
            view is not None
            and view.is_continuous
            and view.twice_mid is not None
            and nights_until(state, view.heard_ns) == today
            for view in views
        )
