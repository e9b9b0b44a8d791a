"""A preview as it is worked at: without the agents first, then the same seeds with them."""

from collections.abc import Callable

from scenarios.config.load import load_config
from scenarios.config.swarm import Swarm
from scenarios.run.preview_job import ACTING_S, STILL_S, PreviewJob
from scenarios.run.preview_world import GivenUp, Pair, always
from tests.unit.scenarios.test_preview_world import task


class Machine:
    """A clock, and worlds that take so long on it; what is drawn says who acted in it."""

    def __init__(self, still_s: float, acting_s: float) -> None:
        self.now_s, self._still_s, self._acting_s = 100.0, still_s, acting_s
        self.drawn: list[tuple[int, bool]] = []

    def clock(self) -> float:
        return self.now_s

    def draw(
        self, _: object, seed: int, swarm: Swarm | None = None,
        may_go_on: Callable[[], bool] = always,
    ) -> Pair:  # fmt: skip
        if not may_go_on():
            raise GivenUp
        self.now_s += self._still_s if swarm is None else self._acting_s
        self.drawn.append((seed, swarm is not None))
        return float(seed), 100.0 + seed, int(swarm is not None)


def job_on(
    machine: Machine, *, swarm: str = "human_gate", rows: range = range(1, 8, 2)
) -> PreviewJob:
    return PreviewJob(
        task(symbol="AAPL", first_seed=1_000), load_config(swarm, (), 1).swarm, rows,
        clock=machine.clock, draw=machine.draw,
    )  # fmt: skip


def test_worlds_without_the_agents_are_told_first_and_together() -> None:
    machine = Machine(0.1, 5.0)
    job = job_on(machine)
    told = [job.step(always) for _ in range(4)]
    assert told[:3] == [None] * 3
    assert told[3] is not None
    assert told[3].without == (1_001.0, 1_003.0, 1_005.0, 1_007.0)
    assert (told[3].acting, told[3].more) == ((False,) * 4, True)
    assert told[3].still == ("analysts/news",)


def test_slow_machine_tells_fewer_pairs_in_time_and_at_least_one() -> None:
    machine = Machine(0.5, 5.0)
    job = job_on(machine)
    assert [job.step(always) is None for _ in range(2)] == [True, False]
    assert machine.now_s - 100.0 <= STILL_S
    slowest = job_on(Machine(3.0, 30.0)).step(always)
    assert slowest is not None
    assert slowest.pairs == 1


def test_the_same_seeds_are_drawn_again_with_the_agents_and_take_the_place_of_the_first() -> None:
    machine = Machine(0.5, 0.6)
    job = job_on(machine)
    told = [result for _ in range(6) if (result := job.step(always)) is not None]
    # Two pairs were in time; at every second or so the card hears of more.
    assert [sum(result.acting) for result in told] == [0, 2, 4]
    assert [result.pairs for result in told] == [2, 2, 4]
    assert told[1].acting == (True, True)
    assert told[1].filled == (1, 1)
    assert [seed for seed, is_acting in machine.drawn if is_acting] == [1_001, 1_003, 1_005, 1_007]
    assert [result.more for result in told] == [True, True, False]
    assert job.is_over


def test_what_is_not_drawn_in_time_stays_as_it_is() -> None:
    machine = Machine(0.1, 15.0)
    job = job_on(machine)
    told = [result for _ in range(6) if (result := job.step(always)) is not None]
    assert machine.now_s - 100.0 >= ACTING_S
    assert told[-1].acting == (True, True, False, False)
    assert told[-1].filled == (1, 1, 0, 0)
    assert (told[-1].pairs, told[-1].more, job.is_over) == (4, False, True)


def test_pair_that_is_given_up_is_begun_again() -> None:
    machine = Machine(0.1, 2.0)
    job = job_on(machine, rows=range(1))
    assert job.step(always) is not None
    assert job.step(lambda: False) is None
    told = job.step(always)
    assert told is not None
    assert machine.drawn == [(1_000, False), (1_000, True)]
    assert (told.acting, told.more) == ((True,), False)


def test_without_anybody_who_can_act_it_is_over_at_once() -> None:
    job = PreviewJob(task(), None, range(1), clock=lambda: 0.0, draw=Machine(0.1, 0.1).draw)
    told = job.step(always)
    assert told is not None
    assert (told.more, job.is_over, told.still) == (False, True, ())
