"""The listed series of a day, from a daily chain file: exact strikes, quotes, open interest."""

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, Literal

import msgspec
import polars as pl

from environment.instruments import Right, to_micros
from environment.options.chain import ChainRefusedError

_TEXT: Final = (
    "date", "underlying", "expiry", "right", "strike", "bid_open", "bid_close", "ask_open",
    "ask_close", "bid_size", "ask_size", "volume", "open_interest",
)  # fmt: skip
_RIGHTS: Final[dict[str, Right]] = {"C": "call", "P": "put"}
Moment = Literal["open", "close"]


class ListedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a real chain on one day; prices in micros a share, None where not quoted."""

    underlying: str
    expiry: date
    right: Right
    strike_micros: int
    bid_open: int | None = None
    ask_open: int | None = None
    bid_close: int | None = None
    ask_close: int | None = None
    volume: int = 0
    open_interest: int = 0

    def mid(self, moment: Moment) -> float | None:
        """Return the middle of a two-sided quote in currency a share, or None."""
        bid = self.bid_open if moment == "open" else self.bid_close
        ask = self.ask_open if moment == "open" else self.ask_close
        if bid is None or ask is None or ask <= bid:
            return None
        return (bid + ask) / 2e6


def read_listed(path: Path, day: date) -> tuple[ListedSeries, ...]:
    """Return every series that a file lists on a day, by expiry, strike and right.

    Raises
    ------
    ChainRefusedError
        If a column is missing, a cell does not parse, a series stands twice, or the day has none.
    """
    try:
        frame = pl.read_csv(path, columns=list(_TEXT), infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).partition("\n\n")[0].split())[:200]  # Then, a plan.
        raise ChainRefusedError(f"expected a chain file, found {reason} in {path.name}") from error
    rows = frame.filter(pl.col("date") == day.isoformat()).to_dicts()
    if not rows:
        days = sorted(set(frame["date"].to_list()))
        raise ChainRefusedError(
            f"expected series of {day}, found days {days[0]} to {days[-1]} in {path.name}"
            if days else f"expected series of {day}, found no rows in {path.name}"
        )  # fmt: skip
    found = sorted(
        (_series(row, path) for row in rows),
        key=lambda one: (one.expiry, one.strike_micros, one.right),
    )
    names = {(one.underlying, one.expiry, one.strike_micros, one.right) for one in found}
    if len(names) != len(found) or len({one.underlying for one in found}) != 1:
        raise ChainRefusedError(
            f"expected each series of one underlying once on {day}, found some twice in {path.name}"
        )
    return tuple(found)


def _series(row: dict[str, str | None], path: Path) -> ListedSeries:
    try:
        return ListedSeries(
            underlying=row["underlying"] or "",
            expiry=date.fromisoformat(row["expiry"] or ""),
            right=_RIGHTS[row["right"] or ""],
            strike_micros=to_micros(row["strike"] or ""),
            bid_open=_price(row["bid_open"]), ask_open=_price(row["ask_open"]),
            bid_close=_price(row["bid_close"]), ask_close=_price(row["ask_close"]),
            volume=int(Decimal(row["volume"] or 0)),
            open_interest=int(Decimal(row["open_interest"] or 0)),
        )  # fmt: skip
    except (ValueError, KeyError, InvalidOperation) as error:
        raise ChainRefusedError(
            f"expected expiry, right, strike and prices, found {row} in {path.name}: {error}"
        ) from error


def _price(text: str | None) -> int | None:
    return to_micros(text) if text else None
