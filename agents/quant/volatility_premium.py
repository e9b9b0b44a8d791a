"""Volatility premium: sells option structures while volatility is dear, buys while it is cheap."""

import math
from datetime import UTC, date, datetime
from typing import ClassVar, Final, assert_never

import msgspec

from agents.quant.premium_structures import (
    Chosen,
    Quoted,
    at_the_money,
    bought_condor,
    cumulative,
    iron_condor,
    put_vertical,
)
from agents.quant.volatility_forecast import DailyBar, ForecastVolatility, VolatilityForecast
from environment.actors import Actor, ActorContext, ActorRef, effect_result
from environment.instruments import parse_occ
from environment.messages import EffectDone, EffectFailed, Leg, Resumed, Signal
from environment.option_messages import ChainUpdate, SeriesListed

_DAY_NS: Final = 86_400 * 1_000_000_000
_MICROS: Final = 1_000_000


class PremiumSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it may trade, and how dear or cheap volatility must be.

    It begins where implied volatility is `entry` above or below the forecast, as a share of that,
    and ends at `leave`. It takes the expiry nearest to `days` between `nearest_days` and
    `furthest_days`. `bars` are each underlying's daily history up to the day before.
    """

    instruments: tuple[str, ...]
    structures: tuple[str, ...]
    bars: dict[str, tuple[DailyBar, ...]]
    entry: float = 0.15
    leave: float = 0.05
    days: int = 30
    nearest_days: int = 10
    furthest_days: int = 70
    tick: float = 0.01  # Currency per option tick.
    every_ns: int = 300 * 1_000_000_000


class Premium(msgspec.Struct):
    """What it knows of one underlying, and what it has said."""

    forecast: VolatilityForecast | None = None
    said: str = ""  # The structure it stands for; "": nothing.
    legs: tuple[Leg, ...] = ()
    looked_ns: int = -(1 << 62)
    until_ns: int = 0  # When what was said is over: its options end.


class PremiumState(msgspec.Struct):
    """All that changes in the agent."""

    premiums: dict[str, Premium]
    effects: dict[int, str] = {}  # Underlying by the effect that forecasts it.


ToVolatilityPremium = Resumed | ChainUpdate | SeriesListed | EffectDone | EffectFailed


def chain_topic(symbol: str) -> str:
    """Return the topic on which an underlying's chain is published."""
    return f"market/{symbol}/chain"


