"""Volatility surface of one underlying: slices in forward moneyness, joined in total variance."""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options import black76, sabr, svi

Array = NDArray[np.float64]
Smile = Literal["svi", "sabr"]

_TOLERANCE = 1e-9
CHECK_POINTS = 61


class Breach(NamedTuple):
    """One broken no-arbitrage condition: its name, where it is worst, and by how much."""

    condition: Literal["butterfly", "calendar", "wing_slope"]
    years: float
    moneyness: float
    size: float


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Fitted slices and how to read between them.

    Arrays `years`, `forward`, `discount`, `moneyness_low`, `moneyness_high` have shape
    (n_expiries,); `svi_parameters` has shape (n_expiries, 5): a, b, rho, m, s. The two moneyness
    columns are the range of log(strike / forward) that was quoted. `smile_shift` is what
    sticky-strike moves add to the log moneyness at which a smile is read.
    """

    spot: float
    years: Array
    forward: Array
    discount: Array
    moneyness_low: Array
    moneyness_high: Array
    svi_parameters: Array
    sabr_fits: tuple[sabr.SabrFit, ...]
    smile: Smile = "svi"
    smile_shift: float = 0.0

    def forward_at(self, years: ArrayLike) -> Array:
        """Return forwards at any time: log-linear, with the last slope kept beyond the end."""
        growth = np.log(self.forward / self.spot)
        return np.asarray(self.spot * np.exp(_log_linear(self.years, growth, years)))

    def discount_at(self, years: ArrayLike) -> Array:
        """Return discount factors at any time: log-linear, with the last slope kept."""
        return np.asarray(np.exp(_log_linear(self.years, np.log(self.discount), years)))

    def slice_variance(self, index: ArrayLike, moneyness: ArrayLike) -> Array:
        """Return total variance of slices by number at log(strike / forward)."""
        i = np.asarray(index, np.intp)
        k = np.asarray(moneyness, np.float64) + self.smile_shift
        if self.smile == "svi":
            return svi.total_variance(k, self.svi_parameters[i].T if i.ndim == 1 else
                                      np.moveaxis(self.svi_parameters[i], -1, 0))  # fmt: skip
        table = np.array([(f.alpha, f.beta, f.nu, f.rho) for f in self.sabr_fits])[i]
        alpha, beta, nu, rho = np.moveaxis(table, -1, 0)
        # A fit belongs to the forward it was made at; a move of spot changes only where it is read.
        forward = self.forward[i] * np.exp(-self.smile_shift)
        years = self.years[i]
        sigma = sabr.volatility(forward, forward * np.exp(k), years, alpha, beta, nu, rho)
        return np.asarray(sigma * sigma * years)

    def total_variance(self, moneyness: ArrayLike, years: ArrayLike) -> Array:
        """Return total variance, linear in time at equal log(strike / forward).

        Before the first expiry and after the last the volatility is that of the nearest one.

        Parameters
        ----------
        moneyness : float or array
            log(strike / forward of that time).
        years : float or array
            Positive; broadcasts with moneyness.

        Returns
        -------
        array of the broadcast shape
        """
        k, t = np.broadcast_arrays(np.asarray(moneyness, np.float64), np.asarray(years, np.float64))
        after = np.searchsorted(self.years, t)
        low = np.clip(after - 1, 0, self.years.size - 1)
        high = np.clip(after, 0, self.years.size - 1)
        w_low, w_high = self.slice_variance(low, k), self.slice_variance(high, k)
        t_low, t_high = self.years[low], self.years[high]
        is_inside = t_high > t_low
        share = np.where(is_inside, (t - t_low) / np.where(is_inside, t_high - t_low, 1.0), 0.0)
        return np.where(is_inside, w_low + share * (w_high - w_low), w_low * t / t_low)

    def volatility(self, strike: ArrayLike, years: ArrayLike) -> Array:
        """Return Black volatilities per square-root year, broadcast over strike and years.

        NaN where a strike or a time is not above 0.
        """
        t, level = np.asarray(years, np.float64), np.asarray(strike, np.float64)
        is_good = (t > 0.0) & (level > 0.0)
        t, level = np.where(is_good, t, 1.0), np.where(is_good, level, self.spot)
        k = np.log(level / self.forward_at(t))
        sigma = np.sqrt(np.maximum(self.total_variance(k, t), 0.0) / t)
        return np.asarray(np.where(is_good, sigma, np.nan))

    def price(self, strike: ArrayLike, years: ArrayLike, is_call: ArrayLike) -> Array:
        """Return European prices per unit of underlying, in today's money."""
        sigma, forward = self.volatility(strike, years), self.forward_at(years)
        return np.asarray(
            self.discount_at(years) * black76.price(forward, strike, years, sigma, is_call)
        )

    def sticky_strike(self, spot: float) -> "Surface":
        """Return the surface after a spot move that leaves each strike's volatility unchanged."""
        ratio = spot / self.spot
        return replace(
            self, spot=spot, forward=self.forward * ratio,
            smile_shift=self.smile_shift + float(np.log(ratio)),
        )  # fmt: skip

    def sticky_delta(self, spot: float) -> "Surface":
        """Return the surface after a spot move that carries the smile along with the forward."""
        ratio = spot / self.spot
        fits = tuple(
            replace(f, alpha=f.alpha * ratio ** (1.0 - f.beta)) if f.beta < 1.0 else f
            for f in self.sabr_fits
        )
        return replace(self, spot=spot, forward=self.forward * ratio, sabr_fits=fits)


