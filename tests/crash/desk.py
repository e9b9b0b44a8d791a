"""The desk of a crash test: the shipped risk desk and custodian, durable, and one who proposes."""

from datetime import date
from typing import Any

import msgspec

from agents.desk.auditor import ADDRESS as AUDITOR, Auditor
from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings
from agents.desk.risk import Risk, RiskSettings
from agents.desk.structure_quotes import opposite
from agents.orders import OrderNumbers
from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Connection,
    Constant,
    Ports,
    Settings,
    SimulationKernel,
)
from environment.actors.queue import Ties
from environment.instruments import make_equity
from environment.messages import (
    CancelRequest,
    OrderEvent,
    OrderRequest,
    ReplaceRequest,
    Resumed,
    Side,
    TimerFired,
)
from environment.record.durable_state import DurableState
from environment.record.faulty_disk import FaultyDisk
from environment.record.recovery import Recovered
from environment.record.syncer import SyncEach
from environment.venue_messages import BREAKS_TOPIC, BreakFound, RenewSession, VenueSession
from scenarios.protocol import PROTOCOL
from tests.crash.chain import KEY as CHAIN_KEY
from tests.crash.outside import HIGH, KEYS, LEGS, LOW, MILLISECOND, SERIES, Outside

AAPL = make_equity("AAPL")
OWNER = "quant/maker"
RUN = "desk-under-test"
BEAT_NS = 120 * MILLISECOND
STRUCTURES = 0.5  # Of its orders have legs.
MARKS = {"AAPL": 10_000, LOW: 4, HIGH: 2}


class Door(Actor[Resumed | TimerFired | VenueSession]):
    """The gateway to the venue: renews the session until one stands, then hands all on."""

    KIND = "gateway"

    def __init__(self, outside: ActorRef[Any], custodian: ActorRef[Any], epoch: int) -> None:
        self._outside, self._custodian, self._epoch = outside, custodian, epoch
        self._stands = False

    def receive(self, ctx: ActorContext, message: Any) -> None:  # And what it hands on.
        sender = ctx.sender()
        if isinstance(message, Resumed | TimerFired):
            if not self._stands:
                # A session of this process's own, above all of the ones before.
                ctx.send(self._outside, RenewSession(above=1_000 * self._epoch))
                ctx.after(500 * MILLISECOND)
        elif sender != "outside":
            ctx.send(self._outside, message)
        elif isinstance(message, VenueSession):
            self._stands = True
            ctx.send(self._custodian, msgspec.structs.replace(message, run="r", epoch=self._epoch))
        elif self._stands:
            ctx.send(self._custodian, message)


class Nobody(Actor[Any]):
    """Stands where people would be asked; no order here needs them."""

    def receive(self, ctx: ActorContext, message: Any) -> None:
        raise AssertionError(f"nobody can be asked: {message}")


class Witness(Actor[Resumed | BreakFound]):
    """Hears of every difference between the desk's record and the venue's."""

    def __init__(self) -> None:
        self.breaks: list[str] = []

    def receive(self, ctx: ActorContext, message: Resumed | BreakFound) -> None:
        if isinstance(message, BreakFound):
            self.breaks.append(message.text)
        else:
            ctx.subscribe(BREAKS_TOPIC)


class Proposer(Actor[Resumed | TimerFired | OrderEvent]):
    """Asks for an order or a structure on each beat, sometimes cancels or replaces the last.

    It forgets all when it dies.
    """

    def __init__(self, risk: ActorRef[Any], orders: int) -> None:
        self._risk, self._orders = risk, orders
        self._numbers = OrderNumbers()
        self._last = ""
        self._is_structure = False

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired | OrderEvent) -> None:
        if isinstance(message, Resumed):
            for order in message.open_orders:
                ctx.send(self._risk, CancelRequest(order_id=order.order_id))
            ctx.after(BEAT_NS)
            return
        if not isinstance(message, TimerFired):
            return
        if self._orders:
            self._orders -= 1
            ctx.after(BEAT_NS)
            self._act(ctx)

    def _act(self, ctx: ActorContext) -> None:
        if self._last and ctx.rng.uniform() < 0.25:
            ctx.send(self._risk, CancelRequest(order_id=self._last))
            return
        price = ctx.rng.integer(-5, 6)
        if self._last and ctx.rng.uniform() < 0.2:
            level = price if self._is_structure else 10_000 + price
            most = 4 if self._is_structure else 12
            ctx.send(self._risk, ReplaceRequest(
                order_id=self._last, quantity=ctx.rng.integer(1, most), price=level,
            ))  # fmt: skip
            return
        self._is_structure = ctx.rng.uniform() < STRUCTURES
        side: Side = "buy" if ctx.rng.uniform() < 0.5 else "sell"
        self._last = self._numbers.next_id(ctx.address, ctx.now_ns())
        if self._is_structure:  # Bought, whichever way its legs go.
            order = OrderRequest(
                order_id=self._last, instrument="AAPL", side="buy", quantity=2, price=price,
                legs=LEGS if side == "buy" else opposite(LEGS),
            )  # fmt: skip
        else:
            order = OrderRequest(
                order_id=self._last, instrument="AAPL", side=side, quantity=10,
                price=10_000 + price,
            )  # fmt: skip
        ctx.send(self._risk, order)


