"""Populations put into the core: their settings, their traders' rows, accounts and first wake-ups."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.crowd import advance as crowd
from agents.crowd import flow
from agents.crowd import reference as ref
from agents.crowd import rows
from environment.draws import stream_key
from environment.market import layout as at
from environment.market.market import Market

Floats = NDArray[np.float64]
BELIEFS_PER_TRADER = 4


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """One population as the core needs it: kind, size, money, delays, and its kind's settings.

    `integers` and `floats` are indexed by the U_ and F_ names of `rows`, `reference` and `flow`;
    `memory` is how many floats each trader keeps besides (a momentum trader's mids).
    """

    name: str
    kind: int
    count: int
    instruments: tuple[int, ...]
    cash_micros: int
    holding: int = 0
    order_latency: int = 0
    feed_latency: int = 0
    busy_ns: int = 0
    opens_ns: int = 0
    closes_ns: int = 0
    size: tuple[int, int] = (0, 0)  # (0, 0): the reference's mixture.
    integers: dict[int, int] = {}
    floats: dict[int, float] = {}
    memory: int = 0
    remote: bool = False  # Each trader is a Python actor; the row only carries its connection.


class Crowd:
    """All populations of a run, beside the core that runs them."""

    def __init__(self, seed: int, populations: tuple[Population, ...], path_floats: int) -> None:
        self.populations = populations
        self._seed = seed
        traders = sum(p.count for p in populations)
        head = rows.POPULATION_FLOATS * max(len(populations), 1)
        memory = sum(p.count * p.memory for p in populations)
        self.beliefs: Floats = np.zeros(
            head + traders * BELIEFS_PER_TRADER + memory + path_floats, np.float64
        )
        self._first_belief = head
        self._first_memory = head + traders * BELIEFS_PER_TRADER
        self.first_path = self._first_memory + memory
        self.traders = traders
        self.first_trader: list[int] = []
        self.first_account: list[int] = []

    def advance(self, arena: NDArray[np.int64], until_ns: int) -> int:
        """Run the core with these traders in it."""
        return crowd.advance(arena, self.beliefs, until_ns)

    def fill(self, market: Market, owners: list[range] | None = None) -> None:
        """Write every population and trader; `owners` numbers the actors of remote populations."""
        number, memory = 0, self._first_memory
        for index, population in enumerate(self.populations):
            self._write_settings(market, index, population)
            first = market.add_accounts(
                population.count, cash_micros=population.cash_micros, population=index + 1,
                owners=owners[index] if owners is not None and population.remote else None,
            )  # fmt: skip
            self.first_trader.append(number)
            self.first_account.append(first)
            self._write_traders(market, index, population, number, first, memory)
            if population.holding:
                dealt = np.arange(population.count) % len(population.instruments)
                chosen = np.asarray(population.instruments)[dealt]
                market.give_all(first, chosen, population.holding)
            number += population.count
            memory += population.count * population.memory

    def _write_settings(self, market: Market, index: int, population: Population) -> None:
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_ORDER], row[rows.U_FEED] = population.order_latency, population.feed_latency
        row[rows.U_BUSY] = population.busy_ns
        row[rows.U_SIZE_LOW], row[rows.U_SIZE_HIGH] = population.size
        for place, value in population.integers.items():
            row[place] = value
        floats = self.beliefs[rows.POPULATION_FLOATS * index :]
        for place, setting in population.floats.items():
            floats[place] = setting
        self.set_day(market, index, population.opens_ns, population.closes_ns)

    def _write_traders(
        self, market: Market, index: int, population: Population, number: int, account: int, memory: int
    ) -> None:
        count = population.count
        block = market.section(at.S_TRADER)[number : number + count]
        own = np.arange(count)
        block[:, at.TR_KIND] = at.REMOTE if population.remote else population.kind
        block[:, at.TR_STATE] = population.kind if population.remote else 0
        block[:, at.TR_POPULATION] = index
        block[:, at.TR_ACCOUNT] = account + own
        block[:, at.TR_INSTRUMENT] = np.asarray(population.instruments)[
            own % len(population.instruments)
        ]
        names = [f"crowd/{population.name}/{k}" for k in range(count)]
        block[:, at.TR_KEY] = [stream_key(self._seed, name) for name in names]
        block[:, at.TR_LINK] = [stream_key(self._seed, f"{name}>exchange") for name in names]
        block[:, at.TR_BELIEF] = self._first_belief + (number + own) * BELIEFS_PER_TRADER
        if population.memory:
            block[:, at.TR_MEMORY] = memory + own * population.memory
        estimates = self._first_belief + (number + own) * BELIEFS_PER_TRADER
        if population.kind == at.VALUE:
            self.beliefs[estimates + ref.B_ESTIMATE] = population.floats.get(ref.F_BAR, 0.0)
        if population.kind == at.ADAPTIVE_MAKER:
            self.beliefs[estimates + ref.B_SPREAD] = population.floats.get(ref.F_BAR, 10.0)

    def set_day(self, market: Market, index: int, opens_ns: int, closes_ns: int) -> None:
        """Give a population the hours of a day."""
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_OPEN], row[rows.U_CLOSE] = opens_ns, closes_ns

    def withdraw(self, market: Market, index: int, share: float, start_ns: int, end_ns: int) -> None:
        """Let the first `share` of a population's traders stay away for a while."""
        population = self.populations[index]
        gone = round(population.count * share)
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_AWAY], row[rows.U_BACK] = start_ns, end_ns
        first = self.first_trader[index]
        market.section(at.S_TRADER)[first : first + gone, at.TR_SIDE] = 1
        for account in range(self.first_account[index], self.first_account[index] + gone):
            market.post_event(start_ns, at.E_CANCEL_ALL, account, at.NONE)

    def start_day(self, market: Market) -> None:
        """Schedule every trader's first wake-up of the day that its population now has."""
        for index, population in enumerate(self.populations):
            opens = int(market.section(at.S_POPULATION)[index, rows.U_OPEN])
            market.reserve_heap(population.count)
            crowd.start(
                market.arena, self.beliefs, self.first_trader[index], population.count, opens
            )


__all__ = ["BELIEFS_PER_TRADER", "Crowd", "Population", "flow", "ref", "rows"]