class VolatilityPremium(Actor[ToVolatilityPremium]):
    """Says which structure to hold while implied volatility is dear or cheap, else that none.

    The forecast is the root of the mean variance of a HAR and a GARCH model on daily bars, fitted
    as an effect at the start. Without one it abstains, and says why. The probability that it states
    is that volatility comes out on its side of what is implied.
    """

    KIND: ClassVar[str] = "volatility_premium"

    def __init__(self, coordinator: ActorRef[Signal], settings: PremiumSettings) -> None:
        self._coordinator = coordinator
        self._settings = settings
        premiums = {symbol: Premium() for symbol in settings.instruments}
        self.state: PremiumState = PremiumState(premiums=premiums)

    def receive(self, ctx: ActorContext, message: ToVolatilityPremium) -> None:
        """Handle one message."""
        match message:
            case ChainUpdate(underlying=symbol):
                premium = self.state.premiums[symbol]
                if ctx.now_ns() - premium.looked_ns >= self._settings.every_ns:
                    premium.looked_ns = ctx.now_ns()
                    self._look(ctx, symbol, premium, message)
            case EffectDone(effect_id=effect_id):
                symbol = self.state.effects.pop(effect_id)
                forecast = effect_result(message, VolatilityForecast)
                self.state.premiums[symbol].forecast = forecast
            case EffectFailed(effect_id=effect_id, reason=reason):
                self._abstain(ctx, self.state.effects.pop(effect_id), f"no forecast: {reason}")
            case SeriesListed():
                pass  # The next chain has it.
            case Resumed():
                for symbol in self._settings.instruments:
                    self._begin(ctx, symbol)
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext, symbol: str) -> None:
        ctx.subscribe(chain_topic(symbol), self._settings.every_ns)
        ahead = ForecastVolatility(
            instrument=symbol,
            bars=self._settings.bars.get(symbol, ()),
            horizon_days=max(round(self._settings.days * 5 / 7), 1),
        )
        self.state.effects[ctx.start(ahead)] = symbol

    def _abstain(self, ctx: ActorContext, symbol: str, why: str) -> None:
        ctx.send(
            self._coordinator,
            Signal(
                instrument=symbol, direction="flat", probability=0.0, horizon_ns=0,
                expected_return=0.0, abstains=True, reasons=(why,),
            ),
        )  # fmt: skip

    def _look(self, ctx: ActorContext, symbol: str, premium: Premium, chain: ChainUpdate) -> None:
        """Compare what is implied with what is expected, and say what follows."""
        forecast = premium.forecast
        if forecast is None or chain.bid_price is None or chain.ask_price is None:
            return
        spot = 0.5 * (chain.bid_price + chain.ask_price) * self._settings.tick
        found = self._expiry(chain, ctx.now_ns())
        if found is None:
            return
        years, series = found
        implied = at_the_money(series, spot, years)
        if implied is None:
            return
        expected = forecast.combined
        dear, limits = implied / expected - 1.0, self._settings
        if premium.said and ctx.now_ns() >= premium.until_ns:
            premium.said, premium.legs = "", ()  # The view was over by itself.
        if premium.said:
            left = -dear if premium.said == "bought_condor" else dear
            if left < limits.leave:
                self._withdraw(ctx, symbol, premium, f"implied {implied:.1%} near {expected:.1%}")
        elif abs(dear) >= limits.entry:
            chosen = self._choose(series, spot, expected * math.sqrt(years), is_dear=dear > 0.0)
            if chosen is not None:
                self._say(ctx, symbol, premium, chosen, (years, implied))

    def _expiry(self, chain: ChainUpdate, now_ns: int) -> tuple[float, list[Quoted]] | None:
        """Return years to the expiry nearest to the wanted one, and its two-sided series."""
        today = datetime.fromtimestamp(now_ns / 1e9, UTC).date()
        by_expiry: dict[date, list[Quoted]] = {}
        for row in chain.rows:
            if row.bid_quantity and row.ask_quantity and row.ask_price > row.bid_price > 0:
                occ = parse_occ(row.instrument)
                quoted = Quoted(
                    symbol=row.instrument, right=occ.right, strike=occ.strike_micros / _MICROS,
                    bid=row.bid_price * self._settings.tick,
                    ask=row.ask_price * self._settings.tick,
                )  # fmt: skip
                by_expiry.setdefault(occ.expiry, []).append(quoted)
        limits = self._settings
        days = {expiry: (expiry - today).days for expiry in by_expiry}
        fitting = [e for e, d in days.items() if limits.nearest_days <= d <= limits.furthest_days]
        if not fitting:
            return None
        expiry = min(fitting, key=lambda e: (abs(days[e] - limits.days), e))
        return days[expiry] / 365.0, by_expiry[expiry]

    def _choose(
        self, series: list[Quoted], spot: float, deviation: float, *, is_dear: bool
    ) -> Chosen | None:
        """Return the allowed structure with the larger expected return, if that is above 0."""
        made = []
        if "condor" in self._settings.structures:
            make = iron_condor if is_dear else bought_condor
            made.append(make(series, spot, deviation))
        if "vertical" in self._settings.structures and is_dear:
            made.append(put_vertical(series, spot, deviation))
        paying = [chosen for chosen in made if chosen is not None and chosen.expected_profit > 0.0]
        return max(paying, key=lambda chosen: chosen.expected_return, default=None)

    def _say(
        self, ctx: ActorContext, symbol: str, premium: Premium, chosen: Chosen,
        implied: tuple[float, float],
    ) -> None:  # fmt: skip
        assert premium.forecast is not None, f"{symbol}: nothing is said without a forecast"
        years, volatility = implied
        premium.said = chosen.name
        premium.legs = tuple(
            Leg(instrument=quoted.symbol, side="buy" if sign > 0 else "sell")
            for quoted, sign in chosen.legs
        )
        forecast = premium.forecast
        horizon_ns = max(int(years * 365 * _DAY_NS), 1)
        premium.until_ns = ctx.now_ns() + horizon_ns
        ctx.send(
            self._coordinator,
            Signal(
                instrument=symbol, direction="up",
                probability=likelihood(volatility, forecast.combined, forecast.error),
                horizon_ns=horizon_ns,
                expected_return=chosen.expected_return,
                expected_volatility=forecast.combined, implied_volatility=volatility,
                structure=chosen.name, legs=premium.legs, evidence=(ctx.envelope_id(),),
                reasons=(
                    f"implied {volatility:.1%} for {years * 365:.0f} days; expected "
                    f"{forecast.har:.1%} (HAR) and {forecast.garch:.1%} (GARCH) of "
                    f"{forecast.days} days",
                    f"{chosen.name} brings {chosen.credit:+.2f} a share, may lose "
                    f"{chosen.worst_loss:.2f}, expected {chosen.expected_profit:+.2f}; "
                    f"ends with a profit in {chosen.probability:.0%}",
                ),
            ),
        )  # fmt: skip

    def _withdraw(self, ctx: ActorContext, symbol: str, premium: Premium, why: str) -> None:
        ctx.send(
            self._coordinator,
            Signal(
                instrument=symbol, direction="flat", probability=0.5, horizon_ns=0,
                expected_return=0.0, structure=premium.said, legs=premium.legs, reasons=(why,),
            ),
        )  # fmt: skip
        premium.said, premium.legs = "", ()


def likelihood(implied: float, expected: float, error: float) -> float:
    """Return how likely volatility is to come out on the forecast's side of what is implied.

    Forecasts err by a normal log of deviation `error`. Above 0.5, and below 1.
    """
    return min(cumulative(abs(math.log(expected / implied)) / max(error, 1e-3)), 0.999)


PROTOCOL = (ForecastVolatility,)
