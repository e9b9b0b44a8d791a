import math
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from agents.quant.premium_structures import (
    Quoted,
    at_the_money,
    below,
    bought_condor,
    iron_condor,
    put_vertical,
    value,
)
from agents.quant.volatility_forecast import ForecastVolatility, VolatilityForecast
from agents.quant.volatility_premium import PremiumSettings, VolatilityPremium, likelihood
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.instruments import format_occ
from environment.messages import EffectDone, EffectFailed, Resumed, Signal
from environment.option_messages import ChainRow, ChainUpdate
from environment.options import black_scholes
from tests.unit.desk.factories import context

SPOT, NOW_NS = 645.0, int(datetime(2014, 6, 6, 18, tzinfo=UTC).timestamp()) * 1_000_000_000
EXPIRY, YEARS = date(2014, 7, 6), 30 / 365
STRIKES = range(520, 800, 5)


def quoted(sigma: float, half_spread: float = 0.05) -> list[Quoted]:
    """Return a chain of one expiry, priced at one volatility."""
    made = []
    for strike in STRIKES:
        for right in ("call", "put"):
            price = value(right, SPOT, strike, sigma * math.sqrt(YEARS))
            if price > half_spread:
                made.append(Quoted(symbol=f"{right[0]}{strike}", right=right, strike=float(strike),
                                   bid=price - half_spread, ask=price + half_spread))  # fmt: skip
    return made


def chain(sigma: float) -> ChainUpdate:
    rows = []
    for option in quoted(sigma):
        symbol = format_occ("AAPL", EXPIRY, option.right, round(option.strike * 1e6))
        rows.append(ChainRow(symbol, max(round(option.bid * 100), 1), 10,
                             round(option.ask * 100) + 1, 10, 0, 0, 0))  # fmt: skip
    return ChainUpdate(underlying="AAPL", bid_price=64_499, ask_price=64_501, rows=tuple(rows),
                       exchange_ns=0, first_sequence=0, last_sequence=0)  # fmt: skip


def test_value_is_that_of_the_pricing_model() -> None:
    for right, sign in (("call", 1), ("put", -1)):
        expected = black_scholes.price(SPOT, 600.0, YEARS, 0.3, 0.0, 0.0, sign == 1)
        assert value(right, SPOT, 600.0, 0.3 * math.sqrt(YEARS)) == pytest.approx(float(expected))


def test_implied_volatility_at_the_money_is_found() -> None:
    assert at_the_money(quoted(0.31), SPOT, YEARS) == pytest.approx(0.31, abs=1e-6)
    assert at_the_money([], SPOT, YEARS) is None


def test_probability_below_agrees_with_the_slope_of_a_put() -> None:
    deviation, step = 0.3 * math.sqrt(YEARS), 1e-3
    slope = value("put", SPOT, 600 + step, deviation) - value("put", SPOT, 600 - step, deviation)
    assert below(SPOT, 600.0, deviation) == pytest.approx(slope / (2 * step), rel=1e-6)


def test_condor_sells_a_deviation_out_and_is_protected_two_out() -> None:
    deviation = 0.2 * math.sqrt(YEARS)
    chosen = iron_condor(quoted(0.35), SPOT, deviation)
    assert chosen is not None
    strikes = [option.strike for option, _ in chosen.legs]
    assert strikes == sorted(strikes)
    assert strikes[1] == pytest.approx(SPOT * math.exp(-deviation), abs=2.5)
    assert chosen.worst_loss + chosen.credit == pytest.approx(
        max(strikes[1] - strikes[0], strikes[3] - strikes[2])
    )


def test_dear_volatility_pays_and_fair_volatility_costs_the_spread() -> None:
    deviation = 0.2 * math.sqrt(YEARS)
    dear, fair = (put_vertical(quoted(s), SPOT, deviation) for s in (0.35, 0.2))
    assert dear is not None
    assert fair is not None
    assert dear.expected_profit > 0.0
    assert fair.expected_profit == pytest.approx(-0.1, abs=1e-9)
    assert 0.5 < dear.probability < 1.0


def test_structure_without_its_strikes_is_none() -> None:
    assert iron_condor(quoted(0.3)[:4], SPOT, 0.06) is None


