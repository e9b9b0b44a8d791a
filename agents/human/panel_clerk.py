"""What a signed-in person asks for: checked against record, role and password, then handed on.

The clerk decides nothing. A person's answer goes to the approval agent as it was given, with the
record and the figures that were on screen; whether it counts is said there.
"""

import asyncio
from collections import deque
from typing import Final, assert_never

from agents.desk.reload import AllowLooser
from agents.human.panel_frames import (
    Allow,
    Answer,
    Cancel,
    Control,
    FromPage,
    Hello,
    Read,
    Say,
    Shown,
    Unfold,
    Viewed,
    make_frame,
)
from agents.human.panel_model import ModelVoice, read_answer
from agents.human.panel_passwords import LockedOut, Passwords, TooBusy
from agents.human.panel_payoff import payoff_chart, value_card
from agents.human.panel_questions import Answered, answer_question
from agents.human.panel_replies import reply_to_command
from agents.human.panel_room import APPROVALS, Room
from agents.human.panel_seats import Seat
from agents.human.panel_sign_in import SignIn, SignIns
from agents.human.panel_table import Laid
from agents.human.panel_text import shown
from agents.human.panel_words import Command, Deciding, Question, UnknownCommand, read_line
from agents.human.people import Person, Role
from environment.approval_messages import CardAnswer, CardViewed
from environment.control_messages import Audited, FlattenDesk, LowerDesk, RaiseDesk
from environment.messages import CancelRequest

RISK: Final = "desk/risk"
PANEL: Final = "human/panel"
_REMEMBERED: Final = 1_000

_NEEDS: Final[dict[str, Role]] = {
    "approve": "approver", "smaller": "approver", "resume": "approver",
    "allow": "admin", "reject": "trader", "halt": "trader", "flatten": "trader", "cancel": "trader",
}  # fmt: skip


class Refused(Exception):
    """The person is told this, and nothing was done."""


