"""What the risk desk is set up with, what changes in it, and the facts that it publishes."""

from datetime import date
from typing import Final, Literal

import msgspec

from agents.desk.activity import ActivityBook
from agents.desk.adjusted_marks import AdjustedMarks
from agents.desk.day_ledger import DayLedger
from agents.desk.exposure import DeskBook
from agents.desk.frozen import Frozen
from agents.desk.limits import Rulebook
from agents.desk.market_view import DeskView
from agents.desk.states import ScopeStates
from agents.orders import TrackedOrder
from environment.approval_messages import OrderCard, Tier
from environment.control_messages import HeldDown
from environment.instruments import Instrument
from environment.messages import Leg, Message, OrderRequest
from environment.signed import SignedDecision

VERDICTS: Final = "desk/verdicts"  # The topic on which every verdict is published.
Became = Literal["passed", "reduced", "refused", "asked"]


class Verdict(Message, frozen=True, kw_only=True):
    """Fact: what became of an order or replace; `rule` and figures say why it was not passed.

    `score` is its risk score, 0 to 100, where a person was asked.
    """

    verdict_id: int
    order_id: str
    owner: str
    is_passed: bool
    rule: str = ""
    detail: str = ""
    figure: float | None = None
    limit: float | None = None
    unit: str = ""
    became: Became = "passed"
    tier: Tier = "auto"
    score: float = 0.0
    quantity: int = 0
    limits_version: int = 0
    people: tuple[str, ...] = ()
    # Of the order that it is about, where that was well formed; `price` is in ticks, net with legs.
    instrument: str = ""
    side: str = ""
    price: int | None = None
    legs: tuple[Leg, ...] = ()


class PaperOrder(Message, frozen=True, kw_only=True):
    """Fact on the gate's topic: an order that the gate kept, wholly or in part, from the market.

    The gate's ledger fills it on paper. `quantity` is what was not sent.
    """

    order_id: str
    instrument: str
    side: Literal["buy", "sell"]
    quantity: int
    price: int | None
    twice_mid: int | None
    because: str  # `rejected`, `expired_unseen`, `reduced`, or a rule's name.
    legs: tuple[Leg, ...] = ()  # Of a structure, whose price is net.


