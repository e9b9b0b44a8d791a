"""The data files that a configuration reads, under the names it gives them."""

from pathlib import Path

from environment.feeds.lobster import book_file_of
from scenarios.config import Config
from scenarios.config_market import Bars


def data_files(config: Config) -> dict[str, Path]:
    """Return every data file of a run by the name in the configuration."""
    scenario = config.scenario
    names = [told.price.path for told in scenario.instruments if isinstance(told.price, Bars)]
    names += [told.actions for told in scenario.instruments if told.actions is not None]
    if scenario.recording is not None:
        names.append(scenario.recording)
        books = book_file_of(config.find(scenario.recording))
        if books is not None:
            names.append(str(Path(scenario.recording).with_name(books.name)))
    return {name: config.find(name) for name in names}
