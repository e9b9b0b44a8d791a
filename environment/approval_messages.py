"""What stands on a card, and what is said about one: risk, the approval agent and the panel.

An `OrderCard` is the pending record: immutable, named by its hash, never edited. What moves while
it waits (drift, figures as of now, fills) is in `CardFigures` and `CardChanged` around it. Whoever
renders a card decides nothing. Prices are ticks, money millionths, times nanoseconds since 1970.
"""

from typing import Final, Literal

import msgspec

from environment.authority import record_hash
from environment.control_messages import ControlMessage
from environment.messages import OrderRequest, Side
from environment.signed import SignedDecision

CARDS_TOPIC: Final = "human/cards"
Tier = Literal["auto", "notify", "one", "two", "refuse"]
TIERS: Final[tuple[Tier, ...]] = ("auto", "notify", "one", "two", "refuse")  # Each is stricter.
Effect = Literal["open", "close", "both"]
Outcome = Literal[
    "approved", "rejected", "expired_unseen", "expired_seen", "drifted", "market_closed", "halted",
    "refused_again", "withdrawn", "failed",
]  # fmt: skip
CardState = Literal[
    "waiting", "one_of_two", "redrawing", "sent", "withheld", "done", "not_sent"
]  # fmt: skip
Because = Literal["", "drift", "smaller", "next_open", "replacement"]


class Change(msgspec.Struct, frozen=True):
    """A figure before the order, and after it."""

    before: int
    after: int


class CardLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a card: its own side, ratio, and whether it opens or closes."""

    instrument: str
    title: str  # For people: `AAPL 650 call 19 Jul 2014`.
    side: Side
    ratio: int
    effect: Effect
    position: Change  # Lots.
    tick_micros: int  # Currency per tick and unit.
    units_per_lot: int  # Shares in a lot, multiplier included.
    bid_price: int | None = None
    ask_price: int | None = None


class CardReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why it needs a person, or what it comes near: a rule, its figure, its limit."""

    rule: str
    figure: float
    limit: float
    unit: str
    kind: Literal["soft", "hard", "tier"]
    scope: str = ""  # `AAPL`, an agent, an expiry; "" for the account.
    text: str = ""


class ScorePart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the risk score; the parts add up to it."""

    name: str
    points: float
    text: str = ""


class WorstCase(msgspec.Struct, frozen=True, kw_only=True):
    """The largest loss on the scenario grid (a positive number), and where on it."""

    loss_micros: int
    when: str  # For people: `AAPL -20 %, volatility +25 %, in 5 days`.
    is_unbounded: bool = False


class CardGreeks(msgspec.Struct, frozen=True, kw_only=True):
    """Greeks of the account in the order's underlying, in money.

    Delta times spot; gamma: change of that for one per cent of spot; vega per volatility point;
    theta per calendar day.
    """

    underlying: str
    delta: Change
    gamma: Change
    vega: Change
    theta: Change


class OrderCard(msgspec.Struct, frozen=True, kw_only=True):
    """One order that waits for a person. `record_hash` names all other fields."""

    code: str  # Four characters, such as `4F2A`; stays when drift makes a new record.
    order: OrderRequest
    proposer: str
    legs: tuple[CardLeg, ...]
    verb: Literal["buy", "sell", "trade"]
    effect: Effect
    quantity: int  # Lots, or whole structures.
    price: int | None  # Limit in ticks; net for structures; None: at market.
    worst_price: int | None  # What is bound: no child may be worse.
    total_micros: int | None  # Pay at most (positive) or receive at least (negative), without fees.
    tier: Tier
    reasons: tuple[CardReason, ...]
    near: tuple[CardReason, ...] = ()  # Limits that it comes near.
    score: float = 0.0  # 0 to 100.
    score_parts: tuple[ScorePart, ...] = ()
    worst_case: WorstCase
    position: Change  # Lots of its one instrument; structures: of the first leg.
    margin_micros: Change
    buying_power_micros: Change
    greeks: CardGreeks | None = None
    share_of_depth: float | None = None  # Of what is shown on the side that it takes from.
    twice_mid: int | None = None  # Ticks, at the proposal; options: twice the theoretical value.
    drift: float  # Share of the mid, either way, that voids the record.
    proposed_ns: int
    answer_until_ns: int
    send_within_ns: int
    asked: int = 1  # The how manieth time.
    asked_at_most: int = 3
    previous: str = ""  # Hash of the record that this one replaces.
    changed_because: Because = ""
    dropped: int = 0  # Lots or structures that `smaller` took off, and that nobody will send.
    done: int = 0  # What of its order traded on earlier days; `quantity` is the rest.
    evidence: tuple[int, ...] = ()
    words: tuple[str, ...] = ()  # The proposer's; nobody has verified them.
    record_hash: str = ""  # 64 hexadecimal digits.


def named(card: OrderCard) -> OrderCard:
    """Return the card with its hash."""
    bare = msgspec.structs.replace(card, record_hash="")
    return msgspec.structs.replace(card, record_hash=record_hash(bare).hex())


class CardFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What moves while a card waits. An answer names the `sequence` of what was on screen."""

    sequence: int
    as_of_ns: int
    twice_mid: int | None
    drift: float | None  # Signed share of the mid since the proposal.
    position: Change
    margin_micros: Change
    buying_power_micros: Change
    worst_case: WorstCase
    greeks: CardGreeks | None = None


