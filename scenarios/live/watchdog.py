"""The watchdog: a small process that can stop all trading while the swarm hangs.

It alone reads heartbeats, the halt file and the control socket. What it does about any of them, it
does at the venue itself: cancel every order, and have the venue take none from the swarm until a
named person resumes.
"""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agents.human.people import PeopleStore
from brokers.frames import Frames, serve
from brokers.socket_venue import SocketVenue
from brokers.venue import VenueClosed
from brokers.wire import Restore, Revoke, StopVenue
from environment.errors import ConfigError, OperatingError
from environment.instruments import Instrument
from environment.message_roots import Message
from environment.venue_messages import AccountReport
from scenarios.config.load import load_swarm
from scenarios.live.control_wire import (
    Answer,
    AskStatus,
    Beat,
    Compare,
    Goodbye,
    Halt,
    Life,
    Lift,
    Reconcile,
    Resume,
    Standing,
    Stop,
    StopSwarm,
    SwarmHello,
    SwarmStatus,
    control_socket,
    held_lines,
    watchdog_decoder,
)
from scenarios.live.event_loop import run_loop
from scenarios.live.panel_people import people_store
from scenarios.live.state_folder import HALT_FILE, state_folder
from scenarios.live.venue_market import file_of

LOOK_S: Final = 0.1
SILENCE_S: Final = 3.0  # Without a heartbeat for so long, the swarm has failed.
_AGAIN_S: Final = 0.5
_FIRST_STEP: Final = "HALTED to REDUCING, and once more to ACTIVE"


