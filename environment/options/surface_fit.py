"""From a raw quoted chain to a checked surface, or one clear line that says why not."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options import american, implied_volatility, sabr, svi
from environment.options.chain import (
    ChainRefusedError,
    CleaningRules,
    QuotedChain,
    clean_quotes,
)
from environment.options.implied_forward import (
    ImpliedForwards,
    american_forwards,
    european_forwards,
    strip_premium,
)
from environment.options.surface import Breach, Smile, Surface, check, check_moneyness, common_grid

Array = NDArray[np.float64]
Style = Literal["european", "american"]

_QUOTES_MIN = 5
_PAIRS_MIN = 2
_RATE_MAX = 1.0
# A forward further from the spot than a tenth, and more than a half a year, is no carry.
_SPOT_SLACK, _CARRY_MAX = 0.1, 0.5
_SPREAD_FLOOR_SHARE = 0.02  # Of the volatility: a locked quote is not infinitely certain.


@dataclass(frozen=True, kw_only=True)
class ChainSurface:
    """A surface with the evidence behind it; quote columns have shape (n_quotes,)."""

    surface: Surface
    forwards: ImpliedForwards
    breaches: list[Breach]
    dropped: Mapping[str, int]
    strike: Array
    years: Array
    sigma_annual: Array
    sigma_spread: Array
    is_stripped: NDArray[np.bool_]
    volatility_rmse: Array


@dataclass(frozen=True, kw_only=True)
class _Quotes:
    """Out-of-the-money volatilities by expiry."""

    chain: QuotedChain
    expiry: NDArray[np.intp]
    moneyness: Array
    sigma: Array
    spread: Array
    is_stripped: NDArray[np.bool_]


def _with_pairs(chain: QuotedChain) -> tuple[QuotedChain, int]:
    """Return the rows of expiries that have pairs and quotes enough, and the count left out."""
    years, index, count = np.unique(chain.years, return_inverse=True, return_counts=True)
    is_pair = np.zeros(chain.size, np.bool_)
    is_pair[1:] = (
        (np.diff(chain.strike) == 0.0)
        & (np.diff(chain.years) == 0.0)
        & (chain.is_call[1:] != chain.is_call[:-1])
    )
    n_pairs = np.bincount(index, is_pair, years.size)
    is_enough = (n_pairs >= _PAIRS_MIN) & (count - n_pairs >= _QUOTES_MIN)
    kept = is_enough[index]
    if not kept.any():
        raise ChainRefusedError(
            f"expected an expiry with {_QUOTES_MIN} strikes and {_PAIRS_MIN} pairs of call and put,"
            f" found none among {years.size} expiries and {chain.size} usable quotes; use a fuller "
            "chain"
        )
    return chain.take(kept), int(chain.size - kept.sum())


def _implied_quotes(
    chain: QuotedChain, spot: float, forwards: ImpliedForwards, style: Style,
    american_price: Callable[..., ArrayLike], dropped: dict[str, int],
) -> _Quotes:  # fmt: skip
    """Return volatilities of the out-of-the-money rows; count the others."""
    expiry = np.searchsorted(forwards.years, chain.years)
    is_outer = chain.is_call == (chain.strike >= forwards.forward[expiry])
    dropped["in_the_money"] = int((~is_outer).sum())
    chain, expiry = chain.take(is_outer), expiry[is_outer]
    mid, is_stripped = chain.mid_price, np.zeros(chain.size, np.bool_)
    if style == "american":
        mid, is_stripped = strip_premium(chain, spot, forwards, american_price=american_price)
    forward, discount = forwards.forward[expiry], forwards.discount[expiry]
    half = 0.5 * chain.spread
    prices = np.stack([mid, np.maximum(mid - half, 0.0), mid + half]) / discount
    sigma, _ = implied_volatility.implied_from_forward(
        prices, forward, chain.strike, chain.years, chain.is_call
    )
    # A bid stripped to nothing has no volatility: twice the upper half stands for the spread.
    spread = np.where(np.isfinite(sigma[1]), sigma[2] - sigma[1], 2.0 * (sigma[2] - sigma[0]))
    is_good = np.isfinite(sigma[0]) & (sigma[0] > 0.0) & np.isfinite(spread)
    dropped["no_volatility"] = int((~is_good).sum())
    return _Quotes(
        chain=chain.take(is_good), expiry=expiry[is_good],
        moneyness=np.log(chain.strike / forward)[is_good], sigma=sigma[0][is_good],
        spread=spread[is_good], is_stripped=is_stripped[is_good],
    )  # fmt: skip


def _keep_full_expiries(
    quotes: _Quotes, n: int, dropped: dict[str, int]
) -> tuple[_Quotes, NDArray[np.intp]]:
    """Return quotes of expiries with enough of them, and which expiries these are."""
    counts = np.bincount(quotes.expiry, minlength=n)
    is_full = counts >= _QUOTES_MIN
    kept = is_full[quotes.expiry]
    dropped["thin_expiry"] += int((~kept).sum())
    if not is_full.any():
        raise ChainRefusedError(
            f"expected {_QUOTES_MIN} out-of-the-money quotes with a volatility in some expiry, "
            f"found at most {int(counts.max())}; check spot and rate"
        )
    number = np.cumsum(is_full) - 1
    return _Quotes(
        chain=quotes.chain.take(kept), expiry=number[quotes.expiry[kept]],
        moneyness=quotes.moneyness[kept], sigma=quotes.sigma[kept], spread=quotes.spread[kept],
        is_stripped=quotes.is_stripped[kept],
    ), np.flatnonzero(is_full)  # fmt: skip


def _fit_slices(quotes: _Quotes, years: Array, forward: Array, beta: float) -> tuple[
    Array, tuple[sabr.SabrFit, ...], Array, Array, Array
]:  # fmt: skip
    """Return both smiles of each expiry, the quoted ranges, and SVI errors in volatility.

    The longest expiry goes first and each is the ceiling of the one before it where the ranges
    of both meet: long expiries have the fewer, wider quotes and the smoother smiles.
    """
    n = years.size
    edges = np.searchsorted(quotes.expiry, np.arange(n + 1))
    low, high = quotes.moneyness[edges[:-1]], quotes.moneyness[edges[1:] - 1]
    parameters, rmse = np.empty((n, 5)), np.empty(n)
    fits: list[sabr.SabrFit] = []
    for i in range(n - 1, -1, -1):
        rows = slice(edges[i], edges[i + 1])
        k, sigma = quotes.moneyness[rows], quotes.sigma[rows]
        certainty = 1.0 / np.maximum(quotes.spread[rows], _SPREAD_FLOOR_SHARE * sigma)
        certainty /= math.sqrt(float(np.mean(certainty**2)))
        grid = check_moneyness(low[i], high[i])
        ceiling = np.full(grid.size, np.inf)
        if i + 1 < n:
            later = check_moneyness(low[i + 1], high[i + 1])
            shared = common_grid(grid, later)
            grid = np.unique(np.concatenate((grid, shared)))
            ceiling = 0.9999 * svi.total_variance(grid, parameters[i + 1])
            ceiling[(grid < shared[0]) | (grid > shared[-1])] = np.inf
        rmse[i], _, _ = svi.fit_slice(
            k, sigma**2 * years[i], certainty / (2.0 * sigma * years[i]), grid,
            np.zeros(grid.size), ceiling, svi.PENALTIES, svi.STARTS, parameters[i],
        )  # fmt: skip
        fits.append(
            sabr.calibrate(
                forward[i], forward[i] * np.exp(k), years[i], sigma, beta, weight=certainty
            )
        )
    return parameters, tuple(fits[::-1]), low, high, rmse


def _demand_arguments(
    spot: object, style: str, rate: ArrayLike | None, smile: str, beta: float
) -> None:
    """Refuse what would silently give another surface."""
    if not (isinstance(spot, int | float | np.number) and 0.0 < float(spot) < math.inf):
        raise ChainRefusedError(f"expected a positive spot, found {spot!r}; pass the stock's price")
    for name, value, known in (
        ("style", style, ("european", "american")), ("smile", smile, ("svi", "sabr"))
    ):  # fmt: skip
        if value not in known:
            raise ChainRefusedError(f"expected {known[0]} or {known[1]} as {name}, found {value!r}")
    if not 0.0 <= beta <= 1.0:
        raise ChainRefusedError(f"expected beta in [0, 1], found {beta}")
    if rate is not None and not np.all(np.abs(np.asarray(rate, np.float64)) <= _RATE_MAX):
        raise ChainRefusedError(
            f"expected rates within {_RATE_MAX:g} per year, found {rate}; 0.05 is five per cent"
        )


def _demand_spot(spot: float, forwards: ImpliedForwards) -> None:
    """Refuse a spot that is no price of this chain's stock: a split, or another unit."""
    moved = np.log(forwards.forward / spot)
    worst = int(np.argmax(np.abs(moved) - _CARRY_MAX * forwards.years))
    if not abs(moved[worst]) <= _SPOT_SLACK + _CARRY_MAX * forwards.years[worst]:
        raise ChainRefusedError(
            f"expected a spot near the forward that the pairs imply, {forwards.forward[worst]:.6g} "
            f"at {forwards.years[worst]:.4f} years, found {spot:g}; pass the price that belongs to "
            "these quotes"
        )


