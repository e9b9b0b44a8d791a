"""The broker's own books: how an account stands, and whether its margin allows an order.

The broker knows what each account holds and what it has working, to the last fill; it values both
at the books' present middle. An order is judged with all working orders of its own side filled, at
their limits: that is the position it could bring about. Who is under call may only ask for less.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from environment.clearing_messages import (
    AccountStanding,
    HoldersReport,
    QueryHolders,
    QueryStanding,
)
from environment.instruments import Instrument
from environment.market import layout as at, option_rows
from environment.market.broker_rule import read_account
from environment.market.market import Market
from environment.market.verdicts import Asked
from environment.options.margin import (
    Maintenance,
    MarginFigures,
    MarginKind,
    MarginView,
    asks_for_less,
    is_allowed,
    maintenance_of,
    margin_of,
)
from environment.options.margin_book import ROW_VALUE, Ints, MarginTable, make_margin_table
from environment.options.margin_portfolio import RiskArray, implied_sigmas, make_risk_array

_RISK_AGE_NS: Final = 60_000_000_000
_SLOT: Final = (1 << 32) - 1  # Of an order's public id.
REASON: Final = "margin"


class BrokerBooks:
    """Books of one market.

    Parameters
    ----------
    stocks : sequence of Instrument
        By their number in the core.
    series : mapping of number to Instrument
        Listed options; read anew at each question, as they change between days.
    kinds : mapping of account to kind
        "reg_t" where none is told.
    gated : frozenset of int
        Accounts whose orders are judged before they enter.
    staff : frozenset of str
        Addresses that may ask how accounts stand, and close positions of any of them.
    """

    def __init__(
        self, market: Market, stocks: Sequence[Instrument], series: Mapping[int, Instrument],
        kinds: Mapping[int, MarginKind], *, gated: frozenset[int] = frozenset(),
        staff: frozenset[str] = frozenset(), volatility_shock: float = 0.0,
    ) -> None:  # fmt: skip
        self.staff = staff
        self._market, self._stocks, self._series = market, stocks, series
        self._kinds, self._gated, self._shock = kinds, gated, volatility_shock
        self._numbers = self._places = np.zeros(0, np.int64)
        self._table: MarginTable | None = None
        self._listed: dict[int, Instrument] = {}  # What the table was made of.
        self._terms: tuple[MarginTable | None, dict[str, Instrument]] = (None, {})
        self._risk: tuple[int, RiskArray] | None = None
        self.day = 0  # Ordinal of the session; whoever opens a day sets it.

    def refusal(
        self, account: int, legs: Mapping[str, int], price_ticks: int | None,
        working: Sequence[int] = (), packages: Sequence[int] = (),
    ) -> str | None:  # fmt: skip
        """Return "margin" if an order of a gated account may not enter, else None.

        Parameters
        ----------
        legs : mapping of symbol to lots
            What it would trade, sold below 0; several legs fill together.
        price_ticks : int, optional
            Its limit; None, and the legs of a package, count at the mark.
        working : sequence of int
            Public ids of the account's orders that are not over, also those under way.
        packages : sequence of int
            The same of its packages, at the mark: an order must be one that may enter both with
            all that is left of them filled, and with nothing of it.
        """
        is_meant = account in self._gated or (len(legs) > 1 and self._is_margined(account))
        if not is_meant or not all(legs.values()):
            return None
        view = self.view(self._kinds.get(account, "reg_t"))
        if any(symbol not in view.table.number for symbol in legs):
            return None  # The exchange says better what is wrong with it.
        is_buy = next(iter(legs.values())) > 0
        lots, cash = self._filled(view, account, working, is_buy=is_buy)
        may_enter = asks_for_less if self._is_called(account) else is_allowed
        filled = self._with_packages(view, lots, cash, packages)
        if all(
            may_enter(margin_of(view, paid, held), _with(view, paid, held, legs, price_ticks))
            for held, paid in ((lots, cash), *filled)
        ):
            return None
        self._market.section(at.S_ACCOUNT)[account, at.A_MARGIN_REFUSED] += 1
        return REASON

    def judge(self, asked: Asked) -> bool:
        """Return whether an order of a margined account may enter, by the bound of what it needs.

        The core asks, in front of the order; what buys back a short passes there already.
        """
        view = self.view("reg_t")
        place = int(self._places[asked.instrument])
        if place < 0:
            return True  # The exchange says better what is wrong with it.
        lots, _, cash = self._read(asked.account, asked.side, asked.replaces)
        quantity = asked.quantity if asked.side == at.BUY else -asked.quantity
        if 0 < quantity <= -int(lots[place]):
            return True
        before = margin_of(view, cash, lots, exact=False)
        is_priced = -at.MAX_PRICE < asked.price < at.MAX_PRICE
        price = asked.price if is_priced else int(view.marks[place])
        lots[place] += quantity
        cash -= quantity * price * int(view.table.rows[place, ROW_VALUE])
        after = margin_of(view, cash, lots, exact=False)
        if self._is_called(asked.account):
            return asks_for_less(before, after)
        return is_allowed(before, after)

    def look(self) -> dict[int, Maintenance]:
        """Return how each account with options stands; keep dealers that lack margin from opening.

        Quotes are not judged one by one: a portfolio account that is short of margin now quotes
        what closes alone, until it is looked at again.
        """
        found = self.option_accounts()
        flags = self._market.section(at.S_ACCOUNT)[:, at.A_FLAGS]
        for account, kind in self._kinds.items():
            if kind == "portfolio" and account not in self._gated:
                told = found.get(account)
                flags[account] &= ~at.ACCOUNT_LACKING
                if told is not None and told.cushion_micros < 0:
                    flags[account] |= at.ACCOUNT_LACKING
        return found

    def refused(self) -> Ints:
        """Return how many orders of each account margin has refused so far, shape (accounts,)."""
        return self._market.section(at.S_ACCOUNT)[:, at.A_MARGIN_REFUSED].copy()

    def _flags(self, account: int) -> int:
        return int(self._market.section(at.S_ACCOUNT)[account, at.A_FLAGS])

    def _is_called(self, account: int) -> bool:
        return bool(self._flags(account) & at.ACCOUNT_CALLED)

    def _is_margined(self, account: int) -> bool:
        return bool(self._flags(account) & at.ACCOUNT_MARGINED)

    def standing(self, account: int) -> AccountStanding:
        """Return how an account stands, without its working orders."""
        kind = self._kinds.get(account, "reg_t")
        view = self.view(kind)
        lots, _, cash = self._read(account)
        figures = maintenance_of(view, cash, lots)
        held = np.flatnonzero(lots).tolist()
        shown = {place: view.table.instruments[place] for place in held}
        for instrument in list(shown.values()):
            place = view.table.number.get(instrument.underlying or "")
            if place is not None:
                shown.setdefault(place, view.table.instruments[place])
        return AccountStanding(
            account=account, kind=kind, cash_micros=cash,
            positions={shown[place].symbol: int(lots[place]) for place in held},
            marks={shown[place].symbol: int(view.marks[place]) for place in sorted(shown)},
            equity_micros=figures.equity_micros, required_micros=figures.required_micros,
        )  # fmt: skip

    def terms(self) -> Mapping[str, Instrument]:
        """Return the instruments as they are listed now, by symbol."""
        table = self._listed_table()
        if self._terms[0] is not table:
            self._terms = table, {one.symbol: one for one in table.instruments}
        return self._terms[1]

    def holders(self, expiring_by: date) -> HoldersReport:
        """Return which accounts hold or have written series that expire by a day."""
        ending = [n for n, told in self._series.items()
                  if told.expiry is not None and told.expiry <= expiring_by]  # fmt: skip
        accounts, numbers, contracts, _ = option_rows.all_holdings(self._market)
        chosen = np.isin(numbers, ending) & (contracts != 0) & (accounts >= at.FIRST_ACCOUNT)
        return HoldersReport(accounts=tuple(np.unique(accounts[chosen]).tolist()))

    def option_accounts(self) -> dict[int, Maintenance]:
        """Return how each account stands that holds or has written options, by the bound."""
        found: dict[int, Maintenance] = {}
        accounts, _, contracts, _ = option_rows.all_holdings(self._market)
        views: dict[MarginKind, MarginView] = {}
        for account in np.unique(accounts[(contracts != 0) & (accounts >= at.FIRST_ACCOUNT)]):
            kind = self._kinds.get(int(account), "reg_t")
            view = views[kind] = views.get(kind) or self.view(kind)
            lots, _, cash = self._read(int(account))
            found[int(account)] = maintenance_of(view, cash, lots, exact=False)
        return found

    def answer(self, question: QueryStanding | QueryHolders) -> AccountStanding | HoldersReport:
        """Return the reply to a question of the staff."""
        if isinstance(question, QueryStanding):
            return self.standing(question.account)
        return self.holders(question.expiring_by)

    def view(self, kind: MarginKind) -> MarginView:
        """Return all marks as of now."""
        table = self._listed_table()
        _, marks, _ = self._read(at.WORLD)
        spots = table.spots(marks)
        return MarginView(
            table=table, kind=kind, marks=marks, spots=spots,
            risk=self._risk_array(table, marks, spots) if kind == "portfolio" else None,
        )  # fmt: skip

    def _listed_table(self) -> MarginTable:
        """Return the table of what is listed, made anew when that has changed."""
        if self._table is None or self._listed != self._series:
            numbers, self._listed = sorted(self._series), dict(self._series)
            instruments = (*self._stocks, *(self._series[n] for n in numbers))
            self._table, self._risk = make_margin_table(instruments), None
            self._numbers = np.array([*range(len(self._stocks)), *numbers], np.int64)
            self._places = np.full(1 << at.META_INSTRUMENT_BITS, -1)
            self._places[self._numbers] = np.arange(len(self._numbers))
        return self._table

    def _read(
        self, account: int, side: int = at.NONE, exclude: int = at.NONE
    ) -> tuple[Ints, Ints, int]:
        """Return (positions, marks, cash) of an account in the table's order.

        Marks are the middle of each book; without one the last price, else the intrinsic value.
        With a side, the account's working orders there count as filled, but the one excluded.
        """
        lots, marks = np.empty_like(self._numbers), np.empty_like(self._numbers)
        cash = read_account(
            self._market.arena, account, self._numbers, self._places, side, exclude, lots, marks
        )
        return lots, marks, int(cash)

    def _risk_array(self, table: MarginTable, marks: Ints, spots: Ints) -> RiskArray:
        now_ns = self._market.now_ns
        if self._risk is None or now_ns - self._risk[0] > _RISK_AGE_NS:
            sigmas = implied_sigmas(table, marks, spots, self.day)
            self._risk = (
                now_ns,
                make_risk_array(table, spots, sigmas, self.day, volatility_shock=self._shock),
            )
        return self._risk[1]

    def _filled(
        self, view: MarginView, account: int, working: Sequence[int], *, is_buy: bool
    ) -> tuple[Ints, int]:
        """Return positions and cash with every working order of one side filled at its limit."""
        lots, _, cash = self._read(account)
        orders = self._market.section(at.S_ORDER)
        side = at.BUY if is_buy else at.SELL
        for identity in working:
            row = orders[identity & _SLOT].tolist()
            meta, price = row[at.O_META], row[at.O_PRICE]
            place = int(self._places[meta & ((1 << at.META_INSTRUMENT_BITS) - 1)])
            is_mine = row[at.O_ACCOUNT] == account and (meta >> at.SIDE_SHIFT) & 1 == side
            if place < 0 or not is_mine or (meta >> at.STATE_SHIFT) & 15 == at.FREE:
                continue
            leaves = (row[at.O_LEAVES] + row[at.O_RESERVE]) * (1 if is_buy else -1)
            if not -at.MAX_PRICE < price < at.MAX_PRICE:
                price = int(view.marks[place])
            lots[place] += leaves
            cash -= leaves * price * int(view.table.rows[place, ROW_VALUE])
        return lots, cash

    def _with_packages(
        self, view: MarginView, lots: Ints, cash: int, packages: Sequence[int]
    ) -> list[tuple[Ints, int]]:
        """Return positions and cash with all that packages may still trade; nothing without any."""
        lots = lots.copy()
        for identity in packages:
            told = option_rows.package_legs(self._market, identity)
            for number, count in {} if told is None else told[2].items():
                place = int(self._places[number])
                if place >= 0 and told is not None:
                    lots[place] += told[1] * count
                    worth = int(view.marks[place]) * int(view.table.rows[place, ROW_VALUE])
                    cash -= told[1] * count * worth
        return [(lots, cash)] if packages else []


def _with(
    view: MarginView, cash: int, lots: Ints, legs: Mapping[str, int], price_ticks: int | None
) -> MarginFigures:
    """Return the figures with an order's legs traded on top."""
    after, paid = lots.copy(), 0
    for symbol, quantity in legs.items():
        place = view.table.number[symbol]
        at_limit = price_ticks is not None and len(legs) == 1
        price = price_ticks if at_limit and price_ticks is not None else int(view.marks[place])
        after[place] += quantity
        paid += quantity * price * int(view.table.rows[place, ROW_VALUE])
    return margin_of(view, cash - paid, after)
