"""The room in which people, cards and the live view meet: what the floor says goes to every page.

It runs on one event loop. Nothing here decides: what people answer goes to the floor as it was
said, and a card changes only when the floor says so.
"""

from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec

from agents.desk.proposal import Proposal
from agents.desk.risk_state import Verdict
from agents.human.panel_books import Books
from agents.human.panel_chat import Chat, Entry, Source, Speaker
from agents.human.panel_evidence import Evidence
from agents.human.panel_files import panel_version
from agents.human.panel_frames import make_frame
from agents.human.panel_live import LiveView
from agents.human.panel_ports import FloorPort, Surroundings
from agents.human.panel_preview import Previews
from agents.human.panel_reading import Readings, content_of, row_of
from agents.human.panel_seats import Seat, Seats
from agents.human.panel_table import CardTable, Laid, only_figures_moved
from agents.human.panel_text import shown, span
from agents.human.preview import PreviewPort
from environment.approval_messages import AnswerNoted, ApproversPresent, CardChanged, CardDue
from environment.control_messages import (
    BreakersHold,
    DeskStateChanged,
    OutcomeUnknown,
    RaiseRefused,
    RulesDiffer,
)
from environment.instruments import Instrument
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
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
    Signal,
)
from environment.option_messages import ChainUpdate
from environment.text_messages import Consulted, Evidence as Held, Notice

# Figures of a card go out this seldom: each time, approving is dead for a moment in the page.
FIGURES_NS: Final = 2_500_000_000
APPROVALS: Final = "human/approvals"
FORGOTTEN: Final = "It is no longer kept here; it stands in the journal and in the report."
NOBODY: Final = "nobody can be reached: orders that need a person will expire"


class RoomSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a room is told: whose floor it is, what trades there, and in which zone."""

    floor: str
    instruments: tuple[Instrument, ...]
    zone: str = "America/New_York"  # The exchange's, by its IANA name.
    held: dict[str, int] = {}  # Lots at the start.
    limits: tuple[tuple[str, str, str], ...] = ()  # Name, soft and hard, in people's words.
    answered_by: str = ""  # Who answers here, where that is not a matter of course.
    has_channel: bool = False  # Somebody is called when no page is open.
    closes_ns: tuple[int, ...] = ()  # When trading ends, day by day.


class Room:
    """Everything the pages show, and who sits before them."""

    def __init__(
        self, settings: RoomSettings, floor: FloorPort, around: Surroundings,
        preview: PreviewPort | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.floor = floor
        self.around = around
        self.seats = Seats()
        self.table = CardTable()
        self.chat = Chat()
        self.evidence = Evidence()
        self.readings = Readings()
        instruments = {instrument.symbol: instrument for instrument in settings.instruments}
        self.books = Books(instruments, settings.held)
        self.live = LiveView(settings.instruments, self.books)
        self.previews = Previews(preview, self.live, settings.closes_ns, self._tell_preview)
        self.may_approve: Callable[[str], bool] = lambda _: False
        self.rules: RulesDiffer | None = None  # What the file says besides what holds.
        self._is_live_stale = False
        self._approvers: int | None = None  # As the approval agent was told last.

    # --- what the floor says ---------------------------------------------------------------------

    def hear(
        self, sender: str, message: Message, number: int = 0, rests_on: tuple[int, ...] = ()
    ) -> None:
        """Take one message of the floor in; `number` is its envelope's id."""
        now_ns = self.floor.now_ns()
        self.evidence.hear(number, sender, message, rests_on)
        match message:
            case CardChanged():
                self._lay(message)
            case CardDue():
                self.seats.tell(make_frame("due", code=message.code, kind=message.kind))
            case AnswerNoted():
                self._note(message)
            case (
                DeskStateChanged() | RaiseRefused() | RulesDiffer() | OutcomeUnknown()
                | BreakersHold()
            ):  # fmt: skip
                self._hear_desk(message)
            case QuoteUpdate() | DepthUpdate() | PhaseChanged() | ChainUpdate():
                self.live.hear_market(message, now_ns)
            case Signal():
                self.live.hear_signal(sender, message, now_ns)
            case Proposal():
                for voice in message.voices:
                    self.live.hear_voice(message.instrument, voice, now_ns)
            case Held() | Consulted() | Notice():
                self._hear_analyst(message, now_ns, rests_on)
            case Verdict():
                why = f": {message.rule}" if message.rule else ""
                text = f"asked for an order, {message.became}{why}"
                self.live.hear_order(message.owner, text, now_ns)
                if message.is_passed and message.tier == "notify":
                    rule, order_id = shown(message.rule, 80), shown(message.order_id, 120)
                    self.say("desk", rule, f"For your information: {order_id} was sent.")
            case ApprovedOrder() | ApprovedReplace():
                self.books.approve(message)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self.books.follow(message)
            case _:
                return  # The floor says more than a panel shows.
        self._is_live_stale = True

    def _hear_desk(
        self,
        told: DeskStateChanged | RaiseRefused | RulesDiffer | OutcomeUnknown | BreakersHold,
    ) -> None:
        match told:
            case DeskStateChanged():
                self.live.hear_state(told)
                self._tell_state(told)
            case RaiseRefused(person=person, reason=reason):
                self.say("desk", "desk", f"{person} may not resume: {shown(reason, 400)}")
            case RulesDiffer():
                self._hear_rules(told)
            case OutcomeUnknown():
                self.live.unknown, self.live.breaks = told.unknown, told.breaks
            case BreakersHold(held=held):
                self.live.held = held
            case never:
                assert_never(never)

    def _hear_rules(self, told: RulesDiffer) -> None:
        """Show which rules would be looser: they wait for an admin."""
        before, self.rules = self.rules, told
        self.seats.tell(self._rules_frame())
        if told.person:
            text = f"{shown(told.person, 40)} let looser rules hold, version {told.version}"
            self.say("desk", "limits", text)
        elif told.waits:
            rows = tuple(
                (shown(name, 80), shown(now, 300), shown(asked, 300))
                for name, now, asked in told.waits
            )
            head = ("rule", "in force", "asked for")
            self.say(
                "desk", "limits", "Looser rules of the file wait for an admin.", rows=(head, *rows)
            )
        elif before is not None and before.version != told.version:
            self.say("desk", "limits", f"Tighter rules of the file hold, version {told.version}.")

    def limits(self) -> tuple[tuple[str, str, str], ...]:
        """Return the limits in force: the file's at the start, until risk says what holds."""
        told = self.rules
        return self.settings.limits if told is None or not told.limits else told.limits

    def _rules_frame(self) -> bytes:
        told = self.rules
        waits = [] if told is None else [[shown(one, 300) for one in row] for row in told.waits]
        return make_frame("rules", source="" if told is None else told.source, waits=waits)

    def _hear_analyst(
        self, told: Held | Consulted | Notice, now_ns: int, rests_on: tuple[int, ...]
    ) -> None:
        """Take in a view, the question to a model that it came of, or why there is none."""
        match told:
            case Held():
                self.readings.hear_view(told)
            case Consulted():
                reading = self.readings.hear(told, now_ns, self.evidence.known(rests_on))
                self.live.hear_reading(told, reading.view, now_ns)
                self.seats.tell(make_frame("reading", row=row_of(reading)))
            case Notice():
                self.say("desk", shown(told.agent, 80), shown(told.text, 500))
            case never:
                assert_never(never)

    def reading(self, number: int) -> bytes:
        """Return a frame with all of one question, or why there is none."""
        found = self.readings.find(number)
        if found is None:
            return make_frame("read", number=number, content=None, reason=FORGOTTEN)
        graph = self.evidence.graph(found.rests_on) if found.rests_on else []
        content = content_of(found) | {"from": graph}
        return make_frame("read", number=number, content=content, reason="")

    def _lay(self, change: CardChanged) -> None:
        code = change.card.code
        before = self.table.find(code)
        old = before.view if before else None
        laid = self.table.lay(change)
        self.live.wanted.update(leg.instrument for leg in change.card.legs)
        if laid.view["can_answer"]:
            self.previews.begin(change.card, self.floor.now_ns())
        else:
            self.previews.end(change.card.record_hash)
        if old is not None and old["record_hash"] != change.card.record_hash:
            self.previews.end(old["record_hash"])
        if old is not None and only_figures_moved(old, laid.view):
            laid.is_held = True
            self._tell_held(laid)
            return
        self._tell_card(laid)
        is_new = old is None or old["record_hash"] != laid.view["record_hash"]
        if is_new or (old is not None and old["status"] != laid.view["status"]):
            text = self._said_of(laid, is_new=is_new)
            self.say("card", code, text, code=code)

    def _said_of(self, laid: Laid, *, is_new: bool) -> str:
        """Return a card's line in the conversation; the time to answer is the viewers' own."""
        view = laid.view
        if not is_new or not view["can_answer"]:
            return f"{view['title']}: {view['status']}"
        left = span(self.left_ms(laid) * 1_000_000)
        again = "asks again" if laid.change.card.asked > 1 else "waits"
        return f"{view['title']}, {view['limit']}: {again}, {left} to answer"

    def _tell_preview(self, record_hash: str) -> None:
        """Say that a preview is there: it is sent where it is unfolded."""
        self.seats.tell(make_frame("preview", record_hash=record_hash))

    def _tell_card(self, laid: Laid) -> None:
        laid.told_ns, laid.is_held = self.around.steady_ns(), False
        left_ms = self.left_ms(laid)
        self.seats.tell(make_frame("card", card=laid.view, left_ms=left_ms))

    def _tell_held(self, laid: Laid) -> None:
        if laid.is_held and self.around.steady_ns() - laid.told_ns >= FIGURES_NS:
            self._tell_card(laid)

    def _note(self, noted: AnswerNoted) -> None:
        """Tell the tabs of the one who answered, and the room if it did not count."""
        frame = make_frame(
            "noted",
            id=noted.answer_id.rpartition("/")[2],
            code=noted.code,
            is_taken=noted.is_taken,
            reason=shown(noted.reason, 300),
        )
        for seat in self.seats.of(noted.sign_in_id):
            seat.put(frame)

    def _tell_state(self, change: DeskStateChanged) -> None:
        who = shown(change.name or change.scope, 80)
        by = f" by {shown(change.person, 40)}" if change.person else ""
        figures = f" ({shown(change.figures, 200)})" if change.figures else ""
        text = f"{who}: {change.before} → {change.after}{by}. {shown(change.reason, 300)}{figures}"
        self.say("desk", "desk", text)
        self.seats.tell(make_frame("state", **self.live.view()["state"], scope=change.scope))

    # --- what the pages are told -------------------------------------------------------------

    def enter(self, seat: Seat, person: dict[str, Any]) -> None:
        """Seat a page and give it all there is: cards, conversation, live view."""
        self.seats.add(seat)
        cards = [{"card": laid.view, "left_ms": self.left_ms(laid)} for laid in self.table.all()]
        seat.put(
            make_frame(
                "room",
                person=person,
                floor=self.settings.floor,
                answered_by=self.settings.answered_by,
                zone=self.settings.zone,
                version=panel_version(),
                cards=cards,
                chat=self.chat.last(),
                readings=[row_of(reading) for reading in self.readings.all()],
                live=self.live.view(),
            )
        )
        seat.put(self._rules_frame())
        seat.put(self.beat())

    def beat(self) -> bytes:
        """Return the heartbeat: the server's time, and how long each card still waits."""
        now_ns = self.floor.now_ns()
        return make_frame(
            "beat",
            version=panel_version(),
            market_ms=now_ns // 1_000_000,
            wall_ms=self.around.wall_ns() // 1_000_000,
            left={laid.change.card.code: self.left_ms(laid) for laid in self.table.waiting()},
            nobody="" if self.is_reachable() else NOBODY,
        )

    def tick(self) -> None:
        """Send what is due: a heartbeat, figures held back, and who is here where it matters."""
        if self.settings.has_channel:
            self._tell_presence()
        self.seats.tell_newest("beat", self.beat())
        for laid in self.table.waiting():
            self._tell_held(laid)

    def _tell_presence(self) -> None:
        """Say how many could answer, so that people are called when nobody could."""
        count = len({seat.person for seat in self.seats if self.may_approve(seat.person)})
        if count != self._approvers:
            self._approvers = count
            self.floor.admit(APPROVALS, ApproversPresent(count=count))

    def refresh(self) -> None:
        """Send the live view, if anything on it may have changed."""
        if self._is_live_stale and len(self.seats):
            self._is_live_stale = False
            self.seats.tell_newest("live", make_frame("live", live=self.live.view()))

    def is_reachable(self) -> bool:
        """Return whether somebody who may approve sits here, or can be called."""
        return self.settings.has_channel or any(
            self.may_approve(seat.person) for seat in self.seats
        )

    def spots(self) -> dict[str, float]:
        """Return the mid of each instrument that has one, in currency a share."""
        known = self.live.instruments
        return {
            symbol: seen.twice_mid * known[symbol].tick_micros / 2e6
            for symbol, seen in self.live.watched.items()
            if seen.twice_mid is not None and symbol in known
        }

    def left_ms(self, laid: Laid) -> int:
        """Return the wall time until a card is answered by nobody."""
        return max(0, self.floor.left_ns(laid.change.card.answer_until_ns) // 1_000_000)

    def say(
        self, speaker: Speaker, who: str, text: str, *, code: str = "", source: Source = "",
        rows: tuple[tuple[str, ...], ...] = (),
    ) -> Entry:  # fmt: skip
        """Put a line into the conversation, on every page."""
        entry = self.chat.add(
            self.floor.now_ns(), speaker, who, text, code=code, source=source, rows=rows
        )
        self.seats.tell(make_frame("said", entry=entry))
        return entry
