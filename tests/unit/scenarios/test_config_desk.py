"""A rule or limit that cannot be meant is refused with file, key and mend."""

from pathlib import Path

import pytest

from environment.errors import ConfigError
from scenarios.config.load import load_config
from tests.unit.scenarios.example_files import write_example

RULE = 'name = "r", tier = "one"'


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "limits.order_notionall.hard=9",
            "limits.order_notionall: is not a key here; did you mean",
        ),
        (
            "limits.order_quantity.hard=-9",
            "limits.order_quantity.hard: expected a whole number, at",
        ),
        ("limits.order_quantity={ soft = 9, hard = 3 }", "expected hard at or above soft"),
        ("limits.order_quantity={ }", "expected soft, hard or both"),
        ("limits.order_notional.hard=-9", "limits.order_notional: expected hard of 0 or more"),
        ("limits.price_collar.hard=-0.1", "limits.price_collar"),
        (
            "breakers.daily_loss={ reducing = 9, halted = 3 }",
            "expected halted at or above reducing",
        ),
        ("breakers.daily_loss.halted=-3", "expected halted of 0 or more"),
        (
            'approval.rules=[{ name = "r", tier = "autoo" }]',
            "approval.rules.0.tier: expected one of",
        ),
        (f"approval.rules=[{{ {RULE}, opens = ['stok'] }}]", "approval.rules.0.opens.0"),
        (f"approval.rules=[{{ {RULE}, notional_under = -5 }}]", "expected bounds above 0"),
        (f"approval.rules=[{{ {RULE}, notional_over = -5 }}]", "expected bounds above 0"),
        (
            f"approval.rules=[{{ {RULE}, notional_over = 9, notional_under = 9 }}]",
            "approval.rules.0: expected notional_under above notional_over",
        ),
        (f"approval.rules=[{{ {RULE}, notional_above = 9 }}]", "approval.rules.0.notional_above"),
        ("approval.drift=-0.1", "approval.drift: expected a number, at least 0"),
        ("approval.answer_within=0s", "approval.answer_within: expected a duration above 0"),
        ("approval.ask_again=3", "approval.ask_again: expected a whole number"),
    ],
)
def test_rule_that_cannot_be_meant_names_file_key_and_mend(
    tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write_example(tmp_path), [override])
    assert words in str(caught.value)
