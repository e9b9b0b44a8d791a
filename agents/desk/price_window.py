"""The prices that an instrument has had within a time: what a slow walk away is measured by."""

import msgspec

Heard = tuple[int, int]  # When, and twice the price in ticks, which is whole for mids too.


class PriceWindow(msgspec.Struct):
    """Lowest and highest mid or print of the last `span_ns`; a mid holds until the next is heard.

    `lows` rise and `highs` fall from the oldest on: what a later price has outdone can never again
    be the extreme, so each price is put in and taken out once.
    """

    span_ns: int
    held: int | None = None  # Twice the mid that holds now.
    lows: list[Heard] = []
    highs: list[Heard] = []

    def hear(self, twice_mid: int | None, print_ticks: int | None, now_ns: int) -> None:
        """Take a touch in, and a print if there was one."""
        if self.held is not None:
            self._note(self.held, now_ns)
        if twice_mid is not None:
            self.held = twice_mid
            self._note(twice_mid, now_ns)
        if print_ticks is not None:
            self._note(2 * print_ticks, now_ns)

    def lowest(self, now_ns: int) -> float | None:
        """Return the lowest price within the time, in ticks, or None where none was heard."""
        found = self._first(self.lows, now_ns)
        if found is None or (self.held is not None and self.held < found):
            found = self.held
        return None if found is None else found / 2.0

    def highest(self, now_ns: int) -> float | None:
        """Return the highest price within the time, in ticks, or None where none was heard."""
        found = self._first(self.highs, now_ns)
        if found is None or (self.held is not None and self.held > found):
            found = self.held
        return None if found is None else found / 2.0

    def _first(self, heard: list[Heard], now_ns: int) -> int | None:
        for at_ns, twice in heard:
            if at_ns >= now_ns - self.span_ns:
                return twice
        return None

    def _note(self, twice: int, now_ns: int) -> None:
        lows, highs = self.lows, self.highs
        while lows and lows[-1][1] >= twice:
            lows.pop()
        while highs and highs[-1][1] <= twice:
            highs.pop()
        for heard in (lows, highs):
            heard.append((now_ns, twice))
            while heard[0][0] < now_ns - self.span_ns:
                del heard[0]
