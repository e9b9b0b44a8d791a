"""What is traded: equities and options, their ticks and lots, and ticks as money.

A tick is the finest step of an instrument's prices; which multiples of it are legal at a
price is the business of its tick rule. Money is an integer of millionths of the currency.
"""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Literal

import msgspec

MICROS: Final = 1_000_000
_LIMIT: Final = 1 << 62  # A product may use half of an int64, so that sums of two stay inside.
_STRIKE_MICROS: Final = 1_000  # OCC symbols carry strikes in thousandths.
_DOLLAR: Final = MICROS
_CENT: Final = 10_000
_OCC: Final = re.compile(
    r"(?P<root>[A-Z0-9]{1,6}) {0,5}(?P<date>\d{6})(?P<right>[CP])(?P<strike>\d{8})"
)

Kind = Literal["equity", "option", "crypto"]
TickRuleName = Literal["stock", "option_penny", "option_other", "option_etf", "package", "uniform"]
Right = Literal["call", "put"]
ExerciseStyle = Literal["american", "european"]
Settlement = Literal["physical", "cash_am", "cash_pm"]

# Per rule: (price in micros from which the increment holds, increment in micros), rising.
_RULES: Final[dict[TickRuleName, tuple[tuple[int, int], ...]]] = {
    "stock": ((0, 100), (_DOLLAR, _CENT)),
    "option_penny": ((0, _CENT), (3 * _DOLLAR, 5 * _CENT)),
    "option_other": ((0, 5 * _CENT), (3 * _DOLLAR, 10 * _CENT)),
    "option_etf": ((0, _CENT),),
    "package": ((0, _CENT),),
    "uniform": (),
}


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as the nearest integer, a half going to the even one.

    Raises
    ------
    ValueError
        If the denominator is not positive.
    """
    if denominator <= 0:
        raise ValueError(f"the denominator must be positive, not {denominator}")
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        quotient += 1
    return quotient


def to_micros(amount: Decimal | int | str) -> int:
    """Return an amount of currency as integer micros.

    Raises
    ------
    ValueError
        If the text is no number or has more than six decimals: nothing is rounded on the way in.
    """
    try:
        scaled = Decimal(amount) * MICROS
    except InvalidOperation as error:
        raise ValueError(f"'{amount}' is not an amount of money") from error
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} is not a whole number of millionths")
    return int(scaled)


def format_money(micros: int, *, decimals: int = 2) -> str:
    """Return micros as people write money: `-1,234.50`; rounded half-even for display only."""
    unit = 10 ** (6 - decimals)
    rounded = half_even(abs(micros), unit)
    whole, fraction = divmod(rounded, 10**decimals)
    sign = "-" if micros < 0 and rounded else ""
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{sign}{whole:,}{tail}"


class TickBand(msgspec.Struct, frozen=True, kw_only=True):
    """From this price (ticks, inclusive) up, prices are multiples of `increment` ticks."""

    from_ticks: int
    increment: int


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that trades. Make it with `make_equity`, `make_option` or `make_crypto`.

    Attributes
    ----------
    tick_micros : int
        Currency millionths per tick and unit of the underlying.
    lot_units, unit_scale : int
        A lot is `lot_units / unit_scale` shares, contracts or coins; only coins are split.
    multiplier : int
        Underlying shares per contract; 1 for what is not an option.
    price_ticks_max, quantity_lots_max : int
        Bounds of the venue. Their product as money fits an int64, which `__post_init__` checks.
    """

    symbol: str
    kind: Kind = "equity"
    currency: str = "USD"
    tick_micros: int = _CENT
    lot_units: int = 1
    unit_scale: int = 1
    multiplier: int = 1
    tick_rule: TickRuleName = "stock"
    price_ticks_max: int = 100_000_000
    quantity_lots_max: int = 1_000_000
    underlying: str | None = None
    expiry: date | None = None
    strike_micros: int | None = None
    right: Right | None = None
    style: ExerciseStyle | None = None
    settlement: Settlement | None = None

    def __post_init__(self) -> None:
        for name in ("tick_micros", "lot_units", "unit_scale", "multiplier", "price_ticks_max",
                     "quantity_lots_max"):  # fmt: skip
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{self.symbol}: {name} must be positive, not {getattr(self, name)}"
                )
        if self.tick_micros * self.lot_units * self.multiplier % self.unit_scale:
            raise ValueError(
                f"{self.symbol}: one tick of one lot is no whole number of millionths;"
                " choose a larger lot or tick"
            )
        if self.price_ticks_max * self.quantity_lots_max * self.tick_value_micros >= _LIMIT:
            raise ValueError(
                f"{self.symbol}: the largest price times the largest quantity does not fit 63 bits"
                " of millionths; lower price_ticks_max or quantity_lots_max"
            )
        if self.kind == "option":
            self._check_option()
        self.tick_bands()

    def _check_option(self) -> None:
        for name in ("underlying", "expiry", "strike_micros", "right", "style", "settlement"):
            if getattr(self, name) is None:
                raise ValueError(f"{self.symbol}: an option needs {name}")
        if self.strike_micros is not None and self.strike_micros <= 0:
            raise ValueError(f"{self.symbol}: the strike must be positive")

    def tick_bands(self) -> tuple[TickBand, ...]:
        """Return the legal increments by price, as compiled code wants them: lowest price first.

        Raises
        ------
        ValueError
            If the tick is no divisor of an increment of the rule that is coarser than it.
        """
        try:
            return _tick_bands(self.tick_rule, self.tick_micros)
        except ValueError as error:
            raise ValueError(f"{self.symbol}: {error}") from None

    def increment(self, price_ticks: int) -> int:
        """Return of how many ticks legal prices at and above this price are multiples.

        A negative price (the net price of a package) counts by its size.
        """
        size, found = abs(price_ticks), 1
        for band in self.tick_bands():
            if size >= band.from_ticks:
                found = band.increment
        return found

    def is_legal_price(self, price_ticks: int) -> bool:
        """Return whether an order may carry this price."""
        return abs(price_ticks) <= self.price_ticks_max and not (
            price_ticks % self.increment(price_ticks)
        )

    def round_price(self, price_ticks: int, *, up: bool) -> int:
        """Return the nearest legal price at or beyond this one, upward or downward."""
        # Where bands meet, the price is a multiple of both steps, so no second look is needed.
        step = self.increment(price_ticks)
        return -(-price_ticks // step) * step if up else price_ticks // step * step

    @property
    def tick_value_micros(self) -> int:
        """Return what one tick of one lot is worth."""
        return self.tick_micros * self.lot_units * self.multiplier // self.unit_scale

    def notional_micros(
        self, price_ticks: int, quantity_lots: int, *, half_tick: bool = False
    ) -> int:
        """Return price times quantity as money, rounded once, half-even; sign as the quantity's.

        Parameters
        ----------
        half_tick : bool
            A midpoint print half a tick above `price_ticks`.
        """
        value = self.tick_value_micros * quantity_lots
        if half_tick:
            return half_even((2 * price_ticks + 1) * value, 2)
        return price_ticks * value

    def price_from(self, price: Decimal | int | str) -> int:
        """Return a price in currency as ticks.

        Raises
        ------
        ValueError
            If it is no whole number of ticks.
        """
        ticks, rest = divmod(to_micros(price), self.tick_micros)
        if rest:
            tick = format_money(self.tick_micros, decimals=6)
            raise ValueError(f"{self.symbol}: {price} is no multiple of {tick}")
        return ticks

    def price_decimal(self, price_ticks: int, *, half_tick: bool = False) -> Decimal:
        """Return a price in ticks as an exact amount of currency."""
        twice = 2 * price_ticks + half_tick
        return Decimal(twice * self.tick_micros) / (2 * MICROS)

    def format_price(self, price_ticks: int, *, half_tick: bool = False) -> str:
        """Return a price for people: two decimals at least, more only where they say something."""
        price = self.price_decimal(price_ticks, half_tick=half_tick)
        text = f"{price:,.7f}".rstrip("0")
        return text + "0" * max(0, 2 - len(text.partition(".")[2]))

    def format_quantity(self, quantity_lots: int) -> str:
        """Return a quantity for people, in priced units (shares, contracts, coins)."""
        units = Decimal(quantity_lots * self.lot_units) / self.unit_scale
        text = f"{units:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=256)  # Asked of every order's price.
def _tick_bands(rule: TickRuleName, tick_micros: int) -> tuple[TickBand, ...]:
    bands = []
    for from_micros, step_micros in _RULES[rule]:
        coarser = max(step_micros, tick_micros)
        if coarser % tick_micros:
            raise ValueError(
                f"a tick of {format_money(tick_micros, decimals=6)} does"
                f" not divide the increment {format_money(step_micros, decimals=6)}"
            )
        first = -(-from_micros // tick_micros)
        bands.append(TickBand(from_ticks=first, increment=coarser // tick_micros))
    return tuple(bands) or (TickBand(from_ticks=0, increment=1),)


def make_equity(symbol: str, *, tick: Decimal | str = "0.01", lot: int = 1) -> Instrument:
    """Return a stock. With a tick of one cent, prices under a dollar move by cents too.

    Its price may reach a million of the currency, or 100 million ticks where that is less.
    """
    tick_micros = to_micros(tick)
    return Instrument(
        symbol=symbol, tick_micros=tick_micros, lot_units=lot,
        price_ticks_max=max(min(100_000_000, 1_000_000 * MICROS // max(tick_micros, 1)), 1),
        quantity_lots_max=max(1_000_000 // max(lot, 1), 1),
    )  # fmt: skip


def make_crypto(
    symbol: str, *, tick: Decimal | str = "0.01", lot: Decimal | str = "0.0001"
) -> Instrument:
    """Return a coin against the currency; a tick of a lot must be whole millionths."""
    lot_units, unit_scale = Decimal(lot).as_integer_ratio()
    return Instrument(
        symbol=symbol, kind="crypto", tick_micros=to_micros(tick), tick_rule="uniform",
        lot_units=lot_units, unit_scale=unit_scale, quantity_lots_max=100_000_000,
    )  # fmt: skip


def make_option(
    underlying: str, expiry: date, right: Right, strike: Decimal | str, *, multiplier: int = 100,
    tick_rule: TickRuleName = "option_penny", style: ExerciseStyle = "american",
    settlement: Settlement = "physical", root: str | None = None,
) -> Instrument:  # fmt: skip
    """Return a listed option, named by its OCC symbol; `root` where it is not the underlying's."""
    strike_micros = to_micros(strike)
    return Instrument(
        symbol=format_occ(root or underlying, expiry, right, strike_micros), kind="option",
        multiplier=multiplier, tick_rule=tick_rule, price_ticks_max=10_000_000,
        quantity_lots_max=100_000, underlying=underlying, expiry=expiry,
        strike_micros=strike_micros, right=right, style=style, settlement=settlement,
    )  # fmt: skip


def format_occ(root: str, expiry: date, right: Right, strike_micros: int) -> str:
    """Return the 21-character symbol of a listed option: root, date, right, strike in thousandths.

    Raises
    ------
    ValueError
        If the strike has a fraction of a thousandth or eight digits do not hold it.
    """
    thousandths, rest = divmod(strike_micros, _STRIKE_MICROS)
    if rest or not 0 < thousandths < 100_000_000:
        strike = format_money(strike_micros, decimals=6)
        raise ValueError(f"{root}: a strike of {strike} cannot be written in an option symbol")
    if not re.fullmatch(r"[A-Z0-9]{1,6}", root):
        raise ValueError(f"'{root}' is no option root: one to six capital letters or digits")
    return f"{root:<6}{expiry:%y%m%d}{'C' if right == 'call' else 'P'}{thousandths:08d}"


class OccSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """What an OCC symbol says."""

    root: str
    expiry: date
    right: Right
    strike_micros: int


def parse_occ(symbol: str) -> OccSymbol:
    """Return what an OCC symbol says, with or without the blanks after its root.

    Raises
    ------
    ValueError
        If it is not one: root, six digits of date, C or P, eight digits of strike.
    """
    match = _OCC.fullmatch(symbol.strip())
    if match is None:
        raise ValueError(f"'{symbol}' is no option symbol (root, YYMMDD, C or P, eight digits)")
    digits = match["date"]
    try:
        expiry = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError as error:
        raise ValueError(f"'{symbol}' names no day: {digits}") from error
    return OccSymbol(
        root=match["root"], expiry=expiry, right="call" if match["right"] == "C" else "put",
        strike_micros=int(match["strike"]) * _STRIKE_MICROS,
    )  # fmt: skip
