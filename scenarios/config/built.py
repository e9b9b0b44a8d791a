"""What of the vocabulary this version carries out. Anything else it reads, and refuses to start.

A limit that is read and not kept would be worse than one that is refused, so a run never begins
with a table that nothing carries out. Whoever builds it takes its line from here.
"""

from collections.abc import Iterator

from scenarios.config.errors import make_error
from scenarios.config.load import Config
from scenarios.config.scenario import Scenario
from scenarios.places import shown_path


def check_built(config: Config) -> None:
    """Raise ConfigError for the first table that is not in this version."""
    scenario_file = shown_path(config.scenario_file) if config.scenario_file else "scenario"
    for path in _of_scenario(config.scenario):
        raise make_error(scenario_file, path, "is not in this version; take it out to run")


def _of_scenario(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Yield the key paths of a scenario that nothing carries out yet."""
    for index, instrument in enumerate(scenario.instruments):
        if instrument.options is not None and scenario.recording is not None:
            yield "instruments", str(index), "options"
    if scenario.replay is not None and scenario.replay.mode != "matching":
        yield "replay", "mode"
