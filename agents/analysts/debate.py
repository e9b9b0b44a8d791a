"""A debate: a bull and a bear argue in rounds over the evidence, then a judge must cite it."""

from typing import ClassVar, Final, Literal, assert_never

import msgspec

from agents.analysts.agreement import Opinion, agree
from agents.analysts.consultation import Asking, AskingSettings, AskingState, Closed, Question
from agents.analysts.critic import check_numbers
from agents.analysts.forms import Argument, Ruling, View
from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import EffectDone, EffectFailed, Resumed, Signal, TimerFired
from environment.text_messages import EVIDENCE_TOPIC, Claim, Evidence
from llm.budget import Spending
from llm.messages import Part
from llm.prompts import Prompt

Side = Literal["bull", "bear", "judge"]

_BEGIN: Final = "begin"
_MINUTE_NS: Final = 60_000_000_000
_MOST_EVIDENCE: Final = 12


class DebateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """On what, how often, in how many rounds. The sides are asked once, the judge as often as told.

    `at_ns` above 0 is one debate at that moment and no other.
    """

    instruments: tuple[str, ...]
    every_ns: int
    asking: AskingSettings
    at_ns: int = 0
    rounds: int = 2


class Filed(msgspec.Struct, frozen=True):
    """A piece of evidence as it was heard, and its envelope."""

    evidence: Evidence
    envelope_id: int


class Said(msgspec.Struct, frozen=True):
    """What one side said in one round; points that cite nothing on the table are struck."""

    side: Side
    round: int
    argument: Argument
    struck: int


class Table(msgspec.Struct):
    """A debate under way."""

    filed: tuple[Filed, ...]
    said: list[Said]
    steps: int = 0


class DebateState(msgspec.Struct):
    """All that changes in a debate."""

    asking: AskingState
    files: dict[str, list[Filed]] = {}
    tables: dict[str, Table] = {}
    published: int = 0


ToDebate = Resumed | Evidence | TimerFired | EffectDone | EffectFailed


