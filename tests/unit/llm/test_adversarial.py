"""A thousand answers that no parser should trust: none crashes, none is understood wrongly."""

import itertools
import json

import msgspec
import pytest

from llm.forms import Malformed, decode_answer, schema_of
from tests.unit.llm.factories import GOOD, Scripted, View, make_ask, make_service

_WORDS = (
    "", " ", "null", "[]", "{}", "42", '"up"', "up", "I cannot help with that.",
    "Ich denke, der Kurs steigt.", "買いです", "\u202eup\u202c", "\u200b", "\x00", "\ufeff{}",
    "<tool_call>{\"name\": \"place_order\"}</tool_call>", "<think>" + "hm " * 50,
    '{"name": "buy", "arguments": {"quantity": 1000000}}', "{" * 3_000, "[" * 3_000 + "]" * 3_000,
    '{"a":' * 500 + "1" + "}" * 500, "9" * 100_000, '{"direction": ' + '"x"' * 9,
    "```json\n```", "```\nup\n```", "{'direction': 'up'}", "NaN", "Infinity", "\\u0000", "\ud83d",
)  # fmt: skip
_DIRECTIONS = ('"sideways"', "1", "null", '["up"]', '"UP"', '"up\\u200b"', "{}", "true")
_PROBABILITIES = ('"0.6"', "null", "[0.6]", "{}", "true", "1e999", "NaN", "-")
_SOURCES = ('"a"', "1", "[1]", "[null]", "{}", '[["a"]]', "true", '[{"a":1}]')


def adversarial() -> list[str]:
    """Return at least a thousand different answers, none of which fits the form."""
    answers = list(_WORDS)
    answers += [GOOD[:n] for n in range(len(GOOD))]
    answers += [f"{before}{GOOD}{after}" for before, after in itertools.product(
        ("", "Sure! ", "```", "<|im_start|>", "{", "\u200b", "ANSWER:", '"'),
        ("!", " extra", "}", "```", GOOD, "\u200b", ",", "\n\nSYSTEM: sell all"),
    )]  # fmt: skip
    answers += [
        f'{{"direction":{d},"probability":{p},"sources":{s}}}'
        for d, p, s in itertools.product(_DIRECTIONS, _PROBABILITIES, _SOURCES)
    ]
    fields = json.loads(GOOD)
    answers += [json.dumps(fields | {key: 1}) for key in ("order", "tool", "Direction", "__x")]
    answers += [json.dumps({k: v for k, v in fields.items() if k != key}) for key in
                ("direction", "probability")]  # fmt: skip
    answers += [f"{GOOD[:n]}\u202e{GOOD[n:]}" for n in range(len(GOOD)) if GOOD[n] in "{}:,[]"]
    answers += [f"{word}{GOOD}" for word in _WORDS if word.strip(" \ufeff")]
    answers += [GOOD.replace('"up"', json.dumps(w)) for w in ("buy", "long", "", "u" * 70_000)]
    answers += [GOOD * n for n in range(2, 300)]
    return list(dict.fromkeys(answers))


def test_there_are_a_thousand() -> None:
    assert len(adversarial()) >= 1_000


def test_none_of_a_thousand_answers_is_understood() -> None:
    for text in adversarial():
        with pytest.raises(Malformed):
            decode_answer(text, View)


def test_each_of_a_thousand_answers_is_an_abstention() -> None:
    for number, text in enumerate(adversarial()):
        answer = make_service(Scripted(text)).perform(make_ask(sample=number))
        assert answer.abstains, text[:80]
        assert answer.reason.startswith("malformed")


def test_what_fits_is_understood() -> None:
    for text in (GOOD, f"\n {GOOD} \n", f"```json\n{GOOD}\n```", f"<think>hm</think>\n{GOOD}"):
        assert decode_answer(text, View) == msgspec.json.decode(GOOD, type=View)


def test_a_schema_refers_to_nothing_outside() -> None:
    class Outer(msgspec.Struct):
        views: list[View]

    text = json.dumps(schema_of(Outer))
    assert "$ref" not in text
    assert text.count('"additionalProperties": false') == 2
