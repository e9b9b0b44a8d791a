"""A crowd as Python actors over the same core: made remote, given owners, and spawned.

    populations = as_actors(populations)             # or Population(remote=True) for some of them
    crowd.fill(market, owner_ranges(populations, owners))          # appends addresses to `owners`
    Exchange(market, accounts=account_numbers(crowd), traders=trader_numbers(crowd), owners=owners,
             arrivals=draw_arrival, reports=keep_report, …)
    Settings(seed=crowd_seed, thinking_ns=thinking_ns(populations), …)
    spawn_crowd(kernel, market, crowd, symbols)

The kernel's seed must be the crowd's, and its link must give `crowd/…` to `exchange` no latency of
its own (`Connection(latency=None)`): the core draws it. The actors then trade as the compiled rows
would, to the same tape.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from agents.crowd import advance
from agents.crowd.hawkes import HawkesTrader
from agents.crowd.ignition import Igniter
from agents.crowd.maker import AdaptiveMaker
from agents.crowd.momentum import MomentumTrader
from agents.crowd.noise import NoiseTrader
from agents.crowd.option_traders.spawn import OPTION_KINDS, OptionTraders
from agents.crowd.population import Crowd, Population
from agents.crowd.seat import Heard, Seat, Steps
from agents.crowd.spoofer import Spoofer
from agents.crowd.value import ValueTrader
from environment.actors import Actor, ActorRef
from environment.errors import ConfigError
from environment.market import layout as at
from environment.market.market import Market

EXCHANGE: Final = "exchange"
TRADERS: Final[dict[int, Callable[[Seat], Actor[Heard]]]] = {
    at.NOISE: NoiseTrader,
    at.VALUE: ValueTrader,
    at.MOMENTUM: MomentumTrader,
    at.ADAPTIVE_MAKER: AdaptiveMaker,
    at.HAWKES: HawkesTrader,
    at.SPOOFER: Spoofer,
    at.IGNITION: Igniter,
}


class Spawner(Protocol):
    """What spawning needs of a kernel."""

    def spawn(self, address: str, factory: Callable[[], Actor[Any]]) -> ActorRef[Any]:
        """Put an actor at an address."""

    def reference(self, address: str) -> ActorRef[Any]:
        """Return a reference to what stands at an address."""


def as_actors(populations: Iterable[Population]) -> tuple[Population, ...]:
    """Return the same populations, each trader a Python actor."""
    return tuple(msgspec.structs.replace(population, remote=True) for population in populations)


def owner_ranges(populations: Iterable[Population], owners: list[str]) -> list[range]:
    """Append the addresses of remote traders to `owners`; return each population's numbers."""
    ranges = []
    for population in populations:
        first = len(owners)
        if population.remote:
            owners += population.addresses()
        ranges.append(range(first, len(owners)))
    return ranges


def trader_numbers(crowd: Crowd) -> dict[str, int]:
    """Return the core's trader row by address of remote traders, once the crowd is filled."""
    return {
        address: first + k
        for population, first in zip(crowd.populations, crowd.first_trader, strict=True)
        if population.remote
        for k, address in enumerate(population.addresses())
    }


def remote_traders(market: Market, crowd: Crowd, instrument: int) -> Iterator[str]:
    """Yield the addresses of remote traders in one instrument, in the order of their rows."""
    traders = market.section(at.S_TRADER)
    for address, number in trader_numbers(crowd).items():
        if traders[number, at.TR_INSTRUMENT] == instrument:
            yield address


def account_numbers(crowd: Crowd, *, compiled: bool = False) -> dict[str, int]:
    """Return the core's account by name, of remote populations or of all, of a filled crowd."""
    return {
        name: first + k
        for population, first in zip(crowd.populations, crowd.first_account, strict=True)
        if population.remote or compiled
        for k, name in enumerate(population.accounts())
    }


def draw_arrival(market: Market, trader: int, departure_ns: int) -> int:
    """Return when a trader's message that leaves at `departure_ns` arrives, by the core's draw."""
    return advance.arrival_of(market.arena, trader, departure_ns)


def thinking_ns(populations: Iterable[Population]) -> dict[str, int]:
    """Return the busy time of each kind, as the kernel's settings want it.

    Raises
    ------
    ConfigError
        If two remote populations of one kind think for different times.
    """
    found: dict[str, int] = {}
    for population in populations:
        kind = at.TRADER_KINDS[population.kind]
        if not population.remote:
            continue
        if found.setdefault(kind, population.busy_ns) != population.busy_ns:
            raise ConfigError(
                f"Populations of kind {kind} are busy for {found[kind]} and "
                f"{population.busy_ns} ns; as actors all of one kind think alike."
            )
    return found


def spawn_crowd(
    kernel: Spawner, market: Market, crowd: Crowd, symbols: Sequence[str],
    classes: Mapping[str, Callable[..., Actor[Any]]] | None = None,
) -> None:  # fmt: skip
    """Spawn every trader of the remote populations, which are seated by now.

    Parameters
    ----------
    symbols
        The core's instruments, by number.
    classes
        By population, what makes its traders in the place of this package's own classes: it takes
        what those take.
    """
    rows = market.section(at.S_INSTRUMENT)
    words = (at.I_STEP_LOW, at.I_STEP_HIGH, at.I_THRESHOLD)
    exchange: ActorRef[Any] = kernel.reference(EXCHANGE)
    own = dict(classes or {})
    of_options = OptionTraders(market, crowd, symbols, exchange, own)
    for index, population in enumerate(crowd.populations):
        if not population.remote:
            continue
        chosen = population.instruments
        names = zip(population.addresses(), population.accounts(), strict=True)
        for k, (address, account) in enumerate(names):
            number = chosen[k % len(chosen)]
            steps = Steps(*rows[number, words].tolist())
            seat = Seat(population, account, symbols[number], exchange, steps)
            if population.kind in OPTION_KINDS:
                kernel.spawn(address, of_options.factory(index, k, seat))
            else:
                make = own.get(population.name, TRADERS[population.kind])
                kernel.spawn(address, partial(make, seat))
