"""The options part of a night: exercise, then assignment, then expiry; and adjustments.

Between its steps the clearing house stands in the middle: the CUSTODY account takes exercised
contracts from their holders and gives them to the writers who are assigned, so that contracts,
shares and cash add up after each step, and the house owns nothing when both are done.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
import numpy as np

from environment.draws import stream_key
from environment.errors import Defect
from environment.instruments import Instrument
from environment.market.assignment import assign
from environment.market.clearing_books import Ledger
from environment.market.clearing_contracts import ContractBook, Holdings, ListedSeries, totals
from environment.market.clearing_events import (
    ClearingEvent,
    ContractsAssigned,
    ContractsExercised,
    PinningMeasured,
    SeriesAdjusted,
    SeriesExpired,
)
from environment.market.contract_adjustments import (
    Adjustment,
    adjust_for_dividend,
    adjust_for_split,
)
from environment.market.corporate_actions import CorporateAction, Split
from environment.market.exercise_rules import (
    Background,
    Exercise,
    ExerciseTerms,
    at_expiry,
    before_expiry,
    inside_micros,
)
from environment.market.layout import CUSTODY
from environment.market.margin import Ints


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What underlyings are worth tonight, micros a share, by their number.

    `opening` holds the opening auctions' prints of the day, for series that settle on them.
    """

    close: dict[int, int]
    opening: dict[int, int] = {}

    def settles(self, series: ListedSeries) -> int:
        """Return the price that a series settles on; without an opening print, the close."""
        if series.instrument.settlement == "cash_am":
            return self.opening.get(series.stock) or self.close[series.stock]
        return self.close[series.stock]


