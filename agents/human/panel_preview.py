"""Fork previews of cards: begun when a record comes, shown when they are there.

A card is complete without one. What is asked with is what the panel itself has seen.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from agents.human.panel_live import LiveView, Watched
from agents.human.panel_payoff import value_card
from agents.human.panel_text import grouped, money
from agents.human.preview import (
    PreviewLeg,
    PreviewOrder,
    PreviewPort,
    PreviewResult,
    PreviewTask,
)
from environment.approval_messages import OrderCard
from environment.instruments import MICROS, Instrument
from environment.options import strategies
from environment.options.implied_volatility import implied_volatility

HORIZON_S: Final = 3_600
_LEAST_S: Final = 120
_FEW: Final = 10
_KEPT: Final = 60
_SECOND_NS: Final = 1_000_000_000
_YEAR_S: Final = 365 * 86_400
_DAY_END_S: Final = 43_200
NOT_HERE: Final = "No preview is drawn here; the card is complete without it."
UNDER_WAY: Final = "Worlds are being drawn …"
ENDED: Final = "It was over before any worlds were drawn."
_UNSEEN: Final = "No price was seen yet to draw worlds from; nothing was guessed."
_ENDING: Final = "Trading ends too soon for a preview."


class Previews:
    """Asks for previews, and keeps what came.

    Parameters
    ----------
    tell
        Called with a record's hash when its preview has come.
    closes_ns
        When trading ends on each day: no world goes on beyond.
    """

    def __init__(
        self, port: PreviewPort | None, live: LiveView, closes_ns: tuple[int, ...],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._port, self._live, self._closes_ns, self._tell = port, live, closes_ns, tell
        self._told: OrderedDict[str, PreviewResult | str] = OrderedDict()
        self._first_seed = 1

    def begin(self, card: OrderCard, now_ns: int) -> None:
        """Begin a record's preview, once."""
        if self._port is None or card.record_hash in self._told:
            return
        task = make_task(card, self._live, self._horizon_s(now_ns), self._first_seed)
        if isinstance(task, str):
            self._keep(card.record_hash, task)
            return
        # Seeds of their own for every record: no world is looked at twice.
        self._first_seed += 1_000
        self._keep(card.record_hash, UNDER_WAY if self._port.start(task, self.came) else NOT_HERE)

    def came(self, result: PreviewResult) -> None:
        """Take a preview in, or more of one."""
        if self._is_under_way(result.record_hash):
            self._told[result.record_hash] = result
            self._tell(result.record_hash)

    def end(self, record_hash: str) -> None:
        """Draw no more of a record that nobody decides on any longer; what came stays."""
        if self._port is None or not self._is_under_way(record_hash):
            return
        self._port.end(record_hash)
        told = self._told[record_hash]
        self._told[record_hash] = (
            ENDED if isinstance(told, str) else msgspec.structs.replace(told, more=False)
        )

    def _is_under_way(self, record_hash: str) -> bool:
        told = self._told.get(record_hash)
        return told == UNDER_WAY if not isinstance(told, PreviewResult) else told.more

    def content(self, card: OrderCard) -> tuple[dict[str, Any] | None, str]:
        """Return what the page draws, or None and why not."""
        told = self._told.get(card.record_hash, NOT_HERE)
        return (None, told) if isinstance(told, str) else (content_of(told, card), "")

    def _horizon_s(self, now_ns: int) -> int:
        ends = [(at_ns - now_ns) // _SECOND_NS for at_ns in self._closes_ns if at_ns > now_ns]
        # Whole minutes, as a session of the simulated market is told.
        return min([HORIZON_S, *ends]) // 60 * 60

    def _keep(self, record_hash: str, told: str) -> None:
        self._told[record_hash] = told
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)


