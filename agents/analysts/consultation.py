"""Asking: k samples of k models for one question, within the budget, until the deadline."""

import msgspec

from environment.actors import ActorContext, effect_result
from environment.messages import EffectDone, EffectFailed
from environment.text_messages import CONSULTED_TOPIC, NOTICE_TOPIC, Consulted, Heard, Notice
from llm.budget import Budget, Reservation, Spending
from llm.messages import AskModel, CallLimits, ModelAnswer, Part
from llm.prices import FREE, Price, tokens_of
from llm.prompts import Prompt
from llm.rendering import known_parts, user_text

_DEADLINE = "deadline:"
_FORM_TOKENS = 2_500  # Of a schema, twice, and of an answer that is shown again.


class AskingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an agent asks, how often for one question, how long it waits, what it may spend.

    Each of `second_opinions`, roles with their price, is asked the same, as often. `price` is of
    the model that the role names first; the budget reserves by it.
    """

    role: str
    second_opinions: tuple[tuple[str, Price], ...] = ()
    samples: int = 1
    deadline_ns: int = 20_000_000_000
    temperature: float = 0.7  # Of samples beside the first, which is asked for plainly.
    limits: CallLimits = CallLimits()
    budget: Budget = Budget()
    price: Price = FREE
    disguise: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question, all that is shown with it, and the envelopes that it rests on."""

    instrument: str
    form: str
    parts: tuple[Part, ...]
    text: str
    step: str = ""
    envelopes: tuple[int, ...] = ()


class Open(msgspec.Struct):
    """A question whose answers are awaited."""

    question: Question
    asked_ns: int
    asked: int
    waiting: dict[int, Reservation]
    heard: list[ModelAnswer]
    timer: int = 0


