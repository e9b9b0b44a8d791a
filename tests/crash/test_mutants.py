"""Each rule of the durable desk, broken on purpose, is found by the cuts."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.desk.custodian import Custodian
from agents.desk.reports import Reports
from brokers.venue_book import VenueBook
from environment.messages import OrderAccepted
from environment.record.durable_state import DurableState
from environment.record.steps import StepJournal
from environment.record.syncer import SyncEach
from tests.crash.cuts import Harm, cuts

MOST = 300  # Cuts within which a broken rule must show.
Mutant = Callable[[pytest.MonkeyPatch], None]


def sends_before_the_step_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StepJournal, "flush", lazily(StepJournal.flush))


def lazily(flush: Callable[[StepJournal], int]) -> Callable[[StepJournal], int]:
    """Return a flush that writes what was buffered at the one before: one step behind."""

    def behind(journal: StepJournal) -> int:
        newest = journal._buffer.pop() if journal._buffer else None
        position = flush(journal)
        if newest is not None:
            journal._buffer.append(newest)
        return position

    return behind


def drops_acknowledgements(patch: pytest.MonkeyPatch) -> None:
    hear = Reports.hear

    def deaf(reports: Reports, ctx: Any, state: Any, report: Any) -> None:
        if not isinstance(report.event, OrderAccepted):
            hear(reports, ctx, state, report)

    patch.setattr(Reports, "hear", deaf)


def counts_a_doubled_report_twice(patch: pytest.MonkeyPatch) -> None:
    def credulous(reports: Reports, ctx: Any, state: Any, report: Any) -> None:
        state.sequence = max(state.sequence, report.sequence)
        reports.take(ctx, state, report.event)

    patch.setattr(Reports, "hear", credulous)


def venue_takes_a_name_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VenueBook, "knows", lambda *_: False)


def asks_nothing_of_a_new_session(patch: pytest.MonkeyPatch) -> None:
    def trusting(custodian: Custodian, ctx: Any, session: Any) -> None:
        state = custodian.state
        state.run, state.epoch, state.session = session.run, session.epoch, session.session
        state.is_connected = True

    patch.setattr(Custodian, "_on_session", trusting)


def begins_every_process_with_the_same_epoch(patch: pytest.MonkeyPatch) -> None:
    read = DurableState._read

    def forgetful(state: DurableState) -> None:
        read(state)
        state.epoch = 1

    patch.setattr(DurableState, "_read", forgetful)


def says_synced_what_is_only_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SyncEach, "_sync", lambda _: None)


MUTANTS: tuple[Mutant, ...] = (
    sends_before_the_step_is_written, drops_acknowledgements, counts_a_doubled_report_twice,
    venue_takes_a_name_twice, asks_nothing_of_a_new_session,
    begins_every_process_with_the_same_epoch, says_synced_what_is_only_written,
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_broken_rule_does_harm(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(Harm):
        for _ in cuts(MOST):
            pass
