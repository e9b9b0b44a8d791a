"""A run as a `mesa.Model`: for DataCollector, batch_run and Solara pages, all unpatched.

The model only looks: actors and populations are read-only agents of it, no draw of Mesa's decides
anything, and any length of step gives the journal that `outcry run` gives.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import mesa  # type: ignore[import-untyped]  # Mesa ships neither types nor a marker.

from environment.actors.ports import MemoryDisk
from environment.actors.statistics import ActorStatistics
from environment.instruments import MICROS
from environment.market import layout as at
from environment.market.clearing_ledger import MarketLedger
from scenarios.builders.floor import Factory, floor_accounts
from scenarios.builders.warm_up import compile_all, compile_replay
from scenarios.config.built import check_built
from scenarios.config.load import Config, load_config
from scenarios.config.types import Period
from scenarios.run.session_loop import SessionLoop


class View(mesa.Agent):  # type: ignore[misc]  # An untyped base.
    """What actors and populations have in common: some accounts, looked at and never changed."""

    kind: str
    address: str

    def __init__(self, model: "World", first: int, count: int) -> None:
        super().__init__(model)
        self._rows = slice(first, first + count)

    @property
    def cash(self) -> float:
        """Money of its accounts, in the account's currency, by trade date."""
        return float(self.model.ledger.cash[self._rows].sum() / MICROS)

    @property
    def positions(self) -> dict[str, int]:
        """Lots of its accounts by symbol; what they were given at the start included."""
        lots = self.model.ledger.position[self._rows].sum(axis=0).tolist()
        return dict(zip(self.model.symbols, lots, strict=True))

    @property
    def position(self) -> int:
        """Lots of its accounts, over all instruments."""
        return int(self.model.ledger.position[self._rows].sum())

    @property
    def trades(self) -> int:
        """How often its accounts have traded."""
        accounts = self.model.session_loop.world.market.section(at.S_ACCOUNT)
        return int(accounts[self._rows, at.A_TRADES].sum())


class ActorView(View):
    """One actor. The agents of a swarm share one account, which stands at `venue`."""

    def __init__(self, model: "World", address: str, kind: str, account: int | None) -> None:
        super().__init__(model, account or 0, 0 if account is None else 1)
        self.address, self.kind = address, kind

    @property
    def statistics(self) -> ActorStatistics:
        """What the kernel counts of it."""
        found: ActorStatistics = self.model.actor_statistics(self.address)
        return found

    @property
    def handled(self) -> int:
        """How many messages it has handled."""
        return self.statistics.handled

    @property
    def busy_ns(self) -> int:
        """How long it was busy, in simulated time."""
        return self.statistics.busy_ns


class PopulationView(View):
    """One population of the background crowd, as a whole.

    `handled` counts messages of its actors; compiled traders handle none.
    """

    def __init__(self, model: "World", name: str, kind: str, first: int, count: int) -> None:
        super().__init__(model, first, count)
        self.address, self.kind, self.count = f"crowd/{name}", kind, count

    @property
    def handled(self) -> int:
        """How many messages its actors have handled."""
        return int(self.model.handled_under(f"{self.address}/"))


