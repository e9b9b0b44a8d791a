"""The tape on disk: blocks of int64 rows as readable Parquet, and back without loss.

Every code stands beside its name: `kind_code` 3 is `kind` "fill". The names are for people, the
codes and the other integers for exactness: `read_blocks` returns the very rows that were written,
block for block, so that each can be checked against the digest in the journal.

What the columns of each row kind hold, where the layout's comments do not say it all:

========== =========================================================================================
enter      `quantity` total, `leaves` the display size (0: all), `ahead` the stop price or offset
rest       `quantity` left in all, `leaves` what one slice holds; shown only if neither hidden,
           midpoint nor for an auction alone; of an order that rests already: to the back;
           `ahead` -1 where there is no queue or the price is far from the touch; for a hidden
           order the hidden lots before it count too
fill       `leaves` what the resting (in an auction: buying) order still has in all; with
           `fees_on_fills`, `ahead` its fee in micros and `parent` the other party's;
           `liquidity_code` 16 more for half a tick, 32 more where the other party is a leg of a
           package that had waited longer, and so the maker
cancel     `quantity` withdrawn, `liquidity` the reason; the order is gone
reduce     `quantity` withdrawn, `leaves` the slice now, `liquidity` the reason
move       out of its queue; `price` the new limit, `quantity` what it now has in all
refuse     an order turned away before it entered; `liquidity` the reason
phase      PHASE_COLUMN the phase entered
auction    `price`, `quantity` executed, `leaves` the imbalance (buy surplus positive)
bands      `price` the reference, `leaves` the lower band, `quantity` the upper less the lower
indicative as auction
print      a trade outside the books: `price`, `quantity`, `side` of the resting party
quote      both sides of a dealer's quote in a series: the bid's order, `price`, `quantity` and
           `ahead`; the ask's `counterparty_order_id`, price in `parent`, lots in `leaves` and what
           is ahead in `time_in_force_code`; 0 lots: that side is out. A side at its price and no
           larger than it stood keeps its place. Each side entered once a day, with 0 lots
purge      an account's quotes in an instrument are out; -1: everybody's, or everywhere
package    `order_type_code` 0 entered, 1 waits, 2 filled (`price` net, against
           `counterparty_order_id` or, -1, the legs), 3 cancelled, 4 refused, 5 a leg of strategy
           `parent` (`quantity` its weight in the net price, `leaves` its lots a unit), 6 replaced
           in its place, 7 replaced and to the back or into trade; the orders of its legs carry
           its id in `parent`, negative
========== =========================================================================================
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, get_args

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from environment.errors import OperatingError
from environment.market import layout as at
from environment.messages import OrderType, TimeInForce
from environment.record.facts import MICROS, TapeFacts
from environment.record.files import operating_errors, publish, temporary_name

Rows = NDArray[np.int64]
Arrow: TypeAlias = Any  # pyarrow ships no types.
TYPE_BITS = 8
TYPE_MASK = (1 << TYPE_BITS) - 1
SIDES = ("buy", "sell")
ORDER_TYPES: tuple[str, ...] = get_args(OrderType)
TIMES_IN_FORCE: tuple[str, ...] = get_args(TimeInForce)
_FACTS_KEY = b"outcry.facts"
_REASON_KINDS = (at.K_CANCEL, at.K_REFUSE, at.K_REDUCE)
_ORDER_KINDS = (
    at.K_ENTER, at.K_REST, at.K_FILL, at.K_CANCEL, at.K_REDUCE, at.K_REFILL, at.K_MOVE,
    at.K_TRIGGER, at.K_REFUSE,
)  # fmt: skip
_TRADE_KINDS = (at.K_FILL, at.K_PRINT)
_WIDTH = len(at.TAPE_COLUMNS)
PHASE_COLUMN = at.T_TYPE
# Order types that are never shown: pegged to the midpoint, or waiting for an auction alone.
UNSEEN_TYPES = (at.MIDPOINT, at.ON_OPEN, at.ON_CLOSE)
# The stored name of each tape column, in the tape's own order.
_STORED = (
    "sequence", "time", "kind_code", "instrument_code", "order_id", "account_code", "side_code",
    "order_type_code", "time_in_force_code", "price_ticks", "quantity", "leaves",
    "counterparty_order_id", "liquidity_code", "ahead", "parent",
)  # fmt: skip


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the tape as the journal knows it."""

    rows: int
    sha256: str


def block_of(rows: Rows) -> Block:
    """Return row count and SHA-256 of the rows' little-endian bytes."""
    exact = np.ascontiguousarray(rows, dtype="<i8")
    return Block(rows=len(exact), sha256=hashlib.sha256(exact.data).hexdigest())


