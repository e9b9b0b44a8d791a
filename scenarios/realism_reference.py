"""The bands of `realism.toml` and the real day that a report is drawn beside."""

from functools import cache
from pathlib import Path

import msgspec

from environment.record.realism import STATISTICS, Band

REALISM = Path(__file__).with_name("realism.toml")


class RealDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a report shows of a real day beside the simulated one."""

    name: str
    source: str
    minute_returns_bps: tuple[float, ...]
    half_hour_volume: tuple[float, ...]  # Shares of the day, from 09:30.


class Realism(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in `realism.toml`: one table of bands per statistic, and the real day."""

    reference: RealDay
    bands: dict[str, dict[str, Band]]


@cache
def load_realism(path: Path = REALISM) -> Realism:
    """Return bands and real day; a statistic that we do not compute is refused by name."""
    found = msgspec.toml.decode(path.read_bytes(), type=Realism)
    unknown = sorted(set(found.bands) - set(STATISTICS))
    if unknown:
        raise ValueError(f"{path}: bands.{unknown[0]} names no statistic; known: {[*STATISTICS]}")
    return found
