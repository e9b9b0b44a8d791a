"""Custodian and venue over a link that loses, doubles, delays and reorders, on the real kernel.

Whatever the link does: no order reaches the exchange twice, none is lost unseen, none is left
without an owner, and both sides end with the same position.
"""

from typing import Any

from hypothesis import given, settings, strategies as st

from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings
from brokers.simulated import SimulatedVenue
from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Connection,
    Lognormal,
    Ports,
    Settings,
    SimulationKernel,
)
from environment.control_messages import LowerDesk, OutcomeUnknown
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderEvent,
    OrderRequest,
    ReplaceRequest,
    Resumed,
    TimerFired,
)
from environment.venue_messages import PositionBooked
from tests.unit.desk.factories import KEYS, sealed
from tests.unit.desk.stub_exchange import BEAT_NS, Exchange

OWNER = "quant/maker"
SECOND = 1_000_000_000


class Faults:
    """The link between custodian and venue; everything else is sound."""

    def __init__(self, loss: float, doubling: float, sigma: float) -> None:
        self._faulty = Connection(
            latency=Lognormal(median_ns=20_000_000, sigma=sigma), loss=loss, doubling=doubling,
            may_overtake=True,
        )  # fmt: skip
        self._sound = Connection()
        self._exchange = Connection(latency=None)

    def connection(self, sender: str, recipient: str) -> Connection:
        if {sender, recipient} == {"desk/custodian", "venue"}:
            return self._faulty
        return self._exchange if recipient == "exchange" else self._sound

    def subscription(self, topic: str, subscriber: str) -> None:
        return None


class Proposer(Actor[Resumed | TimerFired | OrderEvent]):
    """Sends approved orders, replaces and cancels on a beat, and hears what becomes of them."""

    def __init__(self, custodian: ActorRef[Any], plan: list[tuple[str, int]]) -> None:
        self._custodian, self._plan = custodian, plan
        self.number = self.step = 0
        self.position = 0
        self.last: dict[str, str] = {}  # The last word on each order.

    def receive(self, ctx: ActorContext, message: Any) -> None:
        if isinstance(message, Resumed | TimerFired):
            if self.step < len(self._plan):
                ctx.after(BEAT_NS // 2)
                self._act(ctx, *self._plan[self.step])
                self.step += 1
            return
        self.last[message.order_id] = type(message).__name__
        if type(message).__name__ == "OrderFilled":
            self.position += message.quantity if message.side == "buy" else -message.quantity

    def _act(self, ctx: ActorContext, verb: str, offset: int) -> None:
        if verb in {"buy", "sell"}:
            self.number += 1
            price = 10_030 + (offset if verb == "buy" else -offset)
            order = OrderRequest(
                order_id=f"{OWNER}/{self.number}", instrument="AAPL", side=verb, quantity=40,  # type: ignore[arg-type]
                price=price,
            )  # fmt: skip
            approved = ApprovedOrder(
                order=order, owner=OWNER, account="swarm", verdict_id=1_000 + self.step
            )
            ctx.send(self._custodian, sealed(approved))
        elif not self.number:
            return
        elif verb == "cancel":
            ctx.send(self._custodian, CancelOrder(order_id=f"{OWNER}/{self.number}"))
        else:
            change = ReplaceRequest(
                order_id=f"{OWNER}/{self.number}", quantity=50, price=10_030 + offset
            )
            replace = ApprovedReplace(order=change, owner=OWNER, verdict_id=1_000 + self.step)
            ctx.send(self._custodian, sealed(replace))


class Risk(Actor[Any]):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.unknown = self.position = 0
        self.lowered: list[str] = []

    def receive(self, ctx: ActorContext, message: Any) -> None:
        match message:
            case OutcomeUnknown(unknown=unknown):
                self.unknown = unknown
            case LowerDesk(reason=reason):
                self.lowered.append(reason)
            case PositionBooked(change=change):
                self.position += change
            case _:
                if type(message).__name__ == "OrderFilled":
                    signed = message.quantity if message.side == "buy" else -message.quantity
                    self.position += signed


class Table:
    """The four of them, and a stub exchange."""

    def __init__(self, seed: int, plan: list[tuple[str, int]], link: Faults) -> None:
        self.exchange, self.actors = Exchange(), dict[str, Any]()
        self.kernel = SimulationKernel(
            Settings(seed=seed, ties="seeded"), Ports(link=link, engine=self.exchange)
        )
        self.exchange.kernel = self.kernel
        ref: Any = self.kernel.reference
        owners: Any = self.kernel.directory()
        kept = CustodianSettings(reconcile_every_ns=10 * SECOND, small_break_lots=0)
        custody, desk = ref("desk/custodian"), ref("desk/risk")
        venue = SimulatedVenue(ref("exchange"), custody, "swarm", KEYS.gate(), desk)
        self.put("venue", venue)
        custodian = Custodian(ref("venue"), ref("desk/risk"), owners, kept)
        self.put("desk/custodian", custodian)
        self.put("desk/risk", Risk())
        self.put(OWNER, Proposer(ref("desk/custodian"), plan))

    def put(self, address: str, actor: Actor[Any]) -> None:
        self.actors[address] = actor
        self.kernel.spawn(address, lambda: actor)

    def run(self, beats: int) -> None:
        self.kernel.run_until(beats * BEAT_NS)


verbs = st.tuples(
    st.sampled_from(["buy", "sell", "cancel", "replace"]), st.sampled_from([-40, -5, 0, 5, 40])
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    plan=st.lists(verbs, min_size=1, max_size=30),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    doubling=st.sampled_from([0.0, 0.2]),
    sigma=st.sampled_from([0.2, 1.5, 2.5]),
)
def test_no_order_is_doubled_lost_or_left_unknown(
    seed: int, plan: list[tuple[str, int]], loss: float, doubling: float, sigma: float
) -> None:
    table = Table(seed, plan, Faults(loss, doubling, sigma))
    table.run(len(plan) + 120)
    assert table.kernel.dead_letters == ()
    custodian, owner, risk = (table.actors[name] for name in ("desk/custodian", OWNER, "desk/risk"))
    assert owner.step == len(plan)
    entered = [order.order_id for order in table.exchange.submitted]
    assert len(entered) == len(set(entered))
    assert custodian.state.table.unknown() == risk.unknown == 0
    assert custodian.state.breaks == {}
    # Whatever works is in the table, and nothing else is.
    assert custodian.state.table.orders.keys() == table.exchange.orders.keys()
    held = table.exchange.accounts.get("venue", 0)
    assert custodian.state.table.positions.get("AAPL", 0) == held
    assert (owner.position, risk.position) == (held, held)
    # Every order came to something that its owner heard of.
    assert len(owner.last) == owner.number
    never = {name for name, word in owner.last.items() if word == "OrderRefused"} - set(entered)
    assert never | set(entered) == set(owner.last)


def test_sound_link_asks_nothing() -> None:
    plan = [("buy", 0), ("sell", 0), ("cancel", 0)] * 5
    table = Table(1, plan, Faults(0.0, 0.0, 0.2))
    table.run(100)
    state = table.actors["desk/custodian"].state
    assert (state.doubled, table.actors["venue"].state.session) == (0, 0)