GATE: Final = "desk/gate"  # The topic of `PaperOrder`.


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk may trade, for whom, and within which limits.

    `reference_ticks` values orders until the market or a fill says a price: the last close, or the
    start of the price path. `reports` are the addresses whose order events are believed, `raisers`
    those that may move the desk up or start a flatten, for a person whom they have checked.
    """

    account: str
    instruments: tuple[Instrument, ...]
    rules: Rulebook = Rulebook()
    reference_ticks: dict[str, int] = {}
    cash_micros: int = 0
    margin: Literal["portfolio", "reg_t", "cash"] = "reg_t"
    today: date = date(2000, 1, 1)
    returns: dict[str, tuple[float, ...]] = {}  # Of past days by stock, the last one last.
    day_micros: dict[str, float] = {}  # What of a stock a mean day trades, in money, micros.
    key: int = 0  # Of the draws of Heston scenarios.
    reports: frozenset[str] = frozenset({"venue", "desk/custodian"})
    raisers: frozenset[str] = frozenset({"control", "human/panel"})
    executors: frozenset[str] = frozenset({"desk/execution"})
    trusted: frozenset[str] = frozenset()  # May lower the desk besides itself and the kernel.
    refresh_ns: int = 1_000_000_000  # Of waiting cards' figures; 0: never.
    verdict_ns: int = 30_000_000_000  # How long a verdict holds.


class Ticket(msgspec.Struct):
    """An approved order while it is open, as the desk needs it besides its terms."""

    request: OrderRequest
    scopes: tuple[str, ...]
    decision: SignedDecision | None = None
    code: str = ""
    twice_mid: int | None = None
    drift: float = 0.0  # Of what people approved: the band outside which its rest is cancelled.
    is_cancelled: bool = False  # The desk itself has cancelled what is left of it.
    reduces: bool = False  # Let through because it only reduces: it may close, and open nothing.
    is_parent: bool = False  # Execution works it, in children.
    is_ending: bool = False  # Execution is done with it.
    is_withheld: bool = False  # Out of the market until it was asked again.
    is_out: bool = False  # Execution has said that nothing of it works.
    changes_to: OrderRequest | None = None  # Its terms once what works of it is out.
    night: int = 0  # How many had passed when people said yes.
    card: OrderCard | None = None  # What they said it to, where it outlives the day.
    children: dict[str, TrackedOrder] = {}  # Those in the market.

    @property
    def rests(self) -> bool:
        """Whether people approved it for longer than a day."""
        return self.card is not None


class Waiting(msgspec.Struct):
    """An order that waits for people."""

    card: OrderCard
    sequence: int = 1  # Of the figures last sent.
    quantity: int = 0  # As first proposed.
    is_change: bool = False  # Of an order that rests: without a yes it stays as it is.


class RiskState(msgspec.Struct):
    """All that changes in the risk desk."""

    book: DeskBook
    rules: Rulebook
    cash_micros: int = 0
    marks: dict[str, int] = {}  # Ticks, by symbol.
    views: dict[str, DeskView] = {}
    numbers: dict[str, int] = {}  # Number of each owner's last order.
    activity: ActivityBook = msgspec.field(default_factory=ActivityBook)
    ledger: DayLedger = msgspec.field(default_factory=DayLedger)
    adjusted: AdjustedMarks = msgspec.field(default_factory=AdjustedMarks)
    states: ScopeStates = msgspec.field(default_factory=ScopeStates)
    tickets: dict[str, Ticket] = {}
    child_of: dict[str, str] = {}  # Parent by the id of its open child.
    waiting: dict[str, Waiting] = {}  # By order id.
    resting: dict[str, None] = {}  # Orders that people approved for longer than a day.
    pending: Rulebook | None = None  # Looser rules that wait for an admin.
    pending_source: str = ""
    listed: dict[str, Instrument] = {}  # Series that came after the start, as after a split.
    today: date = date(2000, 1, 1)
    opened_ns: int = 0  # When trading first began.
    opened_day: date | None = None  # On which day that was; a later start has another first day.
    nights: int = 0  # That had passed when this day began.
    is_night: bool = False  # Trading has ended, and not begun again.
    unknown: int = 0  # Commands of unknown outcome, and breaks, as last reported.
    breaks: int = 0
    held: tuple[HeldDown, ...] = ()  # What breakers hold down, as last told.
    held_ns: int = 0  # When that was looked at.
    flattens_for: str = ""  # The person whose flatten is under way.
    flatten_rounds: int = 0
    refresh_timer: int = 0
    renew_timer: int = 0
    frozen: Frozen = msgspec.field(default_factory=Frozen)
    verdicts: int = 0
    refused: dict[str, int] = {}  # By rule.
    asked: int = 0
    reduced: int = 0
    unbelieved: int = 0  # Messages whose sender may not say what they say.
    undelivered: int = 0  # Refusals for owners that do not exist.


def first_state(settings: RiskSettings) -> RiskState:
    """Return the state of a desk that has heard nothing yet."""
    return RiskState(
        book=DeskBook(), rules=settings.rules, cash_micros=settings.cash_micros,
        marks=dict(settings.reference_ticks), today=settings.today,
        frozen=Frozen(
            returns={symbol: list(past) for symbol, past in settings.returns.items()},
            closes=dict(settings.reference_ticks),
        ),
    )  # fmt: skip


class RiskStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How much was asked, and what became of it."""

    passed: int
    refused: dict[str, int]
    open_orders: int
    unexplained_fills: int
    undelivered: int
    asked: int = 0
    reduced: int = 0
    unbelieved: int = 0


def statistics_of(state: RiskState) -> RiskStatistics:
    """Return the counts of a state."""
    return RiskStatistics(
        passed=state.verdicts - sum(state.refused.values()) - state.asked,
        refused=dict(state.refused),
        open_orders=len(state.book.orders),
        unexplained_fills=state.book.unexplained_fills,
        undelivered=state.undelivered,
        asked=state.asked,
        reduced=state.reduced,
        unbelieved=state.unbelieved,
    )


PROTOCOL: Final = (Verdict, PaperOrder)
