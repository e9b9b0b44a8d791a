"""Short options, and what covers them: only what is held, or trades with them in one order.

A working order to buy is no cover, as it may never trade, while one to sell may at any moment: so a
structure that is legged into is judged after each of its legs. A bought option covers a written one
only if it lives as long.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from agents.desk.exposure import DeskBook
from agents.desk.market_facts import Fact
from agents.orders import TrackedOrder
from environment.instruments import Instrument
from environment.messages import Side

_SHARES: Final = 100  # Of a usual contract, where nothing held says another number.
_FOR_EVER: Final = date.max


class Reach(msgspec.Struct):
    """The fewest and the most lots of each instrument that may be held; of stock both matter."""

    least: dict[str, int]
    most: dict[str, int]

    def add(self, symbol: str, side: Side, lots: int, *, is_whole: bool) -> None:
        """Count lots that may trade by themselves, or, `is_whole`, only with all their legs."""
        if side == "sell" or is_whole:
            self.least[symbol] = self.least.get(symbol, 0) + (lots if side == "buy" else -lots)
        if side == "buy" or is_whole:
            self.most[symbol] = self.most.get(symbol, 0) + (lots if side == "buy" else -lots)


def reach_of(book: DeskBook, without: TrackedOrder | None) -> Reach:
    """Return what the account may come to hold by all working orders but one."""
    held = {symbol: one.position for symbol, one in book.account.items() if one.position}
    reach = Reach(held, dict(held))
    for order in book.orders.values():
        if order is not without:
            units, is_whole = order.at_most(), bool(order.legs)
            for leg in order.each_leg():
                reach.add(leg.instrument, leg.side, units * leg.ratio, is_whole=is_whole)
    return reach


def uncovered_by_underlying(
    reach: Reach, instruments: Mapping[str, Instrument], facts: Mapping[str, Fact]
) -> dict[str, int]:
    """Return the contracts of each underlying that nothing covers; underlyings without any: none.

    Written calls are covered by shares and bought calls, written puts by shares sold short and
    bought puts.
    """
    calls: dict[str, dict[date, int]] = {}
    puts: dict[str, dict[date, int]] = {}
    contracts: dict[str, int] = {}
    for symbol, lots in reach.least.items():
        underlying, expiry, is_option, _, _, _, _, _, is_call = facts[symbol]
        if is_option and lots:
            kinds = calls if is_call else puts
            kind = kinds.get(underlying)
            if kind is None:
                kind = kinds[underlying] = {}
            day = _FOR_EVER if expiry is None else expiry
            kind[day] = kind.get(day, 0) + lots
            contracts[underlying] = instruments[symbol].multiplier
    found: dict[str, int] = {}
    for name, shares_each in contracts.items():
        each = shares_each or _SHARES
        units = instruments[name].lot_units if name in instruments else 1
        owned = max(reach.least.get(name, 0) * units, 0) // each
        owed = max(-reach.most.get(name, 0) * units, 0) // each
        missing = _missing(calls.get(name, {}).items(), owned)
        missing += _missing(puts.get(name, {}).items(), owed)
        if missing:
            found[name] = missing
    return found


def _missing(by_day: Iterable[tuple[date, int]], cover: int) -> int:
    """Return the written contracts left over when each is covered by what lives as long."""
    missing = 0
    for _, lots in sorted(by_day, reverse=True):
        cover += lots
        if cover < 0:
            missing, cover = missing - cover, 0
    return missing
