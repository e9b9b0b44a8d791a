"""Heston paths reproduce moments and prices."""

import importlib.util

import numpy as np
import pytest

from environment.options import heston, heston_simulation as simulation

TYPICAL = {"v0": 0.04, "kappa": 1.5, "theta": 0.05, "sigma": 0.5, "rho": -0.7}
WILD = {"v0": 0.09, "kappa": 1.0, "theta": 0.09, "sigma": 1.0, "rho": -0.3}
STRIKES = np.array([80.0, 100.0, 120.0])


def errors_in_sigmas(
    model: dict[str, float], years: float, steps: int, backend: simulation.Backend
) -> float:
    rng = np.random.default_rng(11)
    log_price, _ = simulation.simulate_terminal(
        rng, 100_000, steps, years, **model, backend=backend
    )  # fmt: skip
    found = simulation.simulated_price(log_price, 100.0, STRIKES, years, 0.02, 0.01, True)
    exact = heston.price(100.0, STRIKES, years, 0.02, 0.01, True, **model)
    return float(np.abs((found.price - exact) / found.standard_error).max())


def test_simulated_prices_are_within_their_standard_errors() -> None:
    assert errors_in_sigmas(TYPICAL, 1.0, 26, "compiled") < 3.0


@pytest.mark.slow
def test_simulated_prices_hold_where_variance_reaches_zero() -> None:
    assert errors_in_sigmas(WILD, 5.0, 160, "compiled") < 3.0


@pytest.mark.slow
def test_simulated_prices_agree_on_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: no GPU or processor run of it")
    assert errors_in_sigmas(TYPICAL, 1.0, 26, "torch") < 3.0


@pytest.mark.parametrize("model", [TYPICAL, WILD])
def test_compiled_paths_equal_batched_ones(model: dict[str, float]) -> None:
    first, second = (
        simulation.simulate_terminal(
            np.random.default_rng(3), 3000, 7, 1.0, **model, backend=backend,
        )
        for backend in ("compiled", "numpy")
    )  # fmt: skip
    np.testing.assert_allclose(first[0], second[0], atol=1e-12)
    np.testing.assert_allclose(first[1], second[1], atol=1e-13)


def test_discounted_price_is_a_martingale_and_variance_has_its_mean() -> None:
    rng = np.random.default_rng(5)
    log_price, v = simulation.simulate_terminal(rng, 50_000, 12, 1.0, **TYPICAL, backend="compiled")
    ratio = np.exp(log_price)
    mean = TYPICAL["theta"] + (TYPICAL["v0"] - TYPICAL["theta"]) * np.exp(-TYPICAL["kappa"])
    assert abs(ratio.mean() - 1.0) < 3.5 * ratio.std() / 50_000**0.5
    assert abs(v.mean() - mean) < 3.5 * v.std() / 50_000**0.5


def test_one_seed_gives_one_result() -> None:
    first, second = (
        simulation.simulate_terminal(
            np.random.default_rng(1), 100, 5, 1.0, **TYPICAL, backend="compiled"
        )[0]
        for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()


def test_simulation_refuses_no_steps() -> None:
    with pytest.raises(ValueError, match="at least one path and step"):
        simulation.simulate_terminal(
            np.random.default_rng(1), 10, 0, 1.0, **TYPICAL, backend="compiled"
        )
