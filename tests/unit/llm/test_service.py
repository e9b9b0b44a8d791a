"""The performer: repair, abstention, fallback, budget, retries, cassette."""

from pathlib import Path

import pytest

from llm.cassette import Cassette, read_entries
from llm.messages import Part
from llm.pace import Pace, wait_before
from llm.prices import Price
from llm.providers.provider import ProviderFailed
from llm.purse import Purse, RunBudget
from llm.service import Route
from tests.unit.llm.factories import GOOD, Scripted, make_ask, make_service


def test_an_answer_comes_back_as_what_was_understood() -> None:
    answer = make_service(Scripted("```json\n" + GOOD + "\n```")).perform(make_ask())
    assert (answer.text, answer.repaired) == (GOOD, False)


def test_a_malformed_answer_is_asked_for_once_more_with_the_error() -> None:
    provider = Scripted("up, I think", GOOD)
    answer = make_service(provider).perform(make_ask())
    assert (answer.text, answer.repaired) == (GOOD, True)
    assert "does not fit" in provider.calls[1].turns[1].text


def test_a_second_malformed_answer_is_an_abstention_and_nobody_stands_in() -> None:
    stand_in = Scripted(GOOD)
    answer = make_service(Scripted("up!"), stand_in).perform(make_ask())
    assert answer.abstains
    assert answer.reason.startswith("malformed")
    assert stand_in.calls == []


def test_a_failed_provider_is_stood_in_for() -> None:
    broken = Scripted(ProviderFailed("refused_key", "no"))
    answer = make_service(broken, Scripted(GOOD)).perform(make_ask())
    assert answer.text == GOOD


def test_only_what_was_not_computed_is_asked_again() -> None:
    safe = Scripted(ProviderFailed("rate_limited", "slower"), GOOD)
    unsafe = Scripted(ProviderFailed("too_late", "slow"), GOOD)
    assert make_service(safe).perform(make_ask()).text == GOOD
    assert make_service(unsafe).perform(make_ask()).reason.startswith("too_late")
    assert len(unsafe.calls) == 1


def test_a_provider_that_is_down_is_left_alone() -> None:
    down = Scripted(ProviderFailed("unreachable", "gone"))
    service = make_service(down)
    for sample in range(5):
        assert service.perform(make_ask(sample=sample)).abstains
    assert len(down.calls) == 4  # One question's attempts; the others were spared.


def test_a_later_part_is_refused_before_anybody_is_asked() -> None:
    provider = Scripted(GOOD)
    late = (Part(text="tomorrow", as_of_ns=101_000_000_000),)
    answer = make_service(provider).perform(make_ask(parts=late))
    assert answer.reason.startswith("look-ahead")
    assert provider.calls == []


def test_whatever_a_client_raises_becomes_an_abstention() -> None:
    answer = make_service(Scripted(RuntimeError("boom"))).perform(make_ask())
    assert answer.reason.startswith("bad_reply")


def test_an_unknown_role_abstains() -> None:
    assert (
        "no model has the role"
        in make_service(Scripted(GOOD)).perform(make_ask(role="deep")).reason
    )


def test_an_equal_question_is_not_asked_twice_and_costs_the_same() -> None:
    provider = Scripted(GOOD)
    service = make_service(provider)
    first, second = service.perform(make_ask()), service.perform(make_ask(agent="analysts/b"))
    assert first == second
    assert len(provider.calls) == 1


def test_the_purse_of_a_run_is_hard() -> None:
    purse = Purse(RunBudget(tokens_per_run=1_000))
    route = Route(Scripted(GOOD), price=Price(input=1.0, output=1.0))
    service = make_service(route, purse=purse)
    answers = [service.perform(make_ask(sample=n)) for n in range(40)]
    assert purse.tokens <= 1_000
    assert answers[-1].reason.startswith("budget: tokens_per_run")
    assert purse.tokens == sum(15 for answer in answers if not answer.abstains)