def make_task(
    card: OrderCard, live: LiveView, horizon_s: int, first_seed: int
) -> PreviewTask | str:
    """Return what worlds of a card's order are drawn from, or why there are none."""
    known = live.instruments
    first = known.get(card.legs[0].instrument)
    if first is None:
        return NOT_HERE
    stock = known.get(first.underlying or first.symbol)
    seen = None if stock is None else live.watched.get(stock.symbol)
    if stock is None or seen is None or seen.twice_mid is None:
        return _UNSEEN
    if horizon_s < _LEAST_S:
        return _ENDING
    assert seen.bid_price is not None, "it has a mid"
    assert seen.ask_price is not None, "it has a mid"
    mid = seen.twice_mid * stock.tick_micros / (2 * MICROS)
    task = PreviewTask(
        record_hash=card.record_hash, symbol=stock.symbol, mid=mid, tick_micros=stock.tick_micros,
        shares_per_lot=stock.lot_units * stock.multiplier,
        sigma_annual=seen.volatility.annual(),
        spread_ticks=max(seen.ask_price - seen.bid_price, 1),
        bids=seen.bids or ((seen.bid_price, seen.bid_quantity),),
        asks=seen.asks or ((seen.ask_price, seen.ask_quantity),),
        held=_held(live, stock, mid, card.proposed_ns), horizon_s=horizon_s, first_seed=first_seed,
    )  # fmt: skip
    if len(card.legs) == 1 and first.kind != "option":
        order = PreviewOrder(
            side=card.legs[0].side, lots=card.quantity, limit_ticks=card.order.price
        )
        return msgspec.structs.replace(task, order=order)
    return _with_legs(task, card, known, mid, stock.symbol)


def _with_legs(
    task: PreviewTask, card: OrderCard, known: dict[str, Instrument], mid: float, symbol: str
) -> PreviewTask | str:
    valued = value_card(card, known, {symbol: mid})
    if valued is None:
        return _UNSEEN
    legs = tuple(
        PreviewLeg(
            kind=leg.kind, shares=leg.quantity, strike=leg.strike, years=leg.years,
            sigma_annual=leg.sigma_annual,
        )
        for leg in valued.structure.legs
    )  # fmt: skip
    sigmas = [leg.sigma_annual for leg in legs if leg.kind != "stock"]
    cost = valued.structure.cost if card.total_micros is None else card.total_micros / MICROS
    # The surface says more of what is to come than the last minutes do.
    sigma = sigmas[0] if sigmas else task.sigma_annual
    return msgspec.structs.replace(
        task, legs=legs, cost=cost, sigma_annual=sigma, units=card.quantity, offer=_offer(card),
        is_limited=card.total_micros is not None,
    )  # fmt: skip


def _offer(card: OrderCard) -> float | None:
    """Return what all of it costs at the quotes seen, in currency; None where a leg has none."""
    total = 0
    for leg in card.legs:
        price = leg.ask_price if leg.side == "buy" else leg.bid_price
        if price is None:
            return None
        signed = price if leg.side == "buy" else -price
        total += signed * leg.ratio * leg.units_per_lot * leg.tick_micros
    return total * card.quantity / MICROS


def _held(live: LiveView, stock: Instrument, mid: float, now_ns: int) -> tuple[PreviewLeg, ...]:
    """Return what the account holds in one underlying; an option without a price is left out."""
    found = []
    for symbol, holding in live.books.holdings.items():
        instrument = live.instruments.get(symbol)
        if instrument is None or not holding.lots:
            continue
        shares = float(holding.lots * instrument.lot_units * instrument.multiplier)
        if symbol == stock.symbol:
            found.append(PreviewLeg(kind="stock", shares=shares))
        elif instrument.underlying == stock.symbol:
            leg = _option(instrument, live.watched.get(symbol), shares, mid, now_ns)
            found += [] if leg is None else [leg]
    return tuple(found)


