"""The coordinator: hears every view, remembers how each came out, and says what they come to."""

from bisect import insort
from typing import ClassVar, Final, assert_never

import msgspec

from agents.desk.pooling import View, propose, withdrawal
from agents.desk.proposal import PROPOSALS, Proposal
from agents.desk.realised import Realised, VolatilityClaim, claimed_move
from agents.desk.states import scope_name
from agents.desk.track_record import LOOKS, TrackRecord
from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from environment.actors import Actor, ActorContext
from environment.control_messages import STATE_TOPIC, DeskState, DeskStateChanged
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Signal,
    TimerFired,
)

_LOOK, _EXPIRY, _SPEAK = "look", "expiry", "speak"
_NO_VIEW: Final = "flat"


class CoordinatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may be heard on what, and how often the desk changes its mind.

    `sources` names, by instrument, the agents whose silence counts; what others say is counted and
    ignored. `overlap` is how far two sources are taken to see the same thing. A proposal follows
    another on one thing after `every_ns` at the earliest, and only where direction, conviction or
    probability moved by `step` or more.
    """

    instruments: tuple[str, ...]
    sources: dict[str, tuple[str, ...]]
    overlap: float = 0.5
    every_ns: int = 1_000_000_000
    step: float = 0.02
    quotes_every_ns: int = 1_000_000_000


class Look(msgspec.Struct, order=True, array_like=True):
    """When a view is looked at again, and what it said; ordered by time."""

    at_ns: int
    number: int  # Rising, so that looks of one moment keep their order.
    look: int
    source: str
    instrument: str
    sign: int
    probability: float
    expected_return: float
    twice_mid: int
    volatility: VolatilityClaim | None = None  # Then sign and claim are about that.


class Subject(msgspec.Struct):
    """One thing views are about: an instrument, or a structure on it."""

    instrument: str
    structure: str
    views: dict[str, View] = {}
    last: Proposal | None = None
    spoken_ns: int = -(1 << 62)
    is_waiting: bool = False  # Whether a timer will have it looked at.


class CoordinatorState(msgspec.Struct):
    """All that changes in the coordinator."""

    market: dict[str, InstrumentView]
    subjects: dict[str, Subject] = {}
    records: dict[str, TrackRecord] = {}
    looks: list[Look] = []
    measured_ns: dict[
        str, int
    ] = {}  # By source and instrument: until when it is not measured again.
    realised: dict[str, Realised] = {}  # By instrument, since it was first heard of.
    numbers: int = 0
    look_timer_ns: int = 0  # When the timer for the first look is due; 0: none is set.
    ignored: int = 0
    abstentions: dict[str, int] = {}
    stopped: dict[str, DeskState] = {}  # Agents and strategies that are not ACTIVE, by scope.


class CoordinatorStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Each source's record, and what was not counted."""

    records: dict[str, TrackRecord]
    abstentions: dict[str, int]
    ignored: int


ToCoordinator = (
    Resumed | Signal | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | DeskStateChanged
)  # fmt: skip