class Agent:
    """The agent with its forecast in."""

    def __init__(self, structures: tuple[str, ...] = ("condor", "vertical")) -> None:
        settings = PremiumSettings(instruments=("AAPL",), structures=structures, bars={})
        self.actor = VolatilityPremium(ActorRef("desk/coordinator"), settings)
        self.ctx: RecordingContext = context("quant/volpremium", NOW_NS)
        self.ctx.handle(self.actor, Resumed())

    def forecast(self, sigma: float) -> "Agent":
        found = VolatilityForecast(har=sigma, garch=sigma, days=250)
        raw = msgspec.Raw(msgspec.msgpack.encode(found))
        self.ctx.handle(self.actor, EffectDone(effect_id=1, result=raw))
        return self

    def hear(self, sigma: float, minutes: int = 0) -> "Agent":
        self.ctx.set_time(NOW_NS + minutes * 60_000_000_000)
        self.ctx.handle(self.actor, chain(sigma))
        return self

    @property
    def signals(self) -> list[Any]:
        return [message for message in self.ctx.messages() if isinstance(message, Signal)]


def test_forecast_is_asked_for_as_an_effect() -> None:
    ((_, effect),) = Agent().ctx.started
    assert isinstance(effect, ForecastVolatility)
    assert effect.horizon_days == 21


def test_dear_volatility_is_sold_once_with_figures_and_evidence() -> None:
    agent = Agent().forecast(0.2).hear(0.3).hear(0.31, minutes=10)
    (view,) = agent.signals
    assert (view.direction, view.structure, len(view.evidence)) == ("up", "condor", 1)
    assert {leg.side for leg in view.legs} == {"buy", "sell"}
    assert view.expected_return > 0.0
    assert "implied 30" in view.reasons[0]


def test_view_is_withdrawn_when_volatility_is_fair_again() -> None:
    agent = Agent().forecast(0.2).hear(0.3).hear(0.2, minutes=10)
    assert [view.direction for view in agent.signals] == ["up", "flat"]
    assert agent.signals[1].legs == agent.signals[0].legs


def test_only_structures_of_the_mandate_are_proposed() -> None:
    agent = Agent(structures=("vertical",)).forecast(0.2).hear(0.3)
    assert [view.structure for view in agent.signals] == ["vertical"]


def test_nothing_is_said_of_fair_volatility_or_without_a_forecast() -> None:
    assert Agent().forecast(0.3).hear(0.3).signals == []
    assert Agent().hear(0.9).signals == []


def test_failed_forecast_is_an_abstention_with_its_reason() -> None:
    agent = Agent()
    agent.ctx.handle(agent.actor, EffectFailed(effect_id=1, reason="too few days"))
    (view,) = agent.signals
    assert view.abstains
    assert view.reasons == ("no forecast: too few days",)


def test_bought_condor_is_the_sold_one_turned_round_and_loses_what_it_costs() -> None:
    series, deviation = quoted(0.15), 0.2 * math.sqrt(YEARS)
    chosen, sold = bought_condor(series, SPOT, deviation), iron_condor(series, SPOT, deviation)
    assert chosen is not None
    assert sold is not None
    assert [(q.symbol, -sign) for q, sign in chosen.legs] == [(q.symbol, s) for q, s in sold.legs]
    paid = sum(q.ask if sign > 0 else -q.bid for q, sign in chosen.legs)
    assert (chosen.worst_loss, chosen.credit) == (paid, -paid)
    # At the forecast it is worth more than at what is implied, and more than it costs.
    assert chosen.expected_profit > 0.0
    assert 0.0 < chosen.probability < 0.5


def test_bought_condor_of_fairly_priced_options_loses_its_spreads() -> None:
    chosen = bought_condor(quoted(0.2, 0.05), SPOT, 0.2 * math.sqrt(YEARS))
    assert chosen is not None
    assert chosen.expected_profit == pytest.approx(-0.2, abs=1e-6)


@pytest.mark.parametrize(("implied", "expected"), [(0.3, 0.2), (0.2, 0.3), (0.2, 0.2)])
def test_likelihood_is_that_of_the_forecasts_side(implied: float, expected: float) -> None:
    found = likelihood(implied, expected, 0.25)
    assert found == pytest.approx(0.5 * (1 + math.erf(abs(math.log(1.5)) / 0.25 / math.sqrt(2)))
                                  if implied != expected else 0.5)  # fmt: skip
    assert likelihood(0.1, 0.9, 0.0) == 0.999
