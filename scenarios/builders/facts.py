"""What the numbers of a run's tape stand for."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from agents.crowd.population import Population
from environment.instruments import Instrument
from environment.market import option_rows
from environment.market.calendar import Session
from environment.market.clearing_events import ClearingEvent, DividendPaid, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.market.market import Market
from environment.record.facts import AccountFacts, InstrumentFacts, NightFacts, TapeFacts
from scenarios.builders.options import SeriesPlan
from scenarios.builders.replay import ACCOUNTS

_CONTRA = ("world", "exchange_fees", "regulator", "lender", "issuer", "interest", "rounding",
           "custody")  # fmt: skip


def brought_to(market: Market) -> tuple[tuple[int, int, int], ...]:
    """Return what every account holds before the first event: account, instrument, lots."""
    position = MarketLedger(market).position
    accounts, stocks = np.nonzero(position)
    shares = zip(accounts, stocks, position[accounts, stocks], strict=True)
    owners, series, contracts, _ = option_rows.all_holdings(market)
    held = [*shares, *zip(owners, series, contracts, strict=True)]
    return tuple((int(account), int(number), int(lots)) for account, number, lots in held if lots)


def night_of(
    events: list[ClearingEvent], end_ns: int, instruments: tuple[Instrument, ...]
) -> NightFacts:
    """Return what the tables must know of a night besides its rows."""
    code = {instrument.symbol: number for number, instrument in enumerate(instruments)}
    actions = []
    for event in events:
        match event:
            case SplitApplied():
                actions.append((code[event.symbol], event.numerator, event.denominator, 0))
            case DividendPaid():
                number = code[event.symbol]
                micros = event.micros_per_share * instruments[number].lot_units
                actions.append((number, 1, 1, micros))
            case _:
                continue
    return NightFacts(time_ns=end_ns, actions=tuple(actions))


def facts_of(
    instruments: tuple[Instrument, ...], populations: tuple[Population, ...],
    names: tuple[str, ...], sessions: tuple[Session, ...], *, is_replay: bool,
) -> TapeFacts:  # fmt: skip
    """Return instruments and accounts in the order of their numbers; `names`: the floor's own."""
    accounts = [AccountFacts(name=name, population="contra", background=True, contra=True)
                for name in _CONTRA]  # fmt: skip
    for population in populations:
        accounts += [
            AccountFacts(name=f"{population.name}/{k}", population=population.name, background=True)
            for k in range(population.count)
        ]
    accounts += [AccountFacts(name=name, population=name) for name in names]
    if is_replay:
        accounts += ACCOUNTS
    return TapeFacts(
        instruments=tuple(_facts_of(instrument) for instrument in instruments),
        accounts=tuple(accounts), zone=sessions[0].zone, open_ns=sessions[0].open_ns,
        close_ns=sessions[-1].close_ns, fees_on_fills=True,
    )  # fmt: skip


def with_listed(
    facts: TapeFacts, reserve: Sequence[SeriesPlan], series: Mapping[int, Instrument]
) -> TapeFacts:  # fmt: skip
    """Return facts in which the rows kept for later series go by what was listed in them."""
    instruments = list(facts.instruments)
    for row in reserve:
        if row.number in series:
            instruments[row.number] = _facts_of(series[row.number])
    return msgspec.structs.replace(facts, instruments=tuple(instruments))


def _facts_of(instrument: Instrument) -> InstrumentFacts:
    return InstrumentFacts(
        symbol=instrument.symbol, tick_micros=instrument.tick_micros, lot=instrument.lot_units,
        unit_scale=instrument.unit_scale, multiplier=instrument.multiplier,
        kind="option" if instrument.kind == "option" else "stock",
    )  # fmt: skip
