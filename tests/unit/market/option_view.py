"""One series of a core read back as plain values, its links and counts taken again."""

from typing import Any

from environment.market import layout as at
from environment.market.market import Market


class OptionView:
    """The books of one series, every link followed."""

    def __init__(self, market: Market, number: int) -> None:
        self.market, self.number = market, number
        bump = int(market.arena[at.H_ORDER_BUMP])
        self.orders: list[list[int]] = market.section(at.S_ORDER)[:bump].tolist()
        self.cold: list[list[int]] = market.section(at.S_COLD)[:bump].tolist()
        self.ins: list[int] = market.section(at.S_INSTRUMENT)[number].tolist()

    def state(self, slot: int) -> int:
        """Return where an order is."""
        return self.orders[slot][at.O_META] >> at.STATE_SHIFT & 15

    def queue(self, side: int) -> list[tuple[int, int, int]]:
        """Return (price, account, lots) of everything on a side, in order of execution."""
        first, width = self.ins[at.I_LEVELS + side], self.ins[at.I_WIDTH]
        levels: Any = self.market.section(at.S_LEVEL)[first : first + width]
        found = list[tuple[int, int, int]]()
        prices = []
        for index in levels[:, 3].nonzero()[0].tolist():
            head, tail, visible, count, hidden_head, _, hidden, _ = levels[index].tolist()
            slots = self._chain(head, tail)
            price = self.ins[at.I_BASE + side] + index
            rows = [self.orders[slot] for slot in slots]
            assert (hidden_head, hidden, count) == (0, 0, len(slots))
            assert visible == sum(row[at.O_LEAVES] for row in rows)
            assert {row[at.O_PRICE] for row in rows} == {price}
            for slot in slots:
                cold = self.cold[slot]
                assert cold[at.C_TOTAL] - cold[at.C_FILLED] == self.orders[slot][at.O_LEAVES]
            found += [(price, row[at.O_ACCOUNT], row[at.O_LEAVES]) for row in rows]
            prices.append(price)
        found += self._far(side)
        found.sort(key=lambda one: -one[0] if side == at.BUY else one[0])
        edge = at.NO_BID if side == at.BUY else at.NO_ASK
        best = (max if side == at.BUY else min)(prices, default=edge)
        assert self.ins[at.I_BEST + side] == best
        return found

    def _far(self, side: int) -> list[tuple[int, int, int]]:
        head, tail = self.ins[at.I_FAR + 2 * side : at.I_FAR + 2 * side + 2]
        rows = [self.orders[slot] for slot in self._chain(head, tail)]
        rows.sort(key=lambda row: row[at.O_SEQUENCE])
        return [(row[at.O_PRICE], row[at.O_ACCOUNT], row[at.O_LEAVES]) for row in rows]

    def _chain(self, head: int, tail: int) -> list[int]:
        slot, before, found = head - 1, at.NONE, []
        while slot != at.NONE:
            assert self.orders[slot][at.O_PREVIOUS] == before
            assert self.orders[slot][at.O_META] & 0xFFFF == self.number
            found.append(slot)
            before, slot = slot, self.orders[slot][at.O_NEXT]
        assert tail - 1 == before
        return found

    def stops(self) -> list[int]:
        """Return the ids of the stops that wait, sorted."""
        return sorted(
            self.cold[slot][at.C_GENERATION] << 32 | slot
            for slot, row in enumerate(self.orders)
            if row[at.O_META] & 0xFFFF == self.number and self.state(slot) == at.STOP_WAITING
        )
