"""Everybody with an account of his own: the swarm behind its gate, and the world's actors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec

from agents.crowd.followers import Followers, FollowersSettings
from agents.desk.auditor import ADDRESS as AUDITOR, Auditor
from agents.desk.controls import Mandate, Rulebook, join_mandates
from agents.desk.coordinator import Coordinator
from agents.desk.custodian import ADDRESS as CUSTODIAN, Custodian
from agents.desk.custodian_state import CustodianSettings
from agents.desk.execution import Execution
from agents.desk.portfolio import Portfolio
from agents.desk.risk import Risk, RiskSettings
from agents.human.approvals import Approvals
from agents.human.panel_gateway import Outlet, PanelGateway
from agents.human.script import ScriptedApprover
from agents.quant.market_maker import MarketMaker, MarketMakerSettings
from agents.quant.metronome import Metronome, MetronomeSettings
from agents.quant.programme_seller import ProgrammeSeller, ProgrammeSettings
from brokers.simulated import SimulatedVenue
from brokers.venue_server import DOOR
from environment.actors import Actor, ActorRef, Directory
from environment.actors.live_kernel import LiveKernel
from environment.authority import Keys, keys_of_seed
from environment.draws import stream_key
from environment.errors import ConfigError
from environment.instruments import Instrument
from environment.market.calendar import Session
from environment.market.exchange import ADDRESS as EXCHANGE
from environment.messages import Message, Resumed
from environment.record.audit import AuditHeader, AuditLog, AuditSink, HeadKey, start_of
from environment.venue_messages import OwnerDown
from scenarios.builders.analysts import analyst_factory, feed_factories
from scenarios.builders.desk import PANEL, SCRIPT, approval_settings, rulebook_of, script_settings
from scenarios.builders.feeds import feeds_in_use
from scenarios.builders.history import day_values, past_returns
from scenarios.builders.paths import clock_ns
from scenarios.builders.quant import quant_factory
from scenarios.builders.views import coordinator_settings, execution_settings, portfolio_settings
from scenarios.config import swarm as told
from scenarios.config.desk import Limits
from scenarios.config.load import Config
from scenarios.config.world import Followers as ToldFollowers, WorldActor

SWARM_ACCOUNT, VENUE, RISK, PORTFOLIO = "swarm", "venue", "desk/risk", "desk/portfolio"
COORDINATOR, APPROVALS = "desk/coordinator", "human/approvals"
EXECUTION = "desk/execution"
CROWD = "crowd/"  # Where the background's traders stand: see `builders.crowd.classes_of_crowd`.
REFRESH_NS = 1_000_000_000  # Wall time between two looks at the figures of a waiting card.
# An agent made in Python: from the floor (its references) to the actor. A class for a population of
# the crowd takes what the class in its place does.
Factory = Callable[..., Actor[Any]]


class FloorAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account outside the crowd, and the address that is told of its orders."""

    owner: str
    cash_micros: int


@dataclass
class Floor:
    """What the actors outside the crowd are made from, and the references they may hold.

    `agents` are the reader's own, by address: each gets the floor and returns an actor.
    """

    config: Config
    instruments: tuple[Instrument, ...]
    sessions: tuple[Session, ...]
    reference_ticks: dict[str, int]
    series: tuple[Instrument, ...] = ()  # Listed options on them.
    agents: dict[str, Factory] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    tell: Callable[[str, Message], None] | None = None  # How the kernel itself says something.
    custodian: Custodian | None = None  # Of the present incarnation, as is the next.
    desk: Risk | None = None
    portfolio: Portfolio | None = None
    execution: Execution | None = None
    audit: AuditLog | None = None  # A run's chain of what is decided, once there is a desk.
    trail: AuditSink | None = None  # Where a daemon keeps that chain instead.
    outlet: Outlet | None = None  # Where a panel's server listens; a replay has none.

    def resumed(self, address: str) -> Resumed:
        """Return what an actor has in the market, as its first message."""
        return Resumed() if self.custodian is None else self.custodian.resumed(address)

    def went_down(self, address: str) -> None:
        """Have the custodian cancel what an actor that failed has working."""
        if self.custodian is not None and self.tell is not None:
            self.tell(CUSTODIAN, OwnerDown(address=address))

    def tell_panel(
        self, sender: str, message: Message, number: int, rests_on: tuple[int, ...]
    ) -> None:
        """Hand on what the panel's actor hears; the server comes after the run was built."""
        if self.outlet is not None:
            self.outlet(sender, message, number, rests_on)

    @property
    def session(self) -> Session:
        """Return the first day."""
        return self.sessions[0]

    @property
    def coordinator(self) -> ActorRef[Any]:
        """Where a `Signal` goes."""
        return ActorRef(COORDINATOR)

    @property
    def risk(self) -> ActorRef[Any]:
        """Where an `OrderRequest` goes: the only order reference that an agent ever holds."""
        return ActorRef(RISK)


