"""A run as an object: start, advance to any moment, finish; clearing stands between the days.

Runner, Mesa world and replay all drive this one loop. Where `advance_to` stops changes nothing: it
never passes the end of a day without clearing it and opening the next one.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.clearing.margin_watch import MarginLog
from environment.actors.effects import EffectRunner
from environment.actors.ports import Disk
from environment.errors import OperatingError
from environment.market import layout as at
from environment.options.broker_books import BrokerBooks
from environment.record.journal import Header, Journal
from environment.record.manifest import file_sha256, versions
from environment.record.spool import RowList, RowSpool
from llm.service import ModelService
from scenarios.builders.clearing import open_house, open_list, open_office, open_watch
from scenarios.builders.day import until_ns
from scenarios.builders.facts import brought_to, night_of
from scenarios.builders.floor import Factory
from scenarios.builders.models import model_service, performers
from scenarios.builders.paths import SECOND_NS, check_recorded_days
from scenarios.builders.world import World, build
from scenarios.config.load import Config, from_canonical
from scenarios.protocol import PROTOCOL
from scenarios.run.inputs import data_files
from scenarios.run.night import Night

JOURNAL = "journal.msgpack"
SPOOL = "orders.rows"  # Where the tape's blocks wait, under a temporary name.
HEARD_WITHIN_NS = SECOND_NS  # From a night's notices to the last actor of the desk, and far more.
Rows = NDArray[np.int64]


class Recording:
    """The journal and the tape of a run, and how the market's blocks reach both.

    Parameters
    ----------
    rows
        Where the tape's blocks wait until the run is over; None keeps none of them.
    """

    def __init__(
        self, config: Config, disk: Disk, *, agents: Mapping[str, Factory] | None = None,
        rows: RowSpool | RowList | None = None,
    ) -> None:  # fmt: skip
        self.journal = Journal(disk, JOURNAL, header_of(config, agents))
        self.rows = rows

    def keep(self, rows: Rows) -> None:
        """Take one block of the tape: its digest now, its Parquet after the loop."""
        exact = np.ascontiguousarray(rows, dtype="<i8")
        self.journal.block(len(exact), hashlib.sha256(exact.data).hexdigest())
        if self.rows is not None:
            self.rows.write(exact)

    def drop_rows(self) -> None:
        """Let go of the tape's blocks: nothing will be made of them."""
        if self.rows is not None:
            self.rows.remove()


def header_of(config: Config, agents: Mapping[str, Factory] | None = None) -> Header:
    """Return the journal's header; agents made in Python are named, as no file describes them."""
    configuration = msgspec.json.decode(config.canonical(), type=dict[str, Any])
    if agents:
        configuration["agents_in_python"] = sorted(agents)
    return Header(
        seed=config.scenario.seed,
        configuration=configuration,
        versions=versions(),
        data_sha256=digests_of(data_files(config)),
    )


def canonical_form(config: Config) -> Config:
    """Return a configuration as a journal's header gives it back.

    A run is made from this form, in which tables are in order of their keys: what is the same
    configuration is the same run, and a replay numbers accounts as the run did.
    """
    again = from_canonical(config.canonical())
    return msgspec.structs.replace(
        again, scenario_file=config.scenario_file, swarm_file=config.swarm_file
    )


