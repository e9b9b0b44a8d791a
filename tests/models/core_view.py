"""The compiled core, read back as plain values, and its own books checked against themselves."""

from typing import Any

from environment.market import layout as at
from environment.market.market import Market
from tests.models.order_book import Event

KINDS = {
    at.K_REST: "rest", at.K_FILL: "fill", at.K_CANCEL: "cancel", at.K_REFUSE: "refuse",
    at.K_REDUCE: "reduce", at.K_REFILL: "refill", at.K_MOVE: "move", at.K_TRIGGER: "trigger",
}  # fmt: skip


def limit(price: int) -> int | None:
    """Return a limit, or None for the price that stands for none."""
    return price if -at.MAX_PRICE < price < at.MAX_PRICE else None


def tape_event(row: list[int]) -> Event | None:
    """Return one row of the tape in the words of the model."""
    kind, identity, quantity = row[at.T_KIND], row[at.T_ORDER], row[at.T_QUANTITY]
    if kind not in KINDS:
        return None
    event: dict[int, Event] = {
        at.K_REST: (identity, quantity, row[at.T_LEAVES], row[at.T_AHEAD]),
        at.K_CANCEL: (identity, quantity, row[at.T_LIQUIDITY]),
        at.K_REFUSE: (identity, row[at.T_LIQUIDITY]),
        at.K_REDUCE: (identity, quantity),
        at.K_REFILL: (identity, quantity),
        at.K_MOVE: (identity, limit(row[at.T_PRICE]), quantity),
        at.K_TRIGGER: (identity,),
    }
    if kind == at.K_FILL:
        half = row[at.T_LIQUIDITY] // at.HALF_TICK
        how = row[at.T_LIQUIDITY] % at.HALF_TICK
        price = row[at.T_PRICE] + half / 2
        return ("fill", identity, row[at.T_COUNTERPARTY], price, quantity, row[at.T_LEAVES], how)
    return (KINDS[kind], *event[kind])


