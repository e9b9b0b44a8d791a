"""A stock's options on the morning after its shares have changed: terms, curves and prices anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from agents.crowd import dealer_rows as dealer, option_rows as rows
from agents.crowd.option_table import OptionTable
from agents.crowd.population import Crowd
from agents.crowd.rows import POPULATION_FLOATS
from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.calendar import Session
from scenarios.builders.surface import Floats, ListedOptions, Valuation

_KEPT = slice(rows.K_PAIR, rows.K_NEXT_EXPIRY + 1)  # Neighbours stay neighbours.


@dataclass(frozen=True, kw_only=True)
class ShareChange:
    """What a night made of a stock: of its price, and of a share and a contract that was held."""

    price: float
    shares: float = 1.0
    contracts: int = 1


def renew(
    crowd: Crowd, chain: ListedOptions, before: Valuation, series: Mapping[int, Instrument],
    session: Session, scale: float,
) -> Valuation:  # fmt: skip
    """Write a stock's table anew, as of a morning; return by what it is valued from now on.

    Every series keeps its volatility, and the width at which it is quoted in proportion to the
    stock's price. Strikes, multipliers, carry, dividends and what early exercise adds are those of
    the day.

    Parameters
    ----------
    before
        By what it was valued until now.
    series
        What is listed, by number in the core, on today's terms.
    scale
        What all changes together have made of the first morning's price.
    """
    spot = chain.truth.spot * scale
    truth = replace(chain.truth, spot=spot, session=session)
    floats = crowd.table_of(chain.floats)
    size = chain.rows * rows.SERIES_FLOATS
    table = floats[:size].reshape(chain.rows, rows.SERIES_FLOATS)
    expiries = floats[size:].reshape(-1, rows.EXPIRY_FLOATS)
    alive = [
        place for place in range(chain.rows)
        if (one := series.get(chain.first + place)) is not None and one.expiry is not None
        and truth.last_ns(one.expiry) > session.open_ns
    ]  # fmt: skip
    if not alive:
        return replace(before, truth=truth)
    made = _table(chain, before, alive, series, truth.spot, table, session)
    written = made.series_floats()
    written[:, rows.K_EXPIRY], written[:, _KEPT] = table[alive, rows.K_EXPIRY], table[alive, _KEPT]
    table[alive] = written
    for row in made.expiry_floats():
        expiries[expiries[:, rows.X_DAYS] == row[rows.X_DAYS]] = row
    _tell_dealers(crowd, chain, spot)
    return Valuation(made, chain.fitted, truth)


def _table(
    chain: ListedOptions, before: Valuation, alive: list[int], series: Mapping[int, Instrument],
    spot: float, table: Floats, session: Session,
) -> OptionTable:  # fmt: skip
    """Return the series that live on as a table of their own."""
    instruments = tuple(series[chain.first + place] for place in alive)
    truth = replace(chain.truth, spot=spot, session=session)
    ends = [one.expiry for one in instruments if one.expiry is not None]
    days = sorted(set(ends))
    due = truth.curves.dividends(truth.symbol, session.date)
    first, smile = chain.table, table[alive, rows.K_SMILE : rows.K_SMILE + rows.PREMIUM_POINTS]

    def activity(own: Floats) -> Floats:
        """Return what the chain said of the first ones; of the others what is usual."""
        usual = float(np.median(own))
        return np.array([own[place] if place < len(own) else usual for place in alive])

    return OptionTable(
        series=instruments, expiries=truth.expiries(days),
        expiry=np.array([days.index(one) for one in ends]), spot=spot,
        sigma=smile[:, rows.PREMIUM_POINTS // 2], smile=smile,
        widths=before.table.widths * spot / before.table.spot,
        volume=activity(first.volume), open_interest=activity(first.open_interest),
        dividend_years=due.years, dividend_amounts=due.amounts, borrow_rate=first.borrow_rate,
    )  # fmt: skip


def _tell_dealers(crowd: Crowd, chain: ListedOptions, spot: float) -> None:
    for index, population in enumerate(crowd.populations):
        is_mine = any(one is chain.floats for one in population.tables)
        if is_mine and population.kind == at.OPTION_DEALER:
            crowd.beliefs[POPULATION_FLOATS * index + dealer.D_FIRST_SPOT] = spot


def rescale_dealers(
    crowd: Crowd, index: int, memories: list[int], change: ShareChange
) -> None:  # fmt: skip
    """Let what dealers remember of the stock, and what they may hold, follow a change of shares.

    `memories` are where each one's begins. Vega is money and stays. The band of the hedge stays in
    shares, as the sizes in the stock's book do.
    """
    for head in memories:
        crowd.beliefs[head + dealer.M_BUCKET_SPOT] *= change.price
        # Nothing is valued at the new price yet, so that there is nothing to learn by.
        crowd.beliefs[head + dealer.M_SPOT] = 0.0
    settings = crowd.beliefs[POPULATION_FLOATS * index :]
    settings[dealer.D_DELTA_MAX] *= change.shares
    # Shares per 1.00: both count in the new share.
    settings[dealer.D_GAMMA_MAX] *= change.shares**2
    settings[[dealer.D_LAST_CONTRACTS, dealer.D_SERIES]] *= change.contracts