class OptionsClearing:
    """Clears the contracts of one book.

    Parameters
    ----------
    stocks : tuple of Instrument
        By their number in the core.
    is_background : callable
        Of account numbers: whose holders exercise by themselves. Others are told to.
    seed : int
        Of the run: each series and night has a stream of assignment of its own.
    """

    def __init__(
        self, book: ContractBook, stocks: Sequence[Instrument], is_background: Background, seed: int
    ) -> None:
        self.book = book
        self._stocks, self._is_background, self._seed = stocks, is_background, seed
        self._exercised: dict[int, int] = {}  # Contracts in the house's hands, by series.
        self._ended: dict[int, int] = {}  # Of series that end tonight: contracts exercised.

    def exercise(self, ledger: Ledger, prices: Prices, terms: ExerciseTerms) -> list[ClearingEvent]:
        """Take exercised contracts from their holders, and give these shares or cash."""
        self._exercised, self._ended = {}, {}
        told: list[ClearingEvent] = []
        holdings = self.book.holdings()
        for series in self.book.listed():
            held = holdings.get(series.number)
            if held is None:
                continue
            spot = prices.settles(series)
            if _ends(series, terms.following):
                chosen = at_expiry(series, held, spot, terms)
                self._ended[series.number] = sum(int(e.contracts.sum()) for e in chosen)
            else:
                chosen = before_expiry(series, held, spot, terms, self._is_background)
            for one in chosen:
                told.append(self._take(ledger, series, one, spot, terms.session))
        return told

    def _take(
        self, ledger: Ledger, series: ListedSeries, one: Exercise, spot: int, session: date
    ) -> ContractsExercised:
        for account, contracts in zip(one.accounts.tolist(), one.contracts.tolist(), strict=True):
            self.book.move(account, CUSTODY, series.number, contracts)
        count = int(one.contracts.sum())
        self._exercised[series.number] = self._exercised.get(series.number, 0) + count
        lots, cash = self._per_contract(series, spot)
        self._deliver(ledger, series, one.accounts, one.contracts, lots, cash)
        return ContractsExercised(
            session=session, instrument=series.instrument.symbol, reason=one.reason,
            accounts=one.accounts.tolist(), contracts=one.contracts.tolist(),
            settlement_micros=spot, lots_per_contract=lots, micros_per_contract=cash,
        )  # fmt: skip

    def assign(self, ledger: Ledger, prices: Prices, session: date) -> list[ClearingEvent]:
        """Give the contracts that the house took to writers drawn at random.

        Raises
        ------
        Defect
            If the house is left with a contract, a share or money of them.
        """
        told: list[ClearingEvent] = []
        holdings = self.book.holdings()
        by_number = {series.number: series for series in self.book.listed()}
        for number, count in sorted(self._exercised.items()):
            series = by_number[number]
            key = stream_key(self._seed, f"assignment/{series.instrument.symbol}/{session}")
            drawn = assign(_without_house(holdings[number]).shorts(), count, key)
            for account, contracts in zip(
                drawn.accounts.tolist(), drawn.contracts.tolist(), strict=True
            ):
                self.book.move(CUSTODY, account, number, contracts)
            lots, cash = self._per_contract(series, prices.settles(series))
            self._deliver(ledger, series, drawn.accounts, drawn.contracts, -lots, -cash)
            told.append(
                ContractsAssigned(
                    session=session, instrument=series.instrument.symbol,
                    accounts=drawn.accounts.tolist(), contracts=drawn.contracts.tolist(),
                    lots_per_contract=-lots, micros_per_contract=-cash,
                )
            )  # fmt: skip
        self._check_house(ledger)
        self._exercised = {}
        return told

    def expire(self, prices: Prices, terms: ExerciseTerms) -> list[ClearingEvent]:
        """End the series of the day: what was not exercised is worth nothing."""
        told: list[ClearingEvent] = []
        holdings = self.book.holdings()
        ended = [series for series in self.book.listed() if _ends(series, terms.following)]
        for series in ended:
            held = holdings.get(series.number, _NOBODY)
            for account, contracts in zip(
                held.accounts.tolist(), held.contracts.tolist(), strict=True
            ):
                self.book.move(account, CUSTODY, series.number, contracts)
            told.append(
                SeriesExpired(
                    session=terms.session, instrument=series.instrument.symbol,
                    settlement_micros=prices.settles(series),
                    exercised=self._ended.get(series.number, 0),
                    lapsed=int(held.longs().contracts.sum()),
                    accounts=held.accounts.tolist(), contracts=held.contracts.tolist(),
                )
            )  # fmt: skip
        self.book.retire([series.number for series in ended])
        return [*told, *self._pinning(ended, told, prices, terms.session)]

    def _pinning(
        self, ended: Sequence[ListedSeries], told: Sequence[ClearingEvent], prices: Prices,
        session: date,
    ) -> list[ClearingEvent]:  # fmt: skip
        """Measure how near each stock closed to one of the strikes that ended."""
        found: list[ClearingEvent] = []
        long = {
            event.instrument: event.exercised + event.lapsed
            for event in told if isinstance(event, SeriesExpired)
        }  # fmt: skip
        for stock in sorted({series.stock for series in ended}):
            own = [series.instrument for series in ended if series.stock == stock]
            held: dict[int, int] = {}
            for told_of in own:
                strike = told_of.strike_micros or 0
                held[strike] = held.get(strike, 0) + long.get(told_of.symbol, 0)
            close = prices.close[stock]
            near, *others = sorted(held, key=lambda strike: (abs(strike - close), strike))
            gap = min((abs(strike - near) for strike in others), default=0)
            if gap:
                found.append(
                    PinningMeasured(
                        session=session, symbol=self._stocks[stock].symbol, close_micros=close,
                        strike_micros=near, distance_ppm=abs(near - close) * _PPM // gap,
                        contracts=held[near],
                    )
                )  # fmt: skip
        return found

    def adjust(
        self, action: CorporateAction, stock: int, session: date, price_factor: float
    ) -> list[ClearingEvent]:
        """Give the series of a stock new terms after a split or a special dividend.

        Parameters
        ----------
        price_factor : float
            What the action makes of the stock's price.
        """
        told: list[ClearingEvent] = []
        if not isinstance(action, Split) and not action.is_special:
            return told
        holdings = self.book.holdings()
        for series in self.book.listed():
            if series.stock != stock:
                continue
            if isinstance(action, Split):
                new = adjust_for_split(series.instrument, action)
            else:
                new = adjust_for_dividend(series.instrument, action, price_factor)
            told.append(self._change(series, new, holdings.get(series.number, _NOBODY), session))
        return told

    def _change(
        self, series: ListedSeries, new: Adjustment, held: Holdings, session: date
    ) -> SeriesAdjusted:
        self.book.change(
            msgspec.structs.replace(series, instrument=new.instrument),
            factor=new.factor, contracts=new.contracts,
        )  # fmt: skip
        more = (held.contracts * (new.contracts - 1)).tolist()
        for account, contracts in zip(held.accounts.tolist(), more, strict=True):
            self.book.move(CUSTODY, account, series.number, contracts)
        return SeriesAdjusted(
            session=session, instrument=series.instrument.symbol, adjusted=new.instrument.symbol,
            contracts=new.contracts, strike_micros=new.instrument.strike_micros or 0,
            multiplier=new.instrument.multiplier, accounts=held.accounts.tolist(),
            held=(held.contracts * new.contracts).tolist(),
        )  # fmt: skip

    def _per_contract(self, series: ListedSeries, spot: int) -> tuple[int, int]:
        """Return lots of stock and micros that a holder gets for a contract that he exercises."""
        instrument = series.instrument
        shares = instrument.multiplier * instrument.lot_units
        if instrument.settlement != "physical":
            return 0, max(inside_micros(instrument, spot), 0) * shares
        lots, rest = divmod(shares, self._stocks[series.stock].lot_units)
        if rest:
            raise Defect(f"{instrument.symbol}: {shares} shares are no whole number of lots")
        sign = 1 if instrument.right == "call" else -1
        return sign * lots, -sign * shares * (instrument.strike_micros or 0)

    def _deliver(
        self, ledger: Ledger, series: ListedSeries, accounts: Ints, contracts: Ints, lots: int,
        cash: int,
    ) -> None:  # fmt: skip
        """Move stock and cash between accounts and the house."""
        shares = contracts * lots
        ledger.position[accounts, series.stock] += shares
        ledger.position[CUSTODY, series.stock] -= int(shares.sum())
        money = contracts * cash
        ledger.cash[accounts] += money
        ledger.cash[CUSTODY] -= int(money.sum())
        # What is paid for delivered shares settles with them; all else may be spent next morning.
        if cash > 0 and lots:
            ledger.proceeds[accounts] += money
        else:
            ledger.settled[accounts] += money

    def _check_house(self, ledger: Ledger) -> None:
        left = {n: int(h.contracts[h.accounts == CUSTODY].sum())
                for n, h in self.book.holdings().items()}  # fmt: skip
        owned = {number: count for number, count in left.items() if count}
        if owned or ledger.position[CUSTODY].any() or ledger.cash[CUSTODY]:
            raise Defect(
                f"exercised is not assigned: the house is left with contracts {owned}, lots"
                f" {ledger.position[CUSTODY].tolist()}, micros {int(ledger.cash[CUSTODY])}"
            )

    def totals(self) -> dict[int, int]:
        """Return the contracts of each series summed over all accounts."""
        return {number: total for number, total in totals(self.book).items() if total}


_PPM: Final = 1_000_000
_NOBODY = Holdings(np.empty(0, np.int64), np.empty(0, np.int64))


def _ends(series: ListedSeries, following: date) -> bool:
    """Return whether a series ends tonight: one of a Saturday does so on Friday."""
    return series.instrument.expiry is not None and series.instrument.expiry < following


def _without_house(held: Holdings) -> Holdings:
    others = held.accounts != CUSTODY
    return Holdings(held.accounts[others], held.contracts[others])
