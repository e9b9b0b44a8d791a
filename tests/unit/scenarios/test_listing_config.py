"""The listing table of a world file: what it is without one, and what is refused in one line."""

import pytest

from environment.errors import ConfigError
from scenarios.config.load import load_config
from scenarios.config.market import Listing

KEY = "instruments.0.options.listing"


def test_a_scenario_that_says_nothing_lists_by_the_usual_rule() -> None:
    chain = load_config("options_day").scenario.instruments[0].options
    assert chain is not None
    assert chain.listing == Listing()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("strikes=0", "at least 1"),
        ("band=1.5", "below 1"),
        ("move=0", "above 0"),
        ("every=0s", "above 0"),
        ("room=-1", "at least 0"),
        ("monthlies=0", "at least 1"),
        ("strike=5", "strikes"),
    ],
)
def test_a_bad_value_is_refused_by_its_key(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=KEY) as refused:
        load_config("options_day", [f"{KEY}.{setting}"])
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
