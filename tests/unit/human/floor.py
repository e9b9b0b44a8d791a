"""A floor for panels under test: a real server, people with cheap passwords, and a scripted desk.

The desk here knows of approvals only what a page can be shown of them; the rules are the approval
agent's, and are tested there.
"""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import argon2
import msgspec

from agents.desk.reload import AllowLooser
from agents.human.panel_ports import Surroundings
from agents.human.panel_room import RoomSettings
from agents.human.panel_server import PanelServer, PanelSettings
from agents.human.people import PeopleStore
from agents.human.preview import PreviewResult, PreviewTask
from environment.approval_messages import (
    AnswerNoted,
    CardAnswer,
    CardChanged,
    CardFigures,
    CardLeg,
    CardReason,
    Change,
    OrderCard,
    ScorePart,
    WorstCase,
    named,
)
from environment.control_messages import DeskStateChanged, LowerDesk, RaiseDesk, RulesDiffer
from environment.instruments import make_equity
from environment.messages import DepthUpdate, Message, OrderRequest, QuoteUpdate, Signal

SECOND = 1_000_000_000
START_NS = 1_402_063_387 * SECOND  # 2014-06-06 14:03:07 UTC, 10:03:07 in New York.
PASSWORD = "correct horse battery"
PEOPLE: dict[str, tuple[Any, ...]] = {
    "ana": ("approver",), "ben": ("approver",), "tom": ("trader",), "vic": ("viewer",),
    "adm": ("admin",),
}  # fmt: skip
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def make_people(folder: Path) -> PeopleStore:
    numbers = itertools.count()
    store = PeopleStore(folder / "people.json", lambda: f"link-token-{next(numbers)}", CHEAP)
    for name, roles in PEOPLE.items():
        store.add(name, roles, PASSWORD)
    return store


def make_around(wall: Callable[[], int] = time.time_ns) -> Surroundings:
    numbers = itertools.count()
    return Surroundings(
        wall_ns=wall,
        steady_ns=time.monotonic_ns,
        token=lambda size: blake2b(str(next(numbers)).encode(), digest_size=size).digest(),
    )


def make_reason(rule: str, figure: float, limit: float) -> CardReason:
    return CardReason(rule=rule, figure=figure, limit=limit, unit="micros", kind="soft")