# --- risk and the approval agent ------------------------------------------------------------------


class ApprovalRequest(ControlMessage, frozen=True, kw_only=True):
    """Risk to approvals: ask. A card with `previous` takes the place of that record.

    `before` is that record where it stood on another card: the one of the day before.
    """

    card: OrderCard
    figures: CardFigures
    before: OrderCard | None = None


class CardRefreshed(ControlMessage, frozen=True, kw_only=True):
    """Risk to approvals: new figures of a waiting card."""

    code: str
    record_hash: str
    figures: CardFigures


class CardWithdrawn(ControlMessage, frozen=True, kw_only=True):
    """Risk to approvals: the card is over, without an answer."""

    code: str
    order_id: str
    outcome: Outcome
    reason: str


class CardProgress(ControlMessage, frozen=True, kw_only=True):
    """Risk to approvals: how much of an approved order has traded.

    What is `withheld` is out of the market, and asked again at the next open.
    """

    code: str
    order_id: str
    filled: int
    quantity: int
    is_over: bool = False
    is_withheld: bool = False
    reason: str = ""


class MakeSmaller(ControlMessage, frozen=True, kw_only=True):
    """Approvals to risk: rule again on fewer; answered by ApprovalRequest or CardWithdrawn."""

    code: str
    record_hash: str
    quantity: int
    person: str


class Decision(ControlMessage, frozen=True, kw_only=True):
    """Approvals to risk: how a card ended. Signed only where people said yes."""

    code: str
    order_id: str
    record_hash: str
    outcome: Outcome
    people: tuple[str, ...] = ()
    reason: str = ""
    signed: SignedDecision | None = None


# --- people, through the panel's gateway or a script ---------------------------------------------


class CardAnswer(ControlMessage, frozen=True, kw_only=True):
    """A person's answer to one record, as shown with these figures.

    The sender (the panel's gateway, which checked sign-in and role; in simulation the scripted
    approver) is read from the envelope. `quantity` is what was typed: needed for `smaller`, and
    for tier `two`.
    """

    code: str
    record_hash: str
    figures_sequence: int
    answer: Literal["approve", "smaller", "reject"]
    person: str
    sign_in_id: str
    browser_id: str = ""
    password_proved: bool = False  # Entered for this very answer.
    quantity: int | None = None
    reason: str = ""
    answer_id: str = ""  # Of one press: a second message with it changes nothing.
    figures_hash: str = ""  # Of what was on screen.


class AnswerNoted(ControlMessage, frozen=True, kw_only=True):
    """Approvals to whoever sent an answer: it counted, or why not."""

    code: str
    record_hash: str
    person: str
    sign_in_id: str
    answer_id: str
    is_taken: bool
    reason: str = ""


class CardViewed(ControlMessage, frozen=True, kw_only=True):
    """A person's browser: the card was shown, or a part of it unfolded."""

    code: str
    record_hash: str
    person: str
    sign_in_id: str
    shown_ms: int = 0
    unfolded: tuple[str, ...] = ()
    figures_hash: str = ""


class ShowCards(ControlMessage, frozen=True, kw_only=True):
    """Request: publish every card that waits or works once more, for one who comes later."""


class ApproversPresent(ControlMessage, frozen=True, kw_only=True):
    """Fact from the panel: how many people who may approve have a page open now."""

    count: int


class CardChanged(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `human/cards`: all there is to show of one card, now."""

    card: OrderCard
    figures: CardFigures
    state: CardState
    outcome: Outcome | None = None
    reason: str = ""
    people: tuple[str, ...] = ()  # Who said yes so far, first one first.
    previous: OrderCard | None = None  # The record before: old and new stand side by side.
    is_seen: bool = False
    filled: int = 0
    changed_ns: int


class CardDue(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `human/cards`: nobody has answered yet. Remind, then escalate."""

    code: str
    tier: Tier
    kind: Literal["remind", "escalate"]
    left_ns: int
    is_seen: bool


PROTOCOL: Final = (
    ApprovalRequest, CardRefreshed, CardWithdrawn, CardProgress, MakeSmaller, Decision, CardAnswer,
    AnswerNoted, CardViewed, ShowCards, CardChanged, CardDue, ApproversPresent,
)  # fmt: skip
