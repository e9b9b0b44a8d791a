"""The swarm of a daemon: the actors of a scenario on the live kernel, before a venue."""

import asyncio
import datetime
import gc
import os
from collections.abc import Callable, Iterable

import msgspec

from agents.desk.auditor import ADDRESS as AUDITOR, AuditorState
from agents.desk.custodian_state import CustodianSettings
from agents.desk.reload import RulesRead
from brokers.socket_venue import SocketVenue
from brokers.venue import VenueClock
from brokers.venue_gateway import VenueGateway
from environment.actors import Ports, Settings
from environment.actors.effects import Perform
from environment.actors.live_clock import LiveClock
from environment.actors.live_effects import LiveEffects
from environment.actors.live_kernel import LiveKernel
from environment.actors.live_run import LiveRun
from environment.actors.live_settings import Alarm, Durability, LiveSettings
from environment.authority import Keys
from environment.control_messages import LowerDesk
from environment.errors import OperatingError
from environment.market.calendar import TradingCalendar
from environment.messages import Message
from environment.record.audit import SignedHead
from environment.record.recovery import Recovered
from environment.record.steps import StepStatistics
from environment.telemetry.stages import StageClock
from scenarios.builders.floor import RISK, VENUE, Factory, Floor, spawn_swarm
from scenarios.builders.models import all_performers, model_service
from scenarios.config.load import Config
from scenarios.live.control_gateway import CONTROL, ControlGateway
from scenarios.live.control_wire import OrderLine, StoppedScope, SwarmStatus
from scenarios.live.record import GATEWAYS, SwarmRecord
from scenarios.protocol import PROTOCOL
from scenarios.run.market_time import MarketTime

_AUDIT_S = 0.25
_CLOCK_STEP_NS = 1_000_000_000
_DAYS_AHEAD = 120
KERNEL = "kernel"
DAEMON = CustodianSettings(needs_session=True, reconcile_every_ns=30_000_000_000)


class SwarmTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a start of the swarm is: its name, its run and which start of it this is."""

    name: str
    run: str
    epoch: int
    seed: int
    durability: Durability
    spin_ns: int = 0


class LiveSwarm:
    """Kernel, floor and gateways of one start.

    Parameters
    ----------
    config
        The swarm file with the world whose account it trades.
    venue
        A client whose first session has told instruments, prices and the clock.
    """

    def __init__(
        self, config: Config, terms: SwarmTerms, venue: SocketVenue, keys: Keys,
        record: SwarmRecord, agents: dict[str, Factory] | None = None,
        *, performers: dict[type, Perform] | None = None,
    ) -> None:  # fmt: skip
        self.terms = terms
        self.venue = venue
        self.gateway: VenueGateway | None = None  # Of the present incarnation, as is the next.
        self.control: ControlGateway | None = None
        self.on_log: Callable[[str, str, int], None] = lambda _event, _text, _chain: None
        self.on_head: Callable[[SignedHead], None] = lambda _: (
            None
        )  # Anchored once more, elsewhere.
        welcome = venue.welcome
        self.time = MarketTime(welcome.clock)
        hours = welcome.hours
        days = TradingCalendar(hours.calendar).sessions(
            hours.date, hours.date + datetime.timedelta(days=_DAYS_AHEAD)
        )
        self.floor = Floor(
            config=config, sessions=days, reference_ticks=welcome.reference_ticks,
            instruments=tuple(i for i in welcome.instruments if i.kind != "option"),
            series=tuple(i for i in welcome.instruments if i.kind == "option"),
            agents=agents or {}, trail=record.audit,
        )  # fmt: skip
        models = self.models = model_service(config)
        asking = LiveEffects(all_performers(models) | (performers or {}))
        ports = Ports(
            recorder=record.state.journal, protocol=PROTOCOL, effects=asking,
            resumed=self.floor.resumed, went_down=self.floor.went_down,
        )  # fmt: skip
        live = LiveSettings(durability=terms.durability, spin_ns=terms.spin_ns)
        self.clock = LiveClock(self.time)
        self.kernel = LiveKernel(Settings(seed=terms.seed), ports, live, self.clock, terms.epoch)
        self.stages = StageClock(lambda: self.kernel.queue.sequence)
        record.syncer.on_synced = self.kernel.rouse
        self.floor.tell = lambda address, message: self.kernel.admit(KERNEL, address, message)
        self.kernel.on_alarm(self._alarmed)
        self.kernel.spawn(VENUE, self._make_gateway)
        spawn_swarm(self.floor, self.kernel, keys, DAEMON, refresh_ns=1_000_000_000)
        self._failure: OperatingError | None = None
        self._record = record
        self._is_reconciled = False

    def recover(self) -> Recovered:
        """Bring the durable actors to where the last start left them, before the first message.

        A difference means that the state is not to be trusted: the desk starts HALTED.
        """
        state, audit = self._record.state, self._record.audit
        found = state.recover(self.kernel, GATEWAYS)
        chained = self.kernel.floor.cells[AUDITOR].actor.state
        assert isinstance(chained, AuditorState), "the auditor stands at its address"
        if found.difference is not None:  # Not all was run again: the chain goes on where it ends.
            chained.number, chained.before = audit.count, audit.last
        audit.check(chained.number)
        audit.write_all()
        state.begin(self.kernel)
        if found.difference is not None:
            text = f"recovery: {found.difference}"
            self._admit(RISK, LowerDesk(to="halted", reason=text))
        return found

    async def run(self) -> None:
        """Run the kernel until it is told to stop.

        What was built before is taken out of the collector's sight: walking it costs milliseconds
        each time, and it stays until the process ends.
        """
        gc.collect()
        gc.freeze()
        keeping = asyncio.create_task(self._keep_audit())
        try:
            await LiveRun(self.kernel).run()
        finally:
            keeping.cancel()
            gc.unfreeze()
        if self._failure is not None:
            raise self._failure

    async def _keep_audit(self) -> None:
        """Write the audit chain behind the journal; a disk that fails ends the process."""
        while True:
            await asyncio.sleep(_AUDIT_S)
            try:
                heads = await asyncio.to_thread(self._record.write_audit)
                self._record.seal_audit()
            except OperatingError as error:
                self._failure = error
                self.kernel.stop(str(error))
                return
            for head in heads:
                self._tell_head(head)

    def look_at_accounts(self) -> None:
        """Let recovered timers run, once accounts were compared after the start."""
        if not self._is_reconciled and self.status().is_ready:
            self._is_reconciled = True
            self._record.state.reconciled(self.kernel)

    def close(self) -> None:
        """End the record in order."""
        self._tell_head(self._record.close(self.kernel))

    def _tell_head(self, head: SignedHead) -> None:
        self.on_log("audit_head", f"record {head.number}: {head.hash.hex()}", 0)
        self.on_head(head)

    def add_control(self, make: Callable[["LiveSwarm"], ControlGateway]) -> None:
        """Put the control socket's gateway at its address."""

        def factory() -> ControlGateway:
            self.control = make(self)
            return self.control

        self.kernel.spawn(CONTROL, factory)

    def _make_gateway(self) -> VenueGateway:
        self.gateway = VenueGateway(
            self.venue, self.terms.run, self.terms.epoch, self._topics, self._on_clock,
            self.stages,
        )  # fmt: skip
        return self.gateway

    def _topics(self) -> Iterable[str]:
        return list(self.kernel.departures.topics)

    def _on_clock(self, clock: VenueClock) -> None:
        """Follow the market's clock where it runs anew: no step, but another trading day."""
        self.time.clock = clock
        self.clock.look()

    # --- what is unexplained ---------------------------------------------------------------------

    def _alarmed(self, alarm: Alarm) -> None:
        self.on_log("alarm", f"{alarm.kind}: {alarm.text}", alarm.chain)
        self.lower(f"{alarm.kind}: {alarm.text}")

    def lower(self, reason: str) -> None:
        """Have the desk stop opening; from outside its handlers."""
        self._admit(RISK, LowerDesk(to="reducing", reason=reason))

    def tell_rules(self, read: RulesRead) -> None:
        """Tell risk what the swarm file says; it stands for people, as the control socket does."""
        self.kernel.admit(CONTROL, RISK, read)

    def look_at_wall_clock(self) -> None:
        """Lower the desk if the machine's clock was set: people and files go by that one."""
        step_ns = self.time.wall_step_ns()
        if abs(step_ns) > _CLOCK_STEP_NS:
            self.on_log("clock_step", f"the wall clock was set by {step_ns / 1e9:+.3f} s", 0)
            self.lower(f"the wall clock was set by {step_ns / 1e9:+.3f} s")

    def _admit(self, address: str, message: Message) -> None:
        self.kernel.admit(KERNEL, address, message)

    # --- looking ---------------------------------------------------------------------------------

    def journal_statistics(self) -> StepStatistics:
        """Return how much was recorded, and how far the disk is behind."""
        return self._record.state.journal.statistics()

    def status(self) -> SwarmStatus:
        """Return how the swarm sees itself now."""
        custodian, desk = self.floor.custodian, self.floor.desk
        assert custodian is not None, "the floor is built with a custodian"
        assert desk is not None, "the floor is built with a risk desk"
        state, counts, kernel = custodian.state, custodian.statistics(), self.kernel
        states = desk.state.states
        gateway = self.gateway.statistics() if self.gateway is not None else None
        is_connected = gateway is not None and gateway.is_connected
        why = "not yet" if gateway is None else gateway.last_loss or "not yet"
        return SwarmStatus(
            name=self.terms.name, run=self.terms.run, epoch=self.terms.epoch,
            process=os.getpid(), market_ns=kernel.clock.now_ns,
            zone=self.floor.session.zone, desk=states.of("desk:"),
            reason=states.reasons.get("desk:", ""),
            is_ready=state.is_connected and not state.wants_account,
            venue="connected" if is_connected else why,
            unknown=counts.unknown, breaks=counts.breaks,
            orders=tuple(
                OrderLine(
                    order_id=held.tracked.order_id, client_order_id=held.client_id,
                    owner=held.owner, instrument=held.tracked.instrument,
                    side=held.tracked.side, leaves=held.leaves,
                    price=held.tracked.terms.price, is_unknown=held.is_unknown,
                )
                for held in state.table.orders.values()
            ),
            positions={name: lots for name, lots in state.table.positions.items() if lots},
            handled=sum(cell.handled for cell in kernel.floor.cells.values()),
            failures=kernel.floor.failures, stalls=kernel.measures.stalls,
            durable=self.terms.durability, stopped=tuple(
                StoppedScope(scope=scope, name=name, state=state_now, reason=why_so)
                for scope, name, state_now, why_so in states.stopped()
            ),
            held=desk.state.held,
        )  # fmt: skip
