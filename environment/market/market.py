"""The core as a Python object: it makes room, posts, advances, and hands out what happened."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.errors import Defect
from environment.instruments import Instrument
from environment.market import advance as core, layout as at, option_rows
from environment.market.arena import Arena, grow, make_arena, view
from environment.market.verdicts import Judge, give_verdict

LEVELS_STOCK: Final = 4096
TOUCHES: Final = 4096
LAST_NS: Final = 1 << 62  # No run reaches so far, and sums of times stay below 2**63.
_FIRST_ROWS: Final = {
    "order": 4096,
    "cold": 4096,
    "heap": 4096,
    "out": 8192,
    "tape": 1 << 16,
    "stopnode": 256,
    "scratch": 1 << 16,
    "latency": 64,
    "fee": 16,
    "feed": 64,
}

Advance = Callable[[Arena, int], int]
TapeSink = Callable[[NDArray[np.int64]], None]


class Market:
    """Every book, the ledger and the event heap of one run.

    Parameters
    ----------
    instruments, accounts, traders
        How many of each there will be; contra accounts are added to `accounts`.
    advance
        The compiled loop: `environment.market.advance.advance`, or a crowd's own around it.
    on_tape
        Receives each full block of tape rows, int64 of shape (rows, 16).
    """

    def __init__(
        self,
        *,
        instruments: int,
        accounts: int,
        traders: int = 0,
        populations: int = 0,
        width: int = LEVELS_STOCK,
        advance: Advance = core.advance,
        on_tape: TapeSink | None = None,
    ) -> None:
        accounts += at.FIRST_ACCOUNT
        rows = dict(_FIRST_ROWS)
        rows |= {
            "instrument": instruments,
            "level": 2 * width * instruments,
            "bitmap": 2 * (width >> 6) * instruments,
            "account": accounts,
            "position": accounts * instruments,
            "trader": traders,
            "population": populations,
            "touch": TOUCHES * instruments,
            "bucket": 300 * instruments,
        }
        rows["heap"] = max(rows["heap"], traders + traders // 4 + 4096)
        # Untouched rows take no memory, but growing copies them all.
        rows["order"] = rows["cold"] = max(rows["order"], traders)
        rows["scratch"] = max(rows["scratch"], 2 * traders)
        self.arena = make_arena(rows)
        self.arena[at.H_INSTRUMENTS] = instruments
        self.arena[at.H_ACCOUNTS] = accounts
        self.arena[at.H_TRADERS] = traders
        self._advance = advance
        self.floats: NDArray[np.float64] | None = None  # What lies beside the arena, if anything.
        self._on_tape = on_tape
        self.judge: Judge | None = None  # The broker; without one every order may enter.
        self.width = width
        self._instruments = self._feeds = self._latencies = self._fees = 0
        self._accounts = at.FIRST_ACCOUNT
        for account in range(at.FIRST_ACCOUNT):
            row = self.section(at.S_ACCOUNT)[account]
            row[at.A_OWNER], row[at.A_FLAGS] = at.NO_OWNER, at.ACCOUNT_CONTRA
            row[at.A_GROUP] = account
        self.add_fee()
        self.add_latency(at.LAT_CONSTANT, 1)

    @property
    def arena(self) -> Arena:
        """The core's whole state. It is another array after it has grown."""
        return self._arena

    @arena.setter
    def arena(self, arena: Arena) -> None:
        self._arena = arena
        # Reading one word through a memory view takes a third of the time that numpy takes.
        self._words: memoryview[int] = memoryview(arena.data)

    # --- building ---------------------------------------------------------------------------------

    def section(self, section: int) -> Arena:
        """Return one section as a view; it is void once the arena has grown."""
        return view(self.arena, section)

    def add_instrument(
        self,
        *,
        value_micros: int,
        ticks_per_unit: int = 100,
        step_high: int = 1,
        step_low: int = 1,
        threshold: int = 0,
        last_close: int = 0,
        tier: int = 0,
        centre: int = 0,
    ) -> int:
        """Add an instrument whose tick times lot is worth `value_micros`. Returns its number."""
        number = self._instruments
        self._instruments += 1
        row = self.section(at.S_INSTRUMENT)[number]
        width = self.width
        row[at.I_WIDTH] = width
        row[at.I_LEVELS], row[at.I_LEVELS_ASK] = 2 * number * width, (2 * number + 1) * width
        words = width >> 6
        row[at.I_BITS], row[at.I_BITS_ASK] = 2 * number * words, (2 * number + 1) * words
        row[at.I_BEST], row[at.I_BEST_ASK] = at.NO_BID, at.NO_ASK
        row[at.I_SHOWN_BID], row[at.I_SHOWN_ASK] = at.NO_BID, at.NO_ASK
        centre = centre or last_close
        row[at.I_BASE], row[at.I_BASE_ASK] = centre + (width >> 2) - width, centre - (width >> 2)
        row[at.I_VALUE], row[at.I_TICKS_PER_UNIT] = value_micros, ticks_per_unit
        row[at.I_STEP_HIGH], row[at.I_STEP_LOW] = step_high, step_low
        row[at.I_THRESHOLD], row[at.I_LAST_CLOSE], row[at.I_TIER] = threshold, last_close, tier
        row[at.I_TOUCH_FIRST], row[at.I_TOUCH_SIZE] = number * TOUCHES, TOUCHES
        row[at.I_BUCKET_FIRST] = number * 300
        row[at.I_BORROW] = at.MAX_PRICE
        row[at.I_PHASE] = at.CLOSED
        return number

    def add_series(self, instrument: Instrument, **told: int) -> int:
        """List a series of options of a stock: see `option_rows.add_series`. Returns its number."""
        return option_rows.add_series(self, instrument, **told)

    def add_account(
        self,
        *,
        cash_micros: int = 0,
        owner: int = at.NO_OWNER,
        flags: int = 0,
        fee: int = 0,
        acknowledgement: int = 0,
        fill: int = 0,
        key: int = 0,
        group: int | None = None,
        population: int = 0,
    ) -> int:
        """Add an account, its first cash taken from the WORLD contra account."""
        number = self._accounts
        self._accounts += 1
        accounts = self.section(at.S_ACCOUNT)
        row = accounts[number]
        row[at.A_CASH] = row[at.A_SETTLED] = cash_micros
        accounts[at.WORLD, at.A_CASH] -= cash_micros
        row[at.A_OWNER], row[at.A_FLAGS], row[at.A_FEE] = owner, flags, fee
        row[at.A_ACK_CLASS], row[at.A_FILL_CLASS], row[at.A_KEY] = acknowledgement, fill, key
        row[at.A_GROUP] = number if group is None else group
        row[at.A_POPULATION] = population
        return number

    def add_accounts(
        self, count: int, *, cash_micros: int, population: int, owners: range | None = None
    ) -> int:
        """Add many like accounts at once, told of nothing unless owned; return the first."""
        first = self._accounts
        self._accounts += count
        accounts = self.section(at.S_ACCOUNT)
        block = accounts[first : first + count]
        block[:, at.A_CASH] = block[:, at.A_SETTLED] = cash_micros
        accounts[at.WORLD, at.A_CASH] -= cash_micros * count
        block[:, at.A_OWNER] = at.NO_OWNER if owners is None else np.asarray(owners)
        block[:, at.A_GROUP] = np.arange(first, first + count)
        block[:, at.A_POPULATION] = population
        return first

    def give_all(self, first: int, instruments: NDArray[np.int64], quantity: int) -> None:
        """Give consecutive accounts shares, each of its own instrument, out of WORLD."""
        count = int(self.arena[at.H_INSTRUMENTS])
        positions = self.section(at.S_POSITION)
        own = np.arange(first, first + len(instruments)) * count + instruments
        positions[own, at.P_QUANTITY] += quantity
        for instrument, holders in zip(*np.unique(instruments, return_counts=True), strict=True):
            positions[at.WORLD * count + instrument, at.P_QUANTITY] -= quantity * holders

    def reserve_heap(self, events: int) -> None:
        """Make room for so many more events."""
        self.room(at.S_HEAP, int(self.arena[at.H_HEAP_COUNT]) + events + 64)

    def give_shares(self, account: int, instrument: int, quantity: int) -> None:
        """Give an account shares, taken from the WORLD contra account."""
        count = int(self.arena[at.H_INSTRUMENTS])
        positions = self.section(at.S_POSITION)
        positions[account * count + instrument, at.P_QUANTITY] += quantity
        positions[at.WORLD * count + instrument, at.P_QUANTITY] -= quantity

    def add_latency(self, kind: int, median_ns: int, spread: int = 0, cap_ns: int = 0) -> int:
        """Add a latency class. Returns its number."""
        self.room(at.S_LATENCY, self._latencies + 1)
        row = self.section(at.S_LATENCY)[self._latencies]
        row[at.L_KIND], row[at.L_MEDIAN], row[at.L_SPREAD], row[at.L_CAP] = (
            kind, median_ns, spread, cap_ns,
        )  # fmt: skip
        self._latencies += 1
        return self._latencies - 1

    def add_fee(self, *, maker: int = 0, taker: int = 0, auction: int = 0, maker_rate: int = 0,
                taker_rate: int = 0, sell_rate: int = 0, sell_per_lot: int = 0,
                sell_cap: int = 0) -> int:  # fmt: skip
        """Add a fee schedule: micros per lot, rates in 1e-9 of notional. Returns its number.

        Trades in series are free of charge until `option_rows.set_option_fees` says otherwise.
        """
        self.room(at.S_FEE, self._fees + 1)
        row = self.section(at.S_FEE)[self._fees]
        row[:8] = maker, taker, auction, maker_rate, taker_rate, sell_rate, sell_per_lot, sell_cap
        self._fees += 1
        return self._fees - 1

    def add_feed(
        self, instrument: int, kind: int, interval_ns: int, topic: int, *, latency: int = 0,
        key: int = 0, levels: int = 10, begin_ns: int = 0,
    ) -> int:  # fmt: skip
        """Add a market-data feed that publishes to a topic number. Returns the feed's number.

        A chain's begins after `begin_ns`, as whoever asked for it is there.
        """
        self.room(at.S_FEED, self._feeds + 1)
        number = self._feeds
        self._feeds += 1
        self.arena[at.H_FEEDS] = self._feeds
        row = self.section(at.S_FEED)[number]
        row[at.FD_INSTRUMENT], row[at.FD_KIND], row[at.FD_INTERVAL] = instrument, kind, interval_ns
        row[at.FD_TOPIC], row[at.FD_CLASS], row[at.FD_KEY] = topic, latency, key
        row[at.FD_LEVELS] = levels
        row[at.FD_NEXT] = at.NONE
        # At the end of the instrument's list: earlier subscribers are served first.
        ins = self.section(at.S_INSTRUMENT)[instrument]
        row[at.FD_SENT_SEQUENCE] = ins[at.I_FEED_SEQUENCE]
        if ins[at.I_FEED_FIRST] == 0:
            ins[at.I_FEED_FIRST] = number + 1
        else:
            feeds = self.section(at.S_FEED)
            last = int(ins[at.I_FEED_FIRST]) - 1
            while feeds[last, at.FD_NEXT] != at.NONE:
                last = int(feeds[last, at.FD_NEXT])
            feeds[last, at.FD_NEXT] = number
        if kind == at.FEED_CHAIN:
            row[at.FD_SENT_SEQUENCE] = 0
            self.arena[at.H_CHAIN_FEEDS] += 1
            if ins[at.I_PHASE] == at.CONTINUOUS:  # Else it begins when its stock opens.
                row[at.FD_SCHEDULED] = 1
                self.post_event(max(self.now_ns, begin_ns) + 1, at.E_FEED, number, 0)
        return number

    # --- posting ----------------------------------------------------------------------------------

    def post_order(self, arrival_ns: int, instrument: int, account: int, side: int, kind: int,
                   tif: int, self_trade: int, flags: int, price: int, quantity: int, display: int,
                   stop: int, expire_ns: int, parent: int, tag: int) -> int:  # fmt: skip
        """Send an order to the exchange. Returns its public id."""
        self.room_to_post()
        return core.post_order(  # type: ignore[no-any-return]
            self.arena, arrival_ns, instrument, account, side, kind, tif, self_trade, flags, price,
            quantity, display, stop, expire_ns, parent, tag,
        )  # fmt: skip

    def post_cancel(self, arrival_ns: int, account: int, identity: int) -> None:
        """Send a cancel to the exchange."""
        self.room_to_post()
        core.post_cancel(self.arena, arrival_ns, account, identity)

    def post_cancel_all(self, arrival_ns: int, account: int, instrument: int = at.NONE) -> None:
        """Cancel all of an account's orders on arrival."""
        self.room_to_post()
        core.post_cancel_all(self.arena, arrival_ns, account, instrument)

    def post_replace(
        self, arrival_ns: int, account: int, identity: int, quantity: int, price: int
    ) -> None:
        """Send a replace to the exchange; price 0 keeps the present one."""
        self.room_to_post()
        core.post_replace(self.arena, arrival_ns, account, identity, quantity, price)

    def post_event(self, time_ns: int, kind: int, a: int, b: int) -> None:
        """Schedule a phase change, halt, callback or wake-up."""
        self.room_to_post()
        core.post_event(self.arena, time_ns, kind, a, b)

    # --- running ----------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Return the time of the last event handled."""
        return self._words[at.H_NOW]

    def next_ns(self) -> int | None:
        """Return the time of the next event, or None."""
        words = self._words
        if words[at.H_HEAP_COUNT] == 0:
            return None
        return words[words[at.H_OFFSET + at.S_HEAP]]

    def advance(self, until_ns: int) -> int:
        """Run events up to `until_ns`, or until the first delivery is due. Returns the code."""
        until_ns = min(until_ns, LAST_NS)
        while True:
            code = self._advance(self._arena, until_ns)
            if code <= at.DELIVER:
                return code
            if code == at.JUDGE:
                give_verdict(self._arena, self.judge)
                continue
            if code != at.BROKEN and self._words[at.H_OUT_COUNT]:
                # What actors are told is recorded before a block of the tape, so that the order
                # of both does not depend on where the loop returned.
                return at.DELIVER
            if code == at.TAPE_FULL:
                self.flush_tape()
            elif code == at.NEED_ROOM:
                self.make_room()
            else:
                raise Defect(
                    f"the market core stopped: error {self.arena[at.H_ERROR]}, "
                    f"detail {self.arena[at.H_ERROR_DETAIL]}, at {self.now_ns} ns"
                )

    def replay(self, replay: Callable[..., tuple[int, int]], *stream: object) -> None:
        """Apply a whole stream of orders by a compiled replay (see `environment.market.stream`)."""
        code, done = at.TAPE_FULL, 0
        while code != at.DONE:
            code, done = replay(self.arena, *stream, done)
            if code == at.TAPE_FULL:
                self.flush_tape()
            elif code == at.NEED_ROOM:
                self.make_room()

    def take_out(self) -> list[list[int]]:
        """Return the rows waiting for actors, sixteen words each, and forget them."""
        words = self._words
        count = words[at.H_OUT_COUNT]
        if count == 0:
            return []
        first = words[at.H_OFFSET + at.S_OUT]
        words[at.H_OUT_COUNT] = 0
        flat = words[first : first + 16 * count].tolist()
        return [flat[place : place + 16] for place in range(0, 16 * count, 16)]

    def flush_tape(self) -> None:
        """Hand the tape rows written so far to the sink."""
        count = int(self.arena[at.H_TAPE_COUNT])
        if count and self._on_tape is not None:
            self._on_tape(self.section(at.S_TAPE)[:count].copy())
        self.arena[at.H_TAPE_COUNT] = 0

    # --- room -------------------------------------------------------------------------------------

    def room(self, section: int, rows: int) -> None:
        """Let a section have at least so many rows."""
        if rows > self.arena[at.H_CAPACITY + section]:
            self.arena = grow(self.arena, section, rows + rows // 2)

    def room_to_post(self) -> None:
        """Make room for one more order and the events of sending it."""
        words = self._words
        if words[at.H_HEAP_COUNT] + 8 > words[at.H_CAPACITY + at.S_HEAP]:
            self.room(at.S_HEAP, words[at.H_HEAP_COUNT] + 8)
        if words[at.H_ORDER_FREE] == at.NONE:
            bump = words[at.H_ORDER_BUMP]
            if bump + 1 > words[at.H_CAPACITY + at.S_ORDER]:
                self.room(at.S_ORDER, bump + 1)
                self.room(at.S_COLD, bump + 1)

    def make_room(self) -> None:
        """Grow the section that compiled code has found too small."""
        section, rows = int(self.arena[at.H_NEED_SECTION]), int(self.arena[at.H_NEED_ROWS])
        if section == at.S_TAPE and self.arena[at.H_TAPE_COUNT] > 0:
            self.flush_tape()
            rows -= int(self.arena[at.H_TAPE_COUNT])
        if section == at.S_HOLDING:
            option_rows.grow_holdings(self, rows)
            return
        if section == at.S_ORDER:
            self.room(at.S_COLD, rows)
        self.room(section, rows)
