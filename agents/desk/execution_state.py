"""What execution is set up with, what changes in it, and what it counts."""

import msgspec

from agents.desk.schedule import Session
from agents.desk.structure_quotes import LegQuotes
from agents.desk.working_order import ExecutionReport, WorkingOrder
from agents.instrument_view import InstrumentView
from agents.orders import OrderNumbers
from environment.instruments import Instrument


class ExecutionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How parents are sliced.

    A parent without a time of its own has `within_ns`. Each slice rests at the near touch for
    `patience` of its time, then takes the far one. Every `beat_ns` each parent is looked at.
    `sessions` are the days, in order.
    """

    instruments: tuple[Instrument, ...]
    sessions: tuple[Session, ...]
    slices: int = 12
    within_ns: int = 600_000_000_000
    patience: float = 0.7
    beat_ns: int = 1_000_000_000
    quotes_every_ns: int = 1_000_000_000
    series: tuple[Instrument, ...] = ()  # Listed options, which trade in structures only.


class ExecutionCost(msgspec.Struct):
    """What carrying out one strategy's parents came to; money in micros, costs above 0."""

    parents: int = 0
    filled: int = 0  # Parents of which anything traded.
    lots: int = 0
    slippage_micros: int = 0
    fees_micros: int = 0

    def add(self, report: ExecutionReport) -> None:
        """Count one parent that is over."""
        self.parents += 1
        self.filled += report.filled > 0
        self.lots += report.filled
        self.slippage_micros += report.slippage_micros
        self.fees_micros += report.fees_micros


class ExecutionState(msgspec.Struct):
    """All that changes in execution."""

    views: dict[str, InstrumentView]
    numbers: OrderNumbers
    listens_to: list[str] = []  # Instruments of parents so far: others would only be noise.
    working: dict[str, WorkingOrder] = {}
    parents: dict[str, str] = {}  # Parent by the id of its child in the market.
    is_beating: bool = False
    done: int = 0
    refused_children: int = 0
    quotes: LegQuotes = msgspec.field(default_factory=LegQuotes)
    costs: dict[str, ExecutionCost] = {}  # By strategy.
    listed: dict[str, Instrument] = {}  # Series that came after the start, as after a split.


class ExecutionStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How many parents are worked and were, how many children risk refused, and what it cost."""

    working: int
    done: int
    refused_children: int
    costs: dict[str, ExecutionCost]
