"""States of the desk, and what moves them: down by anyone who finds cause, up by a person only."""

from typing import ClassVar, Final, Literal

import msgspec

from environment.message_roots import Message

DeskState = Literal["active", "reducing", "halted"]
STATES: Final[tuple[DeskState, ...]] = ("active", "reducing", "halted")  # Each opens less.
STATE_TOPIC: Final = "desk/state"
AUDIT_TOPIC: Final = "desk/audit"
RULES_TOPIC: Final = "desk/rules"
BREAKERS_TOPIC: Final = "desk/breakers"
Scope = Literal["desk", "agent", "strategy", "underlying"]


class ControlMessage(Message, frozen=True, kw_only=True, tag=True):
    """A message about the desk itself: it goes before all data."""

    LANE: ClassVar[Literal["control", "data"]] = "control"
    MONEY: ClassVar[bool] = True


class LowerDesk(ControlMessage, frozen=True, kw_only=True):
    """Request: go down to a state. Never moves up; `figures` say what was found."""

    to: Literal["reducing", "halted"]
    reason: str
    figures: str = ""
    scope: Scope = "desk"
    name: str = ""  # Of the agent, strategy or underlying; "" for the whole desk.
    person: str = ""  # Who asked, if it was a person.


class RaiseDesk(ControlMessage, frozen=True, kw_only=True):
    """Request of a person, through the panel or the control socket: one step up."""

    person: str
    reason: str
    scope: Scope = "desk"
    name: str = ""


class RaiseRefused(ControlMessage, frozen=True, kw_only=True):
    """Fact: the desk stays where it is, and why."""

    person: str
    reason: str


class DeskStateChanged(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `desk/state`: a scope is now in a state."""

    before: DeskState
    after: DeskState
    reason: str
    figures: str = ""
    person: str = ""
    scope: Scope = "desk"
    name: str = ""


class FlattenDesk(ControlMessage, frozen=True, kw_only=True):
    """Request of a person: cancel what works, then close every position, short options first.

    The orders of the one flatten under way pass in every state, HALTED included.
    """

    person: str
    reason: str


class OutcomeUnknown(ControlMessage, frozen=True, kw_only=True):
    """Fact: how many commands have an unknown outcome, and breaks against the venue's records.

    Sent to risk by whoever reconciles; the desk moves up only when both are 0.
    """

    unknown: int
    breaks: int = 0


class AuthorityRefused(ControlMessage, frozen=True, kw_only=True):
    """Fact: a venue's gate was handed what risk or people did not let through, by `sender`.

    Risk suspends a sender that is an agent; from the desk itself it is a defect, and lowers it.
    """

    sender: str
    order_id: str
    reason: str


class RulesDiffer(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `desk/rules`: what holds since the file was read again, and what waits.

    `waits` is name, in force and asked for, of each rule that the file would make looser; `source`
    is the file's SHA-256, and names what an admin allows.
    """

    MONEY: ClassVar[bool] = False

    version: int
    source: str
    waits: tuple[tuple[str, str, str], ...] = ()
    person: str = ""  # Who allowed it, if somebody did.
    limits: tuple[tuple[str, str, str], ...] = ()  # Name, soft and hard of what holds, in words.


class HeldDown(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker whose limit is still exceeded: it moves its scope down again when it is resumed."""

    scope: Scope
    name: str
    breaker: str
    to: Literal["reducing", "halted"]
    figure: str  # In words, as is `limit`.
    limit: str
    when: str  # At what it trips again.
    mends: str  # What has to happen for it not to.

    @property
    def text(self) -> str:
        """What a person reads before resuming."""
        return (
            f"breaker {self.breaker} stands at {self.figure}, limit {self.limit}: it goes down to "
            f"{self.to.upper()} again {self.when}, unless {self.mends}"
        )


class BreakersHold(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `desk/breakers`: all that would stop again at once, as it stands now.

    Told while something is stopped, when it has changed, and at most once a second.
    """

    MONEY: ClassVar[bool] = False

    held: tuple[HeldDown, ...] = ()


class ShowDesk(ControlMessage, frozen=True, kw_only=True):
    """Request: tell the sender what is not ACTIVE, what is unknown, and what breakers hold."""

    MONEY: ClassVar[bool] = False


class Audited(ControlMessage, frozen=True, kw_only=True):
    """Fact on topic `desk/audit`: something else that the chain must hold, such as a sign-in.

    `kind` is one word such as `sign_in`, `view`, `limits`; `figures` are text by name.
    """

    MONEY: ClassVar[bool] = False

    kind: str
    person: str = ""
    subject: str = ""  # A card's code, an order's id, a file.
    text: str = ""
    figures: dict[str, str] = msgspec.field(default_factory=dict)


PROTOCOL: Final = (
    LowerDesk, RaiseDesk, RaiseRefused, DeskStateChanged, FlattenDesk, OutcomeUnknown,
    AuthorityRefused, RulesDiffer, Audited, BreakersHold, ShowDesk,
)  # fmt: skip
