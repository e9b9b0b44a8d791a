"""From the configuration to the agents that ask a language model, and the feeds that they read."""

from collections.abc import Callable
from typing import Any, Final

from agents.analysts import PROMPTS
from agents.analysts.analyst import ANALYSTS, AnalystSettings
from agents.analysts.beats import BeatSettings
from agents.analysts.consultation import AskingSettings
from agents.analysts.debate import Debate, DebateSettings, Side
from environment.actors import Actor, ActorRef
from environment.feeds.posts import RecordedFeed
from environment.instruments import Instrument
from environment.market.calendar import Session
from environment.text_messages import NewsItem
from llm.budget import Budget
from llm.prompts import Prompt, load_prompt
from scenarios.builders.feeds import background_of, feeds_in_use, items_of, web_feed
from scenarios.builders.models import price_of_model
from scenarios.builders.paths import clock_ns
from scenarios.config import swarm as told
from scenarios.config.load import Config
from scenarios.config.models import Rss, Sec

Made = Callable[[], Actor[Any]]

_SIDES: Final[tuple[Side, ...]] = ("bull", "bear", "judge")


def feed_factories(config: Config, session: Session, *, is_live: bool) -> dict[str, Made]:
    """Return by address what makes the actors that publish items: told again, or polled."""
    made: dict[str, Made] = {}
    for name, feed in feeds_in_use(config).items():
        if is_live and isinstance(feed, Rss | Sec):
            made[f"feeds/{name}"] = web_feed(config, name, feed)
            continue
        items = items_of(config, name, session.start_ns)

        def make(name: str = name, items: tuple[NewsItem, ...] = items) -> RecordedFeed:
            return RecordedFeed(name, items)

        made[f"feeds/{name}"] = make
    return made


def analyst_factory(
    config: Config, agent: told.Agent, chosen: tuple[Instrument, ...], session: Session,
    coordinator: ActorRef[Any],
) -> Made | None:  # fmt: skip
    """Return what makes each incarnation of an agent, or None where it asks no model."""
    if not isinstance(agent, told.LanguageAgent):
        return None
    asking = _asking(config, agent)
    if isinstance(agent, told.Debate):
        settings = DebateSettings(
            instruments=tuple(i.symbol for i in chosen), every_ns=int(agent.every), asking=asking,
            at_ns=0 if agent.at is None else clock_ns(session, agent.at), rounds=agent.rounds,
        )  # fmt: skip
        prompts: dict[Side, Prompt] = {s: load_prompt(PROMPTS, f"debate_{s}") for s in _SIDES}
        return lambda: Debate(coordinator, settings, prompts)
    assert isinstance(agent, told.News | told.Fundamentals | told.Technical | told.Volatility), (
        f"no analyst for {type(agent).__name__}"
    )
    return _analyst(config, agent, chosen, session, asking, coordinator)


def _analyst(
    config: Config, agent: told.News | told.Fundamentals | told.Technical | told.Volatility,
    chosen: tuple[Instrument, ...], session: Session, asking: AskingSettings,
    coordinator: ActorRef[Any],
) -> Made:  # fmt: skip
    kind = str(agent.__struct_config__.tag)
    reads = isinstance(agent, told.News | told.Fundamentals)
    feeds = agent.feeds if isinstance(agent, told.News | told.Fundamentals) else ()
    background = [
        item
        for feed in feeds
        for item in background_of(config, feed, session.start_ns)
        if item.available_ns < session.start_ns
    ]
    settings = AnalystSettings(
        instruments=chosen, asking=asking, feeds=feeds,
        beat=BeatSettings(name=kind, every_ns=int(agent.every), by_clock=not reads),
        background=tuple(sorted(background, key=lambda item: item.available_ns)),
    )  # fmt: skip
    prompt, make = load_prompt(PROMPTS, kind), ANALYSTS[kind]
    return lambda: make(coordinator, settings, prompt)


def _asking(config: Config, agent: told.LanguageAgent) -> AskingSettings:
    assert config.swarm is not None, "agents are named by a swarm"
    budget = agent.budget
    return AskingSettings(
        role=agent.model, samples=agent.samples,
        second_opinions=tuple(
            (role, price_of_model(config.swarm.models[role])) for role in agent.second_opinions
        ),
        deadline_ns=int(agent.deadline),
        budget=Budget(
            calls_per_minute=budget.calls_per_minute, tokens_per_day=budget.tokens_per_day,
            usd_micros_per_day=int(budget.usd_per_day),
        ),
        price=price_of_model(config.swarm.models[agent.model]), disguise=agent.disguise,
    )  # fmt: skip
