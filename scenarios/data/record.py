"""Records the day that `replay_day` replays: opening_bell's own, told in LOBSTER's format.

    python -m scenarios.data.record [TARGET]

Run it again whenever opening_bell's market changes. Same code, same seed, same bytes.
"""

import sys
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Final

from environment.errors import OperatingError
from environment.feeds.files import read_bytes
from environment.feeds.lobster import LobsterDay, write_lobster
from environment.market.recording import tape_to_lobster
from environment.record.day import DayTape
from environment.record.output import read_day
from scenarios.config.load import load_config
from scenarios.data.make import HERE
from scenarios.run.runner import run_scenario

SCENARIO: Final = "opening_bell"
LEVELS: Final = (10, 5, 3, 2, 1)  # As many as fit: a shallower window has fewer messages too.
LARGEST_BYTES: Final = 1_500_000
_CUT_NS: Final = 1_000  # Times are cut to microseconds: the digits below are a tenth of the file.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # No archive knows an earlier time, and none is meant.


def recording_name(symbol: str, day: str) -> str:
    """Return the archive's name; the reader takes symbol and date from it."""
    return f"{symbol}_{day}_{SCENARIO}.zip"


def record(target: Path) -> Path:
    """Run the scenario, write its continuous session as a recording, and return the archive."""
    config = load_config(SCENARIO)
    day = config.scenario.session.first_day
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tape = read_day(run_scenario(config, folder / "run").folder)
        archive = target / recording_name(tape.facts.symbols[0], day.isoformat())
        for levels in LEVELS:
            write_recording(tape, day, levels, folder / str(levels), archive)
            if archive.stat().st_size <= LARGEST_BYTES:
                return archive
    raise OperatingError(f"{archive} is larger than {LARGEST_BYTES:,} bytes even with one level")


def write_recording(tape: DayTape, day: date, levels: int, folder: Path, archive: Path) -> None:
    """Write one stock's session with a window of so many levels into an archive."""
    messages, books = tape_to_lobster(
        tape.rows, instrument=0, start_ns=tape.facts.open_ns, end_ns=tape.facts.close_ns,
        levels=levels, price_unit=tape.facts.instruments[0].tick_micros // 100,
    )  # fmt: skip
    messages[:, 0] = messages[:, 0] // _CUT_NS * _CUT_NS
    write_lobster(LobsterDay(tape.facts.symbols[0], day, messages, books), folder)
    _pack(sorted(folder.glob("*.csv.gz")), archive)


def _pack(files: list[Path], archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for file in files:
            member = zipfile.ZipInfo(file.name.removesuffix(".gz"), _EPOCH)
            member.compress_type = zipfile.ZIP_LZMA
            packed.writestr(member, read_bytes(file))


def main(arguments: list[str]) -> None:
    """Run from the command line: where to write, beside this file unless told."""
    archive = record(Path(arguments[0]) if arguments else HERE)
    sys.stdout.write(f"{archive}: {archive.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
