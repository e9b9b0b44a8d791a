"""What of the vocabulary this version carries out. Anything else it reads, and refuses to start.

A limit that is read and not kept would be worse than one that is refused, so a run never begins
with a table whose actor does not exist. Whoever builds one adds its name here.
"""

from collections.abc import Iterator
from typing import Final

from scenarios.config import Config
from scenarios.config_errors import make_error
from scenarios.config_scenario import Scenario
from scenarios.config_swarm import Swarm
from scenarios.places import shown_path

AGENTS: Final = frozenset(
    {"metronome", "market_maker", "trend", "mean_reversion", "flow_imbalance",
     "volatility_premium", "news",
     "fundamentals", "technical", "volatility", "debate"}
)  # fmt: skip
CROWDS: Final = frozenset(
    {
        "noise",
        "value",
        "momentum",
        "adaptive_maker",
        "hawkes",
        "spoofer",
        "ignition",
        "option_dealer",
        "option_user",
    }
)


def check_built(config: Config) -> None:
    """Raise ConfigError for the first table whose actor is not in this version."""
    scenario_file = shown_path(config.scenario_file) if config.scenario_file else "scenario"
    for path in _of_scenario(config.scenario):
        raise make_error(scenario_file, path, "is not in this version; take it out to run")
    if config.swarm is not None:
        swarm_file = shown_path(config.swarm_file) if config.swarm_file else "swarm"
        for path in _of_swarm(config.swarm):
            raise make_error(swarm_file, path, "is not in this version; take it out to run")


def _of_scenario(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Yield the key paths of a scenario that nothing carries out yet."""
    for index, instrument in enumerate(scenario.instruments):
        if instrument.options is not None and scenario.recording is not None:
            yield "instruments", str(index), "options"
    for name, crowd in scenario.crowds.items():
        if str(crowd.__struct_config__.tag) not in CROWDS:
            yield "crowds", name
    if scenario.replay is not None and scenario.replay.mode != "matching":
        yield "replay", "mode"
    for name in scenario.latency.effects:
        if name not in AGENTS:
            yield "latency", "effects", name


def _of_swarm(swarm: Swarm) -> Iterator[tuple[str, ...]]:
    """Yield the key paths of a swarm that nothing carries out yet; defined agents may wait."""
    for address in swarm.swarm:
        if str(swarm.agents[address].__struct_config__.tag) not in AGENTS:
            yield "agents", address
