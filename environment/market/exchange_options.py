"""The options half of the exchange: mass quotes, protection and packages as messages."""

from typing import Final, Literal

import numpy as np

from environment.actors.envelope import Envelope
from environment.market import layout as at, mass_quote, option_rows
from environment.market.exchange_state import ExchangeState, LiveOrder
from environment.market.market import Market
from environment.messages import Message, OrderRefused, ReplaceOrder, Side
from environment.option_messages import (
    LegFilled,
    MassQuote,
    Measure,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    Purge,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArm,
    ReArmed,
    SetProtection,
    SubmitPackage,
)
from environment.structures import signed_ratio

DealerMessage = MassQuote | Purge | ReArm | SetProtection
OptionRequest = DealerMessage | SubmitPackage
OPTION_REQUESTS: Final = (MassQuote, Purge, ReArm, SetProtection, SubmitPackage)
_SIDES: Final[tuple[Side, Side]] = ("buy", "sell")
_CODES: Final = {"buy": at.BUY, "sell": at.SELL}
_TIMES: Final = {"day": at.DAY, "ioc": at.IOC, "gtc": at.GTC}
_MEASURES: Final[tuple[Measure, ...]] = ("contracts", "delta", "vega")
PACKAGE_KINDS: Final = frozenset(
    {at.M_PACKAGE_ACCEPTED, at.M_PACKAGE_REFUSED, at.M_LEG_FILLED, at.M_PACKAGE_FILLED,
     at.M_PACKAGE_CANCELLED, at.M_PACKAGE_REPLACED, at.M_PACKAGE_REQUEST_REFUSED}
)  # fmt: skip


def name_of(message: OptionRequest) -> str:
    """Return what a refusal of a request names: a package by its id, a dealer by the account."""
    return message.order_id if isinstance(message, SubmitPackage) else message.account


def _liquidity(row: list[int]) -> Literal["maker", "taker"]:
    is_taker = row[at.X_LIQUIDITY] & (at.HALF_TICK - 1) == at.LIQ_NONE
    return "taker" if is_taker else "maker"


