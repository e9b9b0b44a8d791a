"""The desk's actors by hand: every interleaving of their mail, time, answers, crashes and restarts.

Mail between two actors keeps its order; between different pairs anything may come first. The
exchange is a few dictionaries that a reader can check by eye.
"""

from collections import defaultdict, deque
from datetime import date
from typing import Any

import msgspec

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings
from agents.desk.execution import Execution, ExecutionSettings
from agents.desk.limits import ApprovalPolicy, ApprovalRule
from agents.desk.risk import Risk
from agents.desk.risk_state import RiskSettings
from agents.desk.schedule import Session
from agents.human.approval_state import ApprovalSettings
from agents.human.approvals import Approvals
from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef, Directory
from environment.actors.testing import RecordingContext
from environment.approval_messages import CARDS_TOPIC, CardAnswer, CardChanged
from environment.authority import keys_of_seed
from environment.control_messages import STATE_TOPIC
from environment.messages import (
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    ReplaceOrder,
    ReplaceRequest,
    Resumed,
    SubmitOrder,
    TimerFired,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    SubmitPackage,
)
from environment.structures import signed_ratio
from tests.crash.outside import HIGH, LOW, SERIES
from tests.unit.desk.factories import AAPL, DOLLAR, phase, quote

AGENTS = ("quant/a", "quant/b")
PANEL, PRICE = "human/panel", 10_000
ASKS_ABOVE, TWO_ABOVE, MOST = 4, 8, 12  # Lots: one person, two people, and the hard limit.
KEYS = keys_of_seed(1)
EXECUTION = "desk/execution"
ACTORS = ("desk/risk", "human/approvals", "desk/custodian", EXECUTION, "venue")
LASTING = frozenset({"gtc", "gtd"})
DAY_S = 86_400


def rulebook() -> Rulebook:
    """Return the rules of the machine: small numbers, so that every edge is met."""
    scopes = ("AAPL", "AAPL/options")
    mandate = Mandate(instruments=scopes, notional_micros=1_000_000 * DOLLAR)
    two = ApprovalRule(
        name="large", tier="two", notional_over_micros=TWO_ABOVE * 100 * DOLLAR + 50 * DOLLAR
    )
    return Rulebook(
        limits={"order_quantity": Limit(soft=ASKS_ABOVE, hard=MOST)},
        mandates=dict.fromkeys(AGENTS, mandate),
        approval=ApprovalPolicy(rules=(two,)),
    )


class Exchange:
    """Orders by id: side, leaves, price. Reports go to the venue."""

    def __init__(self) -> None:
        self.submitted: list[SubmitOrder | SubmitPackage] = []
        self.packages: dict[str, SubmitPackage] = {}
        self.legs: dict[str, int] = defaultdict(int)
        self.open: dict[str, list[Any]] = {}
        self.filled: dict[str, int] = defaultdict(int)
        self.most: dict[str, int] = {}
        self.cancels: list[str] = []
        self.position = 0
        self.day = 0
        self.days: dict[str, int] = {}  # On which an order was entered.
        self.lasts: set[str] = set()  # What a night does not end.
        self.reports: list[Any] = []

    def take(self, message: Any) -> None:
        order = self.open.get(message.order_id)
        if isinstance(message, SubmitOrder | SubmitPackage):
            self._enter(message)
            return
        if isinstance(message, CancelOrder):
            self.cancels.append(message.order_id)
        if order is None:
            self._say(OrderRefused(order_id=message.order_id, reason="unknown_order"))
        elif isinstance(message, ReplaceOrder):
            left = message.quantity - self.filled[message.order_id]
            if left <= 0:
                self._say(OrderRefused(order_id=message.order_id, reason="replace_too_late"))
                return
            order[1] = left
            order[2] = order[2] if message.price is None else message.price
            self.most[message.order_id] = max(self.most[message.order_id], message.quantity)
            self._say(PackageReplaced(
                order_id=message.order_id, price=order[2], quantity=message.quantity, leaves=left,
                exchange_ns=1,
            ) if message.order_id in self.packages else OrderReplaced(
                order_id=message.order_id, instrument="AAPL", price=order[2], leaves=left,
                exchange_ns=1,
            ))  # fmt: skip
        else:
            self._say_out(message.order_id, "")

    def _enter(self, message: SubmitOrder | SubmitPackage) -> None:
        name = message.order_id
        self.submitted.append(message)
        self.open[name] = [message.side, message.quantity, message.price]
        self.most[name] = message.quantity
        self.days[name] = self.day
        if message.time_in_force in LASTING:
            self.lasts.add(name)
        if isinstance(message, SubmitPackage):
            self.packages[name] = message
            self._say(PackageAccepted(order_id=name, exchange_ns=1))
        else:
            self._say(OrderAccepted(order_id=name, instrument="AAPL", exchange_ns=1))

    def _say_out(self, name: str, reason: str) -> None:
        left = self.open.pop(name)[1]
        self._say(PackageCancelled(
            order_id=name, quantity=left, reason=reason, exchange_ns=1
        ) if name in self.packages else OrderCancelled(
            order_id=name, instrument="AAPL", quantity=left, reason=reason, exchange_ns=1
        ))  # fmt: skip

    def trade(self, pick: int, lots: int) -> None:
        if not self.open:
            return
        order_id = sorted(self.open)[pick % len(self.open)]
        side, left, price = self.open[order_id]
        lots = min(lots, left)
        self.open[order_id][1] -= lots
        self.filled[order_id] += lots
        if left == lots:
            del self.open[order_id]
        if order_id in self.packages:
            self._trade_legs(self.packages[order_id], price, lots, left - lots)
            return
        self.position += lots if side == "buy" else -lots
        self._say(OrderFilled(
            order_id=order_id, instrument="AAPL", side=side, price=price or PRICE, quantity=lots,
            leaves=left - lots, liquidity="maker", fee_micros=0, exchange_ns=1, trade_id=1,
        ))  # fmt: skip

    def end_day(self) -> None:
        """End what was entered for the day."""
        for order_id in sorted(self.open.keys() - self.lasts):
            self._say_out(order_id, "day")
        self.day += 1

    def _trade_legs(self, package: SubmitPackage, net: int, units: int, left: int) -> None:
        """Let units trade, each leg lot by lot."""
        for leg in package.legs:
            self.legs[leg.instrument] += units * signed_ratio(leg)
            for _ in range(units * leg.ratio):
                self._say(LegFilled(
                    order_id=package.order_id, instrument=leg.instrument, side=leg.side, price=3,
                    quantity=1, fee_micros=0, exchange_ns=1, trade_id=1,
                ))  # fmt: skip
        self._say(PackageFilled(
            order_id=package.order_id, side="buy", price=net, quantity=units, leaves=left,
            against="legs", exchange_ns=1, package_id=1,
        ))  # fmt: skip

    def _say(self, event: Any) -> None:
        self.reports.append(event)