class TapeWriter:
    """Writes one tape, a block at a time; the file gets its name when the writer closes.

    Nothing of earlier blocks is held. Leaving the context by an error keeps what was written so
    far as a readable file only if `keep_partial` was given.
    """

    def __init__(self, path: Path, facts: TapeFacts, *, keep_partial: bool = False) -> None:
        self.path, self.facts = path, facts
        self.blocks: list[Block] = []
        self._part, self._keep_partial = temporary_name(path), keep_partial
        metadata = {_FACTS_KEY: msgspec.json.encode(facts)}
        self._schema = _schema(facts).with_metadata(metadata)
        with operating_errors(path):
            self._writer: Arrow = pq.ParquetWriter(
                self._part, self._schema, compression="zstd", compression_level=1
            )

    def write(self, rows: Rows) -> Block:
        """Append one block and return what the journal records of it."""
        exact = np.ascontiguousarray(rows, dtype="<i8").reshape(-1, _WIDTH)
        block = block_of(exact)
        with operating_errors(self.path):
            self._writer.write_batch(_record_batch(exact, self.facts, self._schema))
        self.blocks.append(block)
        return block

    def close(self) -> None:
        """Finish the file and give it its name."""
        try:
            with operating_errors(self.path):
                self._writer.close()
            publish(self._part, self.path)
        except OperatingError:
            self._part.unlink(missing_ok=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None or self._keep_partial:
            self.close()
            return
        self._discard()

    def _discard(self) -> None:
        # On a full disk closing fails too; what cannot be finished leaves nothing behind.
        try:
            with operating_errors(self.path):
                self._writer.close()
        finally:
            self._part.unlink(missing_ok=True)


def read_blocks(path: Path) -> Iterator[Rows]:
    """Yield the tape's blocks as arrays of shape (rows, 16), as they were written."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield _rows_of(file.read_row_group(group, columns=list(_STORED)))


def read_tape(path: Path) -> Rows:
    """Return the whole tape as one array of shape (rows, 16)."""
    rows, first = np.empty((pq.read_metadata(path).num_rows, _WIDTH), np.int64), 0
    for block in read_blocks(path):  # Into their place: a tape may fill half of the memory.
        rows[first : first + len(block)] = block
        first += len(block)
    return rows


def read_columns(path: Path, *columns: int) -> Iterator[Rows]:
    """Yield some of the tape's columns, block for block, as arrays of shape (rows, columns)."""
    names = [_STORED[column] for column in columns]
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=names)
            found = np.empty((table.num_rows, len(columns)), np.int64)
            for place, name in enumerate(names):
                found[:, place] = _integers(table.column(name), name)
            yield found


def read_facts(path: Path) -> TapeFacts:
    """Return the names that the tape was written with."""
    metadata = pq.read_schema(path).metadata or {}
    if _FACTS_KEY not in metadata:
        raise ValueError(f"{path} is no tape of ours: it holds no {_FACTS_KEY.decode()} entry")
    return msgspec.json.decode(metadata[_FACTS_KEY], type=TapeFacts)


def _schema(facts: TapeFacts) -> Arrow:
    category = pa.dictionary(pa.int32(), pa.string())
    stored = [
        pa.field(name, pa.timestamp("ns", tz=facts.zone) if name == "time" else pa.int64())
        for name in _STORED
    ]
    readable = [
        pa.field(name, category)
        for name in (
            "kind", "instrument", "account", "side", "order_type", "time_in_force", "liquidity",
            "reason",
        )
    ]  # fmt: skip
    return pa.schema([*stored, *readable, pa.field("price", pa.float64())])


def _record_batch(rows: Rows, facts: TapeFacts, schema: Arrow) -> Arrow:
    kind, code = rows[:, at.T_KIND], rows[:, at.T_LIQUIDITY]
    is_order = np.isin(kind, _ORDER_KINDS)
    stored = [
        pa.array(rows[:, column], type=schema.field(name).type)
        for column, name in enumerate(_STORED)
    ]
    traded = np.isin(kind, _TRADE_KINDS)
    names = [
        _named(kind, at.TAPE_KINDS),
        _named(rows[:, at.T_INSTRUMENT], facts.symbols),
        _named_used(rows[:, at.T_ACCOUNT], facts),
        _named(rows[:, at.T_SIDE], SIDES, is_order | traded),
        _named(rows[:, at.T_TYPE] & TYPE_MASK, ORDER_TYPES, is_order),
        _named(rows[:, at.T_TIF], TIMES_IN_FORCE, is_order & ~traded),
        _named(code & (at.HALF_TICK - 1), at.LIQUIDITY, traded),
        _named(code, at.REASONS, np.isin(kind, _REASON_KINDS)),
    ]
    price = pa.array(_money_prices(rows, facts), from_pandas=True)  # NaN: no price.
    return pa.RecordBatch.from_arrays([*stored, *names, price], schema=schema)


def _money_prices(rows: Rows, facts: TapeFacts) -> NDArray[np.float64]:
    micros = np.array([float(one.tick_micros) for one in facts.instruments] or [np.nan])
    instrument, price = rows[:, at.T_INSTRUMENT], rows[:, at.T_PRICE]
    known = (instrument >= 0) & (instrument < len(facts.instruments))
    known &= (price > -at.MAX_PRICE) & (price < at.MAX_PRICE) & (price != 0)
    known &= rows[:, at.T_KIND] != at.K_CLEARING
    half = np.isin(rows[:, at.T_KIND], _TRADE_KINDS) & (rows[:, at.T_LIQUIDITY] & at.HALF_TICK > 0)
    money = (price + 0.5 * half) * micros[np.where(known, instrument, 0)] / MICROS
    return np.where(known, money, np.nan)


def _named(codes: Rows, names: Sequence[str], where: NDArray[np.bool_] | None = None) -> Arrow:
    known = (codes >= 0) & (codes < len(names))
    if where is not None:
        known &= where
    indices = pa.array(np.where(known, codes, 0).astype(np.int32), mask=~known)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names), type=pa.string()))


def _named_used(codes: Rows, facts: TapeFacts) -> Arrow:
    """Name accounts by those that occur: a block must not carry a million names."""
    used, places = np.unique(codes, return_inverse=True)
    known = (used >= 0) & (used < len(facts.accounts))
    names = [facts.accounts[code].name if ok else "" for code, ok in zip(used, known, strict=True)]
    return _named(np.where(known[places], places, -1).astype(np.int64), names)


def _rows_of(table: Arrow) -> Rows:
    rows = np.empty((table.num_rows, _WIDTH), np.int64)
    for column, name in enumerate(_STORED):
        rows[:, column] = _integers(table.column(name), name)
    return rows


def _integers(column: Arrow, name: str) -> Rows:
    found: Rows = (column.cast(pa.int64()) if name == "time" else column).to_numpy()
    return found
