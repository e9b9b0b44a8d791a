"""The swarm file read again when it changes: what its limits, mandates and approval rules say now.

Risk decides what becomes of it: tighter holds at once, looser waits for an admin. A file that
others can write is not read, and one that is no configuration changes nothing.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from agents.desk.reload import RulesRead
from environment.errors import ConfigError
from scenarios.builders.floor import Floor, rules_of
from scenarios.config.check import check_swarm_files
from scenarios.config.load import Config, load_swarm
from scenarios.live.state_folder import refuse_writable
from scenarios.places import find_file, shown_path

Stamp = tuple[int, int, int, int]


class RulesWatch:
    """Looks at the swarm file; the first look tells what it says, as it may be newer than risk is.

    Parameters
    ----------
    tell
        Hands what was read to risk.
    refused
        Takes why a file was not read, in a line; once for each state of the file.
    """

    def __init__(
        self, file: Path, floor: Floor, tell: Callable[[RulesRead], None],
        refused: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._file, self._floor = file, floor
        self._tell, self._refused = tell, refused
        self._seen: Stamp | None = None

    def look(self) -> None:
        """Read the file if it is another than when last looked at."""
        try:
            state = self._file.stat()
        except OSError as error:
            stamp, trouble = (0, 0, 0, 0), f"{shown_path(self._file)}: {error.strerror}"
        else:
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_mode)
            trouble = ""
        if stamp == self._seen:
            return
        self._seen = stamp
        if not trouble:
            try:
                read = self._read()
            except ConfigError as error:
                trouble = str(error)
            else:
                self._tell(read)
                return
        self._refused(f"the limits stay as they were: {trouble}")

    def _read(self) -> RulesRead:
        refuse_writable(self._file)
        digest = hashlib.sha256(self._file.read_bytes()).hexdigest()
        swarm = load_swarm(self._file)
        check_swarm_files(swarm, lambda told: find_file(told, self._file), shown_path(self._file))
        before = self._floor.config
        config = Config(
            scenario=before.scenario, swarm=swarm, scenario_file=before.scenario_file,
            swarm_file=self._file,
        )  # fmt: skip
        return RulesRead(rules=rules_of(config, self._floor), source=digest)
