"""A desk with an order that rests over nights, cut at every step of its record and recovered.

The market opens for six seconds a day. A cut process is back at once, or only on the next day; what
it slept through it never hears of.
"""

from functools import partial
from typing import Any

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings
from agents.desk.execution import Execution, ExecutionSettings
from agents.desk.risk import Risk, RiskSettings
from agents.desk.schedule import Session
from agents.human.approval_state import ApprovalSettings
from agents.human.approvals import Approvals
from agents.instrument_view import quotes_topic, status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.draws import Stream, stream_key
from environment.messages import (
    ApprovedOrder,
    Message,
    OrderCancelled,
    OrderEvent,
    OrderRequest,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    SubmitOrder,
    TimerFired,
)
from environment.record.faulty_disk import Crash, FaultyDisk
from tests.crash.cuts import SECOND, START_NS, Harm
from tests.crash.desk import AAPL, OWNER, Door, Process, Witness
from tests.crash.outside import KEYS, Faults, Outside

DAY_NS = 86_400 * SECOND
OPEN_NS = 6 * SECOND
DAYS = 3
LOTS = 60
_NIGHT, _MORNING = 9, 10  # What happens at the venue when a day ends, and before one begins.


def day_of(now_ns: int) -> int:
    """Return the day of a moment, from 0."""
    return (now_ns - START_NS) // DAY_NS


