"""What the tape's numbers stand for: the names behind its codes, and the size of a tick."""

from typing import Literal

import msgspec

MICROS = 1_000_000
NO_PARENT = -1


class InstrumentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument as the tables show it; its row number is the tape's code."""

    symbol: str
    tick_micros: int  # Money of one tick of one unit.
    lot: int = 1  # Shares or contracts of one lot; of a coin, parts of it.
    unit_scale: int = 1  # Such parts in one coin.
    multiplier: int = 1
    kind: Literal["stock", "option"] = "stock"

    @property
    def micros_per_tick_lot(self) -> int:
        """Return the money that one lot gains when its price rises by one tick."""
        return self.tick_micros * self.lot * self.multiplier // self.unit_scale


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One account as the tables show it; its row number is the tape's code."""

    name: str
    population: str
    # A background account's orders are no parent orders of anybody's: TCA leaves them out.
    background: bool = False
    contra: bool = False


class NightFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A night of clearing: when its rows are written, and what companies did, in order.

    An action is instrument, numerator and denominator of a split, and the dividend in micros a lot.
    """

    time_ns: int
    actions: tuple[tuple[int, int, int, int], ...] = ()


class TapeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to read a tape without the run that wrote it."""

    instruments: tuple[InstrumentFacts, ...]
    accounts: tuple[AccountFacts, ...]
    zone: str = "America/New_York"
    # Session of one day in nanoseconds since 1970 UTC; the report's axis and the day's minutes.
    open_ns: int = 0
    close_ns: int = 0
    # Names of the parent orders; a parent's number on the tape is its place here.
    parents: tuple[str, ...] = ()
    # FILL rows hold the fee of the resting (buying) order in `ahead`, of the other in `parent`.
    fees_on_fills: bool = False
    nights: tuple[NightFacts, ...] = ()
    # What accounts held before the first event: account, instrument, lots.
    brought: tuple[tuple[int, int, int], ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the instruments' names, by code."""
        return tuple(instrument.symbol for instrument in self.instruments)

    @property
    def account_names(self) -> tuple[str, ...]:
        """Return the accounts' names, by code."""
        return tuple(account.name for account in self.accounts)

    @property
    def populations(self) -> tuple[str, ...]:
        """Return the accounts' populations, by account code."""
        return tuple(account.population for account in self.accounts)
