"""What the risk desk takes in of a night: positions, cash, marks and terms, none of them traded."""

from agents.desk.risk_case import CaseMaker
from agents.desk.risk_state import RiskState
from agents.desk.states import scope_name
from agents.listing import series_of
from environment.option_messages import SeriesListed
from environment.venue_messages import PositionMoved


def take_night(state: RiskState, maker: CaseMaker, event: PositionMoved) -> None:
    """Follow the account; the statement at a night's end has the last word on its cash."""
    state.book.move(event)
    state.ledger.move(event)
    state.cash_micros += event.cash_micros
    if event.cash_after_micros is not None:
        # Dividends, interest and fees of the night: nobody's but the desk's.
        desk = state.ledger.scopes.get(scope_name("desk"))
        if desk is not None:
            desk.cash_micros += event.cash_after_micros - state.cash_micros
        state.cash_micros = event.cash_after_micros
    state.marks.update(event.marks)
    for instrument in event.listed:
        if instrument.symbol not in maker.instruments:
            state.listed[instrument.symbol] = instrument
    maker.learn(state)
    state.adjusted.hear(event, state.marks, maker.instruments)


def take_listing(state: RiskState, maker: CaseMaker, message: SeriesListed) -> None:
    """Learn the terms of a series that was not listed at the start: it was adjusted, or is new."""
    if message.instrument not in maker.instruments:
        state.listed[message.instrument] = series_of(message, maker.instruments)
        maker.learn(state)
