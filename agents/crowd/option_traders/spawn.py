"""Traders of options made as actors: from the core's rows, once they are seated, to factories."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from agents.crowd import (
    dealer_rows as compiled,
    option_belief as belief,
    option_rows as rows,
    option_value as value,
)
from agents.crowd.option_roles import ROLES, U_ROLE
from agents.crowd.option_traders.arbitrageur import Arbitrageur
from agents.crowd.option_traders.chain import Chain, reading
from agents.crowd.option_traders.dealer import DealerTraits, OptionDealer
from agents.crowd.option_traders.end_user import HABITS, EndUser
from agents.crowd.option_traders.seat import HeardOfOptions, OptionSeat
from agents.crowd.option_traders.surface import Beliefs
from agents.crowd.population import Crowd
from agents.crowd.rows import POPULATION_FLOATS
from agents.crowd.seat import Seat
from environment.actors import Actor, ActorRef
from environment.market import layout as at
from environment.market.market import Market
from environment.option_messages import DealerReport

OPTION_KINDS = (at.OPTION_DEALER, at.OPTION_USER)
Factory = Callable[[], Actor[HeardOfOptions]]


class OptionTraders:
    """Makes the option traders of a crowd that is filled and seated.

    Parameters
    ----------
    symbols
        Of all instruments by number; a list that follows renaming is read anew at each use.
    classes
        A reader's own classes by population, in the place of those here: made as those are.
    """

    def __init__(
        self, market: Market, crowd: Crowd, symbols: Sequence[str], exchange: ActorRef[Any],
        classes: dict[str, Callable[..., Actor[HeardOfOptions]]] | None = None,
    ) -> None:  # fmt: skip
        self._market, self._crowd, self._symbols = market, crowd, symbols
        self._exchange, self._classes = exchange, classes or {}
        self._chains: dict[int, Chain] = {}

    def factory(self, index: int, place: int, stock: Seat) -> Factory:
        """Return what makes the trader at a place of a population anew."""
        population = self._crowd.populations[index]
        own = self._classes.get(population.name)
        if population.kind == at.OPTION_DEALER:
            seat = OptionSeat(stock, self._chain(index), self._exchange)
            return partial(own or OptionDealer, seat, self._traits(index, place))
        weights = reading(self._crowd.table_of(population.tables[1]))
        seat = OptionSeat(
            stock, self._chain(index), self._exchange, weights, self._beliefs(index, place)
        )
        is_end_user = ROLES[population.integers[U_ROLE]] in HABITS
        return partial(own or (EndUser if is_end_user else Arbitrageur), seat)

    def _chain(self, index: int) -> Chain:
        """Return what all traders of one table share."""
        population = self._crowd.populations[index]
        table, integers = population.tables[0], population.integers
        if id(table) not in self._chains:
            self._chains[id(table)] = Chain(
                self._crowd.table_of(table), series=integers[rows.U_SERIES],
                expiries=integers[rows.U_EXPIRIES], first=integers[rows.U_SERIES_FIRST],
                symbols=self._symbols,
            )  # fmt: skip
        return self._chains[id(table)]

    def _beliefs(self, index: int, place: int) -> Beliefs:
        """Return how wrong an end user's or arbitrageur's curves are, as it was seated."""
        traders = self._market.section(at.S_TRADER)
        own = int(traders[self._crowd.first_trader[index] + place, at.TR_BELIEF])
        words = own + np.array((belief.B_RATE, belief.B_GROWTH, belief.B_DIVIDEND))
        return Beliefs(*self._crowd.beliefs[words].tolist())

    def _traits(self, index: int, place: int) -> DealerTraits:
        """Return how a dealer differs, as it was seated."""
        crowd, traders = self._crowd, self._market.section(at.S_TRADER)
        integers, first = crowd.populations[index].integers, crowd.first_trader[index]
        row, dealers = traders[first + place], self._market.section(at.S_DEALER)
        head, floats = int(row[at.TR_MEMORY]), crowd.beliefs
        states = head + compiled.HEAD_FLOATS
        values = states + integers[rows.U_EXPIRIES] * value.STATE_FLOATS
        biases = floats[states + value.Y_BIAS : values : value.STATE_FLOATS]
        settings = floats[POPULATION_FLOATS * index : POPULATION_FLOATS * (index + 1)]
        duty = int(dealers[int(row[at.TR_DEALER]), at.DE_SIZE_MIN])
        return DealerTraits(
            settings=reading(settings),
            common_key=int(traders[first, at.TR_KEY]), own_key=int(row[at.TR_KEY]),
            width=float(floats[head + compiled.M_WIDTH]),
            limits=float(floats[head + compiled.M_LIMITS]), duty=duty,
            biases=tuple(biases.tolist()),
            beliefs=Beliefs(
                rate=float(floats[head + compiled.M_RATE_ERROR]),
                growth=float(floats[head + compiled.M_GROWTH_ERROR]),
                dividend=float(floats[head + compiled.M_DIVIDEND_ERROR]),
            ),
        )  # fmt: skip


def keep_report(market: Market, trader: int, report: DealerReport) -> None:
    """Let the survey of the market read a dealer's greeks where it reads a compiled dealer's."""
    assert market.floats is not None, "a crowd has its floats beside the arena"
    head = int(market.section(at.S_TRADER)[trader, at.TR_MEMORY])
    market.floats[head + compiled.M_DELTA] = report.delta
    market.floats[head + compiled.M_GAMMA] = report.gamma
    market.floats[head + compiled.M_VEGA] = report.vega
