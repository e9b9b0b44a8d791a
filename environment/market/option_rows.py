"""The options market's rows, written from Python: series, dealers, holdings, fees per contract."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument
from environment.market import holdings, layout as at, package, package_book, package_replace
from environment.market.arena import grow
from environment.market.fees import FeeRow
from environment.market.series_terms import write_terms

if TYPE_CHECKING:
    from environment.market.market import Market

LEVELS_SERIES: Final = 256
TOUCHES_SERIES: Final = 256
FIRST_HOLDINGS: Final = 1 << 10
RING: Final = 1 << 10  # Quotes under way a dealer, at least.
RECENT: Final = 1 << 8  # Fills that a dealer's protection looks back on.


def add_series(
    market: "Market", instrument: Instrument, *, stock: int, last_trading_ns: int = 0,
    last_close: int = 0, open_interest: int = 0, levels: int = LEVELS_SERIES,
) -> int:  # fmt: skip
    """List a series; it follows its stock's phases from the next change on. Returns its number.

    Parameters
    ----------
    stock : int
        The core's number of its underlying.
    last_trading_ns : int
        When it stops trading for good; 0 if beyond the run.
    open_interest : int
        Contracts that the WORLD account holds long and short against itself: a figure only.

    Raises
    ------
    ValueError
        If the instrument is no option, or its number no longer fits an order's row.
    """
    if instrument.kind != "option" or instrument.expiry is None:
        raise ValueError(f"{instrument.symbol} is no option")
    arena = market.arena
    first, listed = int(arena[at.H_INSTRUMENTS]), int(arena[at.H_SERIES])
    number = first + listed
    if number >= 1 << at.META_INSTRUMENT_BITS:
        raise ValueError(f"{instrument.symbol}: no more than 65,536 instruments fit a core")
    row = _row_with_books(market, number, levels)
    row[at.I_KIND], row[at.I_UNDERLYING] = at.KIND_OPTION, stock
    row[at.I_OPEN_INTEREST] = open_interest
    write_terms(row, instrument, last_trading_ns, last_close)
    _join_stock(market, stock, number)
    if not market.arena[at.H_CAPACITY + at.S_HOLDING]:
        grow_holdings(market, FIRST_HOLDINGS)
    market.arena[at.H_SERIES] = listed + 1
    return number


def _row_with_books(market: "Market", number: int, levels: int) -> NDArray[np.int64]:
    """Return a new instrument's row, with ladders and a ring of touches at the sections' ends."""
    words = levels >> 6
    rows = market.section(at.S_INSTRUMENT)[:number]
    first_level = int((rows[:, at.I_LEVELS_ASK] + rows[:, at.I_WIDTH]).max(initial=0))
    first_word = int((rows[:, at.I_BITS_ASK] + (rows[:, at.I_WIDTH] >> 6)).max(initial=0))
    first_touch = int((rows[:, at.I_TOUCH_FIRST] + rows[:, at.I_TOUCH_SIZE]).max(initial=0))
    market.room(at.S_INSTRUMENT, number + 1)
    market.room(at.S_LEVEL, first_level + 2 * levels)
    market.room(at.S_BITMAP, first_word + 2 * words)
    market.room(at.S_TOUCH, first_touch + TOUCHES_SERIES)
    row: NDArray[np.int64] = market.section(at.S_INSTRUMENT)[number]
    row[at.I_WIDTH] = levels
    row[at.I_LEVELS], row[at.I_LEVELS_ASK] = first_level, first_level + levels
    row[at.I_BITS], row[at.I_BITS_ASK] = first_word, first_word + words
    row[at.I_BEST] = row[at.I_SHOWN_BID] = at.NO_BID
    row[at.I_BEST_ASK] = row[at.I_SHOWN_ASK] = at.NO_ASK
    row[at.I_TOUCH_FIRST], row[at.I_TOUCH_SIZE] = first_touch, TOUCHES_SERIES
    row[at.I_PHASE] = at.CLOSED
    return row


def _join_stock(market: "Market", stock: int, number: int) -> None:
    instruments = market.section(at.S_INSTRUMENT)
    last = stock
    while instruments[last, at.I_SERIES]:
        last = int(instruments[last, at.I_SERIES]) - 1
    instruments[last, at.I_SERIES] = number + 1


def retire_series(market: "Market", number: int) -> None:
    """Take an expired series off the list: it never opens again, and what rests in it ends."""
    row = market.section(at.S_INSTRUMENT)[number]
    row[at.I_RETIRED], row[at.I_PHASE] = 1, at.CLOSED


def series_of(market: "Market", stock: int) -> list[int]:
    """Return the numbers of a stock's series that are not retired, in order of listing."""
    instruments = market.section(at.S_INSTRUMENT)
    found, number = list[int](), int(instruments[stock, at.I_SERIES]) - 1
    while number != at.NONE:
        if not instruments[number, at.I_RETIRED]:
            found.append(number)
        number = int(instruments[number, at.I_SERIES]) - 1
    return found


