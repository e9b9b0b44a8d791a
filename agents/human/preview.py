"""What a fork preview is asked with, and what comes back: plain figures that the desk can see.

K pairs of worlds are drawn from what is seen (touch, depth, volatility, own positions), each pair
with one seed, with and without the order. Nothing in them is the real path of the day.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec


class PreviewLeg(msgspec.Struct, frozen=True, kw_only=True):
    """What is held, or would be, in one underlying: shares, or options on so many shares."""

    kind: Literal["stock", "call", "put"]
    shares: float  # Above 0 bought.
    strike: float = 0.0
    years: float = 0.0
    sigma_annual: float = 0.0


class PreviewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order in stock, as the simulated market gets it."""

    side: Literal["buy", "sell"]
    lots: int
    limit_ticks: int | None = None


class PreviewTask(msgspec.Struct, frozen=True, kw_only=True):
    """One question. Either `order` trades in the simulated book, or `legs` are revalued.

    `cost` is what the legs are paid for, in currency. Prices of levels are ticks, mids currency.
    """

    record_hash: str
    mid: float
    tick_micros: int
    shares_per_lot: int
    sigma_annual: float
    spread_ticks: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    held: tuple[PreviewLeg, ...]
    order: PreviewOrder | None = None
    legs: tuple[PreviewLeg, ...] = ()
    cost: float = 0.0
    horizon_s: int
    first_seed: int


class PreviewResult(msgspec.Struct, frozen=True, kw_only=True):
    """Profit after the horizon by pair, in currency, and lots or structures filled."""

    record_hash: str
    first_seed: int
    horizon_s: int
    without: tuple[float, ...]
    with_order: tuple[float, ...]
    filled: tuple[int, ...]

    @property
    def pairs(self) -> int:
        """K."""
        return len(self.without)


class PreviewPort(Protocol):
    """Whoever draws worlds, beside everything else and at low priority."""

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        """Begin, and return at once; `done` is called later, perhaps in another thread, or never.

        False where it cannot: nobody waits for a preview.
        """