class OptionDesk:
    """Turn the options market's messages into the core's events, and its rows into facts.

    Parameters
    ----------
    symbols, accounts
        Number in the core, by name.
    names
        Of all instruments by number, as the façade has them now.
    """

    def __init__(
        self, market: Market, symbols: dict[str, int], accounts: dict[str, int], names: list[str]
    ) -> None:
        self._market, self._symbols, self._accounts = market, symbols, accounts
        self.names = names
        self._holders = {number: name for name, number in accounts.items()}
        self._places: dict[tuple[int, int, int], dict[int, int]] = {}

    def take(
        self, state: ExchangeState, arrival_ns: int, envelope: Envelope[Message],
        message: OptionRequest,
    ) -> str | None:  # fmt: skip
        """Post what is asked for; return why it cannot be written down, or None."""
        if not isinstance(message, SubmitPackage):
            return self._deal(arrival_ns, message)
        if message.order_id in state.tags:
            return "duplicate_order_id"
        tag = state.next_tag
        placed = self._send_package(arrival_ns, message, tag)
        if isinstance(placed, str):
            return placed
        state.next_tag = tag + 1
        state.tags[message.order_id] = tag
        state.orders[tag] = LiveOrder(
            message.order_id, placed, self._accounts[message.account], envelope.id,
            envelope.chain, is_package=True,
        )  # fmt: skip
        return None

    def _deal(self, arrival_ns: int, message: DealerMessage) -> str | None:
        dealer = self._dealer(message.account)
        if dealer is None:
            return f"no_dealer: {message.account}"
        market = self._market
        match message:
            case MassQuote():
                return self._quote(arrival_ns, dealer, message)
            case Purge(instrument=None):
                market.post_event(arrival_ns, at.E_PURGE, dealer, at.NONE)
            case Purge(instrument=str(symbol)):
                if symbol not in self._symbols:
                    return f"unknown_instrument: {symbol}"
                market.post_event(arrival_ns, at.E_PURGE, dealer, self._symbols[symbol])
            case ReArm():
                market.post_event(arrival_ns, at.E_REARM, dealer, 0)
            case SetProtection():
                limits = (message.window_ns, message.contracts, message.delta_shares)
                if min(*limits, message.vega_micros) < 0 or max(limits) >= at.MAX_PRICE << 10:
                    return "number_too_large"
                option_rows.set_protection(
                    market, dealer, window_ns=message.window_ns, contracts=message.contracts,
                    delta_shares=message.delta_shares, vega_micros=message.vega_micros,
                )  # fmt: skip
        return None

    def _dealer(self, account: str) -> int | None:
        number = self._accounts.get(account, at.NONE)
        count = int(self._market.arena[at.H_DEALERS])
        dealers = self._market.section(at.S_DEALER)[:count, at.DE_ACCOUNT]
        found = np.flatnonzero(dealers == number)
        return int(found[0]) if len(found) else None

    def _places_of(self, dealer: int) -> dict[int, int]:
        row = self._market.section(at.S_DEALER)[dealer]
        key = (dealer, int(row[at.DE_FIRST]), int(row[at.DE_COUNT]))
        if key not in self._places:
            quotes = self._market.section(at.S_QUOTE)[key[1] : key[1] + key[2], at.QU_INSTRUMENT]
            self._places[key] = {number: place for place, number in enumerate(quotes.tolist())}
        return self._places[key]

    def _quote(self, arrival_ns: int, dealer: int, message: MassQuote) -> str | None:
        places, rows = self._places_of(dealer), []
        for one in message.quotes:
            place = places.get(self._symbols.get(one.instrument, at.NONE))
            if place is None:
                return f"not_assigned: {one.instrument}"
            row = (
                place, one.bid_price, one.bid_quantity, one.ask_price, one.ask_quantity,
                one.delta_ppm, one.vega_micros,
            )  # fmt: skip
            if max(map(abs, row)) >= at.MAX_PRICE:
                return "number_too_large"
            rows.append(row)
        market = self._market
        market.room_to_post()
        quotes = np.array(rows, np.int64).reshape(-1, 7)
        fits = mass_quote.post_mass_quote(market.arena, dealer, quotes, arrival_ns)
        return None if fits else "too_many_quotes"

    def _send_package(self, arrival_ns: int, message: SubmitPackage, tag: int) -> int | str:
        """Post a package; return its number in the core, or why it cannot be written down."""
        if message.account not in self._accounts:
            return f"unknown_account: {message.account}"
        for leg in message.legs:
            if leg.instrument not in self._symbols:
                return f"unknown_instrument: {leg.instrument}"
        if any(leg.ratio < 1 for leg in message.legs):
            return "bad_package"
        numbers = (message.quantity, message.price, *(signed_ratio(leg) for leg in message.legs))
        if max(map(abs, numbers)) >= at.MAX_PRICE:
            return "number_too_large"
        legs = [(self._symbols[leg.instrument], signed_ratio(leg)) for leg in message.legs]
        identity = option_rows.post_package(
            self._market, arrival_ns, self._accounts[message.account], _CODES[message.side],
            message.price, message.quantity, np.array(legs, np.int64).reshape(-1, 2),
            tif=_TIMES[message.time_in_force], tag=tag,
        )  # fmt: skip
        return identity or "bad_package"

    def replace(self, arrival_ns: int, order: LiveOrder, change: ReplaceOrder) -> None:
        """Post other terms of a package."""
        price = at.PRESENT_PRICE if change.price is None else change.price
        option_rows.post_package_replace(
            self._market, arrival_ns, order.account, order.identity, change.quantity, price
        )

    def told(self, state: ExchangeState, row: list[int]) -> tuple[Message, int, int]:
        """Return what a row about quotes or packages tells, with its cause and chain.

        A package that is over by it is forgotten.
        """
        kind, tag = row[at.X_KIND], row[at.X_TAG]
        if kind not in PACKAGE_KINDS:
            return self._of_quotes(row, kind), 0, 0
        order = state.orders.get(tag)
        if order is None:
            return self._of_package(row, kind, f"#{row[at.X_ORDER]}"), 0, 0
        is_filled = kind == at.M_PACKAGE_FILLED and row[at.X_LEAVES] == 0
        if is_filled or kind in (at.M_PACKAGE_REFUSED, at.M_PACKAGE_CANCELLED):
            del state.orders[tag], state.tags[order.order_id]
        return self._of_package(row, kind, order.order_id), order.cause, order.chain

    def _of_package(self, row: list[int], kind: int, order_id: str) -> Message:
        now_ns, side = row[at.X_EXCHANGE_NS], _SIDES[row[at.X_SIDE]]
        quantity, leaves = row[at.X_QUANTITY], row[at.X_LEAVES]
        if kind == at.M_PACKAGE_ACCEPTED:
            return PackageAccepted(order_id=order_id, exchange_ns=now_ns)
        if kind in (at.M_PACKAGE_REFUSED, at.M_PACKAGE_REQUEST_REFUSED):
            reason = at.REASONS[row[at.X_EXTRA]]
            return OrderRefused(order_id=order_id, reason=reason, exchange_ns=now_ns)
        if kind == at.M_PACKAGE_CANCELLED:
            return PackageCancelled(
                order_id=order_id, quantity=quantity, reason=at.REASONS[row[at.X_EXTRA]],
                exchange_ns=now_ns,
            )  # fmt: skip
        if kind == at.M_PACKAGE_REPLACED:
            return PackageReplaced(
                order_id=order_id, price=row[at.X_PRICE], quantity=quantity, leaves=leaves,
                exchange_ns=now_ns,
            )  # fmt: skip
        if kind == at.M_LEG_FILLED:
            return LegFilled(
                order_id=order_id, instrument=self.names[row[at.X_INSTRUMENT]], side=side,
                price=row[at.X_PRICE], quantity=quantity, fee_micros=row[at.X_FEE],
                exchange_ns=now_ns, trade_id=row[at.X_EXTRA], liquidity=_liquidity(row),
            )  # fmt: skip
        return PackageFilled(
            order_id=order_id, side=side, price=row[at.X_PRICE], quantity=quantity, leaves=leaves,
            against="package" if row[at.X_EXTRA] else "legs", exchange_ns=now_ns,
            package_id=row[at.X_ORDER],
        )  # fmt: skip

    def _of_quotes(self, row: list[int], kind: int) -> Message:
        now_ns, number = row[at.X_EXCHANGE_NS], row[at.X_INSTRUMENT]
        symbol = self.names[number] if number >= 0 else None
        if kind in (at.M_QUOTE_FILLED, at.M_QUOTE_WITHDRAWN):
            return self._of_one_quote(row, kind, self.names[number])
        account = self._holders[row[at.X_ORDER]]
        if kind == at.M_REARMED:
            return ReArmed(account=account, exchange_ns=now_ns)
        reason = at.REASONS[row[at.X_EXTRA]]
        if kind == at.M_QUOTES_REFUSED:
            return QuotesRefused(
                account=account, instrument=symbol, count=row[at.X_QUANTITY], reason=reason,
                exchange_ns=now_ns,
            )  # fmt: skip
        measure = row[at.X_SEQUENCE]
        return QuotesPulled(
            account=account, instrument=symbol, reason=reason, exchange_ns=now_ns,
            measure=_MEASURES[measure - 1] if measure else None,
        )  # fmt: skip

    def _of_one_quote(self, row: list[int], kind: int, symbol: str) -> Message:
        dealer = int(self._market.section(at.S_QUOTE)[row[at.X_TAG], at.QU_DEALER])
        number = int(self._market.section(at.S_DEALER)[dealer, at.DE_ACCOUNT])
        account, side = self._holders[number], _SIDES[row[at.X_SIDE]]
        if kind == at.M_QUOTE_WITHDRAWN:
            return QuoteWithdrawn(
                account=account, instrument=symbol, side=side, quantity=row[at.X_QUANTITY],
                reason=at.REASONS[at.R_SELF_TRADE], exchange_ns=row[at.X_EXCHANGE_NS],
            )  # fmt: skip
        return QuoteFilled(
            account=account, instrument=symbol, side=side, price=row[at.X_PRICE],
            quantity=row[at.X_QUANTITY], leaves=row[at.X_LEAVES], fee_micros=row[at.X_FEE],
            liquidity=_liquidity(row), exchange_ns=row[at.X_EXCHANGE_NS],
            trade_id=row[at.X_EXTRA],
        )  # fmt: skip
