"""European options on a forward or future (Black 1976): price, greeks and implied volatility.

A forward is a stock whose yield equals its financing, so these are `black_scholes` with the rate in
both places. Undiscounted values are per one unit of underlying paid at expiry.
"""

from typing import NamedTuple

from numpy.typing import ArrayLike

from environment.options import black_scholes
from environment.options.columns import FloatArray
from environment.options.implied_volatility import implied_from_forward as implied_volatility

__all__ = [
    "Greeks",
    "discounted_price_and_greeks",
    "implied_volatility",
    "price",
    "price_and_greeks",
]


class Greeks(NamedTuple):
    """Price and greeks in the forward; the units are those of `black_scholes.Greeks`."""

    price: FloatArray
    delta: FloatArray  # dV/dF.
    gamma: FloatArray  # d2V/dF2.
    vega_per_unit_vol: FloatArray
    theta_per_year: FloatArray  # dV/dt with the forward unchanged.
    rho_per_unit_rate: FloatArray  # dV/dr with the forward unchanged: discounting alone.
    vanna_per_unit_vol: FloatArray
    volga_per_unit_vol_squared: FloatArray
    charm_per_year: FloatArray


def price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return undiscounted Black prices, one per element of the broadcast arguments.

    Parameters
    ----------
    forward, strike : above 0, in one currency.
    years : time to expiry, 0 or more.
    sigma_annual : volatility per square-root year, 0 or more.
    is_call : True for a call, False for a put.
    """
    return black_scholes.price(forward, strike, years, sigma_annual, 0.0, 0.0, is_call)


def price_and_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Return undiscounted price and greeks; arguments as in `price`."""
    return discounted_price_and_greeks(forward, strike, years, sigma_annual, 0.0, is_call)


def discounted_price_and_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Return price and greeks discounted at `rate`, continuously compounded per year.

    References
    ----------
    Hull, Options, Futures, and Other Derivatives, 9th edition, equations 18.9 and 18.10.
    """
    full = black_scholes.all_greeks(forward, strike, years, sigma_annual, rate, rate, is_call)
    # At a fixed forward the rate enters through both legs at once.
    rho = full.rho_per_unit_rate + full.dividend_rho_per_unit_yield
    return Greeks(*full[:5], rho, *full[6:9])
