"""A small market of every kind of crowd trader, built twice: as compiled rows, and as actors."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from agents.crowd import flow, reference as ref
from agents.crowd.actors import (
    account_numbers,
    as_actors,
    draw_arrival,
    owner_ranges,
    spawn_crowd,
    thinking_ns,
    trader_numbers,
)
from agents.crowd.population import Crowd, Population
from environment.actors import Connection, Ports, Settings, SimulationKernel
from environment.actors.latency import Constant, LatencyModel
from environment.actors.ports import NoRecorder, Recorder
from environment.market import layout as at
from environment.market.exchange import Exchange
from environment.market.market import Market
from environment.market.publication import Publisher

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
OPENS_NS = 1_612_535_400 * SECOND_NS
SYMBOLS = ("ABM", "XYZ")
COUNT = 20
LAST_CLOSE = 10_000
_PHASES = ((0, at.CONTINUOUS), (3_500, at.CLOSING_AUCTION), (3_600, at.POST_CLOSE))
_ORDER, _FEED, _ANSWER = 1, 2, 3  # Latency classes, in order of adding; 0 is the core's own.


class CrowdLink:
    """A network on which the core draws the crowd's delays to the exchange."""

    def connection(self, sender: str, recipient: str) -> Connection:
        """Return how `sender` reaches `recipient`."""
        is_crowd = sender.startswith("crowd/") and recipient == "exchange"
        return Connection(latency=None if is_crowd else Constant(nanoseconds=1))

    def subscription(self, topic: str, subscriber: str) -> LatencyModel | None:
        """Return None: the topic's latency holds for all."""
        return None


def population(
    kind: int, floats: dict[int, float], integers: dict[int, int] | None = None, *,
    count: int = COUNT, size: tuple[int, int] = (0, 0), closes_ns: int = OPENS_NS + HOUR_NS,
) -> Population:  # fmt: skip
    """Return a population on both stocks, active for the hour, named by its kind."""
    return Population(
        name=at.TRADER_KINDS[kind], kind=kind, count=count, instruments=(0, 1),
        cash_micros=10**12, holding=1_000, order_latency=_ORDER, feed_latency=_FEED,
        acknowledgement_latency=_ANSWER, fill_latency=_ANSWER, busy_ns=50, opens_ns=OPENS_NS,
        closes_ns=closes_ns, size=size, integers=integers or {}, floats=floats,
        memory=12 if kind == at.MOMENTUM else 0,
    )  # fmt: skip


POPULATIONS = {
    at.NOISE: population(
        at.NOISE, {ref.F_WAKES: 60.0, ref.F_PASSIVE: 0.5, ref.F_DEPTH_TAIL: 1.5,
                   ref.F_DEPTH_SCALE: 2.0, ref.F_U_WEIGHT: 1.0, ref.F_SHARE: 0.3},
        {ref.U_REFRESH: 1, ref.U_LONGEST: 40},
    ),
    at.VALUE: population(
        at.VALUE, {ref.F_REVERSION: 1.67e-15, ref.F_BAR: 10_000.0, ref.F_VARIANCE: 100.0,
                   ref.F_RATE: 2e-11, ref.F_AGGRESSIVE: 0.1, ref.F_SHOCK: 1e-9},
        {ref.U_DEPTH: 2},
    ),
    at.MOMENTUM: population(
        at.MOMENTUM, {ref.F_RATE: 37e9}, {ref.U_FAST: 4, ref.U_SLOW: 12}, size=(1, 10)
    ),
    at.ADAPTIVE_MAKER: population(
        at.ADAPTIVE_MAKER, {ref.F_SHARE: 0.025, ref.F_SPREAD_WEIGHT: 0.75, ref.F_RATE: 60e9,
                            ref.F_BAR: 8.0, ref.F_SKEW: 0.001},
        {ref.U_LEVELS: 5, ref.U_SPACING: 1, ref.U_MINIMUM: 10, ref.U_BACKSTOP: 50},
    ),
    at.HAWKES: population(
        at.HAWKES, {ref.F_RATE: 2e-11, ref.F_BRANCHING: 0.6, ref.F_DECAY: 1e-10,
                    ref.F_MARKET: 0.3, ref.F_SHARE: 0.2, ref.F_U_WEIGHT: 0.5,
                    ref.F_DEPTH_TAIL: 1.5, ref.F_DEPTH_SCALE: 2.0, ref.F_PASSIVE: 0.6},
        {flow.U_LONGEST_DEPTH: 50}, size=(100, 100),
    ),
    at.SPOOFER: population(
        at.SPOOFER, {ref.F_RATE: 120e9},
        {flow.U_LAYERS: 4, flow.U_LAYER_SIZE: 500, flow.U_DISTANCE: 3, flow.U_HOLD: 2 * SECOND_NS},
        size=(5, 20),
    ),
    at.IGNITION: population(
        at.IGNITION, {ref.F_RATE: 600e9},
        {flow.U_BURST: 4, flow.U_GAP: SECOND_NS, flow.U_UNWIND: 20 * SECOND_NS}, size=(20, 60),
    ),
}  # fmt: skip


