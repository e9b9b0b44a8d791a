"""A scripted approver, for simulations only: people with hours, a delay, a policy, and mistakes."""

from typing import ClassVar, assert_never

import msgspec

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.latency import LatencySetting
from environment.approval_messages import (
    CARDS_TOPIC,
    AnswerNoted,
    CardAnswer,
    CardChanged,
    CardDue,
    CardViewed,
    OrderCard,
)
from environment.messages import Resumed, TimerFired


class ScriptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, when, how fast, and by which rule.

    A score below `approve_score_under` is a yes. Any other order is asked for smaller, once
    (`shrink_to` below 1), and if that does not bring its score down, rejected. With probability
    `error_rate` an answer is the opposite of what it should be. `hours` are pairs of nanoseconds,
    one a day; outside nobody looks.
    """

    people: tuple[str, ...]
    delay: LatencySetting
    hours: tuple[tuple[int, int], ...] = ()
    approve_score_under: float = 70.0
    shrink_to: float = 1.0
    error_rate: float = 0.0


class ScriptState(msgspec.Struct):
    """What the script is about to answer, by card."""

    cards: dict[str, CardChanged] = {}
    answers: int = 0
    mistakes: int = 0


class ScriptedApprover(Actor[Resumed | CardChanged | CardDue | AnswerNoted | TimerFired]):
    """Reads every card that it is shown and answers it after a while, as the policy says."""

    KIND: ClassVar[str] = "approver"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, approvals: ActorRef[CardAnswer | CardViewed], settings: ScriptSettings
    ) -> None:
        self._approvals = approvals
        self._settings = settings
        self.state: ScriptState = ScriptState()

    def receive(
        self, ctx: ActorContext,
        message: Resumed | CardChanged | CardDue | AnswerNoted | TimerFired,
    ) -> None:  # fmt: skip
        """Handle one message."""
        match message:
            case Resumed():
                ctx.subscribe(CARDS_TOPIC)
                for code in self.state.cards:
                    ctx.after(self._delay_ns(ctx), code)  # The timers of before are gone.
            case CardChanged():
                self._on_card(ctx, message)
            case TimerFired(name=code):
                self._answer(ctx, code)
            case CardDue() | AnswerNoted():
                pass  # It has no other way to hurry, and takes a refusal as it is.
            case never:
                assert_never(never)

    def _on_card(self, ctx: ActorContext, changed: CardChanged) -> None:
        state, code = self.state, changed.card.code
        if changed.state not in {"waiting", "one_of_two"}:
            state.cards.pop(code, None)
            return
        known = state.cards.get(code)
        state.cards[code] = changed
        is_same = known is not None and (
            known.card.record_hash == changed.card.record_hash and known.people == changed.people
        )
        if is_same or not self._is_there(ctx.now_ns()):
            return
        if not changed.is_seen:
            ctx.send(self._approvals, CardViewed(
                code=code, record_hash=changed.card.record_hash, person=self._person(changed),
                sign_in_id=f"script/{self._person(changed)}",
            ))  # fmt: skip
        if known is None or known.people != changed.people:
            ctx.after(self._delay_ns(ctx), code)

    def _answer(self, ctx: ActorContext, code: str) -> None:
        changed = self.state.cards.get(code)
        if changed is None or not self._is_there(ctx.now_ns()):
            return
        card, person = changed.card, self._person(changed)
        self.state.answers += 1
        smaller = max(int(card.quantity * self._settings.shrink_to), 1)
        if card.score < self._settings.approve_score_under:
            is_yes, quantity = True, card.quantity
        else:
            is_yes = not card.dropped and 0 < smaller < card.quantity
            quantity = smaller
        if ctx.rng.uniform() < self._settings.error_rate:
            self.state.mistakes += 1
            is_yes, quantity = not is_yes, card.quantity
        ctx.send(self._approvals, self._card_answer(changed, person, quantity, is_yes=is_yes))

    def _card_answer(
        self, changed: CardChanged, person: str, quantity: int, *, is_yes: bool
    ) -> CardAnswer:
        card: OrderCard = changed.card
        is_smaller = quantity < card.quantity
        return CardAnswer(
            code=card.code, record_hash=card.record_hash,
            figures_sequence=changed.figures.sequence,
            answer="reject" if not is_yes else "smaller" if is_smaller else "approve",
            person=person, sign_in_id=f"script/{person}", browser_id=f"script/{person}",
            password_proved=True, quantity=quantity if is_yes else None,
            reason="" if is_yes else f"risk score {card.score}",
            answer_id=f"script/{self.state.answers}",
        )  # fmt: skip

    def _person(self, changed: CardChanged) -> str:
        """Return who answers: the first, or whoever has not said yes to it yet."""
        free = [name for name in self._settings.people if name not in changed.people]
        return free[0] if free else self._settings.people[0]

    def _is_there(self, now_ns: int) -> bool:
        hours = self._settings.hours
        return not hours or any(first <= now_ns < last for first, last in hours)

    def _delay_ns(self, ctx: ActorContext) -> int:
        ctx.rng.counter += 1
        return self._settings.delay.block(ctx.rng.key, ctx.rng.counter - 1, 1)[0]