def pace_of(config: Config) -> float:
    """Return market seconds a wall second where a person sits at a panel; 0 where none does."""
    approver = config.scenario.approver
    return approver.pace if approver is not None and approver.kind == "person" else 0.0


def has_swarm(config: Config, agents: dict[str, Factory]) -> bool:
    """Return whether anybody trades through the desk."""
    own = any(not address.startswith(CROWD) for address in agents)
    return own or (config.swarm is not None and bool(config.swarm.swarm))


def floor_accounts(config: Config, agents: dict[str, Factory]) -> dict[str, FloorAccount]:
    """Return the accounts outside the crowd, by name."""
    found: dict[str, FloorAccount] = {}
    if has_swarm(config, agents):
        cash = int(config.scenario.account.cash)
        found[SWARM_ACCOUNT] = FloorAccount(owner=VENUE, cash_micros=cash)
    for address, actor in config.scenario.actors.items():
        found[address] = FloorAccount(owner=address, cash_micros=int(actor.cash))
    return found


class Stage(Protocol):
    """What a floor needs of a kernel to be put on it: the simulation's or the live one."""

    def spawn(self, address: str, factory: Callable[[], Actor[Any]]) -> ActorRef[Any]:
        """Put an actor at an address."""

    def reference(self, address: str) -> ActorRef[Any]:
        """Return a reference to an actor that is, or will be, at an address."""

    def directory(self) -> Directory[Any]:
        """Return references by address."""


def spawn_floor(floor: Floor, kernel: Stage) -> None:
    """Put the desk, the swarm's agents and the world's actors at their addresses."""
    exchange: ActorRef[Any] = kernel.reference(EXCHANGE)
    for address, actor in floor.config.scenario.actors.items():
        _spawn_world_actor(floor, kernel, exchange, address, actor)
    if not has_swarm(floor.config, floor.agents):
        return
    if DOOR in floor.agents:  # The swarm is another process, behind the venue's door.
        for address, factory in floor.agents.items():
            kernel.spawn(address, partial(factory, floor))
        return
    risk, custodian = kernel.reference(RISK), kernel.reference(CUSTODIAN)
    keys = keys_of_seed(floor.config.scenario.seed)
    kernel.spawn(
        VENUE, lambda: SimulatedVenue(exchange, custodian, SWARM_ACCOUNT, keys.gate(), risk)
    )
    # A script reads the record alone; only a person sees figures move.
    refresh_ns = round(REFRESH_NS * pace_of(floor.config))
    spawn_swarm(floor, kernel, keys, CustodianSettings(), refresh_ns=refresh_ns)