# --- holdings ------------------------------------------------------------------------------------


def grow_holdings(market: "Market", rows: int) -> None:
    """Give the table of holdings at least so many rows: a power of two, filled anew."""
    old = market.section(at.S_HOLDING).copy()
    power = 1 << (max(rows, FIRST_HOLDINGS) - 1).bit_length()  # A hash is cut by a mask.
    market.arena = grow(market.arena, at.S_HOLDING, power)
    market.section(at.S_HOLDING)[:] = 0
    holdings.insert_all(market.arena, old)


def held(market: "Market", account: int, number: int) -> int:
    """Return the contracts of a series that an account holds; negative: that it has written."""
    rows = all_holdings(market)
    chosen = (rows[0] == account) & (rows[1] == number)
    return int(rows[2][chosen].sum())


def all_holdings(market: "Market") -> tuple[NDArray[np.int64], ...]:
    """Return every holding as (accounts, series, contracts, micros paid so far net), in no order.

    Holdings of 0 contracts are among them where an account once held some.
    """
    rows = market.section(at.S_HOLDING)
    rows = rows[rows[:, at.P_KEY] != 0]
    accounts, numbers = holdings.keys_of(rows)
    return accounts, numbers, rows[:, at.P_QUANTITY].copy(), rows[:, at.P_COST].copy()


def move_contracts(
    market: "Market", giver: int, taker: int, number: int, quantity: int
) -> None:  # fmt: skip
    """Move contracts between accounts without money: seeds, exercise, adjustment."""
    used, capacity = (
        int(market.arena[at.H_HOLDINGS]),
        int(market.arena[at.H_CAPACITY + at.S_HOLDING]),
    )
    if 4 * (used + 2) > 3 * capacity:
        grow_holdings(market, 2 * (used + 2))
    holdings.transfer(market.arena, giver, taker, number, quantity)


def forget_holdings(market: "Market", numbers: NDArray[np.int64]) -> None:
    """Drop the holdings of retired series, which must all be 0 by now.

    Raises
    ------
    ValueError
        If one of them still counts contracts.
    """
    rows = market.section(at.S_HOLDING)
    mine = np.isin((rows[:, at.P_KEY] - 1) & 0xFFFF, numbers) & (rows[:, at.P_KEY] != 0)
    if rows[mine, at.P_QUANTITY].any():
        raise ValueError("a series that is taken off the list still has holders")
    rows[mine] = 0
    kept = rows.copy()
    rows[:] = 0
    holdings.insert_all(market.arena, kept)


def set_option_fees(market: "Market", schedule: int, fees: FeeRow) -> None:
    """Charge trades in series by this row: micros per contract, rates of premium."""
    row = market.section(at.S_FEE)[schedule]
    row[at.FE_OPTIONS : at.FE_OPTIONS + 8] = (
        fees.maker, fees.taker, fees.auction, fees.maker_rate, fees.taker_rate, fees.sell_rate,
        fees.sell_per_lot, fees.sell_cap,
    )  # fmt: skip


# --- dealers -------------------------------------------------------------------------------------


def add_dealer(
    market: "Market", account: int, series: list[int], *, trader: int = at.NONE,
    size_min: int = 1, width_percent: int = 100, ring: int = RING,
) -> int:  # fmt: skip
    """Let an account quote these series. Returns the dealer's number.

    Quotes name a series by its place in `series`. `size_min` contracts on each side, no wider than
    `width_percent` of the allowed width, are what its obligations ask for.
    """
    dealer = int(market.arena[at.H_DEALERS])
    market.room(at.S_DEALER, dealer + 1)
    size = 1 << (max(ring, 4 * len(series)) - 1).bit_length()
    dealers = market.section(at.S_DEALER)[:dealer]
    first_ring = int((dealers[:, at.DE_RING_FIRST] + dealers[:, at.DE_RING_SIZE]).max(initial=0))
    market.room(at.S_INBOUND, first_ring + size)
    market.room(at.S_RECENT, (dealer + 1) * RECENT)
    row = market.section(at.S_DEALER)[dealer]
    row[:] = 0
    row[at.DE_ACCOUNT], row[at.DE_TRADER], row[at.DE_ARMED] = account, trader, 1
    row[at.DE_RING_FIRST], row[at.DE_RING_SIZE] = first_ring, size
    row[at.DE_RECENT_FIRST], row[at.DE_RECENT_SIZE] = dealer * RECENT, RECENT
    row[at.DE_SIZE_MIN], row[at.DE_WIDTH_PERCENT] = max(size_min, 1), width_percent
    row[at.DE_FIRST] = int(market.arena[at.H_QUOTES])
    market.arena[at.H_DEALERS] = dealer + 1
    assign_series(market, dealer, series)
    return dealer


