"""Heston prices against published and high-precision values."""

import numpy as np
import pytest

from environment.options import heston
from tests.unit.options.surface_cases import column, rows_of

TYPICAL = {"v0": 0.04, "kappa": 1.5, "theta": 0.05, "sigma": 0.5, "rho": -0.7}
NAMES = ("S", "K", "T", "r", "q")
MODEL = ("v0", "kappa", "theta", "sigma", "rho")


def reference_prices() -> heston.PriceEstimate:
    rows = rows_of("heston_european.csv")
    spot, strike, years, rate, dividend = (column(rows, name) for name in NAMES)
    v0, kappa, theta, sigma, rho = (column(rows, name) for name in MODEL)
    return heston.price_with_error(
        spot, strike, years, rate, dividend, True,
        v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=rho,
    )  # fmt: skip


def test_heston_matches_every_reference_row_within_1e_10() -> None:
    exact = column(rows_of("heston_european.csv"), "mpmath_20digits")
    assert np.abs(reference_prices().price - exact).max() < 1e-10


def test_heston_error_estimate_covers_the_true_error() -> None:
    exact = column(rows_of("heston_european.csv"), "mpmath_20digits")
    found = reference_prices()
    assert np.all(np.abs(found.price - exact) <= found.error + 1e-12)


def test_heston_takes_more_nodes_where_the_transform_decays_slowly() -> None:
    calm = heston.price_with_error(100.0, 90.0, 1.0, 0.0, 0.0, True, **TYPICAL)
    wild = heston.price_with_error(
        100.0, 90.0, 0.05, 0.0, 0.0, True, v0=0.01, kappa=0.5, theta=0.04, sigma=1.5, rho=-0.95
    )
    assert wild.nodes > 2 * calm.nodes


def test_heston_broadcasts_strikes_against_maturities() -> None:
    strikes, years = np.linspace(80, 120, 5), np.array([[0.1], [1.0]])
    found = heston.price(100.0, strikes, years, 0.02, 0.01, False, **TYPICAL)
    single = heston.price(100.0, 120.0, 1.0, 0.02, 0.01, False, **TYPICAL)
    assert found.shape == (2, 5)
    assert found[1, 4] == pytest.approx(float(single), abs=1e-11)


def test_heston_at_expiry_is_the_payoff() -> None:
    found = heston.price(100.0, np.array([90.0, 110.0]), 0.0, 0.02, 0.01, True, **TYPICAL)
    assert found.tolist() == [10.0, 0.0]


@pytest.mark.parametrize("change", [{"rho": 1.2}, {"v0": -0.1}, {"kappa": np.nan}])
def test_heston_refuses_parameters_out_of_range(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected finite inputs"):
        heston.price(100.0, 100.0, 1.0, 0.0, 0.0, True, **(TYPICAL | change))


def test_heston_gradient_matches_bumped_prices() -> None:
    five = np.array(list(TYPICAL.values()))
    strikes, years = np.array([[80.0, 100.0, 125.0]]), np.array([[0.2], [2.0]])
    _, gradient = heston.price_and_gradient(100.0, strikes, years, 0.02, 0.01, True, five)
    for i, name in enumerate(MODEL):
        step = 1e-4 * abs(five[i])
        up, down = (
            heston.price(100.0, strikes, years, 0.02, 0.01, True, **(TYPICAL | {name: value}))
            for value in (five[i] + step, five[i] - step)
        )
        np.testing.assert_allclose(gradient[i], (up - down) / (2 * step), rtol=2e-6, atol=1e-7)


def test_heston_gradient_refuses_no_time_left() -> None:
    with pytest.raises(ValueError, match="positive years"):
        heston.price_and_gradient(100.0, 100.0, 0.0, 0.0, 0.0, True, list(TYPICAL.values()))


def test_characteristic_function_is_one_at_zero_and_at_minus_i() -> None:
    found = heston.characteristic_function(np.array([0.0, -1j]), 5.0, **TYPICAL)
    np.testing.assert_allclose(found, 1.0, atol=1e-14)


def test_characteristic_function_does_not_jump_over_long_times() -> None:
    u = np.linspace(0.0, 60.0, 60001)
    parameters = {"v0": 0.16, "kappa": 1.0, "theta": 0.16, "sigma": 2.0, "rho": -0.8}
    found = heston.characteristic_function(u - 0.5j, 30.0, **parameters)
    assert np.abs(np.diff(found)).max() < 0.01


def test_characteristic_function_integrates_to_the_price() -> None:
    u = (np.arange(40_000) + 0.5) * 0.005
    phi = heston.characteristic_function(u - 0.5j, 1.0, **TYPICAL)
    forward, strike = 100.0, 95.0
    wave = np.exp(1j * u * np.log(forward / strike)) * phi / (u * u + 0.25)
    call = forward - np.sqrt(forward * strike) / np.pi * 0.005 * wave.real.sum()
    found = heston.price(forward, strike, 1.0, 0.0, 0.0, True, **TYPICAL)
    assert float(found) == pytest.approx(call, abs=1e-6)
