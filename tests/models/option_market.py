"""The options market said obviously: one list of entries, everything searched, nothing indexed.

Series, dealers and packages by small numbers. Prices, lots and nanoseconds are integers. It shares
no code with the core but the names of its codes.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from environment.market import layout as at

DRILL = ((200, 25), (500, 40), (1_000, 50), (2_000, 80))
MULTIPLIER = 100
NOBODY = -1


@dataclass
class Entry:
    """An order or one side of a quote that stands in a book."""

    account: int
    series: int
    side: int
    price: int
    lots: int
    time: int
    identity: int = 0
    dealer: int = NOBODY

    @property
    def key(self) -> tuple[int, int]:
        """Return its place in the queue of its side."""
        return (-self.price if self.side == at.BUY else self.price, self.time)


@dataclass
class Stop:
    """An order that waits for the quote; it then takes what it may at any price."""

    account: int
    series: int
    side: int
    stop: int
    lots: int
    time: int
    identity: int


@dataclass
class Package:
    """A package that waits; legs by rising series, the first one bought."""

    account: int
    legs: tuple[tuple[int, int], ...]
    side: int
    price: int
    units: int
    time: int
    identity: int
    done: int = 0
    is_waiting: bool = False


@dataclass
class Dealer:
    """What the venue keeps of a dealer."""

    account: int
    contracts_max: int
    delta_max: int
    window: int
    armed: bool = True
    is_tripped: bool = False
    fills: deque[tuple[int, int, int]] = field(default_factory=deque)
    delta: dict[int, int] = field(default_factory=dict)


class OptionMarket:
    """What should happen, event by event."""

    def __init__(self, series: int, dealers: dict[int, Dealer], stocks: int = 1) -> None:
        self.count, self.dealers, self.stocks = series, dealers, stocks
        self.now = self.clock = 0
        self.entries: list[Entry] = []
        self.stops: list[Stop] = []
        self.packages: list[Package] = []
        self.seen: list[tuple[tuple[int, int], ...]] = []
        self.stale: list[tuple[tuple[int, int], ...]] = []
        self.is_open = True
        self.held: dict[tuple[int, int], int] = defaultdict(int)
        self.cash: dict[int, int] = defaultdict(int)
        self.volume: dict[int, int] = defaultdict(int)
        self.shown: dict[int, tuple[object, ...]] = {k: self._show(k) for k in range(series)}

    # --- looking ---------------------------------------------------------------------------------

    def queue(self, series: int, side: int) -> list[Entry]:
        """Return one side of a book, best first."""
        found = [e for e in self.entries if (e.series, e.side) == (series, side)]
        return sorted(found, key=lambda entry: entry.key)

    def touch(self, series: int, side: int) -> tuple[int, int] | None:
        """Return (price, lots) of the best level, or None."""
        queue = self.queue(series, side)
        if not queue:
            return None
        return queue[0].price, sum(e.lots for e in queue if e.price == queue[0].price)

    def _show(self, series: int) -> tuple[object, ...]:
        return (self.touch(series, at.BUY), self.touch(series, at.SELL), self.volume[series])

    def tick(self) -> int:
        """Return the next place in time priority."""
        self.clock += 1
        return self.clock

    # --- trading ---------------------------------------------------------------------------------

    def _book(self, entry: Entry, account: int, lots: int) -> None:
        sign = 1 if entry.side == at.BUY else -1
        for who, signed in ((entry.account, sign * lots), (account, -sign * lots)):
            self.held[who, entry.series] += signed
            self.cash[who] -= signed * entry.price * MULTIPLIER
        self.volume[entry.series] += lots
        entry.lots -= lots
        if not entry.lots:
            self.entries.remove(entry)

    def _note(self, dealer: int, series: int, signed: int) -> None:
        who = self.dealers[dealer]
        while who.fills and who.fills[0][0] <= self.now - who.window:
            who.fills.popleft()
        who.fills.append((self.now, abs(signed), signed * MULTIPLIER * who.delta.get(series, 0)))
        contracts = sum(fill[1] for fill in who.fills)
        delta = abs(sum(fill[2] for fill in who.fills))
        reached = contracts >= who.contracts_max or delta >= who.delta_max * 1_000_000
        if reached and who.armed:
            who.is_tripped = True

    def _take(self, account: int, series: int, side: int, lots: int, limit: int | None,
              dealer: int = NOBODY) -> tuple[int, bool]:  # fmt: skip
        """Trade up to a limit; return what is left, and whether an own order stopped it."""
        while lots:
            queue = self.queue(series, 1 - side)
            if not queue:
                break
            best = queue[0]
            if limit is not None and (best.price > limit if side == at.BUY else best.price < limit):
                break
            if best.account == account:
                return lots, True
            done = min(lots, best.lots)
            sign = 1 if side == at.BUY else -1
            self._book(best, account, done)
            if best.dealer != NOBODY:
                self._note(best.dealer, series, -sign * done)
            if dealer != NOBODY:
                self._note(dealer, series, sign * done)
            lots -= done
        return lots, False

    def _aggress(self, account: int, series: int, side: int, lots: int, price: int | None, tif: int,
                 identity: int) -> None:  # fmt: skip
        other, limit = self.touch(series, 1 - side), price
        drilled = False
        if other is not None:
            width = next((w for below, w in DRILL if other[0] < below), 100)
            worst = other[0] + width if side == at.BUY else max(other[0] - width, 1)
            if limit is None or (limit > worst if side == at.BUY else limit < worst):
                limit, drilled = worst, True
        left, stopped = self._take(account, series, side, lots, limit)
        if left and not stopped and not drilled and price is not None and tif != at.IOC:
            self.entries.append(Entry(account, series, side, price, left, self.tick(), identity))

    # --- events ----------------------------------------------------------------------------------

    def order(self, account: int, series: int, side: int, lots: int, price: int | None, tif: int,
              identity: int) -> None:  # fmt: skip
        """A limit or market order arrives."""
        if self.is_open:
            self._aggress(account, series, side, lots, price, tif, identity)
            self.follow(series)

    def stop(self, account: int, series: int, side: int, stop: int, lots: int,
             identity: int) -> None:  # fmt: skip
        """A stop arrives; the quote on its own side sets it off."""
        if not self.is_open:
            return
        waiting = Stop(account, series, side, stop, lots, self.tick(), identity)
        if self._reached(waiting):
            self._aggress(account, series, side, lots, None, at.IOC, identity)
        else:
            self.stops.append(waiting)
        self.follow(series)

    def cancel(self, account: int, identity: int) -> None:
        """A cancel arrives."""
        self.stops = [s for s in self.stops if (s.account, s.identity) != (account, identity)]
        for entry in list(self.entries):
            if (entry.account, entry.identity) == (account, identity) and entry.dealer == NOBODY:
                self.entries.remove(entry)
                self.follow(entry.series)

    def quote(self, number: int, rows: Sequence[tuple[int, ...]]) -> None:
        """A mass quote arrives: (series, bid, lots, ask, lots, delta)."""
        dealer = self.dealers[number]
        for series, bid, bid_lots, ask, ask_lots, delta in rows:
            if not dealer.armed:
                continue
            dealer.delta[series] = delta
            if bid_lots and ask_lots and bid >= ask:
                continue
            if not self.is_open and (bid_lots or ask_lots):
                continue
            if self._set(number, series, ((at.BUY, bid, bid_lots), (at.SELL, ask, ask_lots))):
                self.follow(series)

    def _set(self, number: int, series: int, sides: tuple[tuple[int, int, int], ...]) -> bool:
        dealer, fresh, changed = self.dealers[number], [], False
        for side, price, lots in sides:
            old = next((e for e in self.queue(series, side) if e.dealer == number), None)
            if old is not None and old.price == price and 0 < lots <= old.lots:
                changed = changed or lots < old.lots
                old.lots = lots
                continue
            if old is not None:
                self.entries.remove(old)
            if lots:
                fresh.append((side, price, lots))
            changed = changed or old is not None or bool(lots)
        for side, price, lots in fresh:
            left, stopped = self._take(dealer.account, series, side, lots, price, number)
            if left and not stopped:
                entry = Entry(dealer.account, series, side, price, left, self.tick())
                entry.dealer = number
                self.entries.append(entry)
        return changed

    def purge(self, number: int, series: int | None) -> None:
        """A purge arrives, of one series or of all."""
        for k in range(self.count):
            if series in (None, k) and self._pull(number, k):
                self.follow(k)

    def _pull(self, number: int, series: int) -> bool:
        mine = [e for e in self.entries if (e.dealer, e.series) == (number, series)]
        self.entries = [e for e in self.entries if e not in mine]
        return bool(mine)

    def rearm(self, number: int) -> None:
        """A dealer arms again."""
        dealer = self.dealers[number]
        dealer.armed, dealer.is_tripped = True, False
        dealer.fills.clear()

    def halt(self, *, halted: bool) -> None:
        """The stock stops, or trades again; quotes leave, orders stay."""
        if self.is_open == halted:
            self.is_open = not halted
            if halted:
                self.entries = [e for e in self.entries if e.dealer == NOBODY]
            for series in range(self.count):
                self._settle(series)
            self.follow(None)

    # --- what follows ----------------------------------------------------------------------------

    def _reached(self, stop: Stop) -> bool:
        touch = self.touch(stop.series, stop.side)
        if touch is None:
            return False
        return touch[0] >= stop.stop if stop.side == at.BUY else touch[0] <= stop.stop

    def _settle(self, series: int) -> None:
        """Set off the stops that the quote has reached, and show the touch."""
        while self.is_open:
            due = [s for s in self.stops if s.series == series and self._reached(s)]
            if not due:
                break
            due.sort(key=lambda s: (s.side, s.stop if s.side == at.BUY else -s.stop, s.time))
            self.stops = [s for s in self.stops if s not in due]
            for one in due:
                self._aggress(one.account, series, one.side, one.lots, None, at.IOC, one.identity)
        if self._show(series) != self.shown[series]:
            self.shown[series] = self._show(series)
            for legs in reversed(self.seen):
                if any(leg[0] == series for leg in legs):
                    self._mark(legs)

    def _mark(self, legs: tuple[tuple[int, int], ...]) -> None:
        if legs not in self.stale and any(p.legs == legs for p in self.packages):
            self.stale.append(legs)

    def follow(self, series: int | None) -> None:
        """Let a change of a book have its consequences, until nothing more follows."""
        if series is not None:
            self._settle(series)
        while True:
            tripped = [n for n, d in self.dealers.items() if d.is_tripped and d.armed]
            if tripped:
                self.dealers[tripped[0]].armed = False
                for k in range(self.count):
                    if self._pull(tripped[0], k):
                        self._settle(k)
            elif self.stale:
                legs = self.stale.pop()
                if self._run(legs):
                    for k, _ in legs:
                        self._settle(k)
            else:
                return

    # --- packages --------------------------------------------------------------------------------

    def package(self, account: int, side: int, price: int, units: int,
                legs: tuple[tuple[int, int], ...], identity: int) -> None:  # fmt: skip
        """A day package arrives, its legs by rising series."""
        if legs[0][1] < 0:
            legs, side = tuple((k, -ratio) for k, ratio in legs), 1 - side
            price = -price
        if legs not in self.seen:
            self.seen.append(legs)
        if not self.is_open:
            return
        self._enter(Package(account, legs, side, price, units, 0, identity))

    def _enter(self, package: Package) -> None:
        stopped = self._trade(package)
        if package.units and not stopped:
            package.time, package.is_waiting = self.tick(), True
            self.packages.append(package)
        for k, _ in package.legs:
            self._settle(k)
        self.follow(None)

    def replace_package(self, account: int, identity: int, units: int, price: int | None,
                        *, turned: bool) -> None:  # fmt: skip
        """A package's replace arrives: total units and net price, as its legs were written."""
        mine = [p for p in self.packages if (p.account, p.identity) == (account, identity)]
        if not mine:
            return
        package = mine[0]
        net = package.price if price is None else -price if turned else price
        left = units - package.done
        if left <= 0:
            self.packages.remove(package)
        elif net == package.price and left <= package.units:
            package.units = left
        elif self.is_open:
            self.packages.remove(package)
            package.price, package.units, package.is_waiting = net, left, False
            self._enter(package)

    def cancel_package(self, account: int, identity: int) -> None:
        """A package's cancel arrives."""
        self.packages = [p for p in self.packages if (p.account, p.identity) != (account, identity)]

    def waiting(self, legs: tuple[tuple[int, int], ...], side: int) -> list[Package]:
        """Return the packages of one strategy and side, best first."""
        found = [p for p in self.packages if p.legs == legs and p.side == side]
        sign = -1 if side == at.BUY else 1
        return sorted(found, key=lambda p: (sign * p.price, p.time))

    def _run(self, legs: tuple[tuple[int, int], ...]) -> bool:
        traded = False
        for side in (at.BUY, at.SELL):
            queue = self.waiting(legs, side)
            if not queue:
                continue
            package, before = queue[0], queue[0].units
            stopped = self._trade(package)
            traded = traded or package.units < before
            if not package.units or stopped:
                if package in self.packages:
                    self.packages.remove(package)
                self._mark(legs)
        return traded

    def _trade(self, package: Package) -> bool:
        """Let a package trade; return whether it met one of its own account."""
        sign = 1 if package.side == at.BUY else -1
        while package.units and self.is_open:
            net, units = self._implied(package)
            others = self.waiting(package.legs, 1 - package.side)
            other = others[0] if others else None
            meets = other is not None and sign * other.price <= sign * package.price
            takes = units > 0 and sign * net <= sign * package.price
            if takes and not (meets and other is not None and sign * other.price < sign * net):
                self._trade_legs(package, min(units, package.units))
            elif meets and other is not None:
                if package.is_waiting and package.time < other.time:
                    return False  # The younger one comes, at the older one's price.
                if other.account == package.account:
                    return True
                if not self._fits(package.legs, other.price):
                    return False
                self._trade_packages(package, other)
            else:
                return False
        return False

    def _side_of(self, package_side: int, ratio: int) -> int:
        return package_side if ratio > 0 else 1 - package_side

    def _implied(self, package: Package) -> tuple[int, int]:
        net, units = 0, 1 << 40
        for series, ratio in package.legs:
            queue = self.queue(series, 1 - self._side_of(package.side, ratio))
            if not queue:
                return 0, 0
            net += ratio * queue[0].price
            lots = 0
            for entry in queue:
                if entry.price != queue[0].price or entry.account == package.account:
                    break
                lots += entry.lots
            units = min(units, lots // abs(ratio))
        return net, units

    def _trade_legs(self, package: Package, units: int) -> None:
        for series, ratio in package.legs:
            side = self._side_of(package.side, ratio)
            left, _ = self._take(package.account, series, side, units * abs(ratio), None)
            assert left == 0
        package.units -= units
        package.done += units

    def _trade_packages(self, package: Package, other: Package) -> None:
        units = min(package.units, other.units)
        for who, side in ((package, package.side), (other, other.side)):
            sign = 1 if side == at.BUY else -1
            self.cash[who.account] -= sign * units * other.price * MULTIPLIER
            for series, ratio in who.legs:
                self.held[who.account, series] += sign * ratio * units
        for series, ratio in package.legs:
            self.volume[series] += units * abs(ratio)
        for who in (package, other):
            who.units -= units
            who.done += units
        if not other.units:
            self.packages.remove(other)

    def _fits(self, legs: tuple[tuple[int, int], ...], net: int) -> bool:
        """Say whether two packages may trade: not through the legs, and at whole ticks."""
        for side in (at.BUY, at.SELL):
            bound, better = 0, False
            for series, ratio in legs:
                queue = self.queue(series, 1 - self._side_of(side, ratio))
                if not queue:
                    break
                bound += ratio * queue[0].price
                at_touch = (e for e in queue if e.price == queue[0].price)
                better = better or any(e.dealer == NOBODY for e in at_touch)
            else:
                if side == at.BUY and net > bound - better:
                    return False
                if side == at.SELL and net < bound + better:
                    return False
        ranges = []
        for series, _ in legs:
            bid, ask = self.touch(series, at.BUY), self.touch(series, at.SELL)
            low = bid[0] if bid is not None else 1
            high = ask[0] if ask is not None else low + 100_000
            ranges.append((low, high))
        return self._reachable(legs, ranges, net)

    def _reachable(self, legs: tuple[tuple[int, int], ...], ranges: list[tuple[int, int]],
                   net: int) -> bool:  # fmt: skip
        """Search every leg's prices but those of the leg with the widest range, which must fit."""
        ends = [
            sorted((a * ratio, b * ratio)) for (a, b), (_, ratio) in zip(ranges, legs, strict=True)
        ]
        if not sum(low for low, _ in ends) <= net <= sum(high for _, high in ends):
            return False
        order = sorted(range(len(legs)), key=lambda k: ranges[k][1] - ranges[k][0])
        *narrow, free = order
        if any(ranges[k][1] - ranges[k][0] > 200 for k in narrow):
            return True  # Two legs without an offer.
        for prices in product(*(range(ranges[k][0], ranges[k][1] + 1) for k in narrow)):
            rest = net - sum(p * legs[k][1] for p, k in zip(prices, narrow, strict=True))
            ratio, (low, high) = legs[free][1], ranges[free]
            if rest % ratio == 0 and low <= rest // ratio <= high:
                return True
        return False
