import numpy as np
import pytest

from agents.crowd import option_rows as rows
from agents.crowd.option_table import neighbours, weights_of
from environment.options import american, black_scholes
from tests.unit.crowd.option_world import SPOT, table


def test_neighbours_are_the_other_right_the_next_strike_and_the_next_expiry() -> None:
    series = table().series
    pair, higher, later = neighbours(series)
    first = 0  # The near call at 95.
    assert series[int(pair[first])].symbol == series[first].symbol.replace("C0", "P0")
    assert series[int(higher[first])].strike_micros == 100_000_000
    assert series[int(later[first])].expiry > series[first].expiry  # type: ignore[operator]  # dates
    assert higher[4] == -1  # Nothing above 105.
    assert (later[6:] == -1).all()


def test_premiums_are_what_american_prices_exceed_european_ones_by() -> None:
    found = table()
    middle = found.premiums()[:, (rows.PREMIUM_POINTS - 1) // 2]
    years = found.expiries.years[found.expiry]
    terms = (SPOT, found.strike, years, found.sigma, 0.02, 0.0, found.is_call)
    expected = american.price(*terms) - black_scholes.price(*terms)
    assert middle == pytest.approx(np.maximum(np.asarray(expected), 0.0), abs=1e-12)
    assert (middle[~found.is_call] > 0.0).all()


@pytest.mark.parametrize(("role", "right"), [("overwriter", "call"), ("protective", "put")])
def test_role_picks_its_own_right_only(role: str, right: str) -> None:
    found = table()
    steps = np.diff(weights_of(found, role), prepend=0.0)
    chosen = {s.right for s, step in zip(found.series, steps, strict=True) if step > 0.0}
    assert chosen == {right}


def test_same_day_buyer_takes_the_nearest_expiry_when_none_ends_today() -> None:
    found = table()
    steps = np.diff(weights_of(found, "same_day"), prepend=0.0)
    assert set(found.expiry[steps > 0.0]) == {0}


def test_arbitrageurs_look_at_everything() -> None:
    assert (np.diff(weights_of(table(), "parity"), prepend=0.0) > 0.0).all()
