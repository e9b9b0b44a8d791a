"""The process that draws worlds: beside everything, at low priority, gone with whoever began it."""

import os
import threading

import pytest

from agents.human.preview import PreviewResult
from scenarios.config.load import load_config
from scenarios.run.preview_worker import MOST_PAIRS, PreviewWorker
from tests.unit.scenarios.test_preview_world import task


@pytest.mark.slow
def test_worker_draws_each_task_at_low_priority_and_ends() -> None:
    worker = PreviewWorker(load_config("human_gate", (), 1).swarm, drawers=2)
    try:
        told: list[PreviewResult] = []
        over = threading.Semaphore(0)

        def take(result: PreviewResult) -> None:
            told.append(result)
            if not result.more:
                over.release()

        for name in ("a", "b"):
            assert worker.start(task(record_hash=name, horizon_s=120, symbol="AAPL"), take)
        for _ in range(2):
            assert over.acquire(timeout=300), "no preview came"
        assert {result.record_hash for result in told[:2]} == {"a", "b"}, "one waited for another"
        # The agents come into more and more worlds; nothing is lost between.
        for name in ("a", "b"):
            mine = [result for result in told if result.record_hash == name]
            assert [sum(result.acting) for result in mine] == sorted(
                sum(result.acting) for result in mine
            )
            assert sum(mine[-1].acting) > 0
            assert all(2 <= result.pairs <= MOST_PAIRS for result in mine)
        # One that is answered meanwhile is never drawn to its end, and holds nobody up.
        assert worker.start(task(record_hash="c", horizon_s=3_600, symbol="AAPL"), take)
        worker.end("c")
        assert worker.start(task(record_hash="d", horizon_s=120, symbol="AAPL"), take)
        assert over.acquire(timeout=300), "no preview came"
        assert [result.record_hash for result in told if not result.more] == ["a", "b", "d"]
        # One seed, one world, whichever process draws it.
        assert told[0].without[:2] == told[1].without[:2]
        for process in worker.processes:
            assert process.pid is not None
            assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
    finally:
        worker.close()
    assert not any(process.is_alive() for process in worker.processes)
    assert not worker.start(task(), take)
