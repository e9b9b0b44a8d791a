"""Questions, forms and services for tests."""

from typing import Any, Literal

import msgspec

from llm.messages import AskModel, CallLimits, Part
from llm.providers.ollama_server import OllamaServer
from llm.providers.openai_server import OpenAIServer
from llm.providers.provider import Call, Completion
from llm.service import ModelService, Route


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A small form."""

    direction: Literal["up", "down", "flat"]
    probability: float
    sources: tuple[str, ...] = ()


GOOD = '{"direction":"up","probability":0.6,"sources":["a"]}'


def make_ask(**changed: Any) -> AskModel:
    """Return a question as of second 100."""
    given: dict[str, Any] = {
        "role": "quick", "agent": "analysts/news", "form": "View", "prompt": "news.v1",
        "system": "Fill in the form.", "question": "Up or down?", "asked_ns": 100_000_000_000,
        "parts": (Part(text="Profits rose", as_of_ns=99_000_000_000, kind="quoted", source="a"),),
        "limits": CallLimits(seconds=5.0),
    }  # fmt: skip
    return AskModel(**(given | changed))


class Scripted:
    """A provider that says what it is told to, in turn; the last is said for ever."""

    name, model = "scripted", "script"

    def __init__(self, *said: str | Exception) -> None:
        self._said = list(said)
        self.calls: list[Call] = []

    def complete(self, call: Call) -> Completion:
        self.calls.append(call)
        said = self._said.pop(0) if len(self._said) > 1 else self._said[0]
        if isinstance(said, Exception):
            raise said
        return Completion(text=said, tokens_in=10, tokens_out=5)

    def trouble(self) -> str:
        return ""

    def close(self) -> None:
        pass


def make_service(*routes: Any, **options: Any) -> ModelService:
    """Return a service whose first provider has the role "quick" and falls back on the next."""
    names = ["quick", *(f"role_{n}" for n in range(1, len(routes)))]
    made = {}
    for n, provider in enumerate(routes):
        route = provider if isinstance(provider, Route) else Route(provider)
        fallback = names[n + 1] if n + 1 < len(names) else None
        made[names[n]] = Route(route.provider, route.pace, route.price, fallback)
    options.setdefault("sleep", lambda seconds: None)
    return ModelService(made, {"View": View}, **options)


def openai_service(
    url: str, *, key: str = "k", model: str = "tiny", **options: Any
) -> ModelService:
    return make_service(OpenAIServer(model, f"{url}/v1", key), **options)


def ollama_service(url: str, *, model: str = "tiny", **options: Any) -> ModelService:
    return make_service(OllamaServer(model, url), **options)