def test_the_days_purse_is_shared_between_runs(tmp_path: Path) -> None:
    def spend() -> bool:
        purse = Purse(RunBudget(usd_micros_per_day=1_000), tmp_path / "spend.json", lambda: "d1")
        return not purse.reserve(10, 400)

    assert [spend() for _ in range(4)] == [True, True, False, False]


def test_a_damaged_sum_of_the_day_stops_spending(tmp_path: Path) -> None:
    (tmp_path / "spend.json").write_text("{")
    purse = Purse(RunBudget(usd_micros_per_day=1_000), tmp_path / "spend.json", lambda: "d1")
    assert purse.reserve(1, 1)


def test_what_a_lost_call_cost_counts_as_the_most_it_can() -> None:
    purse = Purse(RunBudget())
    make_service(Scripted(ProviderFailed("cut_short", "half")), purse=purse).perform(make_ask())
    assert purse.tokens > 600


def test_waits_double_with_jitter_and_keep_what_the_server_asked() -> None:
    waits = [wait_before(attempt, "key", None) for attempt in range(1, 5)]
    assert waits == sorted(waits)
    assert 0.25 <= waits[0] <= 0.5
    assert wait_before(1, "key", 7.0) == 7.0
    assert wait_before(1, "other", None) != waits[0]


def test_pace_lets_so_many_begin_in_a_minute() -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace(1, 2, monotonic=lambda: clock[0], sleep=sleep)
    begun = []
    for _ in range(4):
        with pace.turn(1_000.0) as is_ours:
            assert is_ours
            begun.append(clock[0])
    assert begun == [0.0, 0.0, 60.0, 60.0]


def test_pace_gives_up_at_the_deadline() -> None:
    pace = Pace(1, 1, monotonic=lambda: 0.0)
    with pace.turn(1.0):
        pass
    with pace.turn(1.0) as is_ours:
        assert not is_ours


def test_a_cassette_answers_without_the_provider(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "c.jsonl", "record")
    make_service(Scripted(GOOD), cassette=tape).perform(make_ask())
    tape.save()
    silent = Scripted(AssertionError("asked"))
    service = make_service(silent, cassette=Cassette(tmp_path / "c.jsonl", "replay"))
    assert service.perform(make_ask()).text == GOOD
    missing = service.perform(make_ask(question="And now?"))
    assert missing.reason.startswith("cassette")
    assert silent.calls == []


def test_a_cassette_keeps_failures_and_repairs(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "c.jsonl", "record")
    broken, odd = Scripted(ProviderFailed("too_late", "slow")), Scripted("hm", GOOD)
    first = make_service(broken, odd, cassette=tape).perform(make_ask())
    tape.save()
    again = make_service(broken, odd, cassette=Cassette(tmp_path / "c.jsonl", "replay"))
    assert again.perform(make_ask()) == first
    assert first.repaired


def test_a_question_that_the_purse_forbade_is_not_on_the_cassette(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "c.jsonl", "record")
    purse = Purse(RunBudget(tokens_per_run=1))
    make_service(Scripted(GOOD), cassette=tape, purse=purse).perform(make_ask())
    assert tape.entries == {}


def test_secrets_do_not_reach_a_cassette(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "c.jsonl", "record")
    secret = "sk-" + "a1B2c3D4e5F6"
    part = Part(text=f"my key is {secret}", as_of_ns=1, kind="quoted", source="a")
    make_service(Scripted(GOOD), cassette=tape).perform(make_ask(parts=(part,)))
    tape.save()
    text = (tmp_path / "c.jsonl").read_text()
    assert secret not in text
    assert "[redacted]" in text
    assert len(read_entries(tmp_path / "c.jsonl")) == 1


@pytest.mark.parametrize("limit", [0, 3])
def test_facts_hold_what_each_question_cost(limit: int) -> None:
    service = make_service(Scripted(GOOD))
    for n in range(limit):
        service.perform(make_ask(sample=n))
    assert [fact.outcome for fact in service.facts] == ["answered"] * limit
