"""Risk and the approval agent together: from a question to an order, or to a no."""

from typing import Any

import msgspec
import pytest

from agents.desk.controls import Limit, Rulebook
from agents.desk.limits import ApprovalPolicy, Breaker
from agents.desk.risk_state import PaperOrder
from agents.human.approval_state import ApprovalSettings
from agents.human.approvals import Approvals
from agents.human.escalation import Notified
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.approval_messages import (
    ApprovalRequest,
    ApproversPresent,
    CardAnswer,
    CardChanged,
    CardDue,
    CardViewed,
    CardWithdrawn,
    Decision,
    OrderCard,
)
from environment.control_messages import Audited, LowerDesk
from environment.messages import (
    ApprovedOrder,
    CancelOrder,
    CancelRequest,
    EffectDone,
    EffectFailed,
    Leg,
    OrderRefused,
    TimerFired,
)
from tests.unit.desk.factories import (
    AGENT,
    DOLLAR,
    KEYS,
    OTHER,
    accepted,
    ask,
    filled,
    make_risk,
    phase,
    quote,
    sender_of,
)

SECOND = 1_000_000_000
PANEL = "human/panel"


def raw(result: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(result))


class Desk:
    """Risk and approvals, with messages between them delivered at once."""

    def __init__(self, *, tier: Any = "one", risk: Any = None, **more: Any) -> None:
        settings = ApprovalSettings(**more)
        policy = ApprovalPolicy(default=tier)
        limits = {"order_notional": Limit(soft=50_000 * DOLLAR, hard=100_000 * DOLLAR)}
        self.risk = make_risk(Rulebook(approval=policy, limits=limits), **(risk or {}))
        self.approvals = Approvals(ActorRef("desk/risk"), settings, KEYS)
        self.ctx = RecordingContext("desk/risk")
        self.human = RecordingContext("human/approvals")
        self.now_ns = 0
        self.tell(quote())

    def at(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self.ctx.set_time(now_ns)
        self.human.set_time(now_ns)

    def tell(self, message: Any) -> None:
        self.ctx.handle(self.risk, message, sender=sender_of(message))
        self._pump()

    def say(self, message: Any, sender: str = PANEL) -> None:
        self.human.handle(self.approvals, message, sender=sender)
        self._pump()

    def _pump(self) -> None:
        while self.ctx.sent or self.human.sent:
            for sent in _drain(self.ctx.sent, "human/approvals"):
                self.human.handle(self.approvals, sent, sender="desk/risk")
            for sent in _drain(self.human.sent, "desk/risk"):
                self.ctx.handle(self.risk, sent, sender="human/approvals")
            if not any(s.to == "human/approvals" for s in self.ctx.sent) and not any(
                s.to == "desk/risk" for s in self.human.sent
            ):
                break

    @property
    def card(self) -> OrderCard:
        return self.shown.card

    @property
    def shown(self) -> CardChanged:
        shown = [p.message for p in self.human.published if isinstance(p.message, CardChanged)]
        return shown[-1]

    def answer(self, answer: Any = "approve", person: str = "ana", **more: Any) -> None:
        values: dict[str, Any] = {
            "code": self.card.code, "record_hash": self.card.record_hash, "answer": answer,
            "figures_sequence": self.shown.figures.sequence, "person": person,
            "sign_in_id": f"in/{person}", "browser_id": f"browser/{person}",
            "password_proved": True, "answer_id": f"{person}/{len(self.human.published)}",
        }  # fmt: skip
        self.say(CardAnswer(**(values | more)))

    def noted(self) -> str:
        noted = [s.message for s in self.human.sent if s.to == PANEL]
        return str(noted[-1].reason) if noted else "nothing"

    def orders(self) -> list[ApprovedOrder]:
        return [s.message for s in self.ctx.sent if isinstance(s.message, ApprovedOrder)]

    def refusals(self) -> list[str]:
        return [s.message.reason for s in self.ctx.sent if isinstance(s.message, OrderRefused)]


def _drain(sent: list[Any], to: str) -> list[Any]:
    chosen = [s.message for s in sent if s.to == to]
    sent[:] = [s for s in sent if s.to != to]
    return chosen


def test_order_waits_until_a_person_says_yes() -> None:
    desk = Desk()
    desk.tell(ask())
    assert desk.orders() == []
    desk.answer()
    (order,) = desk.orders()
    assert KEYS.gate().check(order, desk.now_ns) == ""
    assert order.decision is not None
    assert order.decision.people == ("ana",)


def test_rejected_order_is_refused_in_the_persons_words() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.answer("reject", reason="too late in the day")
    assert desk.orders() == []
    assert desk.refusals() == ["person_rejected: ana: too late in the day"]


@pytest.mark.parametrize(
    ("is_seen", "outcome"), [(False, "expired_unseen"), (True, "expired_seen")]
)
def test_no_answer_is_a_no(is_seen: bool, outcome: str) -> None:
    desk = Desk()
    desk.tell(ask())
    if is_seen:
        desk.say(CardViewed(
            code=desk.card.code, record_hash=desk.card.record_hash, person="ana", sign_in_id="x"
        ))  # fmt: skip
    desk.at(desk.card.answer_until_ns)
    desk.answer()
    assert desk.orders() == []
    assert desk.shown.outcome == outcome
    assert desk.noted() == f"it has ended: {outcome}"


def test_answer_counts_once_however_often_it_arrives() -> None:
    desk = Desk()
    desk.tell(ask())
    for _ in range(3):
        desk.answer(answer_id="press")
    assert len(desk.orders()) == 1


def test_answer_to_an_older_record_or_older_figures_does_not_count() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.answer(record_hash="0" * 64)
    assert "changed since" in desk.noted()
    desk.at(5 * SECOND + 1)
    desk.answer()
    assert "older than 5 s" in desk.noted()
    assert desk.orders() == []


def test_agent_cannot_answer_or_put_a_card() -> None:
    desk = Desk()
    desk.tell(ask())
    card = desk.card
    forged = CardAnswer(
        code=card.code, record_hash=card.record_hash, figures_sequence=1, answer="approve",
        person="ana", sign_in_id="x",
    )  # fmt: skip
    desk.say(forged, sender=AGENT)
    desk.say(ApprovalRequest(card=card, figures=desk.shown.figures), sender=AGENT)
    assert desk.orders() == []
    assert desk.approvals.state.unbelieved == 2
    assert desk.risk.state.states.of(f"agent:{AGENT}") == "halted"
    assert "Audited forgery" in [
        f"Audited {p.message.kind}" for p in desk.human.published if isinstance(p.message, Audited)
    ]


def test_decision_made_by_hand_is_not_believed() -> None:
    desk = Desk()
    desk.tell(ask())
    card = desk.card
    forged = Decision(
        code=card.code, order_id=card.order.order_id, record_hash=card.record_hash,
        outcome="approved", people=("ana",),
    )  # fmt: skip
    desk.ctx.handle(desk.risk, forged, sender=OTHER)
    assert desk.orders() == []
    assert desk.risk.state.states.of(f"agent:{OTHER}") == "halted"
    assert ("forgery", OTHER) in [
        (p.message.kind, p.message.figures.get("sender"))
        for p in desk.ctx.published
        if isinstance(p.message, Audited)
    ]
    desk.tell(forged)  # From the right address, and still without a signature.
    assert desk.orders() == []
    assert desk.shown.outcome == "failed"


def test_two_people_are_two_names_two_sign_ins_two_browsers() -> None:
    desk = Desk(tier="two")
    desk.tell(ask())
    desk.answer(quantity=10)
    assert (desk.orders(), desk.shown.people) == ([], ("ana",))
    desk.answer(quantity=10)
    assert "another person" in desk.noted()
    desk.answer(person="ben", quantity=10, sign_in_id="in/ana")
    assert "another sign-in" in desk.noted()
    desk.answer(person="ben", quantity=10, browser_id="browser/ana")
    assert "another sign-in" in desk.noted()
    desk.answer(person="ben", quantity=10, password_proved=False)
    assert "password" in desk.noted()
    desk.answer(person="ben", quantity=9)
    assert "type the quantity: 10" in desk.noted()
    desk.answer(person="ben", quantity=10)
    (order,) = desk.orders()
    assert order.decision is not None
    assert order.decision.people == ("ana", "ben")


def test_smaller_is_ruled_on_again_and_drops_the_rest() -> None:
    desk = Desk()
    desk.tell(ask())
    before = desk.card
    desk.answer("smaller", quantity=4)
    (order,) = desk.orders()
    assert order.order.quantity == 4
    assert (desk.card.dropped, desk.card.previous) == (6, before.record_hash)
    kept = [p.message for p in desk.ctx.published if isinstance(p.message, PaperOrder)]
    assert [(paper.quantity, paper.because) for paper in kept] == [(6, "smaller")]


def test_smaller_of_two_makes_its_maker_the_first() -> None:
    desk = Desk(tier="two")
    desk.tell(ask())
    desk.answer("smaller", quantity=4)
    assert (desk.orders(), desk.shown.state, desk.shown.people) == ([], "one_of_two", ("ana",))
    desk.answer(person="ben", quantity=4)
    assert desk.orders()[0].order.quantity == 4


def test_drift_asks_again_twice_and_then_no_more() -> None:
    desk = Desk()
    desk.tell(ask())
    code = desk.card.code
    for asked, bid in ((2, 10_100), (3, 10_200)):
        desk.tell(quote(bid, bid + 2))
        assert (desk.card.code, desk.card.asked, desk.shown.state) == (code, asked, "waiting")
        assert desk.shown.previous is not None
    desk.tell(quote(10_300, 10_302))
    assert desk.shown.outcome == "drifted"
    assert desk.refusals()[-1].startswith("person_drifted")


def test_yes_to_a_record_that_has_drifted_since_is_asked_again() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.risk.state.views["AAPL"].bid_price = desk.risk.state.views["AAPL"].ask_price = 10_200
    desk.answer()
    assert desk.orders() == []
    assert (desk.card.asked, desk.shown.state, desk.shown.outcome) == (2, "waiting", None)


def test_drift_after_the_yes_cancels_what_works() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.answer()
    desk.tell(accepted(f"{AGENT}/1"))
    desk.tell(quote(10_100, 10_102))
    assert [s.message for s in desk.ctx.sent if isinstance(s.message, CancelOrder)] == [
        CancelOrder(order_id=f"{AGENT}/1")
    ]


def test_market_close_turns_every_card_into_a_no() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.tell(phase("closing_auction"))
    assert desk.shown.outcome == "market_closed"
    desk.answer()
    assert desk.orders() == []


def test_breaker_voids_cards_as_a_persons_halt_does() -> None:
    desk = Desk(tier="auto")
    desk.tell(ask())
    desk.tell(accepted(f"{AGENT}/1"))
    desk.tell(filled(f"{AGENT}/1", 10))
    rules = desk.risk.state.rules
    desk.risk.state.rules = msgspec.structs.replace(
        rules, approval=ApprovalPolicy(default="one"),
        breakers=(Breaker(measure="daily_loss", scope="desk", halted=DOLLAR),),
    )  # fmt: skip
    desk.tell(ask(2))
    assert desk.shown.state == "waiting"
    desk.tell(quote(9_960, 9_962))
    assert desk.shown.outcome == "halted"
    assert desk.risk.state.waiting == {}


def test_halt_voids_cards_and_lets_nothing_through() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.tell(LowerDesk(to="halted", reason="tested"))
    assert desk.shown.outcome == "halted"
    desk.tell(ask(2))
    assert desk.refusals()[-1].startswith("desk_state")


def test_proposer_can_take_a_waiting_order_back() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.tell(CancelRequest(order_id=f"{AGENT}/1"))
    assert desk.shown.outcome == "withdrawn"


def test_soft_limit_asks_though_the_rules_would_not() -> None:
    desk = Desk(tier="auto")
    desk.tell(ask(quantity=600))
    assert desk.card.reasons[0].rule == "order_notional"
    assert (desk.card.reasons[0].figure, desk.card.tier) == (60_000.0 * DOLLAR, "one")
    desk.tell(ask(2, quantity=10))
    assert len(desk.orders()) == 1


def test_fills_show_on_the_card() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.answer()
    desk.tell(accepted(f"{AGENT}/1"))
    desk.tell(filled(f"{AGENT}/1", 3, leaves=7))
    assert (desk.shown.filled, desk.shown.state) == (3, "sent")
    desk.tell(filled(f"{AGENT}/1", 7))
    assert (desk.shown.filled, desk.shown.state) == (10, "done")
    assert desk.approvals.state.cards == {}


def test_without_an_approver_every_question_counts_as_yes() -> None:
    desk = Desk(tier="two", answers_at_once=True)
    desk.tell(ask())
    assert len(desk.orders()) == 1


def test_reminders_come_and_the_webhook_says_neither_size_nor_price() -> None:
    desk = Desk(remind_ns=(20 * SECOND,), escalate_after_ns=45 * SECOND, has_channel=True)
    desk.say(ApproversPresent(count=1))
    desk.tell(ask())
    names = [timer.name.split()[0] for timer in desk.human.timers_set]
    assert names == ["expire", "remind", "escalate"]
    desk.at(45 * SECOND)
    desk.say(TimerFired(timer_id=3, name=f"escalate {desk.card.code}"), sender="kernel")
    (effect,) = desk.human.started
    assert set(msgspec.to_builtins(effect[1])) == {"type", "code", "tier", "left_ns", "because"}
    assert isinstance(desk.human.published[-1].message, CardDue)


def calls(desk: Desk) -> list[str]:
    return [msgspec.to_builtins(effect)["because"] for _, effect in desk.human.started]


def test_card_calls_at_once_where_no_approver_has_a_page_open() -> None:
    desk = Desk(escalate_after_ns=45 * SECOND, has_channel=True)
    desk.tell(ask())
    assert calls(desk) == ["new"]
    desk.tell(quote(10_000, 10_002))  # Figures that move are no new record.
    assert calls(desk) == ["new"]


def test_card_calls_when_the_last_approver_leaves_and_not_while_one_looks() -> None:
    desk = Desk(has_channel=True)
    desk.say(ApproversPresent(count=1))
    desk.tell(ask())
    assert calls(desk) == []
    desk.say(ApproversPresent(count=0))
    desk.say(ApproversPresent(count=0))
    assert calls(desk) == ["new"]
    desk.answer()
    desk.say(ApproversPresent(count=0))
    assert calls(desk) == ["new"]


def test_nobody_is_called_where_no_channel_is_configured() -> None:
    desk = Desk(escalate_after_ns=45 * SECOND)
    desk.tell(ask())
    desk.at(45 * SECOND)
    desk.say(TimerFired(timer_id=2, name=f"escalate {desk.card.code}"), sender="kernel")
    assert desk.human.started == []


def test_no_agent_says_who_is_present() -> None:
    desk = Desk(has_channel=True)
    desk.say(ApproversPresent(count=1), sender=OTHER)
    desk.tell(ask())
    assert calls(desk) == ["new"]


@pytest.mark.parametrize(
    ("outcome", "kind", "text"),
    [
        (EffectDone(effect_id=1, result=raw(Notified(("webhook 200",)))), "called", "webhook 200"),
        (EffectFailed(effect_id=1, reason="NotReached: mail"), "not_called", "NotReached: mail"),
    ],
)
def test_what_became_of_a_call_is_recorded_and_changes_nothing(
    outcome: EffectDone | EffectFailed, kind: str, text: str
) -> None:
    desk = Desk(has_channel=True)
    desk.tell(ask())
    shown = desk.shown
    desk.say(outcome, sender="effect")
    audited = [p.message for p in desk.human.published if isinstance(p.message, Audited)][-1]
    assert (audited.kind, audited.subject, audited.text) == (kind, desk.card.code, text)
    assert desk.shown == shown


def test_card_names_what_a_person_must_see() -> None:
    desk = Desk()
    desk.tell(ask(quantity=10))
    card = desk.card
    assert (card.verb, card.effect, card.quantity, card.total_micros) == (
        "buy", "open", 10, 1_000 * DOLLAR,
    )  # fmt: skip
    assert card.worst_case.loss_micros == 200 * DOLLAR
    assert card.worst_case.when == "AAPL -20%, at once"
    assert (card.position.before, card.position.after) == (0, 10)
    assert card.margin_micros.after == 500 * DOLLAR
    assert card.code.isalnum()
    assert len(card.code) == 4


def test_withdrawn_card_is_not_opened_again_by_a_late_record() -> None:
    desk = Desk()
    desk.tell(ask())
    late = ApprovalRequest(
        card=msgspec.structs.replace(desk.card, previous=desk.card.record_hash, asked=2),
        figures=desk.shown.figures,
    )
    desk.answer("reject")
    desk.say(late, sender="desk/risk")
    assert desk.approvals.state.cards == {}


def test_structure_waits_with_all_its_legs() -> None:
    desk = Desk()
    legs = (Leg(instrument="AAPL", side="buy"), Leg(instrument="MSFT", side="sell", ratio=2))
    desk.tell(ask(legs=legs, price=100, quantity=3))
    assert [(leg.side, leg.ratio) for leg in desk.card.legs] == [("buy", 1), ("sell", 2)]
    desk.answer()
    assert desk.risk.state.book.account["MSFT"].selling == 6
    assert isinstance(desk.orders()[0], ApprovedOrder)


def test_withdrawal_is_told_to_approvals_only_by_risk() -> None:
    desk = Desk()
    desk.tell(ask())
    gone = CardWithdrawn(
        code=desk.card.code, order_id=f"{AGENT}/1", outcome="halted", reason="made up"
    )
    desk.say(gone, sender=OTHER)
    assert desk.shown.outcome is None
