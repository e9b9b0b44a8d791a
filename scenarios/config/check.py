"""What no single table can say: names that must exist elsewhere, files that must be there."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from scenarios.config.errors import Problem, did_you_mean, make_error
from scenarios.config.market import BY_RULE, Bars, Correlated, MakerWithdrawal
from scenarios.config.models import CompanyFacts, Offline, Ollama, OpenAI, Recorded
from scenarios.config.scenario import Scenario
from scenarios.config.sizes import size_faults
from scenarios.config.swarm import (
    AgentKind,
    Fundamentals,
    LanguageAgent,
    MarketMaker,
    News,
    Swarm,
    VolatilityPremium,
)
from scenarios.config.world import CrowdKind, WorldActor

_SATURDAY: Final = 5
_DESK_ACTORS: Final = ("risk", "portfolio", "venue")  # Kinds of actor that every run has.


Fault = tuple[tuple[str, ...], str]
Named = tuple[tuple[str, ...], str]


def find_fault(tables: Scenario | Swarm) -> Problem | None:
    """Return the first name that leads nowhere, or table that contradicts another."""
    faults = _scenario_faults(tables) if isinstance(tables, Scenario) else _swarm_faults(tables)
    return next((Problem(path, text) for path, text in faults), None)


def check_scenario_files(scenario: Scenario, find: Callable[[str], Path], where: str) -> None:
    """Raise ConfigError for the first data file of a scenario that is not there."""
    named: list[Named] = []
    if scenario.recording is not None:
        named.append((("recording",), scenario.recording))
    if scenario.history is not None:
        named.append((("history",), scenario.history))
    for index, instrument in enumerate(scenario.instruments):
        path = ("instruments", str(index))
        if isinstance(instrument.price, Bars):
            named.append(((*path, "price", "path"), instrument.price.path))
        if instrument.options is not None and instrument.options.chain != BY_RULE:
            named.append(((*path, "options", "chain"), instrument.options.chain))
        if instrument.options is not None and instrument.options.minutes is not None:
            named.append(((*path, "options", "minutes"), instrument.options.minutes))
        if instrument.actions is not None:
            named.append(((*path, "actions"), instrument.actions))
    _need_files(named, find, where)


def check_swarm_files(swarm: Swarm, find: Callable[[str], Path], where: str) -> None:
    """Raise ConfigError for the first data file of a swarm that is not there."""
    named = [
        (("feeds", name, "path"), feed.path)
        for name, feed in swarm.feeds.items()
        if isinstance(feed, Recorded | CompanyFacts)
    ]
    for address in swarm.swarm:
        agent = swarm.agents[address]
        if isinstance(agent, VolatilityPremium):
            named.append((("agents", address, "history"), agent.history))
    _need_files(named, find, where)


def check_agents_prices(scenario: Scenario, swarm: Swarm, where: str) -> None:
    """Raise ConfigError for a price of an agent that starts which its instruments cannot have."""
    for address in swarm.swarm:
        agent = swarm.agents[address]
        if not isinstance(agent, MarketMaker):
            continue
        for told in scenario.instruments:
            if told.symbol in agent.mandate.instruments and agent.half_spread % told.tick:
                text = f"{agent.half_spread} is no multiple of {told.symbol}'s tick {told.tick}"
                mend = "choose one, or another tick in the scenario"
                raise make_error(where, ("agents", address, "half_spread"), f"{text}; {mend}")


def _need_files(named: Iterable[Named], find: Callable[[str], Path], where: str) -> None:
    """Raise ConfigError for the first path that leads to no file."""
    for path, text in named:
        if not find(text).is_file():
            mend = "give a path beside the file that names it or from the project's root"
            raise make_error(where, path, f'there is no file "{text}"; {mend}')


def _scenario_faults(scenario: Scenario) -> Iterator[Fault]:
    """Yield what contradicts itself in a scenario."""
    symbols = [instrument.symbol for instrument in scenario.instruments]
    for index, symbol in enumerate(symbols):
        if symbol in symbols[:index]:
            yield ("instruments", str(index), "symbol"), f'"{symbol}" is listed twice; keep one'
    yield from _session_faults(scenario)
    yield from _source_faults(scenario)
    for path, symbol in _named_symbols(scenario):
        yield from _unknown(path, symbol, symbols)
    for index, shock in enumerate(scenario.shock):
        if isinstance(shock, MakerWithdrawal):
            for crowd in shock.crowds:
                yield from _unknown(("shock", str(index), "crowds"), crowd, scenario.crowds)
    thinkers = [*_kinds(AgentKind), *_kinds(WorldActor), *_kinds(CrowdKind), *_DESK_ACTORS]
    for table in ("thinking", "effects"):
        for name in getattr(scenario.latency, table):
            yield from _unknown(("latency", table, name), name, thinkers)
    yield from size_faults(scenario)


def _named_symbols(scenario: Scenario) -> Iterator[Named]:
    """Yield each symbol that a crowd, an actor or a shock names, and where."""
    for name, crowd in scenario.crowds.items():
        for symbol in crowd.instruments:
            yield ("crowds", name, "instruments"), symbol
    for name, actor in scenario.actors.items():
        yield ("actors", name, "instrument"), actor.instrument
    for index, shock in enumerate(scenario.shock):
        for symbol in getattr(shock, "instruments", ()):
            yield ("shock", str(index), "instruments"), symbol


def _session_faults(scenario: Scenario) -> Iterator[Fault]:
    """Yield days on which no market opens, and shocks on days that the run does not have."""
    session = scenario.session
    if session.date is None and session.dates is None and scenario.recording is None:
        yield ("session",), "expected either date = 2014-06-06 or dates = [first, last]"
        return
    if session.calendar != "always":
        for key, day in (("date", session.date), ("dates", session.dates and session.dates[0])):
            if day is not None and day.weekday() >= _SATURDAY:
                text = f"{day} is a {day:%A}; give a trading day of {session.calendar}"
                yield ("session", key), text
    days = 1 if session.dates is None else (session.dates[1] - session.dates[0]).days + 1
    wanted = [(("shock", str(i), "day"), shock.day) for i, shock in enumerate(scenario.shock)]
    wanted += [(("actors", name, "day"), actor.day) for name, actor in scenario.actors.items()]
    for path, number in wanted:
        if number > days:
            yield path, f"expected a day of the run, 1 to {days}, found {number}"


def _source_faults(scenario: Scenario) -> Iterator[Fault]:
    """Yield prices that come from nowhere or from two places."""
    if scenario.recording is not None and scenario.crowds:
        yield ("crowds",), "a recording stands instead of crowds; remove one of the two"
    if scenario.recording is not None:
        yield from _recording_faults(scenario)
    if scenario.recording is None and scenario.replay is not None:
        yield ("replay",), 'there is nothing to replay; add recording = "PATH"'
    for index, instrument in enumerate(scenario.instruments):
        path = ("instruments", str(index), "price")
        if instrument.price is None and scenario.recording is None:
            yield path, 'is missing; add price = { kind = "bars", path = "PATH" } or another kind'
        if isinstance(instrument.price, Correlated):
            for factor in instrument.price.loadings:
                yield from _unknown((*path, "loadings", factor), factor, scenario.factors)


def _recording_faults(scenario: Scenario) -> Iterator[Fault]:
    """Yield what a recorded day brings itself, and a scenario can therefore not ask for."""
    if len(scenario.instruments) > 1:
        yield ("instruments", "1"), "a recording is of one instrument; keep one"
    if scenario.session.dates is not None:
        yield ("session", "dates"), "a recording is one day; use date"
    if scenario.session.bands is not None:
        yield ("session", "bands"), "a recorded day has its own halts; remove it"
    for key in ("opens", "closes", "until"):
        if getattr(scenario.session, key, None) is not None:
            yield ("session", key), "a recorded day has its own hours; remove it"
    if len(scenario.session.auctions) == 1:
        yield ("session", "auctions"), "a recorded day is replayed without auctions; remove it"
    if scenario.crowd == "actors":
        yield ("crowd",), "a recording stands instead of a crowd; remove it"


def _swarm_faults(swarm: Swarm) -> Iterator[Fault]:
    """Yield what is named and not defined in a swarm file."""
    for index, address in enumerate(swarm.swarm):
        yield from _unknown(("swarm", str(index)), address, swarm.agents)
        if address in swarm.swarm[:index]:
            yield ("swarm", str(index)), f'"{address}" starts twice; keep one'
    for address, agent in swarm.agents.items():
        if isinstance(agent, LanguageAgent):
            yield from _unknown(("agents", address, "model"), agent.model, swarm.models)
            for role in agent.second_opinions:
                yield from _unknown(("agents", address, "second_opinions"), role, swarm.models)
        if isinstance(agent, News | Fundamentals):
            for feed in agent.feeds:
                yield from _unknown(("agents", address, "feeds"), feed, swarm.feeds)
    if swarm.panel is not None and swarm.panel.model is not None:
        role, path = swarm.panel.model, ("panel", "model")
        yield from _unknown(path, role, swarm.models)
        if isinstance(swarm.models.get(role), Offline):
            yield path, f'"{role}" is written rules, which have no words; leave panel.model out'
    for name in swarm.models:
        yield from _fallback_faults(swarm, name)


def _fallback_faults(swarm: Swarm, name: str) -> Iterator[Fault]:
    """Yield a chain of fallbacks that breaks off or runs in a circle."""
    seen, path = [name], ("models", name, "fallback")
    model = swarm.models[name]
    while isinstance(model, Ollama | OpenAI) and model.fallback is not None:
        if model.fallback not in swarm.models:
            yield from _unknown(path, model.fallback, swarm.models)
            return
        if model.fallback in seen:
            yield path, f"falls back in a circle: {' -> '.join([*seen, model.fallback])}"
            return
        seen.append(model.fallback)
        model = swarm.models[model.fallback]


def _unknown(path: tuple[str, ...], name: str, known: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault where `name` is not among the known ones."""
    names = sorted(known)
    if name not in names:
        mend = did_you_mean(name, names) if names else "nothing of that kind is defined"
        yield path, f'"{name}" is not defined; {mend}'


def _kinds(union: object) -> list[str]:
    """Return the tags of a union of tagged structs, or of a single one."""
    members: tuple[Any, ...] = getattr(union, "__args__", (union,))
    return [str(member.__struct_config__.tag) for member in members]
