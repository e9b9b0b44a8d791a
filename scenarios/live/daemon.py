"""`outcry live`: brings up venue and watchdog, then is the swarm until it is stopped."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from agents.human.channels import Channels
from agents.human.escalation import NotifyPeople
from agents.human.panel_gateway import KernelFloor, Outlet
from agents.human.panel_room import NOBODY, RoomSettings
from brokers.socket_venue import SocketVenue
from environment.actors.effects import Perform
from environment.actors.live_settings import Durability
from environment.authority import Keys, keys_in
from environment.errors import ConfigError, OperatingError
from environment.messages import Message
from environment.record.audit import HeadKey, SignedHead
from environment.record.recovery import Recovered
from environment.telemetry.logs import EventLog
from environment.text_messages import Notice
from scenarios.builders.channels import channels_of, has_channel
from scenarios.builders.warm_up import compile_all, warm_desk
from scenarios.live.check import Desk, check_ports, lock_desk
from scenarios.live.control_client import converse
from scenarios.live.control_gateway import ControlGateway
from scenarios.live.control_wire import Stop, SwarmStatus, control_socket
from scenarios.live.event_loop import loop_name, run_loop
from scenarios.live.metrics import MetricsServer
from scenarios.live.processes import ensure_venue, ensure_watchdog
from scenarios.live.record import SwarmRecord
from scenarios.live.rules_watch import RulesWatch
from scenarios.live.state_folder import HALT_FILE
from scenarios.live.swarm import LiveSwarm, SwarmTerms
from scenarios.live.venue_market import file_of
from scenarios.live.venue_process import VenueRun, load_world, terms_of
from scenarios.places import shown_path
from scenarios.run.panel_seat import PanelThread, invite, limit_rows, open_panel

_CLOCK_LOOK_S: Final = 0.5
_ANCHOR_S: Final = 5.0  # How long a stop waits for the last head to reach a webhook.
Told = Callable[[str], None]


class Daemon:
    """One start of the swarm, from its checks to its end.

    `tell` shows a line to whoever started it; `inline` keeps the venue in this very process, which
    then does not outlive it.
    """

    def __init__(self, desk: Desk, tell: Told, *, inline: bool) -> None:
        self._desk, self._tell, self._inline = desk, tell, inline
        channels_of(desk.swarm, desk.file, shown_path(desk.file), 1.0)  # Before anything starts.
        self._lock = lock_desk(desk.folder)
        check_ports(desk.swarm, shown_path(desk.file))
        self._log = EventLog(desk.folder / "log", "swarm")
        self._venue_run: VenueRun | None = None
        self._is_stopping = False
        self._sending: set[asyncio.Task[None]] = set()  # Heads on their way to a webhook.

    async def run(self) -> int:
        """Run until stopped; returns the exit status."""
        keys, daemon = keys_in(self._desk.folder), self._desk.swarm.daemon
        durability: Durability = "write" if daemon is None else daemon.durability
        # Read before minutes are spent on a market: it may be another desk's, or damaged.
        record = SwarmRecord(
            self._desk.folder, self._desk.swarm.name, durability, HeadKey(keys.audit)
        )
        inline = await self._bring_up_venue()
        try:
            return await self._run_swarm(record, keys, durability)
        except (ConfigError, OperatingError):
            await self._end_others("the swarm did not start, or could not go on")
            raise
        finally:
            self._is_stopping = True
            if self._venue_run is not None:
                self._venue_run.paced.stop()
            if inline is not None:
                await inline
            self._log.close()

    async def _run_swarm(self, record: SwarmRecord, keys: Keys, durability: Durability) -> int:
        desk, folder = self._desk, self._desk.folder
        self._tell("making the risk desk ready")
        await asyncio.to_thread(warm_desk)  # Before anybody listens for a heartbeat.
        await ensure_watchdog(desk.file, folder)
        daemon = desk.swarm.daemon
        epoch = record.state.epoch
        venue = SocketVenue(file_of(folder))
        await venue.open(desk.swarm.name, epoch)
        terms = SwarmTerms(
            name=desk.swarm.name, run=desk.swarm.name, epoch=epoch,
            seed=desk.config.scenario.seed, durability=durability,
            spin_ns=0 if daemon is None else int(daemon.spin),
        )  # fmt: skip
        calls = self._channels()
        performers: dict[type, Perform] = {} if calls is None else {NotifyPeople: calls.perform}
        swarm = LiveSwarm(desk.config, terms, venue, keys, record, performers=performers)
        swarm.on_log = self._log.event
        if calls is not None:
            swarm.on_head = partial(self._anchor, calls)
        swarm.add_control(self._make_control)
        self._say_recovered(swarm.recover())  # The epoch is on disk when this returns.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, swarm, number.name)
        metrics = None
        if daemon is not None and daemon.metrics is not None:
            metrics = MetricsServer(swarm)
            await metrics.start(daemon.metrics)
        panel = await self._open_panel(swarm)
        self._say_ready(swarm, daemon.metrics if daemon is not None else None)
        clock = asyncio.create_task(self._watch_clock(swarm))
        try:
            await swarm.run()
        finally:
            clock.cancel()
            panel.stop()
            if metrics is not None:
                await metrics.close()
        swarm.close()  # In order: where the disk failed, what is on it is the state.
        if self._sending:
            await asyncio.wait(self._sending, timeout=_ANCHOR_S)
        self._log.event("stopped", swarm.kernel.stop_reason)
        if self._is_stopping:
            await self._end_others(swarm.kernel.stop_reason)
        self._tell(f"stopped: {swarm.kernel.stop_reason}")
        return 0

    async def _open_panel(self, swarm: LiveSwarm) -> PanelThread:
        """Serve the panel beside the swarm, and let a first person in."""
        told, folder, config = self._desk.swarm, self._desk.folder, self._desk.config
        assert config.scenario.approver is not None, "a desk is loaded with a person"
        room = RoomSettings(
            floor=told.name,
            instruments=swarm.floor.instruments + swarm.floor.series,
            zone=swarm.floor.session.zone,
            limits=limit_rows(told.limits),
            has_channel=has_channel(told),
            closes_ns=tuple(session.close_ns for session in swarm.floor.sessions),
        )
        floor = KernelFloor(swarm.kernel, swarm.time.wall_ns, config.scenario.approver.pace)
        panel, people = open_panel(told, folder, room, floor, swarm.models)
        swarm.floor.outlet = self._hear_for(panel.server.hear)
        self._tell(f"panel: {await asyncio.to_thread(panel.start)}")
        if line := invite(people, folder, panel.address, is_terminal=sys.stdout.isatty()):
            self._tell(line)
        if not panel.server.is_reachable():
            self._tell(f"{NOBODY}, until an approver signs in")
        return panel

    def _channels(self) -> Channels | None:
        """Return who calls people, each call written to the log; None where nobody is called."""
        desk = self._desk
        assert desk.config.scenario.approver is not None, "a desk is loaded with a person"
        pace = desk.config.scenario.approver.pace
        calls = channels_of(desk.swarm, desk.file, shown_path(desk.file), pace)
        if calls is not None:
            calls.told = lambda text: self._log.event("called", text)
        return calls

    def _anchor(self, calls: Channels, head: SignedHead) -> None:
        """Send a signed head to the webhook, beside everything else."""
        sending = asyncio.get_running_loop().create_task(calls.anchor(head.number, head.hash.hex()))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    def _hear_for(self, panel: Outlet) -> Outlet:
        """Return what hears for the panel, and keeps in the log why an agent cannot do its work."""

        def hear(
            sender: str, message: Message, number: int = 0, rests_on: tuple[int, ...] = ()
        ) -> None:
            if isinstance(message, Notice):
                self._log.event("notice", message.text, chain=number)
            panel(sender, message, number, rests_on)

        return hear

    async def _end_others(self, reason: str) -> None:
        """Have the watchdog end the venue and itself."""
        with suppress(OperatingError, TimeoutError):
            await converse(control_socket(self._desk.folder), Stop(reason=reason))

    # --- venue -----------------------------------------------------------------------------------

    async def _bring_up_venue(self) -> "asyncio.Task[None] | None":
        """Start the venue, or find it running; returns its task where it is inline."""
        if not self._inline:
            started = await ensure_venue(self._desk.file, self._desk.folder, self._said)
            self._tell("the venue is up" if started else "the venue was running, and goes on")
            return None
        self._tell("the venue is inline: it is not durable, and ends with this process")
        assert self._desk.swarm.venue is not None, "checked when the file was read"
        terms = terms_of(self._desk.swarm.venue)
        compile_all()
        self._venue_run = run = VenueRun(load_world(terms), terms, self._desk.folder, durable=False)
        task = asyncio.create_task(run.run(), name="venue")
        await asyncio.wait({task, asyncio.create_task(run.is_serving.wait())},
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        if task.done():
            task.result()
        return task

    def _said(self, told: dict[str, Any]) -> None:
        """Show how far the venue is."""
        if told.get("compile"):
            self._tell("compiling the market core (minutes, the first time only)")
        elif told.get("build"):
            self._tell("building the market")
        elif "warm_up" in told and told["warm_up"] in {0.25, 0.5, 0.75, 1.0}:
            self._tell(f"market history before the first agent wakes: {told['warm_up']:.0%}")

    # --- the other processes ---------------------------------------------------------------------

    def _make_control(self, swarm: LiveSwarm) -> ControlGateway:
        def status() -> SwarmStatus:
            return swarm.status()

        return ControlGateway(self._desk.folder, status, swarm.kernel.stop, self._restart_processes)

    async def _restart_processes(self) -> None:
        """Bring the watchdog back, if it is gone; the venue's gateway asks for the venue."""
        if self._is_stopping:
            return
        if await ensure_watchdog(self._desk.file, self._desk.folder):
            self._log.event("watchdog", "started")

    async def _watch_clock(self, swarm: LiveSwarm) -> None:
        """Look at the wall clock and the swarm file, and bring a venue that died back."""
        rules = RulesWatch(
            self._desk.file, swarm.floor, swarm.tell_rules,
            lambda text: self._log.event("limits", text),
        )  # fmt: skip
        while True:
            await asyncio.sleep(_CLOCK_LOOK_S)
            swarm.look_at_wall_clock()
            rules.look()
            swarm.look_at_accounts()
            if self._inline or self._is_stopping or swarm.kernel.stop_reason:
                continue
            if swarm.gateway is not None and not swarm.gateway.statistics().is_connected:
                try:
                    if await ensure_venue(self._desk.file, self._desk.folder, lambda _: None):
                        self._log.event("venue", "started again")
                except (OperatingError, ConfigError) as error:
                    self._log.event("venue", str(error))
                    await asyncio.sleep(5.0)

    def _stop(self, swarm: LiveSwarm, reason: str) -> None:
        """End: the watchdog takes the venue down, whose orders end with it."""
        self._is_stopping = True
        if swarm.control is not None:
            swarm.control.say_goodbye()
        swarm.kernel.stop(reason)

    def _say_recovered(self, found: Recovered) -> None:
        if found.steps or found.torn:
            self._tell(f"recovered {found.steps} steps. {found.torn}".rstrip())
        if found.difference is not None:
            self._tell(f"the desk starts HALTED: {found.difference}")
        self._log.event("recovered", f"{found.steps} steps", torn=found.torn)

    def _say_ready(self, swarm: LiveSwarm, metrics: str | None) -> None:
        status = swarm.status()
        self._tell(
            f"{status.name} trades: {', '.join(self._desk.swarm.swarm)}; start {status.epoch}; "
            f"state in {self._desk.folder}" + (f"; metrics on {metrics}" if metrics else "")
        )
        if (self._desk.folder / HALT_FILE).exists() or swarm.venue.restriction:
            self._tell("the desk is HALTED: outcry status says why, outcry resume goes on")
        self._log.event(
            "started",
            f"epoch {status.epoch}, process {os.getpid()}, on {loop_name()}, "
            f"at {time.time_ns()} ns",
        )


def run_daemon(desk: Desk, tell: Told, *, inline: bool) -> int:
    """Run a daemon to its end."""
    os.umask(0o077)
    return run_loop(Daemon(desk, tell, inline=inline).run())
