"""No order reaches the venue unbound, none twice, none lost unseen, none without an owner; and
nothing that lowers risk is ever blocked. Over any interleaving that Hypothesis finds; a mutant
planted for each rule is caught in `test_desk_mutants`.
"""

from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from agents.desk.risk import Risk
from agents.desk.risk_state import Verdict
from agents.desk.structure_quotes import opposite
from environment.approval_messages import ApprovalRequest, CardAnswer, Decision
from environment.control_messages import LowerDesk, RaiseDesk
from environment.messages import (
    ApprovedOrder,
    CancelRequest,
    OrderRequest,
    ReplaceRequest,
)
from tests.crash.outside import HIGH, LEGS, LOW
from tests.stateful.desk_floor import (
    ACTORS,
    AGENTS,
    ASKS_ABOVE,
    DAY_S,
    EXECUTION,
    MOST,
    PANEL,
    PRICE,
    TWO_ABOVE,
    DeskFloor,
)
from tests.unit.desk.factories import phase, quote

LOTS, PICKS = st.integers(1, MOST + 1), st.integers(0, 40)
FEW = st.lists(PICKS, max_size=6)
SIDES = st.sampled_from(["buy", "sell"])
PEOPLE = ("ana", "ben", "eva")


class Desk(RuleBasedStateMachine):
    """Steps of agents, people, the market, time and crashes, in any order."""

    @initialize()
    def begin(self) -> None:
        self.floor = DeskFloor()
        self.number = self.pressed = 0

    # --- agents --------------------------------------------------------------------------------

    @rule(
        agent=st.sampled_from(AGENTS), side=SIDES, lots=LOTS, away=st.sampled_from([0, -5, 5]),
        at_once=st.booleans(), lasts=st.sampled_from(["day", "gtc", "gtd"]),
    )  # fmt: skip
    def propose(
        self, agent: str, side: Any, lots: int, away: int, at_once: bool, lasts: Any
    ) -> None:
        self.number += 1
        date_ns = self.floor.now_ns + 2 * DAY_S * 1_000_000_000
        request = OrderRequest(
            order_id=f"{agent}/{self.number}", instrument="AAPL", side=side, quantity=lots,
            price=PRICE + away, time_in_force=lasts, expire_ns=date_ns if lasts == "gtd" else None,
        )  # fmt: skip
        self.floor.asked[request.order_id] = request
        self.floor.post(agent, "desk/risk", request)
        if at_once:
            self.floor.deliver_all()

    @rule(
        agent=st.sampled_from(AGENTS), lots=LOTS, net=st.sampled_from([0, -2, 2]),
        is_turned=st.booleans(), at_once=st.booleans(), traded=st.integers(0, 3), picks=FEW,
    )  # fmt: skip
    def propose_structure(
        self, agent: str, lots: int, net: int, is_turned: bool, at_once: bool, traded: int,
        picks: list[int],
    ) -> None:  # fmt: skip
        self.number += 1
        request = OrderRequest(
            order_id=f"{agent}/{self.number}", instrument="AAPL", side="buy", quantity=lots,
            price=net, legs=opposite(LEGS) if is_turned else LEGS,
        )  # fmt: skip
        self.floor.asked[request.order_id] = request
        self.floor.post(agent, "desk/risk", request)
        if at_once:
            self.floor.deliver_all()
            self.floor.exchange.trade(self.number, traded)
            self.floor.collect_reports()
            for one in picks:
                self.floor.deliver(one)

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        order_id = self._any_order(pick)
        if order_id:
            owner = order_id.rpartition("/")[0]
            self.floor.post(owner, "desk/risk", CancelRequest(order_id=order_id))

    @rule(pick=PICKS, lots=LOTS, away=st.sampled_from([0, 0, 5]))
    def replace(self, pick: int, lots: int, away: int) -> None:
        order_id = self._any_order(pick)
        if order_id:
            owner = order_id.rpartition("/")[0]
            price = 1 if self.floor.asked[order_id].legs else PRICE + away
            change = ReplaceRequest(order_id=order_id, quantity=lots, price=price)
            self.floor.changes[order_id].append(change)
            self.floor.post(owner, "desk/risk", change)

    @rule(
        lots=st.integers(ASKS_ABOVE + 1, MOST), side=SIDES, seconds=st.sampled_from([0, 121]),
        terms=st.tuples(LOTS, st.sampled_from([0, 5])), picks=FEW,
    )  # fmt: skip
    def rest_and_replace(
        self, lots: int, side: Any, seconds: int, terms: tuple[int, int], picks: list[int]
    ) -> None:
        """Let an order that people said yes to rest, and ask for other terms of it."""
        self.propose(AGENTS[0], side, lots, 0, at_once=True, lasts="gtc")
        self.answer_what_waits(0, [])
        self.floor.deliver_all()
        self.floor.advance(seconds)  # Until their yes lets nothing more leave, or not so long.
        order_id = f"{AGENTS[0]}/{self.number}"
        change = ReplaceRequest(order_id=order_id, quantity=terms[0], price=PRICE + terms[1])
        self.floor.changes[order_id].append(change)
        self.floor.post(AGENTS[0], "desk/risk", change)
        for one in picks:
            self.floor.deliver(one)

    @rule(pick=PICKS, way=st.sampled_from(["order", "decision", "card", "answer"]))
    def forge(self, pick: int, way: str) -> None:
        """Let an agent try what only the desk or people may do."""
        agent = AGENTS[pick % 2]
        card = self._any_card(pick)
        if way == "order":
            self.number += 1
            order = OrderRequest(
                order_id=f"{agent}/{self.number}", instrument="AAPL", side="buy", quantity=1,
                price=PRICE,
            )  # fmt: skip
            self.floor.forged.add(order.order_id)
            forged = ApprovedOrder(
                order=order, owner=agent, account="swarm", verdict_id=1_000_000 + pick
            )
            # Through the custodian too, whose own address the gate believes.
            self.floor.post(agent, ("venue", "desk/custodian")[pick % 2], forged)
        elif card is not None and way == "decision":
            self.floor.post(agent, "desk/risk", Decision(
                code=card.card.code, order_id=card.card.order.order_id,
                record_hash=card.card.record_hash, outcome="approved", people=("ana", "ben"),
            ))  # fmt: skip
        elif card is not None and way == "card":
            request = ApprovalRequest(card=card.card, figures=card.figures)
            self.floor.post(agent, "human/approvals", request)
        elif card is not None:
            self.floor.post(agent, "human/approvals", self._answer(card, "ana", "approve", None))

    # --- people --------------------------------------------------------------------------------

    @rule(
        pick=PICKS, person=st.sampled_from(PEOPLE), lots=LOTS,
        answer=st.sampled_from(["approve", "approve", "approve", "smaller", "reject"]),
    )  # fmt: skip
    def answer(self, pick: int, person: str, lots: int, answer: Any) -> None:
        """Answer a card as it was last shown, which may be long ago."""
        card = self._any_card(pick)
        if card is None:
            return
        quantity = lots if answer == "smaller" else card.card.quantity
        said = self._answer(card, person, answer, None if answer == "reject" else quantity)
        self.floor.answers[said.answer_id] = said
        self.floor.post(PANEL, "human/approvals", said)

    @rule(pick=PICKS, picks=FEW)
    def answer_what_waits(self, pick: int, picks: list[int]) -> None:
        """Say yes to a card that waits, as it now stands, by as many people as it needs."""
        cards = self.floor.actors["human/approvals"].state.cards
        codes = sorted(code for code, entry in cards.items() if entry.is_open)
        if not codes:
            return
        shown = self.floor.cards[codes[pick % len(codes)]]
        for person in PEOPLE[: 2 if shown.card.tier == "two" else 1]:
            said = self._answer(shown, person, "approve", shown.card.quantity)
            self.floor.answers[said.answer_id] = said
            self.floor.post(PANEL, "human/approvals", said)
        for one in picks:
            self.floor.deliver(one)

    @rule(to=st.sampled_from([None, None, None, "reducing", "halted"]))
    def lower(self, to: Any) -> None:
        if to is not None:
            self.floor.post(PANEL, "desk/risk", LowerDesk(to=to, reason="tested"))

    @rule()
    def raise_desk(self) -> None:
        for _ in range(2):
            self.floor.post(PANEL, "desk/risk", RaiseDesk(person="ana", reason="tested"))

    # --- market, time, crashes -----------------------------------------------------------------

    @rule(picks=st.lists(PICKS, min_size=1, max_size=8))
    def deliver(self, picks: list[int]) -> None:
        for pick in picks:
            self.floor.deliver(pick)

    @rule()
    def deliver_all(self) -> None:
        self.floor.deliver_all()

    @rule(pick=PICKS, lots=LOTS, at_once=st.booleans())
    def trade(self, pick: int, lots: int, at_once: bool) -> None:
        self.floor.exchange.trade(pick, lots)
        self.floor.collect_reports()
        if at_once:
            self.floor.deliver_all()

    @rule(move=st.sampled_from([0, 0, 30, 60, -60]))
    def market_moves(self, move: int) -> None:
        mid = PRICE + move
        self.floor.deliver_all()
        self.floor.post("exchange", "desk/risk", quote(mid - 1, mid + 1))

    @rule(name=st.sampled_from(["halted", "closing_auction", *["continuous"] * 4]))
    def phase_changes(self, name: str) -> None:
        self.floor.post("exchange", "desk/risk", phase(name))

    @rule(seconds=st.sampled_from([1, 30, 61]))
    def time_passes(self, seconds: int) -> None:
        self.floor.advance(seconds)

    @rule(at_once=st.booleans())
    def night(self, at_once: bool) -> None:
        self.floor.night()
        if at_once:
            self.floor.deliver_all()

    @rule(address=st.sampled_from(ACTORS))
    def restart(self, address: str) -> None:
        self.floor.restart(address)

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def no_order_is_unbound(self) -> None:
        floor = self.floor
        reducing = {
            v.order_id for v in floor.published
            if isinstance(v, Verdict) and v.is_passed and v.rule == "reducing"
        }  # fmt: skip
        for order in floor.exchange.submitted:
            order_id = floor.parents.get(order.order_id, order.order_id)
            asked = floor.asked.get(order_id)
            assert asked is not None, f"{order_id} was never asked for"
            assert order_id not in floor.forged
            terms: tuple[OrderRequest | ReplaceRequest, ...] = (asked, *floor.changes[order_id])
            assert asked.side == order.side
            assert order.price in {one.price for one in terms}
            most = min(max(one.quantity for one in terms), MOST)
            assert order.quantity <= most or order_id in reducing
            is_child = order_id != order.order_id
            if is_child or (order.quantity > ASKS_ABOVE and order_id not in reducing):
                most = floor.yes_most.get(order_id, 0)
                assert most >= order.quantity, f"nobody let {order} by"

    @invariant()
    def no_unit_is_held_in_part(self) -> None:
        """Between any two messages venue and custodian hold whole units."""
        for whose, positions in (
            ("venue", self.floor.actors["venue"].state.book.positions),
            ("desk/custodian", self.floor.actors["desk/custodian"].state.table.positions),
        ):  # fmt: skip
            assert positions.get(HIGH, 0) == -2 * positions.get(LOW, 0), f"{whose}: {positions}"

    @invariant()
    def no_order_draws_more_than_was_approved(self) -> None:
        floor, exchange = self.floor, self.floor.exchange
        for order_id, lots in floor.yes.items():
            if exchange.most.get(order_id, 0) > ASKS_ABOVE:
                assert exchange.most[order_id] <= lots
            old, most = floor.yes_after[order_id], lots
            children = [child for child, parent in floor.parents.items() if parent == order_id]
            traded = sum(exchange.filled[child] for child in children)
            working = sum(exchange.open[child][1] for child in children if child in exchange.open)
            if old & exchange.open.keys() & set(children):
                most = floor.yes_most[
                    order_id
                ]  # What works under the yes before is on its way out.
            most = max(most, sum(exchange.filled[child] for child in children if child in old))
            assert traded + working <= most, f"{order_id}: {traded} and {working} of {lots}"

    @invariant()
    def nothing_of_yesterday_works_before_it_was_asked_again(self) -> None:
        floor = self.floor
        for order_id in floor.exchange.open:
            parent = floor.parents.get(order_id)
            if parent is not None:
                assert floor.yes_day[parent] == floor.exchange.day, f"{parent} was asked long ago"

    @invariant()
    def no_order_is_entered_twice(self) -> None:
        ids = [order.order_id for order in self.floor.exchange.submitted]
        assert len(ids) == len(set(ids))

    @invariant()
    def no_order_is_without_an_owner(self) -> None:
        table = self.floor.actors["desk/custodian"].state.table
        for order_id in self.floor.exchange.open:
            held = table.by_own_id(order_id)
            assert held is not None, f"nobody owns {order_id}"
            assert held.owner == order_id.rpartition("/")[0]

    def teardown(self) -> None:
        if not hasattr(self, "floor"):
            return
        self._nothing_is_lost()
        self._what_lowers_risk_passes()
        for check in (self.no_order_is_unbound, self.no_order_is_entered_twice):
            check()

    def _nothing_is_lost(self) -> None:
        """After all mail and with nobody answering, every order came to something."""
        floor = self.floor
        floor.settle()
        risk, approvals = floor.actors["desk/risk"].state, floor.actors["human/approvals"].state
        assert risk.waiting == {}
        assert all(entry.outcome == "approved" for entry in approvals.cards.values())
        delivered = set(floor.heard) | set(floor.forged)
        assert set(floor.asked) <= delivered, set(floor.asked) - delivered
        # What is withheld until it is asked again is in the desk's books alone.
        held = {order_id for order_id, ticket in risk.tickets.items() if ticket.is_withheld}
        open_ones = {floor.parents.get(order_id, order_id) for order_id in floor.exchange.open}
        assert not held & open_ones
        left = set(risk.book.orders) ^ (open_ones | held)
        assert not left, {order_id: risk.book.orders.get(order_id) for order_id in left}
        assert risk.book.account_in("AAPL").position == floor.exchange.position
        held = floor.actors["desk/custodian"].state.table.positions
        for symbol in (LOW, HIGH):
            lots = floor.exchange.legs[symbol]
            assert risk.book.account_in(symbol).position == held.get(symbol, 0) == lots

    def _what_lowers_risk_passes(self) -> None:
        """A cancel passes in every state; so does a closing order in all but HALTED."""
        floor = self.floor
        for order_id in list(floor.actors["desk/risk"].state.book.orders):
            owner = order_id.rpartition("/")[0]
            floor.post(owner, "desk/risk", CancelRequest(order_id=order_id))
        floor.deliver_all()
        assert floor.exchange.open == {}
        assert floor.actors["desk/risk"].state.book.orders == {}
        assert floor.actors[EXECUTION].state.working == {}
        risk: Risk = floor.actors["desk/risk"]
        position = floor.exchange.position
        if not position or risk.state.states.of("desk:") == "halted":
            return
        if any(risk.state.states.of(f"agent:{agent}") == "halted" for agent in AGENTS):
            return  # A suspended agent trades nothing; people close for it.
        self.number += 1
        order_id = f"{AGENTS[0]}/{self.number}"
        floor.post(AGENTS[0], "desk/risk", OrderRequest(
            order_id=order_id, instrument="AAPL", side="sell" if position > 0 else "buy",
            quantity=abs(position), price=PRICE,
        ))  # fmt: skip
        floor.asked[order_id] = OrderRequest(
            order_id=order_id, instrument="AAPL", side="sell" if position > 0 else "buy",
            quantity=abs(position), price=PRICE,
        )  # fmt: skip
        floor.deliver_all()
        assert order_id in floor.exchange.open, floor.heard[order_id]

    # --- parts ---------------------------------------------------------------------------------

    def _any_order(self, pick: int) -> str | None:
        known = sorted(self.floor.asked)
        return known[pick % len(known)] if known else None

    def _any_card(self, pick: int) -> Any:
        codes = sorted(self.floor.cards)
        return self.floor.cards[codes[pick % len(codes)]] if codes else None

    def _answer(self, shown: Any, person: str, answer: Any, quantity: int | None) -> CardAnswer:
        self.pressed += 1
        return CardAnswer(
            code=shown.card.code, record_hash=shown.card.record_hash,
            figures_sequence=shown.figures.sequence, answer=answer, person=person,
            sign_in_id=f"in/{person}", browser_id=f"browser/{person}", password_proved=True,
            quantity=quantity, answer_id=f"press/{self.pressed}",
        )  # fmt: skip


QUICK = settings(max_examples=150, stateful_step_count=30, deadline=None)
Desk.TestCase.settings = QUICK
TestDesk = Desk.TestCase


assert TWO_ABOVE < MOST
