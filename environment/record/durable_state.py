"""A process's durable state: opened, recovered, begun, rotated and closed; every start recovers.

The folder holds numbered segments, each with the snapshot it begins with. A start takes the newest
snapshot, runs the steps of its segment again, and begins a segment of its own with the next epoch.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import msgspec

from environment.actors.cell import Cell
from environment.actors.durable import remember
from environment.actors.durable_mail import Mail, held_effects, mail_under_way
from environment.actors.envelope import Envelope
from environment.actors.floor import lane_of
from environment.actors.kernel import Kernel
from environment.actors.live_kernel import LiveKernel
from environment.actors.protocol import Protocol
from environment.actors.queue import BEGIN, CALL, EXPIRE, EXPIRY, TIMER
from environment.errors import ConfigError
from environment.messages import EffectFailed
from environment.record.disk import StateDisk
from environment.record.durable_snapshot import (
    KeptActor,
    StateSnapshot,
    keep_actor,
    raw,
    raw_mail,
    seal,
    unseal,
)
from environment.record.recovery import Recovered, Recovery
from environment.record.step_reader import SegmentReader, has_begun
from environment.record.steps import StateHeader, StepJournal, segment_name, snapshot_name
from environment.record.syncer import Syncer

_EPOCH_SHIFT: Final = 40  # Envelope numbers of two processes never meet.


class DurableState:
    """Open it, make a kernel with its `epoch` and `journal`, spawn, `recover`, `begin`, run.

    `run` names the desk whose state this is, `code` the source that runs: steps are run again only
    by the code that made them. Another desk's state, and that of another version which did not
    stop in order, is a ConfigError when it is opened.
    """

    def __init__(
        self, disk: StateDisk, protocol: Protocol, syncer: Syncer, *, run: str, code: str,
        version: str = "", segment_bytes: int = 64 << 20, write_each_step: bool = False,
    ) -> None:  # fmt: skip
        self._disk = disk
        self._protocol = protocol
        self._run, self._code, self._version = run, code, version
        # Told as a snapshot is taken, and once the journal is synced, before it is put on the disk:
        # how much of the journal stands for it. The second in whatever thread syncs.
        self.at_snapshot: Callable[[int], None] = lambda _: None
        self.before_snapshot: Callable[[int], None] = lambda _: None
        self.journal = StepJournal(
            disk, syncer, segment_bytes=segment_bytes, write_each_step=write_each_step
        )
        self._snapshot: StateSnapshot | None = None
        self._readers: list[SegmentReader] = []  # Oldest first; the snapshot is of the first.
        self._recovery: Recovery | None = None
        self._segment = 0
        self.epoch = 1  # Of the process that begins now.
        self.last_ns = 0  # The last time that was written down: this process begins no earlier.
        self._read()

    # --- opening -------------------------------------------------------------------------------

    def _read(self) -> None:
        """Find the newest snapshot and what follows it, and refuse what is not this desk's.

        More than its own segment follows where a process ended before the next snapshot was there.
        """
        names = self._disk.names()
        numbers = [int(name.split(".")[0]) for name in names if name.endswith(".snapshot")]
        if not numbers:
            if any(name.endswith(".steps") for name in names):
                raise ConfigError(
                    f"The state holds segments and no snapshot ({names[0]}); put the snapshot "
                    "back from a copy, or begin a new state folder and reconcile."
                )
            return
        self._segment = max(numbers)
        name = snapshot_name(self._segment)
        self._snapshot = unseal(name, self._disk.read(name))
        self._check_run(name, self._snapshot.run)
        self.epoch, self.last_ns = self._snapshot.epoch + 1, self._snapshot.now_ns
        while (name := segment_name(self._segment + len(self._readers))) in names:
            data = self._disk.read(name)
            if not has_begun(data):  # The process ended while it wrote the header.
                break
            reader = SegmentReader(name, data, self._protocol, is_last=True)
            self._check_run(name, reader.header.run)
            self._check_code(reader)
            self._readers.append(reader)
            self.epoch = reader.header.epoch + 1
            self.last_ns = max(self.last_ns, reader.last_time())

    def _check_run(self, name: str, found: str) -> None:
        if found != self._run:
            raise ConfigError(
                f"{name}: expected the state of {self._run!r}, found that of {found!r}; give the "
                "state folder of this desk, or begin a new one."
            )

    def _check_code(self, reader: SegmentReader) -> None:
        """Refuse steps that this code would have to run again and did not make."""
        header = reader.header
        if header.code == self._code or next(reader.batches(brief=True), None) is None:
            return
        raise ConfigError(
            f"The state was written by version {_version(header.version, header.code)}, which did "
            f"not stop in order; this is {_version(self._version, self._code)}. Start and stop "
            "that version once and then this one, or begin a new state folder and reconcile."
        )

    # --- recovering ----------------------------------------------------------------------------

    def recover(self, kernel: Kernel, gateways: Iterable[str] = ()) -> Recovered:
        """Bring the durable actors of a kernel that was spawned and not run to where they were.

        Raises
        ------
        CorruptRecord
            If anything but the last write is damaged.
        """
        recovery = self._recovery = Recovery(kernel, self._protocol, frozenset(gateways))
        if self._snapshot is not None:
            recovery.begin(self._snapshot)
        if self._readers and not self._readers[0].header.starts_process:
            for life in recovery.lives.values():
                life.has_resumed = True
        self._run_again(recovery)
        recovery.found.last_ns = self.last_ns
        return recovery.finish()

    def _run_again(self, recovery: Recovery) -> None:
        first, notices = self._segment, list[str]()
        self._segment += max(0, len(self._readers) - 1)
        for number, reader in enumerate(self._readers, first):
            if not recovery.run(reader.batches(brief=True)):
                break
            if reader.torn_at is not None:
                name = segment_name(number)
                notices.append(f"{name}: the last write did not end; cut at {reader.torn_at}.")
                self._disk.cut(name, reader.torn_at)
            if reader.end is None:
                # What the power took the end of was not synced, and nothing that followed it was.
                for later in range(number + 1, self._segment + 1):
                    notices.append(f"{segment_name(later)}: goes on from what is lost; emptied.")
                    self._disk.cut(segment_name(later), 0)
                self._segment = number
                break
        recovery.found.torn = " ".join(notices)

    # --- beginning -----------------------------------------------------------------------------

    def begin(self, kernel: Kernel) -> None:
        """Begin this process's segment, durably, and give the actors what was under way."""
        recovery = self._recovery
        assert recovery is not None, "recover first, also where there is nothing yet"
        clock = kernel.floor.moment.clock
        clock.now_ns = max(clock.now_ns, self.last_ns, kernel.settings.start_ns)
        kernel.queue.sequence = max(kernel.queue.sequence, self.epoch << _EPOCH_SHIFT)
        self._segment += 1
        actors = [_kept(recovery, address) for address in recovery.lives]
        mail = recovery.mail()
        unanswered = [raw(envelope) for envelope in recovery.found.unanswered]
        content = self._sealed(clock.now_ns, actors, mail, unanswered)
        self._disk.replace(snapshot_name(self._segment), content)
        self.journal.open(
            StateHeader(
                run=self._run, epoch=self.epoch, segment=self._segment, began_ns=clock.now_ns,
                code=self._code, version=self._version,
            )
        )  # fmt: skip
        self.journal.rotated = partial(self._rotate, kernel)
        for address, life in recovery.lives.items():
            cell = kernel.floor.cells[address]
            assert cell.history is not None, "a life is a durable actor's"
            cell.history.number = life.steps
            cell.timers.pending = dict(life.timers)
            cell.requests.open = dict(life.requests)
            for topic, interval_ns in life.subscriptions.items():
                kernel.departures.subscribe(cell, topic, interval_ns)
        # After the beginnings, so that Resumed is the first message of each.
        if isinstance(kernel, LiveKernel):
            # Before that mail: whoever sends orders knows that the clock lies behind the record.
            kernel.queue.push(clock.now_ns, BEGIN, None, (CALL, kernel.look_at_clock))
        deliver = partial(self._deliver, kernel, recovery, mail)
        kernel.queue.push(clock.now_ns, BEGIN, None, (CALL, deliver))

    def _deliver(self, kernel: Kernel, recovery: Recovery, mail: list[Mail]) -> None:
        cells, now_ns = kernel.floor.cells, kernel.floor.moment.clock.now_ns
        for address, envelope in mail:
            kernel.floor.arrive(cells[address], envelope, lane_of(envelope.message))
        for address, life in recovery.lives.items():
            for effect_id, cause in life.effects.items():
                number = kernel.queue.number()
                cause_id, chain = (cause.id, cause.chain) if cause else (0, number)
                failed = EffectFailed(effect_id=effect_id, reason="lost")
                lost = Envelope(number, "effect", address, now_ns, now_ns, cause_id, chain, failed)
                self.journal.input(lost)
                kernel.floor.arrive(cells[address], lost, lane_of(failed))

    def reconciled(self, kernel: Kernel) -> None:
        """Let recovered timers and deadlines run: those overdue come now, once each, late."""
        assert self._recovery is not None, "recover first"
        now_ns = kernel.floor.moment.clock.now_ns
        for address, life in self._recovery.lives.items():
            cell = kernel.floor.cells[address]
            for timer_id, timer in sorted(life.timers.items(), key=lambda row: row[1].due_ns):
                if timer.due_ns <= now_ns:
                    late = partial(kernel.fire, cell, timer_id, late=True)
                    kernel.queue.push(now_ns, BEGIN, None, (CALL, late))
                else:
                    kernel.queue.push(timer.due_ns, EXPIRY, None, (TIMER, cell, timer_id))
            for request in life.requests.values():
                due_ns = max(now_ns + 1, request.deadline_ns)
                kernel.queue.push(due_ns, EXPIRY, None, (EXPIRE, cell, request.request_id))
            life.timers, life.requests = {}, {}

    # --- going on, and stopping -----------------------------------------------------------------

    def _sealed(
        self, now_ns: int, actors: list[KeptActor], mail: Iterable[Mail],
        unanswered: list[msgspec.Raw],
    ) -> bytes:  # fmt: skip
        """Return the snapshot with which the present segment begins, as the bytes of its file."""
        snapshot = StateSnapshot(
            run=self._run, epoch=self.epoch, segment=self._segment, now_ns=now_ns, code=self._code,
            actors=actors, mail=raw_mail(mail), unanswered=unanswered,
        )  # fmt: skip
        return seal(snapshot)

    def _taken(self, kernel: Kernel) -> Callable[[], None]:
        """Take a snapshot for the next segment; return what puts it on the disk."""
        position = self.journal.flush()
        self.at_snapshot(position)
        self._segment += 1
        name = snapshot_name(self._segment)
        actors = [keep_actor(cell, held_effects(kernel, cell)) for cell in _durable(kernel)]
        now_ns = kernel.floor.moment.clock.now_ns
        content = self._sealed(now_ns, actors, list(mail_under_way(kernel)), [])

        def put() -> None:
            self.before_snapshot(position)
            self._disk.replace(name, content)

        return put

    def _rotate(self, kernel: Kernel) -> None:
        """Begin the next segment between two messages; its snapshot reaches the disk behind it."""
        put = self._taken(kernel)
        self.journal.go_on(kernel.floor.moment.clock.now_ns, put)

    def close(self, kernel: Kernel) -> None:
        """End in order: all durable, and a snapshot from which any later version can begin."""
        self.journal.close_segment()
        self._taken(kernel)()


def _version(version: str, code: str) -> str:
    """Return a version with the beginning of its source's digest: the number may be the same."""
    return f"{version or 'unknown'} (source {code[:8]})"


def _durable(kernel: Kernel) -> list[Cell]:
    return [cell for cell in kernel.floor.cells.values() if cell.history is not None]


def _kept(recovery: Recovery, address: str) -> KeptActor:
    life = recovery.lives[address]
    return KeptActor(
        address=address,
        steps=life.steps,
        memory=remember(life.cell.actor, life.cell.context),
        timers=list(life.timers.values()),
        requests=list(life.requests.values()),
        effects=list(life.effects),
        subscriptions=life.subscriptions,
    )
