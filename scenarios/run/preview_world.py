"""One world of a fork preview: a crowd and the swarm around what the desk can see, an hour on.

The crowd is a usual one, not that of any scenario; its book begins with the depth that was seen,
and its fundamental is a Heston path from the present mid. The swarm's own agents act in it as far
as `preview_swarm` lets them, from no position of their own: what is held is valued beside. Nobody
is asked, and nothing is sent, journalled or audited.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.human.panel_preview import worth
from agents.human.preview import PreviewTask
from brokers.simulated import VENUE_ADDRESS
from environment.actors.ports import NoRecorder
from environment.draws import stream_key
from environment.instruments import MICROS
from environment.market import layout as at
from environment.market.market import Market
from environment.messages import SubmitOrder
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.builders.models import model_service, performers
from scenarios.builders.world import World, build
from scenarios.config.load import Config
from scenarios.config.scenario import Scenario
from scenarios.config.swarm import Swarm
from scenarios.config.types import read_scalar
from scenarios.protocol import PROTOCOL
from scenarios.run.preview_swarm import LOOK_NS, OWN, PreviewDesk, factories, looks_at_all

_OPENS_S: Final = 36_000  # Ten o'clock of some day: no auction, no close is near.
_DAY: Final = "2014-06-06"
_DAY_S: Final = 23_400
_ORDER_NS: Final = 100_000_000  # After the depth that was seen, before much else.
_MINUTE_NS: Final = 60_000_000_000
_CENT: Final = 0.005
_CASH: Final = 1_000_000_000
_MAKERS: Final = 4
_SEEDS: Final = (1 << 63) - 1

Pair = tuple[float, float, int]


class GivenUp(Exception):
    """A world was left, as something else is more pressing."""


def always() -> bool:
    """Return that a world may go on."""
    return True


def draw_pair(
    task: PreviewTask, seed: int, swarm: Swarm | None = None,
    may_go_on: Callable[[], bool] = always,
) -> Pair:  # fmt: skip
    """Return profit without and with the order after the horizon, in currency, and lots filled.

    Raises
    ------
    GivenUp
        If `may_go_on`, which is asked at each simulated minute, says no.
    """
    alone = _run(task, seed, swarm, may_go_on, is_with=False)
    if task.order is None:
        gain, filled = _leg_gain(task, alone.spots)
        return alone.profit(task), alone.profit(task) + gain, filled
    both = _run(task, seed, swarm, may_go_on, is_with=True)
    return alone.profit(task), both.profit(task), both.filled


def root_of(seed: int) -> int:
    """Return what a world of a preview draws its streams from.

    Never the seed itself: a run of that seed would draw the same path, trader by trader.
    """
    return stream_key(seed, "fork preview") & _SEEDS


class _Hour(msgspec.Struct, frozen=True, kw_only=True):
    """One world after the horizon: the stock by the minute, and what the account did meanwhile."""

    spots: tuple[float, ...]  # The first one as it was seen, the last one at the end.
    cash: float
    shares: float
    filled: int

    def profit(self, task: PreviewTask) -> float:
        """Return what is held, and what was traded, gained."""
        held = worth(task.held, self.spots[-1], task.horizon_s) - worth(task.held, task.mid, 0.0)
        return held + self.cash + self.shares * self.spots[-1]


def _leg_gain(task: PreviewTask, spots: tuple[float, ...]) -> tuple[float, int]:
    """Return what an order in options gains, and the units that fill, at quotes of their own.

    They are the ones seen, moved by what the structure is worth at the stock of that minute. What
    cannot be had at once waits at its limit until they come there.
    """
    end = worth(task.legs, spots[-1], task.horizon_s)
    if task.offer is None:
        return end - task.cost, task.units
    first = worth(task.legs, task.mid, 0.0)
    for minute, spot in enumerate(spots):
        offer = task.offer + worth(task.legs, spot, min(60.0 * minute, task.horizon_s)) - first
        if not task.is_limited or offer <= task.cost + _CENT:
            paid = offer if minute == 0 else task.cost
            return end - paid, task.units
    return 0.0, 0


def _run(
    task: PreviewTask, seed: int, swarm: Swarm | None, may_go_on: Callable[[], bool], *,
    is_with: bool,
) -> _Hour:  # fmt: skip
    """Run one world to the horizon."""
    config = Config(scenario=_scenario(task, seed), swarm=swarm)
    own = _own(task) if is_with else None
    models = model_service(config)
    world = build(
        config, NoRecorder(), _forget, PROTOCOL, agents=factories(swarm, own, _ORDER_NS),
        effects=performers(models),
    )  # fmt: skip
    try:
        return _hour(world, task, swarm, may_go_on)
    finally:
        world.kernel.close()
        if models is not None:
            models.close()


def _hour(
    world: World, task: PreviewTask, swarm: Swarm | None, may_go_on: Callable[[], bool]
) -> _Hour:
    """Open a world with the depth that was seen, and look at it each minute."""
    market, account = world.market, world.floor.accounts[SWARM_ACCOUNT]
    world.start_day(0)
    session = world.sessions[0]
    for side, levels in ((at.BUY, task.bids), (at.SELL, task.asks)):
        for price, lots in levels:
            if price > 0 and lots > 0:
                market.post_order(
                    session.open_ns + 1, 0, at.WORLD, side, at.LIMIT, at.DAY, 0, 0, price, lots,
                    0, 0, 0, 0, 0,
                )  # fmt: skip
    world.kernel.run_until(session.open_ns - 1)
    _publish_seldom(market, swarm)
    spots = [task.mid]
    for minute in range(1, task.horizon_s // 60 + 1):
        if not may_go_on():
            raise GivenUp
        world.kernel.run_until(min(session.open_ns + minute * _MINUTE_NS, session.close_ns - 1))
        spots.append(_mid(market, spots[-1], task))
    cash = int(market.section(at.S_ACCOUNT)[account, at.A_CASH])
    held = int(market.section(at.S_POSITION)[account, at.P_QUANTITY])
    desk = world.kernel.floor.cells[VENUE_ADDRESS].actor
    assert isinstance(desk, PreviewDesk), "it was put there"
    return _Hour(
        spots=tuple(spots),
        cash=cash / MICROS - _CASH,
        shares=held * task.shares_per_lot,
        filled=desk.filled,
    )


def _forget(_: NDArray[np.int64]) -> None:
    """Take a block of the tape of a world that nobody will look up."""


def _publish_seldom(market: Market, swarm: Swarm | None) -> None:
    """Let the market publish quotes at the pace that its agents look: nobody hears the others.

    They have all subscribed by now. Most of what a world cost was to publish quotes to nobody.
    """
    if looks_at_all(swarm):
        return
    feeds = market.section(at.S_FEED)
    feeds[feeds[:, at.FD_KIND] == at.FEED_QUOTES, at.FD_INTERVAL] = LOOK_NS


def _mid(market: Market, before: float, task: PreviewTask) -> float:
    """Return the stock's mid now, in currency; one-sided, its last price."""
    row = market.section(at.S_INSTRUMENT)[0]
    bid, ask = int(row[at.I_SHOWN_BID]), int(row[at.I_SHOWN_ASK])
    has_both = row[at.I_SHOWN_BID_QUANTITY] > 0 and row[at.I_SHOWN_ASK_QUANTITY] > 0
    ticks = (bid + ask) / 2 if has_both else float(row[at.I_LAST])
    return ticks * task.tick_micros / MICROS if ticks else before