class TwinWorld:
    """One market and its crowd; `run` trades until a time, `tape_sha256` is what happened."""

    def __init__(
        self, populations: tuple[Population, ...], *, actors: bool, seed: int = 1,
        remote: set[int] | None = None, recorder: Recorder | None = None,
    ) -> None:  # fmt: skip
        if actors:
            chosen = {p.kind for p in populations} if remote is None else remote
            populations = tuple(as_actors([p])[0] if p.kind in chosen else p for p in populations)
        self.blocks: list[NDArray[np.int64]] = []
        path = _path(seed)
        self.crowd = Crowd(seed, populations, 2 * len(path))
        traders = self.crowd.traders
        self.market = Market(
            instruments=2, accounts=traders, traders=traders, populations=len(populations),
            advance=self.crowd.advance, on_tape=self.blocks.append,
        )  # fmt: skip
        self.market.add_latency(at.LAT_LOGNORMAL, 300_000, 500_000)
        self.market.add_latency(at.LAT_LOGNORMAL, 500_000, 300_000)
        self.market.add_latency(at.LAT_LOGNORMAL, 250_000, 400_000)
        for number in range(2):
            self._add_instrument(number, path)
        owners: list[str] = []
        self.crowd.fill(self.market, owner_ranges(populations, owners))
        self.market.arena[at.H_NOW] = OPENS_NS - SECOND_NS
        self._start_day(OPENS_NS)
        self.kernel = self._kernel(populations, owners, seed, recorder) if actors else None

    def _add_instrument(self, number: int, path: NDArray[np.float64]) -> None:
        self.market.add_instrument(value_micros=10_000, last_close=LAST_CLOSE)
        row = self.market.section(at.S_INSTRUMENT)[number]
        first = self.crowd.first_path + number * len(path)
        self.crowd.beliefs[first : first + len(path)] = path
        row[at.I_PATH_FIRST], row[at.I_PATH_COUNT] = first, len(path)
        row[at.I_PATH_START] = OPENS_NS

    def _start_day(self, opens_ns: int) -> None:
        for number in range(2):
            for seconds, phase in _PHASES:
                self.market.post_event(opens_ns + seconds * SECOND_NS, at.E_PHASE, number, phase)
        for index in range(len(self.crowd.populations)):
            self.crowd.set_day(self.market, index, opens_ns, opens_ns + HOUR_NS)
        self.crowd.start_day(self.market)

    def start_second_day(self) -> None:
        """Open again, twenty-four hours after the first day opened."""
        self._start_day(OPENS_NS + 24 * HOUR_NS)

    def _kernel(
        self, populations: tuple[Population, ...], owners: list[str], seed: int,
        recorder: Recorder | None,
    ) -> SimulationKernel:  # fmt: skip
        exchange = Exchange(
            self.market, symbols={symbol: n for n, symbol in enumerate(SYMBOLS)},
            accounts=account_numbers(self.crowd), owners=owners,
            publisher=Publisher(list(SYMBOLS), "exchange"), traders=trader_numbers(self.crowd),
            arrivals=draw_arrival,
        )  # fmt: skip
        kernel = SimulationKernel(
            Settings(seed=seed, start_ns=OPENS_NS - SECOND_NS,
                     thinking_ns=thinking_ns(populations)),
            Ports(link=CrowdLink(), engine=exchange, recorder=recorder or NoRecorder()),
        )  # fmt: skip
        exchange.bind(kernel)
        spawn_crowd(kernel, self.market, self.crowd, SYMBOLS)
        return kernel

    def run(self, until_ns: int = OPENS_NS + HOUR_NS + SECOND_NS) -> "TwinWorld":
        """Trade until a time, and hand out what the tape holds."""
        if self.kernel is None:
            self.market.advance(until_ns)
        else:
            self.kernel.run_until(until_ns)
        self.market.flush_tape()
        return self

    def tape(self) -> NDArray[np.int64]:
        """Return every row so far."""
        return np.concatenate(self.blocks)

    def tape_sha256(self) -> str:
        """Return the hash of every row so far."""
        return hashlib.sha256(self.tape().tobytes()).hexdigest()


def _path(seed: int) -> NDArray[np.float64]:
    """Return a fundamental, one value a second for the hour: a random walk of whole ticks."""
    steps = np.random.default_rng(seed).integers(-2, 3, 3_601)
    return LAST_CLOSE + np.cumsum(steps).astype(np.float64)