def surface_from_chain(
    chain: QuotedChain, spot: float, style: Style, rate: ArrayLike | None = None, *,
    rules: CleaningRules | None = None, beta: float = 1.0, smile: Smile = "svi",
    american_price: Callable[..., ArrayLike] = american.price,
) -> ChainSurface:  # fmt: skip
    """Return a checked surface from raw quotes.

    Quotes are cleaned; forward and rate implied; American mids stripped of their early-exercise
    premium where it matters; out-of-the-money volatilities fitted per expiry by SVI (longest
    first, each the ceiling of the one before) and by SABR; all conditions checked by name.

    Parameters
    ----------
    chain : QuotedChain
    spot : float
        Price of the underlying when the quotes were made.
    style : {"european", "american"}
    rate : float or array of shape (n_expiries,), optional
        Continuously compounded; implied when left out, which wide American quotes support poorly.
    rules : CleaningRules, optional
    beta : float
        SABR power, held fixed.
    smile : {"svi", "sabr"}
        Which of the two fits the surface reads.
    american_price : callable
        Takes spot, strike, years, volatility, rate, dividend yield and side.

    Returns
    -------
    ChainSurface
        `dropped` counts rows by reason; `breaches` is empty where no condition is broken.

    Raises
    ------
    ChainRefusedError
        If quotes do not suffice; the message is one line.
    """
    _demand_arguments(spot, style, rate, smile, beta)
    clean = clean_quotes(chain, rules)
    dropped = dict(clean.dropped)
    usable, dropped["thin_expiry"] = _with_pairs(clean.chain)
    expiries = np.unique(usable.years).size
    if rate is not None and np.size(rate) not in (1, expiries):
        raise ChainRefusedError(
            f"expected one rate, or one for each of the {expiries} expiries left after cleaning, "
            f"found {np.size(rate)}; pass one rate"
        )
    if style == "american":
        forwards = american_forwards(usable, spot, rate, american_price)
    else:
        forwards = european_forwards(usable, rate)
    _demand_spot(spot, forwards)
    quotes = _implied_quotes(usable, spot, forwards, style, american_price, dropped)
    quotes, kept = _keep_full_expiries(quotes, forwards.years.size, dropped)
    years, forward = forwards.years[kept], forwards.forward[kept]
    parameters, fits, low, high, rmse = _fit_slices(quotes, years, forward, beta)
    surface = Surface(
        spot=spot, years=years, forward=forward, discount=forwards.discount[kept],
        moneyness_low=low, moneyness_high=high, svi_parameters=parameters, sabr_fits=fits,
        smile=smile,
    )  # fmt: skip
    return ChainSurface(
        surface=surface, forwards=forwards, breaches=check(surface), dropped=dropped,
        strike=quotes.chain.strike, years=quotes.chain.years, sigma_annual=quotes.sigma,
        sigma_spread=quotes.spread, is_stripped=quotes.is_stripped, volatility_rmse=rmse,
    )  # fmt: skip
