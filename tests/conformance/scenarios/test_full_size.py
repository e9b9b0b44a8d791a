"""rmsc04 at its full size: compiled rows and actors trade alike, however the day is cut."""

from collections.abc import Callable, Iterator

import pytest

from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import finished, ready, same_tape

SECOND_NS = 1_000_000_000
WHOLE: tuple[str, ...] = ()
SHORT = ("session.closes=09:40",)
Stops = Callable[[SessionLoop], Iterator[int]]


def every_second(loop: SessionLoop) -> Iterator[int]:
    """Yield each second of the run."""
    yield from range(loop.start_ns, loop.end_ns + SECOND_NS, SECOND_NS)


def every_event(loop: SessionLoop) -> Iterator[int]:
    """Yield the moment of whatever happens next, one at a time."""
    now_ns = loop.start_ns
    while now_ns < loop.end_ns:
        following = loop.world.kernel.next_ns()
        now_ns = loop.end_ns if following is None else min(max(following, now_ns + 1), loop.end_ns)
        yield now_ns


def cut(scenario: str, settings: tuple[str, ...], stops: Stops) -> tuple[SessionLoop, int]:
    """Return a finished run that was left at each stop, and how many those were."""
    loop = ready(scenario, settings)
    loop.start()
    count = 0
    for stop_ns in stops(loop):
        count += 1
        if not loop.advance_to(stop_ns):
            break
    loop.finish()
    assert loop.is_over
    return loop, count


def assert_alike(seed: int) -> None:
    compiled = finished("rmsc04", ("crowd=compiled",), seed=seed)
    acting = finished("rmsc04", ("crowd=actors",), seed=seed)
    assert len(compiled.world.crowd.populations) == 4
    assert compiled.events > 30_000
    assert same_tape(compiled, acting)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_full_size_crowds_trade_alike(seed: int) -> None:
    assert_alike(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 21))
def test_full_size_crowds_trade_alike_with_any_seed(seed: int) -> None:
    assert_alike(seed)


@pytest.mark.parametrize("scenario", ["rmsc04", "opening_bell"])
def test_short_day_is_the_same_left_after_every_event(scenario: str) -> None:
    whole = finished(scenario, SHORT)
    pieces, stops = cut(scenario, SHORT, every_event)
    assert stops > 1_000
    assert pieces.journal_sha256 == whole.journal_sha256
    assert cut(scenario, SHORT, every_second)[0].journal_sha256 == whole.journal_sha256


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["rmsc04", "opening_bell"])
@pytest.mark.parametrize("stops", [every_second, every_event])
def test_whole_day_is_the_same_however_it_is_cut(scenario: str, stops: Stops) -> None:
    whole = finished(scenario, WHOLE)
    pieces, count = cut(scenario, WHOLE, stops)
    assert count > 20_000
    assert pieces.journal_sha256 == whole.journal_sha256
