"""Scalars of the configuration files: durations, clock times, prices and money, each exact."""

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_DURATION: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)(ns|us|ms|s|m|h|d)", re.ASCII)
_CLOCK: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_LONGEST_NS: Final = 10 * 366 * _UNITS["d"]
_MOST_MICROS: Final = 1 << 62


class Duration(int):
    """A length of time in nanoseconds; written "30s", "5m", "300us"."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Return the duration that `text` says; raises ValueError with what is wrong."""
        found = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f'expected a duration such as "30s", found {text!r}')
        length_ns = Decimal(found[1]) * _UNITS[found[2]]
        if length_ns != length_ns.to_integral_value() or length_ns > _LONGEST_NS:
            raise ValueError(f"expected whole nanoseconds, at most ten years, found {text!r}")
        return cls(int(length_ns))

    def written(self) -> str:
        """Return the shortest exact form, in the largest unit that divides it."""
        unit = next(u for u in reversed(_UNITS) if int(self) % _UNITS[u] == 0)
        return f"{int(self) // _UNITS[unit]}{unit}" if self else "0s"


class Period(Duration):
    """A duration above 0: the beat of something that repeats."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "Period":
        """Return the period that `text` says; raises ValueError with what is wrong."""
        length_ns = Duration.parse(text)
        if length_ns == 0:
            raise ValueError(f"expected a duration above 0, found {text!r}")
        return cls(length_ns)


class ClockTime(int):
    """A time of day in nanoseconds after local midnight; written "09:30" or "09:30:15"."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "ClockTime":
        """Return the time that `text` says; raises ValueError with what is wrong."""
        if isinstance(text, datetime.time) and text.tzinfo is None and not text.microsecond:
            text = text.isoformat()
        found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f'expected a time of day such as "09:30", found {_shown(text)}')
        hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
        if hours > 23 or minutes > 59 or seconds > 59:
            raise ValueError(f"expected a time from 00:00 to 23:59:59, found {_shown(text)}")
        return cls((hours * 3600 + minutes * 60 + seconds) * _UNITS["s"])

    def written(self) -> str:
        """Return "09:30", or "09:30:15" where there are seconds."""
        minutes, seconds = divmod(int(self) // _UNITS["s"], 60)
        text = f"{minutes // 60:02d}:{minutes % 60:02d}"
        return f"{text}:{seconds:02d}" if seconds else text


class Money(int):
    """An amount in millionths of the account's currency; written as a plain number."""

    __slots__ = ()

    @classmethod
    def parse(cls, number: object) -> "Money":
        """Return the amount that `number` says; raises ValueError with what is wrong."""
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise ValueError(f"expected an amount such as 20_000 or 0.65, found {_shown(number)}")
        micros = Decimal(number) * 1_000_000
        if micros != micros.to_integral_value() or abs(micros) > _MOST_MICROS:
            raise ValueError(f"expected at most 6 decimals and 4.6e12, found {number}")
        return cls(int(micros))

    def written(self) -> Decimal:
        """Return the amount in the account's currency, exact."""
        return (Decimal(int(self)) / 1_000_000).normalize() + Decimal(0)


def _shown(value: object) -> str:
    """Return a value as a person wrote it, cut where it is long."""
    text = str(value) if isinstance(value, Decimal | datetime.time) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Price(Decimal):
    """A price, or a difference of prices, above 0 in the instrument's currency; exact."""

    __slots__ = ()

    @classmethod
    def parse(cls, number: object) -> "Price":
        """Return the price that `number` says; raises ValueError with what is wrong."""
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise ValueError(f"expected a price such as 0.01, found {_shown(number)}")
        price = Decimal(number)
        if not 0 < price <= 1_000_000_000 or int(price.as_tuple().exponent) < -10:
            raise ValueError(
                f"expected a price above 0, at most 1e9, with 10 decimals or fewer, found {number}"
            )
        return cls(price)

    def written(self) -> Decimal:
        """Return the plain number."""
        return Decimal(self)


class Setting:
    """One value of an override, kept as it was read until the overridden table is converted."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    @classmethod
    def parse(cls, value: object) -> "Setting":
        """Return the setting; raises ValueError for a table, which no override may be."""
        if isinstance(value, dict):
            raise ValueError("expected one value for one key path, found a table")
        return cls(value)

    def written(self) -> object:
        """Return the value."""
        return self.value


Scalar = Duration | ClockTime | Money | Price | Setting


def read_scalar(kind: type, value: Any) -> Scalar:  # noqa: ANN401  # msgspec hands over any value
    """Convert one value of a TOML file: the hook that msgspec calls for our own types."""
    parsers: dict[type, Callable[[object], Scalar]] = {
        Duration: Duration.parse,
        Period: Period.parse,
        ClockTime: ClockTime.parse,
        Money: Money.parse,
        Price: Price.parse,
        Setting: Setting.parse,
    }
    return parsers[kind](value)


def write_scalar(value: Any) -> Any:  # noqa: ANN401  # msgspec hands over any value
    """Give a scalar back as the files write it: the hook of the canonical form."""
    if isinstance(value, Duration | ClockTime | Money | Price | Setting):
        return value.written()
    raise NotImplementedError(type(value).__name__)