class Clerk:
    """Takes the frames of pages whose sign-in stands."""

    def __init__(
        self, room: Room, sign_ins: SignIns, passwords: Passwords, model: ModelVoice | None = None
    ) -> None:
        self._room = room
        self._model = model
        self._asking: dict[str, asyncio.Task[None]] = {}  # By person: one question at a time.
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._presses: deque[str] = deque(maxlen=_REMEMBERED)

    async def take(self, seat: Seat, sign_in: SignIn, frame: FromPage) -> None:
        """Do what a frame asks for, or tell its page why not."""
        try:
            match frame:
                case Answer():
                    await self._answer(sign_in, frame)
                case Say():
                    self._say(seat, sign_in, frame)
                case Control():
                    await self._control(sign_in, frame)
                case Allow():
                    await self._allow(sign_in, frame)
                case Cancel():
                    self._cancel(sign_in, frame)
                case Viewed():
                    self._viewed(sign_in, frame)
                case Unfold():
                    seat.put(self._unfolded(frame))
                case Read():
                    seat.put(self._room.reading(frame.number))
                case Hello():
                    pass  # It was said already; once more changes nothing.
                case never:
                    assert_never(never)
        except Refused as refusal:
            self._audit(sign_in, "refused", str(refusal))
            number = getattr(frame, "id", "")
            seat.put(make_frame("refused", id=number, reason=str(refusal)))

    # --- answers -----------------------------------------------------------------------------

    async def _answer(self, sign_in: SignIn, frame: Answer) -> None:
        """Hand a person's answer on; the second half of a double press is not there."""
        if not self._is_first(sign_in, frame.id):
            return
        self._require(sign_in, frame.word)
        laid = self._find(frame.shown)
        is_proved = await self._is_proved(sign_in, frame.password)
        if frame.word != "reject" and laid.change.card.tier == "two" and not is_proved:
            raise Refused("this order needs your password, entered for this answer")
        self._room.floor.admit(
            APPROVALS,
            CardAnswer(
                code=frame.shown.code,
                record_hash=frame.shown.record_hash,
                figures_sequence=frame.shown.sequence,
                answer=frame.word,
                person=sign_in.person,
                sign_in_id=sign_in.sign_in_id,
                browser_id=sign_in.browser,
                password_proved=is_proved,
                quantity=frame.quantity,
                reason=frame.reason,
                answer_id=f"{sign_in.sign_in_id}/{frame.id}",
                figures_hash=laid.hashes.get(frame.shown.sequence, ""),
            ),
        )

    def _find(self, on_screen: Shown) -> Laid:
        laid = self._room.table.find(on_screen.code)
        if laid is None:
            raise Refused(f"no card {on_screen.code} lies here; nothing was sent")
        if laid.view["record_hash"] != on_screen.record_hash:
            raise Refused(f"{on_screen.code} has changed since; look at it again")
        return laid

    async def _is_proved(self, sign_in: SignIn, password: str) -> bool:
        """Return whether a password was given; a wrong one is refused."""
        if not password:
            return False
        try:
            person = await self._passwords.check(sign_in.person, password, sign_in.address)
        except (LockedOut, TooBusy) as error:
            raise Refused(str(error)) from error
        if person is None:
            raise Refused("wrong password; nothing was sent")
        return True

    # --- the desk ----------------------------------------------------------------------------

    async def _control(self, sign_in: SignIn, frame: Control) -> None:
        if not self._is_first(sign_in, frame.id):
            return
        self._require(sign_in, frame.word)
        person, reason, admit = sign_in.person, frame.reason.strip(), self._room.floor.admit
        if frame.word == "halt":
            admit(RISK, LowerDesk(to="halted", reason=reason or "asked for", person=person))
        elif frame.word == "flatten":
            admit(RISK, FlattenDesk(person=person, reason=reason or "asked for"))
        else:
            if not reason:
                raise Refused("resuming needs a reason in your words")
            if not await self._is_proved(sign_in, frame.password):
                raise Refused("resuming needs your password")
            admit(RISK, RaiseDesk(
                person=person, reason=reason, scope=frame.scope, name=frame.name
            ))  # fmt: skip
        what = f" {shown(frame.name, 80)}" if frame.name else ""
        self._room.say("person", person, f"{frame.word}{what}: {shown(reason, 300)}".rstrip(": "))

    async def _allow(self, sign_in: SignIn, frame: Allow) -> None:
        if not self._is_first(sign_in, frame.id):
            return
        self._require(sign_in, "allow")
        waits = self._room.rules
        if waits is None or not waits.waits or waits.source != frame.source:
            raise Refused("the file has changed since; look at what waits now")
        if not await self._is_proved(sign_in, frame.password):
            raise Refused("looser rules need your password")
        self._room.floor.admit(RISK, AllowLooser(person=sign_in.person, source=frame.source))

    def _cancel(self, sign_in: SignIn, frame: Cancel) -> None:
        if not self._is_first(sign_in, frame.id):
            return
        self._require(sign_in, "cancel")
        self._room.floor.admit(RISK, CancelRequest(order_id=frame.order_id))
        self._audit(sign_in, "cancel", "asked to cancel", frame.order_id)
        self._room.say("person", sign_in.person, f"cancel {shown(frame.order_id, 120)}")

    # --- words -------------------------------------------------------------------------------

    def _say(self, seat: Seat, sign_in: SignIn, frame: Say) -> None:
        if not frame.text.strip() or not self._is_first(sign_in, frame.id):
            return
        line, room = read_line(frame.text), self._room
        code = frame.shown.code if frame.shown else ""
        room.say("person", sign_in.person, shown(frame.text.strip()), code=code)
        match line:
            case Deciding():
                self._decide(sign_in, frame, line)
            case Command(name="halt", rest=reason):
                self._require(sign_in, "halt")
                halt = LowerDesk(to="halted", reason=reason or "asked for", person=sign_in.person)
                room.floor.admit(RISK, halt)
            case Command(name="resume"):
                self._require(sign_in, "resume")
                # A password is no word of a conversation.
                seat.put(make_frame("open", dialog="resume", reason=line.rest))
            case Command():
                text, rows = reply_to_command(room, line)
                room.say("panel", "panel", text, code=code, source="recorded", rows=rows)
            case UnknownCommand():
                raise Refused(
                    "no such command; there are /positions /risk /halt /resume /limits /agents "
                    "/explain ORDER"
                )
            case Question(text=text):
                self._question(sign_in, text, code)
            case never:
                assert_never(never)

    def _question(self, sign_in: SignIn, text: str, code: str) -> None:
        """Answer from the record; in a model's words where one is configured.

        Figures are computed, never a model's. Nothing waits for a model: its answer comes as a line
        of the conversation when it comes.
        """
        laid = self._room.table.find(code) if code else None
        found = answer_question(self._room, laid, text)
        if self._model is None or found.is_of_figures:
            self._answered(sign_in, text, code, found)
            return
        if sign_in.person in self._asking:
            raise Refused("your last question is still being asked of the model")
        asking = asyncio.create_task(self._ask(self._model, sign_in, text, code, found))
        self._asking[sign_in.person] = asking
        asking.add_done_callback(lambda _: self._asking.pop(sign_in.person, None))

    async def _ask(
        self, model: ModelVoice, sign_in: SignIn, text: str, code: str, found: Answered
    ) -> None:
        laid = self._room.table.find(code) if code else None
        ask = model.question(self._room, laid, text, found)
        answer = await asyncio.to_thread(model.ask, ask)
        self._answered(sign_in, text, code, read_answer(ask, answer, found))

    def _answered(self, sign_in: SignIn, text: str, code: str, found: Answered) -> None:
        self._room.say("panel", "panel", found.text, code=code, source=found.source)
        told = {"answer": found.text[:300], "source": found.source}
        self._audit(sign_in, "question", text, code, told)

    def _decide(self, sign_in: SignIn, frame: Say, line: Deciding) -> None:
        """Hand a deciding line on, as if the button of the card on screen had been pressed."""
        if frame.shown is None or frame.shown.code != line.code:
            raise Refused(f"{line.code} is not the card on your screen; open it first")
        laid = self._find(frame.shown)
        card = laid.change.card
        self._require(sign_in, line.word)
        word = line.word
        if word == "approve":
            if card.tier == "two":
                raise Refused("this order needs your password: approve it on its card")
            if line.quantity is not None and line.quantity > card.quantity:
                raise Refused(f"{line.quantity} is more than the {card.quantity} asked for")
        is_smaller = line.quantity is not None and line.quantity < card.quantity
        self._room.floor.admit(
            APPROVALS,
            CardAnswer(
                code=line.code,
                record_hash=frame.shown.record_hash,
                figures_sequence=frame.shown.sequence,
                answer="smaller" if is_smaller else word,
                person=sign_in.person,
                sign_in_id=sign_in.sign_in_id,
                browser_id=sign_in.browser,
                quantity=line.quantity,
                reason=line.reason,
                answer_id=f"{sign_in.sign_in_id}/{frame.id}",
                figures_hash=laid.hashes.get(frame.shown.sequence, ""),
            ),
        )

    def _viewed(self, sign_in: SignIn, frame: Viewed) -> None:
        laid = self._room.table.find(frame.shown.code)
        if laid is None:
            return
        self._room.floor.admit(
            APPROVALS,
            CardViewed(
                code=frame.shown.code,
                record_hash=frame.shown.record_hash,
                person=sign_in.person,
                sign_in_id=sign_in.sign_in_id,
                shown_ms=frame.shown_ms,
                unfolded=frame.unfolded,
                figures_hash=laid.hashes.get(frame.shown.sequence, ""),
            ),
        )

    def _unfolded(self, frame: Unfold) -> bytes:
        """Return a part of a card, or why there is none."""
        laid, room = self._find(frame.shown), self._room
        content: object = None
        reason = ""
        if frame.part == "evidence":
            content = room.evidence.graph(laid.change.card.evidence)
        elif frame.part == "payoff":
            valued = value_card(laid.change.card, room.live.instruments, room.spots())
            content = payoff_chart(valued) if valued is not None else None
            reason = "A price is missing to value this order; nothing was guessed."
        else:
            content, reason = room.previews.content(laid.change.card)
        code = frame.shown.code
        return make_frame("unfolded", code=code, part=frame.part, content=content, reason=reason)

    # --- checks --------------------------------------------------------------------------------

    def _require(self, sign_in: SignIn, word: str) -> None:
        needed = _NEEDS[word]
        person = self._sign_ins.person(sign_in)
        if person is None or not person.may(needed):
            raise Refused(f"to {word} takes the role {needed}; you have {_roles(person)}")

    def _is_first(self, sign_in: SignIn, number: str) -> bool:
        """Return whether this press was not heard before: a double press is one answer."""
        press = f"{sign_in.sign_in_id}/{number}"
        if press in self._presses:
            return False
        self._presses.append(press)
        return True

    def _audit(
        self, sign_in: SignIn, kind: str, text: str, subject: str = "",
        figures: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        told = Audited(
            kind=kind, person=sign_in.person, subject=subject, text=text[:1_000],
            figures=figures or {},
        )  # fmt: skip
        self._room.floor.admit(PANEL, told)


def _roles(person: Person | None) -> str:
    return ", ".join(person.roles) if person is not None else "none"