def spawn_swarm(
    floor: Floor, kernel: Stage, keys: Keys, kept: CustodianSettings, *, refresh_ns: int
) -> None:
    """Put custodian, desk and agents at their addresses; a venue stands at `venue` already."""
    risk, coordinator = kernel.reference(RISK), kernel.reference(COORDINATOR)
    venue, owners = kernel.reference(VENUE), kernel.directory()
    watcher = kernel.reference(PANEL) if pace_of(floor.config) else None

    def make_custodian() -> Custodian:
        floor.custodian = Custodian(venue, risk, owners, kept, watcher)
        return floor.custodian

    kernel.spawn(CUSTODIAN, make_custodian)
    _spawn_desk(floor, kernel, keys, refresh_ns)
    swarm = _swarm_of(floor.config)
    views = coordinator_settings(floor.instruments, swarm, tuple(floor.agents))
    kernel.spawn(COORDINATOR, lambda: Coordinator(views))
    sizing = portfolio_settings(floor.config, floor.instruments, floor.series)

    def make_portfolio() -> Portfolio:
        floor.portfolio = Portfolio(risk, sizing)
        return floor.portfolio

    kernel.spawn(PORTFOLIO, make_portfolio)
    is_live = isinstance(kernel, LiveKernel)
    for address, feed in feed_factories(floor.config, floor.session, is_live=is_live).items():
        kernel.spawn(address, feed)
    for address, agent in swarm.items():
        spawn_agent(floor, kernel, address, agent, risk, coordinator)
    for address, factory in floor.agents.items():
        kernel.spawn(address, partial(factory, floor))


def _spawn_desk(floor: Floor, kernel: Stage, keys: Keys, refresh_ns: int) -> None:
    """Put risk, the approval agent and whoever answers at their addresses."""
    approvals, risk = kernel.reference(APPROVALS), kernel.reference(RISK)
    custodian, owners = kernel.reference(CUSTODIAN), kernel.directory()
    execution = kernel.reference(EXECUTION)
    desk = msgspec.structs.replace(_risk_settings(floor), refresh_ns=refresh_ns)

    def make_risk() -> Risk:
        floor.desk = Risk(custodian, approvals, owners, desk, keys, execution)
        return floor.desk

    kernel.spawn(RISK, make_risk)
    slicing = execution_settings(floor.instruments, floor.sessions, floor.series)

    def make_execution() -> Execution:
        floor.execution = Execution(risk, owners, slicing)
        return floor.execution

    kernel.spawn(EXECUTION, make_execution)
    settings = approval_settings(floor.config, is_live=isinstance(kernel, LiveKernel))
    kernel.spawn(APPROVALS, lambda: Approvals(risk, settings, keys))
    _spawn_auditor(floor, kernel, keys)
    if pace_of(floor.config):
        symbols = tuple(instrument.symbol for instrument in floor.instruments)
        feeds = tuple(feeds_in_use(floor.config))
        kernel.spawn(PANEL, lambda: PanelGateway(floor.tell_panel, approvals, symbols, feeds, risk))
    script = script_settings(floor.config, floor.sessions)
    if script is not None:
        kernel.spawn(SCRIPT, lambda: ScriptedApprover(approvals, script))


def _spawn_auditor(floor: Floor, kernel: Stage, keys: Keys) -> None:
    """Put the auditor at its address; a run's floor keeps the chain until it is written."""
    scenario, key = floor.config.scenario, HeadKey(keys.audit)
    subject = f"{scenario.name}, seed {scenario.seed}"
    sink = floor.trail
    if sink is None:
        sink = floor.audit = AuditLog(AuditHeader(subject=subject, public_key=key.public))
    kernel.spawn(AUDITOR, lambda: Auditor(sink, key, start_of(sink.header)))


def _swarm_of(config: Config) -> dict[str, told.Agent]:
    if config.swarm is None:
        return {}
    return {address: config.swarm.agents[address] for address in config.swarm.swarm}


def rules_of(config: Config, floor: Floor) -> Rulebook:
    """Return limits, mandates and approval rules of a configuration, for the agents of a floor."""
    agents = _swarm_of(config)
    stocks = tuple(instrument.symbol for instrument in floor.instruments)
    everything = Mandate(
        instruments=(*stocks, *(f"{symbol}/options" for symbol in stocks)), notional_micros=1 << 60
    )
    mandates = {
        address: Mandate(
            instruments=agent.mandate.instruments, notional_micros=int(agent.mandate.notional)
        )
        for address, agent in agents.items()
    }
    mandates |= dict.fromkeys(floor.agents, everything)
    # The portfolio orders for those who signal; who orders for himself has a mandate of his own.
    mandates[PORTFOLIO] = join_mandates(
        [mandate for address, mandate in mandates.items()
         if not isinstance(agents.get(address), told.MarketMaker | told.Metronome)]
    )  # fmt: skip
    swarm = config.swarm
    limits, breakers, approval = (
        (swarm.limits, swarm.breakers, swarm.approval) if swarm else (Limits(), None, None)
    )
    return rulebook_of(limits, breakers, approval, mandates, pace_of(config) or 1.0)


