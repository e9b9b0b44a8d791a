"""What a fill costs: an account's own schedule, and the regulators' charges of the day.

Charges are integers. Per lot they are micros; shares of notional are billionths, rounded once,
half-even; the charge per share sold is billionths of the currency. A rebate is a negative fee.
"""

from bisect import bisect_right
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from environment.errors import ConfigError
from environment.instruments import Instrument, half_even, to_micros

BILLION: Final = 1_000_000_000
_BASIS_POINT: Final = 100_000  # In billionths.

Liquidity = Literal["maker", "taker", "auction"]


class DatedRate(msgspec.Struct, frozen=True, kw_only=True):
    """A charge on sales from a day on."""

    first: date
    billionths: int  # Of notional, or of the currency per share or contract.
    cap_micros: int = 0  # Most that one trade pays; 0 for no cap.


def _per_million(first: date, dollars: str) -> DatedRate:
    return DatedRate(first=first, billionths=int(Decimal(dollars) * 1_000))


def _per_unit(first: date, dollars: str, cap: str = "0") -> DatedRate:
    return DatedRate(
        first=first, billionths=int(Decimal(dollars) * BILLION), cap_micros=to_micros(cap)
    )


# Section 31 of the Securities Exchange Act: dollars per million of covered sales.
SECTION_31: Final = (
    _per_million(date(2012, 4, 1), "22.40"),
    _per_million(date(2013, 5, 25), "17.40"),
    _per_million(date(2014, 3, 18), "22.10"),
    _per_million(date(2015, 2, 14), "18.40"),
    _per_million(date(2016, 2, 16), "21.80"),
    _per_million(date(2017, 7, 4), "23.10"),
    _per_million(date(2018, 5, 22), "13.00"),
    _per_million(date(2019, 4, 16), "20.70"),
    _per_million(date(2020, 2, 18), "22.10"),
    _per_million(date(2021, 2, 25), "5.10"),
    _per_million(date(2022, 5, 14), "22.90"),
    _per_million(date(2023, 2, 27), "8.00"),
    _per_million(date(2024, 5, 22), "27.80"),
    _per_million(date(2025, 5, 14), "0.00"),
)

# FINRA's trading activity fee on sales: per share with a cap per trade, and per contract.
ACTIVITY_SHARES: Final = (
    _per_unit(date(2012, 7, 1), "0.000119", "5.95"),
    _per_unit(date(2022, 1, 1), "0.000130", "6.49"),
    _per_unit(date(2023, 1, 1), "0.000145", "7.27"),
    _per_unit(date(2024, 1, 1), "0.000166", "8.30"),
)
ACTIVITY_CONTRACTS: Final = (
    _per_unit(date(2012, 7, 1), "0.002"),
    _per_unit(date(2022, 1, 1), "0.00218"),
    _per_unit(date(2023, 1, 1), "0.00244"),
    _per_unit(date(2024, 1, 1), "0.00279"),
)


def rate_on(table: tuple[DatedRate, ...], day: date) -> DatedRate:
    """Return the rate that holds on a day.

    Raises
    ------
    ConfigError
        If the day is before the table begins: a rate that is not known is not guessed.
    """
    place = bisect_right([rate.first for rate in table], day)
    if not place:
        raise ConfigError(
            f"no regulatory rate is known before {table[0].first}, and the day is {day};"
            " set regulatory = false"
        )
    return table[place - 1]


