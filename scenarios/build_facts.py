"""What the numbers of a run's tape stand for."""

from agents.crowd.population import Population
from environment.instruments import Instrument
from environment.market.calendar import Session
from environment.record.facts import AccountFacts, InstrumentFacts, TapeFacts
from scenarios.build_replay import ACCOUNTS

_CONTRA = ("world", "exchange_fees", "regulator", "lender", "issuer", "interest", "rounding",
           "custody")  # fmt: skip


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
        instruments=tuple(
            InstrumentFacts(
                symbol=instrument.symbol,
                tick_micros=instrument.tick_micros, lot=instrument.lot_units,
                unit_scale=instrument.unit_scale, multiplier=instrument.multiplier,
                kind="option" if instrument.kind == "option" else "stock",
            )
            for instrument in instruments
        ),
        accounts=tuple(accounts), zone=sessions[0].zone, open_ns=sessions[0].open_ns,
        close_ns=sessions[-1].close_ns, fees_on_fills=True,
    )  # fmt: skip