def _risk_settings(floor: Floor) -> RiskSettings:
    scenario = floor.config.scenario
    return RiskSettings(
        account=SWARM_ACCOUNT,
        instruments=floor.instruments + floor.series,
        rules=rules_of(floor.config, floor),
        reference_ticks=floor.reference_ticks,
        cash_micros=int(scenario.account.cash),
        margin=scenario.account.margin,
        today=floor.session.date,
        returns=past_returns(floor.config, floor.session.date),
        day_micros=day_values(floor.config, floor.session.date),
        key=stream_key(scenario.seed, "desk/risk/scenarios"),
    )


def _chosen(floor: Floor, agent: told.Agent) -> tuple[Instrument, ...]:
    named = {scope.removesuffix("/options") for scope in agent.mandate.instruments}
    return tuple(i for i in floor.instruments if i.symbol in named)


def spawn_agent(
    floor: Floor, kernel: Stage, address: str, agent: told.Agent,
    risk: ActorRef[Any], coordinator: ActorRef[Any],
) -> None:  # fmt: skip
    """Put one of the swarm file's agents at its address."""
    chosen = _chosen(floor, agent)
    symbols = tuple(i.symbol for i in chosen)
    if not chosen:
        known = ", ".join(i.symbol for i in floor.instruments)
        raise ConfigError(
            f"agents.{address}.mandate.instruments names nothing that this scenario trades; "
            f"it trades {known}"
        )
    match agent:
        case told.MarketMaker():
            maker = MarketMakerSettings(
                instruments=chosen, quantity=agent.quantity, half_spread=agent.half_spread,
                notional_micros=int(agent.mandate.notional), refill_ns=int(agent.refill),
            )  # fmt: skip
            kernel.spawn(address, lambda: MarketMaker(risk, maker))
        case told.Metronome():
            beat = MetronomeSettings(
                instruments=symbols, quantity=agent.quantity, every_ns=int(agent.every)
            )
            kernel.spawn(address, lambda: Metronome(risk, beat))
        case _:
            if isinstance(agent, told.VolatilityPremium):
                _check_series(floor, address, symbols)
            day = floor.session.date
            factory = quant_factory(
                floor.config, agent, chosen, day, coordinator
            ) or analyst_factory(floor.config, agent, chosen, floor.session, coordinator)
            if factory is None:
                raise ConfigError(
                    f"agents.{address}.kind is not in this version; take it out to run"
                )
            kernel.spawn(address, factory)


def _check_series(floor: Floor, address: str, symbols: tuple[str, ...]) -> None:
    listed = {series.underlying for series in floor.series}
    lacking = [symbol for symbol in symbols if symbol not in listed]
    if lacking:
        raise ConfigError(
            f"agents.{address}.mandate.instruments: no options of {', '.join(lacking)} are listed "
            "in this world; name a scenario that has instruments.options, or take the agent out"
        )


def _spawn_world_actor(
    floor: Floor, kernel: Stage, exchange: ActorRef[Any], address: str, actor: WorldActor,
) -> None:  # fmt: skip
    if isinstance(actor, ToldFollowers):
        followers = FollowersSettings(
            account=address, instrument=actor.instrument, count=actor.count, size=actor.size,
            every_ns=int(actor.every), herd=actor.herd, follow=actor.follow,
        )  # fmt: skip
        kernel.spawn(address, lambda: Followers(exchange, followers))
        return
    settings = ProgrammeSettings(
        account=address, instrument=actor.instrument, quantity=actor.quantity,
        at_ns=clock_ns(floor.sessions[actor.day - 1], actor.at), participation=actor.participation,
        every_ns=int(actor.every),
    )  # fmt: skip
    kernel.spawn(address, lambda: ProgrammeSeller(exchange, settings))