class FeeTier(msgspec.Struct, frozen=True, kw_only=True):
    """What holds from a traded volume on (lots, in the period that the venue counts)."""

    from_lots: int
    maker_per_unit: Decimal
    taker_per_unit: Decimal


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """An account's agreement with a venue.

    Attributes
    ----------
    maker_per_unit, taker_per_unit, auction_per_unit : Decimal
        Currency per share, contract or coin; negative where the venue pays.
    clearing_per_unit : Decimal
        Added to each of them.
    maker_basis_points, taker_basis_points : Decimal
        Share of notional, as coin venues charge.
    regulatory : bool
        Whether sales pay the regulators' charges of the day (United States).
    tiers : tuple of FeeTier
        By rising volume; the last one reached replaces both charges per unit.
    """

    maker_per_unit: Decimal = Decimal(0)
    taker_per_unit: Decimal = Decimal(0)
    auction_per_unit: Decimal = Decimal(0)
    clearing_per_unit: Decimal = Decimal(0)
    maker_basis_points: Decimal = Decimal(0)
    taker_basis_points: Decimal = Decimal(0)
    regulatory: bool = False
    tiers: tuple[FeeTier, ...] = ()

    def __post_init__(self) -> None:
        volumes = [tier.from_lots for tier in self.tiers]
        if volumes != sorted(set(volumes)):
            raise ConfigError(f"fee tiers must rise in volume: {volumes}")


class FeeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule on one day for one instrument: the integers that the core books by.

    Field names are the arguments of `Market.add_fee`. Charges per lot are micros, `sell_per_lot`
    billionths of the currency, rates billionths of notional, `sell_cap` micros per trade.
    """

    maker: int = 0
    taker: int = 0
    auction: int = 0
    maker_rate: int = 0
    taker_rate: int = 0
    sell_rate: int = 0
    sell_per_lot: int = 0
    sell_cap: int = 0

    def fee_micros(self, notional_micros: int, lots: int, liquidity: Liquidity) -> int:
        """Return what the venue charges for one fill; negative for a rebate."""
        per_lot, rate = {
            "maker": (self.maker, self.maker_rate),
            "taker": (self.taker, self.taker_rate),
            "auction": (self.auction, 0),
        }[liquidity]
        return per_lot * lots + half_even(notional_micros * rate, BILLION)

    def sale_micros(self, notional_micros: int, lots: int) -> int:
        """Return what the regulators charge the seller for one fill."""
        activity = half_even(lots * self.sell_per_lot, 1_000)
        if self.sell_cap:
            activity = min(activity, self.sell_cap)
        return half_even(notional_micros * self.sell_rate, BILLION) + activity


def fee_row(
    schedule: FeeSchedule, instrument: Instrument, day: date, *, volume_lots: int = 0
) -> FeeRow:
    """Return a schedule's integers for one instrument and day, at a volume traded before.

    Raises
    ------
    ConfigError
        If a charge per lot is no whole number of millionths, or a rate is not known on that day.
    """
    maker, taker = schedule.maker_per_unit, schedule.taker_per_unit
    for tier in schedule.tiers:
        if volume_lots >= tier.from_lots:
            maker, taker = tier.maker_per_unit, tier.taker_per_unit
    clearing = schedule.clearing_per_unit
    row = FeeRow(
        maker=_per_lot(maker + clearing, instrument),
        taker=_per_lot(taker + clearing, instrument),
        auction=_per_lot(schedule.auction_per_unit + clearing, instrument),
        maker_rate=_billionths(schedule.maker_basis_points),
        taker_rate=_billionths(schedule.taker_basis_points),
    )
    if not schedule.regulatory or instrument.kind == "crypto":
        return row
    activity = rate_on(ACTIVITY_CONTRACTS if instrument.kind == "option" else ACTIVITY_SHARES, day)
    return msgspec.structs.replace(
        row, sell_rate=rate_on(SECTION_31, day).billionths,
        sell_per_lot=activity.billionths * instrument.lot_units, sell_cap=activity.cap_micros,
    )  # fmt: skip


def _per_lot(per_unit: Decimal, instrument: Instrument) -> int:
    try:
        return to_micros(per_unit * instrument.lot_units / instrument.unit_scale)
    except ValueError as error:
        raise ConfigError(
            f"a fee of {per_unit} per unit of {instrument.symbol} is no whole number of millionths"
            " per lot; round it or choose a larger lot"
        ) from error


def _billionths(basis_points: Decimal) -> int:
    scaled = basis_points * _BASIS_POINT
    if scaled != scaled.to_integral_value():
        raise ConfigError(f"{basis_points} basis points are finer than a billionth of notional")
    return int(scaled)
