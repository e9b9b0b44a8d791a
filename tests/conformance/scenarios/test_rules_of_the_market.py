"""Rules that only a whole scenario shows: who cannot earn, and which day has which bands."""

import numpy as np
import pytest

from environment.market import layout as at
from environment.record.day import DayTape
from environment.record.tables import account_flows
from tests.conformance.scenarios.runs import finished, tape

MINUTE_NS = 60_000_000_000
PLANTED = 'crowds.planted={kind="noise", count=200, cash=100_000, wakes=4, shape="flat", size=20}'
BANDS = (
    'instruments.0.price={kind="heston", start=100.00}', "session.bands.tier=1",
    "session.closes=10:30",
)  # fmt: skip


def test_traders_without_information_do_not_earn() -> None:
    """They draw their side from a fair coin and take the touch: they pay for it."""
    means, spreads = [], []
    for seed in range(1, 9):
        loop = finished("rmsc04", ("session.closes=10:30", PLANTED), seed=seed)
        day = DayTape(tape(loop), loop.world.facts)
        planted = np.array(day.facts.populations) == "planted"
        flows = account_flows(day)
        assert flows["trades"][planted].sum() > 100
        means.append(flows["pnl"][planted].mean())
        spreads.append(flows["pnl_spread"][planted].mean())
    assert np.mean(means) <= 0.0
    assert max(spreads) < 0.0


@pytest.mark.parametrize(("date", "opening"), [("2019-12-31", 2), ("2020-01-02", 1)])
def test_bands_at_the_open_are_doubled_on_days_before_2020(date: str, opening: int) -> None:
    loop = finished("rmsc04", (*BANDS, f"session.date={date}"))
    rows = tape(loop)
    told = rows[(rows[:, at.T_KIND] == at.K_BANDS) & (rows[:, at.T_PRICE] > 0)]
    # Before the last 25 minutes, in which they are doubled again.
    told = told[told[:, at.T_TIME] < loop.world.sessions[0].close_ns - 25 * MINUTE_NS]
    width = (told[:, at.T_PRICE] - told[:, at.T_LEAVES]) / told[:, at.T_PRICE]
    early = told[:, at.T_TIME] < loop.world.sessions[0].open_ns + 15 * MINUTE_NS
    assert early.any()
    assert width[early] == pytest.approx(0.05 * opening, abs=1e-4)
    if opening > 1:
        assert width[~early] == pytest.approx(0.05, abs=1e-4)
        assert (~early).any()
