"""Disguise: reversible, and enough to make a model that remembers show it."""

import json
import re

import msgspec

from llm.disguise import make_disguise
from llm.messages import Part
from llm.providers.provider import Call, Completion
from llm.rendering import user_text
from llm.service import ModelService, Route
from scenarios.config.swarm import Swarm
from scenarios.run.evaluate import ARMS, cases_of, evaluate_disguise
from tests.servers.models import Asked, ModelWorld, model_server
from tests.unit.llm.factories import Scripted, make_ask

TEXT = "Apple (AAPL) closed at 645.57 USD on 2014-06-06, said apple's chief; pineapple did not."


def test_a_disguise_hides_names_dates_and_prices() -> None:
    hidden = make_disguise(("AAPL", "Apple"), 1).hide_text(TEXT)
    assert not re.search(r"\bapple\b|aapl|645\.57|2014", hidden, re.IGNORECASE)
    assert "pineapple" in hidden


def test_a_disguise_can_be_taken_off() -> None:
    disguise = make_disguise(("AAPL", "Apple"), 1)
    shown = disguise.reveal_text(disguise.hide_text(TEXT))
    assert shown == TEXT.replace("apple's", "Apple's")


def test_times_move_with_the_dates_and_their_order_stays() -> None:
    parts = (Part(text="a", as_of_ns=5 * 10**18, source="a"),)
    ask = make_ask(parts=parts, asked_ns=6 * 10**18)
    hidden = make_disguise((), 3).hide(ask)
    assert ask.asked_ns - hidden.asked_ns == ask.parts[0].as_of_ns - hidden.parts[0].as_of_ns > 0
    assert "2160" not in user_text(hidden)


def test_disguises_differ_by_seed_and_repeat() -> None:
    assert make_disguise(("AAPL",), 1) == make_disguise(("AAPL",), 1)
    assert make_disguise(("AAPL",), 1) != make_disguise(("AAPL",), 2)


def test_the_arms_ask_about_the_same_days() -> None:
    real, disguised, synthetic = (cases_of(arm, "quick", 20, 1) for arm in ARMS)
    assert [case.rose for case in real] == [case.rose for case in disguised]
    assert [case.rose for case in real] != [case.rose for case in synthetic]
    words = user_text(disguised[0].ask)
    assert not re.search(r"2013|2014", words)


def swarm_of(url: str) -> Swarm:
    model = {"provider": "ollama", "model": "tiny", "url": url, "parallel": 8}
    tables = {"version": 1, "name": "x", "swarm": [], "agents": {}, "models": {"deep": model}}
    return msgspec.convert(tables, Swarm)


def test_a_model_that_remembers_the_past_shows_a_gap() -> None:
    known = {user_text(case.ask): case.rose for case in cases_of("real", "deep", 60, 1)}

    def recall(asked: Asked) -> str:
        user = asked["messages"][1]["content"]
        rose = known.get(user, True)  # In the open it remembers; else it always says up.
        return json.dumps({
            "direction": "up" if rose else "down", "probability": 0.9, "move_bp": 1,
            "horizon_minutes": 1950, "sources": [], "numbers": [], "words": "",
        })  # fmt: skip

    with model_server(ModelWorld(reply=recall)) as url:
        found = evaluate_disguise(swarm_of(url), "deep", 60, 1)
    assert found.arms[0].right == 1.0
    assert found.gaps[0].low > 0.1
    assert found.arms[0].brier < found.arms[1].brier


def test_rules_remember_nothing() -> None:
    tables = {"version": 1, "name": "x", "swarm": [], "agents": {},
              "models": {"quick": {"provider": "offline"}}}  # fmt: skip
    found = evaluate_disguise(msgspec.convert(tables, Swarm), "quick", 40, 1)
    assert (found.gaps[0].gap, found.gaps[0].low, found.gaps[0].high) == (0.0, 0.0, 0.0)


def test_an_agent_can_ask_in_disguise_and_gets_its_answer_back() -> None:
    parts = (
        Part(text="AAPL trades at 645.57 USD", as_of_ns=10**18, source="price:2014-06-06"),
        Part(text="apple moved +1.00 %", as_of_ns=10**18, source="move"),
    )
    ask = make_ask(
        parts=parts, asked_ns=10**18, disguise=("AAPL", "Apple"), form="Cited",
        question="Where does AAPL go?",
    )  # fmt: skip

    class Echo(Scripted):
        """Cites the price that it is shown, by the id that it is shown."""

        def complete(self, call: Call) -> Completion:
            self.calls.append(call)
            found = re.search(r"\[(s\d)\] (\w+) trades at ([\d.]+) USD", call.user)
            assert found is not None
            number = {"words": found[2], "number": float(found[3]), "source": found[1]}
            return Completion(text=json.dumps({"sources": [found[1]], "numbers": [number]}))

    provider = Echo()
    service = ModelService({"quick": Route(provider)}, {"Cited": Cited})
    answer = msgspec.json.decode(service.perform(ask).text, type=Cited)
    assert answer.sources == ("price:2014-06-06",)
    assert answer.numbers[0] == {
        "words": "AAPL", "number": 645.57, "source": "price:2014-06-06",
    }  # fmt: skip
    assert not re.search(r"aapl|apple|645\.57|2014", provider.calls[0].user, re.IGNORECASE)


class Cited(msgspec.Struct):
    """A form with cited numbers."""

    sources: tuple[str, ...]
    numbers: tuple[dict[str, str | float], ...]
