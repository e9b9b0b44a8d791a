"""The data files that a configuration reads, under the names it gives them."""

from pathlib import Path

from scenarios.config import Config
from scenarios.config_market import Bars


def data_files(config: Config) -> dict[str, Path]:
    """Return every data file of a run by the name in the configuration."""
    scenario = config.scenario
    names = [told.price.path for told in scenario.instruments if isinstance(told.price, Bars)]
    names += [told.actions for told in scenario.instruments if told.actions is not None]
    if scenario.recording is not None:
        names.append(scenario.recording)
    return {name: config.find(name) for name in names}
