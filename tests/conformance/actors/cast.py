"""A small cast of actors, and a stage for them; the stage is made by each kernel's factory."""

import threading
from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Envelope,
    Ports,
    Protocol,
    ReplyTo,
    Settings,
    SimulationKernel,
)
from environment.actors.ports import NoRecorder
from environment.messages import (
    Effect,
    EffectDone,
    EffectFailed,
    Message,
    MoneyMessage,
    Request,
    RequestExpired,
    Resumed,
    TimerFired,
)


class Note(Message, frozen=True, kw_only=True):
    """A word on the data lane."""

    text: str
    instrument: str = ""


class Halt(MoneyMessage, frozen=True, kw_only=True):
    """A word on the control lane, about money."""

    text: str = "halt"


class Answer(Message, frozen=True, kw_only=True):
    """What a Question is answered with."""

    text: str


class Question(Request[Answer], frozen=True, kw_only=True):
    """A request."""

    text: str = "?"


class Work(Effect[int], frozen=True, kw_only=True):
    """Something slow."""

    number: int


PROTOCOL = (Note, Halt, Answer, Question, Work)
Heard = (
    Note | Halt | Answer | Question | TimerFired | RequestExpired | EffectDone | EffectFailed
    | Resumed
)  # fmt: skip
Script = Callable[[ActorContext, Any, "Player"], object]


class PlayerState(msgspec.Struct):
    """What a player has heard: (time, class, text)."""

    heard: list[tuple[int, str, str]] = []
    kept: list[ReplyTo[Any]] = []
    total: float = 0.0


class Player(Actor[Heard]):
    """Writes down what it hears, and then does what its script says."""

    KIND = "player"
    latency_ns = 1  # How long mail travels on this stage.

    def __init__(self, script: Script | None = None) -> None:
        self.state: PlayerState = PlayerState()
        self._script = script

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Write down, then act."""
        match message:
            case Note() | Halt() | Answer() | Question():
                text = message.text
            case TimerFired():
                text = message.name
            case RequestExpired():
                text = str(message.request_id)
            case EffectDone() | EffectFailed():
                text = str(message.effect_id)
            case Resumed():
                text = ""
            case never:
                assert_never(never)
        self.state.heard.append((ctx.now_ns(), type(message).__name__, text))
        if self._script is not None:
            self._script(ctx, message, self)


class DurablePlayer(Player):
    """A player that keeps its state."""

    DURABLE = True


class Tape(NoRecorder):
    """Keeps every record as it came."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope[Any]] = []
        self.inputs: list[Envelope[Any]] = []
        self.steps: list[tuple[int, int, Envelope[Any], list[Envelope[Any]]]] = []
        self.failed: list[tuple[int, int, str]] = []

    def sent(self, envelope: Envelope[Any]) -> None:
        self.envelopes.append(envelope)

    def input(self, envelope: Envelope[Any]) -> None:
        self.inputs.append(envelope)

    def step(
        self,
        number: int,
        now_ns: int,
        envelope: Envelope[Any],
        outbox: list[Envelope[Any]],
        others: Any = (),
        actor: str = "",
    ) -> None:
        self.steps.append((number, now_ns, envelope, outbox))

    def dead_letter(
        self, now_ns: int, incarnation: int, envelope: Envelope[Any], error: str, actor: str = ""
    ) -> None:
        self.failed.append((now_ns, incarnation, error))


class Stage:
    """One kernel, with players on it by address."""

    def __init__(self, kernel: Any, tape: Tape) -> None:
        self.kernel = kernel  # Of either class: tests ask both for the same.
        self.tape = tape
        self.is_live = not isinstance(kernel, SimulationKernel)
        self.players: dict[str, list[Player]] = {}

    def add(self, address: str, script: Script | None = None, cast: type[Player] = Player) -> None:
        """Put a player on the stage; each incarnation is kept in `players`."""
        made = self.players.setdefault(address, [])

        def make() -> Player:
            made.append(cast(script))
            made[-1].latency_ns = 0 if self.is_live else 1
            return made[-1]

        self.kernel.spawn(address, make)

    def heard(self, address: str) -> list[tuple[int, str, str]]:
        """Return what the present incarnation heard, without Resumed."""
        return [row for row in self.players[address][-1].state.heard if row[1] != "Resumed"]

    def words(self, address: str) -> list[str]:
        """Return the texts alone."""
        return [text for _, _, text in self.heard(address)]


MakeStage = Callable[..., Stage]


def make_simulation(settings: Settings | None = None, **ports: Any) -> Stage:
    """Return a stage on a simulation kernel."""
    tape = Tape()
    ports.setdefault("recorder", tape)
    ports.setdefault("protocol", Protocol(PROTOCOL))
    return Stage(SimulationKernel(settings or Settings(), Ports(**ports)), tape)


def timed(stage: Stage, simulated_ns: int) -> int:
    """Return when something happens whose simulated latency is all that takes time: live, at 0."""
    return 0 if stage.is_live else simulated_ns


def at_start(act: Callable[[ActorContext], Any]) -> Script:
    """Return a script that acts once, when the actor begins."""

    def script(ctx: ActorContext, message: object, player: Player) -> None:
        if isinstance(message, Resumed):
            act(ctx)

    return script


def ref(address: str) -> ActorRef[Any]:
    """Return a reference, as the builder would."""
    return ActorRef(address)


class Barrier:
    """Performs Work only when `parties` calls are in flight together."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties, timeout=20)

    def __call__(self, work: Work) -> int:
        self._barrier.wait()
        return work.number
