"""The order book through a day: its auctions, its bands at the open, the end of day orders."""

import math
from dataclasses import dataclass

from environment.market import layout as at
from tests.models.auction import auction_price
from tests.models.order import BOOK, CLOSE_LIST, NOWHERE, OPEN_LIST, SIGN, Order, limit_of
from tests.models.order_book import OrderBook

LASTING = {at.GTC, at.GTD}


@dataclass
class TradingDay(OrderBook):
    """An order book with phases."""

    last_close: int = 0
    tier: int = 0

    def change_phase(self, phase: int) -> None:
        """Enter a phase, with the auction that ends the one before."""
        if phase == at.CONTINUOUS:
            self.open()
        else:
            if self.phase == at.CLOSING_AUCTION:
                self.uncross(self.last or self.last_close)
                self.end_triggered()
            self.phase, self.bands = phase, None
        if phase == at.POST_CLOSE:
            for order in sorted(self.orders.values(), key=lambda o: o.identity & 0xFFFFFFFF):
                if order.tif not in LASTING or order.kind in {at.ON_OPEN, at.ON_CLOSE}:
                    self.cancel(order, at.R_DAY_END)
        self.settle_down()

    def end_triggered(self) -> None:
        """End the stops that the close set off, or let them wait for the next opening auction."""
        for order in self.triggered:
            if order.tif not in LASTING:
                self.cancel(order, at.R_DAY_END)
                continue
            self.events.append(("trigger", order.identity))
            order.mark = None
            order.kind = at.MARKET if order.price is None else at.LIMIT
            if order.price is None:
                self.wait(order, OPEN_LIST)
            else:
                self.rest(order)
        self.triggered.clear()

    def open(self) -> None:
        """Hold the opening auction and begin continuous trading."""
        reference = self.last_close or self.last
        price = self.uncross(reference)
        self.uncross_rest(price)
        self.phase = at.CONTINUOUS
        if price is None:
            middle = self.midpoint()
            price = reference if middle is None else math.floor(middle)
        if self.tier:
            width = (price * 5 + 50) // 100  # Tier 1 above $3.
            self.bands = (price - width, price + width)
            self.hold_to_bands(*self.bands)
        self.run_triggered()
        if self.last:
            self.watch(self.last, self.last_half)
            self.run_triggered()

    def hold_to_bands(self, lower: int, upper: int) -> None:
        """Bring resting orders outside the bands to them, best first, then by time."""
        for side, band in ((at.BUY, upper), (at.SELL, lower)):
            sign = SIGN[side]
            outside = [
                o for o in self.at_place(BOOK, side) if o.price and sign * (o.price - band) > 0
            ]
            for order in sorted(
                outside, key=lambda o: (-SIGN[o.side] * (o.price or 0), o.hidden, o.sequence)
            ):
                if order.flags & at.F_BAND_REFUSE:
                    self.cancel(order, at.R_BANDS)
                    continue
                order.place = NOWHERE
                order.leaves, order.reserve = order.total_leaves, 0
                self.reprice(order, band)
                self.rest(order)

    def auction_sides(self) -> tuple[list[Order], list[Order]]:
        """Return who takes part, in the sequence in which they trade."""
        sides = []
        for side in (at.BUY, at.SELL):
            closing = [CLOSE_LIST] if self.phase == at.CLOSING_AUCTION else []
            places = [OPEN_LIST, *closing, BOOK]
            part = [o for p in places for o in self.at_place(p, side)]
            part.sort(key=lambda o: (o.place == BOOK, -SIGN[o.side] * limit_of(o), o.sequence))
            sides.append(part)
        return sides[0], sides[1]

    def uncross(self, reference: int) -> int | None:
        """Hold an auction: trade at one price, cancel what waited for it alone."""
        collar = (max(reference - reference // 10, 1), reference + reference // 10)
        buys, sells = self.auction_sides()
        price = self.trade_at_one_price(buys, sells, collar, reference)
        if price is not None:
            self.watch(price, 0)
        for place in (OPEN_LIST, CLOSE_LIST):
            if place == CLOSE_LIST and self.phase != at.CLOSING_AUCTION:
                continue
            for order in self.at_place(place, at.BUY) + self.at_place(place, at.SELL):
                self.cancel(order, at.R_AUCTION_UNFILLED)
        return price

    def uncross_rest(self, reference: int | None) -> None:
        """Let better limits meet that limit-on-open orders have passed: a second round."""
        bid, ask = self.touch(at.BUY, shown=False), self.touch(at.SELL, shown=False)
        if reference is not None and bid is not None and ask is not None and bid >= ask:
            price = self.trade_at_one_price(*self.auction_sides(), (ask, bid), reference)
            self.watch(price or 0, 0)

    def trade_at_one_price(
        self, buys: list[Order], sells: list[Order], collar: tuple[int, int], reference: int
    ) -> int | None:
        """Find the price and let the two sides meet at it, one by one."""
        found = self.found(buys, sells, collar, reference)
        if found is None:
            return None
        price, volume = found
        for buy, sell, _ in pairs(buys, sells, price, volume):
            if self.must_part(buy, sell):
                self.part(buy, sell)
                return self.trade_at_one_price(*self.auction_sides(), collar, reference)
        for buy, sell, quantity in pairs(buys, sells, price, volume):
            for order in (buy, sell):
                beyond = max(quantity - order.leaves, 0)
                order.leaves, order.reserve = order.leaves + beyond, order.reserve - beyond
            self.trade(buy, sell, price, quantity, at.LIQ_AUCTION)
            self.after_fill(buy)
            self.after_fill(sell)
        return price

    def found(
        self, buys: list[Order], sells: list[Order], collar: tuple[int, int], reference: int
    ) -> tuple[int, int] | None:
        """Return price and volume, by a collar that gives way where it must."""
        found = None
        for lower, upper in (collar, self.crossed_range(collar)):
            found = auction_price(
                [(limit_of(o), o.total_leaves) for o in buys],
                [(limit_of(o), o.total_leaves) for o in sells],
                range(lower, upper + 1),
                reference,
            )
            if not leaves_crossed(buys, sells, found):
                break
        return found

    def must_part(self, buy: Order, sell: Order) -> bool:
        """Say whether two orders of one group may not meet: the younger's mode decides."""
        younger = max(buy, sell, key=lambda o: o.sequence)
        return self.groups[buy.account] == self.groups[sell.account] and younger.mode != at.ALLOW

    def part(self, buy: Order, sell: Order) -> None:
        """Take out, or lessen, two orders that may not meet."""
        older, younger = sorted((buy, sell), key=lambda o: o.sequence)
        if younger.mode == at.DECREMENT:
            quantity = min(older.total_leaves, younger.total_leaves)
            for order in (older, younger):
                if quantity == order.total_leaves:
                    self.cancel(order, at.R_SELF_TRADE)
                else:
                    self.shrink(order, quantity)
            return
        if younger.mode != at.CANCEL_NEWEST:
            self.cancel(older, at.R_SELF_TRADE)
        if younger.mode != at.CANCEL_OLDEST:
            self.cancel(younger, at.R_SELF_TRADE)

    def crossed_range(self, collar: tuple[int, int]) -> tuple[int, int]:
        """Return a collar widened to all prices at which the book itself is crossed."""
        bid, ask = self.touch(at.BUY, shown=False), self.touch(at.SELL, shown=False)
        if bid is None or ask is None or bid < ask:
            return collar
        return min(collar[0], ask), max(collar[1], bid)


def pairs(
    buys: list[Order], sells: list[Order], price: int, volume: int
) -> list[tuple[Order, Order, int]]:
    """Return who meets whom, for how much, when `volume` trades at `price`."""
    able = [[o for o in side if o.allows(price)] for side in (buys, sells)]
    left = {o.identity: o.total_leaves for side in able for o in side}
    met = list[tuple[Order, Order, int]]()
    while volume:
        buy, sell = able[0][0], able[1][0]
        quantity = min(volume, left[buy.identity], left[sell.identity])
        met.append((buy, sell, quantity))
        volume -= quantity
        for side in able:
            left[side[0].identity] -= quantity
            if left[side[0].identity] == 0:
                side.pop(0)
    return met


def leaves_crossed(buys: list[Order], sells: list[Order], found: tuple[int, int] | None) -> bool:
    """Say whether the resting orders that an auction would leave could still trade."""
    left = {o.identity: o.total_leaves for o in (*buys, *sells)}
    for buy, sell, quantity in pairs(buys, sells, *found) if found else []:
        left[buy.identity] -= quantity
        left[sell.identity] -= quantity
    bids = [o.price or 0 for o in buys if o.place == BOOK and left[o.identity]]
    asks = [o.price or 0 for o in sells if o.place == BOOK and left[o.identity]]
    return bool(bids and asks) and max(bids) >= min(asks)
