"""How long a message, a thought or an answer takes: the delay models of the configuration."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from scenarios.config.market import Text
from scenarios.config.types import Duration, Period

_LONGEST: Final = Period(60_000_000_000)


class Constant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
               tag_field="kind", tag="constant"):  # fmt: skip
    """The same delay each time."""

    value: Period


class Normal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
             tag_field="kind", tag="normal"):  # fmt: skip
    """Normal around `mean`, cut at 1 ns and at `longest`."""

    mean: Duration
    deviation: Duration
    longest: Period = _LONGEST


class LogNormal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                tag_field="kind", tag="lognormal"):  # fmt: skip
    """Half of the delays below `median`; `sigma` is the deviation of their logarithm."""

    median: Period
    sigma: Annotated[float, Meta(ge=0.0, le=10.0)]
    longest: Period = _LONGEST


class HeavyTailed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
                  tag_field="kind", tag="heavy_tailed"):  # fmt: skip
    """Pareto: at least `shortest`; longer than x with probability (shortest / x) ** tail_index."""

    shortest: Period
    tail_index: Annotated[float, Meta(ge=0.1, le=100.0)]
    longest: Period = _LONGEST

    def __post_init__(self) -> None:
        """Refuse a range the wrong way round."""
        if self.longest < self.shortest:
            raise ValueError("expected longest at or above shortest")


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True,
               tag_field="kind", tag="measured"):  # fmt: skip
    """Lognormal, fitted to how long the answers of a cassette took when they were recorded."""

    path: Text
    longest: Period = _LONGEST


Delay = Constant | Normal | LogNormal | HeavyTailed
EffectDelay = Delay | Measured
