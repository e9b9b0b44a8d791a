"""A small durable floor for tests of the record: a counter that answers, sends and waits."""

from typing import Any

import msgspec

from environment.actors import Actor, ActorContext, ActorRef, Ports, Protocol, Settings
from environment.actors.ports import VirtualClock
from environment.actors.simulation_kernel import SimulationKernel
from environment.messages import EffectFailed, RequestExpired, Resumed, TimerFired
from environment.record.durable_state import DurableState
from environment.record.faulty_disk import FaultyDisk
from environment.record.recovery import Recovered
from environment.record.syncer import SyncEach
from tests.conformance.actors.cast import PROTOCOL, Answer, Note, Player, Question, Work

REGISTRY = Protocol(PROTOCOL)


class CounterState(msgspec.Struct):
    """What was heard, and the sum of draws."""

    heard: list[str] = []
    total: float = 0.0


class Counter(Actor[Resumed | Note | TimerFired | RequestExpired | EffectFailed | Answer]):
    """Durable: does as the words say."""

    KIND = "counter"
    DURABLE = True

    def __init__(self, factor: int = 1) -> None:
        self.state: CounterState = CounterState()
        self._factor = factor  # Stands for the code: another one asks for other things.

    def receive(self, ctx: ActorContext, message: Any) -> None:
        word = getattr(message, "text", type(message).__name__)
        late = "!" if getattr(message, "late", False) else ""
        self.state.heard.append(f"{word}{late}@{ctx.now_ns()}")
        self.state.total += ctx.rng.uniform()
        if word == "boom":
            raise ValueError(word)
        if word == "pass":
            ctx.send(ActorRef[Note]("second"), Note(text="passed"))
        elif word == "out":
            ctx.send(ActorRef[Note]("door"), Note(text=str(self._factor)))
        elif word == "wait":
            ctx.after(100 * self._factor, "beat")
            ctx.start(Work(number=1))
            ctx.request(ActorRef[Question]("door"), Question(), ctx.now_ns() + 150)
        elif word == "publish":
            ctx.publish("news", Note(text="told"))


class Second(Counter):
    """Hears the news besides."""

    def receive(self, ctx: ActorContext, message: Any) -> None:
        super().receive(ctx, message)
        if isinstance(message, Resumed):
            ctx.subscribe("news")


class Pending:
    """Starts effects that do not end while the process lives."""

    def start(self, address: str, effect_id: int, effect: Any) -> "Pending":
        return self

    def outcome(self, effect_id: int, is_stopping: Any) -> None:
        raise AssertionError("no run here comes so far")

    def when_done(self, effect_id: int, tell: Any) -> None:
        """Never."""

    def void(self) -> None:
        """Nothing to give up."""

    def close(self) -> None:
        """Nothing is open."""


class Desk:
    """One start of the floor on a disk."""

    def __init__(
        self, disk: FaultyDisk, *, run: str = "desk", code: str = "a", factor: int = 1,
        segment_bytes: int = 1 << 20, begin: bool = True,
    ) -> None:  # fmt: skip
        self.disk = disk
        self.state = DurableState(
            disk, REGISTRY, SyncEach(), run=run, code=code, version=code, write_each_step=True,
            segment_bytes=segment_bytes,
        )  # fmt: skip
        ports = Ports(
            recorder=self.state.journal, protocol=REGISTRY, clock=VirtualClock(), effects=Pending()
        )
        self.kernel = SimulationKernel(Settings(start_ns=self.state.last_ns), ports)
        self.actors: dict[str, Any] = {}
        self.put("first", lambda: Counter(factor))
        self.put("second", lambda: Second(factor))
        self.put("door", Player)
        self.recovered: Recovered = self.state.recover(self.kernel, gateways=("door",))
        if begin:
            self.state.begin(self.kernel)

    def put(self, address: str, make: Any) -> None:
        """Keep the present incarnation of each actor."""

        def factory() -> Any:
            self.actors[address] = make()
            return self.actors[address]

        self.kernel.spawn(address, factory)

    def say(self, *words: str, to: str = "first") -> "Desk":
        """Let words in, one each 10 ns, and run until all is handled."""
        for word in words:
            self.kernel.admit_at(self.kernel.now_ns() + 10, "test", to, Note(text=word))
            self.kernel.run_until(self.kernel.now_ns() + 12)
        return self

    def words(self, address: str = "first") -> list[str]:
        """Return what an actor has heard, ever, without times."""
        return [row.split("@")[0] for row in self.actors[address].state.heard]