def make_card(code: str = "4F2A", **changes: Any) -> OrderCard:
    quantity, price = changes.pop("quantity", 40), changes.pop("price", 64_520)
    leg = CardLeg(
        instrument="AAPL", title="AAPL", side="buy", ratio=1, effect="open",
        position=Change(0, quantity), tick_micros=10_000, units_per_lot=1,
        bid_price=64_498, ask_price=64_512,
    )  # fmt: skip
    order = OrderRequest(
        order_id=f"practice/metronome/{int(code, 16)}", instrument="AAPL", side="buy",
        quantity=quantity, price=price,
    )  # fmt: skip
    total = quantity * (price or 0) * 10_000
    card = OrderCard(
        code=code, order=order, proposer="practice/metronome", legs=(leg,), verb="buy",
        effect="open", quantity=quantity, price=price, worst_price=price, total_micros=total,
        tier="one",
        reasons=(make_reason("order_notional", total, 20_000e6),),
        near=(make_reason("worst_case_loss", 5_161e6, 10_000e6),),
        score=37.0,
        score_parts=(ScorePart(name="size", points=25.0), ScorePart(name="time", points=12.0)),
        worst_case=WorstCase(loss_micros=5_161_600_000, when="AAPL -20 %, in 1 day"),
        position=Change(0, quantity), margin_micros=Change(0, total // 2),
        buying_power_micros=Change(1_000_000_000_000, 1_000_000_000_000 - total // 2),
        share_of_depth=0.18, twice_mid=129_010, drift=0.005, proposed_ns=START_NS,
        answer_until_ns=START_NS + 60 * SECOND, send_within_ns=120 * SECOND,
        words=("every 45 s, sides in turn",), evidence=(7,),
    )  # fmt: skip
    return named(msgspec.structs.replace(card, **changes))


def make_figures(card: OrderCard, sequence: int = 1, **changes: Any) -> CardFigures:
    figures = CardFigures(
        sequence=sequence, as_of_ns=START_NS, twice_mid=card.twice_mid, drift=0.0012,
        position=card.position, margin_micros=card.margin_micros,
        buying_power_micros=card.buying_power_micros, worst_case=card.worst_case,
    )  # fmt: skip
    return msgspec.structs.replace(figures, **changes)


def make_change(card: OrderCard, **changes: Any) -> CardChanged:
    figures = changes.pop("figures", None) or make_figures(card)
    change = CardChanged(card=card, figures=figures, state="waiting", changed_ns=START_NS)
    return msgspec.structs.replace(change, **changes)


class DrawnPreviews:
    """Previews that come at once, from another thread; it keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[PreviewTask] = []
        self._done: Callable[[PreviewResult], None] | None = None

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        self.asked.append(task)
        self._done = done
        self._tell(acting=False)
        return True

    def end(self, record_hash: str) -> None:
        """Nothing is under way."""

    def go_on(self) -> None:
        """Have the worlds of the last one drawn again, with the agents in them."""
        self._tell(acting=True)

    def _tell(self, *, acting: bool) -> None:
        task, done = self.asked[-1], self._done
        assert done is not None
        result = PreviewResult(
            record_hash=task.record_hash, first_seed=task.first_seed, horizon_s=task.horizon_s,
            without=tuple(10.0 * n for n in range(12)),
            with_order=tuple(25.0 * n - 30.0 for n in range(12)), filled=(40,) * 12,
            acting=(acting,) * 12, more=not acting,
        )  # fmt: skip
        threading.Thread(target=done, args=(result,)).start()


class ScriptedFloor:
    """What the server sees of a floor: it keeps what was admitted, and answers."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, Message]] = []
        self.server: PanelServer | None = None
        self.replies = True
        self.previews = DrawnPreviews()
        self._began = time.monotonic_ns()
        self.skipped_ns = 0

    def now_ns(self) -> int:
        return START_NS + time.monotonic_ns() - self._began + self.skipped_ns

    def left_ns(self, until_ns: int) -> int:
        return max(0, until_ns - self.now_ns())

    def admit(self, recipient: str, message: Message) -> None:
        self.admitted.append((recipient, message))
        if not self.replies:
            return
        match message:
            case CardAnswer():
                self._answer(message)
            case LowerDesk():
                self.state("active", "halted", message.reason, message.person)
            case AllowLooser(person=person, source=source):
                self.say(RulesDiffer(version=2, source=source, person=person))
            case RaiseDesk():
                self.state("halted", "reducing", message.reason, message.person)

    def heard(self, kind: type[Any]) -> list[Any]:
        return [message for _, message in self.admitted if isinstance(message, kind)]

    def say(self, message: Message, sender: str = "desk", number: int = 0) -> None:
        assert self.server is not None
        self.server.hear(sender, message, number)

    def state(self, before: Any, after: Any, reason: str, person: str = "") -> None:
        self.say(DeskStateChanged(before=before, after=after, reason=reason, person=person))

    def show(self, card: OrderCard, **changes: Any) -> None:
        self.say(make_change(card, **changes))

    def market(self, mid: int = 64_505) -> None:
        self.say(
            QuoteUpdate(
                instrument="AAPL", bid_price=mid - 7, bid_quantity=300, ask_price=mid + 7,
                ask_quantity=220, last_price=mid, volume=182_400, exchange_ns=START_NS,
                first_sequence=1, last_sequence=1,
            )
        )  # fmt: skip
        self.say(
            DepthUpdate(
                instrument="AAPL",
                bids=tuple((mid - 7 - 3 * i, 100 + 90 * i) for i in range(6)),
                asks=tuple((mid + 7 + 3 * i, 220 + 60 * i) for i in range(6)),
                exchange_ns=START_NS, first_sequence=1, last_sequence=1,
            )
        )  # fmt: skip

    def signal(self, reason: str, sender: str = "quant/trend", number: int = 7) -> None:
        view = Signal(
            instrument="AAPL", direction="up", probability=0.61, horizon_ns=60 * SECOND,
            expected_return=0.001, reasons=(reason,),
        )  # fmt: skip
        self.say(view, sender, number)

    def _answer(self, answer: CardAnswer) -> None:
        assert self.server is not None
        laid = self.server.room.table.find(answer.code)
        assert laid is not None
        card = laid.change.card
        if laid.change.state not in {"waiting", "one_of_two"}:
            self._note(answer, "somebody else was first")
            return
        self._note(answer, "")
        people = (*laid.change.people, answer.person)
        if answer.answer == "reject":
            self.show(card, state="not_sent", outcome="rejected", reason=answer.reason)
        elif answer.answer == "smaller":
            less = make_card(
                card.code,
                quantity=answer.quantity,
                previous=card.record_hash,
                tier=card.tier,
                changed_because="smaller",
                dropped=card.quantity - (answer.quantity or 0),
            )
            self.show(
                less,
                previous=card,
                state="one_of_two" if card.tier == "two" else "sent",
                people=people,
            )
        elif card.tier == "two" and len(people) < 2:
            self.show(card, state="one_of_two", people=people)
        else:
            self.show(card, state="sent", outcome="approved", people=people)

    def _note(self, answer: CardAnswer, reason: str) -> None:
        self.say(
            AnswerNoted(
                code=answer.code, record_hash=answer.record_hash, person=answer.person,
                sign_in_id=answer.sign_in_id, answer_id=answer.answer_id, is_taken=not reason,
                reason=reason,
            )
        )  # fmt: skip


class Panel:
    """A server at work on a thread of its own."""

    def __init__(self, server: PanelServer, floor: ScriptedFloor, people: PeopleStore) -> None:
        self.server = server
        self.floor = floor
        self.people = people
        self.address = ""
        self._ready = threading.Event()
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._over, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with self.server.serving() as address:
            self.address = address
            self._ready.set()
            await self._over.wait()

    def started(self) -> None:
        assert self._ready.wait(20), "the panel did not start"

    def stop(self) -> None:
        assert self._loop is not None
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)


def make_server(folder: Path, **changes: Any) -> tuple[PanelServer, ScriptedFloor, PeopleStore]:
    floor, people = ScriptedFloor(), make_people(folder)
    settings = changes.pop("settings", None) or PanelSettings(port=changes.pop("port", 0))
    model, preview = changes.pop("model", None), changes.pop("preview", floor.previews)
    closes = (START_NS + 6 * 3_600 * SECOND,)
    told = {"floor": "floor", "instruments": (make_equity("AAPL"),), "closes_ns": closes}
    room = RoomSettings(**(told | changes))
    server = PanelServer(
        settings, room, people, b"k" * 32, floor, make_around(), model=model,
        preview=preview,
    )  # fmt: skip
    floor.server = server
    return server, floor, people


@contextmanager
def open_panel(folder: Path, **changes: Any) -> Iterator[Panel]:
    panel = Panel(*make_server(folder, **changes))
    thread = threading.Thread(target=panel.run, name="panel", daemon=True)
    thread.start()
    try:
        panel.started()
        yield panel
    finally:
        panel.stop()
        thread.join(10)
