"""Critic, agreement, notes, rules and budget: the pure parts of an analyst."""

import pytest

from agents.analysts import FORMS, RULES
from agents.analysts.agreement import agree
from agents.analysts.critic import check_numbers, is_found, numbers_in
from agents.analysts.forms import CitedNumber, View
from agents.analysts.notes import Notes
from agents.instrument_view import InstrumentView
from llm.budget import Budget, Reservation, Spending
from llm.forms import decode_answer
from llm.messages import AskModel, ModelAnswer, Part
from tests.unit.analysts.factories import view_text
from tests.unit.desk.factories import quote

MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize(
    ("number", "text", "found"),
    [
        (45.6e9, "revenue of $45.6 billion", True),
        (45_646, "revenue 45,646 million", True),
        (-3.0, "a fall of 3 %", True),
        (0.03, "a fall of 3%", True),
        (3.2, "a fall of 3 %", False),
        (2014, "no figure at all", False),
        (0.0, "flat at 0.0", True),
        (12.0, "they sold 120 of them", False),
        (0.0025, "25 bp tighter", True),
    ],
)
def test_a_number_is_looked_up_in_its_source(number: float, text: str, found: bool) -> None:
    assert is_found(number, text) is found


def test_numbers_are_read_with_their_scale() -> None:
    assert numbers_in("1,250.5 and 3 million") == [1250.5, 3.0, 3e6]


def test_a_number_of_an_unknown_source_is_not_found() -> None:
    cited = CitedNumber(words="w", number=1.0, source="b")
    assert [claim.found for claim in check_numbers([cited], {"a": "1.0"})] == [False]


def view(direction: str, probability: float = 0.7) -> View:
    return decode_answer(view_text(direction=direction, probability=probability), View)


def test_answers_that_are_missing_count_as_disagreement() -> None:
    opinion = agree([view("up")], asked=4)
    assert opinion.dispersion == 0.75
    assert opinion.probability == pytest.approx(0.55)


def test_a_tie_and_silence_are_abstentions() -> None:
    assert agree([view("up"), view("down")], 2).direction == "abstain"
    assert agree([], 3).direction == "abstain"


def test_no_answer_may_be_surer_than_the_bound() -> None:
    assert agree([view("down", 1.0)], 1).probability == 0.95
    assert agree([view("down", 0.1)], 1).probability == 0.5


def make_notes(mids: list[int]) -> Notes:
    notes = Notes(view=InstrumentView())
    for minute, mid in enumerate(mids):
        notes.hear_quote(quote(mid - 1, mid + 1), minute * MINUTE_NS)
    return notes


def test_figures_come_from_the_minutes() -> None:
    notes = make_notes([100, 110, 105, 121])
    assert notes.move(2) == pytest.approx(0.1)
    assert notes.move(9) is None
    assert notes.share_of_rises(3) == pytest.approx(26 / 31)
    assert notes.volatility(60) is None
    assert make_notes([100] * 62).volatility(60) == 0.0


def test_a_budget_is_hard_and_settled_by_what_was_spent() -> None:
    spending, wanted = Spending(), Reservation(tokens=400)
    budget = Budget(tokens_per_day=1_000)
    assert [spending.reserve(1, budget, wanted) for _ in range(2)] == ["", ""]
    assert "tokens_per_day" in spending.reserve(1, budget, wanted)
    spending.settle(wanted, ModelAnswer(text="{}", tokens_in=50, tokens_out=50))
    assert spending.reserve(1, budget, wanted) == ""
    assert spending.tokens == 100


def test_calls_are_counted_in_any_minute_and_days_begin_anew() -> None:
    spending, wanted = Spending(), Reservation(tokens=1)
    budget = Budget(calls_per_minute=1, tokens_per_day=2)
    assert spending.reserve(0, budget, wanted) == ""
    assert "calls_per_minute" in spending.reserve(MINUTE_NS - 1, budget, wanted)
    spending.settle(wanted, ModelAnswer(tokens_in=2))
    assert "tokens_per_day" in spending.reserve(2 * MINUTE_NS, budget, wanted)
    assert spending.reserve(1_441 * MINUTE_NS, budget, wanted) == ""


def make_question(form: str, *parts: Part, text: str = "will rise") -> AskModel:
    return AskModel(role="q", agent="a", form=form, prompt="p", system="", parts=parts,
                    question=text, asked_ns=1)  # fmt: skip


def quoted(text: str, source: str = "s") -> Part:
    return Part(text=text, as_of_ns=0, kind="quoted", source=source)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_a_rule_that_fits_it_and_may_abstain(form: str) -> None:
    answer = RULES[form](make_question(form))
    assert isinstance(answer, FORMS[form])


def test_the_rule_of_views_follows_mood_strength_and_growth() -> None:
    good = RULES["View"](make_question("View", quoted("Apple upgraded to buy, target raised")))
    strength = "relative strength over 14 minutes is 22.0"
    weak = RULES["View"](make_question("View", Part(text=strength, as_of_ns=0, source="strength")))
    report = "Revenues 45 USD; +12.0 % from a year before"
    grown = RULES["View"](make_question("View", Part(text=report, as_of_ns=0, source="f")))
    assert [v.direction for v in (good, weak, grown)] == ["up", "down", "up"]  # type: ignore[attr-defined]  # Views.


def test_the_rules_of_a_debate_lean_with_the_evidence() -> None:
    up = quoted("a: up, probability 0.70, move +5 bp. words", "e1")
    down = quoted("b: down, probability 0.55, move -5 bp. words", "e2")
    bull = RULES["Argument"](make_question("Argument", up, down))
    bear = RULES["Argument"](make_question("Argument", up, down, text="will fall"))
    ruling = RULES["Ruling"](make_question("Ruling", up, down))
    assert [p.evidence for p in bull.points] == ["e1"]  # type: ignore[attr-defined]  # An argument.
    assert [p.evidence for p in bear.points] == ["e2"]  # type: ignore[attr-defined]  # An argument.
    assert (ruling.direction, ruling.evidence) == ("up", ("e1",))  # type: ignore[attr-defined]  # A ruling.
