"""A recorded day in place of a crowd: read, put into the scenario's terms, and set going."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.errors import ConfigError
from environment.feeds.bitstamp import read_bitstamp_log, read_bitstamp_orders
from environment.feeds.files import FeedError, read_bytes
from environment.feeds.lobster import LobsterDay, book_file_of, read_lobster
from environment.instruments import Instrument, make_crypto, make_equity
from environment.market.calendar import PhaseStart, Session, TradingCalendar
from environment.market.market import Market
from environment.market.replay_flow import LOG_CONSUMED, LOG_DISPLACED, LOG_TIME, ReplayFlow
from environment.market.replay_rows import (
    OP_TIME,
    TO_ASK,
    TO_ASK_QUANTITY,
    TO_BID,
    TO_BID_QUANTITY,
    RecordedDay,
    lobster_rows,
    state_rows,
)
from environment.record.day import DayTape
from environment.record.facts import AccountFacts
from scenarios.builders.paths import SECOND_NS
from scenarios.config.load import Config
from scenarios.config.market import Replay
from scenarios.config.swarm import Swarm
from scenarios.places import shown_path

RESTING, TAKING = "recording/resting", "recording/taking"
REPLAY = "replay.parquet"
ACCOUNTS = tuple(
    AccountFacts(name=name, population=name, background=True) for name in (RESTING, TAKING)
)
_MICROS_PER_UNIT = 100  # LOBSTER's prices are ten-thousandths of the currency.
_COIN_LOT = 10_000  # Bitstamp's amounts are 1e-8 coin: a tick of this lot is a whole millionth.
_COIN_TICK = Decimal("0.01")
_AFTERWARDS_NS = 60 * SECOND_NS  # From the recording's end to the day's: what is under way arrives.

Format = Literal["lobster", "bitstamp_log", "bitstamp_orders"]


@dataclass(frozen=True)
class Recorded:
    """A recording in the scenario's terms, with the flow that replays it."""

    day: RecordedDay
    flow: ReplayFlow
    instrument: Instrument
    session: Session

    @property
    def first_mid_ticks(self) -> int:
        """Return where the day begins, in ticks; a one-sided book's only side."""
        touches = self.day.touches
        told = touches[:, (TO_BID_QUANTITY, TO_ASK_QUANTITY)] > 0
        some = np.flatnonzero(told.any(axis=1))
        if not some.size:
            return 0
        first = int(some[0])
        return round(float(touches[first, (TO_BID, TO_ASK)][told[first]].mean()))

    def attach(self, market: Market) -> None:
        """Add the recording's two accounts and lay its state beside the market's arena."""
        resting = market.add_account()
        self.flow.attach(market, 0, resting, market.add_account())

    def start(self, market: Market) -> None:
        """Schedule the first row, once the day's phases are."""
        self.flow.start(market)