def _own(task: PreviewTask) -> SubmitOrder | None:
    """Return the order; without a limit it takes what there is, and the rest goes."""
    order = task.order
    if order is None:
        return None
    is_limited = order.limit_ticks is not None
    return SubmitOrder(
        order_id=OWN, account=SWARM_ACCOUNT, instrument=task.symbol, side=order.side,
        quantity=order.lots, order_type="limit" if is_limited else "market",
        price=order.limit_ticks, time_in_force="day" if is_limited else "ioc",
    )  # fmt: skip


def _scenario(task: PreviewTask, seed: int) -> Scenario:
    touch = (task.bids[:1] + task.asks[:1]) or ((0, 100),)
    size = max(sum(lots for _, lots in touch) // len(touch), 10)
    tick = Decimal(task.tick_micros) / MICROS
    tables: dict[str, Any] = {
        "version": 1, "name": "preview", "about": "Worlds of a fork preview.",
        "seed": root_of(seed),
        "session": {
            "date": _DAY, "auctions": [], "opens": _clock(_OPENS_S),
            "closes": _clock(_OPENS_S + task.horizon_s),
        },
        "instruments": [{
            "symbol": task.symbol, "tick": tick, "lot": task.shares_per_lot,
            "price": {
                "kind": "heston", "start": Decimal(f"{task.mid:.6f}"),
                "volatility": Decimal(f"{max(task.sigma_annual, 0.01):.6f}"),
                "long_run_volatility": Decimal(f"{max(task.sigma_annual, 0.01):.6f}"),
            },
        }],
        "crowds": {
            "noise": {
                "kind": "noise", "count": 300, "cash": 500_000_000, "holding": 5 * size,
                "wakes": max(round(20 * task.horizon_s / _DAY_S), 1),
                "passive_share": Decimal("0.4"), "depth_tail": Decimal("1.5"),
                "depth_scale": max(task.spread_ticks, 10), "longest_depth": 2_000, "refresh": True,
            },
            "value": {
                "kind": "value", "count": 60, "cash": 500_000_000, "holding": 50 * size,
                "observation_variance": 100, "reversion_per_ns": 0, "wander_variance": 17,
                "arrivals_per_ns": Decimal("2.5e-11"), "edge": 4, "size": max(3 * size, 30),
            },
            "makers": {
                "kind": "adaptive_maker", "count": _MAKERS, "cash": 500_000_000,
                "holding": 200 * size, "share": Decimal("0.1"), "levels": 5,
                "spacing_ticks": max(task.spread_ticks, 1), "first_spread": task.spread_ticks,
                "spread_weight": 0, "minimum_size": size, "every": "10s",
            },
        },
        "account": {"cash": _CASH},
    }  # fmt: skip
    return msgspec.convert(tables, Scenario, dec_hook=read_scalar)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