class DeskFloor:
    """Four actors, their mail, their timers, and what agents and people have seen and said."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000
        self.exchange = Exchange()
        self.mail: dict[tuple[str, str], deque[Any]] = defaultdict(deque)
        self.timers: list[tuple[int, str, int, str]] = []
        self.actors: dict[str, Any] = {}
        self.contexts: dict[str, RecordingContext] = {}
        self.cards: dict[str, CardChanged] = {}
        self.asked: dict[str, OrderRequest] = {}
        self.changes: dict[str, list[ReplaceRequest]] = defaultdict(list)  # As asked for.
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self.yes: dict[str, int] = {}  # Lots that people have said yes to, by order.
        self.yes_most: dict[str, int] = {}  # The most that they ever said it to.
        self.yes_after: dict[str, set[str]] = {}  # What had been entered when they said so last.
        self.yes_day: dict[str, int] = {}  # On which they said so last.
        self.parents: dict[str, str] = {}  # Of children that execution asked for.
        self.forged: set[str] = set()
        self.published: list[Any] = []
        self.answers: dict[str, CardAnswer] = {}
        for address in ACTORS:
            self.contexts[address] = RecordingContext(address, now_ns=self.now_ns)
            self.actors[address] = self.make(address)
            self._resume(address)
        self.give("desk/risk", phase("continuous"), "exchange")
        self.give("desk/risk", quote(PRICE - 1, PRICE + 1), "exchange")

    def make(self, address: str) -> Any:
        ref: Any = ActorRef
        owners: Any = Directory(lambda name: name in {*AGENTS, EXECUTION})
        if address == "desk/risk":
            settings = RiskSettings(
                account="swarm", instruments=(AAPL, *SERIES), rules=rulebook(), refresh_ns=0,
                reference_ticks={"AAPL": PRICE, LOW: 4, HIGH: 2}, today=date(1970, 1, 1),
                cash_micros=1_000_000 * DOLLAR,
            )  # fmt: skip
            custodian, people = ref("desk/custodian"), ref("human/approvals")
            return Risk(custodian, people, owners, settings, KEYS, ref(EXECUTION))
        if address == EXECUTION:
            slicing = ExecutionSettings(
                instruments=(AAPL,), sessions=(Session(open_ns=0, close_ns=1 << 62),)
            )
            return Execution(ref("desk/risk"), owners, slicing)
        if address == "human/approvals":
            return Approvals(ref("desk/risk"), ApprovalSettings(figures_age_ns=0), KEYS)
        if address == "desk/custodian":
            return Custodian(ref("venue"), ref("desk/risk"), owners, CustodianSettings())
        return SimulatedVenue(
            ref("exchange"), ref("desk/custodian"), "swarm", KEYS.gate(), ref("desk/risk")
        )

    # --- mail ----------------------------------------------------------------------------------

    def post(self, sender: str, recipient: str, message: Any) -> None:
        self.mail[sender, recipient].append(message)

    def waiting(self) -> list[tuple[str, str]]:
        return sorted(pair for pair, queue in self.mail.items() if queue)

    def deliver(self, pick: int) -> None:
        """Deliver the oldest message of one pair."""
        pairs = self.waiting()
        if pairs:
            sender, recipient = pairs[pick % len(pairs)]
            self.give(recipient, self.mail[sender, recipient].popleft(), sender)

    def deliver_all(self) -> None:
        while self.waiting():
            self.deliver(0)

    def give(self, recipient: str, message: Any, sender: str) -> None:
        """Let an actor, the exchange or an agent have a message."""
        if recipient == "exchange":
            self.exchange.take(message)
            self.collect_reports()
        elif recipient in AGENTS:
            self.heard[message.order_id].append(message)
        elif recipient in self.actors:
            ctx = self.contexts[recipient]
            ctx.set_time(self.now_ns)
            ctx.handle(self.actors[recipient], message, sender=sender)
            self._release(recipient, ctx)

    def collect_reports(self) -> None:
        for report in self.exchange.reports:
            self.post("exchange", "venue", report)
        self.exchange.reports.clear()

    def _release(self, address: str, ctx: RecordingContext) -> None:
        for sent in ctx.sent:
            self.post(address, sent.to, sent.message)
            if sent.to == PANEL:  # A yes counts once it is said, whoever hears of it when.
                self._hear_note(sent.message)
            if address == EXECUTION and isinstance(sent.message, OrderRequest):
                self.parents[sent.message.order_id] = sent.message.parent
        for published in ctx.published:
            self.published.append(published.message)
            if published.to == STATE_TOPIC:
                self.post(address, EXECUTION, published.message)
            if published.to == CARDS_TOPIC and isinstance(published.message, CardChanged):
                self.cards[published.message.card.code] = published.message
        self.timers += [(t.due_ns, address, t.timer_id, t.name) for t in ctx.timers_set]
        self.timers = [t for t in self.timers if (t[1], t[2]) not in {
            (address, cancelled) for cancelled in ctx.cancelled
        }]  # fmt: skip
        for kept in (ctx.sent, ctx.published, ctx.timers_set, ctx.cancelled):
            kept.clear()

    def _hear_note(self, note: Any) -> None:
        """Book what a person's yes covers, if it was taken."""
        answer = self.answers.pop(getattr(note, "answer_id", ""), None)
        if answer is None or not note.is_taken or answer.answer == "reject":
            return
        changed = self.cards[answer.code]
        order_id = changed.card.order.order_id
        lots = answer.quantity if answer.answer == "smaller" else changed.card.quantity
        assert lots is not None
        lots += changed.card.done
        self.yes[order_id] = lots
        self.yes_most[order_id] = max(lots, self.yes_most.get(order_id, 0))
        self.yes_after[order_id] = {order.order_id for order in self.exchange.submitted}
        self.yes_day[order_id] = self.exchange.day

    # --- time and crashes ----------------------------------------------------------------------

    def advance(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000
        due = sorted(t for t in self.timers if t[0] <= self.now_ns)
        self.timers = [t for t in self.timers if t[0] > self.now_ns]
        for _, address, timer_id, name in due:
            self.give(address, TimerFired(timer_id=timer_id, name=name), address)

    def night(self) -> None:
        """Let a day end and the next one open; what the desk hears of it waits in its mail."""
        while self.mail["venue", "exchange"]:  # No order is on the way over a night.
            self.give("exchange", self.mail["venue", "exchange"].popleft(), "venue")
        self.exchange.end_day()
        self.collect_reports()
        for name in ("closing_auction", "closed"):
            self.post("exchange", "desk/risk", phase(name))
        self.advance(DAY_S)
        for name in ("pre_open", "opening_auction", "continuous"):
            self.post("exchange", "desk/risk", phase(name))
        self.post("exchange", "desk/risk", quote(PRICE - 1, PRICE + 1))

    def restart(self, address: str) -> None:
        """Take an actor down and up: its state comes back, its timers do not."""
        data = msgspec.msgpack.encode(self.actors[address].state)
        actor = self.make(address)
        actor.state = msgspec.msgpack.decode(data, type=type(actor.state))
        self.actors[address] = actor
        self.timers = [t for t in self.timers if t[1] != address]
        self._resume(address)

    def _resume(self, address: str) -> None:
        if Resumed in self.actors[address].ACCEPTS:
            custodian = self.actors.get("desk/custodian")
            told = custodian.resumed(address) if custodian is not None else Resumed()
            self.give(address, told, "kernel")

    def settle(self) -> None:
        """Let everything that is under way end, with nobody answering any more."""
        for _ in range(4):
            self.deliver_all()
            self.advance(70)
        self.deliver_all()
