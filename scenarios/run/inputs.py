"""The data files that a configuration reads, under the names it gives them."""

from pathlib import Path

from environment.feeds.lobster import book_file_of
from scenarios.builders.feeds import feeds_in_use
from scenarios.config.delays import Measured
from scenarios.config.load import Config
from scenarios.config.market import BY_RULE, Bars
from scenarios.config.models import CompanyFacts, Recorded
from scenarios.config.swarm import VolatilityPremium


def data_files(config: Config) -> dict[str, Path]:
    """Return every data file of a run by the name in the configuration."""
    scenario = config.scenario
    names = [told.price.path for told in scenario.instruments if isinstance(told.price, Bars)]
    names += [told.actions for told in scenario.instruments if told.actions is not None]
    if scenario.history is not None:
        names.append(scenario.history)
    if scenario.curves.rates is not None:
        names.append(scenario.curves.rates)
    chains = [told.options.chain for told in scenario.instruments if told.options is not None]
    names += [chain for chain in chains if chain != BY_RULE]
    if scenario.recording is not None:
        names.append(scenario.recording)
        books = book_file_of(config.find(scenario.recording))
        if books is not None:
            names.append(str(Path(scenario.recording).with_name(books.name)))
    if scenario.cassette is not None and scenario.cassette.mode != "record":
        names.append(scenario.cassette.path)
    timed = [d.path for d in scenario.latency.effects.values() if isinstance(d, Measured)]
    found = {name: config.find(name) for name in [*names, *timed]}
    if config.swarm is not None:
        for address in config.swarm.swarm:
            agent = config.swarm.agents[address]
            if isinstance(agent, VolatilityPremium):
                found[agent.history] = config.find_for_swarm(agent.history)
    for feed in feeds_in_use(config).values():
        if isinstance(feed, Recorded | CompanyFacts):
            found[feed.path] = config.find_for_swarm(feed.path)
    return found
