"""How fast models are asked: against a slow local server, with none, by rule; and texts read.

Prints a table and writes it as JSON; run with `python -m benchmarks.language_models`. Exits with 1
where a limit is broken. The texts are the shipped posts, over and over with a word changed.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

from agents.analysts import FORMS, RULES
from benchmarks.figures import report
from environment.feeds.entities import EntityLinker
from environment.feeds.ingest import Ingest, RawItem
from environment.feeds.posts import read_posts
from llm.messages import AskModel, CallLimits, Part
from llm.pace import Pace
from llm.providers.offline import Offline
from llm.providers.openai_server import OpenAIServer
from llm.providers.provider import Call, Completion
from llm.sentiment import shipped_classifier
from llm.service import ModelService, Route
from scenarios.places import SHIPPED
from tests.servers.models import ModelWorld, model_server

ANALYSTS, QUESTIONS, AT_ONCE, ANSWER_S = 50, 4, 16, 0.2
VIEW: Final = json.dumps({
    "direction": "up", "probability": 0.6, "move_bp": 5.0, "horizon_minutes": 30, "sources": [],
    "numbers": [], "words": "benchmark",
})  # fmt: skip


def make_ask(number: int, text: str = "Profits rose again") -> AskModel:
    part = Part(text=text, as_of_ns=1, kind="quoted", source="a")
    return AskModel(
        role="quick", agent=f"analysts/a{number % ANALYSTS}", form="View", prompt="p.v1",
        system="Fill in the form.", parts=(part,), question=f"Question {number}?", asked_ns=2,
        limits=CallLimits(seconds=60.0),
    )  # fmt: skip


class AtOnce:
    """A provider that answers at once: what is left is our own work."""

    name, model = "none", "none"

    def complete(self, call: Call) -> Completion:  # noqa: ARG002  # A provider's signature.
        """Answer at once."""
        return Completion(text=VIEW)

    def trouble(self) -> str:
        """Return no trouble."""
        return ""

    def close(self) -> None:
        """Nothing is open."""


def serve(sender: "Connection[str, str]") -> None:
    """Run the slow server in a process of its own, as a real one is."""
    with model_server(ModelWorld(reply=lambda _: VIEW, delay_s=ANSWER_S)) as url:
        sender.send(url)
        time.sleep(120)


def against_a_slow_server() -> float:
    """Return wall time over the ideal, of 50 analysts who each ask four questions."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(sender,), daemon=True)
    server.start()
    provider = OpenAIServer("tiny", f"{receiver.recv()}/v1", "k")
    service = ModelService({"quick": Route(provider, Pace(AT_ONCE))}, FORMS)
    count = ANALYSTS * QUESTIONS
    service.perform(make_ask(count))
    began = time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(service.perform, map(make_ask, range(count))))
    wall = time.perf_counter() - began
    service.close()
    server.terminate()
    assert all(answer.text for answer in answers), "an answer was lost"
    return wall / (-(-count // AT_ONCE) * ANSWER_S)


def per_second(work: Callable[[int], object], count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        work(number)
    return count / (time.perf_counter() - began)


def main() -> int:
    items = read_posts(SHIPPED / "data/posts.jsonl.gz", "posts")
    texts = [items[n % len(items)].text + f" number{n}" for n in range(20_000)]
    none = ModelService({"quick": Route(AtOnce())}, FORMS)
    rules = ModelService({"quick": Route(Offline(RULES))}, FORMS)
    ingest = Ingest("posts", EntityLinker({"AAPL": ["apple"], "GOOG": ["google"]}))
    raw = [
        RawItem(item_id=str(n), kind="post", text=text, published_ns=n)
        for n, text in enumerate(texts[:10_000])
    ]
    shipped_classifier()
    began = time.perf_counter()
    shipped_classifier().probabilities(texts)
    headlines = len(texts) / (time.perf_counter() - began)
    rows: list[dict[str, object]] = [
        {"figure": "50 analysts, wall over ideal", "value": against_a_slow_server(), "limit": 1.2},
        {"figure": "own work, ms a call",
         "value": 1e3 / per_second(lambda n: none.perform(make_ask(n)), 2_000), "limit": 2.0},
        {"figure": "offline, decisions/s",
         "value": per_second(lambda n: rules.perform(make_ask(n, texts[n])), 4_000),
         "limit": 2_000.0},
        {"figure": "classifier, headlines/s", "value": headlines, "limit": 20_000.0},
        {"figure": "feeds, items/s",
         "value": per_second(lambda n: ingest.take(raw[n], n), len(raw)), "limit": 5_000.0},
    ]  # fmt: skip
    report("language_models", rows)
    most, least = rows[:2], rows[2:]
    kept = all(float(str(row["value"])) <= float(str(row["limit"])) for row in most) and all(
        float(str(row["value"])) >= float(str(row["limit"])) for row in least
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
