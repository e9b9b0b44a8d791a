"""From a configuration to a run that stands ready: market, crowd, exchange, kernel, actors."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.crowd.actors import (
    account_numbers,
    draw_arrival,
    owner_ranges,
    spawn_crowd,
    trader_numbers,
)
from agents.crowd.option_traders.spawn import keep_report
from agents.crowd.population import Crowd
from environment.actors import Ports, Protocol, Settings, SimulationKernel
from environment.actors.effects import EffectRunner, ThreadedEffects
from environment.actors.floor import KERNEL
from environment.actors.ports import Recorder
from environment.draws import stream_key
from environment.errors import ConfigError
from environment.instruments import Instrument
from environment.market import exchange as exchange_module, layout as at
from environment.market.calendar import Session
from environment.market.clearing_events import ClearingEvent
from environment.market.clearing_house import ClearingHouse
from environment.market.exchange import Exchange
from environment.market.fees import FeeRow, FeeSchedule, fee_row
from environment.market.market import Market
from environment.market.obligations import Obligation, obligations
from environment.market.publication import Publisher
from environment.market.replay_flow import ReplayFlow
from environment.messages import Message
from environment.record.facts import TapeFacts
from scenarios.builders import day as build_day, options as build_options
from scenarios.builders.checks import naming_the_file
from scenarios.builders.crowd import (
    classes_of,
    classes_of_crowd,
    populations_of,
    tag_of,
    without_crowd,
)
from scenarios.builders.delays import class_of, effect_model
from scenarios.builders.facts import facts_of
from scenarios.builders.floor import SWARM_ACCOUNT, Factory, Floor, floor_accounts, spawn_floor
from scenarios.builders.listings import Listings
from scenarios.builders.network import Network
from scenarios.builders.option_crowd import seat_option_crowd, start_option_day
from scenarios.builders.options import OptionsPlan
from scenarios.builders.paths import PathState, paths_of_day
from scenarios.builders.plan import Plan, make_plan
from scenarios.builders.replay import ACCOUNTS, Recorded
from scenarios.builders.rescale import rescale, rescaled_paths
from scenarios.builders.share_changes import ShareChange, renew
from scenarios.builders.surface import ListedOptions, Valuation
from scenarios.config.load import Config
from scenarios.config.scenario import Scenario


@dataclass
class World:
    """A run that stands ready. `start_day` opens each day; `session_loop` drives the rest.

    Attributes
    ----------
    scales
        By symbol, what corporate actions have made of the price that its path was written for.
    recorded
        The recording that stands in place of a crowd, if one does.
    series
        Listed options by their number in the core.
    house
        The clearing house's desk, its present incarnation last; empty where nothing is exercised.
    options
        What was listed at the start, and what of its chains was not.
    chains
        What real chains say of it, by stock.
    valuations
        By what the options of a stock are valued since its shares have changed, by its number.
    terms
        From when on which terms of the series held: the first ones, then those of each adjustment.
    duties
        How dealers kept their obligations on each day that is over.
    """

    config: Config
    sessions: tuple[Session, ...]
    instruments: tuple[Instrument, ...]
    market: Market
    crowd: Crowd
    exchange: Exchange
    kernel: SimulationKernel
    facts: TapeFacts
    accounts: dict[str, int]
    floor: Floor
    path_state: PathState
    paths: list[dict[str, NDArray[np.float64]]] = field(default_factory=list)
    clearing_events: list[ClearingEvent] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)
    recorded: Recorded | None = None
    series: dict[int, Instrument] = field(default_factory=dict)
    house: list[ClearingHouse] = field(default_factory=list)
    options: OptionsPlan = field(default_factory=OptionsPlan)
    chains: tuple[ListedOptions, ...] = ()
    valuations: dict[int, Valuation] = field(default_factory=dict)
    terms: list[tuple[int, dict[int, Instrument]]] = field(default_factory=list)
    duties: list[list[Obligation]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let what is listed later be the exchange's own."""
        self.exchange.series = self.series
        self.listings = Listings(self)
        self.terms.append((0, dict(self.series)))
        self._changed = set[str]()

    @property
    def numbers(self) -> dict[str, int]:
        """The core's number of each instrument: the stocks, then the series."""
        found = {instrument.symbol: n for n, instrument in enumerate(self.instruments)}
        found |= {series.symbol: n for n, series in self.options.by_number.items()}
        return found | {series.symbol: n for n, series in self.series.items()}

    def start_day(self, number: int) -> None:
        """Put the day's fundamentals, phases, shocks and first wake-ups into the core."""
        session = self.sessions[number]
        if number:
            paths = paths_of_day(self.config, session, number + 1, self.path_state)
            self.paths.append(rescaled_paths(self.config.scenario, paths, self.scales))
            self._renew_fees(session)
        build_day.start_day(
            self.config, self.market, self.crowd, session, number, self.paths[number]
        )
        if number:
            self.duties.append(obligations(self.market.arena))
        build_options.start_day(self.market, number)
        if number:
            self._renew_options(session)
            self.listings.open_morning(session.date, session.start_ns)
        start_option_day(self.crowd, self.chains, session, number)
        if self.recorded is not None:
            self.recorded.start(self.market)

    def rescale(self, symbol: str, change: ShareChange) -> None:
        """Let prices of a stock, and what compiled traders believe, follow a split or dividend."""
        self.scales[symbol] = self.scales.get(symbol, 1.0) * change.price
        self._changed.add(symbol)
        rescale(self.market, self.crowd, self.numbers[symbol], change)

    def valuation(self, chain: ListedOptions) -> Valuation:
        """Return by what a stock's options are valued today."""
        return self.valuations.get(chain.stock, chain.valuation)

    def _renew_options(self, session: Session) -> None:
        """Let the crowd know its series by the terms of a day before which shares changed."""
        if not self._changed:
            return
        for chain in self.chains:
            if chain.symbol in self._changed:
                self.valuations[chain.stock] = renew(
                    self.crowd, chain, self.valuation(chain), self.series, session,
                    self.scales[chain.symbol],
                )  # fmt: skip
        self.terms.append((session.start_ns, dict(self.series)))
        self._changed.clear()

    def _renew_fees(self, session: Session) -> None:
        """Put the day's fees in the place of those of the day before."""
        number = self.floor.accounts.get(SWARM_ACCOUNT)
        if number is not None:
            schedule = int(self.market.section(at.S_ACCOUNT)[number, at.A_FEE])
            fees = msgspec.structs.astuple(
                _fees(self.config.scenario, self.instruments[0], session)
            )
            self.market.section(at.S_FEE)[schedule, : len(fees)] = fees
            self.options.set_fees(self.market, self.config.scenario, schedule, session.date)


