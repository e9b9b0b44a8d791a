"""The swarm's end of the control socket: heartbeats out, what people ask for in."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from agents.desk.custodian import ADDRESS as CUSTODIAN
from brokers.frames import Frames, connect
from environment.actors import Gateway, Side
from environment.control_messages import RaiseDesk, RaiseRefused
from environment.errors import OperatingError
from environment.venue_messages import ReconcileNow
from scenarios.builders.floor import RISK
from scenarios.live.control_wire import (
    BEAT_S,
    Beat,
    Compare,
    Goodbye,
    Lift,
    StopSwarm,
    SwarmHello,
    SwarmStatus,
    control_socket,
    peer_decoder,
)

CONTROL: Final = "control"
_AGAIN_S: Final = 0.5


class ControlGateway(Gateway[RaiseRefused]):
    """Keeps a connection to the watchdog; one that is gone is started again by `restart`."""

    KIND: ClassVar[str] = "control"

    def __init__(
        self, folder: Path, status: Callable[[], SwarmStatus], stop: Callable[[str], None],
        restart: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        super().__init__()
        self._folder = folder
        self._status, self._stop, self._restart = status, stop, restart
        self._frames: Frames | None = None

    async def serve(self, side: Side[RaiseRefused]) -> None:
        """Say twice a second that the swarm lives; carry in what people ask for."""
        decoder = peer_decoder()
        while not side.is_closing:
            if self._frames is None or not self._frames.is_open:
                try:
                    self._frames = await connect(
                        control_socket(self._folder),
                        lambda: Frames(decoder, lambda _, m: self._hear(side, m), self._lost),
                    )
                except OperatingError:
                    await self._restart()
                    await asyncio.sleep(_AGAIN_S)
                    continue
                status = self._status()
                self._frames.send(SwarmHello(epoch=status.epoch, process=status.process))
            self._frames.send(Beat(status=self._status()))
            await asyncio.sleep(BEAT_S)

    def say_goodbye(self) -> None:
        """Tell the watchdog that silence is no failure from now on."""
        if self._frames is not None:
            self._frames.send(Goodbye())

    def _hear(self, side: Side[RaiseRefused], message: Any) -> None:  # noqa: ANN401  decoded
        match message:
            case Lift(person=person, reason=reason, scope=scope, name=name):
                side.admit(RISK, RaiseDesk(person=person, reason=reason, scope=scope, name=name))
            case Compare(person=person, reason=reason):
                side.admit(CUSTODIAN, ReconcileNow(person=person, reason=reason))
            case StopSwarm(reason=reason):
                self.say_goodbye()
                self._stop(reason)

    def _lost(self, frames: Frames, reason: str) -> None:  # noqa: ARG002  the callback's shape
        self._frames = None
