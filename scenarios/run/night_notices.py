"""What accounts outside the background are told of a night, account by account."""

from collections.abc import Iterator, Mapping, Sequence

from environment.clearing_messages import (
    AdjustmentNotice,
    AssignmentNotice,
    ExerciseNotice,
    ExpiryNotice,
    MarginCallMetNotice,
    MarginCallNotice,
)
from environment.market.clearing_events import (
    ClearingEvent,
    ContractsAssigned,
    ContractsExercised,
    MarginCalled,
    MarginCallMet,
    SeriesAdjusted,
    SeriesExpired,
)
from environment.messages import Message


def notices_of(
    events: Sequence[ClearingEvent], names: Mapping[int, str]
) -> Iterator[tuple[str, Message]]:
    """Yield (account, notice) of the named accounts, in the order of the events.

    Parameters
    ----------
    names : mapping of account number to name
        Who is told; all others are passed over.
    """
    for event in events:
        match event:
            case ContractsExercised() | ContractsAssigned():
                yield from _delivered(event, names)
            case SeriesExpired():
                for number, contracts in zip(event.accounts, event.contracts, strict=True):
                    if number in names:
                        yield names[number], ExpiryNotice(
                            account=names[number], instrument=event.instrument,
                            session=event.session, contracts=contracts,
                        )  # fmt: skip
            case SeriesAdjusted():
                for number, contracts in zip(event.accounts, event.held, strict=True):
                    if number in names:
                        yield names[number], AdjustmentNotice(
                            account=names[number], instrument=event.instrument,
                            adjusted=event.adjusted, session=event.session, contracts=contracts,
                        )  # fmt: skip
            case MarginCalled(account=number) if number in names:
                yield names[number], MarginCallNotice(
                    account=names[number], session=event.session,
                    equity_micros=event.equity_micros, required_micros=event.required_micros,
                    call_micros=event.call_micros, due_ns=event.due_ns,
                )  # fmt: skip
            case MarginCallMet(account=number) if number in names:
                yield (
                    names[number],
                    MarginCallMetNotice(account=names[number], session=event.session),
                )
            case _:
                pass


def _delivered(
    event: ContractsExercised | ContractsAssigned, names: Mapping[int, str]
) -> Iterator[tuple[str, Message]]:
    for number, contracts in zip(event.accounts, event.contracts, strict=True):
        if number not in names:
            continue
        name, symbol = names[number], event.instrument
        lots, cash = contracts * event.lots_per_contract, contracts * event.micros_per_contract
        if isinstance(event, ContractsExercised):
            yield name, ExerciseNotice(
                account=name, instrument=symbol, session=event.session, contracts=contracts,
                reason=event.reason, shares=lots, cash_micros=cash,
            )  # fmt: skip
        else:
            yield name, AssignmentNotice(
                account=name, instrument=symbol, session=event.session, contracts=contracts,
                shares=lots, cash_micros=cash,
            )  # fmt: skip
