"""Real option quotes with known faults: dropped with a count by reason."""

from collections import Counter

import numpy as np

from environment.feeds.chains import read_minute_chains
from environment.options.chain import clean_quotes
from tests.shared_data import shared

SPXW = "data/options/spxw_2021-01-04_08_option_minute_quote.csv.gz"


def test_the_crossed_quotes_of_spxw_are_all_found_and_counted() -> None:
    """Of 22,034 rows 56 are crossed; each row is looked at in its own minute, and once."""
    chains = read_minute_chains(shared(SPXW))
    dropped, rows = Counter[str](), 0
    for moment in chains.minutes:
        chain = chains.at(moment).chain
        assert chain.age_seconds is not None
        fresh = chain.take(np.flatnonzero(chain.age_seconds == 0.0))
        rows += fresh.size
        dropped.update(clean_quotes(fresh).dropped)
    assert rows == 22_034
    assert dropped["crossed"] == 56