def _make_market(
    plan: Plan, on_tape: Callable[[NDArray[np.int64]], None], owners: list[str]
) -> tuple[Market, Crowd, Floor]:
    """Return the core with every instrument, trader and account in it."""
    scenario, recorded = plan.config.scenario, plan.recorded
    traders = sum(crowd.count for crowd in scenario.crowds.values()) + len(plan.chains)
    others = len(floor_accounts(plan.config, plan.agents))
    holder: list[Crowd | ReplayFlow] = [] if recorded is None else [recorded.flow]
    market = Market(
        instruments=len(plan.instruments),
        accounts=traders + others + (0 if recorded is None else len(ACCOUNTS)),
        traders=traders,
        populations=len(scenario.crowds) + len(plan.chains),
        # The crowd, or a replay's flow, is made after its market: it is asked for when it runs.
        advance=lambda arena, until: holder[0].advance(arena, until),  # noqa: PLW0108  see above
        on_tape=on_tape,
    )
    populations = populations_of(
        scenario,
        classes_of(scenario, market),
        {stock.symbol: n for n, stock in enumerate(plan.instruments)},
        plan.sessions[0],
        {symbol: float(path[0]) for symbol, path in plan.paths.items()},
        plan.chains,
        days=len(plan.sessions),
    )
    longest = max((len(path) for path in plan.paths.values()), default=0)
    crowd = Crowd(scenario.seed, populations, longest * len(plan.instruments))
    holder.append(crowd)
    market.floats = crowd.beliefs
    for instrument in plan.instruments:
        start = plan.starts.get(instrument.symbol, 0)
        build_day.add_instrument(market, scenario, instrument, start)
    build_options.add_series(market, plan.options)
    crowd.fill(market, owner_ranges(populations, owners))
    seat_option_crowd(market, crowd, scenario, plan.chains, plan.instruments)
    floor = Floor(
        config=plan.config,
        instruments=plan.instruments,
        sessions=plan.sessions,
        reference_ticks=plan.starts,
        series=plan.options.instruments,
        agents=plan.agents,
    )
    _add_accounts(floor, market, owners, plan.options)
    if recorded is not None:
        recorded.attach(market)
    return market, crowd, floor


def _settings(plan: Plan) -> Settings:
    scenario = plan.config.scenario
    return Settings(
        seed=scenario.seed,
        start_ns=plan.sessions[0].start_ns - 1,
        ties=scenario.ties,
        thinking_ns={kind: int(cost) for kind, cost in scenario.latency.thinking.items()},
        effect_latency={
            kind: effect_model(plan.config, d) for kind, d in scenario.latency.effects.items()
        },
    )


def _make_exchange(
    plan: Plan, market: Market, crowd: Crowd, floor: Floor, owners: list[str]
) -> Exchange:
    symbols = plan.numbers
    exchange = Exchange(
        market,
        symbols=symbols,
        # Between days the clearing house may have to trade for anybody.
        accounts=floor.accounts | account_numbers(crowd, compiled=len(plan.sessions) > 1),
        owners=owners,
        publisher=_make_publisher(plan, market),
        gated=frozenset({SWARM_ACCOUNT}),
        traders=trader_numbers(crowd),
        arrivals=draw_arrival,
        reports=keep_report,
    )
    plan.options.hide_reserve(symbols)
    return exchange


