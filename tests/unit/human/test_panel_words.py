"""The closed grammar: what decides, what commands, and that everything else is a question."""

import pytest
from hypothesis import given, strategies as st

from agents.human.panel_words import Command, Deciding, Question, UnknownCommand, read_line


@pytest.mark.parametrize(
    ("typed", "word", "quantity", "reason"),
    [
        ("approve 4F2A", "approve", None, ""),
        ("  Approve 4f2a ", "approve", None, ""),
        ("approve 4F2A 40", "approve", 40, ""),
        ("reject 4F2A", "reject", None, ""),
        ("reject 4F2A because it is late", "reject", None, "it is late"),
    ],
)
def test_words_that_decide_name_one_card(
    typed: str, word: str, quantity: int | None, reason: str
) -> None:
    line = read_line(typed)
    assert line == Deciding(word=word, code="4F2A", quantity=quantity, reason=reason)  # type: ignore[arg-type]  # one of two literals


@pytest.mark.parametrize(
    "typed",
    [
        "approve", "approve all", "approve 4F2A please", "approve 4F2A 0", "approve 4F2A -5",
        "approve 4F2A 4e3", "approve 4F2A 1,000", "yes", "ok", "approve  4F2A", "approve 4F2A\n40",
        "approve 4F2AB", "please approve 4F2A", "approve 4F2A; reject 4F2A", "reject 4F2A because ",
        "approve 4F2A ٤٠", "\u0430pprove 4F2A", "approve 4F2A?",
    ],
)  # fmt: skip
def test_whatever_is_not_exactly_such_a_word_is_a_question(typed: str) -> None:
    assert isinstance(read_line(typed), Question)


@pytest.mark.parametrize("name", ["positions", "risk", "halt", "resume", "limits", "agents"])
def test_commands_have_names(name: str) -> None:
    assert read_line(f"/{name}") == Command(name=name)  # type: ignore[arg-type]  # the closed list


def test_explain_takes_an_order() -> None:
    assert read_line("/explain quant/maker/7") == Command(name="explain", rest="quant/maker/7")


def test_an_unknown_command_is_not_taken_for_a_question() -> None:
    assert isinstance(read_line("/approve 4F2A"), UnknownCommand)


@given(st.text(max_size=40))
def test_no_text_decides_unless_it_begins_with_a_deciding_word(text: str) -> None:
    line = read_line(text)
    if isinstance(line, Deciding):
        assert text.strip().lower().startswith(("approve ", "reject "))
        assert text.isascii() or "because" in text
