"""One planted mutant for each rule of the desk, each caught by the machine of `test_desk`."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from agents.desk import replacing, risk as risk_module, risk_parents
from agents.desk.cancelling import Cancelling
from agents.desk.case import Case
from agents.desk.order_table import OrderTable
from agents.desk.resting_work import RestingWork
from agents.desk.risk_cards import CardDesk
from agents.desk.risk_changes import Changes
from agents.desk.risk_resting import Resting
from agents.desk.risk_voice import Passed, Voice
from agents.desk.ruling import Ruling
from agents.human.approvals import Approvals
from agents.orders import Terms
from brokers.packages import legs_filled, report_of
from brokers.simulated import SimulatedVenue
from environment.authority import VenueGate
from environment.messages import (
    OrderRequest,
    SubmitOrder,
)
from environment.option_messages import LegFilled, PackageFilled
from environment.parent_draws import ParentDraws
from tests.stateful.test_desk import Desk

# Until one example fails, and no further: what it shrinks to is of no interest here.
HUNT = settings(
    max_examples=3_000, stateful_step_count=30, deadline=None, derandomize=True, print_blob=False,
    database=None, phases=[Phase.generate], report_multiple_bugs=False,
)  # fmt: skip


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


def _at_once(self: Any, ctx: Any, state: Any, case: Any, ruling: Any, known: Any) -> None:
    lots = known.filled + case.request.quantity
    changed = msgspec.structs.replace(case.request, quantity=lots)
    ticket = state.tickets[known.order_id]
    ticket.decision = msgspec.structs.replace(ticket.decision, send_until_ns=1 << 62)
    self.changes.begin(ctx, state, known.order_id, changed)


def _both(self: Any, ctx: Any, state: Any, order_id: str, changed: Any) -> None:
    """Send the rest before what works is out."""
    ticket = state.tickets[order_id]
    state.book.ask(order_id, Terms(changed.quantity, changed.price))
    ticket.changes_to = changed
    self.settle(ctx, state, order_id, ticket)
    passed = Passed(tier="one", rule="mutant", decision=ticket.decision)
    self._voice.pass_order(ctx, state, ticket.request, passed)


def _begin_again(self: Any, ctx: Any, state: Any, order: Any, request: Any) -> None:
    order.request = request
    self.begin(ctx, state, order)


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
        (replacing, "beyond_approval", lambda *_: None),
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
    "other terms need no yes": [
        (CardDesk, "ask_change", _at_once),
        (risk_parents, "_terms_fault", lambda *_: None),
        (VenueGate, "check", lambda self, approved, now_ns: ""),
    ],
    "the old and the new work together": [
        (Changes, "begin", _both),
        (RestingWork, "go_on", _begin_again),
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
