"""A stock whose price crosses a dollar: every price is one that the increment rule allows."""

import numpy as np
import pytest

from environment.instruments import make_equity
from environment.market import layout as at
from tests.conformance.scenarios.runs import finished, same_tape, tape

PENNY = (
    "crowds.noise.count=100", "crowds.value.count=20", 'session.closes="10:00"',
    "instruments.0.tick=0.0001", "instruments.0.price.mean=1.0",
    "instruments.0.price.volatility_ticks_per_sqrt_ns=1e-4", "instruments.0.price.jumps_per_ns=0",
)  # fmt: skip


@pytest.mark.parametrize("crowd", ["compiled", "actors"])
def test_no_price_is_refused_and_all_are_legal(crowd: str) -> None:
    rows = tape(finished("rmsc04", (*PENNY, f"crowd={crowd}")))
    stock = make_equity("ABM", tick="0.0001")
    entered = rows[(rows[:, at.T_KIND] == at.K_ENTER) & (rows[:, at.T_PRICE] < at.MAX_PRICE)]
    prices = np.unique(entered[:, at.T_PRICE]).tolist()
    assert all(stock.is_legal_price(price) for price in prices)
    assert min(prices) < 10_000 <= max(prices)  # On both sides of a dollar.
    assert np.count_nonzero(rows[:, at.T_KIND] == at.K_FILL) > 50
    refused = rows[rows[:, at.T_KIND] == at.K_REFUSE]
    assert at.R_INCREMENT not in refused[:, at.T_LIQUIDITY]


def test_both_crowds_write_one_tape() -> None:
    runs = [finished("rmsc04", (*PENNY, f"crowd={crowd}")) for crowd in ("compiled", "actors")]
    assert same_tape(*runs)


def test_a_run_ends_where_it_is_told_to() -> None:
    settings = ("crowds.noise.count=100", "crowds.value.count=20", 'session.until="09:45"')
    until, longer = finished("rmsc04", settings), finished("rmsc04", settings[:2])
    whole, part = tape(longer), tape(until)
    assert len(part) > 100
    assert np.array_equal(part, whole[: len(part)])
    assert int(whole[len(part), at.T_TIME]) > until.end_ns >= int(part[-1, at.T_TIME])