class CoreView:
    """One instrument of a core, with every link followed and every count taken again."""

    def __init__(self, market: Market, instrument: int = 0) -> None:
        self.market = market
        self.header = market.arena[: at.HEADER_WORDS].tolist()
        bump = self.header[at.H_ORDER_BUMP]
        self.orders: list[list[int]] = market.section(at.S_ORDER)[:bump].tolist()
        self.cold: list[list[int]] = market.section(at.S_COLD)[:bump].tolist()
        self.ins: list[int] = market.section(at.S_INSTRUMENT)[instrument].tolist()

    def identity(self, slot: int) -> int:
        """Return a public order id."""
        return self.cold[slot][at.C_GENERATION] << 32 | slot

    def state(self, slot: int) -> int:
        """Return where an order is."""
        return self.orders[slot][at.O_META] >> at.STATE_SHIFT & 15

    def chain(self, head: int, tail: int) -> list[int]:
        """Return the slots of a list; its links must agree in both directions."""
        slot, before, found = head - 1, at.NONE, []
        while slot != at.NONE:
            assert self.orders[slot][at.O_PREVIOUS] == before
            found.append(slot)
            before, slot = slot, self.orders[slot][at.O_NEXT]
        assert tail - 1 == before
        return found

    def listed(self, which: int, side: int) -> list[int]:
        """Return the slots in one of an instrument's lists."""
        first = which + 2 * side
        return self.chain(self.ins[first], self.ins[first + 1])

    def book(self, side: int) -> dict[int, list[int]]:
        """Return the slots at each price in the order in which they trade."""
        market, width = self.market, self.ins[at.I_WIDTH]
        first = self.ins[at.I_LEVELS + side]
        levels = market.section(at.S_LEVEL)[first : first + width]
        bits = self.ins[at.I_BITS + side]
        words: list[int] = market.section(at.S_BITMAP)[bits : bits + (width >> 6), 0].tolist()
        found = dict[int, list[int]]()
        for index in levels[:, 3].nonzero()[0].tolist():
            head, tail, visible, count, hidden_head, hidden_tail, hidden, _ = levels[index].tolist()
            shown, unseen = self.chain(head, tail), self.chain(hidden_head, hidden_tail)
            assert visible == sum(self.orders[s][at.O_LEAVES] for s in shown)
            assert hidden == sum(self.orders[s][at.O_LEAVES] for s in unseen)
            assert count == len(shown) + len(unseen)
            for queue in (shown, unseen):
                times = [self.orders[slot][at.O_SEQUENCE] for slot in queue]
                assert times == sorted(set(times))
            found[self.ins[at.I_BASE + side] + index] = shown + unseen
        set_bits = {64 * w + b for w, word in enumerate(words) for b in range(64) if word >> b & 1}
        assert set_bits == {price - self.ins[at.I_BASE + side] for price in found}
        edge = at.NO_BID if side == at.BUY else at.NO_ASK
        best = max(found, default=edge) if side == at.BUY else min(found, default=edge)
        assert self.ins[at.I_BEST + side] == best
        return found | self._far(side, found)

    def _far(self, side: int, near: dict[int, list[int]]) -> dict[int, list[int]]:
        far = dict[int, list[int]]()
        slots = self.listed(at.I_FAR, side)
        for slot in sorted(slots, key=self.priority):
            far.setdefault(self.orders[slot][at.O_PRICE], []).append(slot)
        base = self.ins[at.I_BASE + side]
        for price in far:
            # Whoever waits outside is behind everybody inside.
            assert price < base if side == at.BUY else price >= base + self.ins[at.I_WIDTH]
        assert near or not far
        return far

    def priority(self, slot: int) -> tuple[int, int]:
        """Return an order's place at its price: displayed before hidden, then time."""
        row = self.orders[slot]
        return row[at.O_META] >> at.FLAG_SHIFT & at.F_HIDDEN, row[at.O_SEQUENCE]

    def check(self) -> None:
        """Check all that must hold after any event."""
        header = self.header
        states = [self.state(slot) for slot in range(len(self.orders))]
        waiting = {at.RESTING, at.FAR, at.PEGGED, at.AUCTION_WAITING, at.STOP_WAITING}
        live = [s for s, state in enumerate(states) if state in waiting]
        assert header[at.H_LIVE_ORDERS] == len(live)
        assert header[at.H_STOPS] == states.count(at.STOP_WAITING)
        assert header[at.H_PEGS] == states.count(at.PEGGED)
        assert self.ins[at.I_FAR_COUNT] == states.count(at.FAR)
        slices = 0
        for slot in live:
            row, cold = self.orders[slot], self.cold[slot]
            assert row[at.O_LEAVES] > 0
            assert row[at.O_RESERVE] >= 0
            left = row[at.O_LEAVES] + row[at.O_RESERVE]
            assert cold[at.C_TOTAL] == cold[at.C_FILLED] + left
            if states[slot] != at.STOP_WAITING:
                slices += 1 - (-row[at.O_RESERVE] // max(cold[at.C_DISPLAY], 1))
        assert header[at.H_LIVE_SLICES] == slices
        assert self.ins[at.I_TRIGGERED] == 0
        self._check_accounts(live)

    def _check_accounts(self, live: list[int]) -> None:
        accounts: Any = self.market.section(at.S_ACCOUNT)
        assert int(accounts[:, at.A_CASH].sum()) == 0
        assert int(self.market.section(at.S_POSITION)[:, at.P_QUANTITY].sum()) == 0
        for number in range(at.FIRST_ACCOUNT, len(accounts)):
            row, own = accounts[number].tolist(), []
            slot = row[at.A_FIRST_ORDER] - 1
            while slot != at.NONE:
                own.append(slot)
                slot = self.cold[slot][at.C_ACCOUNT_NEXT]
            assert row[at.A_LIVE] == len(own)
            assert sorted(own) == [s for s in live if self.orders[s][at.O_ACCOUNT] == number]