def assign_series(market: "Market", dealer: int, series: list[int]) -> None:
    """Let a dealer quote further series, after those that it has."""
    row = market.section(at.S_DEALER)[dealer]
    first, count, quotes = (
        int(row[at.DE_FIRST]),
        int(row[at.DE_COUNT]),
        int(market.arena[at.H_QUOTES]),
    )
    if first + count != quotes:
        _move_quotes(market, dealer)
        first, quotes = (
            int(market.section(at.S_DEALER)[dealer, at.DE_FIRST]),
            int(market.arena[at.H_QUOTES]),
        )
    market.room(at.S_QUOTE, quotes + len(series))
    account = int(market.section(at.S_DEALER)[dealer, at.DE_ACCOUNT])
    for number in series:
        _add_quote(market, dealer, account, number)
    market.section(at.S_DEALER)[dealer, at.DE_COUNT] = count + len(series)


def _add_quote(market: "Market", dealer: int, account: int, number: int) -> None:
    quote = int(market.arena[at.H_QUOTES])
    slots = [_take_slot(market, quote, account, number, side) for side in (at.BUY, at.SELL)]
    row = market.section(at.S_QUOTE)[quote]
    row[:] = 0
    row[at.QU_DEALER], row[at.QU_INSTRUMENT] = dealer, number
    row[at.QU_BID_SLOT], row[at.QU_ASK_SLOT] = slots
    instrument = market.section(at.S_INSTRUMENT)[number]
    row[at.QU_NEXT], instrument[at.I_QUOTES] = instrument[at.I_QUOTES], quote + 1
    market.arena[at.H_QUOTES] = quote + 1


def _take_slot(market: "Market", quote: int, account: int, number: int, side: int) -> int:
    """Return an order slot taken for good: one side of one quote."""
    slot = int(market.arena[at.H_ORDER_BUMP])
    market.room(at.S_ORDER, slot + 1)
    market.room(at.S_COLD, slot + 1)
    market.arena[at.H_ORDER_BUMP] = slot + 1
    order, cold = market.section(at.S_ORDER)[slot], market.section(at.S_COLD)[slot]
    order[at.O_META] = (
        number | side << at.SIDE_SHIFT | at.LIMIT << at.TYPE_SHIFT | at.DAY << at.TIF_SHIFT
        | at.IDLE << at.STATE_SHIFT | at.CANCEL_NEWEST << at.SELF_TRADE_SHIFT
        | at.F_QUOTE << at.FLAG_SHIFT
    )  # fmt: skip
    order[at.O_ACCOUNT] = account
    cold[at.C_GENERATION], cold[at.C_TAG] = 1, quote
    return slot


def _move_quotes(market: "Market", dealer: int) -> None:
    """Give a dealer's quotes new rows at the section's end, where there is room after them."""
    row = market.section(at.S_DEALER)[dealer]
    first, count, target = (
        int(row[at.DE_FIRST]),
        int(row[at.DE_COUNT]),
        int(market.arena[at.H_QUOTES]),
    )
    market.room(at.S_QUOTE, target + count)
    quotes, cold = market.section(at.S_QUOTE), market.section(at.S_COLD)
    quotes[target : target + count] = quotes[first : first + count]
    quotes[first : first + count] = 0
    instruments = market.section(at.S_INSTRUMENT)
    moved = {first + k + 1: target + k + 1 for k in range(count)}
    for number in quotes[target : target + count, at.QU_INSTRUMENT].tolist():
        instruments[number, at.I_QUOTES] = moved.get(
            int(instruments[number, at.I_QUOTES]), instruments[number, at.I_QUOTES]
        )
    for old in range(int(market.arena[at.H_QUOTES])):
        quotes[old, at.QU_NEXT] = moved.get(int(quotes[old, at.QU_NEXT]), quotes[old, at.QU_NEXT])
    for k in range(target, target + count):
        quotes[k, at.QU_NEXT] = moved.get(int(quotes[k, at.QU_NEXT]), quotes[k, at.QU_NEXT])
        cold[quotes[k, [at.QU_BID_SLOT, at.QU_ASK_SLOT]], at.C_TAG] = k
    market.section(at.S_DEALER)[dealer, at.DE_FIRST] = target
    market.arena[at.H_QUOTES] = target + count


