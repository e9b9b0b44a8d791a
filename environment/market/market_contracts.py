"""The core's series and holdings as clearing sees them."""

from collections.abc import Mapping, Sequence

import numpy as np

from environment.instruments import Instrument
from environment.market import layout as at, option_rows
from environment.market.clearing_contracts import Holdings, ListedSeries, gather
from environment.market.market import Market

_PRICES = (at.I_LAST, at.I_LAST_CLOSE, at.I_CLOSE_PRICE, at.I_CLOSE_BID, at.I_CLOSE_ASK)


class MarketContracts:
    """Series of a market, by their number in the core.

    Parameters
    ----------
    series : dict of number to Instrument
        What is listed; an adjustment writes the new terms into it.
    """

    def __init__(self, market: Market, series: dict[int, Instrument]) -> None:
        self._market, self.series = market, series

    def listed(self) -> Sequence[ListedSeries]:
        """Return every series that is not retired, in order of its number."""
        rows = self._market.section(at.S_INSTRUMENT)
        return [
            ListedSeries(number=n, instrument=self.series[n], stock=int(rows[n, at.I_UNDERLYING]))
            for n in sorted(self.series)
            if not rows[n, at.I_RETIRED]
        ]

    def holdings(self) -> Mapping[int, Holdings]:
        """Return who holds each series that anybody holds, by its number."""
        accounts, numbers, contracts, _ = option_rows.all_holdings(self._market)
        return gather(accounts, numbers, contracts)

    def move(self, giver: int, taker: int, number: int, contracts: int) -> None:
        """Move contracts between two accounts, without money."""
        option_rows.move_contracts(self._market, giver, taker, number, contracts)

    def retire(self, numbers: Sequence[int]) -> None:
        """Take series off the list, and forget that anybody ever held them."""
        for number in numbers:
            option_rows.retire_series(self._market, number)
        option_rows.forget_holdings(self._market, np.array(numbers, np.int64))

    def change(self, series: ListedSeries, *, factor: float, contracts: int) -> None:
        """Write a series' new terms; orders that rest in it over the night are cancelled.

        Open interest that stands on no account grows with the contracts, as the rest will.
        """
        number, instrument = series.number, series.instrument
        self.cancel_resting(number)
        held = self.holdings().get(number)
        long = 0 if held is None else int(held.longs().contracts.sum())
        row = self._market.section(at.S_INSTRUMENT)[number]
        row[at.I_OPEN_INTEREST] += (int(row[at.I_OPEN_INTEREST]) - long) * (contracts - 1)
        row[at.I_STRIKE], row[at.I_MULTIPLIER] = instrument.strike_micros, instrument.multiplier
        row[at.I_VALUE] = instrument.tick_value_micros
        row[at.I_LISTED_NS] = self._market.now_ns + 1  # The next chain announces its new terms.
        for word in _PRICES:
            row[word] = round(int(row[word]) * factor)
        self.series[number] = instrument

    def cancel_resting(self, number: int) -> None:
        """Cancel what rests in an instrument over night; dealers' quotes are gone by then."""
        orders = self._market.section(at.S_ORDER)
        meta = orders[:, at.O_META]
        state = (meta >> at.STATE_SHIFT) & 15
        is_live = (state == at.RESTING) | (state == at.FAR) | (state == at.STOP_WAITING)
        mine = is_live & ((meta & 0xFFFF) == number)
        mine &= ((meta >> at.FLAG_SHIFT) & at.F_QUOTE) == 0
        slots = np.flatnonzero(mine)
        generations = self._market.section(at.S_COLD)[slots, at.C_GENERATION]
        owners = orders[slots, at.O_ACCOUNT].tolist()
        for slot, generation, account in zip(
            slots.tolist(), generations.tolist(), owners, strict=True
        ):
            identity = generation << 32 | slot
            self._market.post_cancel(self._market.now_ns + 1, account, identity)
        # And packages of which it is a leg: their net price counts in the old terms.
        for account, identity in option_rows.packages_with(self._market, number):
            now_ns = self._market.now_ns
            self._market.post_event(now_ns + 1, at.E_PACKAGE_CANCEL, account, identity)

    def marks(self) -> dict[int, int]:
        """Return the closing mark of each series in ticks; one that has none is left out.

        The middle of the closing quote, else the last trade of the day, else the close before.
        """
        rows, found = self._market.section(at.S_INSTRUMENT), dict[int, int]()
        for number in self.series:
            row = rows[number]
            bid, ask = int(row[at.I_CLOSE_BID]), int(row[at.I_CLOSE_ASK])
            mark = (bid + ask) // 2 if ask > 0 else 0
            mark = mark or int(row[at.I_CLOSE_PRICE] or row[at.I_LAST_CLOSE])
            if mark or ask:
                found[number] = mark
        return found

    def twins(self) -> dict[int, int]:
        """Return the put of each call and the call of each put, of one strike and expiry."""
        places: dict[tuple[object, ...], int] = {}
        found: dict[int, int] = {}
        for series in self.listed():
            told = series.instrument
            key = (series.stock, told.expiry, told.strike_micros, told.multiplier, told.style)
            other = places.setdefault(key, series.number)
            if other != series.number:
                found[other], found[series.number] = series.number, other
        return found
