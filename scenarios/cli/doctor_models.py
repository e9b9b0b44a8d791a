"""`outcry doctor` on language models: whether they can answer, what is left, what is recorded."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from environment.errors import ConfigError
from llm.cassette import read_cassette
from llm.purse import spent_on
from scenarios.builders.models import SPENT, model_troubles, roles_in_use
from scenarios.cli.finding import Finding
from scenarios.config.load import Config
from scenarios.config.models import LanguageModel, Offline
from scenarios.config.swarm import Swarm
from scenarios.live.state_folder import state_folder


def model_findings(swarm: Swarm) -> Iterator[Finding]:
    """Ask each model of a swarm file whether it can answer, and look at what the day has cost."""
    for role, trouble in model_troubles(swarm).items():
        if not trouble:
            yield Finding("ok", f"model {role}", str(swarm.models[role].__struct_config__.tag))
            continue
        text, _, mend = trouble.partition("; ")
        yield Finding(
            "fault" if role in roles_in_use(swarm) else "note", f"model {role}", text,
            mend or "agents that name it abstain until then",
        )  # fmt: skip
    yield from _budget_findings(swarm)


def _budget_findings(swarm: Swarm) -> Iterator[Finding]:
    """Say what of the day's budget of all runs is left."""
    if swarm.budget is None or swarm.budget.usd_per_day is None:
        return
    file, limit = state_folder(swarm.name) / SPENT, int(swarm.budget.usd_per_day)
    spent = spent_on(file, f"{datetime.now(UTC):%Y-%m-%d}")
    if spent is None:
        mend = "take the file away once you know what was spent; until then agents abstain"
        yield Finding("fault", "budget", f"{file} is damaged", mend)
        return
    text = f"${spent / 1e6:,.2f} of ${limit / 1e6:,.2f} spent today (UTC), all runs together"
    if spent < limit:
        yield Finding("ok", "budget", text)
        return
    mend = "raise budget.usd_per_day, or wait for midnight UTC; until then agents abstain"
    yield Finding("fault", "budget", text, mend)


def cassette_findings(config: Config) -> Iterator[Finding]:
    """Look whether a scenario's cassette can be read, and holds answers of the models in use.

    Nothing where there is none, or it only records: then the models themselves are asked.
    """
    told, swarm = config.scenario.cassette, config.swarm
    if told is None or swarm is None or told.mode == "record":
        return
    try:
        _, entries = read_cassette(config.find(told.path))
    except ConfigError as error:
        yield Finding("fault", "cassette", str(error))
        return
    held = Counter(f"{entry.provider}/{entry.model}" for entry in entries.values())
    shown = ", ".join(f"{count} of {name}" for name, count in sorted(held.items())) or "no answers"
    yield Finding("ok", "cassette", f"{told.path}: {shown}; models are not asked")
    for role in sorted(roles_in_use(swarm)):
        name = _name_of(swarm.models[role])
        if name not in held:
            yield Finding(
                "fault", f"cassette, {role}", f"{told.path} has no answer of {name}",
                f"name {' or '.join(sorted(held)) or 'another cassette'} under models.{role}, or "
                "record it again with --set cassette.mode=record",
            )  # fmt: skip


def _name_of(model: LanguageModel) -> str:
    """Return a model as a cassette names it."""
    if isinstance(model, Offline):
        return "offline/rules"
    return f"{model.__struct_config__.tag}/{model.model}"