def set_protection(
    market: "Market", dealer: int, *, window_ns: int, contracts: int = 0, delta_shares: int = 0,
    vega_micros: int = 0,
) -> None:  # fmt: skip
    """Pull a dealer's quotes after so much within a sliding window; 0 is no limit."""
    row = market.section(at.S_DEALER)[dealer]
    row[at.DE_WINDOW_NS], row[at.DE_CONTRACTS_MAX] = window_ns, contracts
    row[at.DE_DELTA_MAX], row[at.DE_VEGA_MAX] = delta_shares * 1_000_000, vega_micros


# --- packages ------------------------------------------------------------------------------------


def post_package(
    market: "Market", arrival_ns: int, account: int, side: int, price: int, quantity: int,
    legs: NDArray[np.int64], *, tif: int = at.DAY, tag: int = 0,
) -> int:  # fmt: skip
    """Send a package to the exchange. Returns its public id, or 0 where the legs make none.

    Parameters
    ----------
    price : int
        Net price in ticks of one unit, as the legs are written: what its buyer pays.
    legs : int64 array of shape (count, 2)
        Instrument and ratio of each, negative where the buyer sells; a stock's in shares.
    """
    market.room_to_post()
    for section, used, more in (
        (at.S_PACKAGE, at.H_PACKAGE_BUMP, 1),
        (at.S_STRATEGY, at.H_STRATEGIES, 1),
        (at.S_LEG, at.H_LEGS, at.LEGS_MAX),
    ):
        market.room(section, int(market.arena[used]) + more)
    return int(
        package.post_package(
            market.arena, arrival_ns, account, side, price, quantity, tif, tag,
            np.ascontiguousarray(legs, np.int64).reshape(-1, 2),
        )
    )  # fmt: skip


def post_package_replace(
    market: "Market", arrival_ns: int, account: int, identity: int, quantity: int, price: int
) -> None:
    """Send a package's replace; `layout.PRESENT_PRICE` keeps the net price that it has."""
    market.room_to_post()
    package_replace.post_package_replace(
        market.arena, arrival_ns, account, identity, quantity, price
    )


def packages_waiting(market: "Market") -> list[tuple[int, int, int, int]]:
    """Return (id, side, net price, units left) of every waiting package, in canonical direction."""
    rows = market.section(at.S_PACKAGE)[: int(market.arena[at.H_PACKAGE_BUMP])]
    return [
        (int(row[at.PK_GENERATION]) << 32 | n, int(row[at.PK_SIDE]), int(row[at.PK_PRICE]),
         int(row[at.PK_LEAVES]))
        for n, row in enumerate(rows)
        if row[at.PK_STATE] == package_book.WAITING
    ]  # fmt: skip


def packages_with(market: "Market", instrument: int) -> list[tuple[int, int]]:
    """Return (account, id) of every waiting package that has an instrument among its legs."""
    found: list[tuple[int, int]] = []
    rows = market.section(at.S_PACKAGE)
    for identity, *_ in packages_waiting(market):
        told = package_legs(market, identity)
        if told is not None and instrument in told[2]:
            found.append((int(rows[identity & ((1 << 32) - 1), at.PK_ACCOUNT]), identity))
    return found


def package_legs(market: "Market", identity: int) -> tuple[int, int, dict[int, int]] | None:
    """Return a package's units traded and left, and the lots of a unit by instrument.

    None where it is over. Lots are as its sender trades them, sold below 0.
    """
    package_number = identity & ((1 << 32) - 1)
    if package_number >= int(market.arena[at.H_PACKAGE_BUMP]):
        return None
    row = market.section(at.S_PACKAGE)[package_number]
    if row[at.PK_GENERATION] != identity >> 32 or row[at.PK_STATE] == package_book.FREE:
        return None
    strategy = market.section(at.S_STRATEGY)[row[at.PK_STRATEGY]]
    sign = 1 if row[at.PK_SIDE] == at.BUY else -1
    legs: dict[int, int] = {}
    for leg in range(int(strategy[at.ST_COUNT])):
        number, weight, lots = strategy[at.ST_LEGS + 3 * leg : at.ST_LEGS + 3 * leg + 3].tolist()
        legs[number] = sign * lots * (1 if weight > 0 else -1)
    return int(row[at.PK_FILLED]), int(row[at.PK_LEAVES]), legs
