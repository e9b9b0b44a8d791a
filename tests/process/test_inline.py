"""A venue within the swarm's own process: for demos, and it says that it is not durable."""

import signal
from pathlib import Path

import pytest

from brokers.venue_log import LOG
from tests.process.daemon import Processes


@pytest.mark.slow
def test_inline_venue_trades_and_keeps_nothing(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    try:
        processes.start("--venue", "inline")
        processes.wait_traded(2)
        processes.kill("swarm", signal.SIGTERM)
        assert processes.wait_ended() == 0
        assert "the venue is inline: it is not durable" in processes.output.read_text()
        assert not (processes.folder / LOG).exists()
    finally:
        processes.close()
