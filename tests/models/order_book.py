"""One instrument's continuous market by price-time priority, as plainly as it can be said.

Every live order stands in one dictionary; each question is answered by looking at all of them.
What happens is written to `events` in the order and in the words of the exchange's tape.
"""

import copy
import math
from dataclasses import dataclass, field
from typing import Final

from environment.market import layout as at
from tests.models.order import BOOK, CLOSE_LIST, NOWHERE, OPEN_LIST, PEG, SIGN, STOP, STOPS, Order

ACCEPTING: Final = {at.PRE_OPEN, at.CONTINUOUS, at.CLOSING_AUCTION}
Event = tuple[object, ...]


@dataclass
class OrderBook:
    """The book, its rules, and what accounts own."""

    groups: dict[int, int]
    phase: int = at.CLOSED
    now: int = 0
    last: int = 0
    last_half: int = 0
    bands: tuple[int, int] | None = None
    sequence: int = 0
    orders: dict[int, Order] = field(default_factory=dict)
    triggered: list[Order] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    shares: dict[int, int] = field(default_factory=dict)
    half_ticks: dict[int, int] = field(default_factory=dict)  # Money, in half ticks.

    # --- looking ---------------------------------------------------------------------------------

    def at_place(self, place: str, side: int) -> list[Order]:
        """Return the orders that wait somewhere, by time."""
        found = [o for o in self.orders.values() if o.place == place and o.side == side]
        return sorted(found, key=lambda o: o.sequence)

    def queue(self, side: int, price: int) -> list[Order]:
        """Return the orders at a price: displayed before hidden, then by time."""
        found = [o for o in self.at_place(BOOK, side) if o.price == price]
        return sorted(found, key=lambda o: o.hidden)

    def touch(self, side: int, *, shown: bool = True) -> int | None:
        """Return the best price of a side, of displayed orders or of all."""
        prices = [o.price for o in self.at_place(BOOK, side) if not (shown and o.hidden)]
        known = [p for p in prices if p is not None]
        return max(known, key=lambda p: SIGN[side] * p, default=None)

    def midpoint(self) -> float | None:
        """Return the middle of the displayed touch."""
        bid, ask = self.touch(at.BUY), self.touch(at.SELL)
        return None if bid is None or ask is None or bid >= ask else (bid + ask) / 2

    def next_maker(
        self, taker: Order, limit: float | None, *, at_midpoint: bool
    ) -> tuple[Order, float] | None:
        """Return the order that a taker meets next, and at what price.

        A midpoint order trades at the midpoint or better, and only with what nobody sees.
        """
        sign, found = SIGN[taker.side], []
        middle = self.midpoint()
        inside = middle is not None and (
            self.bands is None or self.bands[0] <= middle <= self.bands[1]
        )
        for order in self.orders.values():
            price: float | None = order.price
            if order.side == taker.side or order.place not in {BOOK, PEG}:
                continue
            if order.place == PEG:
                price = middle if inside and middle is not None and order.allows(middle) else None
            elif at_midpoint and not (
                inside and middle is not None and order.hidden and taker.allows(middle)
                and order.allows(middle)
            ):  # fmt: skip
                price = None
            if price is not None and (limit is None or sign * (limit - price) >= 0):
                unseen = order.hidden or order.place == PEG
                found.append((sign * price, unseen, order.sequence, order.identity))
        if not found:
            return None
        best = min(found)
        return self.orders[best[3]], sign * best[0]

    # --- orders, cancels, replaces ---------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Let an order arrive."""
        reason = self.fault(order)
        if reason is not None:
            self.events.append(("refuse", order.identity, reason))
            return
        self.orders[order.identity] = order
        self.enter(order)
        self.settle_down()

    def fault(self, order: Order) -> int | None:
        """Return why an order is turned away."""
        at_once = order.tif in {at.IOC, at.FOK}
        if self.phase not in ACCEPTING or (at_once and self.phase != at.CONTINUOUS):
            return at.R_PHASE
        if order.tif == at.FOK and order.kind not in {at.LIMIT, at.MARKET}:
            return at.R_BAD_ORDER
        if order.tif == at.GTD and order.expire <= self.now:
            return at.R_EXPIRED
        if order.kind == at.ON_OPEN and self.phase != at.PRE_OPEN:
            return at.R_AUCTION_OVER
        if order.flags & (at.F_POST_REFUSE | at.F_POST_SLIDE) and order.kind != at.LIMIT:
            return at.R_BAD_ORDER
        return at.R_BAD_ORDER if order.hidden and order.display > 0 else None

    def cancel_request(self, account: int, identity: int) -> None:
        """Let a cancel arrive."""
        order = self.orders.get(identity)
        if order is not None and order.account == account:
            self.cancel(order, at.R_REQUESTED)
            self.settle_down()

    def cancel_all(self, account: int) -> None:
        """Let a cancel of everything arrive: in the order in which the account entered."""
        for order in [o for o in self.orders.values() if o.account == account]:
            self.cancel(order, at.R_REQUESTED)
        self.settle_down()

    def replace(self, account: int, identity: int, quantity: int, price: int) -> None:
        """Let a replace arrive; `quantity` is the new total, price 0 keeps the old one."""
        order = self.orders.get(identity)
        if order is None or order.account != account:
            return
        old, leaves = order.total_leaves, quantity - order.filled
        wanted = price or order.price
        if leaves <= 0:
            self.cancel(order, at.R_BELOW_FILLED)
        elif wanted is not None and order.kind in {at.MARKET, at.STOP}:
            return  # Refused: these have no limit.
        elif wanted == order.price and leaves <= old:
            if leaves < old:
                self.shrink(order, old - leaves)
        elif self.phase in ACCEPTING:
            order.place, order.price = NOWHERE, wanted
            order.leaves, order.reserve, order.mark = leaves, 0, None
            self.events.append(("move", identity, wanted, leaves))
            self.enter(order)
        self.settle_down()

    def expire_due(self) -> None:
        """End the good-till-date orders whose time has come."""
        due = [o for o in self.orders.values() if o.tif == at.GTD and o.expire <= self.now]
        for order in sorted(due, key=lambda o: o.expire):
            if order.identity in self.orders:
                self.cancel(order, at.R_EXPIRED)
                self.settle_down()

    def cancel(self, order: Order, reason: int) -> None:
        """Take an order out."""
        self.events.append(("cancel", order.identity, order.total_leaves, reason))
        del self.orders[order.identity]

    def shrink(self, order: Order, quantity: int) -> None:
        """Make an order smaller in its place: its reserve first."""
        from_reserve = min(quantity, order.reserve)
        order.reserve -= from_reserve
        order.leaves -= quantity - from_reserve
        self.events.append(("reduce", order.identity, quantity))

    # --- acting ----------------------------------------------------------------------------------

    def enter(self, order: Order) -> None:
        """Let an order act, or wait for an auction."""
        trading = self.phase == at.CONTINUOUS
        closing = self.phase == at.CLOSING_AUCTION
        if order.kind == at.ON_CLOSE or (order.kind == at.MARKET and closing):
            self.wait(order, CLOSE_LIST)
        elif order.kind == at.ON_OPEN or (order.kind == at.MARKET and not trading):
            self.wait(order, OPEN_LIST)
        elif order.kind in STOPS:
            if trading and self.is_set_off(order):
                self.trigger(order)
            else:
                self.wait(order, STOP)
                order.mark = self.print_for(order.side) if self.last else None
        elif not trading:
            self.rest(order)
        elif order.kind == at.MIDPOINT:
            goes_on = self.match(order, order.price, at_midpoint=True)
            self.end(order, ends=order.tif == at.IOC, goes_on=goes_on, reason=at.R_IOC)
        else:
            self.take(order)

    def wait(self, order: Order, place: str) -> None:
        """Let an order wait somewhere, behind all others."""
        self.sequence += 1
        order.place, order.sequence = place, self.sequence
        if place in {OPEN_LIST, CLOSE_LIST}:
            self.events.append(("rest", order.identity, order.leaves, 0, -1))

    def rest(self, order: Order) -> None:
        """Let an order, or its remainder, join its queue."""
        leaves = order.leaves
        if 0 < order.display < leaves:
            order.leaves, order.reserve = order.display, leaves - order.display
        self.events.append(("rest", order.identity, leaves, order.leaves, self.ahead_of(order)))
        self.wait(order, PEG if order.kind == at.MIDPOINT else BOOK)

    def ahead_of(self, order: Order) -> int:
        """Return the lots in front of a newcomer: displayed ones, for a hidden order all."""
        if order.kind == at.MIDPOINT or order.price is None:
            return 0
        queue = [o for o in self.queue(order.side, order.price) if o is not order]
        return sum(o.leaves for o in queue if order.hidden or not o.hidden)

    def take(self, order: Order) -> None:
        """Let a limit or market order take what it may, and rest or end."""
        limit, sign = order.price, SIGN[order.side]
        if self.bands is not None:
            band = self.bands[1 if order.side == at.BUY else 0]
            if limit is None or sign * (limit - band) > 0:
                if order.flags & at.F_BAND_REFUSE and limit is not None:
                    self.cancel(order, at.R_BANDS)
                    return
                limit = band
                if order.price is not None:
                    self.reprice(order, band)
        if order.flags & (at.F_POST_REFUSE | at.F_POST_SLIDE):
            self.post(order)
        elif order.tif == at.FOK and not self.would_fill(order, limit):
            self.cancel(order, at.R_FOK)
        else:
            goes_on = self.match(order, limit, at_midpoint=False)
            at_once = order.price is None or order.tif in {at.IOC, at.FOK}
            reason = at.R_IOC if order.tif == at.IOC else at.R_NO_LIQUIDITY
            self.end(order, ends=at_once, goes_on=goes_on, reason=reason)

    def reprice(self, order: Order, price: int) -> None:
        """Give an order a price that the exchange chose."""
        order.price = price
        self.events.append(("move", order.identity, price, order.leaves))

    def post(self, order: Order) -> None:
        """Rest a post-only order, behind the other side's touch if it must and may slide."""
        best, sign = self.touch(1 - order.side, shown=False), SIGN[order.side]
        if best is not None and order.price is not None and sign * (order.price - best) >= 0:
            price = best - sign
            inside = self.bands is None or self.bands[0] <= price <= self.bands[1]
            if not order.flags & at.F_POST_SLIDE or not inside or price <= 0:
                self.cancel(order, at.R_POST_ONLY)
                return
            self.reprice(order, price)
        self.rest(order)

    def would_fill(self, order: Order, limit: int | None) -> bool:
        """Try an all-or-nothing order on a copy of everything."""
        trial = copy.deepcopy(self)
        taker = trial.orders[order.identity]
        trial.match(taker, limit, at_midpoint=False)
        return taker.filled - order.filled == order.leaves

    def end(self, order: Order, *, ends: bool, goes_on: bool, reason: int) -> None:
        """Rest the remainder of an order that acted, or end it."""
        if order.leaves == 0:
            del self.orders[order.identity]
        elif ends or not goes_on:
            self.cancel(order, at.R_SELF_TRADE if not goes_on else reason)
        else:
            self.rest(order)

    def match(self, taker: Order, limit: int | None, *, at_midpoint: bool) -> bool:
        """Trade until nothing is left or nobody is in reach. Say whether the order may go on."""
        while taker.leaves > 0:
            met = self.next_maker(taker, limit, at_midpoint=at_midpoint)
            if met is None:
                return True
            maker, price = met
            same = self.groups[maker.account] == self.groups[taker.account]
            if taker.mode != at.ALLOW and same:
                if not self.prevent(taker, maker):
                    return False
                continue
            quantity = min(taker.leaves, maker.leaves)
            how = at.LIQ_HIDDEN if maker.hidden else at.LIQ_DISPLAYED
            self.trade(
                maker, taker, price, quantity, at.LIQ_MIDPOINT if maker.place == PEG else how
            )
            self.after_fill(maker)
            self.watch(math.floor(price), int(price % 1 != 0))
        return True

    def prevent(self, taker: Order, maker: Order) -> bool:
        """Keep one group from trading with itself. Say whether the taker goes on."""
        goes_on = taker.mode == at.CANCEL_OLDEST
        if taker.mode == at.DECREMENT:
            quantity = min(taker.leaves, maker.total_leaves)
            goes_on = quantity < taker.leaves
            if goes_on:
                taker.leaves -= quantity
                self.events.append(("reduce", taker.identity, quantity))
            if quantity < maker.total_leaves:
                self.shrink(maker, quantity)
                return goes_on
        if taker.mode != at.CANCEL_NEWEST:
            self.cancel(maker, at.R_SELF_TRADE)
        return goes_on

    def trade(self, maker: Order, taker: Order, price: float, quantity: int, how: int) -> None:
        """Book one match."""
        for order in (maker, taker):
            sign, account = SIGN[order.side], order.account
            order.leaves -= quantity
            order.filled += quantity
            self.shares[account] = self.shares.get(account, 0) + sign * quantity
            paid = sign * int(2 * price) * quantity
            self.half_ticks[account] = self.half_ticks.get(account, 0) - paid
        self.last, self.last_half = math.floor(price), int(price % 1 != 0)
        ids = (maker.identity, taker.identity)
        self.events.append(("fill", *ids, price, quantity, maker.total_leaves, how))

    def after_fill(self, order: Order) -> None:
        """Show the next slice of an emptied order at the back, or end it."""
        if order.leaves > 0:
            return
        if order.reserve == 0:
            del self.orders[order.identity]
            return
        order.leaves = min(order.display, order.reserve)
        order.reserve -= order.leaves
        self.sequence += 1
        order.sequence = self.sequence
        self.events.append(("refill", order.identity, order.leaves))

    # --- stops and pegs --------------------------------------------------------------------------

    def print_for(self, side: int) -> int:
        """Return the last print as a stop of a side sees it: half a tick counts for the stop."""
        return self.last + (self.last_half if side == at.SELL else 0)

    def is_set_off(self, order: Order) -> bool:
        """Say whether the last print has already reached an arriving stop."""
        if self.last == 0 or order.kind == at.TRAILING_STOP:
            return False
        return SIGN[order.side] * (self.print_for(order.side) - order.stop) >= 0

    def watch(self, price: int, half: int) -> None:
        """Move trailing marks to a print, and queue the stops it sets off, nearest first."""
        for side in (at.BUY, at.SELL):
            x, sign = price + (half if side == at.SELL else 0), SIGN[side]
            waiting = self.at_place(STOP, side)
            for order in waiting:
                if order.kind == at.TRAILING_STOP:
                    known = order.mark if order.mark is not None else x
                    order.mark = min(known, x) if side == at.BUY else max(known, x)
            gone = [o for o in waiting if sign * (x - o.trigger) >= 0]
            for order in sorted(gone, key=lambda o: (SIGN[o.side] * o.trigger, o.sequence)):
                order.place = NOWHERE
                self.triggered.append(order)

    def trigger(self, order: Order) -> None:
        """A stop goes off."""
        self.events.append(("trigger", order.identity))
        order.mark = None
        order.kind = at.MARKET if order.price is None else at.LIMIT
        self.take(order)

    def run_triggered(self) -> None:
        """Let the stops that went off act; their trades may set off others."""
        while self.triggered and self.phase == at.CONTINUOUS:
            self.trigger(self.triggered.pop(0))

    def settle_down(self) -> None:
        """After an event: stops, then pegs that can meet each other, until nothing moves."""
        if self.phase == at.CONTINUOUS:
            self.run_triggered()
            while self.meet_pegs():
                self.run_triggered()

    def meet_pegs(self) -> bool:
        """Let the younger of two orders that a midpoint brought together act, if there are two."""
        middle = self.midpoint()
        for side in (at.BUY, at.SELL):
            able = [o for o in self.at_place(PEG, side) if middle is not None and o.allows(middle)]
            met = self.next_maker(able[0], able[0].price, at_midpoint=True) if able else None
            if met is not None:
                self.act_again(max(able[0], met[0], key=lambda o: o.sequence))
                return True
        return False

    def act_again(self, order: Order) -> None:
        """Let a waiting order take what has come within its reach."""
        order.place = NOWHERE
        order.leaves, order.reserve = order.total_leaves, 0
        goes_on = self.match(order, order.price, at_midpoint=order.kind == at.MIDPOINT)
        self.end(order, ends=False, goes_on=goes_on, reason=at.R_IOC)
