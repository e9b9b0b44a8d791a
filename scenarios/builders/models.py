"""From the configuration to whoever answers `AskModel`: routes by role, budget, cassette."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agents.analysts import FORMS, RULES
from agents.human.panel_model import FORMS as PANEL_FORMS, ModelVoice
from agents.quant.volatility_forecast import ForecastVolatility, perform_forecast
from environment.actors import ThreadedEffects
from environment.actors.effects import Perform
from environment.errors import OperatingError
from llm.cassette import Cassette
from llm.messages import AskModel
from llm.pace import Pace
from llm.prices import FREE, Price, price_of
from llm.providers import Provider
from llm.providers.offline import Offline
from llm.purse import Purse, RunBudget
from llm.service import ModelService, Route
from scenarios.config.load import Config
from scenarios.config.models import LanguageModel, Offline as OfflineModel, Ollama, OpenAI
from scenarios.config.secret import Secret
from scenarios.config.swarm import LanguageAgent, Swarm
from scenarios.live.state_folder import state_folder

SPENT: Final = "spend.json"
_NO_LIMIT: Final = 1 << 62
_OFFLINE_PARALLEL: Final = 64


def model_service(config: Config) -> ModelService | None:
    """Return the service of a configuration, or None where nobody asks a model."""
    swarm = config.swarm
    if swarm is None or not any(
        isinstance(swarm.agents[address], LanguageAgent) for address in swarm.swarm
    ):
        return None
    told = config.scenario.cassette
    cassette = None if told is None else Cassette(config.find(told.path), told.mode)
    return ModelService(routes_of(swarm.models), FORMS, purse=_purse(swarm), cassette=cassette)


def panel_model(swarm: Swarm, service: ModelService | None) -> ModelVoice | None:
    """Return who answers people's questions in words, or None: then the record alone does.

    Agents and people spend from one purse, and wait for one model together.
    """
    role = None if swarm.panel is None else swarm.panel.model
    if role is None:
        return None
    if service is None:
        routes = routes_of(swarm.models)
        return ModelVoice(role, ModelService(routes, PANEL_FORMS, purse=_purse(swarm)).perform)
    return ModelVoice(role, service.beside(PANEL_FORMS).perform)


def all_performers(service: ModelService | None) -> dict[type, Perform]:
    """Return what performs each class of effects, in a run and in a daemon alike."""
    found: dict[type, Perform] = {ForecastVolatility: perform_forecast}
    if service is not None:
        found[AskModel] = service.perform
    return found


def performers(service: ModelService | None) -> ThreadedEffects:
    """Return what performs the effects of a run."""
    return ThreadedEffects(all_performers(service))


def check_cassette(service: ModelService | None) -> None:
    """Raise OperatingError where a strict cassette lacked an answer."""
    cassette = service.cassette if service is not None else None
    if cassette is not None and cassette.mode == "strict" and cassette.misses:
        raise OperatingError(
            f"{cassette.path}: {cassette.misses} questions are not on this cassette; record it "
            'again with --set cassette.mode=record, or take mode = "replay"'
        )


def roles_in_use(swarm: Swarm) -> set[str]:
    """Return the roles that agents of this swarm and people at its panel ask, fallbacks aside."""
    agents = (swarm.agents[address] for address in swarm.swarm)
    asking = [agent for agent in agents if isinstance(agent, LanguageAgent)]
    named = {role for agent in asking for role in (agent.model, *agent.second_opinions)}
    panel = None if swarm.panel is None else swarm.panel.model
    return named if panel is None else named | {panel}


def model_troubles(swarm: Swarm) -> dict[str, str]:
    """Return by role what keeps its model from answering, with the mend; "" where nothing does."""
    found: dict[str, str] = {}
    for role, model in sorted(swarm.models.items()):
        provider = provider_of(model)
        found[role] = provider.trouble()
        provider.close()
    return found


def models_summary(service: ModelService | None) -> dict[str, Any]:
    """Return what asking cost on the wall, by model; nothing where nobody asked."""
    if service is None:
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for fact in service.facts:
        name = f"{fact.provider}/{fact.model}" if fact.provider else "nobody"
        row = rows.setdefault(
            name, {"questions": 0, "seconds": [], "tokens": 0, "usd": 0.0, "outcomes": {}}
        )
        row["questions"] += 1
        row["seconds"].append(fact.seconds)
        row["tokens"] += fact.tokens_in + fact.tokens_out
        row["usd"] += fact.usd_micros / 1e6
        row["outcomes"][fact.outcome] = row["outcomes"].get(fact.outcome, 0) + 1
    for row in rows.values():
        seconds = sorted(row.pop("seconds"))
        row["median_ms"] = round(seconds[len(seconds) // 2] * 1e3, 3)
        row["longest_ms"] = round(seconds[-1] * 1e3, 3)
    return {"models": rows}


def routes_of(models: Mapping[str, LanguageModel]) -> dict[str, Route]:
    """Return how each role is answered.

    A server does not know roles: those that ask one server share its pace, the narrowest told.
    """
    asked: dict[tuple[str, str], list[Ollama | OpenAI]] = {}
    for model in models.values():
        if not isinstance(model, OfflineModel):
            asked.setdefault(server_of(model), []).append(model)
    paces = {
        server: Pace(
            min(model.parallel for model in sharing),
            min((model.per_minute for model in sharing if model.per_minute), default=0),
        )
        for server, sharing in asked.items()
    }
    return {
        role: Route(provider_of(model), Pace(_OFFLINE_PARALLEL))
        if isinstance(model, OfflineModel)
        else Route(
            provider_of(model), paces[server_of(model)], price_of_model(model), model.fallback
        )
        for role, model in models.items()
    }


def server_of(model: Ollama | OpenAI) -> tuple[str, str]:
    """Return what tells one server from another: its protocol and its address."""
    return str(model.__struct_config__.tag), (model.url or "").rstrip("/")


def provider_of(model: LanguageModel) -> Provider:
    """Return a provider. Clients are imported only where one is configured: they are large."""
    match model:
        case Ollama():
            from llm.providers.ollama_server import OllamaServer  # noqa: PLC0415

            keep = f"{int(model.keep_alive) // 1_000_000_000}s"
            return OllamaServer(model.model, model.url, keep_alive=keep)
        case OpenAI():
            from llm.providers.openai_server import OpenAIServer  # noqa: PLC0415

            return OpenAIServer(model.model, model.url, secret_of(model.key))
        case _:
            return Offline(RULES)


def price_of_model(model: LanguageModel) -> Price:
    """Return what a role costs: its own price, or the table's."""
    if not isinstance(model, OpenAI):
        return FREE
    if model.price is not None:
        return Price(input=model.price.input, output=model.price.output)
    return price_of(model.model)


def secret_of(secret: Secret) -> str:
    """Return a secret, or "" where its place is empty: the agent then abstains and says so."""
    if secret.env is not None:
        return os.environ.get(secret.env, "")
    try:
        return Path(str(secret.file)).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _purse(swarm: Swarm) -> Purse:
    told = swarm.budget
    if told is None:
        return Purse(RunBudget())
    limits = RunBudget(
        tokens_per_run=_NO_LIMIT if told.tokens_per_run is None else told.tokens_per_run,
        usd_micros_per_run=_NO_LIMIT if told.usd_per_run is None else int(told.usd_per_run),
        usd_micros_per_day=_NO_LIMIT if told.usd_per_day is None else int(told.usd_per_day),
    )
    day_file = None if told.usd_per_day is None else state_folder(swarm.name) / SPENT
    return Purse(limits, day_file, lambda: f"{datetime.now(UTC):%Y-%m-%d}")
