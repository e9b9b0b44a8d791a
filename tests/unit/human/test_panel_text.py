"""Text of others is spelled out; figures are written for people."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from agents.human.panel_text import grouped, is_hidden, money, shown, span


@pytest.mark.parametrize(
    "character",
    ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\x00", "\x1b", "\u2028",
     "\u3164", "\ufe0f", "\u00a0", "\U000e0041"],
)  # fmt: skip
def test_hidden_characters_are_spelled_out(character: str) -> None:
    assert shown(f"a{character}b") == f"a[U+{ord(character):04X}]b"


def test_ordinary_words_of_any_language_stay() -> None:
    text = "Börse 株式 אבג 5 % “so”\nnext"
    assert shown(text) == text


def test_a_long_text_says_how_much_is_missing() -> None:
    assert shown("x" * 30, 10) == "xxxxxxxxxx … and 20 more characters"


@given(st.text(max_size=60))
def test_nothing_shown_hides_anything(text: str) -> None:
    assert not any(is_hidden(character) for character in shown(text))
    assert all(unicodedata.category(c) not in {"Cf", "Cc"} or c == "\n" for c in shown(text))


def test_money_has_a_real_minus_and_thin_spaces() -> None:
    assert money(-1_234_500_000) == "\u2212$1\u202f234.50"
    assert money(999_999, decimals=0) == "$1"
    assert money(-4_000, decimals=2) == "$0.00"


def test_numbers_are_grouped() -> None:
    assert grouped(-12_345) == "\u221212\u202f345"
    assert grouped(0.125, 2) == "0.12"


def test_spans_read_like_a_clock() -> None:
    assert [span(ns) for ns in (0, 900_000_000, 61_000_000_000, 3_725_000_000_000)] == [
        "0:00", "0:01", "1:01", "1:02:05",
    ]  # fmt: skip