class Watchdog:
    """Watches one swarm, and answers commands."""

    def __init__(self, folder: Path, people: PeopleStore) -> None:
        self._folder = folder
        self._people = people
        self._venue = SocketVenue(file_of(folder), "control")
        self._is_connected = False
        self._swarm: Frames | None = None
        self._status: SwarmStatus | None = None
        self._beat_s = 0.0  # 0: nobody is expected to live.
        self._halted = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._venue_lock = asyncio.Lock()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop."""
        decoder = watchdog_decoder()
        server = await serve(
            control_socket(self._folder),
            lambda: Frames(decoder, self._on_message, self._on_closed),
        )
        look = asyncio.create_task(self._look())
        try:
            await self._stopped.wait()
            await asyncio.sleep(LOOK_S)  # The last answers leave.
        finally:
            look.cancel()
            server.close()
            await self._venue.close()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    # --- watching --------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            # The venue is away, or its socket is open to others: tried again at the next look.
            with suppress(OperatingError, ConfigError):
                await self._connect()
                reason = self._cause()
                if reason and not self._halted:
                    await self.halt(reason)
            await asyncio.sleep(LOOK_S if self._is_connected else _AGAIN_S)

    async def _connect(self) -> None:
        if self._is_connected and self._venue.is_open:
            return
        await self._venue.open("", 0)
        self._is_connected = True
        self._halted = self._venue.restriction or self._halted

    def _cause(self) -> str:
        """Return why trading must stop now, or nothing."""
        silent_s = time.monotonic() - self._beat_s
        if self._beat_s and silent_s > SILENCE_S:
            return f"no heartbeat for {silent_s:.1f} s"
        if not self._halted and (self._folder / HALT_FILE).exists():
            return f"the file {HALT_FILE} is there"
        return ""

    async def halt(self, reason: str) -> int:
        """Cancel everything and cut the swarm off; returns how many orders are left working."""
        async with self._venue_lock:
            done = await self._venue.control(Revoke(reason=reason))
        self._halted = reason
        # Where it can be seen, and so that it holds whatever is started next.
        with suppress(OSError):
            (self._folder / HALT_FILE).write_text(f"{reason}\n", encoding="utf-8")
        return done.working

    # --- commands --------------------------------------------------------------------------------

    def _on_message(self, peer: Frames, message: Any) -> None:  # noqa: ANN401  decoded: ToWatchdog
        match message:
            case SwarmHello():
                self._swarm, self._beat_s = peer, time.monotonic()
            case Beat(status=status):
                if peer is self._swarm:
                    self._status, self._beat_s = status, time.monotonic()
            case Goodbye():
                if peer is self._swarm:
                    self._beat_s = 0.0
            case _:
                task = asyncio.create_task(self._carry(peer, message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _on_closed(self, peer: Frames, reason: str) -> None:  # noqa: ARG002  the callback's shape
        # A swarm that died says nothing more: its silence does.
        if peer is self._swarm:
            self._swarm = None

    async def _carry(self, peer: Frames, message: Message) -> None:
        try:
            answer = await self._answer(message, peer)
        except (OperatingError, ConfigError) as error:
            answer = Answer(is_done=False, text=str(error))
        peer.send(answer)

    async def _answer(self, message: Message, peer: Frames) -> Message:
        match message:
            case AskStatus():
                return await self._standing()
            case Halt(reason=reason):
                await self._connect()
                working = await self.halt(reason or f"asked for by user {peer.peer_user}")
                return Answer(is_done=True, text=f"halted; {working} orders work at the venue")
            case Resume():
                return await self._resume(message)
            case Reconcile():
                return await self._reconcile(message)
            case Stop(reason=reason):
                return await self._stop(reason)
            case _:
                return Answer(is_done=False, text="that is no command")

    async def _standing(self) -> Standing:
        account: AccountReport | None = None
        with suppress(OperatingError, ConfigError):
            await self._connect()
            account = await self._account()
        age_s = time.monotonic() - self._beat_s if self._beat_s else -1.0
        life, last = self._life(), self._status
        return Standing(
            halted=self._halted, beat_age_s=age_s, account=account, life=life,
            swarm=last if life in {"alive", "silent"} else None,
            last_epoch=last.epoch if last else 0, last_process=last.process if last else 0,
            venue="connected" if account is not None else "lost",
            reference_ticks=self._venue.welcome.reference_ticks if account is not None else {},
            instruments=self._instruments(account, last) if self._is_connected else (),
        )  # fmt: skip

    def _instruments(
        self, account: AccountReport | None, swarm: SwarmStatus | None
    ) -> tuple[Instrument, ...]:
        """Return what the orders that are shown are orders in, as the venue said last."""
        names = {order.instrument for order in (account.orders if account is not None else ())}
        names |= {order.instrument for order in (swarm.orders if swarm is not None else ())}
        return tuple(found for found in self._venue.instruments() if found.symbol in names)

    async def _account(self) -> AccountReport:
        async with self._venue_lock:
            self._venue.take_events()
            self._venue.ask_account()
            while True:
                event = await asyncio.wait_for(self._venue.next_event(), 5.0)
                if isinstance(event, AccountReport):
                    return event
                if isinstance(event, VenueClosed):
                    raise OperatingError(f"the venue is lost: {event.reason}")

    async def _resume(self, asked: Resume) -> Answer:
        """Let the swarm trade again, one step: for a person who may, and with nothing unknown."""
        fault = await self._person_fault(asked.person, asked.password)
        if not fault and not asked.reason.strip():
            fault = "a reason is needed"
        status = self._status
        if not fault and (status is None or self._swarm is None or not self._is_alive()):
            fault = "no swarm is there to resume"
        if fault:
            return Answer(is_done=False, text=fault)
        assert status is not None, "looked at above"
        if asked.scope != "desk":
            return self._resume_scope(asked, status)
        if not self._halted and status.desk == "active":
            return Answer(is_done=True, text="the desk is ACTIVE: there is nothing to resume")
        why = self._halted or status.reason or "a reason that was not recorded"
        if unsettled := _unsettled(status, why):
            return unsettled
        is_halted = bool(self._halted)
        if is_halted:
            await self._connect()
            async with self._venue_lock:
                await self._venue.control(Restore(person=asked.person, reason=asked.reason))
            self._halted = ""
            (self._folder / HALT_FILE).unlink(missing_ok=True)
        self._tell_swarm(Lift(person=asked.person, reason=asked.reason))
        # What is halted at the venue is so at the desk, though its last word may not say so yet.
        step = "REDUCING to ACTIVE" if not is_halted and status.desk == "reducing" else _FIRST_STEP
        text = f"one step up, from {step}; it stopped for: {why}{_held(status, asked)}"
        return Answer(is_done=True, text=text)

    def _resume_scope(self, asked: Resume, status: SwarmStatus) -> Answer:
        """Let one agent, strategy or underlying go on, one step; the venue knows none of them."""
        for one in status.stopped:
            if (one.scope, one.name) == (asked.scope, asked.name):
                break
        else:
            found = ", ".join(f"{one.scope} {one.name}" for one in status.stopped) or "none"
            text = f"{asked.scope} {asked.name} is not stopped; of agents and the like are: {found}"
            return Answer(is_done=False, text=text)
        if unsettled := _unsettled(status, one.reason):
            return unsettled
        self._tell_swarm(
            Lift(person=asked.person, reason=asked.reason, scope=one.scope, name=one.name)
        )
        step = "REDUCING to ACTIVE" if one.state == "reducing" else _FIRST_STEP
        stands = "" if status.desk == "active" else f"; the desk itself is {status.desk.upper()}"
        text = f"{one.scope} {one.name}: one step up, from {step}; it stopped for: {one.reason}"
        return Answer(is_done=True, text=text + stands + _held(status, asked))

    async def _reconcile(self, asked: Reconcile) -> Answer:
        if asked.person:
            fault = await self._person_fault(asked.person, asked.password)
            if fault:
                return Answer(is_done=False, text=fault)
        if self._swarm is None:
            return Answer(is_done=False, text="no swarm is there to compare")
        self._tell_swarm(Compare(person=asked.person, reason=asked.reason))
        return Answer(is_done=True, text="compared; outcry status shows what differs")

    async def _person_fault(self, name: str, password: str) -> str:
        """Return why a person may not resume, or nothing. Hashing takes its time in a thread."""
        person = await asyncio.to_thread(self._people.check_password, name, password)
        if person is None:
            await asyncio.sleep(1.0)  # Guessing is slow, and hinders nothing else.
            return "unknown name, or wrong password"
        return "" if person.may("approver") else f"{name} is no approver"

    def _is_alive(self) -> bool:
        return bool(self._beat_s) and time.monotonic() - self._beat_s <= SILENCE_S

    def _life(self) -> Life:
        if not self._beat_s:
            return "none"
        if self._swarm is None:
            return "dead"
        return "alive" if self._is_alive() else "silent"

    async def _stop(self, reason: str) -> Answer:
        self._beat_s = 0.0
        self._tell_swarm(StopSwarm(reason=reason))
        with suppress(OperatingError, ConfigError):  # Whatever the venue's socket is, this ends.
            await self._connect()
            async with self._venue_lock:
                await self._venue.control(StopVenue(reason=reason))
        self._stopped.set()
        return Answer(is_done=True, text="stopping swarm, venue and watchdog")

    def _tell_swarm(self, message: Message) -> None:
        if self._swarm is not None:
            self._swarm.send(message)


def _held(status: SwarmStatus, asked: Resume) -> str:
    return "".join(f"; {line}" for line in held_lines(status, asked.scope, asked.name))


def _unsettled(status: SwarmStatus, why: str) -> Answer | None:
    """Return the refusal to resume anything while an outcome is unknown or a break open."""
    if not status.unknown and not status.breaks:
        return None
    text = (
        f"{status.unknown} outcomes are unknown and {status.breaks} breaks are open; "
        f"see outcry status and outcry reconcile (it stopped for: {why})"
    )
    return Answer(is_done=False, text=text)


async def _main(file: Path) -> None:
    folder = state_folder(load_swarm(file).name)
    watchdog = Watchdog(folder, people_store(folder))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, watchdog.stop)
    sys.stdout.write('{"ready": true}\n')
    sys.stdout.flush()
    await watchdog.run()


def main() -> int:
    """Run the watchdog of a swarm file."""
    os.umask(0o077)
    try:
        run_loop(_main(Path(sys.argv[1])))
    except (ConfigError, OperatingError) as error:
        sys.stderr.write(f"watchdog: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
