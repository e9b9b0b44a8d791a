"""The swarm in the worlds of a fork preview: its own agents, and a desk that asks nobody.

Agents are those of the swarm file that trade the order's stock: quantitative ones as they are, and
language agents on written rules, offline. Those that read texts stand still, for what will be
written is the real path of the day; so do those of listed options, of which no world has a chain.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, assert_never

import msgspec

from agents.desk.coordinator import Coordinator
from agents.desk.execution import Execution
from agents.desk.exposure import owner_of
from agents.desk.portfolio import Portfolio
from agents.desk.working_order import ParentOver, ParentWithheld
from brokers.simulated import VENUE_ADDRESS
from brokers.venue_server import DOOR
from environment.actors import Actor, ActorContext, ActorRef, Directory
from environment.market.exchange import ADDRESS as EXCHANGE
from environment.messages import (
    ApprovedOrder,
    CancelOrder,
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    ReplaceOrder,
    ReplaceRequest,
    Resumed,
    SubmitOrder,
    TimerFired,
)
from scenarios.builders.floor import (
    COORDINATOR,
    EXECUTION,
    PORTFOLIO,
    SWARM_ACCOUNT,
    Factory,
    Floor,
    spawn_agent,
)
from scenarios.builders.views import (
    coordinator_settings,
    execution_settings,
    portfolio_settings,
)
from scenarios.config import swarm as told
from scenarios.config.models import Offline
from scenarios.config.swarm import Swarm

LOOK_NS: Final = 5_000_000_000  # Between two looks of an agent at the market.
OWN: Final = "preview/1"  # The order that is previewed.
_ACTING: Final = (
    told.Metronome, told.MarketMaker, told.Trend, told.MeanReversion, told.FlowImbalance,
    told.Technical, told.Volatility, told.Debate,
)  # fmt: skip

ToDesk = (
    Resumed | TimerFired | OrderRequest | ReplaceRequest | CancelRequest | ParentOver
    | ParentWithheld | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced
    | OrderTriggered
)  # fmt: skip


class PreviewDesk(Actor[ToDesk]):
    """Enters what agents ask for, at once and for all of them, and tells each what became of it.

    It stands at the venue's address. The order that is previewed leaves here too, after a while.
    """

    KIND: ClassVar[str] = "preview_desk"

    def __init__(
        self, owners: Directory[OrderEvent], own: SubmitOrder | None, after_ns: int
    ) -> None:
        self._owners = owners
        self._exchange: ActorRef[SubmitOrder | ReplaceOrder | CancelOrder] = ActorRef(EXCHANGE)
        self._execution: ActorRef[ApprovedOrder | CancelOrder] = ActorRef(EXECUTION)
        self._own = own
        self._after_ns = after_ns
        self.filled = 0  # Lots of the order that is previewed.
        self._parents: set[str] = set()

    def receive(self, ctx: ActorContext, message: ToDesk) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                if self._own is not None:
                    ctx.after(max(self._after_ns - ctx.now_ns(), 1))
            case TimerFired():
                assert self._own is not None, "no timer is set without one"
                ctx.send(self._exchange, self._own)
            case OrderRequest():
                self._on_order(ctx, message)
            case ReplaceRequest(order_id=order_id, quantity=quantity, price=price):
                ctx.send(
                    self._exchange, ReplaceOrder(order_id=order_id, quantity=quantity, price=price)
                )
            case CancelRequest(order_id=order_id):
                cancel = CancelOrder(order_id=order_id)
                ctx.send(self._execution if order_id in self._parents else self._exchange, cancel)
            case ParentOver(order_id=order_id) | ParentWithheld(order_id=order_id):
                self._parents.discard(order_id)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case never:
                assert_never(never)

    def _on_order(self, ctx: ActorContext, order: OrderRequest) -> None:
        if order.style != "direct":
            self._parents.add(order.order_id)
            ctx.send(self._execution, ApprovedOrder(
                order=order, owner=owner_of(order.order_id), account=SWARM_ACCOUNT, verdict_id=1
            ))  # fmt: skip
        elif order.legs:
            refusal = OrderRefused(order_id=order.order_id, reason="no options trade here")
            self._tell(ctx, refusal)
        else:
            ctx.send(self._exchange, submission(order))

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        if event.order_id == OWN:
            self.filled += event.quantity if isinstance(event, OrderFilled) else 0
        else:
            self._tell(ctx, event)

    def _tell(self, ctx: ActorContext, event: OrderEvent) -> None:
        owner = owner_of(event.order_id)
        if owner in self._owners:
            ctx.send(self._owners[owner], event)


def submission(order: OrderRequest) -> SubmitOrder:
    """Return a request as the exchange takes it."""
    return SubmitOrder(
        order_id=order.order_id, account=SWARM_ACCOUNT, instrument=order.instrument,
        side=order.side, quantity=order.quantity, order_type=order.order_type, price=order.price,
        stop_price=order.stop_price, time_in_force=order.time_in_force, hidden=order.hidden,
        post_only=order.post_only,
    )  # fmt: skip


def standing_in(swarm: Swarm | None, symbol: str) -> Swarm | None:
    """Return the part of a swarm that can act in a world of one stock, models all offline."""
    if swarm is None:
        return None
    agents: dict[str, told.AgentKind] = {
        address: msgspec.structs.replace(
            agent, mandate=msgspec.structs.replace(agent.mandate, instruments=(symbol,))
        )
        for address, agent in swarm.agents.items()
        if address in swarm.swarm and isinstance(agent, _ACTING)
        and symbol in agent.mandate.instruments
    }  # fmt: skip
    return Swarm(
        version=1, name=swarm.name, swarm=tuple(agents), agents=agents,
        models=dict.fromkeys(swarm.models, Offline()), portfolio=swarm.portfolio,
    )  # fmt: skip


def standing_still(swarm: Swarm | None, symbol: str) -> tuple[str, ...]:
    """Return who of a swarm trades a stock or its options, and cannot act in a world of it."""
    if swarm is None:
        return ()
    acting = standing_in(swarm, symbol)
    assert acting is not None, "there is a swarm"
    scopes = {symbol, f"{symbol}/options"}
    return tuple(
        address for address in swarm.swarm
        if address not in acting.agents and scopes & {*swarm.agents[address].mandate.instruments}
    )  # fmt: skip


def on_rules(swarm: Swarm | None) -> tuple[str, ...]:
    """Return whose model is one of written rules in these worlds, whatever it is outside."""
    agents = {} if swarm is None else swarm.agents
    return tuple(a for a, agent in agents.items() if isinstance(agent, told.LanguageAgent))


def looks_at_all(swarm: Swarm | None) -> bool:
    """Return whether somebody reckons with every change of the touch, not with a look at times."""
    agents = () if swarm is None else swarm.agents.values()
    return any(isinstance(agent, told.FlowImbalance) for agent in agents)


def factories(swarm: Swarm | None, own: SubmitOrder | None, after_ns: int) -> dict[str, Factory]:
    """Return who stands where in a world: the desk, and whoever of the swarm can act.

    The order that is previewed leaves `after_ns` after the open.
    """
    found: dict[str, Factory] = {
        DOOR: lambda _: Still(),
        VENUE_ADDRESS: lambda floor: PreviewDesk(
            Directory(lambda _: True), own, floor.session.open_ns + after_ns
        ),
    }
    if swarm is None or not swarm.swarm:
        return found
    desk: ActorRef[Any] = ActorRef(VENUE_ADDRESS)

    def coordinator(floor: Floor) -> Actor[Any]:
        return _slowed(Coordinator(coordinator_settings(floor.instruments, swarm.agents, ())))

    def portfolio(floor: Floor) -> Actor[Any]:
        settings = portfolio_settings(floor.config, floor.instruments, ())
        return _slowed(Portfolio(desk, settings))

    def execution(floor: Floor) -> Actor[Any]:
        settings = execution_settings(floor.instruments, floor.sessions, ())
        return Execution(desk, Directory(lambda _: True), settings)

    found |= {COORDINATOR: coordinator, PORTFOLIO: portfolio, EXECUTION: execution}
    for address, agent in swarm.agents.items():
        found[address] = _factory(address, agent, desk)
    return found


def _factory(address: str, agent: told.Agent, desk: ActorRef[Any]) -> Factory:
    def make(floor: Floor) -> Actor[Any]:
        stage = _Stage()
        spawn_agent(floor, stage, address, agent, desk, ActorRef(COORDINATOR))
        return _slowed(stage.made[address]())

    return make


def _slowed(actor: Actor[Any]) -> Actor[Any]:
    """Return an agent that looks at the market less often: ten times as many worlds are drawn."""
    held = vars(actor)
    settings = held.get("_settings")
    if settings is not None and hasattr(settings, "quotes_every_ns"):
        held["_settings"] = msgspec.structs.replace(settings, quotes_every_ns=LOOK_NS)
    return actor


class _Stage:
    """Where an agent's maker is left, to be called here."""

    def __init__(self) -> None:
        self.made: dict[str, Callable[[], Actor[Any]]] = {}

    def spawn(self, address: str, factory: Callable[[], Actor[Any]]) -> ActorRef[Any]:
        """Keep a maker."""
        self.made[address] = factory
        return ActorRef(address)

    def reference(self, address: str) -> ActorRef[Any]:
        """Return a reference to an address."""
        return ActorRef(address)

    def directory(self) -> Directory[Any]:
        """Return references by address."""
        return Directory(lambda _: True)


class Still(Actor[Resumed]):
    """Stands at the venue's door, behind which a swarm of another process would be."""

    KIND: ClassVar[str] = "still"

    def receive(self, ctx: ActorContext, message: Resumed) -> None:
        """Handle one message."""
