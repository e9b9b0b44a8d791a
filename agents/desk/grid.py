"""The scenario grid: moves of spot, volatility and time that every account is tried on."""

from typing import Final

import numpy as np

from environment.options.revaluation import Scenarios

SPOT_MOVES: Final = (-0.20, -0.15, -0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10, 0.15, 0.20)
SIGMA_FACTORS: Final = (0.75, 1.0, 1.25)
DAYS: Final = (0.0, 5.0)
# The farthest moves at an unchanged volatility, at once: what stock alone can lose.
DOWN: Final = len(SPOT_MOVES)
UP: Final = 2 * len(SPOT_MOVES) - 1
STILL: Final = DOWN + len(SPOT_MOVES) // 2  # Nothing moves.


def _grid() -> Scenarios:
    points = [(1.0 + s, v, d) for d in DAYS for v in SIGMA_FACTORS for s in SPOT_MOVES]
    columns = np.array(points, np.float64).T
    return Scenarios(*(np.ascontiguousarray(column) for column in columns))


GRID: Final = _grid()


def describe(scenario: int, underlying: str) -> str:
    """Return a scenario of the grid in words."""
    move = GRID.spot_factor[scenario] - 1.0
    sigma, days = GRID.sigma_factor[scenario] - 1.0, int(GRID.days[scenario])
    parts = [f"{underlying} {move:+.0%}"]
    if sigma:
        parts.append(f"volatility {sigma:+.0%}")
    parts.append(f"in {days} days" if days else "at once")
    return ", ".join(parts)
