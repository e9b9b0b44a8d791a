"""Density that a normal SABR smile implies, where it turns negative, and a smile mended there.

As `sabr_density`, for fits of the formula "normal", whose strikes may have any sign at beta 0.
With s(K) the Bachelier volatility times sqrt(T) and x = (F - K) / s, a call is s (x N(x) + n(x)),
and its second derivative in the strike n(x) ((1 + x s')**2 / s + s''). Tails are exponential, so
that they reach strikes of any sign: a Bachelier volatility gives them worth, whatever the beta.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options import bachelier, normal
from environment.options.sabr import SabrFit, volatility

Array = NDArray[np.float64]

_SCAN_POINTS = 3001
_SCAN_DEVIATIONS = 12.0
_BISECTIONS = 60
_LEAST_FALL = 0.1  # Of the logarithm of a tail's price over one deviation.
_STEP = 2e-3  # Of the deviation: where the fourth-order differences lose least.
# Weights of five values in a row for the first and the second derivative.
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0


def _deviation(fit: SabrFit, forward: float, strike: Array, years: float) -> Array:
    """Return the Bachelier volatility times the root of time."""
    if fit.formula != "normal":
        raise ValueError(f"expected a normal fit, found {fit.formula}: use `sabr_density`")
    sigma = volatility(
        forward, strike, years, fit.alpha, fit.beta, fit.nu, fit.rho,
        shift=fit.shift, formula="normal",
    )  # fmt: skip
    return np.asarray(sigma * math.sqrt(years))


def _curvature(fit: SabrFit, forward: float, strike: Array, years: float) -> tuple[Array, Array]:
    """Return x, and the factor of n(x) in the density, whose sign is the density's."""
    step = np.full(strike.shape, _STEP * float(_deviation(fit, forward, np.array(forward), years)))
    if fit.beta > 0.0:  # The five strikes stay above the lowest one there is.
        step = np.minimum(step, 0.2 * (strike + fit.shift))
    offsets = np.arange(-2.0, 3.0)
    s = _deviation(fit, forward, strike[..., None] + step[..., None] * offsets, years)
    slope, bend = s @ _FIRST / step, s @ _SECOND / step**2
    here = s[..., 2]
    x = (forward - strike) / here
    return x, (1.0 + x * slope) ** 2 / here + bend


def density(fit: SabrFit, forward: float, strike: ArrayLike, years: float) -> Array:
    """Return the risk-neutral density of the forward that a normal fit implies.

    Parameters
    ----------
    fit : SabrFit
        Of the formula "normal".
    forward, years : float
        Forward in its own unit, and time to expiry in years.
    strike : float or array
        Of any sign at beta 0, else above minus the fit's shift.

    Returns
    -------
    array of the shape of strike
        Per unit of the forward; negative where the smile can be arbitraged.

    Raises
    ------
    ValueError
        If the fit is of another formula, or a strike has no volatility.
    """
    x, factor = _curvature(fit, forward, np.asarray(strike, np.float64), years)
    return normal.pdf(x) * factor


def sign_changes(
    fit: SabrFit, forward: float, years: float, deviations: float = _SCAN_DEVIATIONS
) -> list[tuple[float, bool]]:
    """Return the strikes where the density changes sign, and whether it is negative below each.

    The scan reaches `deviations` deviations of the forward at the money to either side. Ascending;
    empty for a density of one sign.
    """
    reach = deviations * float(_deviation(fit, forward, np.array(forward), years))
    low = forward - reach
    if fit.beta > 0.0:
        low = max(low, 1e-4 * (forward + fit.shift) - fit.shift)
    strikes = np.linspace(low, forward + reach, _SCAN_POINTS)

    def is_sound(at: Array) -> NDArray[np.bool_]:
        return np.asarray(_curvature(fit, forward, at, years)[1] >= 0.0)

    sound = is_sound(strikes)
    found = []
    for i in np.flatnonzero(sound[1:] != sound[:-1]):
        left, right = strikes[i], strikes[i + 1]
        for _ in range(_BISECTIONS):
            centre = 0.5 * (left + right)
            is_left = bool(is_sound(np.array([centre]))[0]) == bool(sound[i])
            left, right = (centre, right) if is_left else (left, centre)
        found.append((float(0.5 * (left + right)), not bool(sound[i])))
    return found