def _log_linear(nodes: Array, logs: Array, at: ArrayLike) -> Array:
    """Return logs at times by straight lines from (0, 0); the last line is prolonged."""
    x, y = np.concatenate(([0.0], nodes)), np.concatenate(([0.0], logs))
    t = np.asarray(at, np.float64)
    i = np.clip(np.searchsorted(x, t), 1, x.size - 1)
    return np.asarray(y[i - 1] + (y[i] - y[i - 1]) * (t - x[i - 1]) / (x[i] - x[i - 1]))


def check_moneyness(low: float, high: float, n_points: int = CHECK_POINTS) -> Array:
    """Return where a slice quoted from low to high is checked: that range and a quarter beyond."""
    span = high - low
    return np.linspace(low - 0.25 * span, high + 0.25 * span, n_points)


def common_grid(one: Array, other: Array) -> Array:
    """Return the points of two grids inside the range of both, or 0 where they do not meet."""
    points = np.unique(np.concatenate((one, other)))
    is_inside = (points >= max(one[0], other[0])) & (points <= min(one[-1], other[-1]))
    return points[is_inside] if is_inside.any() else np.zeros(1)


def check(surface: Surface, moneyness: ArrayLike | None = None) -> list[Breach]:
    """Return every broken condition, one entry per slice and condition; empty means none.

    Butterfly: the density of each slice is not negative. Calendar: total variance at equal
    forward moneyness does not fall from one expiry to the next. Wing slope: no wing of total
    variance is steeper than 2.

    Parameters
    ----------
    surface : Surface
    moneyness : array of shape (n_points,), optional
        Where to look. When left out, each slice is checked over its quotes and a quarter of their
        range beyond, and two neighbours where both of these ranges meet: further out there is no
        quote to say which of the two is wrong.

    Returns
    -------
    list of Breach

    References
    ----------
    Gatheral & Jacquier 2014, Arbitrage-Free SVI Volatility Surfaces, definitions 2.1 to 2.3.
    """
    found = []
    ranges = zip(surface.moneyness_low, surface.moneyness_high, strict=True)
    grids = [check_moneyness(*r) if moneyness is None else np.asarray(moneyness) for r in ranges]
    for i, years in enumerate(surface.years):
        k = grids[i]
        g = density_sign_of(surface, i, k)
        worst = int(np.argmin(g))
        if g[worst] < -_TOLERANCE:
            found.append(Breach("butterfly", float(years), float(k[worst]), float(-g[worst])))
        if i:
            k = common_grid(grids[i - 1], grids[i])
            later, earlier = surface.slice_variance(i, k), surface.slice_variance(i - 1, k)
            fall = (earlier - later) / np.maximum(earlier, 1e-12)
            worst = int(np.argmax(fall))
            if fall[worst] > _TOLERANCE:
                found.append(Breach("calendar", float(years), float(k[worst]), float(fall[worst])))
        b, rho = surface.svi_parameters[i, 1:3]
        steepest = b * (1.0 + abs(rho))
        if surface.smile == "svi" and steepest > svi.WING_SLOPE_MAX + _TOLERANCE:
            side = float(np.copysign(np.inf, rho))
            found.append(
                Breach("wing_slope", float(years), side, float(steepest - svi.WING_SLOPE_MAX))
            )
    return found


def density_sign_of(surface: Surface, index: int, k: Array) -> Array:
    """Return Durrleman's function of a slice at log(strike / forward); by differences for SABR."""
    if surface.smile == "svi":
        return svi.density_sign(k, surface.svi_parameters[index], surface.smile_shift)
    step = 1e-3
    down, w, up = (surface.slice_variance(index, k + s) for s in (-step, 0.0, step))
    first, second = (up - down) / (2.0 * step), (up - 2.0 * w + down) / step**2
    return np.asarray(
        (1.0 - 0.5 * k * first / w) ** 2 - 0.25 * first**2 * (1.0 / w + 0.25) + 0.5 * second
    )


def plot(surface: Surface, n_strikes: int = 41, n_years: int = 31) -> Any:  # noqa: ANN401
    """Return a plotly figure of volatility over log moneyness and time.

    The return type is plotly's `Figure`, imported on first use so that pricing does not need it.
    """
    from plotly import graph_objects  # noqa: PLC0415  # optional, and slow to import

    k = np.linspace(surface.moneyness_low.min(), surface.moneyness_high.max(), n_strikes)
    t = np.linspace(surface.years[0], surface.years[-1], n_years)
    sigma = np.sqrt(surface.total_variance(k[None, :], t[:, None]) / t[:, None])
    figure = graph_objects.Figure(graph_objects.Surface(x=k, y=t, z=sigma))
    figure.update_layout(
        title="Implied volatility",
        scene={
            "xaxis": {"title": {"text": "log(strike / forward)"}},
            "yaxis": {"title": {"text": "years"}},
            "zaxis": {"title": {"text": "volatility per root year"}},
        },
    )
    return figure
