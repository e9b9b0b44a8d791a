"""Prices after a corporate action: what the core remembers, and what its traders believe."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agents.crowd import reference as ref, rows
from agents.crowd.population import Crowd
from environment.market import layout as at
from environment.market.market import Market
from scenarios.builders.share_changes import ShareChange, rescale_dealers
from scenarios.config.market import Bars
from scenarios.config.scenario import Scenario

Floats = NDArray[np.float64]


def rescaled_paths(
    scenario: Scenario, paths: dict[str, Floats], scales: Mapping[str, float]
) -> dict[str, Floats]:
    """Return the paths at the prices of today's shares; recorded bars are at them already."""
    recorded = {told.symbol for told in scenario.instruments if isinstance(told.price, Bars)}
    return {
        symbol: path if symbol in recorded else path * scales.get(symbol, 1.0)
        for symbol, path in paths.items()
    }


def rescale(market: Market, crowd: Crowd, instrument: int, change: ShareChange) -> None:
    """Multiply the remembered prices of one instrument by `change.price`, between two days."""
    factor = change.price
    row = market.section(at.S_INSTRUMENT)[instrument]
    for word in (at.I_LAST, at.I_LAST_CLOSE, at.I_CLOSE_PRICE, at.I_OPEN_PRICE):
        row[word] = round(int(row[word]) * factor)
    row[at.I_LAST_HALF] = 0
    traders = market.section(at.S_TRADER)[: crowd.traders]
    mine = traders[traders[:, at.TR_INSTRUMENT] == instrument]
    beliefs = crowd.beliefs
    for index, population in enumerate(crowd.populations):
        own = mine[mine[:, at.TR_POPULATION] == index]
        places = own[:, at.TR_BELIEF]
        if population.kind == at.VALUE:
            beliefs[places + ref.B_ESTIMATE] *= factor
            beliefs[places + ref.B_VARIANCE] *= factor**2
            if population.instruments[0] == instrument:
                floats = beliefs[rows.POPULATION_FLOATS * index :]
                floats[ref.F_BAR] *= factor
                floats[ref.F_VARIANCE] *= factor**2
        elif population.kind == at.ADAPTIVE_MAKER:
            beliefs[places + ref.B_SPREAD] *= factor
        elif population.kind == at.MOMENTUM:
            for first in own[:, at.TR_MEMORY].tolist():
                seen = beliefs[first : first + population.memory]
                # Mids again, in halves of a tick: their sums stay exact.
                seen[:] = np.round(2.0 * seen * factor) / 2.0
        elif population.kind == at.OPTION_DEALER and len(own):
            rescale_dealers(crowd, index, own[:, at.TR_MEMORY].tolist(), change)
