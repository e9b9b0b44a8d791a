"""What a scenario says of dealers' last days and of their curves reaches the core."""

import pytest

from agents.crowd import dealer_rows as dealer
from agents.crowd.rows import POPULATION_FLOATS
from environment.market import layout as at
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready

SMALL = ("session.closes=09:32", "instruments.0.options.series=30", "crowds.noise.count=50")
TOLD = (
    "crowds.dealers.expiry_day.left=0.4", "crowds.dealers.expiry_day.contracts=70",
    "crowds.dealers.expiry_day.lean=0.3", "crowds.dealers.beliefs.rate_sd=0.01",
    "crowds.dealers.beliefs.dividend_sd=0.2", "crowds.dealers.beliefs.borrow_sd=0.001",
)  # fmt: skip


def settings_and_errors(loop: SessionLoop) -> tuple[list[float], list[float]]:
    """Return the dealers' settings of the last day, and the first dealer's errors."""
    crowd = loop.world.crowd
    index = [population.name for population in crowd.populations].index("dealers")
    words = dealer.D_NARROW, dealer.D_LAST_CONTRACTS, dealer.D_LEAN
    settings = [float(crowd.beliefs[POPULATION_FLOATS * index + word]) for word in words]
    head = int(loop.world.market.section(at.S_TRADER)[crowd.first_trader[index], at.TR_MEMORY])
    errors = crowd.beliefs[head + dealer.M_RATE_ERROR : head + dealer.M_DIVIDEND_ERROR + 1]
    return settings, [float(one) for one in errors]


def test_scenarios_words_reach_the_dealers() -> None:
    settings, (rate, growth, dividend) = settings_and_errors(ready("options_day", SMALL + TOLD))
    assert settings == pytest.approx([0.6, 70.0, 0.3])
    assert 0.0 < abs(rate) < 0.05
    assert 0.0 < abs(rate - growth) < 0.005
    assert 0.0 < abs(dividend) < 1.0


def test_dealers_narrow_and_know_the_truth_unless_they_are_told_otherwise() -> None:
    settings, errors = settings_and_errors(ready("options_day", SMALL))
    assert settings == pytest.approx([0.75, 500.0, 0.5])
    assert errors == [0.0, 0.0, 0.0]