class AskingState(msgspec.Struct):
    """All that changes in asking; a part of its agent's state."""

    spending: Spending
    open: dict[int, Open] = {}
    late: dict[int, Reservation] = {}
    number: int = 0
    said: list[str] = []


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its answers: those that came in time, and the texts that fit its form."""

    number: int
    question: Question
    asked_ns: int
    asked: int
    answers: tuple[ModelAnswer, ...]
    reason: str = ""  # Why nobody was asked.

    @property
    def texts(self) -> list[bytes]:
        """The answers, each JSON that fits the form."""
        return [answer.text.encode() for answer in self.answers if not answer.abstains]

    @property
    def sources(self) -> dict[str, str]:
        """What was shown, by the id that an answer cites it by."""
        return {part.source: part.text for part in self.question.parts if part.source}

    @property
    def model(self) -> str:
        """Who answered first, or ""."""
        for answer in self.answers:
            if not answer.abstains:
                return f"{answer.provider}/{answer.model}"
        return ""


class Asking:
    """An agent's way of asking. It holds no state: that stands in the agent's."""

    def __init__(self, settings: AskingSettings, prompt: Prompt) -> None:
        self._settings, self._prompt = settings, prompt

    def ask(
        self, ctx: ActorContext, state: AskingState, question: Question,
        prompt: Prompt | None = None, *, once: bool = False,
    ) -> Closed | None:  # fmt: skip
        """Start a question's samples; return it closed at once where the budget allows none.

        `once`: of the first model alone, and one sample.
        """
        settings, now_ns = self._settings, ctx.now_ns()
        used = prompt if prompt is not None else self._prompt
        parts = known_parts(question.parts, now_ns)
        question = msgspec.structs.replace(question, parts=parts)
        state.number += 1
        roles = ((settings.role, settings.price), *settings.second_opinions)
        wished = [(role, price, n) for role, price in roles for n in range(settings.samples)]
        if once:
            wished = wished[:1]
        opened = Open(question=question, asked_ns=now_ns, asked=len(wished),
                      waiting={}, heard=[])  # fmt: skip
        reason = ""
        for role, price, sample in wished:
            ask = self._sample(ctx, question, used, role, sample)
            wanted = _most(ask, price)
            reason = state.spending.reserve(now_ns, settings.budget, wanted)
            if reason:
                self.notice(ctx, state, reason)
                break
            opened.waiting[ctx.start(ask)] = wanted
        if not opened.waiting:
            return self._closed(state.number, opened, reason)
        opened.timer = ctx.after(settings.deadline_ns, f"{_DEADLINE}{state.number}")
        state.open[state.number] = opened
        return None

    def _sample(
        self, ctx: ActorContext, question: Question, prompt: Prompt, role: str, n: int
    ) -> AskModel:
        limits, settings = self._settings.limits, self._settings
        if n:
            limits = msgspec.structs.replace(limits, temperature=settings.temperature)
        return AskModel(
            role=role, agent=ctx.address, form=question.form, prompt=prompt.label,
            system=prompt.text, parts=question.parts, question=question.text,
            asked_ns=ctx.now_ns(), sample=n, limits=limits, disguise=settings.disguise,
        )  # fmt: skip

    def on_answer(
        self, ctx: ActorContext, state: AskingState, message: EffectDone | EffectFailed
    ) -> Closed | None:
        """Take an answer in; return the question where it was the last one."""
        if isinstance(message, EffectDone):
            answer = effect_result(message, ModelAnswer)
        else:
            answer = ModelAnswer(reason=f"failed: {message.reason}")
        late = state.late.pop(message.effect_id, None)
        if late is not None:
            state.spending.settle(late, answer)  # Its question is closed; it is paid all the same.
            return None
        for number, opened in state.open.items():
            wanted = opened.waiting.pop(message.effect_id, None)
            if wanted is None:
                continue
            state.spending.settle(wanted, answer)
            opened.heard.append(answer)
            if answer.abstains:
                self.notice(ctx, state, answer.reason)
            return self._close(ctx, state, number) if not opened.waiting else None
        return None

    def on_timer(self, ctx: ActorContext, state: AskingState, name: str) -> Closed | None:
        """Close a question at its deadline; what comes later is an abstention."""
        if not name.startswith(_DEADLINE):
            return None
        number = int(name.removeprefix(_DEADLINE))
        if number not in state.open:
            return None
        self.notice(ctx, state, "late: the deadline came before the answer")
        return self._close(ctx, state, number)

    def _close(self, ctx: ActorContext, state: AskingState, number: int) -> Closed:
        opened = state.open.pop(number)
        ctx.cancel_timer(opened.timer)
        state.late |= opened.waiting
        return self._closed(number, opened)

    @staticmethod
    def _closed(number: int, opened: Open, reason: str = "") -> Closed:
        return Closed(
            number=number, question=opened.question, asked_ns=opened.asked_ns, asked=opened.asked,
            answers=tuple(opened.heard), reason=reason,
        )  # fmt: skip

    def tell(
        self, ctx: ActorContext, closed: Closed, outcome: str, *, evidence_id: str = "",
        prompt: Prompt | None = None, abstained: bool | None = None,
    ) -> None:  # fmt: skip
        """Publish the whole consultation, for the journal, the report and the panel."""
        used = prompt if prompt is not None else self._prompt
        shown = self._sample_text(ctx, closed)
        ctx.publish(
            CONSULTED_TOPIC,
            Consulted(
                agent=ctx.address, instrument=closed.question.instrument, step=closed.question.step,
                prompt=used.label, prompt_sha256=used.sha256, asked=shown,
                asked_ns=closed.asked_ns, answers=tuple(map(_heard, closed.answers)),
                outcome=outcome, evidence_id=evidence_id,
                abstained=not evidence_id if abstained is None else abstained,
            ),
            evidence=closed.question.envelopes,
        )  # fmt: skip

    def _sample_text(self, ctx: ActorContext, closed: Closed) -> str:
        ask = AskModel(
            role=self._settings.role, agent=ctx.address, form=closed.question.form, prompt="",
            system="", parts=closed.question.parts, question=closed.question.text,
            asked_ns=closed.asked_ns,
        )  # fmt: skip
        return user_text(ask)

    @staticmethod
    def notice(ctx: ActorContext, state: AskingState, reason: str) -> None:
        """Say why nothing was answered, the first time that it is for this reason."""
        kind = reason.split(":", maxsplit=1)[0]
        if kind not in state.said:
            state.said.append(kind)
            ctx.publish(NOTICE_TOPIC, Notice(agent=ctx.address, text=f"{ctx.address}: {reason}"))


def _heard(answer: ModelAnswer) -> Heard:
    return Heard(
        text=answer.text or answer.said, reason=answer.reason, provider=answer.provider,
        model=answer.model, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out,
        usd_micros=answer.usd_micros, repaired=answer.repaired,
    )  # fmt: skip


def _most(ask: AskModel, price: Price) -> Reservation:
    # Twice, as one malformed answer is asked for again, with what was said and the schema.
    most_in = 2 * tokens_of(user_text(ask) + ask.system) + _FORM_TOKENS
    most_out = 2 * ask.limits.max_tokens
    return Reservation(tokens=most_in + most_out, usd_micros=price.usd_micros(most_in, most_out))