class Debate(Actor[ToDebate]):
    """Rules on the evidence of others, in typed rounds that all stand in the record.

    A side that abstains has said nothing, and the debate goes on. A ruling that cites no evidence,
    or any that was not on the table, is an abstention.
    """

    KIND: ClassVar[str] = "debate"

    def __init__(
        self, coordinator: ActorRef[Signal], settings: DebateSettings, prompts: dict[Side, Prompt]
    ) -> None:
        self._coordinator, self._settings, self._prompts = coordinator, settings, prompts
        self._asking = Asking(settings.asking, prompts["judge"])
        self.state: DebateState = DebateState(asking=AskingState(spending=Spending()))

    def receive(self, ctx: ActorContext, message: ToDebate) -> None:
        """Handle one message."""
        match message:
            case Evidence(instrument=symbol, analyst=analyst):
                if symbol in self._settings.instruments and analyst != ctx.address:
                    files = self.state.files.setdefault(symbol, [])
                    files.append(Filed(message, ctx.envelope_id()))
                    del files[:-_MOST_EVIDENCE]
            case EffectDone() | EffectFailed():
                self._go_on(ctx, self._asking.on_answer(ctx, self.state.asking, message))
            case TimerFired(name=name):
                if name == _BEGIN:
                    self._begin(ctx)
                else:
                    self._go_on(ctx, self._asking.on_timer(ctx, self.state.asking, name))
            case Resumed():
                ctx.subscribe(EVIDENCE_TOPIC)
                at_ns = self._settings.at_ns
                if not at_ns:
                    ctx.after(self._settings.every_ns, _BEGIN)
                elif at_ns > ctx.now_ns():
                    ctx.after(at_ns - ctx.now_ns(), _BEGIN)
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext) -> None:
        if not self._settings.at_ns:
            ctx.after(self._settings.every_ns, _BEGIN)
        for symbol in self._settings.instruments:
            filed = self.state.files.get(symbol, [])
            if filed and symbol not in self.state.tables:
                self.state.tables[symbol] = Table(filed=tuple(filed), said=[])
                self._step(ctx, symbol)

    def _step(self, ctx: ActorContext, symbol: str) -> None:
        """Ask whoever's turn it is."""
        table = self.state.tables[symbol]
        side = self._turn(table.steps)
        closed = self._asking.ask(
            ctx, self.state.asking, self._question(ctx, symbol, table, side), self._prompts[side],
            once=side != "judge",
        )  # fmt: skip
        self._go_on(ctx, closed)

    def _turn(self, steps: int) -> Side:
        if steps >= 2 * self._settings.rounds:
            return "judge"
        return "bear" if steps % 2 else "bull"

    def _question(self, ctx: ActorContext, symbol: str, table: Table, side: Side) -> Question:
        evidence = tuple(
            Part(text=_shown(one.evidence), as_of_ns=one.evidence.asked_ns, kind="quoted",
                 source=one.evidence.evidence_id)
            for one in table.filed
        )  # fmt: skip
        said = tuple(
            Part(text=_argued(one), as_of_ns=ctx.now_ns(), kind="quoted",
                 source=f"{one.side} {one.round}")
            for one in table.said
        )  # fmt: skip
        asked = {
            "bull": f"Argue that {symbol} will rise.", "bear": f"Argue that {symbol} will fall.",
            "judge": f"Rule where {symbol} goes in the next hour, and cite what decided it.",
        }[side]  # fmt: skip
        number = table.steps // 2 + 1
        return Question(
            instrument=symbol, form="Ruling" if side == "judge" else "Argument",
            parts=evidence + said, text=asked, step=side if side == "judge" else f"{side} {number}",
            envelopes=tuple(one.envelope_id for one in table.filed),
        )  # fmt: skip

    def _go_on(self, ctx: ActorContext, closed: Closed | None) -> None:
        if closed is None:
            return
        symbol = closed.question.instrument
        table = self.state.tables[symbol]
        side = self._turn(table.steps)
        if side == "judge":
            del self.state.tables[symbol]
            self._rule(ctx, closed, table)
            return
        self._hear(ctx, closed, table, side)
        table.steps += 1
        self._step(ctx, symbol)

    def _hear(self, ctx: ActorContext, closed: Closed, table: Table, side: Side) -> None:
        ids = {one.evidence.evidence_id for one in table.filed}
        outcome = f"{side} says nothing: {_reason(closed)}"
        for text in closed.texts[:1]:
            argument = msgspec.json.decode(text, type=Argument)
            kept = tuple(point for point in argument.points if point.evidence in ids)
            struck = len(argument.points) - len(kept)
            argument = msgspec.structs.replace(argument, points=kept)
            table.said.append(Said(side, table.steps // 2 + 1, argument, struck))
            outcome = f"{len(kept)} points, {struck} struck, strength {argument.strength:.2f}"
        self._asking.tell(
            ctx, closed, outcome, prompt=self._prompts[side], abstained=not closed.texts
        )

    def _rule(self, ctx: ActorContext, closed: Closed, table: Table) -> None:
        ids = {filed.evidence.evidence_id: filed for filed in table.filed}
        views = [_as_view(msgspec.json.decode(text, type=Ruling)) for text in closed.texts]
        citing = [view for view in views if view.sources and set(view.sources) <= ids.keys()]
        opinion = agree(citing, closed.asked)
        if opinion.direction == "abstain":
            self._abstain(ctx, closed, _why(closed, citing, opinion))
            return
        claims = check_numbers(opinion.numbers, closed.sources)
        cited = tuple(ids[one].envelope_id for one in opinion.sources)
        self._publish(ctx, closed, self._evidence(ctx, closed, opinion, claims), cited)

    def _abstain(self, ctx: ActorContext, closed: Closed, reason: str) -> None:
        self._asking.tell(ctx, closed, f"abstains: {reason}")
        signal = Signal(
            instrument=closed.question.instrument, direction="flat", probability=0.5, horizon_ns=1,
            expected_return=0.0, abstains=True, reasons=(reason,),
        )  # fmt: skip
        ctx.send(self._coordinator, signal)

    def _evidence(
        self, ctx: ActorContext, closed: Closed, opinion: Opinion, claims: tuple[Claim, ...]
    ) -> Evidence:
        self.state.published += 1
        probability, direction = opinion.probability, opinion.direction
        if any(claim.found is False for claim in claims):
            probability = 0.5 + (probability - 0.5) / 2.0
        assert direction != "abstain", "an abstention is published as one"
        return Evidence(
            evidence_id=f"{ctx.address}#{self.state.published}", analyst=ctx.address,
            instrument=closed.question.instrument, direction=direction, probability=probability,
            expected_return=opinion.expected_return, dispersion=opinion.dispersion,
            horizon_ns=opinion.horizon_minutes * _MINUTE_NS, words=opinion.words, claims=claims,
            sources=opinion.sources, asked_ns=closed.asked_ns, model=closed.model,
        )  # fmt: skip

    def _publish(
        self, ctx: ActorContext, closed: Closed, evidence: Evidence, cited: tuple[int, ...]
    ) -> None:
        ctx.publish(EVIDENCE_TOPIC, evidence, evidence=cited)
        said = f"{evidence.direction}, {evidence.probability:.2f}, citing {len(cited)}"
        self._asking.tell(ctx, closed, said, evidence_id=evidence.evidence_id)
        signal = Signal(
            instrument=evidence.instrument, direction=evidence.direction,
            probability=evidence.probability, horizon_ns=evidence.horizon_ns,
            expected_return=evidence.expected_return, dispersion=evidence.dispersion,
            evidence=cited, reasons=(f"{evidence.evidence_id}: {evidence.words[:400]}",),
        )  # fmt: skip
        ctx.send(self._coordinator, signal, evidence=cited)


def _as_view(ruling: Ruling) -> View:
    """Return a ruling as the view that it is, its evidence as sources."""
    return View(
        direction=ruling.direction, probability=ruling.probability, move_bp=ruling.move_bp,
        horizon_minutes=ruling.horizon_minutes, sources=ruling.evidence, numbers=ruling.numbers,
        words=ruling.words,
    )  # fmt: skip


def _why(closed: Closed, citing: list[View], opinion: Opinion) -> str:
    """Return why nothing came of a debate."""
    if not closed.texts:
        return _reason(closed)
    return opinion.words if citing else "the ruling cites nothing on the table"


def _reason(closed: Closed) -> str:
    reasons = [answer.reason for answer in closed.answers if answer.abstains]
    return closed.reason or (reasons[0] if reasons else "late: no answer by the deadline")


def _shown(evidence: Evidence) -> str:
    if evidence.about == "volatility":
        figure = evidence.expected_volatility or 0.0
        return f"{evidence.analyst}: volatility {figure * 100:.1f} % a year. {evidence.words}"
    return (
        f"{evidence.analyst}: {evidence.direction}, probability {evidence.probability:.2f}, move "
        f"{evidence.expected_return * 1e4:+.0f} bp. {evidence.words}"
    )


def _argued(said: Said) -> str:
    points = "; ".join(f"{point.words} [{point.evidence}]" for point in said.argument.points)
    return f"strength {said.argument.strength:.2f}: {points}"
