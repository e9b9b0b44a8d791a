"""Populations put into the core: their settings, their traders' rows, accounts and first wake-ups.

A population is compiled rows, or (`remote`) Python actors over the same core; see `actors`.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from agents.crowd import advance as crowd, flow, option_roles, option_rows, reference as ref, rows
from environment.draws import stream_key
from environment.errors import ConfigError
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.market import Market

BELIEFS_PER_TRADER = 4
_TABLE_PLACES = (option_rows.U_TABLE, option_roles.U_WEIGHTS)


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """One population as the core needs it: kind, size, money, delays, and its kind's settings.

    `integers` and `floats` are indexed by the U_ and F_ names of `rows`, `reference` and `flow`;
    `memory` is how many floats each trader keeps besides (a momentum trader's mids). The latency
    numbers are classes of the core; those of acknowledgements and fills matter to actors alone.
    """

    name: str
    kind: int
    count: int
    instruments: tuple[int, ...]
    cash_micros: int
    holding: int = 0
    order_latency: int = 0
    feed_latency: int = 0
    acknowledgement_latency: int = 0
    fill_latency: int = 0
    busy_ns: int = 0
    opens_ns: int = 0
    closes_ns: int = 0
    size: tuple[int, int] = (0, 0)  # (0, 0): the reference's mixture.
    integers: dict[int, int] = {}
    floats: dict[int, float] = {}
    memory: int = 0
    tables: tuple[rows.Floats, ...] = ()  # Shared settings of the option crowd: series, weights.
    remote: bool = False  # Each trader is a Python actor; the row only carries its connection.

    def addresses(self) -> Iterator[str]:
        """Yield each trader's name: the actor's address, and that of its stream of draws."""
        return (f"crowd/{self.name}/{k}" for k in range(self.count))

    def accounts(self) -> list[str]:
        """Return the name of each trader's account."""
        return [f"{self.name}/{k}" for k in range(self.count)]

    def most_orders(self) -> int:
        """Return a bound on the messages of one decision."""
        if self.kind == at.ADAPTIVE_MAKER:
            return 2 * self.integers.get(ref.U_LEVELS, 0) + 1
        if self.kind == at.OPTION_USER:
            return 4
        return self.integers.get(flow.U_LAYERS, 0) + 1 if self.kind == at.SPOOFER else 2


class Crowd:
    """All populations of a run, beside the core that runs them."""

    def __init__(self, seed: int, populations: tuple[Population, ...], path_floats: int) -> None:
        self.populations = populations
        self._seed = seed
        traders = sum(p.count for p in populations)
        head = rows.POPULATION_FLOATS * max(len(populations), 1)
        memory = sum(p.count * p.memory for p in populations)
        # One copy of each table, whoever shares it.
        tables = {id(table): table for p in populations for table in p.tables}
        self._first_belief = head
        self._first_memory = head + traders * BELIEFS_PER_TRADER
        self._tables = dict[int, int]()
        end = self._first_memory + memory
        for key, table in tables.items():
            self._tables[key] = end
            end += len(table)
        self.first_path = end
        self.beliefs: rows.Floats = np.zeros(end + path_floats, np.float64)
        for key, table in tables.items():
            self.beliefs[self._tables[key] : self._tables[key] + len(table)] = table
        self.traders = traders
        self.first_trader: list[int] = []
        self.first_account: list[int] = []

    def key(self, name: str) -> int:
        """Return the key of the run's stream of that name."""
        return stream_key(self._seed, name)

    def advance(self, arena: Arena, until_ns: int) -> int:
        """Run the core with these traders in it."""
        return crowd.advance(arena, self.beliefs, until_ns)

    def fill(self, market: Market, owners: list[range] | None = None) -> None:
        """Write every population and trader; `owners` numbers the actors of each population."""
        market.floats = self.beliefs
        number, memory = 0, self._first_memory
        for index, population in enumerate(self.populations):
            self._write_settings(market, index, population, number)
            first = market.add_accounts(
                population.count, cash_micros=population.cash_micros, population=index + 1,
                owners=owners[index] if owners is not None and population.remote else None,
            )  # fmt: skip
            self.first_trader.append(number)
            self.first_account.append(first)
            self._write_traders(market, index, population, number, first, memory)
            if owners is not None and population.remote:
                self._write_owners(market, population, number, first, owners[index])
            if population.holding:
                dealt = np.arange(population.count) % len(population.instruments)
                chosen = np.asarray(population.instruments)[dealt]
                market.give_all(first, chosen, population.holding)
            number += population.count
            memory += population.count * population.memory

    def _write_settings(
        self, market: Market, index: int, population: Population, number: int
    ) -> None:
        if population.most_orders() > crowd.ORDERS_AT_ONCE:
            raise ConfigError(
                f"A trader of {population.name} sends {population.most_orders()} orders at once; "
                f"expected at most {crowd.ORDERS_AT_ONCE}: give it fewer levels or layers."
            )
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_ORDER], row[rows.U_FEED] = population.order_latency, population.feed_latency
        row[rows.U_BUSY] = population.busy_ns
        row[rows.U_TRADERS], row[rows.U_HOLDING] = number, population.holding
        row[rows.U_SIZE_LOW], row[rows.U_SIZE_HIGH] = population.size
        for place, value in population.integers.items():
            row[place] = value
        floats = self.beliefs[rows.POPULATION_FLOATS * index :]
        floats[ref.F_SHOCK] = ref.SHOCK_VARIANCE
        for place, setting in population.floats.items():
            floats[place] = setting
        for place, table in zip(_TABLE_PLACES, population.tables, strict=False):
            row[place] = self._tables[id(table)]
        self.set_day(market, index, population.opens_ns, population.closes_ns)

    def _write_traders(
        self, market: Market, index: int, population: Population, number: int, account: int,
        memory: int,
    ) -> None:  # fmt: skip
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
        # One name at a time: a million of them would weigh more than their traders.
        for place, name in enumerate(population.addresses()):
            block[place, at.TR_KEY] = stream_key(self._seed, name)
            block[place, at.TR_LINK] = stream_key(self._seed, f"{name}>exchange")
        block[:, at.TR_BELIEF] = self._first_belief + (number + own) * BELIEFS_PER_TRADER
        if population.memory:
            block[:, at.TR_MEMORY] = memory + own * population.memory
        estimates = self._first_belief + (number + own) * BELIEFS_PER_TRADER
        if population.kind == at.VALUE:
            self.beliefs[estimates + ref.B_ESTIMATE] = population.floats.get(ref.F_BAR, 0.0)
        if population.kind == at.ADAPTIVE_MAKER:
            first = population.floats.get(ref.F_BAR, ref.FIRST_SPREAD)
            self.beliefs[estimates + ref.B_SPREAD] = first

    def _write_owners(
        self, market: Market, population: Population, number: int, account: int, owners: range
    ) -> None:
        """Let a population's actors be woken, and told of their orders."""
        own = slice(number, number + population.count)
        market.section(at.S_TRADER)[own, at.TR_OWNER] = np.asarray(owners)
        block = market.section(at.S_ACCOUNT)[account : account + population.count]
        block[:, at.A_ACK_CLASS] = population.acknowledgement_latency
        block[:, at.A_FILL_CLASS] = population.fill_latency
        for place, name in enumerate(population.addresses()):
            block[place, at.A_KEY] = stream_key(self._seed, f"exchange>{name}")

    def table_of(self, table: rows.Floats) -> rows.Floats:
        """Return the run's own copy of a shared table: what is written there the crowd reads."""
        first = self._tables[id(table)]
        return self.beliefs[first : first + len(table)]

    def set_day(self, market: Market, index: int, opens_ns: int, closes_ns: int) -> None:
        """Give a population the hours of a day."""
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_OPEN], row[rows.U_CLOSE] = opens_ns, closes_ns

    def withdraw(
        self, market: Market, index: int, share: float, start_ns: int, end_ns: int
    ) -> None:
        """Let the first `share` of a population's traders stay away for a while."""
        gone = round(self.populations[index].count * share)
        row = market.section(at.S_POPULATION)[index]
        row[rows.U_AWAY], row[rows.U_BACK], row[rows.U_GONE] = start_ns, end_ns, gone
        for account in range(self.first_account[index], self.first_account[index] + gone):
            market.post_event(start_ns, at.E_CANCEL_ALL, account, at.NONE)

    def start_day(self, market: Market) -> None:
        """Schedule every trader's first wake-up of the day that its population now has."""
        for index, population in enumerate(self.populations):
            market.reserve_heap(population.count)
            crowd.start(market.arena, self.beliefs, self.first_trader[index], population.count)


__all__ = ["BELIEFS_PER_TRADER", "Crowd", "Population", "flow", "ref", "rows"]
