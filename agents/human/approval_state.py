"""What the approval agent is set up with, and what it keeps: cards that wait, work or ended."""

from typing import Final

import msgspec

from environment.approval_messages import (
    CardFigures,
    CardProgress,
    CardState,
    OrderCard,
    Outcome,
)

_REMEMBERED: Final = 200  # Ended cards, so that a late answer is told how it ended.
_FIGURES: Final = 16  # Sequence numbers of one card whose times are kept.


class ApprovalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may speak for people, and when to remind.

    `answers_at_once` exists for simulations without an approver: every question counts as yes.
    `figures_age_ns` above 0 refuses answers that were given to older figures.
    """

    speakers: frozenset[str] = frozenset({"human/panel"})
    answers_at_once: bool = False
    figures_age_ns: int = 5_000_000_000
    remind_ns: tuple[int, ...] = ()
    escalate_after_ns: int | None = None
    has_channel: bool = False  # A webhook or mail is configured.


class Yes(msgspec.Struct, frozen=True, kw_only=True):
    """One person's yes to the record that stands."""

    person: str
    sign_in_id: str
    browser_id: str
    is_proved: bool = False  # With a password, entered for this answer.


class Entry(msgspec.Struct, kw_only=True):
    """One card, from the question to the end of its order."""

    card: OrderCard
    figures: CardFigures
    state: CardState = "waiting"
    outcome: Outcome | None = None
    reason: str = ""
    yes: tuple[Yes, ...] = ()
    previous: OrderCard | None = None
    is_seen: bool = False
    is_called: bool = False  # People were called about this record.
    filled: int = 0
    answer_ids: tuple[str, ...] = ()
    figures_ns: dict[int, int] = {}  # When each sequence number was as of.
    smaller_by: Yes | None = None  # Who waits for the record to be drawn smaller.
    timers: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether an answer could still count."""
        return self.state in {"waiting", "one_of_two"}

    def hear_progress(self, progress: CardProgress) -> None:
        """Take in how far an approved order has come."""
        self.filled, self.reason = progress.filled, progress.reason
        self.state = "done" if progress.is_over else "withheld" if progress.is_withheld else "sent"

    def hear_figures(self, figures: CardFigures) -> None:
        """Take newer figures in."""
        self.figures = figures
        self.figures_ns[figures.sequence] = figures.as_of_ns
        while len(self.figures_ns) > _FIGURES:
            del self.figures_ns[min(self.figures_ns)]


class ApprovalState(msgspec.Struct):
    """All that changes in the approval agent."""

    cards: dict[str, Entry] = {}  # By code: those that wait, and those whose orders work.
    ended: dict[str, str] = {}  # Code to outcome, the last ones.
    outcomes: dict[str, int] = {}
    asked: int = 0
    asked_again: int = 0
    made_smaller: int = 0
    refused_answers: int = 0
    unbelieved: int = 0
    answer_ns: list[int] = []  # From the question to the deciding answer.
    approvers: int = 0  # How many who may approve have a page open, as the panel said last.
    calls: dict[int, str] = {}  # Code by effect, of calls under way.
    calls_failed: int = 0

    def end(self, code: str, outcome: Outcome) -> None:
        """Count how a card ended."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.ended[code] = outcome
        while len(self.ended) > _REMEMBERED:
            del self.ended[next(iter(self.ended))]


class ApprovalStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How many were asked about, how they ended, and how long people took."""

    asked: int
    asked_again: int
    made_smaller: int
    waiting: int
    outcomes: dict[str, int]
    share_unseen: float  # Of those that ended while they waited.
    refused_answers: int
    median_answer_ns: int