def as_recorded(config: Config) -> tuple[Config, Recorded]:
    """Return the configuration with the recording's own date, symbol and hours, and the recording.

    A mandate that names the scenario's instrument names the recorded one from then on.

    Raises
    ------
    ConfigError
        If the file is damaged, in no known format, or does not fit the scenario's instrument.
    """
    scenario = config.scenario
    assert scenario.recording is not None, "only a scenario with a recording is replayed"
    path = config.find(scenario.recording)
    replay = scenario.replay or Replay()
    told = scenario.instruments[0]
    form = _format_of(path, replay.format)
    if form == "lobster":
        recording = read_lobster(path, books=book_file_of(path))
        symbol, date = recording.symbol or told.symbol, recording.date
        instrument = make_equity(symbol, tick=told.tick, lot=told.lot)
        day = _lobster_day(path, recording, instrument)
        calendar = scenario.session.calendar
    else:
        read = read_bitstamp_log if form == "bitstamp_log" else read_bitstamp_orders
        events = read(path).events
        symbol, calendar = _coin_of(path, told.symbol), "always"
        date = datetime.fromtimestamp(int(events[0, 0]) // SECOND_NS, UTC).date()
        instrument = _coin(told.tick, symbol)
        day = state_rows(events, lot=_COIN_LOT)
    if scenario.session.date not in {None, date}:
        text = f"the recording is of {date}, not of {scenario.session.date}; leave the date out"
        raise config.refusal(("session", "date"), text)
    if not len(day.rows):
        raise FeedError(shown_path(path), "there are no events", "give a recording with orders")
    flow = ReplayFlow(day, withdraw_after_ns=int(replay.withdraw_after))
    asked = msgspec.structs.replace(
        scenario.session, date=date, dates=None, calendar=calendar, auctions=(), opens=None,
        closes=None,
    )  # fmt: skip
    session = _hours(TradingCalendar(calendar).session(date, auctions=()), day)
    traded = msgspec.structs.replace(told, symbol=symbol)
    named = msgspec.structs.replace(scenario, session=asked, instruments=(traded,))
    resolved = msgspec.structs.replace(
        config, scenario=named, swarm=_renamed(config.swarm, told.symbol, symbol)
    )
    return resolved, Recorded(day, flow, instrument, session)


def _format_of(path: Path, asked: str) -> Format:
    if asked == "lobster" or path.suffix == ".zip":
        if asked == "bitstamp":
            raise FeedError(
                shown_path(path), "a zip archive is LOBSTER's", 'set replay.format = "auto"'
            )
        return "lobster"
    first = read_bytes(path).split(b"\n", 1)[0][:200]
    if first.startswith(b"id,"):
        return "bitstamp_orders"
    words = first.split(b" ", 2)
    if len(words) == 3 and words[0].isdigit() and words[2].startswith(b"{"):
        return "bitstamp_log"
    if asked == "bitstamp" or first.count(b",") != 5:
        wanted = "Bitstamp's" if asked == "bitstamp" else "LOBSTER's or Bitstamp's"
        raise FeedError(
            shown_path(path), f"the first line is not in {wanted} format",
            "give an order-level recording",
        )  # fmt: skip
    return "lobster"


def _lobster_day(path: Path, recording: LobsterDay, instrument: Instrument) -> RecordedDay:
    price_unit, rest = divmod(instrument.tick_micros, _MICROS_PER_UNIT)
    if rest or instrument.lot_units != 1:
        raise FeedError(
            shown_path(path), "LOBSTER counts shares, and prices in ten-thousandths",
            "set instruments.0.lot = 1 and instruments.0.tick = 0.01",
        )  # fmt: skip
    try:
        return lobster_rows(recording.messages, recording.books, price_unit=price_unit)
    except ValueError as error:
        mend = "set instruments.0.tick to the recording's"
        raise FeedError(shown_path(path), str(error), mend) from error


def _coin(tick: Decimal, symbol: str) -> Instrument:
    if tick != _COIN_TICK:
        raise ConfigError(f"instruments.0.tick: Bitstamp prices are cents, not {tick}; set 0.01")
    return make_crypto(symbol, tick=str(_COIN_TICK), lot="0.0001")


def _coin_of(path: Path, fallback: str) -> str:
    """Return the pair that a file is named by (`bitstamp_btcusd_...`), or the scenario's symbol."""
    words = path.name.split("_")
    named = len(words) > 1 and words[0] == "bitstamp" and words[1].isalpha()
    return words[1].upper() if named else fallback


def _renamed(swarm: Swarm | None, old: str, new: str) -> Swarm | None:
    if swarm is None or old == new:
        return swarm
    agents = {}
    for address, agent in swarm.agents.items():
        symbols = tuple(new if name == old else name for name in agent.mandate.instruments)
        mandate = msgspec.structs.replace(agent.mandate, instruments=symbols)
        agents[address] = msgspec.structs.replace(agent, mandate=mandate)
    return msgspec.structs.replace(swarm, agents=agents)


def _hours(session: Session, day: RecordedDay) -> Session:
    """Return the day from the recording's first second to its last: it brings its own halts."""
    first, last = int(day.rows[0, OP_TIME]), int(day.rows[-1, OP_TIME])
    open_ns = first // SECOND_NS * SECOND_NS
    close_ns = (last // SECOND_NS + 1) * SECOND_NS
    return msgspec.structs.replace(
        session, open_ns=open_ns, close_ns=close_ns, on_close_locked_ns=close_ns,
        phases=(
            PhaseStart(time_ns=open_ns, phase="continuous"),
            PhaseStart(time_ns=close_ns, phase="post_close"),
            PhaseStart(time_ns=close_ns + _AFTERWARDS_NS, phase="closed"),
        ),
    )  # fmt: skip


def divergence(recorded: Recorded, tape: DayTape) -> pl.DataFrame:
    """Return both mids of each second, and the shares displaced and consumed so far."""
    session, touches = recorded.session, recorded.day.touches
    seconds = np.arange(session.open_ns, session.close_ns + 1, SECOND_NS)
    two_sided = (touches[:, TO_BID_QUANTITY] > 0) & (touches[:, TO_ASK_QUANTITY] > 0)
    mids = np.where(two_sided, (touches[:, TO_BID] + touches[:, TO_ASK]) / 2.0, np.nan)
    log = recorded.flow.log
    place = np.searchsorted(log[:, LOG_TIME], seconds, side="right")
    columns = {
        "recorded_mid": _as_of(recorded.day.rows[:, OP_TIME], mids, seconds),
        "simulated_mid": _as_of(*tape.touches.mid_ticks(0), seconds),
    }
    return pl.DataFrame(
        {"time": seconds}
        | {name: tape.price(ticks, 0) for name, ticks in columns.items()}
        | {
            name: np.concatenate(([0], np.cumsum(log[:, word])))[place]
            for name, word in (("displaced", LOG_DISPLACED), ("consumed", LOG_CONSUMED))
        }
    ).with_columns(
        pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(session.zone),
        divergence_bps=(pl.col("simulated_mid") / pl.col("recorded_mid") - 1) * 1e4,
    )


def _as_of(
    times: NDArray[np.int64], values: NDArray[np.float64], seconds: NDArray[np.int64]
) -> NDArray[np.float64]:
    place = np.searchsorted(times, seconds, side="right") - 1
    if not len(times):
        return np.full(len(seconds), np.nan)
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def replay_summary(recorded: Recorded, table: pl.DataFrame) -> dict[str, Any]:
    """Return what `summary.json` says of the replay: shares by what became of them, mids apart."""
    apart = np.abs(table["divergence_bps"].to_numpy())
    apart = apart[np.isfinite(apart)]
    return {
        **recorded.flow.counts(),
        "recorded_rows": len(recorded.day.rows),
        "mean_divergence_bps": float(apart.mean()) if len(apart) else 0.0,
        "largest_divergence_bps": float(apart.max(initial=0.0)),
        "seconds_apart": int((apart > 0).sum()),
        "seconds_compared": len(apart),
    }


__all__ = ["ACCOUNTS", "REPLAY", "Recorded", "as_recorded", "divergence", "replay_summary"]
