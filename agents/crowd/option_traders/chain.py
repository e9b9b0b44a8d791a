"""What everybody may know of the listed series: the crowd's own table, by name."""

from collections.abc import Sequence

from agents.crowd import option_rows as rows
from agents.crowd.rows import Floats


def reading(floats: Floats) -> "memoryview[float]":
    """Return an array's numbers to read alone: one takes a third of the time that numpy takes."""
    return memoryview(floats.data).toreadonly().cast("B").cast("d")


class Chain:
    """The series of one stock, by their place in the table that the option crowd shares.

    It reads the run's own table, and so says what holds on the day in hand. Money is in currency
    per share, rates per year, times in years from the day's open.

    Parameters
    ----------
    table
        As `option_rows` lays it out, for so many series and expiries.
    first
        The core's number of the first series; `symbols` are those of all instruments, by number.
    """

    def __init__(
        self, table: Floats, *, series: int, expiries: int, first: int, symbols: Sequence[str]
    ) -> None:
        self.table = table  # For compiled functions, which take it with a row.
        self.count, self.expiries = series, expiries
        self._floats = reading(table)
        self._first, self._symbols = first, symbols

    # --- where things stand in the table ----------------------------------------------------------

    def row(self, place: int) -> int:
        """Return where the words of a series begin."""
        return place * rows.SERIES_FLOATS

    def row_of_expiry(self, expiry: int) -> int:
        """Return where the words of an expiry begin."""
        return self.count * rows.SERIES_FLOATS + expiry * rows.EXPIRY_FLOATS

    def _of(self, place: int, word: int) -> float:
        return self._floats[place * rows.SERIES_FLOATS + word]

    def _neighbour(self, place: int, word: int) -> int | None:
        found = int(self._of(place, word))
        return found if found >= 0 else None

    # --- a series ---------------------------------------------------------------------------------

    def symbol(self, place: int) -> str:
        """Return the symbol that a series goes by now."""
        return self._symbols[self._first + place]

    def strike(self, place: int) -> float:
        """Return the strike."""
        return self._of(place, rows.K_STRIKE)

    def is_call(self, place: int) -> bool:
        """Return whether a series is a call."""
        return self._of(place, rows.K_CALL) > 0.5

    def expiry(self, place: int) -> int:
        """Return the number of the series' expiry; they ascend in time."""
        return int(self._of(place, rows.K_EXPIRY))

    def pair(self, place: int) -> int | None:
        """Return the other right at the same strike and expiry."""
        return self._neighbour(place, rows.K_PAIR)

    def next_strike(self, place: int) -> int | None:
        """Return the next strike above, of the same right and expiry."""
        return self._neighbour(place, rows.K_NEXT_STRIKE)

    def next_expiry(self, place: int) -> int | None:
        """Return the next expiry after, of the same right and strike."""
        return self._neighbour(place, rows.K_NEXT_EXPIRY)

    def multiplier(self, place: int) -> float:
        """Return the shares that a contract is about."""
        return self._of(place, rows.K_MULTIPLIER)

    def tick(self, place: int) -> float:
        """Return what a tick is worth a share."""
        return self._of(place, rows.K_TICK)

    def half_width_ticks(self, place: int, delta: float) -> float:
        """Return half of the spread that the chain was quoted with at a delta, in ticks."""
        width = rows.half_width(self.table, self.row_of_expiry(self.expiry(place)), delta)
        return width / self._of(place, rows.K_TICK)

    def increment(self, place: int, ticks: float) -> int:
        """Return the increment of a series' prices at a price, in ticks."""
        return rows.increment(self.table, self.row(place), ticks)

    # --- its expiry -------------------------------------------------------------------------------

    def years(self, expiry: int) -> float:
        """Return the time from the day's open to an expiry; 0 or less once it is over."""
        return self._floats[self.row_of_expiry(expiry) + rows.X_YEARS]

    def at_the_money(self, expiry: int) -> float:
        """Return the first morning's volatility at the money; 0 of what was listed later."""
        return self._floats[self.row_of_expiry(expiry) + rows.X_SIGMA]

    def rate(self, expiry: int) -> float:
        """Return the continuously compounded rate to an expiry."""
        return self._floats[self.row_of_expiry(expiry) + rows.X_RATE]

    def dividends(self, expiry: int) -> float:
        """Return the cash that goes ex before an expiry."""
        return self._floats[self.row_of_expiry(expiry) + rows.X_DIVIDENDS]

    @property
    def listings(self) -> float:
        """How often series were added to the table: see `option_growth`."""
        return self.rate(self.expiries - 1)

    def is_alive(self, place: int) -> bool:
        """Return whether a series still trades on this day."""
        return self.years(self.expiry(place)) > 0.0