class Ways:
    """Inside the process mail takes a microsecond; the link to the venue is the venue's matter."""

    def __init__(self) -> None:
        self._inside = Connection(latency=Constant(nanoseconds=1_000))
        self._outside = Connection(latency=None)

    def connection(self, sender: str, recipient: str) -> Connection:
        return self._outside if recipient == "outside" else self._inside

    def subscription(self, topic: str, subscriber: str) -> None:
        return None


class Process:
    """One start of the desk on a disk, before a venue that was there before it."""

    def __init__(
        self, disk: FaultyDisk, outside: Outside, *, seed: int, begin_ns: int, sync_every: int,
        ties: Ties, orders: int, segment_bytes: int,
    ) -> None:  # fmt: skip
        self.state = DurableState(
            disk, PROTOCOL, SyncEach(sync_every), run=RUN, code="this", write_each_step=True,
            segment_bytes=segment_bytes,
        )  # fmt: skip
        self.chain = outside.chain
        start_ns = max(begin_ns, self.state.last_ns)
        settings = Settings(seed=seed, start_ns=start_ns, ties=ties)
        ports = Ports(
            link=Ways(), engine=outside, recorder=self.state.journal, protocol=PROTOCOL,
            resumed=self.resumed,
        )  # fmt: skip
        self.kernel = outside.kernel = SimulationKernel(settings, ports)
        self.risk, self.custodian = self._spawn(orders)

    def resumed(self, address: str) -> Resumed:
        """Return what an agent has in the market."""
        return self.custodian.resumed(address)

    def _spawn(self, orders: int) -> tuple[Risk, Custodian]:
        kernel = self.kernel
        ref: Any = kernel.reference
        mandate = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1_000_000_000_000)
        # What costs more than 10 at 100.03 is refused, so that refusals are chained, too.
        limits = {"position": Limit(hard=10_000), "order_notional": Limit(hard=1_000_300_000)}
        given = RiskSettings(
            account="swarm", instruments=(AAPL, *SERIES), reference_ticks=MARKS,
            today=date(1970, 1, 1),
            rules=Rulebook(limits=limits, mandates={OWNER: mandate}),
            cash_micros=1_000_000_000_000,
        )  # fmt: skip
        made: dict[str, Any] = {}

        def put(address: str, actor: Any) -> None:
            made[address] = actor
            kernel.spawn(address, lambda: actor)

        epoch = self.state.epoch
        custodian = ref("desk/custodian")
        put("venue", Door(ActorRef("outside"), custodian, epoch))
        put("human/approvals", Nobody())
        self.witness = Witness()
        put("witness", self.witness)
        kept = CustodianSettings(
            needs_session=True, small_break_lots=1_000, reconcile_every_ns=4_000 * MILLISECOND
        )
        chain = self.chain
        put(AUDITOR, Auditor(chain, CHAIN_KEY, chain.start))
        put("desk/custodian", Custodian(ref("venue"), ref("desk/risk"), kernel.directory(), kept))
        put("desk/risk", Risk(custodian, ref("human/approvals"), kernel.directory(), given, KEYS))
        put(OWNER, Proposer(ref("desk/risk"), orders))
        return made["desk/risk"], made["desk/custodian"]

    def begin(self) -> Recovered:
        """Recover, and begin this process's own segment."""
        self.chain.is_recovering = True
        recovered = self.state.recover(self.kernel, gateways=("venue",))
        self.chain.is_recovering = False
        if recovered.difference is not None:
            raise AssertionError(f"recovery differs: {recovered.difference}")
        self.state.begin(self.kernel)
        self.state.reconciled(self.kernel)
        return recovered
