"""A rule or limit that cannot be meant is refused with file, key and mend."""

from pathlib import Path

import pytest

from agents.desk.controls import Limit
from environment.errors import ConfigError
from scenarios.builders.desk import rulebook_of
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
        ("limits.price_collar={ hard = 1, within = '30s' }", "limits.price_collar.within"),
        ("limits.window_collar={ within = '30s' }", "expected soft, hard or both"),
        ("limits.window_collar={ hard = 1, within = '0s' }", "expected a duration above 0"),
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
        ("limits.price_collar.hard=5", "expected hard of 1 or less; five per cent is 0.05"),
        (
            "limits.resting_collar={ soft = 2, hard = 3 }",
            "limits.resting_collar: expected soft of 1",
        ),
        (
            f"approval.rules=[{{ {RULE} }}, {{ {RULE}, notional_over = 9 }}]",
            'approval: expected rules of different names, found "r" twice',
        ),
        (
            'approval={ answer_within = "60s", remind = ["20s", "60s"] }',
            "approval: expected remind before answer_within",
        ),
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


def test_limits_over_a_window_reach_the_desk_with_their_times(tmp_path: Path) -> None:
    told = [
        "limits.window_collar={ soft = 0.02, within = '30s' }",
        "limits.option_window_collar.hard=0.5",
        "limits.strategy_orders_per_second.hard=30",
        "limits.order_share_of_daily_volume.soft=0.01",
    ]
    swarm = load_config(write_example(tmp_path), told).swarm
    assert swarm is not None
    assert swarm.limits is not None
    limits = rulebook_of(swarm.limits, None, None, {}).limits
    assert limits["window_collar"] == Limit(soft=0.02, within_ns=30_000_000_000)
    assert limits["option_window_collar"] == Limit(hard=0.5, within_ns=60_000_000_000)
    assert limits["strategy_orders_per_second"] == Limit(hard=30.0)
    assert limits["order_share_of_daily_volume"] == Limit(soft=0.01)
