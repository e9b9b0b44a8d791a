"""What the portfolio is set up with, what changes in it, and the facts that it publishes."""

import msgspec

from agents.desk.adjusted_marks import AdjustedMarks
from agents.desk.greek_profit import GreekBook, GreekProfit
from agents.desk.profit import Ledger
from agents.desk.proposal import Proposal
from agents.desk.sizing import Binding, SizingSettings
from agents.desk.structure_desk import StructureLine, StructureSettings
from agents.desk.structure_quotes import LegQuotes
from agents.desk.volatility_estimate import VolatilityEstimate
from agents.instrument_view import InstrumentView
from agents.orders import OrderNumbers, TrackedOrder
from environment.instruments import Instrument
from environment.messages import ExecutionStyle, Message

SIZINGS = "desk/sizings"  # The topic of every Sizing.
OWN = "desk/portfolio"  # The strategy of what no source proposed: closing what was adopted.


class Sizing(Message, frozen=True, kw_only=True):
    """Fact: how much of a proposal the portfolio wants to hold, and which bound decided."""

    instrument: str
    lots: int  # Signed.
    bound: Binding
    kelly_share: float  # Of equity.
    equity_micros: int
    volatility: float  # Per year, as a fraction.
    structure: str = ""  # Whose units `lots` are; "": the instrument's own.


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it may hold of what, and how it goes about it.

    An order that rests longer than `patience_ns` is cancelled; after one that ended short of its
    quantity, or was refused, nothing is asked for `pause_ns`. A position is left alone that is
    within `tolerance` of the wanted one, as a share of that. `style` is how the desk's execution
    works what is larger than the touch.
    """

    instruments: tuple[Instrument, ...]
    cash_micros: int
    sizing: SizingSettings = SizingSettings()
    style: ExecutionStyle = "direct"
    tolerance: float = 0.2
    patience_ns: int = 10_000_000_000
    pause_ns: int = 1_000_000_000
    quotes_every_ns: int = 1_000_000_000
    series: tuple[Instrument, ...] = ()  # Listed options, which are held in structures only.
    structures: StructureSettings = StructureSettings()


class Line(msgspec.Struct):
    """What is wanted, held and on its way in one instrument."""

    view: InstrumentView
    volatility: VolatilityEstimate = msgspec.field(default_factory=VolatilityEstimate)
    proposal: Proposal | None = None
    evidence: int = 0  # Envelope of the proposal.
    is_unsized: bool = False  # The proposal came before a market to size it by.
    target: int | None = None  # None: no view, or one that was refused.
    position: int = 0
    order: TrackedOrder | None = None
    strategy: str = OWN
    timer: int = 0
    rests_until_ns: int = 0


class PortfolioState(msgspec.Struct):
    """All that changes in the portfolio."""

    lines: dict[str, Line]
    numbers: OrderNumbers
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    ignored: int = 0  # Proposals on what the desk does not trade.
    structures: dict[str, StructureLine] = {}  # By instrument and name, as `AAPL/condor`.
    quotes: LegQuotes = msgspec.field(default_factory=LegQuotes)
    listed: dict[str, Instrument] = {}  # Series that came after the start, as after a split.
    greeks: GreekBook = msgspec.field(default_factory=GreekBook)
    adjusted: AdjustedMarks = msgspec.field(default_factory=AdjustedMarks)


class StrategyProfit(msgspec.Struct, frozen=True, kw_only=True):
    """What one source's ideas earned, in micros."""

    realised_micros: int
    unrealised_micros: int


class PortfolioStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Positions in lots by instrument, and profit by strategy and by greek of each underlying."""

    positions: dict[str, int]
    profits: dict[str, StrategyProfit]
    ignored: int
    units: dict[str, int] = {}  # Held of each structure.
    greeks: dict[str, GreekProfit] = {}


PROTOCOL = (Sizing,)
