"""No order reaches the venue unbound, none twice, none lost unseen, none without an owner; and
nothing that lowers risk is ever blocked. Over any interleaving that Hypothesis finds, with one
planted mutant for each rule, each caught.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from agents.desk import risk as risk_module, risk_parents
from agents.desk.cancelling import Cancelling
from agents.desk.case import Case
from agents.desk.order_table import OrderTable
from agents.desk.resting_work import RestingWork
from agents.desk.risk import Risk
from agents.desk.risk_cards import CardDesk
from agents.desk.risk_resting import Resting
from agents.desk.risk_state import Verdict
from agents.desk.risk_voice import Passed, Voice
from agents.desk.ruling import Ruling
from agents.desk.structure_quotes import opposite
from agents.human.approvals import Approvals
from brokers.packages import legs_filled, report_of
from brokers.simulated import SimulatedVenue
from environment.approval_messages import ApprovalRequest, CardAnswer, Decision
from environment.authority import VenueGate
from environment.control_messages import LowerDesk, RaiseDesk
from environment.messages import (
    ApprovedOrder,
    CancelRequest,
    OrderRequest,
    ReplaceRequest,
    SubmitOrder,
)
from environment.option_messages import LegFilled, PackageFilled
from environment.parent_draws import ParentDraws
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
        is_turned=st.booleans(), at_once=st.booleans(),
    )  # fmt: skip
    def propose_structure(
        self, agent: str, lots: int, net: int, is_turned: bool, at_once: bool
    ) -> None:
        self.number += 1
        request = OrderRequest(
            order_id=f"{agent}/{self.number}", instrument="AAPL", side="buy", quantity=lots,
            price=net, legs=opposite(LEGS) if is_turned else LEGS,
        )  # fmt: skip
        self.floor.asked[request.order_id] = request
        self.floor.post(agent, "desk/risk", request)
        if at_once:
            self.floor.deliver_all()

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        order_id = self._any_order(pick)
        if order_id:
            owner = order_id.rpartition("/")[0]
            self.floor.post(owner, "desk/risk", CancelRequest(order_id=order_id))

    @rule(pick=PICKS, lots=LOTS)
    def replace(self, pick: int, lots: int) -> None:
        order_id = self._any_order(pick)
        if order_id:
            owner = order_id.rpartition("/")[0]
            price = 1 if self.floor.asked[order_id].legs else PRICE
            change = ReplaceRequest(order_id=order_id, quantity=lots, price=price)
            self.floor.post(owner, "desk/risk", change)

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

    @rule(pick=PICKS, picks=st.lists(PICKS, max_size=6))
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
            assert (asked.side, asked.price) == (order.side, order.price)
            assert order.quantity <= min(asked.quantity, MOST) or order_id in reducing
            is_child = order_id != order.order_id
            if is_child or (order.quantity > ASKS_ABOVE and order_id not in reducing):
                assert floor.yes.get(order_id, 0) >= order.quantity, f"nobody let {order} by"

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
            children = [child for child, parent in floor.parents.items() if parent == order_id]
            traded = sum(exchange.filled[child] for child in children)
            working = sum(exchange.open[child][1] for child in children if child in exchange.open)
            assert traded + working <= lots, f"{order_id}: {traded} and {working} of {lots}"

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
# Until one example fails, and no further: what it shrinks to is of no interest here.
HUNT = settings(
    max_examples=3_000, stateful_step_count=30, deadline=None, derandomize=True, print_blob=False,
    database=None, phases=[Phase.generate], report_multiple_bugs=False,
)  # fmt: skip

Desk.TestCase.settings = QUICK
TestDesk = Desk.TestCase


def _auto(case: Case, rules: Any) -> Ruling:
    return Ruling(None, (), "auto", "no rule names it")


def _twice(original: Callable[..., None]) -> Callable[..., None]:
    def submit(self: Any, ctx: Any, approved: Any) -> None:
        before = len(ctx._moment.outbox)
        original(self, ctx, approved)
        again = [ask for ask in ctx._moment.outbox[before:] if isinstance(ask[2], SubmitOrder)]
        for ask in again:
            ctx._moment.outbox.append(ask)

    return submit


def _forget(self: Any, ctx: Any, entry: Any) -> None:
    self.state.cards.pop(entry.card.code, None)


def _for_ever(self: Any, ctx: Any, state: Any, order: Any) -> None:
    BEGIN(self, ctx, state, order)
    for place, ask in enumerate(ctx._moment.outbox):
        if isinstance(ask[2], OrderRequest):
            lasting = msgspec.structs.replace(ask[2], time_in_force="gtc")
            ctx._moment.outbox[place] = (*ask[:2], lasting, *ask[3:])


def _unasked(self: Any, ctx: Any, state: Any, order_id: str, ticket: Any) -> None:
    ticket.is_withheld, ticket.night = False, ticket.night + 1
    passed = Passed(tier="one", rule="mutant", decision=ticket.decision)
    self._voice.pass_order(ctx, state, ticket.request, passed)


BEGIN = RestingWork.begin


def _leg_by_leg(self: Any, ctx: Any, order: Any, event: Any) -> None:
    if isinstance(event, LegFilled):
        self._report(ctx, legs_filled(order, [event]))
    elif not isinstance(event, PackageFilled):
        self._follow(ctx, report_of(order, event))


MUTANTS: dict[str, list[tuple[Any, str, Any]]] = {
    "gate believes anybody": [
        (VenueGate, "check", lambda self, approved, now_ns: ""),
        (SimulatedVenue, "_is_strangers", lambda self, ctx, approved: False),
    ],
    "risk asks nobody": [(risk_module, "rule_on", _auto)],
    "venue enters twice": [(SimulatedVenue, "_on_order", _twice(SimulatedVenue._on_order))],
    "venue tells legs apart": [(SimulatedVenue, "_on_package", _leg_by_leg)],
    "expiry is kept to itself": [(Approvals, "_expire", _forget)],
    "custodian keeps no table": [(OrderTable, "take", lambda self, held: None)],
    "nothing counts as reducing": [(Case, "is_reducing", False)],
    "a yes may be outgrown": [
        (risk_module, "beyond_approval", lambda *_: None),
        (ParentDraws, "claim", lambda *_: ""),
        (VenueGate, "check", lambda self, approved, now_ns: ""),
    ],
    "the venue keeps what rests": [
        (RestingWork, "begin", _for_ever),
        (Voice, "_cancel_children", lambda *_: None),
        (RestingWork, "cancel_child", lambda *_: None),
    ],
    "a new day needs no yes": [
        (Resting, "_ask", _unasked),
        (risk_parents, "_terms_fault", lambda *_: None),
        (VenueGate, "check", lambda self, approved, now_ns: ""),
    ],
    "what is withheld is forgotten": [
        (CardDesk, "ask_next_day", lambda *_: None),
        (Resting, "withheld", lambda self, ctx, state, message: state.resting.clear()),
        (RestingWork, "take_out", lambda *_: None),
    ],
    "cancels need the desk to be open": [
        (Cancelling, "on_cancel", lambda self, ctx, state, request: None),
    ],
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, attribute, mutant in MUTANTS[name]:
        monkeypatch.setattr(owner, attribute, mutant)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Desk, settings=HUNT)


assert TWO_ABOVE < MOST
