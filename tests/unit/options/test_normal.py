"""The normal law and its parts against SciPy."""

import numpy as np
from scipy import special

from environment.options import normal


def test_cdf_keeps_relative_accuracy_in_the_tail() -> None:
    x = np.linspace(-37.0, 8.0, 5001)
    error = np.abs(normal.cdf(x) / special.ndtr(x) - 1.0)
    assert np.all(error < 4e-16 * (4.0 + x * x))


def test_erfcx_equals_scipy() -> None:
    x = np.concatenate([np.linspace(-5.0, 30.0, 3001), np.logspace(2, 8, 20)])
    np.testing.assert_allclose(normal.erfcx(x), special.erfcx(x), rtol=2e-14)
    positive = x[x >= 0.0]
    np.testing.assert_allclose(normal.erfcx(positive), special.erfcx(positive), rtol=3e-15)


def test_inverse_cdf_returns_to_the_probability() -> None:
    p = np.concatenate([np.logspace(-300, -2, 200), np.linspace(0.01, 0.999, 200)])
    x = normal.inverse_cdf(p)
    np.testing.assert_allclose(normal.cdf(x), p, rtol=1e-12)


def test_inverse_cdf_has_infinite_ends_and_nothing_outside() -> None:
    got = normal.inverse_cdf([0.0, 1.0, -0.1, 1.1, np.nan])
    assert got[:2].tolist() == [-np.inf, np.inf]
    assert np.isnan(got[2:]).all()


def test_pdf_equals_its_formula() -> None:
    x = np.linspace(-10.0, 10.0, 101)
    np.testing.assert_allclose(normal.pdf(x), np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), rtol=4e-15)
