"""Chains with known truth for the tests of surfaces, and reference tables."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment.options import american, black_scholes, svi
from environment.options.chain import QuotedChain, make_chain

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "reference"
SPOT, RATE, DIVIDEND = 100.0, 0.03, 0.01
YEARS = np.array([0.08, 0.25, 0.5, 1.0])


def rows_of(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference table."""
    with (REFERENCE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    """Return one numeric column of a table."""
    return np.array([float(row[name]) for row in rows])


def true_parameters(years: float) -> NDArray[np.float64]:
    """Return the raw SVI parameters of the surface behind the chains."""
    return np.array([0.02 * years, 0.1 * years**0.5 * 0.6, -0.5, 0.02, 0.12])


def true_volatility(strike: Any, years: float) -> NDArray[np.float64]:
    """Return the volatility behind the chains."""
    k = np.log(np.asarray(strike) / (SPOT * np.exp((RATE - DIVIDEND) * years)))
    return np.sqrt(svi.total_variance(k, true_parameters(years)) / years)


def make_quotes(style: str = "european", half_spread: float = 0.005) -> QuotedChain:
    """Return a chain of four expiries priced from the true surface."""
    price = american.price if style == "american" else black_scholes.price
    parts = []
    for years in YEARS:
        width = 0.25 * years**0.5
        strikes = np.unique(np.round(SPOT * np.exp(np.linspace(-2.0 * width, 1.5 * width, 21)), 1))
        sigma = true_volatility(strikes, years)
        for is_call in (False, True):
            mid = price(SPOT, strikes, years, sigma, RATE, DIVIDEND, is_call)
            parts.append(np.stack([strikes, 0 * mid + years, 0 * mid + is_call, mid]))
    strike, time, side, mid = np.concatenate(parts, axis=1)
    return make_chain(strike, time, side > 0.5, mid - half_spread, mid + half_spread)
