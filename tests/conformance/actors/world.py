"""A small busy world in which everything happens: mail, topics, timers, requests, work, crashes."""

from typing import Any

import msgspec

from environment.actors import (
    ActorContext,
    Connection,
    Constant,
    Envelope,
    HeavyTailed,
    LatencySetting,
    Lognormal,
    Settings,
    SimulationKernel,
    Supervisor,
    ThreadedEffects,
)
from environment.actors.ports import MemoryDisk
from environment.messages import Resumed, TimerFired
from environment.record.journal import Header, Journal
from tests.conformance.actors.cast import (
    Answer,
    DurablePlayer,
    MakeStage,
    Note,
    Player,
    Question,
    Stage,
    Work,
    ref,
)

COUNT = 6
NOON_NS, CLOSE_NS = 40_000, 80_000


class Weather:
    """A link on which each pair has its own latency, some of it bad."""

    def connection(self, sender: str, recipient: str) -> Connection:
        if recipient == "engine":
            return Connection(latency=None)
        if sender == "actor/1":
            return Connection(latency=HeavyTailed(shortest_ns=50, tail_index=1.5), loss=0.1)
        if sender == "actor/2":
            return Connection(latency=Lognormal(median_ns=90, sigma=1), doubling=0.1)
        return Connection(latency=Lognormal(median_ns=80, sigma=0.5))

    def subscription(self, topic: str, subscriber: str) -> LatencySetting | None:
        return Constant(nanoseconds=777) if subscriber == "actor/3" else None


class BellState(msgspec.Struct):
    """What an engine of two kinds of event has to remember."""

    next_ns: int = 100
    rung: int = 0
    posted: list[tuple[int, int, str]] = []


class Bell:
    """A tiny engine: rings on a topic each 700 ns, and echoes what is sent to it 5 ns later."""

    addresses = frozenset({"engine"})

    def __init__(self) -> None:
        self.kernel: SimulationKernel | None = None
        self.state = BellState()

    def post(self, arrival_ns: int, envelope: Envelope[Any]) -> None:
        self.state.posted.append((arrival_ns + 40, envelope.id, envelope.sender))
        self.state.posted.sort()

    def heard(self, topic: str) -> None:
        """Every topic is published here."""

    def next_ns(self) -> int | None:
        posted = self.state.posted
        return min(self.state.next_ns, posted[0][0]) if posted else self.state.next_ns

    def advance(self, until_ns: int) -> None:
        kernel, state = self.kernel, self.state
        assert kernel is not None
        now_ns = self.next_ns()
        while now_ns is not None and now_ns <= until_ns:
            if state.posted and state.posted[0][0] == now_ns:
                _, cause, sender = state.posted.pop(0)
                echo = Note(text=f"echo {cause}")
                until_ns = min(until_ns, now_ns + 5)
                kernel.deliver(now_ns + 5, "engine", sender, echo, cause=cause)
            else:
                state.next_ns += 700
                state.rung += 1
                ring = Note(text=f"ring {state.rung}", instrument=f"I{state.rung % 2}")
                until_ns = min(until_ns, now_ns + 30)
                kernel.deliver_topic(now_ns + 30, "engine", "bell", ring)
            now_ns = self.next_ns()

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self.state)

    def restore(self, data: bytes) -> None:
        self.state = msgspec.msgpack.decode(data, type=BellState)


def act(ctx: ActorContext, message: Any, player: Player) -> None:
    """Do something at random with each message."""
    draw = ctx.rng.uniform()
    player.state.total += draw
    other = ref(f"actor/{ctx.rng.integer(0, COUNT)}")
    if isinstance(message, Resumed):
        ctx.subscribe("bell", interval_ns=int(player.state.total > 0.5))
        ctx.subscribe("talk")
        ctx.after(ctx.rng.integer(1, 500), "beat")
    elif isinstance(message, TimerFired):
        ctx.after(ctx.rng.integer(1, 500), "beat")
    elif isinstance(message, Question):
        ctx.reply(message, Answer(text=f"{draw:.6f}"))
    if draw < 0.25:
        ctx.send(other, Note(text=f"{draw:.6f}"), evidence=(ctx.envelope_id(),))
    elif draw < 0.35:
        ctx.request(other, Question(), ctx.now_ns() + 200)
    elif draw < 0.40:
        ctx.publish("talk", Note(text="talk", instrument="I1"))
    elif draw < 0.45:
        ctx.start(Work(number=int(draw * 1e6)))
    elif draw < 0.55:
        ctx.send(ref("engine"), Note(text="order"))
    elif draw < 0.56:
        raise ValueError("a crash, now and then")


def settings(seed: int = 3, ties: Any = "sequence") -> Settings:
    """Return settings in which some are slow, some are durable, and crashes are forgiven."""
    return Settings(
        seed=seed,
        ties=ties,
        thinking_ns={"slow": 60},
        effect_latency={"player": Lognormal(median_ns=900, sigma=1.0)},
        supervision=Supervisor(restarts=10_000, back_off_ns=200, back_off_ns_max=400),
    )


class Slow(Player):
    """A player that thinks."""

    KIND = "slow"


class World:
    """The world on a stage, with its journal."""

    def __init__(
        self, make_stage: MakeStage, given: Settings | None = None, idle: int = 0, **ports: Any
    ) -> None:
        self.disk = MemoryDisk()
        self.journal = Journal(self.disk, "journal", Header(seed=3))
        self.bell = Bell()
        ports = {"recorder": self.journal, "engine": self.bell, "link": Weather(), **ports}
        ports.setdefault("effects", ThreadedEffects({Work: lambda work: work.number}, threads=4))
        self.stage: Stage = make_stage(given or settings(), **ports)
        self.bell.kernel = self.stage.kernel
        for index in range(COUNT):
            cast = (Player, Slow, DurablePlayer)[index % 3]
            self.stage.add(f"actor/{index}", act, cast)
        for index in range(idle):
            self.stage.add(f"idle/{index}")

    def run(self, *until_ns: int) -> str:
        """Run to each time in turn, and return the digest of the journal."""
        for stop_ns in until_ns:
            self.stage.kernel.run_until(stop_ns)
        self.stage.kernel.close()
        return self.journal.close()

    def histories(self) -> list[Any]:
        """Return what every present actor has become."""
        return [self.stage.players[f"actor/{i}"][-1].state for i in range(COUNT)]
