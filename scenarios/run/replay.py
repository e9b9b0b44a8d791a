"""A recorded run, run again from its own journal: same records, or the first that differs."""

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from environment.actors import Envelope, RecordedEffects
from environment.errors import ConfigError, CorruptRecord, OperatingError
from environment.market import layout as at
from environment.messages import EffectDone, EffectFailed, Message
from environment.record.disk import FolderDisk
from environment.record.files import MANIFEST
from environment.record.journal import Block, Input, JournalReader, Record, Step
from environment.record.manifest import Manifest, compare, decode
from scenarios.builders.floor import Factory
from scenarios.builders.warm_up import compile_all, compile_replay, compiling
from scenarios.config.built import check_built
from scenarios.config.load import Config, from_canonical
from scenarios.protocol import PROTOCOL
from scenarios.run.outcomes import ReplayResult
from scenarios.run.progress import Phase, Progress, Silent
from scenarios.run.replay_compare import Comparison
from scenarios.run.runner import manifest_of, run_loop
from scenarios.run.session_loop import JOURNAL, SPOOL, SessionLoop, header_of

IN_PYTHON = "agents_in_python"


class Recorded:
    """What a journal says of its run: configuration, inputs, and whether it came to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / JOURNAL
        try:
            self.data = self.path.read_bytes()
        except OSError as error:
            cause = (error.strerror or "cannot be read").lower()
            raise OperatingError(
                f"{self.path}: {cause}; give the folder of an earlier run"
            ) from error
        self.manifest = _manifest_of(folder)
        self.outcomes: dict[tuple[str, int], EffectDone | EffectFailed] = {}
        self.admitted: list[tuple[int, str, str, Message]] = []
        self.last_ns = self.tape_rows = 0
        try:
            self.reader = JournalReader(self.data, PROTOCOL)
            self.records = sum(map(self._take, self.reader))
            # Whether the run was interrupted, killed, or never closed its folder. Asked once: a
            # reader forgets the end whenever it begins again.
            self.is_partial = (
                self.reader.is_partial or self.manifest is None or self.manifest.partial
            )
        except CorruptRecord as error:
            raise CorruptRecord(
                f"{self.path}: {error} Nothing can be replayed from it; run the scenario again"
            ) from error

    def _take(self, record: Record) -> int:
        """Keep an input, and how far the run had got; count every record as one."""
        if isinstance(record, Envelope):
            self.last_ns = max(self.last_ns, record.sent_ns)
        elif isinstance(record, Block):
            self.tape_rows += record.rows
        elif isinstance(record, Step):
            self.last_ns = max(self.last_ns, record.now_ns)
        elif isinstance(record, Input):
            envelope = record.envelope
            self.last_ns = max(self.last_ns, envelope.sent_ns)
            match envelope.message:
                case EffectDone(effect_id=number) | EffectFailed(effect_id=number):
                    self.outcomes[envelope.recipient, number] = envelope.message
                case message:
                    admitted = (envelope.delivered_ns, envelope.sender, envelope.recipient, message)
                    self.admitted.append(admitted)
        return 1

    @property
    def journal_sha256(self) -> str:
        """The SHA-256 of the journal as it lies there."""
        return hashlib.sha256(self.data).hexdigest()

    def not_as_written(self) -> str | None:
        """Return what tells this journal from the one that the finished run wrote, if any."""
        if self.manifest is None or self.manifest.journal_sha256 == self.journal_sha256:
            return None
        return (
            f"{self.path} is not the journal that the run wrote: its SHA-256 is "
            f"{self.journal_sha256}, and {MANIFEST} says {self.manifest.journal_sha256}"
        )

    @property
    def agents_in_python(self) -> tuple[str, ...]:
        """Addresses of agents that no file describes."""
        return tuple(self.reader.header.configuration.get(IN_PYTHON, ()))

    def config(self) -> Config:
        """Return the configuration that the header holds; its data files are sought again."""
        told = self.reader.header.configuration
        try:
            config = from_canonical(msgspec.json.encode(told))
        except (KeyError, TypeError, msgspec.ValidationError) as error:
            recorded = self.reader.header.versions.get("outcry", "unknown")
            raise OperatingError(
                f"{self.path}: its configuration is not one of this version ({error}); replay it "
                f"with the version that recorded it, {recorded}"
            ) from error
        # Paths in it are sought where the command is given, then at the project's root.
        here = Path.cwd() / "scenario.toml"
        return msgspec.structs.replace(config, scenario_file=here, swarm_file=here)

    def check_agents(self, agents: Iterable[str]) -> None:
        """Raise ConfigError unless exactly the agents that were made in Python are given again."""
        given = set(agents)
        if missing := sorted(set(self.agents_in_python) - given):
            raise ConfigError(
                f"{self.path}: {', '.join(missing)} was made in Python, and no file describes it; "
                f"replay it from Python with replay(folder, agents=...)"
            )
        if more := sorted(given - set(self.agents_in_python)):
            raise ConfigError(f"{self.path}: {', '.join(more)} was not in this run; leave it out")

    def conditions(self, config: Config) -> tuple[str, ...]:
        """Return what is another one now than when the run was recorded, a line each."""
        if self.manifest is not None:
            present = manifest_of(config, "", partial=False)
            found = compare(self.manifest, present)
            # The configuration is the recorded one, whatever its spelling.
            return tuple(
                str(difference) for difference in found if difference.name != "configuration"
            )
        recorded, now = self.reader.header, header_of(config)
        pairs = [
            *((f"version of {k}", v, now.versions.get(k)) for k, v in recorded.versions.items()),
            *(
                (f"data file {k}", v, now.data_sha256.get(k))
                for k, v in recorded.data_sha256.items()
            ),
        ]
        return tuple(
            f"{name}: recorded with {before}, now {after or 'absent'}"
            for name, before, after in pairs
            if before != after
        )

    def prepare(
        self, config: Config, folder: Path, agents: dict[str, Factory], *, without: str = ""
    ) -> SessionLoop:
        """Return the run of a configuration with these inputs, but for those of one actor."""
        outcomes = {key: done for key, done in self.outcomes.items() if key[0] != without}
        loop = SessionLoop.build(
            config, FolderDisk(folder), agents=agents, effects=RecordedEffects(outcomes),
            spool=folder / SPOOL,
        )  # fmt: skip
        for at_ns, sender, recipient, message in self.admitted:
            if recipient != without:
                loop.world.kernel.admit_at(at_ns, sender, recipient, message)
        return loop


class AsFarAs:
    """Watches a replay, and ends it once it has passed the end of a journal that ends early."""

    def __init__(self, watcher: Progress, recorded: Recorded, loop: SessionLoop) -> None:
        self._watcher, self._recorded, self._loop = watcher, recorded, loop
        self.is_interrupted = False

    def phase(self, phase: Phase, detail: str = "") -> None:
        """Hand it on."""
        self._watcher.phase(phase, detail)

    def span(self, start_ns: int, end_ns: int, zone: str) -> None:
        """Hand it on, with the end that this replay will have."""
        last_ns = min(end_ns, self._recorded.last_ns) if self._recorded.is_partial else end_ns
        self._watcher.span(start_ns, max(last_ns, start_ns + 1), zone)

    def tick(self, now_ns: int, events: int, deliveries: int) -> bool:
        """Return False when told to stop, and when all that was recorded has been made again."""
        if not self._watcher.tick(now_ns, events, deliveries):
            self.is_interrupted = True
            return False
        rows = self._loop.world.market.arena[at.H_TAPE_SEQUENCE]
        is_past = now_ns > self._recorded.last_ns and rows >= self._recorded.tape_rows
        return not (self._recorded.is_partial and is_past)


def _manifest_of(folder: Path) -> Manifest | None:
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise OperatingError(f"{path}: {error}; remove it to replay the journal alone") from error


def replay(
    folder: str | Path,
    agents: Mapping[str, Factory] | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Run a journal's inputs again and return whether every record came out the same.

    Parameters
    ----------
    agents : mapping of address to factory, optional
        The agents made in Python of that run.

    Raises
    ------
    ConfigError
        If the run cannot be made again from its journal.
    OperatingError
        If the journal, or a data file that it names, cannot be read.
    """
    recorded = Recorded(Path(folder))
    recorded.check_agents(agents or {})
    config = recorded.config()
    check_built(config)
    watched = progress or Silent()
    with tempfile.TemporaryDirectory(prefix="outcry-replay-") as place:
        conditions = recorded.conditions(config)
        watched.phase("compile", compiling())
        compile_all()
        if config.scenario.recording is not None:
            compile_replay()
        watched.phase("build")
        loop = recorded.prepare(config, Path(place), dict(agents or {}))
        watched.phase("loop")
        as_far = AsFarAs(watched, recorded, loop)
        run_loop(loop, as_far)
        if as_far.is_interrupted:
            loop.abandon()
            raise KeyboardInterrupt
        loop.finish()
        made = (Path(place) / JOURNAL).read_bytes()
        zone = loop.world.sessions[0].zone
        assert loop.recording.rows is not None, "a replay keeps its tape"
        difference, equal = Comparison(recorded, made, loop.recording.rows, zone).run()
        loop.recording.drop_rows()
    if difference is None:
        difference = recorded.not_as_written()
    elif conditions:
        difference = "\n".join((*conditions, difference))
    return ReplayResult(
        same=difference is None,
        records=equal,
        journal_sha256=recorded.journal_sha256,
        difference=difference,
        partial=recorded.is_partial,
        conditions=conditions,
    )