class Nights(Outside):
    """The venue, which ends what was entered for the day and remembers what people had decided."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, Faults())
        self.decided: dict[str, int] = {}  # When people said yes to what became this order.
        self.lots: dict[str, int] = {}  # That traded, or may still, of each order.
        self.unasked: list[str] = []
        for day in range(DAYS):
            self._plan(START_NS + day * DAY_NS + OPEN_NS, _NIGHT, None)
            self._plan(START_NS + (day + 1) * DAY_NS - 2 * SECOND, _MORNING, None)

    def _tell_venue(self, message: Message) -> None:
        if isinstance(message, ApprovedOrder) and message.decision is not None:
            self.decided[message.client_order_id] = message.decision.decided_ns
        super()._tell_venue(message)

    def _trade(self, command: Any) -> list[Message]:
        now_ns = self._ctx.now_ns()
        if isinstance(command, SubmitOrder):
            self.lots[command.order_id] = command.quantity
            if day_of(self.decided.get(command.order_id, 0)) != day_of(now_ns):
                self.unasked.append(command.order_id)
        answers = super()._trade(command)
        for answer in answers:
            self._give_back(answer)
        return answers

    def _give_back(self, answer: Message) -> None:
        if isinstance(answer, OrderCancelled):
            self.lots[answer.order_id] -= answer.quantity

    def _happen(self, at_ns: int, kind: int, item: Any) -> None:
        if kind == _MORNING:
            self.unasked += self.working  # It could trade in the auction.
            return
        if kind != _NIGHT:
            super()._happen(at_ns, kind, item)
            return
        self._ctx.set_time(at_ns)
        for name, order in list(self.working.items()):
            if order.order.time_in_force == "day":
                del self.working[name]
                ended = OrderCancelled(
                    order_id=name, instrument="AAPL", quantity=order.leaves, reason="day",
                    exchange_ns=at_ns,
                )  # fmt: skip
                self._give_back(ended)
                self._tell_venue(ended)


class Bell(Actor[Resumed | TimerFired]):
    """Says when the market opens and closes; what passed before its process began is not told."""

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired) -> None:
        now_ns = ctx.now_ns()
        if isinstance(message, TimerFired):
            self._say(ctx, message.name)
            return
        for day in range(DAYS):
            opens_ns = START_NS + day * DAY_NS + SECOND // 2
            for name, at_ns in (("continuous", opens_ns), ("closed", opens_ns + OPEN_NS)):
                if at_ns > now_ns:
                    ctx.after(at_ns - now_ns, name)
            if opens_ns <= now_ns < opens_ns + OPEN_NS:
                self._say(ctx, "continuous")

    def _say(self, ctx: ActorContext, name: Any) -> None:
        phase = PhaseChanged(instrument="AAPL", phase=name, reason="", exchange_ns=0, sequence=0)
        ctx.publish(status_topic("AAPL"), phase)
        if name == "continuous":
            ctx.publish(quotes_topic("AAPL"), QuoteUpdate(
                instrument="AAPL", bid_price=9_999, bid_quantity=100, ask_price=10_001,
                ask_quantity=100, last_price=None, volume=0, exchange_ns=0, first_sequence=0,
                last_sequence=0,
            ))  # fmt: skip


class Saver(Actor[Resumed | TimerFired | OrderEvent]):
    """Asks for one order good till cancelled, on the first day."""

    def __init__(self, risk: ActorRef[Any]) -> None:
        self._risk = risk
        self._numbers = OrderNumbers()

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired | OrderEvent) -> None:
        if isinstance(message, Resumed):
            if ctx.now_ns() < START_NS + SECOND:
                ctx.after(SECOND)
        elif isinstance(message, TimerFired):
            ctx.send(self._risk, OrderRequest(
                order_id=self._numbers.next_id(ctx.address, ctx.now_ns()), instrument="AAPL",
                side="buy", quantity=LOTS, price=10_000, time_in_force="gtc",
            ))  # fmt: skip


class Sleeper(Process):
    """The whole desk: risk, the approval agent that says yes at once, execution and custodian."""

    execution: Execution

    def _spawn(self, orders: int) -> tuple[Risk, Custodian]:
        kernel = self.kernel
        ref: Any = kernel.reference
        given = RiskSettings(
            account="swarm", instruments=(AAPL,), reference_ticks={"AAPL": 10_000}, refresh_ns=0,
            rules=Rulebook(
                limits={"order_quantity": Limit(soft=1)},
                mandates={OWNER: Mandate(instruments=("AAPL",), notional_micros=10**12)},
            ),
            cash_micros=10**12,
        )  # fmt: skip
        custodian, people = ref("desk/custodian"), ref("human/approvals")
        owners: Any = kernel.directory()
        made: dict[str, Any] = {
            "venue": Door(ActorRef("outside"), custodian, self.state.epoch),
            "witness": Witness(),
            "desk/custodian": Custodian(
                ref("venue"), ref("desk/risk"), owners,
                CustodianSettings(needs_session=True, small_break_lots=1_000),
            ),
            "desk/execution": Execution(ref("desk/risk"), owners, ExecutionSettings(
                instruments=(AAPL,), sessions=(Session(open_ns=0, close_ns=1 << 62),)
            )),
            "human/approvals": Approvals(
                ref("desk/risk"), ApprovalSettings(answers_at_once=True), KEYS
            ),
            "desk/risk": Risk(custodian, people, owners, given, KEYS, ref("desk/execution")),
            OWNER: Saver(ref("desk/risk")),
            "bell": Bell(),
        }  # fmt: skip
        for address, actor in made.items():
            kernel.spawn(address, partial(_same, actor))
        self.witness, self.execution = made["witness"], made["desk/execution"]
        return made["desk/risk"], made["desk/custodian"]


def _same(actor: Any) -> Any:
    return actor


def run_cut(seed: int, cut: int) -> bool:
    """Run three days, end the process in operation `cut` of its disk, recover, and run on.

    Returns whether it was cut.
    """
    outside, disk = Nights(seed), FaultyDisk(seed, cut_at=cut)
    end_ns = _life(seed, disk, outside, START_NS)
    if end_ns is None:
        return False
    sleeps = Stream(stream_key(seed * 1_000_003 + cut, "sleep")).uniform() < 0.5
    back_ns = START_NS + (day_of(end_ns) + 1) * DAY_NS if sleeps else end_ns + 300_000_000
    outside.die_with_desk(back_ns)
    again = disk.crash("power" if seed % 2 else "kill", cut_at=None, seed=seed + cut)
    if _life(seed, again, outside, back_ns) is not None:
        raise Harm("a process that nothing cut has ended")
    return True


def _life(seed: int, disk: FaultyDisk, outside: Nights, begin_ns: int) -> int | None:
    process = None
    try:
        process = Sleeper(
            disk, outside, seed=seed, begin_ns=begin_ns, sync_every=1, ties="sequence", orders=0,
            segment_bytes=1 << 20,
        )  # fmt: skip
        process.begin()
        end_ns = START_NS + (DAYS - 1) * DAY_NS + OPEN_NS - SECOND
        process.kernel.run_until(max(end_ns, begin_ns + 2 * SECOND))
        while process.custodian.state.table.unknown() and process.kernel.now_ns() < end_ns + DAY_NS:
            process.kernel.run_until(process.kernel.now_ns() + 2 * SECOND)
    except Crash:
        return begin_ns if process is None else process.kernel.now_ns()
    check(process, outside)
    return None


def check(process: Sleeper, outside: Nights) -> None:
    """Raise Harm unless every order was asked for on its day, and all agree on what is left."""
    table, risk = process.custodian.state.table, process.risk.state
    held = {order_id for order_id, ticket in risk.tickets.items() if ticket.is_withheld}
    working = {ticket for ticket in risk.tickets if ticket not in held}
    faults = {
        f"in the market without a yes of its day: {outside.unasked}": outside.unasked != [],
        "more than was approved": sum(outside.lots.values()) > LOTS,
        "an outcome is unknown": table.unknown() != 0,
        "a handler raised": process.kernel.dead_letters != (),
        "the desk holds other orders than the venue": table.orders.keys() != outside.working.keys(),
        "positions differ": table.positions.get("AAPL", 0) != outside.positions.get("AAPL", 0),
        "risk and execution differ": (
            set(risk.book.orders) != set(process.execution.state.working)
        ),
        "more works than the desk knows of": len(working) < len(outside.working),
    }  # fmt: skip
    found = [text for text, holds in faults.items() if holds]
    if found:
        raise Harm("; ".join(found))
