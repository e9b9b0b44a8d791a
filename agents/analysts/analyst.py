"""The analyst: hears its beat, asks its model, checks the answer, publishes what it holds."""

from typing import ClassVar, Final, assert_never

import msgspec

from agents.analysts.agreement import Opinion, agree
from agents.analysts.beats import BEATS, BeatSettings
from agents.analysts.consultation import Asking, AskingSettings, AskingState, Closed
from agents.analysts.critic import check_numbers
from agents.analysts.forms import View, VolatilityView
from agents.analysts.notes import Notes
from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from environment.actors import Actor, ActorContext, ActorRef
from environment.instruments import Instrument
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    EffectDone,
    EffectFailed,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Signal,
    TimerFired,
)
from environment.text_messages import (
    EVIDENCE_TOPIC,
    Claim,
    Direction,
    Evidence,
    NewsItem,
    news_topic,
)
from llm.budget import Spending
from llm.prompts import Prompt

_BEAT: Final = "beat"
_MINUTE_NS: Final = 60_000_000_000
_SHOWN_WORDS: Final = 400


class AnalystSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an analyst watches, whom it asks, and what it knew before the day began."""

    instruments: tuple[Instrument, ...]
    beat: BeatSettings
    asking: AskingSettings
    feeds: tuple[str, ...] = ()
    background: tuple[NewsItem, ...] = ()
    quotes_every_ns: int = 1_000_000_000


class AnalystState(msgspec.Struct):
    """All that changes in an analyst."""

    notes: dict[str, Notes]
    asking: AskingState
    asked_ns: dict[str, int] = {}
    published: int = 0


ToAnalyst = (
    Resumed | NewsItem | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | EffectDone | EffectFailed
)  # fmt: skip


class Analyst(Actor[ToAnalyst]):
    """Publishes Evidence and sends a Signal for each question that was answered, or abstains.

    Whatever an item says, all that can come of it is a filled form about an instrument of this
    analyst's own; the desk decides what that is worth. An answer that cites what it was not shown
    does not count.
    """

    KIND: ClassVar[str] = "analyst"

    def __init__(
        self, coordinator: ActorRef[Signal], settings: AnalystSettings, prompt: Prompt
    ) -> None:
        self._coordinator, self._settings = coordinator, settings
        self._asking = Asking(settings.asking, prompt)
        self._by_symbol = {i.symbol: i for i in settings.instruments}
        self._beat = BEATS[settings.beat.name]
        notes = {symbol: Notes(view=InstrumentView()) for symbol in self._by_symbol}
        asking = AskingState(spending=Spending())
        self.state: AnalystState = AnalystState(notes=notes, asking=asking)

    def receive(self, ctx: ActorContext, message: ToAnalyst) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol):
                self._on_quote(ctx, symbol, message)
            case PhaseChanged(instrument=symbol):
                self._on_phase(ctx, symbol, message)
            case NewsItem():
                self._on_item(ctx, message)
            case EffectDone() | EffectFailed():
                self._conclude(ctx, self._asking.on_answer(ctx, self.state.asking, message))
            case TimerFired(name=name):
                self._on_timer(ctx, name)
            case BandsChanged() | AuctionIndication():
                pass
            case Resumed():
                self._begin(ctx)
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext) -> None:
        settings = self._settings
        for symbol in self._by_symbol:
            ctx.subscribe(quotes_topic(symbol), settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
        for feed in settings.feeds:
            ctx.subscribe(news_topic(feed))
        for item in settings.background:
            self._note(item, 0)
        if settings.beat.by_clock:
            ctx.after(settings.beat.every_ns, _BEAT)

    def _on_phase(self, ctx: ActorContext, symbol: str, message: PhaseChanged) -> None:
        """Ask at the open about what was read before it."""
        notes = self.state.notes[symbol]
        notes.view.hear(message, ctx.now_ns())
        if message.phase == "continuous" and notes.unread and not self._settings.beat.by_clock:
            self._ask(ctx, symbol)

    def _on_quote(self, ctx: ActorContext, symbol: str, quote: QuoteUpdate) -> None:
        """Take the touch in; with the first one, ask about what was read without a price."""
        notes = self.state.notes[symbol]
        had_price = notes.view.twice_mid is not None
        notes.hear_quote(quote, ctx.now_ns())
        if not had_price and notes.unread and not self._settings.beat.by_clock:
            self._ask(ctx, symbol)

    def _note(self, item: NewsItem, envelope_id: int) -> list[str]:
        symbols = [symbol for symbol in item.symbols if symbol in self._by_symbol]
        for symbol in symbols:
            self.state.notes[symbol].hear_item(item, envelope_id)
        return symbols

    def _on_item(self, ctx: ActorContext, item: NewsItem) -> None:
        if item.available_ns > ctx.now_ns():
            return  # Nobody can know it yet, whatever the feed does.
        for symbol in self._note(item, ctx.envelope_id()):
            if not self._settings.beat.by_clock:
                self._ask(ctx, symbol)

    def _on_timer(self, ctx: ActorContext, name: str) -> None:
        kind, _, symbol = name.partition("|")
        if kind == _BEAT and not symbol:
            ctx.after(self._settings.beat.every_ns, _BEAT)
            for each in self._by_symbol:
                self._ask(ctx, each)
        elif kind == _BEAT:
            self._ask(ctx, symbol)
        else:
            self._conclude(ctx, self._asking.on_timer(ctx, self.state.asking, name))

    def _ask(self, ctx: ActorContext, symbol: str) -> None:
        """Ask now, or when the last question is over or long enough ago."""
        state, settings, now_ns = self.state, self._settings, ctx.now_ns()
        if not state.notes[symbol].view.is_continuous or state.notes[symbol].view.twice_mid is None:
            return
        if any(opened.question.instrument == symbol for opened in state.asking.open.values()):
            return
        if not settings.beat.by_clock and not state.notes[symbol].unread:
            return
        earliest = state.asked_ns.get(symbol, -settings.beat.every_ns) + settings.beat.every_ns
        if now_ns < earliest and not settings.beat.by_clock:
            ctx.after(earliest - now_ns, f"{_BEAT}|{symbol}")
            return
        question = self._beat(self._by_symbol[symbol], state.notes[symbol], now_ns)
        if question is None:
            return
        state.notes[symbol].unread = 0
        state.asked_ns[symbol] = now_ns
        self._conclude(ctx, self._asking.ask(ctx, state.asking, question))

    def _conclude(self, ctx: ActorContext, closed: Closed | None) -> None:
        """Publish what a closed question came to, and look whether there is more to ask."""
        if closed is None:
            return
        if closed.question.form == "VolatilityView":
            self._conclude_volatility(ctx, closed)
        else:
            self._conclude_view(ctx, closed)
        if not self._settings.beat.by_clock:
            self._ask(ctx, closed.question.instrument)

    def _conclude_view(self, ctx: ActorContext, closed: Closed) -> None:
        shown = closed.sources
        views = [msgspec.json.decode(text, type=View) for text in closed.texts]
        honest = [view for view in views if set(view.sources) <= shown.keys()]
        opinion = agree(honest, closed.asked)
        direction = opinion.direction
        if direction == "abstain":
            why = closed.reason or _why(closed, len(views) - len(honest), opinion)
            self._abstain(ctx, closed, why)
            return
        claims = check_numbers(opinion.numbers, shown)
        if any(claim.found is False for claim in claims):
            # A figure that stands nowhere: what was built on it is worth half.
            half = 0.5 + (opinion.probability - 0.5) / 2.0
            opinion = msgspec.structs.replace(opinion, probability=half)
        evidence = self._evidence(ctx, closed, opinion, direction, claims)
        self._publish(ctx, closed, evidence)

    def _evidence(
        self, ctx: ActorContext, closed: Closed, opinion: Opinion, direction: Direction,
        claims: tuple[Claim, ...],
    ) -> Evidence:  # fmt: skip
        return Evidence(
            evidence_id=self._evidence_id(ctx), analyst=ctx.address,
            instrument=closed.question.instrument, direction=direction,
            probability=opinion.probability, expected_return=opinion.expected_return,
            horizon_ns=opinion.horizon_minutes * _MINUTE_NS, dispersion=opinion.dispersion,
            words=opinion.words, claims=claims, sources=opinion.sources,
            asked_ns=closed.asked_ns, model=closed.model,
        )  # fmt: skip

    def _evidence_id(self, ctx: ActorContext) -> str:
        self.state.published += 1
        return f"{ctx.address}#{self.state.published}"

    def _publish(self, ctx: ActorContext, closed: Closed, evidence: Evidence) -> None:
        envelopes = closed.question.envelopes
        ctx.publish(EVIDENCE_TOPIC, evidence, evidence=envelopes)
        said = f"{evidence.direction}, {evidence.probability:.2f}"
        self._asking.tell(ctx, closed, said, evidence_id=evidence.evidence_id)
        missing = [claim for claim in evidence.claims if claim.found is False]
        notes = (f"{len(missing)} cited numbers not found in their source",) if missing else ()
        signal = Signal(
            instrument=evidence.instrument, direction=evidence.direction,
            probability=evidence.probability, horizon_ns=evidence.horizon_ns,
            expected_return=evidence.expected_return, dispersion=evidence.dispersion,
            expected_volatility=evidence.expected_volatility, evidence=envelopes,
            reasons=(f"{evidence.evidence_id}: {evidence.words[:_SHOWN_WORDS]}", *notes),
        )  # fmt: skip
        ctx.send(self._coordinator, signal, evidence=envelopes)

    def _conclude_volatility(self, ctx: ActorContext, closed: Closed) -> None:
        """Publish the mean volatility of the answers; it is no view on the direction."""
        views = [msgspec.json.decode(text, type=VolatilityView) for text in closed.texts]
        honest = [v for v in views if not v.abstains and set(v.sources) <= closed.sources.keys()]
        if not honest:
            self._abstain(ctx, closed, closed.reason or "no answer with a figure")
            return
        count = len(honest)
        figure = sum(view.volatility for view in honest) / count
        spread = max(v.volatility for v in honest) - min(v.volatility for v in honest)
        evidence = Evidence(
            evidence_id=self._evidence_id(ctx), analyst=ctx.address,
            instrument=closed.question.instrument, about="volatility", expected_volatility=figure,
            probability=sum(view.probability for view in honest) / count,
            horizon_ns=honest[0].horizon_minutes * _MINUTE_NS,
            dispersion=min(spread / figure, 1.0) if figure else 1.0, words=honest[0].words,
            claims=check_numbers(honest[0].numbers, closed.sources), sources=honest[0].sources,
            asked_ns=closed.asked_ns, model=closed.model,
        )  # fmt: skip
        ctx.publish(EVIDENCE_TOPIC, evidence)
        said = f"volatility {figure:.3f} a year"
        self._asking.tell(ctx, closed, said, evidence_id=evidence.evidence_id)
        signal = _silence(evidence.instrument, f"{evidence.evidence_id}: no view on the direction")
        ctx.send(self._coordinator, msgspec.structs.replace(signal, expected_volatility=figure))

    def _abstain(self, ctx: ActorContext, closed: Closed, reason: str) -> None:
        self._asking.tell(ctx, closed, f"abstains: {reason}")
        ctx.send(
            self._coordinator, _silence(closed.question.instrument, reason),
            evidence=closed.question.envelopes,
        )  # fmt: skip


def _why(closed: Closed, dishonest: int, opinion: Opinion) -> str:
    """Return why nothing came of a question."""
    if dishonest:
        return f"{dishonest} answers cite what they were not shown"
    reasons = [answer.reason for answer in closed.answers if answer.abstains]
    if len(closed.answers) < closed.asked and not reasons:
        reasons = ["late: the deadline came before the answer"]
    return reasons[0] if reasons else opinion.words


def _silence(instrument: str, reason: str) -> Signal:
    return Signal(
        instrument=instrument, direction="flat", probability=0.5, horizon_ns=1,
        expected_return=0.0, abstains=True, reasons=(reason[:_SHOWN_WORDS],),
    )  # fmt: skip


class News(Analyst):
    """Reads items that others wrote."""

    KIND: ClassVar[str] = "news"


class Fundamentals(Analyst):
    """Reads what companies have reported."""

    KIND: ClassVar[str] = "fundamentals"


class Technical(Analyst):
    """Reads the price's own past."""

    KIND: ClassVar[str] = "technical"


class Volatility(Analyst):
    """Says how much a price will move, and nothing of where to."""

    KIND: ClassVar[str] = "volatility"


ANALYSTS: Final[dict[str, type[Analyst]]] = {
    kind.KIND: kind for kind in (News, Fundamentals, Technical, Volatility)
}
