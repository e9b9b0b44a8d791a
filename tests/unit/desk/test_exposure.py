"""The desk's book against a venue that answers late, in any order that two connections allow."""

from typing import Any

from hypothesis import given, strategies as st

from environment.messages import ApprovedOrder, ApprovedReplace, CancelRequest, ReplaceRequest
from tests.unit.desk.factories import (
    AGENT,
    OTHER,
    accepted,
    ask,
    cancelled,
    context,
    filled,
    limits,
    make_risk,
    refused,
    replaced,
    sender_of,
)

LIMIT = 12


class Venue:
    """An exchange of one instrument: acknowledgements and fills go out by two queues."""

    def __init__(self) -> None:
        self.acknowledgements: list[Any] = []
        self.fills: list[Any] = []
        self.open: dict[str, list[Any]] = {}  # Side, total and filled by order id.
        self.position = 0

    def take(self, message: Any) -> None:
        if isinstance(message, ApprovedOrder):
            order = message.order
            if order.quantity == 3:  # Some orders are refused.
                self.acknowledgements.append(refused(order.order_id))
                return
            self.open[order.order_id] = [order.side, order.quantity, 0]
            self.acknowledgements.append(accepted(order.order_id))
        elif isinstance(message, ApprovedReplace):
            self._replace(message.order)
        elif message.order_id in self.open:
            self._close(message.order_id)
        else:
            self.acknowledgements.append(refused(message.order_id, "unknown_order"))

    def _replace(self, request: ReplaceRequest) -> None:
        terms = self.open.get(request.order_id)
        if terms is None:
            self.acknowledgements.append(refused(request.order_id, "unknown_order"))
        elif request.quantity <= terms[2]:
            self._close(request.order_id)
        else:
            terms[1] = request.quantity
            leaves = request.quantity - terms[2]
            price = request.price or 10_000
            self.acknowledgements.append(replaced(request.order_id, price, leaves))

    def _close(self, order_id: str) -> None:
        _, total, done = self.open.pop(order_id)
        self.acknowledgements.append(cancelled(order_id, total - done))

    def trade(self, pick: int, lots: int) -> None:
        if not self.open:
            return
        order_id = sorted(self.open)[pick % len(self.open)]
        terms = self.open[order_id]
        lots = min(lots, terms[1] - terms[2])
        terms[2] += lots
        self.position += lots if terms[0] == "buy" else -lots
        leaves = terms[1] - terms[2]
        self.fills.append(filled(order_id, lots, leaves, side=terms[0]))
        if not leaves:
            del self.open[order_id]


STEPS = st.tuples(
    st.sampled_from(["ask", "replace", "cancel", "trade", "acknowledge", "fill"]),
    st.integers(0, 7),
    st.integers(1, 8),
    st.sampled_from(["buy", "sell"]),
)


@given(st.lists(STEPS, max_size=60))
def test_book_agrees_with_the_venue_and_keeps_the_position_limit(steps: list[Any]) -> None:
    risk, venue, ctx = make_risk(limits(position=LIMIT)), Venue(), context("desk/risk")
    asked: list[str] = []

    def tell(message: Any) -> None:
        before = len(ctx.sent)
        ctx.handle(risk, message, sender=sender_of(message))
        for sent in ctx.sent[before:]:
            if sent.to == "venue":
                venue.take(sent.message)

    for number, (what, pick, lots, side) in enumerate(steps, 1):
        if what == "ask":
            owner = (AGENT, OTHER)[pick % 2]
            asked.append(f"{owner}/{number}")
            tell(ask(number, owner, quantity=lots, side=side))
        elif what in {"replace", "cancel"} and asked:
            order_id = asked[pick % len(asked)]
            replace = ReplaceRequest(order_id=order_id, quantity=lots, price=10_000 + pick)
            tell(replace if what == "replace" else CancelRequest(order_id=order_id))
        elif what == "trade":
            venue.trade(pick, lots)
        elif what == "acknowledge" and venue.acknowledgements:
            tell(venue.acknowledgements.pop(0))
        elif what == "fill" and venue.fills:
            tell(venue.fills.pop(0))
        assert abs(venue.position) <= LIMIT
    for queue in (venue.acknowledgements, venue.fills):
        while queue:
            tell(queue.pop(0))
    book = risk.state.book
    working = {order_id: total - done for order_id, (_, total, done) in venue.open.items()}
    assert {o.order_id: o.at_most() for o in book.orders.values()} == working
    assert book.account_in("AAPL").position == venue.position
    assert book.unexplained_fills == 0
    for name in ("position", "buying", "selling"):
        parts = sum(getattr(held["AAPL"], name) for held in book.owners.values() if held)
        assert getattr(book.account_in("AAPL"), name) == parts
