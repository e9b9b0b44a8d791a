"""The panel's actor: what it hears goes to the server, and what people say comes in by its name.

The same actor stands in paced and in live runs; the server beside it runs on a thread or a loop of
its own. Whatever a person does enters as an admitted message, so it is an input of the journal.
"""

from collections.abc import Callable
from typing import ClassVar, Final, Protocol, assert_never

from agents.desk.proposal import PROPOSALS, Proposal
from agents.desk.risk_state import VERDICTS, Verdict
from agents.human.panel_clerk import PANEL
from agents.human.panel_room import APPROVALS
from environment.actors import Actor, ActorContext, ActorRef
from environment.approval_messages import (
    CARDS_TOPIC,
    AnswerNoted,
    CardChanged,
    CardDue,
    ShowCards,
)
from environment.control_messages import (
    AUDIT_TOPIC,
    BREAKERS_TOPIC,
    RULES_TOPIC,
    STATE_TOPIC,
    Audited,
    BreakersHold,
    DeskStateChanged,
    OutcomeUnknown,
    RaiseRefused,
    RulesDiffer,
    ShowDesk,
)
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    AuctionIndication,
    BandsChanged,
    DepthUpdate,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Signal,
    TradePrint,
)
from environment.option_messages import ChainUpdate
from environment.text_messages import (
    CONSULTED_TOPIC,
    EVIDENCE_TOPIC,
    NOTICE_TOPIC,
    Consulted,
    Evidence,
    NewsItem,
    Notice,
    news_topic,
)

_MARKET_NS: Final = 250_000_000  # Eyes need no more.
_CHAIN_NS: Final = 1_000_000_000

Heard = (
    CardChanged | CardDue | AnswerNoted | DeskStateChanged | RaiseRefused | RulesDiffer
    | QuoteUpdate | DepthUpdate | TradePrint | PhaseChanged | BandsChanged | AuctionIndication
    | Signal | Proposal | Verdict
    | ApprovedOrder | ApprovedReplace | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled
    | OrderReplaced | OrderTriggered | Consulted | Evidence | NewsItem | Notice | OutcomeUnknown
    | ChainUpdate | BreakersHold
)  # fmt: skip
ToPanel = Resumed | Audited | Heard
Outlet = Callable[[str, Message, int, tuple[int, ...]], None]


class PanelGateway(Actor[ToPanel]):
    """Hears for the people at the panel. It answers nobody, and never speaks by itself."""

    KIND: ClassVar[str] = "panel"

    def __init__(
        self, outlet: Outlet, approvals: ActorRef[ShowCards] | None, symbols: tuple[str, ...],
        feeds: tuple[str, ...] = (), risk: ActorRef[ShowDesk] | None = None,
    ) -> None:  # fmt: skip
        self._outlet = outlet
        self._approvals = approvals
        self._symbols = symbols
        self._feeds = feeds
        self._risk = risk

    def receive(self, ctx: ActorContext, message: ToPanel) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                self._listen(ctx)
            case Audited():
                # Only what the server itself admitted: another actor's word is not the panel's.
                if ctx.sender() == ctx.address:
                    ctx.publish(AUDIT_TOPIC, message)
            case (
                CardChanged() | CardDue() | AnswerNoted() | DeskStateChanged() | RaiseRefused()
                | RulesDiffer()
                | QuoteUpdate() | DepthUpdate() | TradePrint() | PhaseChanged() | BandsChanged()
                | AuctionIndication() | Signal() | Proposal() | Verdict() | ApprovedOrder()
                | ApprovedReplace() | OrderAccepted() | OrderRefused() | OrderFilled()
                | OrderCancelled() | OrderReplaced() | OrderTriggered() | Consulted() | Evidence()
                | NewsItem() | Notice() | OutcomeUnknown() | ChainUpdate()
                | BreakersHold()
            ):  # fmt: skip
                envelope = ctx.envelope()
                evidence = envelope.evidence if envelope is not None else ()
                cause = (envelope.cause,) if envelope is not None and envelope.cause else ()
                self._outlet(ctx.sender(), message, ctx.envelope_id(), (*evidence, *cause))
            case never:
                assert_never(never)

    def _listen(self, ctx: ActorContext) -> None:
        read = (CONSULTED_TOPIC, EVIDENCE_TOPIC, NOTICE_TOPIC, *map(news_topic, self._feeds))
        for topic in (
            CARDS_TOPIC,
            STATE_TOPIC,
            RULES_TOPIC,
            BREAKERS_TOPIC,
            VERDICTS,
            PROPOSALS,
            *read,
        ):
            ctx.subscribe(topic)
        for symbol in self._symbols:
            ctx.subscribe(f"market/{symbol}/quotes", _MARKET_NS)
            ctx.subscribe(f"market/{symbol}/depth", _MARKET_NS)
            ctx.subscribe(f"market/{symbol}/status")
            ctx.subscribe(f"market/{symbol}/chain", _CHAIN_NS)
        if self._approvals is not None:
            ctx.send(self._approvals, ShowCards())
        if self._risk is not None:  # After a restart something may be stopped already.
            ctx.send(self._risk, ShowDesk())


class Entrance(Protocol):
    """Where a kernel, paced or live, lets things in from any thread."""

    def admit(self, sender: str, recipient: str, message: Message) -> None:
        """Let a message to an actor in; the kernel stamps it, and records it as input."""


class KernelFloor:
    """The floor as the server sees it: a kernel's entrance, its clock, and how fast that runs.

    `pace` is market seconds a wall second.
    """

    def __init__(self, entrance: Entrance, now_ns: Callable[[], int], pace: float = 1.0) -> None:
        self._entrance = entrance
        self._now_ns = now_ns
        self._pace = pace

    def admit(self, recipient: str, message: Message) -> None:
        """Let a message of the panel in."""
        self._entrance.admit(PANEL, recipient, message)

    def now_ns(self) -> int:
        """Return the market's time."""
        return self._now_ns()

    def left_ns(self, until_ns: int) -> int:
        """Return the wall time until a moment of the market's time."""
        return int(max(0, until_ns - self._now_ns()) / self._pace)


__all__ = ["APPROVALS", "PANEL", "Entrance", "KernelFloor", "PanelGateway", "ToPanel"]
