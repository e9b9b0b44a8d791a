import math

import numpy as np
import pytest

from agents.quant.volatility_forecast import (
    DailyBar,
    ForecastVolatility,
    daily_variance,
    garch_variance,
    har_variance,
    perform_forecast,
)
from environment.draws import Stream, stream_key
from environment.errors import OperatingError


def normals(count: int, name: str) -> list[float]:
    """Return standard normal draws from a named stream."""
    stream = Stream(stream_key(1, name))
    return [stream.normal() for _ in range(count)]


STEPS = 200  # A day's range needs many: of few it is too small.


def bars(count: int, daily: float = 0.01) -> tuple[DailyBar, ...]:
    """Return days of a walk that opens where it closed."""
    steps, price, made = normals(STEPS * count, "bars"), 100.0, []
    for day in range(count):
        path = [price]
        for step in steps[STEPS * day : STEPS * (day + 1)]:
            path.append(path[-1] * math.exp(daily / math.sqrt(STEPS) * step))
        made.append(DailyBar(f"{day:05}", path[0], max(path), min(path), path[-1]))
        price = path[-1]
    return tuple(made)


def test_daily_variance_is_garman_klass_and_the_night() -> None:
    one, other = DailyBar("a", 100, 100, 100, 100), DailyBar("b", 102, 104, 101, 103)
    (found,) = daily_variance([one, other])
    span, body = math.log(104 / 101), math.log(103 / 102)
    within = 0.5 * span**2 - (2 * math.log(2) - 1) * body**2
    assert found == pytest.approx(math.log(1.02) ** 2 + within)


def test_variance_that_never_changes_is_forecast_as_it_is() -> None:
    assert har_variance(np.full(200, 1e-4), 21) == pytest.approx(1e-4)


def test_har_finds_its_own_coefficients() -> None:
    noise = normals(4_000, "har")
    path = [1.0] * 22
    for shock in noise:
        day, week, month = path[-1], sum(path[-5:]) / 5, sum(path[-22:]) / 22
        path.append(max(0.1 + 0.4 * day + 0.3 * week + 0.2 * month + 0.05 * shock, 0.01))
    variance = np.array(path)
    expected = (0.1 + 0.4 * variance[-1] + 0.3 * variance[-5:].mean()
                + 0.2 * variance[-22:].mean())  # fmt: skip
    assert har_variance(variance, 1) == pytest.approx(expected, rel=0.03)


def test_garch_returns_to_its_long_run_variance() -> None:
    variance, returns = 1e-4, []
    for shock in normals(3_000, "garch"):
        returns.append(math.sqrt(variance) * shock)
        variance = 5e-6 + 0.10 * returns[-1] ** 2 + 0.85 * variance
    found = np.array(returns)
    assert garch_variance(found, 1_000) == pytest.approx(1e-4, rel=0.25)
    assert garch_variance(found, 1) == pytest.approx(variance, rel=0.35)


def test_both_forecasts_of_a_steady_walk_are_its_volatility() -> None:
    effect = ForecastVolatility(instrument="AAPL", bars=bars(250), horizon_days=21)
    found = perform_forecast(effect)
    assert found.har == pytest.approx(0.01 * math.sqrt(252), rel=0.2)
    assert found.garch == pytest.approx(0.01 * math.sqrt(252), rel=0.2)
    assert min(found.har, found.garch) <= found.combined <= max(found.har, found.garch)
    assert perform_forecast(effect) == found


@pytest.mark.parametrize("given", [bars(50), (*bars(120), DailyBar("z", 1.0, 0.9, 1.1, 1.0)),
                                   (*bars(120), DailyBar("z", 0.0, 1.0, 0.0, 1.0))])  # fmt: skip
def test_bad_history_is_refused_with_the_cause(given: tuple[DailyBar, ...]) -> None:
    with pytest.raises(OperatingError, match="daily bars"):
        perform_forecast(ForecastVolatility(instrument="AAPL", bars=given, horizon_days=5))
