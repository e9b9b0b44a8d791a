"""The official clients against servers of our own, over real HTTP, with faults."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from llm.messages import CallLimits
from llm.pace import Pace
from llm.providers.ollama_server import OllamaServer
from llm.providers.openai_server import OpenAIServer
from llm.service import ModelService, Route
from tests.servers.models import Asked, ModelWorld, model_server
from tests.unit.llm.factories import GOOD, make_ask, make_service, ollama_service, openai_service

Make = Callable[..., ModelService]
BOTH = pytest.mark.parametrize("make", [openai_service, ollama_service], indirect=True)
OLLAMA = pytest.mark.parametrize("make", [ollama_service], indirect=True)


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make services of the test's kind, by default OpenAI's; they are closed at its end."""
    with ExitStack() as stack:
        maker = getattr(request, "param", openai_service)

        def made(*arguments: Any, **options: Any) -> ModelService:
            chosen: ModelService = maker(*arguments, **options)
            stack.callback(chosen.close)
            return chosen

        yield made


@pytest.fixture
def world() -> ModelWorld:
    return ModelWorld(reply=lambda asked: GOOD)


@pytest.fixture
def url(world: ModelWorld) -> Iterator[str]:
    with model_server(world) as address:
        yield address


@BOTH
def test_an_answer_comes_over_http(make: Make, url: str) -> None:
    answer = make(url).perform(make_ask())
    assert answer.text == GOOD
    assert (answer.tokens_in, answer.tokens_out) == (100, 20)


@BOTH
@pytest.mark.parametrize(
    ("fault", "reason"),
    [("junk", "cut_short"), ("cut", "cut_short"), ("length", "cut_short"), (500, "")],
)
def test_a_broken_answer_is_an_abstention(
    make: Make, world: ModelWorld, url: str, fault: int | str, reason: str
) -> None:
    world.faults = [fault]
    answer = make(url).perform(make_ask())
    assert answer.abstains
    assert answer.reason.startswith(reason)
    assert len(world.heard) == 1


@BOTH
@pytest.mark.parametrize("fault", [429, 503])
def test_a_busy_server_is_asked_again(make: Make, world: ModelWorld, url: str, fault: int) -> None:
    world.faults = [fault, fault]
    assert make(url).perform(make_ask()).text == GOOD
    assert len(world.heard) == 3


@BOTH
def test_an_unknown_model_says_how_to_mend_it(make: Make, url: str) -> None:
    answer = make(url, model="huge").perform(make_ask())
    assert answer.reason.startswith("unknown_model")
    assert "huge" in answer.reason


@BOTH
def test_no_server_abstains(make: Make) -> None:
    answer = make("http://127.0.0.1:9").perform(make_ask())
    assert answer.reason.startswith("unreachable")


@BOTH
def test_a_late_answer_is_an_abstention(make: Make, world: ModelWorld, url: str) -> None:
    world.faults = ["hang"]
    answer = make(url).perform(make_ask(limits=CallLimits(seconds=0.3)))
    assert answer.reason.startswith("too_late")


def test_a_wrong_key_abstains(make: Make, world: ModelWorld, url: str) -> None:
    world.key = "right"
    assert make(url, key="wrong").perform(make_ask()).reason.startswith("refused_key")
    assert make(url, key="").perform(make_ask()).reason.startswith("refused_key")
    assert make(url, key="right").perform(make_ask()).text == GOOD


@pytest.mark.parametrize(
    ("formats", "asked"),
    [(("json_schema",), 1), (("json_object",), 2), ((), 3)],
)
def test_a_server_is_asked_for_what_it_can(
    make: Make, world: ModelWorld, url: str, formats: tuple[str, ...], asked: int
) -> None:
    world.formats = formats
    service = make(url)
    assert service.perform(make_ask()).text == GOOD
    assert service.perform(make_ask(sample=1)).text == GOOD  # What it learnt, it keeps.
    assert len(world.heard) == asked + 1


@OLLAMA
def test_the_schema_is_strict_where_the_server_enforces_it(
    make: Make, world: ModelWorld, url: str
) -> None:
    make(url).perform(make_ask())
    schema: dict[str, Any] = world.heard[0]["format"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["direction", "probability", "sources"]


@OLLAMA
def test_a_model_is_pulled_only_when_asked(make: Make, world: ModelWorld, url: str) -> None:
    server = OllamaServer("huge", url)
    assert "ollama pull huge" in server.trouble()
    make(url, model="huge").perform(make_ask())
    assert world.pulled == []
    server.pull()
    assert world.pulled == ["huge"]
    server.close()


def test_settings_that_a_model_refuses_are_left_out(
    make: Make, world: ModelWorld, url: str
) -> None:
    world.refuses = ("max_tokens", "temperature")
    service = make(url)
    assert service.perform(make_ask()).text == GOOD
    assert service.perform(make_ask(sample=1)).text == GOOD  # What it learnt, it keeps.
    assert len(world.heard) == 4
    assert world.heard[-1]["max_completion_tokens"] == 600


@BOTH
def test_tokens_that_a_server_does_not_count_are_estimated_from_above(
    make: Make, world: ModelWorld, url: str
) -> None:
    world.counts = False
    answer = make(url).perform(make_ask())
    assert answer.tokens_in > 100  # The schema counts too.
    assert answer.tokens_out > 10


def test_calls_of_one_moment_run_beside_each_other(world: ModelWorld, url: str) -> None:
    together = threading.Barrier(3, timeout=20.0)

    def meet(asked: Asked) -> str:
        together.wait()  # Nobody is answered before three are there.
        return GOOD

    world.reply = meet
    service = make_service(Route(OpenAIServer("tiny", f"{url}/v1", "k"), Pace(3)))
    with ThreadPoolExecutor(3) as pool:
        asks = [make_ask(sample=n, limits=CallLimits(seconds=30.0)) for n in range(3)]
        assert [answer.text for answer in pool.map(service.perform, asks)] == [GOOD] * 3
    service.close()


def test_a_provider_is_asked_no_more_at_once_than_it_may_be(world: ModelWorld, url: str) -> None:
    world.delay_s = 0.02
    service = make_service(Route(OpenAIServer("tiny", f"{url}/v1", "k"), Pace(2)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.perform, [make_ask(sample=n) for n in range(8)]))
    service.close()
    assert world.most_at_once <= 2