def _option(
    instrument: Instrument, seen: Watched | None, shares: float, mid: float, now_ns: int
) -> PreviewLeg | None:
    if seen is None or seen.twice_mid is None or instrument.expiry is None:
        return None
    assert instrument.strike_micros is not None, "an option has a strike"
    days = instrument.expiry.toordinal() - 719_163  # 1970-01-01
    years = max(days * 86_400 + _DAY_END_S - now_ns / _SECOND_NS, 60.0) / _YEAR_S
    strike, is_call = instrument.strike_micros / MICROS, instrument.right == "call"
    price = seen.twice_mid * instrument.tick_micros / (2 * MICROS)
    sigma, reason = implied_volatility(price, mid, strike, years, 0.0, 0.0, is_call)
    if int(reason):
        return None
    return PreviewLeg(
        kind="call" if is_call else "put", shares=shares, strike=strike, years=years,
        sigma_annual=float(sigma),
    )  # fmt: skip


def worth(legs: tuple[PreviewLeg, ...], spot: float, passed_s: float) -> float:
    """Return what legs are worth at a spot after a time, in currency; volatilities stay."""
    if not legs:
        return 0.0
    passed = passed_s / _YEAR_S
    structure = strategies.Structure(name="held", legs=tuple(
        strategies.Leg(kind="stock", quantity=leg.shares, entry_price=0.0) if leg.kind == "stock"
        else strategies.Leg(
            kind=leg.kind, quantity=leg.shares, entry_price=0.0, strike=leg.strike,
            # One that expires meanwhile is worth what it is then.
            years=max(leg.years, passed), sigma_annual=leg.sigma_annual,
        )
        for leg in legs
    ))  # fmt: skip
    return float(strategies.value(structure, spot, passed))


def content_of(result: PreviewResult, card: OrderCard) -> dict[str, Any]:
    """Return what the page draws, and the same in words."""
    alone = np.array(result.with_order) - np.array(result.without)
    # Of few worlds the tenth part is none: the outermost ones are named.
    tails = (0, 50, 100) if result.pairs < _FEW else (10, 50, 90)
    share = "all" if result.pairs < _FEW else "eight of ten"
    low, middle, high = (_signed(float(np.percentile(alone, at))) for at in tails)
    filled = int(np.median(result.filled))
    minutes = result.horizon_s // 60
    if len(card.legs) == 1 and card.legs[0].units_per_lot == 1:
        traded = f"In the middle world {grouped(filled)} of {grouped(card.quantity)} fill."
    else:
        worlds = sum(1 for lots in result.filled if lots)
        traded = (
            f"It fills in {worlds} of {result.pairs} worlds, at quotes that follow the stock; "
            "volatilities and spreads stay as they were seen."
        )
    return {
        "k": result.pairs,
        "seeds": f"{result.first_seed} to {result.first_seed + result.pairs - 1}",
        "horizon": f"{minutes} min",
        "without": [round(value, 2) for value in result.without],
        "with": [round(value, 2) for value in result.with_order],
        "words": f"What the order adds: {middle} in the middle, from {low} to {high} in {share} "
                 f"worlds, before fees. {traded} {_acting(result)}",
    }  # fmt: skip


def _acting(result: PreviewResult) -> str:
    """Return in how many worlds the swarm's own agents act, and which of them stand still."""
    worlds = sum(result.acting)
    if worlds == result.pairs:
        words = "The swarm's agents act in them."
    elif result.more:
        words = f"The swarm's agents act in {worlds or 'none'} of them so far; more are drawn."
    elif worlds:
        words = f"The swarm's agents act in {worlds} of them; time was too short for the others."
    else:
        words = "The swarm's agents stand still in them."
    if worlds and result.on_rules:
        words += f" There {', '.join(result.on_rules)} follow written rules: no model is asked."
    if result.still:
        words += (
            f" Standing still in all of them: {', '.join(result.still)}; no text is written there, "
            "and no options are listed."
        )
    return words


def _signed(value: float) -> str:
    text = money(round(value * MICROS), decimals=0)
    return text if value < 0 else f"+{text}"
