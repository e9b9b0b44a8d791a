"""One world of a fork preview: a crowd around what the desk can see, an hour from now.

The crowd is a usual one, not that of any scenario; its book begins with the depth that was seen,
and its fundamental is a Heston path from the present mid. The swarm's own agents stand still in it,
nobody is asked, and nothing is sent, journalled or audited.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec

from agents.human.panel_preview import worth
from agents.human.preview import PreviewOrder, PreviewResult, PreviewTask
from brokers.venue_server import DOOR
from environment.actors import Actor, ActorContext
from environment.actors.ports import MemoryDisk
from environment.instruments import MICROS
from environment.market import layout as at
from environment.market.market import Market
from environment.messages import Resumed
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.config.load import Config
from scenarios.config.scenario import Scenario
from scenarios.config.types import read_scalar
from scenarios.run.session_loop import SessionLoop

_OPENS_S: Final = 36_000  # Ten o'clock of some day: no auction, no close is near.
_DAY: Final = "2014-06-06"
_DAY_S: Final = 23_400
_ORDER_NS: Final = 100_000_000  # After the depth that was seen, before much else.
_CASH: Final = 1_000_000_000
_MAKERS: Final = 4


class Still(Actor[Resumed]):
    """Stands where a swarm would, and does nothing."""

    KIND: ClassVar[str] = "still"

    def receive(self, ctx: ActorContext, message: Resumed) -> None:
        """Handle one message."""


def draw_pair(task: PreviewTask, seed: int) -> tuple[float, float, int]:
    """Return profit without and with the order after the horizon, in currency, and lots filled."""
    if task.order is None:
        spot, _, _ = _run(task, seed, is_with=False)
        without = _held_gain(task, spot)
        # Options have no book in here: they are taken at their limit, and revalued.
        gain = worth(task.legs, spot, task.horizon_s) - task.cost
        return without, without + gain, 1
    spot, _, _ = _run(task, seed, is_with=False)
    moved, cash, shares = _run(task, seed, is_with=True)
    gain = cash + shares * moved
    return _held_gain(task, spot), _held_gain(task, moved) + gain, round(
        abs(shares) / task.shares_per_lot
    )  # fmt: skip


def draw(task: PreviewTask, pairs: int) -> PreviewResult:
    """Return a preview of so many pairs."""
    found = [draw_pair(task, task.first_seed + number) for number in range(pairs)]
    return result_of(task, found)


def result_of(task: PreviewTask, found: list[tuple[float, float, int]]) -> PreviewResult:
    """Return what was drawn, as it is told."""
    return PreviewResult(
        record_hash=task.record_hash, first_seed=task.first_seed, horizon_s=task.horizon_s,
        without=tuple(pair[0] for pair in found), with_order=tuple(pair[1] for pair in found),
        filled=tuple(pair[2] for pair in found),
    )  # fmt: skip


def _held_gain(task: PreviewTask, spot: float) -> float:
    return worth(task.held, spot, task.horizon_s) - worth(task.held, task.mid, 0.0)


def _run(task: PreviewTask, seed: int, *, is_with: bool) -> tuple[float, float, float]:
    """Return the last mid, cash and shares of the account after the horizon."""
    config = Config(scenario=_scenario(task, seed))
    loop = SessionLoop.build(
        config, MemoryDisk(), keep_rows=False, agents={DOOR: lambda _: Still()}
    )
    world = loop.world
    market, account = world.market, world.floor.accounts[SWARM_ACCOUNT]
    market.section(at.S_ACCOUNT)[account, at.A_OWNER] = at.NO_OWNER  # Nobody is told of fills.
    loop.start()
    opens_ns = world.sessions[0].open_ns
    for side, levels in ((at.BUY, task.bids), (at.SELL, task.asks)):
        for price, lots in levels:
            if price > 0 and lots > 0:
                market.post_order(
                    opens_ns + 1, 0, at.WORLD, side, at.LIMIT, at.DAY, 0, 0, price, lots,
                    0, 0, 0, 0, 0,
                )  # fmt: skip
    if is_with and task.order is not None:
        _send(market, account, task.order, opens_ns + _ORDER_NS)
    loop.advance_to(world.sessions[0].close_ns - 1)
    row = market.section(at.S_INSTRUMENT)[0]
    bid, ask = int(row[at.I_SHOWN_BID]), int(row[at.I_SHOWN_ASK])
    has_both = row[at.I_SHOWN_BID_QUANTITY] > 0 and row[at.I_SHOWN_ASK_QUANTITY] > 0
    ticks = (bid + ask) / 2 if has_both else float(row[at.I_LAST])
    cash = int(market.section(at.S_ACCOUNT)[account, at.A_CASH])
    held = int(market.section(at.S_POSITION)[account, at.P_QUANTITY])
    loop.finish()
    return ticks * task.tick_micros / MICROS, cash / MICROS - _CASH, held * task.shares_per_lot


def _send(market: Market, account: int, order: PreviewOrder, at_ns: int) -> None:
    """Enter the order; without a limit it takes what there is, and the rest goes."""
    side = at.BUY if order.side == "buy" else at.SELL
    if order.limit_ticks is not None:
        kind, tif, price = at.LIMIT, at.DAY, order.limit_ticks
    else:
        any_price = at.MAX_PRICE if side == at.BUY else -at.MAX_PRICE
        kind, tif, price = at.MARKET, at.IOC, any_price
    market.post_order(at_ns, 0, account, side, kind, tif, 0, 0, price, order.lots, 0, 0, 0, 0, 0)


def _scenario(task: PreviewTask, seed: int) -> Scenario:
    touch = (task.bids[:1] + task.asks[:1]) or ((0, 100),)
    size = max(sum(lots for _, lots in touch) // len(touch), 10)
    tick = Decimal(task.tick_micros) / MICROS
    tables: dict[str, Any] = {
        "version": 1, "name": "preview", "about": "Worlds of a fork preview.", "seed": seed,
        "session": {
            "date": _DAY, "auctions": [], "opens": _clock(_OPENS_S),
            "closes": _clock(_OPENS_S + task.horizon_s),
        },
        "instruments": [{
            "symbol": "SEEN", "tick": tick, "lot": task.shares_per_lot,
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