@dataclass(frozen=True, kw_only=True)
class Tail:
    """Out-of-the-money price beyond a cut, an exponential of the strike."""

    cut: float
    price: float
    growth: float  # Logarithmic slope in the strike: above 0 for puts, below 0 for calls.

    def value(self, strike: Array) -> Array:
        """Return prices beyond the cut."""
        return np.asarray(self.price * np.exp(self.growth * (strike - self.cut)))


@dataclass(frozen=True, kw_only=True)
class MendedNormalSmile:
    """A fit with convex tails where its density was negative; both None means nothing to mend."""

    fit: SabrFit
    forward: float
    years: float
    put_tail: Tail | None
    call_tail: Tail | None

    def price(self, strike: ArrayLike, is_call: ArrayLike) -> Array:
        """Return undiscounted prices, free of butterfly arbitrage over all strikes."""
        strikes = np.asarray(strike, np.float64)
        outer = np.empty(strikes.shape)
        is_put = np.zeros(strikes.shape, np.bool_)
        is_tail = np.zeros(strikes.shape, np.bool_)
        if self.put_tail is not None:
            is_put = strikes < self.put_tail.cut
            outer[is_put] = self.put_tail.value(strikes[is_put])
        if self.call_tail is not None:
            is_tail = strikes > self.call_tail.cut
            outer[is_tail] = self.call_tail.value(strikes[is_tail])
        inner = ~(is_put | is_tail)
        outer[inner] = _outer_price(self.fit, self.forward, strikes[inner], self.years)
        is_above = strikes >= self.forward
        sides = np.where(is_call, 1.0, -1.0)
        return outer + np.where(is_above == is_call, 0.0, sides * (self.forward - strikes))

    def volatility(self, strike: ArrayLike) -> Array:
        """Return Bachelier volatilities in units of the forward per square-root year."""
        strikes = np.asarray(strike, np.float64)
        is_call = strikes >= self.forward
        return bachelier.implied_volatility(
            self.price(strikes, is_call), self.forward, strikes, self.years, is_call
        )[0]


def _outer_price(fit: SabrFit, forward: float, strike: Array, years: float) -> Array:
    """Return out-of-the-money prices of a fit."""
    sigma = _deviation(fit, forward, strike, years) / math.sqrt(years)
    return bachelier.price(forward, strike, years, sigma, strike >= forward)


def mend(fit: SabrFit, forward: float, years: float) -> MendedNormalSmile:
    """Return the smile with its negative density replaced by convex tails.

    A put tail starts above the highest strike below the forward whose density is negative below
    it, a call tail below the lowest above it whose density is negative above; each meets value and
    slope of the smile at its cut, which moves towards the forward until the price falls outwards.

    Raises
    ------
    ValueError
        If the fit is of another formula, or no tail that falls exists before the cut passes the
        forward; fit with fewer far strikes.
    """
    changes = sign_changes(fit, forward, years)
    lows = [strike for strike, is_below in changes if is_below and strike < forward]
    highs = [strike for strike, is_below in changes if not is_below and strike > forward]
    put_tail = _tail(fit, forward, years, max(lows)) if lows else None
    call_tail = _tail(fit, forward, years, min(highs)) if highs else None
    return MendedNormalSmile(
        fit=fit, forward=forward, years=years, put_tail=put_tail, call_tail=call_tail
    )


def _tail(fit: SabrFit, forward: float, years: float, edge: float) -> Tail:
    """Return the first convex tail as the cut moves from the edge towards the forward."""
    is_put = edge < forward
    for share in np.linspace(0.02, 0.98, 49):
        cut = edge + float(share) * (forward - edge)
        s = float(_deviation(fit, forward, np.array(cut), years))
        step = 1e-4 * s
        beside = _outer_price(fit, forward, np.array([cut - step, cut, cut + step]), years)
        growth = float((beside[2] - beside[0]) / (2.0 * step * beside[1]))
        # A flatter one would keep its worth over many deviations.
        if (growth if is_put else -growth) * s >= _LEAST_FALL:
            return Tail(cut=cut, price=float(beside[1]), growth=growth)
    raise ValueError(
        f"expected a falling tail between {edge:.6g} and the forward {forward:.6g}, found none; "
        "fit with fewer far strikes"
    )
