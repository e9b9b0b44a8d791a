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


class PreviewTask(msgspec.Struct, frozen=True, kw_only=True, tag="task"):
    """One question. `order` trades in the simulated book, `legs` at quotes of their own.

    Those follow the stock at the volatilities seen: `offer` is what all units cost at the quotes
    seen, in currency (below 0: bring; None: a leg had none, and they are taken at their limit).
    `cost` is the most that is paid, where `is_limited`. Prices of levels are ticks, mids currency.
    """

    record_hash: str
    symbol: str = "SEEN"  # Of the stock, as the swarm's mandates name it.
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
    units: int = 1
    offer: float | None = None
    is_limited: bool = True
    horizon_s: int
    first_seed: int


class PreviewOver(msgspec.Struct, frozen=True, kw_only=True, tag="over"):
    """Nobody decides on this record any longer: no more worlds are drawn for it."""

    record_hash: str


class PreviewResult(msgspec.Struct, frozen=True, kw_only=True):
    """Profit after the horizon by pair, in currency, and lots or structures filled.

    `acting` says in which worlds the swarm's agents act; none: of an earlier time, or nobody could.
    `still` names those who stand still in all of them, `on_rules` those whose language model is
    one of written rules there. `more`: worlds without them are drawn again with them, and told
    anew.
    """

    record_hash: str
    first_seed: int
    horizon_s: int
    without: tuple[float, ...]
    with_order: tuple[float, ...]
    filled: tuple[int, ...]
    acting: tuple[bool, ...] = ()
    still: tuple[str, ...] = ()
    on_rules: tuple[str, ...] = ()
    more: bool = False

    @property
    def pairs(self) -> int:
        """K."""
        return len(self.without)


class PreviewPort(Protocol):
    """Whoever draws worlds, beside everything else and at low priority."""

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        """Begin, and return at once; `done` is called later, perhaps in another thread, or never.

        It may be called more than once: each time with all that was drawn so far.

        False where it cannot: nobody waits for a preview.
        """

    def end(self, record_hash: str) -> None:
        """Draw no more worlds for a record."""
