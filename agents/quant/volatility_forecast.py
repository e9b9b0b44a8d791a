"""How much a stock will move over the next days, from its daily bars: HAR and GARCH(1, 1).

Variances are per trading day, of the close-to-close return: the squared overnight return plus the
day's range estimate. Volatilities are per year of 252 such days. Fitting takes tens of
milliseconds, so an agent asks for it as an effect.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.errors import OperatingError
from environment.messages import Effect

DAYS_A_YEAR: Final = 252
_WEEK, _MONTH = 5, 22
_LEAST_DAYS: Final = 100
FloatArray = NDArray[np.float64]


class DailyBar(msgspec.Struct, frozen=True, array_like=True):
    """One day's prices, adjusted for splits; `day` is YYYY-MM-DD."""

    day: str
    open: float
    high: float
    low: float
    close: float


class VolatilityForecast(msgspec.Struct, frozen=True, kw_only=True):
    """Expected volatility per year over the horizon, as fractions, and how many days were known.

    `error` is the root mean square of the log of what came over what the HAR model had fitted.
    """

    har: float
    garch: float
    days: int
    error: float = 0.25

    @property
    def combined(self) -> float:
        """Return the root of the mean of both variances: neither is known to be better."""
        return math.sqrt((self.har**2 + self.garch**2) / 2.0)


class ForecastVolatility(Effect[VolatilityForecast], frozen=True, kw_only=True):
    """Effect: fit both models to these bars, oldest first, and look `horizon_days` ahead."""

    instrument: str
    bars: tuple[DailyBar, ...]
    horizon_days: int


def perform_forecast(effect: ForecastVolatility) -> VolatilityForecast:
    """Return both forecasts, rounded to a millionth of a year's volatility.

    Raises
    ------
    OperatingError
        If there are fewer than 100 days, or a price is not positive.
    """
    bars = effect.bars
    if len(bars) < _LEAST_DAYS:
        raise OperatingError(
            f"{effect.instrument}: {len(bars)} daily bars, at least {_LEAST_DAYS} are needed"
        )
    variance = daily_variance(bars)
    closes = np.array([bar.close for bar in bars])
    returns = np.diff(np.log(closes))
    return VolatilityForecast(
        har=round(math.sqrt(har_variance(variance, effect.horizon_days) * DAYS_A_YEAR), 6),
        garch=round(math.sqrt(garch_variance(returns, effect.horizon_days) * DAYS_A_YEAR), 6),
        days=len(bars),
        error=round(har_error(variance, effect.horizon_days), 6),
    )


def daily_variance(bars: Sequence[DailyBar]) -> FloatArray:
    """Return each day's variance but the first's, shape (n - 1,).

    The squared return from the last close to the open, plus the range estimate of Garman and Klass
    (1980, "On the Estimation of Security Price Volatilities", eq. 20, practical form):
    0.5 ln(H/L)^2 - (2 ln 2 - 1) ln(C/O)^2.

    Raises
    ------
    OperatingError
        If a price is not positive, or a high below a low.
    """
    prices = np.array([(bar.open, bar.high, bar.low, bar.close) for bar in bars])
    if not (prices > 0.0).all() or (prices[:, 1] < prices[:, 2]).any():
        raise OperatingError("daily bars: a price is not positive, or a high is below its low")
    logs = np.log(prices)
    overnight = logs[1:, 0] - logs[:-1, 3]
    span, body = logs[1:, 1] - logs[1:, 2], logs[1:, 3] - logs[1:, 0]
    within = 0.5 * span**2 - (2.0 * math.log(2.0) - 1.0) * body**2
    variance: FloatArray = overnight**2 + np.maximum(within, 0.0)
    return variance


def har_variance(variance: FloatArray, horizon_days: int) -> float:
    """Return the mean daily variance expected over the horizon, by a heterogeneous autoregression.

    The mean of the next h days is regressed on the last day's, week's and month's variance (Corsi
    2009, "A Simple Approximate Long-Memory Model of Realized Volatility", eq. 8, in variances and
    direct for h days). A forecast below a tenth of the sample's mean is held there.

    Parameters
    ----------
    variance : array of shape (n,)
        Per day, oldest first.
    horizon_days : int
        Trading days ahead, 1 or more.
    """
    x, y, now = _har_table(variance, horizon_days)
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    return max(float(now @ weights), 0.1 * float(variance.mean()))


def har_error(variance: FloatArray, horizon_days: int) -> float:
    """Return the root mean square of ln(volatility that came / fitted), over the sample.

    The sample is the one that the model is fitted to, so that this is the least it errs by.
    """
    x, y, _ = _har_table(variance, horizon_days)
    fitted = np.maximum(x @ np.linalg.lstsq(x, y, rcond=None)[0], 0.1 * variance.mean())
    return float(np.sqrt(np.mean((0.5 * np.log(np.maximum(y, 1e-12) / fitted)) ** 2)))


def _har_table(
    variance: FloatArray, horizon_days: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is regressed on, what is to be explained, and today's row."""
    n = len(variance)
    sums = np.concatenate(([0.0], np.cumsum(variance)))

    def mean(end: int, days: int) -> float:
        return float((sums[end] - sums[end - days]) / days)

    ends = range(_MONTH, n - horizon_days + 1)
    x = np.array([(1.0, *(mean(end, days) for days in (1, _WEEK, _MONTH))) for end in ends])
    y = np.array([mean(end + horizon_days, horizon_days) for end in ends])
    return x, y, np.array([1.0, *(mean(n, days) for days in (1, _WEEK, _MONTH))])


def garch_variance(returns: FloatArray, horizon_days: int) -> float:
    """Return the mean daily variance expected over the horizon, by a GARCH(1, 1).

    Bollerslev (1986), with normal shocks, fitted by maximum likelihood with a constant mean.

    Parameters
    ----------
    returns : array of shape (n,)
        Daily log returns, oldest first.
    horizon_days : int
        Trading days ahead, 1 or more.
    """
    try:
        from arch import arch_model  # noqa: PLC0415  # slow to import, and only needed here
    except ImportError as error:
        raise OperatingError(
            "arch is not installed, and fits the GARCH model; install it with pip install arch"
        ) from error
    # In per cent, where the optimiser's steps are of a sensible size.
    fitted = arch_model(100.0 * returns, mean="Constant", vol="GARCH", p=1, q=1).fit(
        disp="off", show_warning=False
    )
    ahead = fitted.forecast(horizon=horizon_days, reindex=False).variance.to_numpy()[-1]
    return float(ahead.mean()) / 1e4