class Coordinator(Actor[ToCoordinator]):
    """Publishes a Proposal whenever what all sources together say has changed enough.

    A view holds until its horizon is over or its source says something else. It is measured against
    the mid at each of its looks; while one is measured, further views of its source in the same
    direction are not, so that a source cannot talk its record up. A view on a structure is measured
    by volatility: whether more or less came than its options implied. A source that the desk has
    stopped, as an agent or as a strategy, is not heard until a person lets it go on.
    """

    KIND: ClassVar[str] = "coordinator"
    DURABLE: ClassVar[bool] = True

    def __init__(self, settings: CoordinatorSettings) -> None:
        self._settings = settings
        market = {symbol: InstrumentView() for symbol in settings.instruments}
        self.state: CoordinatorState = CoordinatorState(market=market)

    def receive(self, ctx: ActorContext, message: ToCoordinator) -> None:
        """Handle one message."""
        match message:
            case Signal():
                self._on_signal(ctx, message)
            case QuoteUpdate(instrument=symbol) | PhaseChanged(instrument=symbol):
                self._on_market(ctx, symbol, message)
            case DeskStateChanged():
                self._on_state(ctx, message)
            case BandsChanged() | AuctionIndication():
                pass
            case TimerFired(name=name):
                kind, _, key = name.partition("|")
                if kind == _LOOK:
                    self._look(ctx)
                else:
                    self._reconsider(ctx, key, is_due=kind == _SPEAK)
            case Resumed():
                self._begin(ctx)
            case never:
                assert_never(never)

    def statistics(self) -> CoordinatorStatistics:
        """Return every source's record, for reports and the panel."""
        state = self.state
        return CoordinatorStatistics(
            records=state.records, abstentions=state.abstentions, ignored=state.ignored
        )

    def _begin(self, ctx: ActorContext) -> None:
        """Listen, and set the timers of what an earlier incarnation still waited for."""
        ctx.subscribe(STATE_TOPIC)
        for symbol in self._settings.instruments:
            ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
        self.state.look_timer_ns = 0
        self._await_look(ctx)
        for key, subject in self.state.subjects.items():
            subject.is_waiting = False
            for view in subject.views.values():
                ctx.after(max(view.expires_ns - ctx.now_ns(), 1), f"{_EXPIRY}|{key}")

    def _on_market(
        self, ctx: ActorContext, symbol: str, message: QuoteUpdate | PhaseChanged
    ) -> None:
        view = self.state.market[symbol]
        view.hear(message, ctx.now_ns())
        if view.is_continuous and (twice_mid := view.twice_mid):
            self.state.realised.setdefault(symbol, Realised()).hear(twice_mid, ctx.now_ns())

    # --- views ---------------------------------------------------------------------------------

    def _on_signal(self, ctx: ActorContext, signal: Signal) -> None:
        source = ctx.sender()
        is_heard = source in self._settings.sources.get(signal.instrument, ())
        if not is_heard or self._is_stopped(source):
            self.state.ignored += 1
            return
        key = f"{signal.instrument}/{signal.structure}" if signal.structure else signal.instrument
        subject = self.state.subjects.setdefault(
            key, Subject(instrument=signal.instrument, structure=signal.structure)
        )
        self.state.records.setdefault(source, TrackRecord())
        if signal.abstains:
            self.state.abstentions[source] = self.state.abstentions.get(source, 0) + 1
        if signal.abstains or signal.direction == _NO_VIEW or not _is_sound(signal):
            subject.views.pop(source, None)
        else:
            view = View(signal=signal, envelope=ctx.envelope_id(), born_ns=ctx.now_ns())
            subject.views[source] = view
            ctx.after(signal.horizon_ns, f"{_EXPIRY}|{key}")
            self._measure(ctx, source, view)
        self._reconsider(ctx, key)

    def _on_state(self, ctx: ActorContext, change: DeskStateChanged) -> None:
        """Forget the views of a source that was stopped; what it says later is ignored."""
        if change.scope not in {"agent", "strategy"}:
            return
        key = scope_name(change.scope, change.name)
        if change.after == "active":
            self.state.stopped.pop(key, None)
            return
        self.state.stopped[key] = change.after
        for subject_key, subject in self.state.subjects.items():
            if subject.views.pop(change.name, None) is not None:
                self._reconsider(ctx, subject_key)

    def _is_stopped(self, source: str) -> bool:
        stopped = self.state.stopped
        return scope_name("agent", source) in stopped or scope_name("strategy", source) in stopped

    def _reconsider(self, ctx: ActorContext, key: str, *, is_due: bool = False) -> None:
        """Say what the views come to, if that is news and the last word was long enough ago."""
        subject, now_ns = self.state.subjects[key], ctx.now_ns()
        if is_due:
            subject.is_waiting = False
        for source in [s for s, view in subject.views.items() if view.expires_ns <= now_ns]:
            del subject.views[source]
        if subject.is_waiting:
            return
        due_ns = subject.spoken_ns + self._settings.every_ns
        if now_ns < due_ns:
            subject.is_waiting = True
            ctx.after(due_ns - now_ns, f"{_SPEAK}|{key}")
            return
        known = len(self._settings.sources.get(subject.instrument, ()))
        if subject.views:
            proposal = propose(subject.views, self.state.records, known, self._settings.overlap)
        else:
            legs = subject.last.legs if subject.last is not None else ()
            proposal = withdrawal(subject.instrument, subject.structure, legs, 0, known)
        if self._is_news(subject.last, proposal):
            subject.last, subject.spoken_ns = proposal, now_ns
            ctx.publish(PROPOSALS, proposal, proposal.evidence)

    def _is_news(self, last: Proposal | None, proposal: Proposal) -> bool:
        if last is None:
            return proposal.direction != _NO_VIEW
        step = self._settings.step
        return (
            last.direction != proposal.direction
            or last.legs != proposal.legs
            or abs(last.conviction - proposal.conviction) >= step
            or abs(last.probability - proposal.probability) >= step
        )

    # --- records -------------------------------------------------------------------------------

    def _measure(self, ctx: ActorContext, source: str, view: View) -> None:
        """Plan to look at a view again, unless one like it is being measured."""
        signal, now_ns = view.signal, ctx.now_ns()
        twice_mid = self.state.market[signal.instrument].twice_mid
        if twice_mid is None:
            return
        about: str = signal.direction
        sign, claimed, claim = view.sign, signal.expected_return, None
        if signal.structure:
            # It is not measured by where its stock went, but by how far it moved.
            claimed = claimed_move(signal.expected_volatility, signal.implied_volatility)
            realised = self.state.realised.get(signal.instrument)
            if not claimed or realised is None or signal.implied_volatility is None or sign < 0:
                return
            sign, about = (1, "volatile") if claimed > 0.0 else (-1, "calm")
            total = realised.until(twice_mid)
            claim = VolatilityClaim(now_ns, signal.implied_volatility, total)
        same = f"{source}|{signal.instrument}|{about}"
        if now_ns < self.state.measured_ns.get(same, 0):
            return
        self.state.measured_ns[same] = view.expires_ns
        for look, multiple in enumerate(LOOKS):
            self.state.numbers += 1
            insort(
                self.state.looks,
                Look(
                    now_ns + int(multiple * signal.horizon_ns), self.state.numbers, look, source,
                    signal.instrument, sign, signal.probability, claimed, twice_mid, claim,
                ),
            )  # fmt: skip
        self._await_look(ctx)

    def _await_look(self, ctx: ActorContext) -> None:
        """Have a timer for the first look, if none is due sooner."""
        state = self.state
        if not state.looks:
            return
        first_ns = state.looks[0].at_ns
        if not state.look_timer_ns or first_ns < state.look_timer_ns:
            state.look_timer_ns = first_ns
            ctx.after(max(first_ns - ctx.now_ns(), 1), _LOOK)

    def _look(self, ctx: ActorContext) -> None:
        """Let every view that is due for it enter its source's record."""
        state, now_ns = self.state, ctx.now_ns()
        state.look_timer_ns = 0
        while state.looks and state.looks[0].at_ns <= now_ns:
            due = state.looks.pop(0)
            moved = self._moved(due, now_ns)
            if moved is None:
                continue  # The market was gone, or nobody looked in time: it proves nothing.
            record = state.records[due.source]
            record.learn(due.look, due.sign, due.probability, due.expected_return, moved)
        self._await_look(ctx)

    def _moved(self, due: Look, now_ns: int) -> float | None:
        """Return by how much a price, or volatility against the implied one, has moved."""
        twice_mid = self.state.market[due.instrument].twice_mid
        if due.volatility is not None:  # A price of an hour ago will do: the market may be closed.
            total = self.state.realised[due.instrument].until(twice_mid)
            return due.volatility.moved(total, due.at_ns, now_ns)
        if twice_mid is None or now_ns - due.at_ns > self._settings.quotes_every_ns:
            return None
        return twice_mid / due.twice_mid - 1.0


def _is_sound(signal: Signal) -> bool:
    """Return whether a view's figures are ones to reckon with: what else it says is ignored."""
    return (
        0.5 < signal.probability <= 1.0
        and signal.horizon_ns > 0
        and abs(signal.expected_return) < 10.0  # False for a NaN too.
        and 0.0 <= signal.dispersion <= 1.0
    )
