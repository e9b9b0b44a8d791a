"""The same seed gives the same journal, however the run is cut into pieces."""

import pytest

from environment.actors.simulation_kernel import fork
from environment.market import layout as at
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import (
    SHORT,
    SMALL_ACTORS,
    Idle,
    blocks_of,
    finished,
    ready,
    same_tape,
)

SECOND_NS = 1_000_000_000
RUNS = [("opening_bell", SHORT), ("rmsc04", SMALL_ACTORS), ("flash_crash", ("shock=[]", *SHORT))]


def sliced(scenario: str, settings: tuple[str, ...], slice_ns: int) -> SessionLoop:
    """Return a finished run that was advanced a slice at a time."""
    loop = ready(scenario, settings)
    loop.start()
    now_ns = loop.start_ns
    while loop.advance_to(now_ns):
        now_ns += slice_ns
    loop.finish()
    return loop


@pytest.mark.parametrize(("scenario", "settings"), RUNS)
def test_slicing_changes_nothing(scenario: str, settings: tuple[str, ...]) -> None:
    whole = finished(scenario, settings)
    pieces = sliced(scenario, settings, 7 * SECOND_NS + 1)
    assert pieces.journal_sha256 == whole.journal_sha256


def test_another_seed_is_another_run() -> None:
    one, other = finished("rmsc04", seed=1), finished("rmsc04", seed=2)
    assert one.journal_sha256 != other.journal_sha256


def test_order_of_tables_in_the_file_changes_nothing() -> None:
    crowds = 'crowds={{{}, makers={{kind="adaptive_maker", count=2, cash=100_000}}}}'
    noise = 'noise={kind="noise", count=50, cash=100_000}'
    value = 'value={kind="value", count=50, cash=100_000}'
    one, other = (
        finished("rmsc04", (*SHORT, crowds.format(", ".join(order))))
        for order in ((noise, value), (value, noise))
    )
    assert one.journal_sha256 == other.journal_sha256


def test_idle_agent_changes_nobody_elses_draws() -> None:
    alone = finished("opening_bell")
    watched = finished("opening_bell", agents={"quant/idle": lambda _: Idle()})
    assert same_tape(alone, watched)
    assert alone.journal_sha256 != watched.journal_sha256


@pytest.mark.parametrize(("scenario", "settings"), RUNS)
def test_run_forked_in_the_middle_goes_on_as_the_run_itself(
    scenario: str, settings: tuple[str, ...]
) -> None:
    whole = finished(scenario, settings)
    loop = ready(scenario, settings)
    loop.start()
    middle_ns = (loop.start_ns + loop.end_ns) // 2
    loop.advance_to(middle_ns)
    loop.world.market.flush_tape()
    twin = ready(scenario, settings)
    fork(loop.world.kernel, lambda: twin.world.kernel)
    for half in (loop, twin):
        half.advance_to(half.end_ns)
        half.finish()
    assert same_tape(whole, loop)
    blocks = [blocks_of(half) for half in (loop, twin)]
    assert blocks[0][1:], "the fork lies inside the run"
    assert blocks[0][-1].tobytes() == blocks[1][-1].tobytes()
    ledgers = [half.world.market.section(at.S_ACCOUNT).tobytes() for half in (loop, twin)]
    assert ledgers[0] == ledgers[1]
