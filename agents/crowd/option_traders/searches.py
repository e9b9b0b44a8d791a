"""What arbitrageurs look for: prices of which not all can be right, and the trades that say so.

Each search takes what is seen and one series, and returns orders that lock in more than the fee, or
nothing. `option_arbitrage.arbitrage_parity` and its neighbours are the same searches compiled.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from agents.crowd.option_arbitrage import box_gap, conversion_gap
from agents.crowd.option_traders.chain import Chain
from agents.crowd.option_traders.surface import RIGHT, Beliefs
from environment.messages import MarketView, Side
from environment.option_messages import SeriesTouch

_NOBODY_BIDS, _NOBODY_ASKS = -1e9, 1e9


class Trade(NamedTuple):
    """One leg, at once or not at all; `series` None is the stock, in shares."""

    series: int | None
    side: Side
    price: int
    quantity: int


class Sight(NamedTuple):
    """What an arbitrageur has before it: the stock, the series' touches, its fee and its size.

    `fee` is what a trade must earn per share, `most` the contracts that it trades at once,
    `beliefs` how wrong its own curves are.
    """

    chain: Chain
    seen: Mapping[int, SeriesTouch]
    stock: MarketView
    fee: float
    most: int
    beliefs: Beliefs = RIGHT

    def bid(self, series: int, touch: SeriesTouch) -> float:
        """Return a bid in currency; one that is not there is less than anything."""
        if touch.bid_quantity <= 0:
            return _NOBODY_BIDS
        return touch.bid_price * self.chain.tick(series)

    def ask(self, series: int, touch: SeriesTouch) -> float:
        """Return an ask in currency; one that is not there is more than anything."""
        if touch.ask_quantity <= 0:
            return _NOBODY_ASKS
        return touch.ask_price * self.chain.tick(series)

    def at_once(self, one: int, other: int) -> int:
        """Return the contracts to trade of what two quantities show."""
        return max(min(one, other, self.most), 1)


Search = Callable[[Sight, int], tuple[Trade, ...]]


def conversions(sight: Sight, series: int) -> tuple[Trade, ...]:
    """Trade a call against its put and the stock, either way, where parity's bounds are broken.

    No more of it than the stock shows shares for, but one contract: legs alone are no arbitrage.
    """
    chain, stock = sight.chain, sight.stock
    pair = chain.pair(series)
    if pair is None or not stock.is_open:
        return ()
    call, put = (series, pair) if chain.is_call(series) else (pair, series)
    calls, puts = sight.seen.get(call), sight.seen.get(put)
    if calls is None or puts is None:
        return ()
    expiry, tick, own = chain.expiry(call), chain.tick(call), sight.beliefs
    years = chain.years(expiry)
    # Who sells the stock short borrows it: what that costs more than everybody thinks is not got.
    borrowing = (own.rate - own.growth) * years
    stock_bid = stock.bid_price * tick if stock.bid_quantity > 0 else _NOBODY_BIDS
    conversion, reversal = conversion_gap(
        chain.strike(call), chain.rate(expiry) + own.rate, years,
        chain.dividends(expiry) * (1.0 + own.dividend), sight.bid(call, calls),
        sight.ask(call, calls), sight.bid(call, puts), sight.ask(call, puts),
        stock_bid * (1.0 - borrowing),
        stock.ask_price * tick if stock.ask_quantity > 0 else _NOBODY_ASKS,
    )  # fmt: skip
    shares = int(chain.multiplier(call))
    if conversion > sight.fee:
        n = sight.at_once(min(calls.bid_quantity, puts.ask_quantity), stock.ask_quantity // shares)
        return (
            Trade(call, "sell", calls.bid_price, n), Trade(put, "buy", puts.ask_price, n),
            Trade(None, "buy", stock.ask_price, n * shares),
        )  # fmt: skip
    if reversal > sight.fee:
        n = sight.at_once(min(calls.ask_quantity, puts.bid_quantity), stock.bid_quantity // shares)
        return (
            Trade(call, "buy", calls.ask_price, n), Trade(put, "sell", puts.bid_price, n),
            Trade(None, "sell", stock.bid_price, n * shares),
        )  # fmt: skip
    return ()


def conversions_and_boxes(sight: Sight, series: int) -> tuple[Trade, ...]:
    """Trade a conversion or a reversal where it pays, else buy a box."""
    return conversions(sight, series) or _box(sight, series)


def calendars(sight: Sight, series: int) -> tuple[Trade, ...]:
    """Sell a series that is dearer than the same one of the next expiry, and buy that."""
    later = sight.chain.next_expiry(series)
    return () if later is None else _dear_and_cheap(sight, series, later)


def strikes(sight: Sight, series: int) -> tuple[Trade, ...]:
    """Trade two strikes in the wrong order, or three that bend the wrong way."""
    higher = sight.chain.next_strike(series)
    if higher is None:
        return ()
    # A call falls and a put rises with the strike.
    dear, cheap = (higher, series) if sight.chain.is_call(series) else (series, higher)
    return _dear_and_cheap(sight, dear, cheap) or _butterfly(sight, series, higher)


SEARCHES: Final[dict[str, Search]] = {
    "parity": conversions_and_boxes, "calendar": calendars, "relative_value": strikes,
}  # fmt: skip


def _dear_and_cheap(sight: Sight, dear: int, cheap: int) -> tuple[Trade, ...]:
    """Sell the series that may not be worth more, and buy the other, where that pays at once."""
    sold, bought = sight.seen.get(dear), sight.seen.get(cheap)
    if sold is None or bought is None:
        return ()
    if sight.bid(dear, sold) - sight.ask(cheap, bought) <= sight.fee:
        return ()
    n = sight.at_once(sold.bid_quantity, bought.ask_quantity)
    return Trade(dear, "sell", sold.bid_price, n), Trade(cheap, "buy", bought.ask_price, n)


def _butterfly(sight: Sight, low: int, middle: int) -> tuple[Trade, ...]:
    """Sell the middle of three equally wide strikes, buy the wings, where that brings money."""
    chain = sight.chain
    high = chain.next_strike(middle)
    if high is None:
        return ()
    one = chain.strike(middle) - chain.strike(low)
    other = chain.strike(high) - chain.strike(middle)
    if abs(one - other) > 1e-9:
        return ()
    a, b, c = sight.seen.get(low), sight.seen.get(middle), sight.seen.get(high)
    if a is None or b is None or c is None:
        return ()
    earned = 2.0 * sight.bid(middle, b)
    earned -= sight.ask(low, a) + sight.ask(high, c)
    if earned <= 2.0 * sight.fee:
        return ()
    n = sight.at_once(b.bid_quantity // 2, min(a.ask_quantity, c.ask_quantity))
    return (
        Trade(middle, "sell", b.bid_price, 2 * n), Trade(low, "buy", a.ask_price, n),
        Trade(high, "buy", c.ask_price, n),
    )  # fmt: skip


def _box(sight: Sight, low: int) -> tuple[Trade, ...]:
    """Buy a box between a call's strike and the next where it pays."""
    chain = sight.chain
    high, low_put = chain.next_strike(low), chain.pair(low)
    if high is None or low_put is None or not chain.is_call(low):
        return ()
    high_put = chain.pair(high)
    if high_put is None:
        return ()
    bought, sold = sight.seen.get(low), sight.seen.get(high)
    put, written = sight.seen.get(high_put), sight.seen.get(low_put)
    if bought is None or sold is None or put is None or written is None:
        return ()
    expiry = chain.expiry(low)
    gap = box_gap(
        chain.strike(low), chain.strike(high), chain.rate(expiry) + sight.beliefs.rate,
        chain.years(expiry),
        sight.ask(low, bought), sight.bid(low, sold), sight.ask(low, put),
        sight.bid(low, written),
    )  # fmt: skip
    if gap <= 2.0 * sight.fee:
        return ()
    n = sight.at_once(
        min(bought.ask_quantity, sold.bid_quantity), min(put.ask_quantity, written.bid_quantity)
    )
    return (
        Trade(low, "buy", bought.ask_price, n), Trade(high_put, "buy", put.ask_price, n),
        Trade(high, "sell", sold.bid_price, n), Trade(low_put, "sell", written.bid_price, n),
    )  # fmt: skip