class World(mesa.Model):  # type: ignore[misc]  # An untyped base.
    """One run; `step()` runs it a fixed interval of simulated time, and then collects.

    The state before the first event is collected as step 0. The step after the last day's end
    closes the record, and only then `running` is False; `batch_run`, which reports the last step
    but one, so reports the end of the last day.

    Parameters
    ----------
    scenario : str
        A shipped name, or a path to a .toml.
    seed : int, optional
        Seed of every random stream; the scenario's own by default.
    step : str
        Simulated time of one step, such as "60s".
    agents : mapping of address to factory, optional
        Agents made in Python, as for `scenarios.notebook.simulate`.
    **overrides
        Changes of single keys, by key path: `World(crowd="actors")`, or
        `World(**{"crowds.noise.count": 200})`.

    Raises
    ------
    ConfigError
        If the configuration cannot run; one line names file, key and mend.
    """

    MODEL_REPORTERS: ClassVar[dict[str, Any]] = {
        "now_ns": "now_ns", "trades": "trades", "messages": "messages", "prices": "prices",
    }  # fmt: skip
    AGENT_REPORTERS: ClassVar[dict[str, Any]] = {
        "address": "address", "kind": "kind", "handled": "handled", "position": "position",
        "cash": "cash",
    }  # fmt: skip

    def __init__(
        self, scenario: str = "rmsc04", *, seed: int | None = None, step: str = "60s",
        agents: Mapping[str, Factory] | None = None, **overrides: str | float | bool,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed)
        self.step_ns = int(Period.parse(step))
        settings = [f"{key}={_written(value)}" for key, value in overrides.items()]
        config = load_config(scenario, settings, seed)
        check_built(config)
        compile_all()
        if config.scenario.recording is not None:
            compile_replay()
        self.disk = MemoryDisk()
        self.session_loop = SessionLoop.build(
            config, self.disk, agents=dict(agents or {}), keep_rows=False
        )
        self.ledger = MarketLedger(self.session_loop.world.market)
        self.symbols = tuple(i.symbol for i in self.session_loop.world.instruments)
        self._statistics: Mapping[str, ActorStatistics] = {}
        self._look()
        self._add_views(config, dict(agents or {}))
        self.now_ns = self.session_loop.start_ns - 1
        self.session_loop.start()
        self.datacollector = self.make_datacollector()
        self.datacollector.collect(self)

    def make_datacollector(self) -> mesa.DataCollector:
        """Return what collects after each step; a subclass may return another one."""
        return mesa.DataCollector(self.MODEL_REPORTERS, self.AGENT_REPORTERS)

    def step(self) -> None:
        """Run the next interval of simulated time, nights included, and collect."""
        loop = self.session_loop
        if loop.is_over or loop.is_stopped:
            loop.finish()
            self.running = False
        else:
            self.now_ns = min(self.now_ns + self.step_ns, loop.end_ns)
            loop.advance_to(self.now_ns)
        self._look()
        self.datacollector.collect(self)

    # --- looking -------------------------------------------------------------------------------

    @property
    def journal_sha256(self) -> str:
        """The journal's SHA-256 once the run is over; until then empty."""
        return self.session_loop.journal_sha256

    @property
    def trades(self) -> int:
        """Trades so far."""
        return int(self.session_loop.world.market.arena[at.H_TRADES])

    @property
    def messages(self) -> int:
        """Messages handled so far, by actors and by the exchange."""
        taken = self.session_loop.world.exchange.state.taken
        return taken + sum(row.handled for row in self._statistics.values())

    @property
    def prices(self) -> dict[str, float | None]:
        """The last price of each instrument in currency; None before its first trade."""
        world = self.session_loop.world
        last = world.market.section(at.S_INSTRUMENT)[: len(self.symbols), at.I_LAST].tolist()
        return {
            instrument.symbol: float(instrument.price_decimal(ticks)) if ticks else None
            for instrument, ticks in zip(world.instruments, last, strict=True)
        }

    def actor_statistics(self, address: str) -> ActorStatistics:
        """Return what the kernel counted of one actor, as of the end of this step."""
        return self._statistics[address]

    def handled_under(self, prefix: str) -> int:
        """Return how many messages the actors below an address have handled."""
        return sum(r.handled for a, r in self._statistics.items() if a.startswith(prefix))

    def _look(self) -> None:
        actors = self.session_loop.world.kernel.statistics().actors
        self._statistics = {row.address: row for row in actors}

    def _add_views(self, config: Config, agents: dict[str, Factory]) -> None:
        world = self.session_loop.world
        accounts = {
            told.owner: world.floor.accounts[name]
            for name, told in floor_accounts(config, agents).items()
        }
        for population, first in zip(
            world.crowd.populations, world.crowd.first_account, strict=True
        ):
            kind = at.TRADER_KINDS[population.kind]
            PopulationView(self, population.name, kind, first, population.count)
            owners = population.addresses() if population.remote else ()
            accounts |= {address: first + k for k, address in enumerate(owners)}
        for row in self._statistics.values():
            ActorView(self, row.address, row.kind, accounts.get(row.address))


def _written(value: object) -> str:
    """Return a value as --set takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
