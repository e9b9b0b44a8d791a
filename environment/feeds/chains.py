"""Recorded option chains: daily files and minute quotes, read into quoted chains.

Times are naive New York wall time, as the files have them. An option expires at 16:00 of its
expiry date; years are calendar days over 365.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.options.chain import ChainRefusedError, QuotedChain

Moment = Literal["open", "close"]

_EXPIRY_HOUR = np.timedelta64(16, "h")
_OPEN, _CLOSE = np.timedelta64(9 * 60 + 30, "m"), np.timedelta64(16, "h")
_BAR = np.timedelta64(60, "s")
_SECONDS_PER_YEAR = 365.0 * 86_400.0
_SIDES = {"C": True, "P": False}
_NUMBERS = ("strike", "bid_open", "bid_close", "bid_size", "ask_open", "ask_close", "ask_size")
_DAILY = ("date", "underlying", "expiry", "right", *_NUMBERS)
_MINUTE = ("time", "expiry", "right", *_NUMBERS)

Stamps = NDArray[np.datetime64]


@dataclass(frozen=True, kw_only=True)
class DatedChain:
    """A chain with the moment of its quotes and the expiry date of each row."""

    moment: np.datetime64
    expiry: Stamps
    chain: QuotedChain


def _read(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the named columns of a file; prices as floats, the rest as text."""
    if not path.is_file():
        raise FileNotFoundError(f"expected a chain file at {path}, found none")
    types = {name: pl.Float64 if name in _NUMBERS else pl.String for name in columns}
    try:
        header = pl.read_csv(path, n_rows=0).columns
        missing = [name for name in columns if name not in header]
        if not missing:
            return pl.read_csv(path, columns=list(columns), schema_overrides=types)
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).partition("\n\n")[0].split())[:200]  # Then, a plan.
        raise ChainRefusedError(f"expected a chain file, found {reason} in {path.name}") from error
    raise ChainRefusedError(
        f"expected the columns {', '.join(missing)}, found none of them in {path.name}; "
        "pass a file of this kind"
    )


def _stamps(column: pl.Series, path: Path) -> Stamps:
    """Return a text column of dates or times as seconds, refusing what is neither."""
    try:
        return column.to_numpy().astype("datetime64[s]")
    except ValueError as error:
        raise ChainRefusedError(
            f"expected dates like 2014-06-06 in column {column.name}, found {error} in {path.name}"
        ) from error


def _sides(frame: pl.DataFrame, path: Path) -> NDArray[np.bool_]:
    """Return True for calls, refusing any other mark than C and P."""
    marks = set(frame["right"].unique().to_list())
    if not marks <= _SIDES.keys():
        found = sorted(str(mark) for mark in marks - _SIDES.keys())
        raise ChainRefusedError(f"expected C or P as right, found {found} in {path.name}")
    return np.asarray((frame["right"] == "C").to_numpy())


def _years_to(expiry: Stamps, moment: np.datetime64) -> NDArray[np.float64]:
    """Return the time from a moment to 16:00 of each expiry date, in years of 365 days."""
    seconds = (expiry + _EXPIRY_HOUR - moment).astype("timedelta64[s]").astype(np.float64)
    return np.asarray(seconds / _SECONDS_PER_YEAR)


@dataclass(frozen=True, kw_only=True)
class DailyChains:
    """A daily chain file: one row per date and series, with open and close of both sides."""

    frame: pl.DataFrame
    date: Stamps
    expiry: Stamps
    is_call: NDArray[np.bool_]

    @property
    def dates(self) -> Stamps:
        """Return the dates that have at least one quoted row, ascending."""
        is_quoted = self.frame["bid_close"].is_not_null().to_numpy()
        return np.unique(self.date[is_quoted])

    def at(self, date: str | np.datetime64, moment: Moment = "close") -> DatedChain:
        """Return the chain of one date at its open (09:30) or close (16:00)."""
        if moment not in ("open", "close"):
            raise ChainRefusedError(f"expected open or close as moment, found {moment!r}")
        rows = np.flatnonzero(self.date == _moment(date))
        if rows.size == 0:
            raise ChainRefusedError(f"expected rows of {date}, found none; see `dates`")
        now = _moment(date) + (_OPEN if moment == "open" else _CLOSE)
        day = self.frame[rows]
        chain = QuotedChain(
            strike=day["strike"].to_numpy().copy(), years=_years_to(self.expiry[rows], now),
            is_call=self.is_call[rows], bid_price=_prices(day, f"bid_{moment}"),
            ask_price=_prices(day, f"ask_{moment}"),
        )  # fmt: skip
        return DatedChain(moment=now, expiry=self.expiry[rows], chain=chain)


