"""The straight-line functions against those of the C library."""

import math

import numpy as np
import pytest

from environment.options import elementary


@pytest.mark.parametrize("x", [-699.5, -3.3, -1e-9, 0.0, 0.34657, 1.0, 88.7, 699.5])
def test_exponential_is_within_two_last_places(x: float) -> None:
    assert abs(elementary.exponential(x) - math.exp(x)) <= 2 * math.ulp(math.exp(x))


@pytest.mark.parametrize("x", [1e-300, 0.3, 0.70710678, 1.0, 1.0 + 1e-12, 2.0, 1e250])
def test_logarithm_is_within_two_last_places(x: float) -> None:
    assert abs(elementary.logarithm(x) - math.log(x)) <= 2 * math.ulp(math.log(x))


@pytest.mark.parametrize("x", [-0.9, -1e-9, 1e-17, 1e-3, 5.0])
def test_logarithm_of_one_plus_keeps_small_arguments(x: float) -> None:
    assert elementary.logarithm_1p(x) == pytest.approx(math.log1p(x), rel=5e-16)


@pytest.mark.parametrize("x", [-1e5, -2.0, 0.0, 0.7853981, 1.5707963, 3.1415926, 12345.678])
def test_sine_and_cosine_have_the_right_quadrant(x: float) -> None:
    assert elementary.sine_cosine(x) == pytest.approx((math.sin(x), math.cos(x)), abs=2e-16)


def test_arctangent_covers_all_quadrants() -> None:
    angles = np.linspace(-3.14, 3.14, 41)
    found = [elementary.arctangent_2(np.sin(a), np.cos(a)) for a in angles]
    np.testing.assert_allclose(found, angles, atol=1e-15)