def digests_of(files: Mapping[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of every data file, by the name that the configuration gives it.

    Raises
    ------
    OperatingError
        If a file cannot be read.
    """
    found: dict[str, str] = {}
    for name, path in sorted(files.items()):
        try:
            found[name] = file_sha256(path)
        except OSError as error:
            cause = error.strerror or "cannot be read"
            text = f"data file {name}: {cause}; put it back, or name another one"
            raise OperatingError(text) from error
    return found


@dataclass
class SessionLoop:
    """One run that stands ready.

    Attributes
    ----------
    day
        Number of the day in hand, from 0; after the last one's clearing, how many there were.
    run_until
        What runs the kernel to a moment; at a panel something slower than the kernel itself.
    slice_ns
        Market time between two looks at whether to go on.
    """

    world: World
    recording: Recording
    models: ModelService | None = None
    day: int = 0
    is_stopped: bool = False
    journal_sha256: str = ""
    run_until: Callable[[int], None] | None = None
    slice_ns: int = 30 * SECOND_NS
    margin_log: MarginLog = field(init=False, repr=False)
    _night: Night = field(init=False, repr=False)
    _books: BrokerBooks = field(init=False, repr=False)
    _until_ns: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if any(told.options is not None for told in self.world.config.scenario.instruments):
            open_house(self.world)
            open_list(self.world)
        self._books = open_office(self.world)
        self.margin_log = open_watch(self.world, self._books)
        self._night = Night(self.world)
        self._until_ns = until_ns(self.world.config.scenario, self.world.sessions[-1])

    @classmethod
    def build(
        cls, config: Config, disk: Disk, *, agents: dict[str, Factory] | None = None,
        keep_rows: bool = True, spool: Path | None = None, effects: EffectRunner | None = None,
    ) -> "SessionLoop":  # fmt: skip
        """Return the run of a configuration, before its first event.

        Parameters
        ----------
        keep_rows
            Whether the tape is kept at all; a run without a folder needs none.
        spool
            By which file's name its blocks wait on disk; None: in memory.

        Raises
        ------
        ConfigError
            If the configuration cannot run.
        OperatingError
            If the disk or a data file fails.
        """
        config = canonical_form(config)
        rows = RowList() if spool is None else RowSpool(spool)
        recording = Recording(config, disk, agents=agents, rows=rows if keep_rows else None)
        models = model_service(config) if effects is None else None
        world = build(
            config, recording.journal, recording.keep, PROTOCOL, agents=agents,
            effects=performers(models) if effects is None else effects,
        )  # fmt: skip
        check_recorded_days(config, world.sessions)
        return cls(world, recording, models)

    @property
    def start_ns(self) -> int:
        """When the first day begins."""
        return self.world.sessions[0].start_ns

    @property
    def end_ns(self) -> int:
        """When the last day ends, or the run where it is to end before."""
        return self._end_of(len(self.world.sessions) - 1)

    @property
    def is_over(self) -> bool:
        """Whether every day was traded and cleared."""
        return self.day == len(self.world.sessions)

    @property
    def events(self) -> int:
        """How many events the core has handled."""
        return int(self.world.market.arena[at.H_EVENTS])

    def start(self) -> None:
        """Open the first day."""
        self._open_day()
        world = self.world
        world.facts = msgspec.structs.replace(world.facts, brought=brought_to(world.market))

    def advance_to(self, until_ns: int) -> bool:
        """Run all that happens up to `until_ns`; return whether there is more to run.

        Every end of a day that is reached is cleared, and the next day opened.
        """
        kernel = self.world.kernel
        run_until = kernel.run_until if self.run_until is None else self.run_until
        while not self.is_over:
            end_ns = self._end_of(self.day)
            run_until(min(until_ns, end_ns))
            if kernel.stop_reason:
                self.is_stopped = True
                return False
            if until_ns < end_ns:
                return True
            self._end_day()
        return False

    def finish(self) -> str:
        """Close the record, wherever the run stands, and return the journal's SHA-256."""
        if not self.journal_sha256:
            self.world.market.flush_tape()
            self.journal_sha256 = self.recording.journal.close()
            self._close()
        return self.journal_sha256

    def abandon(self) -> None:
        """Write what is buffered, so that a run that broke can be read up to there."""
        self.world.market.flush_tape()
        self.recording.journal.flush()
        self.recording.drop_rows()
        self._close()

    def _close(self) -> None:
        self.world.kernel.close()
        if self.models is not None:
            self.models.close()

    def _end_of(self, day: int) -> int:
        is_last = day == len(self.world.sessions) - 1
        if is_last and self._until_ns is not None:
            return self._until_ns
        return self.world.sessions[day].end_ns

    def _end_day(self) -> None:
        if self._end_of(self.day) < self.world.sessions[self.day].end_ns:
            self.day += 1  # Ended before its close: nothing to clear.
            return
        world, known = self.world, len(self.world.clearing_events)
        changes = self._night.clear(self.day)
        night = night_of(
            world.clearing_events[known:], world.sessions[self.day].end_ns, world.instruments
        )
        world.facts = msgspec.structs.replace(world.facts, nights=(*world.facts.nights, night))
        if len(changes):
            self.world.market.flush_tape()
            self.recording.keep(changes)
        self.day += 1
        if not self.is_over:
            self._open_day()
            return
        # The last night is heard of while there is still somebody to hear it.
        self.world.kernel.run_until(self.world.sessions[-1].end_ns + HEARD_WITHIN_NS)

    def _open_day(self) -> None:
        self._books.day = self.world.sessions[self.day].date.toordinal()
        self.world.start_day(self.day)