def build(
    config: Config,
    recorder: Recorder,
    on_tape: Callable[[NDArray[np.int64]], None],
    protocol: Protocol,
    agents: dict[str, Factory] | None = None,
    effects: EffectRunner | None = None,
) -> World:
    """Return the world of a configuration, at the start of its first day.

    Raises
    ------
    ConfigError
        For what only building can find: a day without trading, a bar file without that day.
    """
    owners: list[str] = []
    with naming_the_file(config):
        classes = classes_of_crowd(config.scenario, agents or {})
        plan = make_plan(config, without_crowd(agents or {}))
        market, crowd, floor = _make_market(plan, on_tape, owners)
    exchange = _make_exchange(plan, market, crowd, floor, owners)
    ports = Ports(
        link=Network(plan.config.scenario),
        engine=exchange,
        recorder=recorder,
        protocol=protocol,
        effects=ThreadedEffects() if effects is None else effects,
        resumed=floor.resumed,
        went_down=floor.went_down,
    )
    kernel = SimulationKernel(_settings(plan), ports)
    floor.tell = lambda address, message: _deliver(kernel, address, message)
    market.arena[at.H_NOW] = plan.sessions[0].start_ns - 1
    exchange.bind(kernel)
    world = World(
        config=plan.config,
        sessions=plan.sessions,
        instruments=plan.instruments,
        market=market,
        crowd=crowd,
        exchange=exchange,
        kernel=kernel,
        facts=_facts(plan, crowd, floor),
        accounts={},
        floor=floor,
        path_state=plan.state,
        paths=[plan.paths],
        recorded=plan.recorded,
        options=plan.options,
        chains=plan.chains,
        series=plan.options.by_number,
    )
    spawn_crowd(kernel, market, crowd, exchange.names, classes)
    spawn_floor(floor, kernel)
    return world


def _facts(plan: Plan, crowd: Crowd, floor: Floor) -> TapeFacts:
    instruments = (*plan.instruments, *(one.instrument for one in plan.options.rows))
    return facts_of(
        instruments, crowd.populations, tuple(floor.accounts), plan.sessions,
        is_replay=plan.recorded is not None,
    )  # fmt: skip


def _deliver(kernel: SimulationKernel, address: str, message: Message) -> None:
    """Let the kernel itself say something, at this moment."""
    kernel.deliver(kernel.now_ns(), KERNEL, address, message)


def _add_accounts(floor: Floor, market: Market, owners: list[str], options: OptionsPlan) -> None:
    """Add the accounts of the swarm and of the world's actors, each told through its owner."""
    scenario = floor.config.scenario
    latency = scenario.latency
    told = floor_accounts(floor.config, floor.agents)
    if not told:
        return
    acknowledgement = class_of(market, latency.acknowledgement or latency.network)
    fill = class_of(market, latency.fill or latency.network)
    for name, account in told.items():
        owner = len(owners)
        owners.append(account.owner)
        fee = (
            market.add_fee(
                **msgspec.structs.asdict(_fees(scenario, floor.instruments[0], floor.session))
            )
            if (name == SWARM_ACCOUNT)
            else 0
        )
        floor.accounts[name] = market.add_account(
            cash_micros=account.cash_micros, owner=owner, fee=fee,
            flags=(at.ACCOUNT_GATED if name == SWARM_ACCOUNT else 0)
            | (at.ACCOUNT_CASH_ONLY if name == SWARM_ACCOUNT and scenario.account.margin == "cash"
               else 0),
            acknowledgement=acknowledgement, fill=fill,
            key=stream_key(scenario.seed, f"exchange>{account.owner}"),
        )  # fmt: skip
        if name == SWARM_ACCOUNT:
            options.set_fees(market, scenario, fee, floor.session.date)


def _fees(scenario: Scenario, instrument: Instrument, session: Session) -> FeeRow:
    told = scenario.account.fees
    schedule = FeeSchedule(
        maker_per_unit=told.maker_per_share.written(),
        taker_per_unit=told.taker_per_share.written(),
        auction_per_unit=told.taker_per_share.written(),
        regulatory=told.regulatory,
    )  # fmt: skip
    return fee_row(schedule, instrument, session.date)


def _make_publisher(plan: Plan, market: Market) -> Publisher:
    """Return the publisher of every feed of every instrument."""
    series = {one.symbol: one for one in plan.options.instruments}
    publisher = Publisher(list(plan.numbers), exchange_module.ADDRESS, series)
    scenario = plan.config.scenario
    latency = scenario.latency
    feed = class_of(market, latency.feed or latency.network)
    for symbol, number in plan.numbers.items():
        key = stream_key(scenario.seed, f"exchange>market/{symbol}")
        publisher.offer(symbol, number, feed, key >> 8)
    return publisher


__all__ = ["SWARM_ACCOUNT", "ConfigError", "World", "build", "tag_of"]