def _moment(text: str | np.datetime64) -> np.datetime64:
    """Return a date or time, given as text or numpy value, in seconds."""
    try:
        return np.datetime64(str(text), "s")
    except ValueError as error:
        raise ChainRefusedError(
            f"expected a date or time like 2014-06-06 or 2014-06-06T10:00, found {text!r}"
        ) from error


def _prices(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a price column with NaN where there was no quote."""
    return np.asarray(frame[name].fill_null(np.nan).to_numpy(), np.float64).copy()


def read_daily_chains(path: Path | str) -> DailyChains:
    """Return a daily chain file.

    Parameters
    ----------
    path : Path or str
        Columns date, underlying, expiry, right, strike, bid and ask open to close, sizes; plain
        or gzip. Prices in currency per unit of underlying, an empty cell where there is no quote.

    Returns
    -------
    DailyChains

    Raises
    ------
    ChainRefusedError
        If a column is missing, a cell does not parse, or the file holds two underlyings.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    frame = _read(path, _DAILY)
    names = frame["underlying"].unique().to_list()
    if len(names) > 1:
        raise ChainRefusedError(
            f"expected one underlying, found {sorted(map(str, names))} in {path.name}; split it"
        )
    return DailyChains(
        frame=frame, date=_stamps(frame["date"], path), expiry=_stamps(frame["expiry"], path),
        is_call=_sides(frame, path),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MinuteChains:
    """Minute quotes sorted by time; `series` numbers expiry, side and strike."""

    time: Stamps
    series: NDArray[np.int64]
    expiry: Stamps
    is_call: NDArray[np.bool_]
    strike: NDArray[np.float64]
    bid_price: NDArray[np.float64]
    ask_price: NDArray[np.float64]

    @property
    def minutes(self) -> Stamps:
        """Return the ends of the bars present, ascending: the moments worth asking for."""
        return np.unique(self.time) + _BAR

    def at(self, moment: str | np.datetime64) -> DatedChain:
        """Return each series' last quote known at a moment, with its age.

        A bar is known from its end, one minute after the time it carries. Series whose expiry has
        passed stay in: cleaning counts them.
        """
        now = _moment(moment)
        stop = int(np.searchsorted(self.time, now - _BAR, side="right"))
        if stop == 0:
            raise ChainRefusedError(f"expected quotes before {now}, found none; see `minutes`")
        # The first place of each series from the end is its last quote.
        _, place = np.unique(self.series[:stop][::-1], return_index=True)
        rows = np.sort(stop - 1 - place)
        age = (now - self.time[rows] - _BAR).astype("timedelta64[s]").astype(np.float64)
        chain = QuotedChain(
            strike=self.strike[rows], years=_years_to(self.expiry[rows], now),
            is_call=self.is_call[rows], bid_price=self.bid_price[rows],
            ask_price=self.ask_price[rows], age_seconds=age,
        )  # fmt: skip
        return DatedChain(moment=now, expiry=self.expiry[rows], chain=chain)


def read_minute_chains(path: Path | str) -> MinuteChains:
    """Return a file of minute quotes.

    Parameters
    ----------
    path : Path or str
        Columns time (bar start), expiry, right, strike, bid and ask open to close, sizes; plain or
        gzip. An empty cell means that the side is not quoted.

    Returns
    -------
    MinuteChains

    Raises
    ------
    ChainRefusedError
        If a column is missing or a cell does not parse.
    """
    path = Path(path)
    frame = _read(path, _MINUTE).sort("time", maintain_order=True)
    series = frame.select(
        pl.struct("expiry", "right", "strike").rank("dense").cast(pl.Int64)
    ).to_series()
    return MinuteChains(
        time=_stamps(frame["time"], path), series=series.to_numpy(),
        expiry=_stamps(frame["expiry"], path), is_call=_sides(frame, path),
        strike=_prices(frame, "strike"), bid_price=_prices(frame, "bid_close"),
        ask_price=_prices(frame, "ask_close"),
    )  # fmt: skip
