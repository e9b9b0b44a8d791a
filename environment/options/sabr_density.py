"""Density that a SABR smile implies, where it turns negative, and a smile mended there.

The closed-form volatility is an expansion: at low strikes and long maturities the prices it gives
are not convex. The mended smile keeps it between two cut strikes and continues put and call prices
beyond them with convex tails that meet value and slope there, and curvature where that is possible.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options import black76, implied_volatility
from environment.options.sabr import SabrFit, volatility

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Jet = tuple[Array, Array, Array]  # A value and its first two derivatives in log moneyness.

_SCAN_POINTS = 3001
_SCAN_DEVIATIONS = 12.0
_BISECTIONS = 60
_POWERS = (1.02, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0)


def _times(a: Jet, b: Jet) -> Jet:
    """Return the product of two jets."""
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2.0 * a[1] * b[1] + a[0] * b[2]


def _over(a: Jet, b: Jet) -> Jet:
    """Return the quotient of two jets."""
    value = a[0] / b[0]
    first = (a[1] - value * b[1]) / b[0]
    return value, first, (a[2] - 2.0 * first * b[1] - value * b[2]) / b[0]


def _ratio_jet(z: Jet, rho: float) -> Jet:
    """Return z / x(z) of a jet z, by its series where z is small."""
    q = np.sqrt(1.0 - 2.0 * rho * z[0] + z[0] ** 2)
    sign = np.where(z[0] >= 0.0, 1.0, -1.0)
    size, turned = np.abs(z[0]), sign * rho
    x = sign * np.log1p(size * (1.0 + q + size - 2.0 * turned) / ((1.0 + q) * (1.0 - turned)))
    x_z, x_zz = 1.0 / q, (rho - z[0]) / q**3
    is_near = size < 2e-3
    # 1 + c1 z + c2 z**2 + c3 z**3: the quotient rule loses its digits here.
    c1, c2 = -0.5 * rho, (2.0 - 3.0 * rho**2) / 12.0
    c3, c4 = _series(rho)
    near = (
        1.0 + z[0] * (c1 + z[0] * (c2 + z[0] * (c3 + z[0] * c4))),
        c1 + z[0] * (2.0 * c2 + z[0] * (3.0 * c3 + z[0] * 4.0 * c4)),
        2.0 * c2 + z[0] * (6.0 * c3 + z[0] * 12.0 * c4),
    )
    one = np.ones_like(x)
    safe_x = np.where(is_near, 1.0, x)
    far = _over((z[0], one, 0.0 * one), (safe_x, x_z, x_zz))
    value, first, second = (np.where(is_near, n, f) for n, f in zip(near, far, strict=True))
    return value, first * z[1], second * z[1] ** 2 + first * z[2]


def _series(rho: float) -> tuple[float, float]:
    """Return the third and fourth coefficient of z / x(z) around 0.

    x = z + rho/2 z^2 + (3 rho^2 - 1)/6 z^3 + ...: the integral of the Legendre generating function.
    """
    p = [1.0, rho, 0.5 * (3.0 * rho**2 - 1.0), 0.5 * (5.0 * rho**3 - 3.0 * rho)]
    p.append((35.0 * rho**4 - 30.0 * rho**2 + 3.0) / 8.0)
    terms = [p[n] / (n + 1.0) for n in range(5)]
    inverse = [1.0]
    for n in range(1, 5):
        inverse.append(-sum(terms[m] * inverse[n - m] for m in range(1, n + 1)))
    return inverse[3], inverse[4]


def _volatility_jet(fit: SabrFit, forward: float, k: Array, years: float) -> Jet:
    """Return the Black volatility of a fit and its derivatives in k = log(strike / forward)."""
    one, zero = np.ones_like(k), np.zeros_like(k)
    c = 1.0 - fit.beta
    level = forward**c
    front = np.exp(0.5 * c * k)
    f: Jet = (level * front, 0.5 * c * level * front, (0.5 * c) ** 2 * level * front)
    log_ratio: Jet = (-k, -one, zero)
    if fit.formula == "hagan":
        square = _times(log_ratio, log_ratio)
        fourth = _times(square, square)
        a, b = c * c / 24.0, c**4 / 1920.0
        series = tuple(a * s + b * t for s, t in zip(square, fourth, strict=True))
        b_jet = _over((one, zero, zero), _times(f, (1.0 + series[0], series[1], series[2])))
        reach = _times(f, log_ratio)
    elif fit.formula == "obloj":
        power = np.exp(c * k)
        gone = -k if c == 0.0 else -np.expm1(c * k) / c
        reach = (level * gone, -level * power, -c * level * power)
        # At the money both vanish; the quotient's own series in k holds there.
        is_near = np.abs(k) < 1e-4
        safe = tuple(np.where(is_near, o, r) for o, r in zip((one, zero, zero), reach, strict=True))
        far = _over(log_ratio, (safe[0], safe[1], safe[2]))
        near = ((1.0 - 0.5 * c * k + c * c * k * k / 12.0) / level,
                (-0.5 * c + c * c * k / 6.0) / level, one * c * c / 6.0 / level)  # fmt: skip
        mixed = [np.where(is_near, n, r) for n, r in zip(near, far, strict=True)]
        b_jet = (mixed[0], mixed[1], mixed[2])
    else:
        raise ValueError("expected a Black formula, found normal: use `sabr_normal_density`")
    share = fit.nu / fit.alpha
    ratio = _ratio_jet((share * reach[0], share * reach[1], share * reach[2]), fit.rho)
    u = _over((fit.alpha * one, zero, zero), f)
    u_square = _times(u, u)
    h1, h2 = c * c / 24.0, 0.25 * fit.beta * fit.rho * fit.nu
    constant = 1.0 + (2.0 - 3.0 * fit.rho**2) / 24.0 * fit.nu**2 * years
    time = tuple((h1 * s + h2 * t) * years for s, t in zip(u_square, u, strict=True))
    value = _times(_times(b_jet, ratio), (constant + time[0], time[1], time[2]))
    return fit.alpha * value[0], fit.alpha * value[1], fit.alpha * value[2]


def _g_function(sigma: Jet, k: Array, years: float) -> tuple[Array, Array]:
    """Return total variance and the function whose sign is that of the density."""
    w, w1, w2 = (years * x for x in _times(sigma, sigma))
    g = (1.0 - 0.5 * k * w1 / w) ** 2 - 0.25 * w1**2 * (1.0 / w + 0.25) + 0.5 * w2
    return w, g


def density(fit: SabrFit, forward: float, strike: ArrayLike, years: float) -> Array:
    """Return the risk-neutral density of the forward that a Black-type fit implies.

    Parameters
    ----------
    fit : SabrFit
        With formula "hagan" or "obloj".
    forward, years : float
        Forward in its own unit, and time to expiry in years.
    strike : float or array
        Above minus the fit's shift.

    Returns
    -------
    array of the shape of strike
        Per unit of the forward; negative where the smile can be arbitraged.

    References
    ----------
    Gatheral & Jacquier 2014, Arbitrage-Free SVI Volatility Surfaces, Quantitative Finance 14(1),
    equations 2.1 and 2.2.
    """
    strikes = np.asarray(strike, np.float64) + fit.shift
    k = np.log(strikes / (forward + fit.shift))
    w, g = _g_function(_volatility_jet(fit, forward + fit.shift, k, years), k, years)
    d = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    return np.asarray(g * np.exp(-0.5 * d * d) / (strikes * np.sqrt(2.0 * math.pi * w)))


def sign_changes(
    fit: SabrFit, forward: float, years: float, deviations: float = _SCAN_DEVIATIONS
) -> list[tuple[float, bool]]:
    """Return the strikes where the density changes sign, and whether it is negative below each.

    Parameters
    ----------
    fit, forward, years
        As for `density`.
    deviations : float
        Half-width of the scan in standard deviations of the log forward at the money.

    Returns
    -------
    list of (strike, is_negative_below)
        Ascending; empty for a density of one sign.
    """
    base = forward + fit.shift

    def sign_of(k: Array) -> Array:
        return np.asarray(_g_function(_volatility_jet(fit, base, k, years), k, years)[1])

    middle = float(_volatility_jet(fit, base, np.zeros(1), years)[0][0])
    half_width = deviations * max(middle * math.sqrt(years), 0.05)
    k = np.linspace(-half_width, half_width, _SCAN_POINTS)
    g = sign_of(k)
    found = []
    for i in np.flatnonzero((g[1:] >= 0.0) != (g[:-1] >= 0.0)):
        low, high = k[i], k[i + 1]
        for _ in range(_BISECTIONS):
            centre = 0.5 * (low + high)
            is_low = (sign_of(np.array([centre]))[0] >= 0.0) == (g[i] >= 0.0)
            low, high = (centre, high) if is_low else (low, centre)
        found.append((float(base * math.exp(0.5 * (low + high)) - fit.shift), bool(g[i] < 0.0)))
    return found


@dataclass(frozen=True, kw_only=True)
class Tail:
    """log price = power * log(x) + a + b x + c x**2, x the strike (puts) or its inverse (calls)."""

    cut: float
    power: float
    a: float
    b: float
    c: float

    def value(self, x: Array) -> Array:
        """Return the price at strikes (or inverse strikes) below the cut."""
        x = np.maximum(x, 1e-300)
        return np.asarray(np.exp(self.power * np.log(x) + self.a + self.b * x + self.c * x * x))

    def convexity(self, x: Array) -> Array:
        """Return the second derivative in x over the value."""
        slope = self.power / x + self.b + 2.0 * self.c * x
        return np.asarray(slope**2 - self.power / x**2 + 2.0 * self.c)


@dataclass(frozen=True, kw_only=True)
class MendedSmile:
    """A fit with convex tails where its density was negative; both None means nothing to mend."""

    fit: SabrFit
    forward: float
    years: float
    put_tail: Tail | None
    call_tail: Tail | None

    def price(self, strike: ArrayLike, is_call: ArrayLike) -> Array:
        """Return undiscounted prices, free of butterfly arbitrage over all strikes."""
        strikes = np.asarray(strike, np.float64) + self.fit.shift
        base = self.forward + self.fit.shift
        is_above = strikes >= base
        outer = _black(self.fit, base, strikes, self.years, is_above)
        if self.put_tail is not None:
            outer = np.where(strikes < self.put_tail.cut, self.put_tail.value(strikes), outer)
        if self.call_tail is not None:
            inverse = 1.0 / strikes
            tail = self.call_tail.value(inverse) * strikes
            outer = np.where(inverse < self.call_tail.cut, tail, outer)
        # The other side follows by parity; it never computes a small price as a difference.
        sides = np.where(is_call, 1.0, -1.0)
        return outer + np.where(is_above == is_call, 0.0, sides * (base - strikes))

    def volatility(self, strike: ArrayLike) -> Array:
        """Return Black volatilities of the shifted forward, per square-root year."""
        strikes = np.asarray(strike, np.float64)
        base, shifted = self.forward + self.fit.shift, strikes + self.fit.shift
        price = self.price(strikes, shifted >= base)
        return implied_volatility.implied_from_forward(
            price, base, shifted, self.years, shifted >= base
        )[0]


def _black(fit: SabrFit, base: float, strikes: Array, years: float, is_call: Flags) -> Array:
    """Return undiscounted Black prices of a fit, shifted forward and strikes given."""
    sigma = volatility(
        base, strikes, years, fit.alpha, fit.beta, fit.nu, fit.rho, formula=fit.formula
    )
    return black76.price(base, strikes, years, sigma, is_call)


def _fit_tail(price: float, slope: float, curvature: float, cut: float) -> Tail | None:
    """Return a rising convex tail below `cut` that meets price, slope and curvature there."""
    growth = slope / price
    bend = curvature / price - growth**2
    x = np.linspace(1e-4, 1.0, 400) * cut
    for power in _POWERS:
        c = 0.5 * (bend + power / cut**2)
        b = growth - power / cut - 2.0 * c * cut
        a = math.log(price) - power * math.log(cut) - b * cut - c * cut**2
        tail = Tail(cut=cut, power=power, a=a, b=b, c=c)
        is_rising = np.all(power / x + b + 2.0 * c * x >= 0.0)
        if is_rising and np.all(tail.convexity(x) >= 0.0):
            return tail
    # A pure power meets value and slope and is convex from power 1; the density then has a step.
    power = growth * cut
    a = math.log(price) - power * math.log(cut)
    return Tail(cut=cut, power=power, a=a, b=0.0, c=0.0) if power >= 1.0 else None


def mend(fit: SabrFit, forward: float, years: float) -> MendedSmile:
    """Return the smile with its negative density replaced by convex tails.

    A put tail starts above the highest strike whose density is negative below it, a call tail
    below the lowest whose density is negative above it; each cut moves towards the forward until
    a convex tail exists.

    Parameters
    ----------
    fit, forward, years
        As for `density`.

    Returns
    -------
    MendedSmile

    Raises
    ------
    ValueError
        If no convex tail exists before the cut passes the forward; fit with fewer far strikes.

    References
    ----------
    Benaim, Dodgson & Kainth 2008, An Arbitrage-Free Method for Smile Extrapolation, section 3.
    """
    base = forward + fit.shift
    changes = sign_changes(fit, forward, years)
    lows = [strike + fit.shift for strike, is_below in changes if is_below and strike < forward]
    is_high = [(strike, not is_below and strike > forward) for strike, is_below in changes]
    highs = [strike + fit.shift for strike, is_one in is_high if is_one]
    put_tail = _mend_side(fit, base, years, max(lows), is_put=True) if lows else None
    call_tail = _mend_side(fit, base, years, min(highs), is_put=False) if highs else None
    return MendedSmile(
        fit=fit, forward=forward, years=years, put_tail=put_tail, call_tail=call_tail
    )


def _mend_side(fit: SabrFit, base: float, years: float, edge: float, *, is_put: bool) -> Tail:
    """Return the first tail found as the cut moves from the edge towards the forward."""
    for share in np.linspace(0.02, 0.98, 49):
        cut = float(edge * (base / edge) ** share)
        step = 1e-4 * cut
        points = cut + step * np.array([-1.0, 0.0, 1.0])
        put = _black(fit, base, points, years, np.zeros(3, np.bool_))
        shifted = SabrFit(**{**fit.__dict__, "shift": 0.0})
        curvature = float(density(shifted, base, np.array([cut]), years)[0])
        price = float(put[1])
        slope = float(put[2] - put[0]) / (2.0 * step)
        if curvature <= 0.0:
            continue
        if is_put:
            tail = _fit_tail(price, slope, curvature, cut)
        else:
            # In x = 1 / K the call over K is convex in x exactly where the call is convex in K.
            call, call_slope = price + base - cut, slope - 1.0
            tail = _fit_tail(call / cut, call - cut * call_slope, curvature * cut**3, 1.0 / cut)
        if tail is not None:
            return tail
    raise ValueError(
        f"expected a convex tail between {edge:.6g} and the forward {base:.6g}, found none; "
        "fit with fewer far strikes"
    )
