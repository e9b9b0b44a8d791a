"""The margin watch: when it looks, and what it sums up."""

from agents.clearing.margin_watch import MarginLog, MarginWatch
from environment.actors.testing import RecordingContext
from environment.clearing_messages import PositionClosed
from environment.messages import Resumed, TimerFired
from environment.options.margin import Maintenance

CLOSED = PositionClosed(
    account=8, instrument="A", lots=3, reason="margin_call", shortfall_micros=5
)  # fmt: skip


def watch() -> tuple[MarginWatch, RecordingContext, MarginLog]:
    log = MarginLog()
    standing = {7: Maintenance(100, 60), 8: Maintenance(50, 70), 9: Maintenance(10, 0)}
    names = {7: "sellers", 8: "sellers", 9: "lottery"}
    refused = iter([{"sellers": 4}, {"sellers": 4, "momentum": 2}])
    actor = MarginWatch(
        (1_000, 2_000), lambda: standing, names.__getitem__, lambda: next(refused), log
    )
    ctx = RecordingContext("clearing/watch", now_ns=500)
    ctx.handle(actor, Resumed())
    return actor, ctx, log


def test_it_looks_at_each_moment_and_then_no_more() -> None:
    actor, ctx, _ = watch()
    for now_ns in (1_000, 2_000):
        ctx.set_time(now_ns)
        ctx.handle(actor, TimerFired(timer_id=1, name="look"))
    assert [timer.due_ns for timer in ctx.timers_set] == [1_000, 2_000]


def test_accounts_are_summed_up_by_population() -> None:
    actor, ctx, log = watch()
    ctx.set_time(1_000)
    ctx.handle(actor, TimerFired(timer_id=1, name="look"))
    rows = [
        (r.population, r.accounts, r.below, r.equity_micros, r.required_micros) for r in log.use
    ]
    assert rows == [("lottery", 1, 0, 10, 0), ("sellers", 2, 1, 150, 130)]


def test_refusals_are_counted_since_the_look_before_and_of_all_populations() -> None:
    actor, ctx, log = watch()
    for now_ns in (1_000, 2_000):
        ctx.set_time(now_ns)
        ctx.handle(actor, TimerFired(timer_id=1, name="look"))
    rows = [(r.time_ns, r.population, r.accounts, r.refused) for r in log.use]
    assert rows == [
        (1_000, "lottery", 1, 0), (1_000, "sellers", 2, 4), (2_000, "lottery", 1, 0),
        (2_000, "momentum", 0, 2), (2_000, "sellers", 2, 0),
    ]  # fmt: skip


def test_what_the_office_closes_is_noted() -> None:
    actor, ctx, log = watch()
    ctx.handle(actor, CLOSED)
    assert [(row.time_ns, row.population, row.closed) for row in log.closed] == [
        (500, "sellers", CLOSED)
    ]
